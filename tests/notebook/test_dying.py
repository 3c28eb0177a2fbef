"""Every way to die, for real: flow, kernel, servers; after each the invariants hold and the record tells the truth.

A run here is the flow `explore` on a small notebook in the real one's place: its cells leave marks in ``out/`` when
they begin and end, so that what the record says of a cell can be held against what the cell did.
"""

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import invariants
import nbformat
import psutil
import pytest
from conftest import footfall, free_port, wait_for
from mlflow_records import ABOUT, handed_over
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from proxy import Proxy
from small_notebook import HUGE, PARENT, write

from flows.record import banner, record
from flows.record import folder as folders
from flows.record.folder import abandoned, claim
from flows.record.record import differences, read_record
from flows.settings import ROOT, home
from footfall.errors import EnvironmentProblem

pytestmark = pytest.mark.kernel

ROUNDS = int(os.environ.get("FOOTFALL_ROUNDS", 20))
TABLE = ROOT / ".footfall" / "ways-of-dying.txt"
REGEX = r"import re; re.match(r'(a+)+$', 'a' * 40 + 'b')"
STEP = "import time\nopen('out/began-{0}', 'w').close()\n{1}\ntime.sleep(0.1)\nopen('out/ended-{0}', 'w').close()"
VERDICT = "import json; json.dump({'sentence': 'fit'}, open('out/verdict.json', 'w'))"
DAEMON = "import os, subprocess; subprocess.Popen(['setsid', 'sleep', '600'])"

# way of dying: the cell, what is set, the outcome, what the reason says
WAYS = {
    "exception": ("1 / 0", {}, "failed", "ZeroDivisionError: division by zero"),
    "sys.exit(0)": ("import sys; sys.exit(0)", {}, "failed", "The cell called sys.exit"),
    "os._exit(0)": ("import os; os._exit(0)", {}, "kernel died", r"while this cell ran \(exit code 0\)"),
    "kernel killed": ("import os; os.kill(os.getpid(), 9)", {}, "kernel died", r"while this cell ran \(SIGKILL\)"),
    "kernel aborts": ("import os; os.abort()", {}, "kernel died", r"while this cell ran \(SIGABRT\)"),
    "an array too large": (HUGE, {"memory_mb": 700}, "out of memory", "limit is 700 MB"),
    "cell too long": ("time.sleep(60)", {"cell_seconds": 2}, "timed out", "cell ran longer than its limit of 2 s"),
    "cell too long, holding the lock": (REGEX, {"cell_seconds": 2}, "timed out", "its limit of 2 s"),
    "notebook too long": ("time.sleep(60)", {"notebook_seconds": 4}, "timed out", "notebook ran longer .* 4 s"),
    "notebook too long, holding the lock": (REGEX, {"notebook_seconds": 4}, "timed out", "notebook ran longer .* 4 s"),
    "grandchildren, then exception": (f"{DAEMON}; 1 / 0", {}, "failed", "ZeroDivisionError"),
    "grandchildren, then kernel killed": (f"{DAEMON}; os.kill(os.getpid(), 9)", {}, "kernel died", "SIGKILL"),
    "grandchildren, then a good end": (DAEMON, {}, "succeeded", ""),
}  # fmt: skip


@pytest.fixture
def small(servers, tmp_path, monkeypatch):
    """Puts a small notebook in the place of explore.ipynb; its third step is `cell`."""

    def put(cell="pass", kernel="python3", steps=5):
        parameters = notebook_parameters()
        cells = [new_code_cell(STEP.format(n, cell if n == 3 else "pass")) for n in range(1, steps + 1)]
        book = new_notebook(cells=[new_markdown_cell("# Small"), parameters, *cells, new_code_cell(VERDICT)])
        book.metadata["kernelspec"] = {"name": kernel, "display_name": "Python 3", "language": "python"}
        nbformat.write(book, tmp_path / "explore.ipynb")
        monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(tmp_path))
        return tmp_path

    return put


def notebook_parameters():
    book = nbformat.read(ROOT / "notebooks" / "explore.ipynb", 4)
    return next(cell for cell in book.cells if "parameters" in cell.metadata.get("tags", []))


def started(station="explore"):
    return {path.parent.name for path in (home() / "runs").glob(f"*-{station}-sample-*/owner.json")}


def explore(**limits):
    """Run the flow in this process; the folder it left, and how the command ended."""
    before = started()
    done = footfall("explore", "sample", *(w for k, v in limits.items() for w in ("--set", f"limits.{k}={v}")))
    (name,) = started() - before
    return name, done


