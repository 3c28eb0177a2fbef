"""Whether a noted process lives, whatever happens to the clock and to the numbers of processes."""

import datetime as dt
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from small_notebook import write

from flows.record.folder import abandoned, claim, not_begun, unfinished
from flows.record.owner import read_owner, write_owner
from flows.record.process import Process, this_process
from flows.record.record import differences
from footfall.errors import DataProblem

pytestmark = pytest.mark.kernel


@pytest.fixture
def clock_is_set(tmp_path, monkeypatch):
    """The machine as psutil sees it once its clock was put ahead by an hour."""

    def later(*pids):
        told = Path("/proc/stat").read_text()
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc" / "stat").write_text(re.sub(r"btime (\d+)", lambda m: f"btime {int(m[1]) + 3600}", told))
        for pid in pids:
            (tmp_path / "proc" / str(pid)).symlink_to(f"/proc/{pid}")
        monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))

    return later


def test_a_run_goes_on_when_the_clock_is_set(tmp_path, clock_is_set):
    claim(tmp_path / "runs" / "one", write(tmp_path, "1"), {"market": "m"})
    before = psutil.Process().create_time()
    clock_is_set(os.getpid())
    assert psutil.Process().create_time() == before + 3600, "or nothing is tested here"
    assert list(unfinished(tmp_path / "runs")) == []


def test_a_run_that_ends_before_it_began_by_the_clock_took_no_time(tmp_path):
    folder = tmp_path / "runs" / "one"
    claim(folder, write(tmp_path, "1"), {"market": "m"})
    hour_ago = time.time() - 3600  # what is written after the clock was set back
    for path in folder.glob("*"):
        os.utime(path, (hour_ago, hour_ago))
    assert abandoned(folder).seconds == 0


def test_a_run_took_as_long_as_it_was_at_it_also_before_its_notebook_began(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": "m"})
    owner = read_owner(tmp_path / "run")
    write_owner(tmp_path / "run", owner.model_copy(update={"started": owner.started - dt.timedelta(seconds=60)}))
    minute_ago = time.time() - 60  # nothing was written since
    for path in (tmp_path / "run").glob("*"):
        os.utime(path, (minute_ago, minute_ago))
    assert 60 <= not_begun(tmp_path / "run", DataProblem("till.csv:3: no number")).seconds < 120


@pytest.mark.parametrize("torn", ["running.ipynb", "progress.json"])
def test_where_the_machine_stopped_half_a_run_is_recorded_all_the_same(torn, tmp_path):
    folder = tmp_path / "runs" / "one"
    claim(folder, template := write(tmp_path, "1"), {"market": "m"})
    (folder / "running.ipynb").write_bytes(template.read_bytes())
    (folder / "progress.json").write_text('{"seconds": {"1": 0.5}}')
    (folder / torn).write_text("")
    assert {cell.status for cell in abandoned(folder).cells} == {"not run"}


def test_one_that_died_with_its_record_written_is_whole(tmp_path):
    folder = tmp_path / "runs" / "one"
    claim(folder, template := write(tmp_path, "1"), {"market": "m"})
    abandoned(folder)
    (folder / "running.ipynb").write_bytes(template.read_bytes())
    (folder / "progress.json").write_text("{}")
    assert differences(folder) and abandoned(folder).outcome == "interrupted" and differences(folder) == []


def test_another_process_with_its_number_is_not_it():
    assert this_process().lives()
    start, ticks = this_process().born.split()
    assert not Process(pid=os.getpid(), born=f"{start} {int(ticks) - 1}").lives()
    assert not Process(pid=os.getpid(), born=f"another-start-of-the-machine {ticks}").lives()


def test_what_older_versions_noted_is_understood():
    assert Process(pid=os.getpid(), born=psutil.Process().create_time()).lives()
    assert not Process(pid=os.getpid(), born=1.5).lives()


def test_a_zombie_is_dead():
    told = "from flows.record.process import this_process; print(this_process().model_dump_json(), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", told], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    noted = Process.model_validate_json(child.stdout.readline())
    assert noted.lives()
    child.stdin.close()
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.pid_exists(child.pid) and not noted.lives()
    child.wait()
    assert not noted.lives()
