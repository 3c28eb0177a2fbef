"""The committed notebooks: what they show is what their code shows today, and their shape is the house's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.kernel

ROOT = Path(__file__).parents[1]
NAMES = ("explore", "train", "predict", "review")  # in this order: each reads what the one before wrote
NBVAL = [sys.executable, "-m", "pytest", "--nbval", "-q", "-o", "addopts=", "--nbval-cell-timeout=240"]


def test_a_fresh_run_shows_what_is_stored():
    paths = [f"notebooks/{name}.ipynb" for name in NAMES]
    done = subprocess.run([*NBVAL, *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_changed_number_is_noticed(tmp_path):
    """The guard bites: one number changed in explore.ipynb's code, and nbval fails on that cell."""
    (tmp_path / "notebooks").mkdir()
    shutil.copytree(ROOT / "resources" / "sample", tmp_path / "resources" / "sample")
    path = tmp_path / "notebooks" / "explore.ipynb"
    text = (ROOT / "notebooks" / "explore.ipynb").read_text()
    assert text.count("y[-7:].mean()") >= 1
    path.write_text(text.replace("y[-7:].mean()", "y[-8:].mean()"))
    done = subprocess.run([*NBVAL, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "last 7 days" in done.stdout, done.stdout[-2000:]


def test_what_is_committed_is_in_step():
    from flows.authoring.pairing import out_of_step

    assert not list(out_of_step([ROOT / "notebooks" / f"{name}.ipynb" for name in NAMES]))


def test_a_changed_cell_puts_outputs_and_text_out_of_step(tmp_path):
    from flows.authoring.pairing import note_code, out_of_step, write_text

    path = tmp_path / "explore.ipynb"
    book = nbformat.read(ROOT / "notebooks" / "explore.ipynb", 4)
    note_code(book)
    nbformat.write(book, path)
    assert write_text(path) and not write_text(path) and not list(out_of_step([path]))
    book.cells[-1].source += "\n"
    nbformat.write(book, path)
    assert [said.rpartition(" ")[2] for said in out_of_step([path])] == ["refresh", "text"]


def test_a_changed_output_is_out_of_step(tmp_path):
    from flows.authoring.pairing import note_code, out_of_step, write_text

    path, text = tmp_path / "train.ipynb", (ROOT / "notebooks" / "train.ipynb").read_text()
    book = nbformat.reads(text, 4)
    note_code(book)
    nbformat.write(book, path)
    write_text(path)
    assert text.count("182 origins") == 1 and not list(out_of_step([path]))
    path.write_text(path.read_text().replace("182 origins", "183 origins"))
    (said,) = out_of_step([path])
    assert said == "train.ipynb: its outputs are of other code; run footfall notebooks refresh"


def cells(name, kind):
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    return [cell for cell in book.cells if cell.cell_type == kind]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_an_essay(name):
    code, prose = cells(name, "code"), cells(name, "markdown")
    assert 6 <= len(code) <= 12
    assert re.match(r"# \w+: .*\n\n.*\*Reads\* .*\*Writes\* ", prose[0].source, re.DOTALL)
    letters = {kind: sum(len(c.source) for c in some) for kind, some in {"code": code[2:], "prose": prose}.items()}
    assert letters["prose"] >= letters["code"]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_holds_no_definitions_no_servers_and_no_paths(name):
    source = "\n".join(cell.source for cell in cells(name, "code"))
    assert not re.search(
        r"^\s*(def|class|import os|import sys)\b|lambda|mlflow|prefect|google|http|environ", source, re.M
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_executed_and_without_traces_of_a_machine(name):
    code = cells(name, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
    assert not any("execution" in cell.metadata or "papermill" in cell.metadata for cell in code)
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)


def test_the_sample_snapshot_is_that_of_the_sample(tmp_path):
    import datetime as dt

    from footfall.series import to_parquet
    from footfall.sources.google.read import read_google

    sample = ROOT / "resources" / "sample"
    reading = read_google(sample, ["PT"], dt.date(2022, 12, 31))
    assert (sample / "snapshot.parquet").read_bytes() == to_parquet(reading.series)