def dies(small, way):
    """One run that dies in this way; everything is checked."""
    cell, limits, outcome, reason = WAYS[way]
    small(cell)
    name, done = explore(**limits)
    record, mlflow, prefect = invariants.states(home(), name)
    assert record.outcome == outcome and re.search(reason, record.reason), (way, record.outcome, record.reason)
    good = outcome == "succeeded"
    assert (done.exit_code == 0, mlflow, prefect) == (
        (True, "FINISHED", "Completed") if good else (False, "FAILED", "Failed")
    )
    what_is_said_of_the_cells_is_true(home() / "runs" / name)
    assert good or record.cells[record.stopped_at - 1].number == record.stopped_at == 5, way
    invariants.check(home())
    return told(way, name, mlflow, prefect)


def what_is_said_of_the_cells_is_true(folder):
    """A cell called succeeded has ended, one called not run has not begun; the cells' own marks are the witness."""
    for path, cell in zip(
        _steps(folder), [c for c in read_record(folder).cells][-len(_steps(folder)) - 1 : -1], strict=True
    ):
        began, ended = path.exists(), path.with_name(path.name.replace("began", "ended")).exists()
        assert {"succeeded": ended, "failed": True, "not run": not began}[cell.status], (folder.name, path.name, cell)


def _steps(folder):
    count = (folder / "template" / "explore.ipynb").read_text().count("out/began-")
    return [folder / "out" / f"began-{n}" for n in range(1, count + 1)]


def told(way, name, mlflow, prefect):
    """The row of the table for this run, read from what it left."""
    record = read_record(home() / "runs" / name)
    page = (home() / "runs" / name / "explore.html").read_text()
    banner = nbformat.read(home() / "runs" / name / "explore.ipynb", 4).cells[0].source
    where = f"cell {record.stopped_at}" if record.stopped_at else "no cell"
    says = [
        f"{record.outcome}, {where}",
        *("the same" if f"explore {record.outcome}" in text else "ELSE" for text in (banner, page)),
    ]
    return way, *says, mlflow, prefect, "none"


def test_a_death_is_told_alike_everywhere(small):
    dies(small, "kernel killed")


@pytest.fixture(scope="module")
def table():
    rows = {}
    yield rows
    if rows:
        head = ("way of dying", "record", "notebook", "page", "MLflow", "Prefect", "processes left")
        lines = [" | ".join((*row, f"{times} times")) for row, times in sorted(rows.items())]
        TABLE.parent.mkdir(exist_ok=True)
        with TABLE.open("a") as out:
            out.write(" | ".join(head) + "\n" + "\n".join(lines) + "\n\n")


def count(table, row):
    table[row] = table.get(row, 0) + 1


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_dying_many_times(way, small, table):
    for _ in range(ROUNDS):
        count(table, dies(small, way))


@pytest.mark.soak
def test_an_unknown_kernel_and_one_that_does_not_start(small, table, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    spec = tmp_path / "kernels" / "broken"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "Broken", "language": "python"}')
    for kernel, says in {"fortran": "no kernel named 'fortran'", "broken": "did not start, twice"}.items():
        small(kernel=kernel)
        name, done = explore()
        record, mlflow, prefect = invariants.states(home(), name)
        assert record.outcome == "failed" and says in record.reason and done.exit_code != 0
        invariants.check(home())
        count(table, told(f"kernel {says}", name, mlflow, prefect))


def begin(notebooks):
    """The same flow in a process of its own."""
    log = (home() / "logs" / "dying.log").open("ab")
    words = [sys.executable, "-u", "-m", "flows.cli.main", "explore", "sample"]
    own = os.environ | {"FOOTFALL_NOTEBOOKS": str(notebooks)}
    return subprocess.Popen(words, cwd=ROOT, env=own, stdout=log, stderr=log)


def settle():
    """What the next start does before anything else."""
    from flows.station import run as station

    return station.recover(home() / "runs")


def sockets_of(flow):
    """The folders where a flow's kernels listen."""
    found = set()
    for process in psutil.Process(flow).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found |= {Path(one.laddr).parent for one in process.net_connections("unix") if "/footfall-" in one.laddr}
    return found


