"""A candidate of one's own class: in the notebook it is refused at once, and a slow one ends with who asked for it."""

import os
import signal
import subprocess
import sys

import nbformat
import psutil
import pytest
from conftest import footfall, typical
from figures import retail

from footfall.errors import DataProblem
from footfall.evaluation.rolling import roll
from footfall.models import LogLevel, SeasonalNaive

SLOW = """
import time
from footfall.models import SeasonalNaive

class Slow(SeasonalNaive):
    def fit(self, y, X=None, fh=None):
        print("it fits", flush=True)
        time.sleep(600)
"""
OWN = "class Mine(SeasonalNaive):\n    pass"
SAYS = "class Mine is the notebook's own; move it into a module of footfall/models/, where predict finds it"
FUNCTION = "from sktime.transformations.series.func_transform import FunctionTransformer"
WRITE = "function <lambda> is the notebook's own; write it as a class in a module of footfall/models/"


@pytest.fixture
def candidate(thin_notebooks, tmp_path, monkeypatch):
    """Put lines into the candidates cell of notebooks of its own, to which all are led."""

    def put(*lines):
        book = nbformat.read(thin_notebooks / "train.ipynb", 4)
        (cell,) = [cell for cell in book.cells if "candidates" in cell.metadata.get("tags", [])]
        cell.source = "\n".join([cell.source, *lines])
        nbformat.write(book, tmp_path / "train.ipynb")
        monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(tmp_path))

    return put


@pytest.mark.parametrize(
    ("defines", "mine", "says"),
    [(OWN, "front * Mine()", SAYS), (FUNCTION, "FunctionTransformer(lambda y: y / 2) * SeasonalNaive()", WRITE)],
)
def test_what_is_the_notebook_s_own_is_refused_before_anything_is_asked(defines, mine, says, candidate):
    candidate(defines, f'candidates["mine"] = {mine}')
    told = footfall("try", "mine")
    assert told.exit_code == 3 and says in told.output, told.output


def test_a_training_refuses_it_before_its_backtest():
    class Mine(SeasonalNaive):
        def _fit(self, y, X, fh):
            raise AssertionError("it was asked")

    Mine.__module__ = "__main__"
    with pytest.raises(DataProblem, match=SAYS):
        roll({("PT", "retail_and_recreation"): retail()}, {"mine": LogLevel() * Mine()}, 70, 7, 3)


TRY, BACKTEST = ("try", "slow"), ("backtest", "sample", "--candidate", "slow")
ASKED = [(signal.SIGTERM, TRY), (signal.SIGTERM, BACKTEST), (signal.SIGINT, TRY), (signal.SIGINT, BACKTEST)]


@pytest.mark.parametrize(("sent", "words"), typical(ASKED, (signal.SIGTERM, TRY), (signal.SIGINT, BACKTEST)))
def test_one_signal_ends_whoever_waits_for_a_slow_candidate(sent, words, candidate, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    candidate("from slow import Slow", 'candidates["slow"] = Slow()')
    span = ("--from", "2022-09-20", "--to", "2022-09-22") if words[0] == "backtest" else ()
    command = [sys.executable, "-m", "flows.cli.main", *words, *span]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as asked:
        try:
            assert asked.stdout.readline() == "it fits\n"
            family = psutil.Process(asked.pid).children(recursive=True)
            asked.send_signal(sent)
            assert asked.wait(timeout=30) == 130
            assert not psutil.wait_procs(family, timeout=5)[1]
        finally:
            asked.kill()
