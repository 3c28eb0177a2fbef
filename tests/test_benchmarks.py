"""The benchmarks, for who lacks their data."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["auckland", "closed"])
def test_without_its_data_a_benchmark_says_what_it_takes(name, tmp_path):
    command = [sys.executable, "-m", f"benchmarks.{name}", str(tmp_path / "none"), str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert (
        done.returncode == 1 and "nothing is measured. It must hold" in done.stderr and "Traceback" not in done.stderr
    )