def killed_at(small, sent, instant, table=None):
    """Kill the flow at an instant (seconds after its run was claimed, or when its third step has begun)."""
    before, notebooks = started(), small("time.sleep(1)")
    flow = begin(notebooks)
    if instant == "step 3":
        while not any((home() / "runs" / name / "out" / "began-3").exists() for name in started() - before):
            time.sleep(0.02)
    else:
        while started() == before:
            time.sleep(0.01)
        time.sleep(instant)
    sockets = sockets_of(flow.pid)
    assert sockets or instant != "step 3"
    flow.send_signal(sent)
    flow.wait(60)
    invariants.check(home(), settled=False)
    assert not [folder for folder in sockets if folder.exists()]
    settle()
    invariants.check(home())
    for dead in started() - before:
        record, mlflow, prefect = invariants.states(home(), dead)
        assert record.outcome in ("interrupted", "succeeded"), (record.outcome, record.reason)
        what_is_said_of_the_cells_is_true(home() / "runs" / dead)
        assert prefect not in ("Running", "Pending"), prefect
        if table is not None:
            row = told(f"{signal.Signals(sent).name} of the flow", dead, mlflow, prefect)
            count(table, tuple(re.sub(r"cell \d+", "the cell that ran", text) for text in row))
        return record, mlflow, prefect
    return None


def test_a_flow_that_was_killed_is_on_record_after_the_next_start(small):
    record, mlflow, prefect = killed_at(small, signal.SIGKILL, "step 3")
    assert (record.outcome, record.stopped_at, mlflow, prefect) == ("interrupted", 5, "KILLED", "Crashed")


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_flow_killed_at_any_instant(sent, small, table):
    before, first = started(), begin(small("time.sleep(1)"))
    while started() == before:
        time.sleep(0.01)
    began = time.monotonic()
    first.wait(120)
    life, instants = time.monotonic() - began, random.Random(sent)
    for _ in range(ROUNDS):
        killed_at(small, sent, instants.uniform(0, life), table)


# Row 2: the kernel killed in every cell of the real notebooks.


