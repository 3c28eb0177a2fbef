"""On a machine that lacks what Linux has, a notebook runs all the same, and doctor says what is not guarded."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import typical
from small_notebook import PARENT, write

from flows import machine
from flows.operations import doctor
from flows.record.record import differences, read_record
from flows.settings import ROOT

pytestmark = pytest.mark.kernel
LACKING = """
import ctypes, resource, sys
from pathlib import Path
import flows.machine as machine
machine._prctl, machine.PROC, machine.can_fork = (lambda: None), Path('/nowhere'), (lambda: False)
del resource.prlimit
import flows.record.process as process
process.START = Path('/nowhere')
from flows.notebook import forkserver
forkserver.start()
"""


ENDS = {"1 + 1": "succeeded", "import os; os.kill(os.getpid(), 9)": "kernel died"}


@pytest.mark.parametrize("cell", typical(ENDS, "1 + 1"))
def test_a_notebook_runs_where_nothing_of_linux_is(cell, tmp_path):
    folder = tmp_path / "run"
    words = [sys.executable, "-c", LACKING + PARENT, str(write(tmp_path, cell)), str(folder)]
    done = subprocess.run(words, cwd=ROOT / "tests", capture_output=True, text=True, check=False)
    record = read_record(folder)
    assert record.outcome == ENDS[cell] and differences(folder) == [], done.stderr


def test_doctor_says_what_is_not_guarded(monkeypatch):
    assert machine.unguarded() == [] and "not guarded" not in doctor.python().says
    monkeypatch.setattr(machine, "_prctl", lambda: None)
    monkeypatch.setattr(machine, "PROC", Path("/nowhere"))
    monkeypatch.delattr(machine.resource, "prlimit")
    says = doctor.python().says
    assert all(word in says for word in ("not guarded on Linux", "prctl", "prlimit", "/proc"))
    machine.end_with_parent()
    machine.limit_memory(1, 1)
    assert machine.oom_kills() == 0 and not doctor.python().mend
