"""The benchmarks, for who lacks their data."""

import runpy
import sys

import pytest

from flows.settings import ROOT


@pytest.mark.parametrize("name", ["auckland", "closed"])
def test_without_its_data_a_benchmark_says_what_it_takes(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setattr(sys, "argv", [name, str(tmp_path / "none"), str(tmp_path)])
    with pytest.raises(SystemExit, match=r"nothing is measured\. It must hold"):
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