def killed_in(station, number, monkeypatch, tmp_path):
    """The real notebook, whose kernel is killed in its code cell with this number."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        book = nbformat.read(path, 4)
        if path.stem == station:
            cell = [cell for cell in book.cells if cell.cell_type == "code"][number]
            cell.source += "\nimport os; os.kill(os.getpid(), 9)"
        nbformat.write(book, tmp_path / path.name)
    monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(tmp_path))
    before, began = started(station), time.monotonic()
    done = footfall(station, "sample", "--set", "train.backtest_days=60")
    (name,) = started(station) - before
    record, mlflow, prefect = invariants.states(home(), name)
    last = home() / "runs" / name / "progress.json"
    assert not last.exists() and time.monotonic() - began < record.seconds + 30
    return name, record, mlflow, prefect, done


def cells_of(station):
    book = nbformat.read(ROOT / "notebooks" / f"{station}.ipynb", 4)
    return range(1, len([cell for cell in book.cells if cell.cell_type == "code"]))


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("station", "number"), [(station, number) for station in ("train", "predict") for number in cells_of(station)]
)
def test_a_kernel_killed_in_each_cell(station, number, first_run, monkeypatch, tmp_path):
    name, record, mlflow, prefect, done = killed_in(station, number, monkeypatch, tmp_path)
    # with parameters injected a cell stands before it
    assert (record.outcome, record.stopped_at, mlflow, prefect) == ("kernel died", number + 2, "FAILED", "Failed"), name
    assert f"{station}.ipynb kernel died in cell {number + 2}" in done.output
    invariants.check(home(), market="sample")


# Mutants of rows 2 and 7: the experiments notice them.


def test_trusting_papermill_would_be_noticed(small, monkeypatch):
    def as_papermill_says(executed, progress):
        code = [cell for cell in executed.cells if cell.cell_type == "code"]
        words = {"completed": "succeeded", "failed": "failed"}
        statuses = [words.get(cell.metadata.papermill.status, "not run") for cell in code]
        return [record.Cell(number=n, title="", status=status) for n, status in enumerate(statuses, start=1)]

    monkeypatch.setattr(banner, "cells", as_papermill_says)
    with pytest.raises((AssertionError, TypeError)):
        dies(small, "kernel killed")
    monkeypatch.undo()
    for folder in (home() / "runs").glob("*-explore-sample-*"):  # what the mutant wrote stays nobody's record
        if (
            "not run" not in (folder / "record.json").read_text()
            and '"kernel died"' in (folder / "record.json").read_text()
        ):
            folder.rename(home() / f"mutant-{folder.name}")


LARGE = ["print('x' * {size})", *[f"open('out/began-{n}', 'w').close()" for n in range(1, 5)]]
MUTANT = """import flows.notebook.execute as n
n.AtomicWriter.write = staticmethod(lambda text, path: open(path.removeprefix(n.SCHEME), 'w').write(text))
"""


def killed_while_saving(tmp_path, size, mutant=""):
    """Kill the process in the midst of saving a notebook of this size; then the record tells the truth."""
    folder, template = tmp_path / "run", write(tmp_path, *(cell.replace("{size}", str(size)) for cell in LARGE))
    parent = subprocess.Popen([sys.executable, "-c", mutant + PARENT, str(template), str(folder)], cwd=ROOT / "tests",
                              stdout=subprocess.DEVNULL)  # fmt: skip
    while not _is_saving(folder, size) and parent.poll() is None:
        time.sleep(0.0005)
    parent.kill()
    parent.wait()
    invariants.no_kernel_is_left(tmp_path)
    record = abandoned(folder)
    assert record.outcome == "interrupted" and differences(folder) == []
    invariants.the_notebook_says_what_the_record_says(folder, record)
    statuses = [cell.status for cell in record.cells]
    assert statuses[2] == "succeeded", f"the cell with the large output did run: {statuses}"
    for n, status in enumerate(statuses[3:], start=1):
        assert (status == "not run") == (not (folder / "out" / f"began-{n}").exists()), (n, statuses)


def _is_saving(folder, size):
    """Whether a save of the large notebook is under way: the next one beside it, or the one itself cut short."""
    with contextlib.suppress(OSError):
        if (folder / "out" / "began-1").exists():
            part, whole = folder / ".running.ipynb.part", folder / "running.ipynb"
            return part.exists() or whole.stat().st_size < size
    return False


def test_a_kill_while_a_large_notebook_is_saved_leaves_a_whole_one(tmp_path):
    killed_while_saving(tmp_path, 30_000_000)


def test_saving_in_place_would_be_noticed(tmp_path):
    with pytest.raises(AssertionError):
        killed_while_saving(tmp_path, 30_000_000, MUTANT)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_thirty_kills_while_a_large_notebook_is_saved(tmp_path):
    sizes = random.Random(7)
    for n in range(30):
        (tmp_path / str(n)).mkdir()
        killed_while_saving(tmp_path / str(n), sizes.randrange(20_000_000, 100_000_000))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_starts_twelve_at_once(tmp_path):
    outcomes = []
    for batch in range(9):
        homes = [tmp_path / f"{batch}-{n}" for n in range(12 if batch < 8 else 4)]
        for one in homes:
            one.mkdir()
            write(one, "number")
        words = [[sys.executable, "-c", PARENT, str(one / "small.ipynb"), str(one / "run")] for one in homes]
        begun = [subprocess.Popen(one, cwd=ROOT / "tests", stdout=subprocess.DEVNULL) for one in words]
        assert [one.wait(300) for one in begun] == [0] * len(homes)
        outcomes += [read_record(home / "run").outcome for home in homes]
    assert outcomes == ["succeeded"] * 100


# Rows 15 to 17: MLflow away, cut, locked.


@pytest.fixture
def second(servers, monkeypatch):
    """A second MLflow server on the same database, which can be stopped and started; the client talks to it."""
    port = free_port()
    words = ["-m", "mlflow", "server", "--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination",
             "artifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]  # fmt: skip
    running = []

    def start():
        log = (home() / "logs" / "mlflow-second.log").open("ab")
        apart = {"stdout": log, "stderr": log, "start_new_session": True}
        running.append(subprocess.Popen([sys.executable, *words], cwd=home(), **apart))  # its path stands in no address
        wait_for(f"http://127.0.0.1:{port}/health", running[-1])

    def stop():
        os.killpg(running[-1].pid, signal.SIGKILL)
        running[-1].wait()

    start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    yield start, stop
    if running[-1].poll() is None:
        stop()


def when_step_3_has_begun(before, act):
    def watch():
        while not any((home() / "runs" / name / "out" / "began-3").exists() for name in started() - before):
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("back", [True, False])
def test_mlflow_stopped_during_a_run(back, small, second, table, monkeypatch, servers):
    start, stop = second
    small("time.sleep(2)")
    thread = when_step_3_has_begun(started(), stop)
    began = time.monotonic()
    name, done = explore()
    thread.join()
    waited = time.monotonic() - began - read_record(home() / "runs" / name).seconds
    assert done.exit_code == 4 and "MLflow at http://127.0.0.1" in done.output and waited < 60, done.output
    record = read_record(home() / "runs" / name)
    assert record.outcome == "succeeded" and not (home() / "runs" / name / "delivered").exists()
    if back:
        time.sleep(max(0, 60 - waited))
        start()
    else:
        began = time.monotonic()
        silent, done = explore()
        assert done.exit_code == 4 and "MLflow at" in done.output and time.monotonic() - began < 60
        monkeypatch.setenv("MLFLOW_TRACKING_URI", servers["MLFLOW_TRACKING_URI"])
    handed_over()
    settle()
    invariants.check(home())
    _, mlflow, prefect = invariants.states(home(), name)
    count(table, told(f"MLflow away, {'60 s' if back else 'for good, later another'}", name, mlflow, prefect))


def test_a_record_that_mlflow_does_not_take_waits_and_is_named(small, servers, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    small()
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", proxy.url.replace("://", f"://reader:{invariants.CANARY}@"))
        proxy.add("reset", "PUT .*explore.html", times=9)
        name, done = explore()
    assert done.exit_code == 4 and f"MLflow at {proxy.url}" in done.output
    assert invariants.CANARY not in done.output
    handed_over()
    assert f"delivered the record of {name}: succeeded" in settle()
    invariants.check(home())


def test_a_lost_reply_makes_no_second_run(small, servers, monkeypatch):
    small()
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("lose", "POST .*runs/create")
        name, done = explore()
    assert done.exit_code == 0, done.output
    assert sum("runs/create" in request for request in proxy.requests) == 2
    invariants.check(home())


@pytest.mark.parametrize("times", [1, 9])
def test_an_upload_that_is_cut_leaves_no_half_record_and_no_champion(times, servers, tmp_path, monkeypatch):
    from flows.champion import registry
    from flows.record import mlflow_runs

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    claim(tmp_path / "runs" / "one", write(tmp_path, "1"), {"market": "m"})
    model = tmp_path / "model"
    model.mkdir()
    (model / "forecaster.zip").write_bytes(random.Random(times).randbytes(300_000))
    (model / "about.json").write_text(ABOUT)
    (tmp_path / "runs" / "one" / "out").mkdir()
    (tmp_path / "runs" / "one" / "out" / "large").write_bytes(bytes(300_000))
    folders.not_begun(tmp_path / "runs" / "one", ValueError("x"))
    run = mlflow_runs.start(tmp_path / "runs" / "one")
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("clip", "PUT .*forecaster.zip", times)
        proxy.add("clip", "PUT .*large", times)
        with contextlib.nullcontext() if times == 1 else pytest.raises(EnvironmentProblem, match="MLflow at"):
            version = registry.register("cut", run, model, {"gate": "passed"})
            registry.lay_down("cut", version, tmp_path / "proof")  # the proof before every promotion
        with contextlib.nullcontext() if times == 1 else pytest.raises(EnvironmentProblem, match="MLflow at"):
            mlflow_runs.deliver(tmp_path / "runs" / "one")
    assert (tmp_path / "proof").exists() == (times == 1)
    handed_over()
    mlflow_runs.deliver(tmp_path / "runs" / "one")
    assert differences(mlflow_runs.fetch(run, tmp_path / "fetched")) == []


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds", [10, 120])
def test_a_locked_database_is_waited_for_or_named(seconds, small, table):
    small("time.sleep(1)")

    def lock():
        held = sqlite3.connect(home() / "mlflow.db", timeout=30, isolation_level=None, check_same_thread=False)
        held.execute("BEGIN IMMEDIATE")
        threading.Timer(seconds, held.close).start()

    thread = when_step_3_has_begun(started(), lock)
    began = time.monotonic()
    name, done = explore()
    thread.join()
    if seconds == 10:
        assert done.exit_code == 0, done.output
    else:
        assert done.exit_code == 4 and "MLflow at" in done.output and time.monotonic() - began < 80
        time.sleep(max(0, seconds + 5 - (time.monotonic() - began)))
        handed_over()
        settle()
    invariants.check(home())
    _, mlflow, prefect = invariants.states(home(), name)
    count(table, told(f"database locked for {seconds} s", name, mlflow, prefect))
