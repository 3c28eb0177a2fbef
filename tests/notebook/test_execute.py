"""One notebook at a time, with real kernels that really die."""

import ast
import json
import keyword
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from conftest import typical
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook
from papermill.parameterize import parameterize_notebook
from small_notebook import HUGE, PARENT, write

from flows.notebook.execute import AtomicWriter, run_notebook
from flows.notebook.forkserver import MARK, ForkServer, environment, new_mark, start
from flows.operations.audit import repeat
from flows.record import folder as folders
from flows.record.folder import abandoned, claim, last_good, not_begun, prune, standing, unfinished
from flows.record.record import Record, differences, read_record
from flows.settings import ROOT
from footfall.digest import sha256
from footfall.errors import DataProblem
from footfall.params import Limits

pytestmark = pytest.mark.kernel

NAMES = st.from_regex(r"[a-z_]{1,9}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
LITERALS = st.recursive(
    st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False), st.lists, max_leaves=6
)


@pytest.fixture(autouse=True, scope="module")
def fork_server():
    """Most kernels of the product come from there."""
    start()


def run(folder, *cells, number=7, kernel="python3", **limits):
    said, limits = [], Limits(**{"cell_seconds": 60, **limits})
    claim(folder / "run", write(folder, *cells, kernel=kernel), {"market": "m", "as_of": "2022-10-13"})
    return run_notebook(folder / "run", {"number": number}, said.append, limits), said


def kept(folder):
    """The record, the notebook and its page as they lie on disk."""
    record = Record.model_validate_json((folder / "run" / "record.json").read_text())
    return record, nbformat.read(folder / "run" / "small.ipynb", 4), (folder / "run" / "small.html").read_text()


def test_a_good_run_says_so_and_keeps_what_was_written(tmp_path):
    record, said = run(tmp_path, "open('out/answer.txt', 'w').write(str(number))")
    assert (record.outcome, record.stopped_at, record.reason) == ("succeeded", None, "")
    assert record.outputs == {"answer.txt": sha256(b"7")}
    assert [cell.status for cell in record.cells] == ["succeeded"] * 3
    assert len(said) == 3 and said[2].startswith("small [3]")
    written, book, page = kept(tmp_path)
    assert written == record and "FAILED" not in page and '<div class="alert alert-success">' in page
    assert re.search(r"<blockquote>\s*<p>✓ <strong>small succeeded</strong>", page)


def test_the_notebook_is_not_written_for_texts(tmp_path, monkeypatch):
    written, write_it = [], AtomicWriter.write
    monkeypatch.setattr(AtomicWriter, "write", lambda text, path: (written.append(text), write_it(text, path)))
    run(tmp_path, "'first'", "'second'")
    assert len(written) == 3 + 2 * 4, "as Papermill begins and twice as it ends"


def test_a_wide_table_as_text_is_not_cut(tmp_path):
    run(tmp_path, "import pandas\npandas.DataFrame([range(12)], columns=[f'column {i}' for i in range(12)])")
    shown = kept(tmp_path)[1].cells[-1].outputs[0].data["text/plain"]
    assert shown.count("column") == 12, shown


# ending: cell, outcome, what the reason says
ENDINGS = {
    "exception": ("1 / 0", "failed", "ZeroDivisionError: division by zero"),
    "sys.exit": ("import sys; sys.exit(0)", "failed", "The cell called sys.exit"),
    "os._exit": (
        "import os; os._exit(0)",
        "kernel died",
        r"The kernel's process ended while this cell ran (exit code 0)",
    ),
    "kill -9": ("import os; os.kill(os.getpid(), 9)", "kernel died", "while this cell ran (SIGKILL)"),
    "too long": ("import time; time.sleep(60)", "timed out", "longer than its limit of 3 s (limits.cell_seconds)"),
    "too long, holding the lock": (r"import re; re.match(r'(a+)+$', 'a' * 40 + 'b')", "timed out", "limit of 3 s"),
}


@pytest.mark.parametrize("ending", typical(list(ENDINGS), *list(ENDINGS)[:4], "too long, holding the lock"))
def test_whatever_ends_a_run_the_record_says_so(ending, tmp_path):
    cell, outcome, reason = ENDINGS[ending]
    record, _ = run(tmp_path, "'before'", cell, "'after'", cell_seconds=3)
    assert record.outcome == outcome and reason in record.reason
    assert [one.status for one in record.cells] == ["succeeded"] * 3 + ["failed", "not run"]
    assert record.stopped_at == 4
    written, book, page = kept(tmp_path)
    assert written == record
    statuses = [c.metadata["footfall"]["status"] for c in book.cells if c.cell_type == "code"]
    assert statuses == ["succeeded"] * 3 + ["failed", "not run"]
    assert f"small {outcome}" in book.cells[0].source and "#Stopped-here" in book.cells[0].source
    assert "FAILED" in book.cells[0].source and '<div class="alert alert-danger">' in page, "in words, and in red"
    assert 'href="#Stopped-here"' in page and 'id="Stopped-here"' in page
    assert "papermill" not in json.dumps(book.metadata)


MEMORY = {
    "an array too large": HUGE,
    "a list too long": "x = [0] * 300_000_000",
    "many small things": "x = []\nwhile True: x.append(bytes(50_000))",
}


@pytest.mark.parametrize("how", ["an array too large", "many small things"])
def test_a_kernel_that_takes_too_much_memory_is_stopped_and_nobody_else_is(how, tmp_path):
    neighbour = subprocess.Popen([sys.executable, "-c", "x = bytearray(600 << 20); input()"], stdin=subprocess.PIPE)
    record, _ = run(tmp_path, "'before'", MEMORY[how], "'after'", memory_mb=512)
    assert record.outcome == "out of memory" and "limit is 512 MB (limits.memory_mb)" in record.reason
    assert [one.status for one in record.cells] == ["succeeded"] * 3 + ["failed", "not run"]
    assert neighbour.poll() is None
    neighbour.communicate(b"\n")


def test_a_kernel_that_died_at_its_limit_died_of_it(tmp_path):
    fill = "x = []\ntry:\n    while True: x.append(bytes(50_000))\nexcept MemoryError: pass"
    record, _ = run(tmp_path, f"{fill}\nimport os, time; time.sleep(1); os.abort()", memory_mb=512)
    assert (record.outcome, record.stopped_at) == ("out of memory", 3) and "limit is 512 MB" in record.reason


FILL = "x = []\ntry:\n    while True: x.append(bytes(50_000))\nexcept MemoryError: pass\n"
RICH = "from rich.traceback import install; install()\n"
HANDLER = "get_ipython().set_custom_exc((Exception,), lambda *error, tb_offset=None: print('\\x1b[31mseen\\x1b[0m'))\n"
RAISE = "raise ValueError('no figures')"
NAMELESS = "raise type('', (Exception,), {})()"
SILENT = "The cell failed without words; its last output: "
EATEN = {  # what took the words: the cell, the outcome, the error's class, what the reason says
    "rich": (RICH + RAISE, "failed", "ValueError", f"ValueError: no figures. {SILENT}"),
    "a handler": (HANDLER + RAISE, "failed", "ValueError", f'ValueError: no figures. {SILENT}"seen".'),
    "rich, of sys.exit": (RICH + "import sys; sys.exit(0)", "failed", "SystemExit", "The cell called sys.exit"),
    "a handler, of a class without a name": (HANDLER + NAMELESS, "failed", "", f'{SILENT}"seen".'),
    "rich, of memory": (RICH + MEMORY["many small things"], "out of memory", "MemoryError", "limit is 512 MB"),
    "memory that is full": (HANDLER + FILL + NAMELESS, "out of memory", "", "limit is 512 MB"),
}


@pytest.mark.parametrize("how", EATEN)
def test_an_error_whose_words_were_eaten_is_no_lack_of_memory_without_evidence(how, tmp_path):
    cell, outcome, error_type, reason = EATEN[how]
    record, _ = run(tmp_path, cell, "'after'", memory_mb=512)
    assert (record.outcome, record.error_type, record.stopped_at) == (outcome, error_type, 3), record.reason
    assert reason in record.reason and "\x1b" not in record.reason and len(record.reason) < 500


def test_what_a_notebook_asserts_is_told_in_its_own_words(tmp_path):
    record, _ = run(tmp_path, "assert 1 > 2, 'no day may be negative'")
    assert (record.error_type, record.reason) == ("AssertionError", "no day may be negative")


def test_a_record_made_before_errors_had_a_class_still_reads(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": "m"})
    assert not_begun(tmp_path / "run", DataProblem("x")).error_type == "DataProblem"
    fields = json.loads((tmp_path / "run" / "record.json").read_text())
    del fields["error_type"]
    (tmp_path / "run" / "record.json").write_text(json.dumps(fields))
    assert read_record(tmp_path / "run").error_type == "" and differences(tmp_path / "run") == []


@pytest.mark.parametrize("how", typical(["too long", "too long, holding the lock"], "too long, holding the lock"))
def test_a_notebook_has_a_time_limit_too(how, tmp_path):
    began = time.monotonic()
    record, _ = run(tmp_path, "'before'", ENDINGS[how][0], "'after'", notebook_seconds=3)
    assert (
        record.outcome == "timed out"
        and record.reason == "The notebook ran longer than its limit of 3 s (limits.notebook_seconds)."
    )
    assert record.stopped_at == 4 and record.cells[-1].status == "not run"
    assert time.monotonic() - began < 30


def test_a_kernel_that_does_not_start_is_tried_twice_and_told(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "broken"
    spec.mkdir(parents=True)
    told = ["/bin/sh", "-c", f"echo x >> {tmp_path}/tried; exit 1"]
    (spec / "kernel.json").write_text(json.dumps({"argv": told, "display_name": "Broken", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    record, _ = run(tmp_path, "1", kernel="broken")
    assert record.outcome == "failed" and record.reason.startswith("The kernel did not start, twice")
    assert (tmp_path / "tried").read_text() == "x\nx\n" and {cell.status for cell in record.cells} == {"not run"}


def test_an_unknown_kernel_is_named(tmp_path):
    record, _ = run(tmp_path, "1", kernel="fortran")
    assert record.outcome == "failed" and "'fortran'" in record.reason
    assert {cell.status for cell in record.cells} == {"not run"}


def test_a_run_that_never_began_is_recorded_too(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1 + 1"), {"market": "m"})
    record = not_begun(tmp_path / "run", DataProblem("figures.csv:3:value: x — not a number"))
    written, book, page = kept(tmp_path)
    assert written == record and record.outcome == "failed"
    assert record.reason == "DataProblem: figures.csv:3:value: x — not a number"
    assert "figures.csv:3:value" in page and {cell.status for cell in record.cells} == {"not run"}


# forked twice, in a session of its own, nothing of the kernel's open, its folder left: as daemons have it
FORKED = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open('out/part', 'w') as told:
            told.write(str(os.getpid()))
        os.rename('out/part', 'out/pid')
        os.chdir('/')
        os.closerange(0, 1000)
        time.sleep(600)
    os._exit(0)
while not os.path.exists('out/pid'):
    time.sleep(0.01)
"""
STARTED = "import subprocess; open('out/pid', 'w').write(str(subprocess.Popen({}).pid))"
FORKED_DAEMON = "a daemon that was only forked"
DESCENDANTS = {
    "a child": STARTED.format(["sleep", "600"]),
    "a daemon": STARTED.format(["setsid", "sleep", "600"]),
    FORKED_DAEMON: FORKED,
}


@pytest.mark.parametrize("descendant", typical(["a daemon", FORKED_DAEMON], FORKED_DAEMON))
def test_no_descendant_of_a_kernel_outlives_its_run(descendant, tmp_path):
    spawn = DESCENDANTS[descendant]
    for name, ending in {"good": "1", "bad": "1 / 0", "dead": "import os; os.kill(os.getpid(), 9)"}.items():
        (tmp_path / name).mkdir()
        run(tmp_path / name, spawn, ending)
        assert_gone(int((tmp_path / name / "run" / "out" / "pid").read_text()))


def assert_gone(pid, seconds=5):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)  # the mutant that lets it live leaves nothing on the machine either
    raise AssertionError(f"process {pid} was alive {seconds} s after its run ended")


@pytest.mark.parametrize("parent", typical(["PARENT", "FORKING"], "FORKING"))
def test_a_kernel_dies_with_a_killed_parent(tmp_path, parent):
    template = write(
        tmp_path, "import os; open('out/pid', 'w').write(str(os.getpid()))", "import time; time.sleep(600)"
    )
    command = [sys.executable, "-c", globals()[parent], str(template), str(tmp_path / "run")]
    parent = subprocess.Popen(command, cwd=ROOT / "tests")
    pid = tmp_path / "run" / "out" / "pid"
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.05)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert_gone(int(pid.read_text()))


FORKING = "from flows.notebook import forkserver; forkserver.start()" + PARENT


def test_a_kernel_is_not_taken_for_a_dead_one_that_had_its_number(tmp_path):
    """A machine gives the numbers of its processes again: after weeks, or where it is busy within the hour."""
    last = Path("/proc/sys/kernel/ns_last_pid")
    if not os.access(last, os.W_OK):
        pytest.skip("the number of the next process cannot be chosen here")
    server = ForkServer("review")

    def fork():
        env = environment() | {MARK: new_mark()}
        argv = ["ipykernel_launcher", "-f", f"{tmp_path}/k.json"]
        return server.fork({"cwd": str(tmp_path), "env": env, "argv": argv})

    for _ in range(30):  # others begin processes as well
        first = fork()
        first.kill()
        assert first.wait() == -signal.SIGKILL
        last.write_text(str(first.pid - 1))
        second = fork()
        assert second.poll() is None and psutil.pid_exists(second.pid)
        second.kill()
        second.wait()
        if second.pid == first.pid:
            return
    pytest.skip("the number was never given again")


@pytest.mark.parametrize("is_forked", [True, False])
def test_a_kernel_keeps_what_it_shows_until_it_is_read(is_forked, tmp_path, monkeypatch):
    """ZeroMQ drops what a thousand unread messages stand before: on a busy machine outputs were missing, unsaid."""
    monkeypatch.setattr("flows.notebook.forkserver._servers", [ForkServer("review")] if is_forked else [])
    socket = "get_ipython().kernel.iopub_socket.io_thread.socket"
    record, _ = run(tmp_path, f"import zmq; assert {socket}.getsockopt(zmq.SNDHWM) == 0")
    assert record.outcome == "succeeded", record


def test_ctrl_c_is_recorded(tmp_path):
    template = write(tmp_path, "open('out/begun', 'w').write('x')", "import time; time.sleep(600)")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(template), str(tmp_path / "run")], cwd=ROOT / "tests")
    while not (tmp_path / "run" / "out" / "begun").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(60) == 0
    record, _, _ = kept(tmp_path)
    assert record.outcome in ("interrupted", "kernel died") and record.stopped_at == 4


def test_no_secret_reaches_a_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "canary-in-the-mine")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "canary-in-the-mine")
    record, _ = run(tmp_path, "import os; open('out/environment', 'w').write(repr(dict(os.environ)))")
    assert record.outcome == "succeeded"
    assert not any(b"canary" in path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())


def test_the_page_asks_nobody_for_anything(tmp_path):
    evil = (
        "from IPython.display import HTML; HTML('<script>alert(1)</script><img src=\"https://example.org/x.png\">ok')"
    )
    figure = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"
    record, _ = run(tmp_path, evil, figure)
    page = kept(tmp_path)[2]
    assert record.outcome == "succeeded" and "data:image/png;base64," in page
    assert "<script" not in page and "alert(1)" not in page.replace("&lt;script&gt;alert(1)", "")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy and policy[1].startswith("default-src 'none'") and "http" not in policy[1]
    assert not re.search(r"(@import|url\()", page)
    assert "<h1" in page and "&lt;h1" not in page and 'alt="Figure: Small"' in page


def test_parameters_hold_no_path_of_this_machine(tmp_path):
    record, _ = run(tmp_path, "import os; assert os.path.basename(os.getcwd()) == 'run'")
    assert record.outcome == "succeeded" and record.parameters == {"number": 7}
    assert str(tmp_path) not in (tmp_path / "run" / "record.json").read_text()
    assert str(tmp_path) not in (tmp_path / "run" / "small.ipynb").read_text()


@pytest.mark.soak  # beside a hundred, twelve at once, in test_dying.py
def test_kernels_start_at_once(tmp_path):
    folders = [tmp_path / str(n) for n in range(3)]
    for folder in folders:
        folder.mkdir()
        write(folder, "number")
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PARENT, str(f / "small.ipynb"), str(f / "run")],
            cwd=ROOT / "tests",
            stdout=subprocess.DEVNULL,
        )
        for f in folders
    ]
    assert [one.wait(120) for one in started] == [0] * 3
    assert {kept(folder)[0].outcome for folder in folders} == {"succeeded"}


def test_the_record_names_the_commit_and_the_lock(tmp_path):
    record, _ = run(tmp_path, "1")
    assert record.lock == sha256((ROOT / "requirements.lock").read_bytes())
    assert record.template == sha256((tmp_path / "small.ipynb").read_bytes())
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", record.commit)
    assert os.path.exists(tmp_path / "run" / "record.json") and not list((tmp_path / "run").glob("*running*"))


@pytest.mark.skipif(not shutil.which("git"), reason="makes commits, and there is no git here")
def test_the_record_of_a_run_that_died_names_the_code_that_it_began_with(tmp_path, monkeypatch):
    house = tmp_path / "house"
    (house / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(folders, "ROOT", house)
    monkeypatch.setattr(folders, "LOCK", house / "requirements.lock")

    def commit(words):
        (house / "requirements.lock").write_text(words)
        template = write(house / "notebooks", repr(words))
        for asked in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
            subprocess.run(["git", "-C", str(house), *asked], check=True)
        return template

    def told(record):
        return record.commit, record.dirty, record.modified, record.lock

    template = commit("first")
    for name in ("died", "ended", "older"):
        claim(tmp_path / name, template, {"market": "m"})
    first = not_begun(tmp_path / "ended", DataProblem("x"))
    commit("second")
    assert told(abandoned(tmp_path / "died")) == told(first)
    assert told(first)[1:] == (False, False, sha256(b"first"))
    older = tmp_path / "older" / "owner.json"
    older.write_text(json.dumps({k: v for k, v in json.loads(older.read_text()).items() if k != "revision"}))
    now = abandoned(tmp_path / "older")
    assert now.commit != first.commit and now.lock == sha256(b"second"), "an older version noted nothing"
    (house / "requirements.lock").write_text("third")
    (house / "notebooks" / "of mine.txt").write_text("not in the commit")
    (house / "params.yaml").write_text("no code")
    claim(tmp_path / "changed", template, {"market": "m"})
    record = abandoned(tmp_path / "changed")
    assert record.dirty and record.changed == ["requirements.lock", "notebooks/of mine.txt"]


@pytest.mark.parametrize("descendant", typical(list(DESCENDANTS), FORKED_DAEMON))
def test_a_grandchild_dies_with_a_killed_parent(descendant, tmp_path):
    template = write(tmp_path, DESCENDANTS[descendant], "import time; time.sleep(600)")
    command = [sys.executable, "-c", FORKING, str(template), str(tmp_path / "run")]
    parent = subprocess.Popen(command, cwd=ROOT / "tests")
    pid = tmp_path / "run" / "out" / "pid"
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    assert_gone(int(pid.read_text()))


def test_an_abandoned_run_tells_how_far_it_came(tmp_path):
    template = write(tmp_path, "'done'", "import os, signal; os.kill(os.getppid(), signal.SIGKILL)", "'after'")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(template), str(tmp_path / "run")], cwd=ROOT / "tests")
    parent.wait()
    assert list(unfinished(tmp_path)) == [tmp_path / "run"]
    record = abandoned(tmp_path / "run")
    assert record.outcome == "interrupted"
    assert [cell.status for cell in record.cells] == ["succeeded"] * 3 + ["failed", "not run"]
    assert differences(tmp_path / "run") == []


def test_a_notebook_killed_in_the_midst_of_saving_is_still_on_record(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": "m"})
    (tmp_path / "run" / "running.ipynb").write_text('{"cells": [{"cell_type": "co')
    record = abandoned(tmp_path / "run")
    assert record.outcome == "interrupted" and {cell.status for cell in record.cells} == {"not run"}
    assert nbformat.read(tmp_path / "run" / "small.ipynb", 4)


def test_a_run_repeats_to_the_same_bytes(tmp_path):
    random = "import numpy; open('out/numbers', 'w').write(str(numpy.random.default_rng(number).normal(size=9)))"
    record, _ = run(tmp_path, random)
    again = repeat(tmp_path / "run", tmp_path / "again", print)
    assert again.outputs == record.outputs and again.template == record.template


def test_a_cell_that_shows_without_end_is_ended(tmp_path, monkeypatch):
    from flows.notebook import ending, watchdog

    for module in (ending, watchdog):
        monkeypatch.setattr(module, "MOST_SHOWN", 3_000_000)
    record, _ = run(tmp_path, "print('a')", "while True: print('x' * 1000)")
    assert (record.outcome, record.stopped_at) == ("failed", 4)
    assert record.reason == "The notebook showed more than 3 MB; let it show less." and record.seconds < 60


def test_the_disk_keeps_the_newest_runs_and_the_last_good_one(tmp_path):
    run(tmp_path, "1")
    good = (tmp_path / "run" / "record.json").read_text()
    names = [
        f"202210{day:02}T060000-{line}" for day in range(1, 31) for line in ("predict-a-b-01234567", "train-a-b-0")
    ]
    for name in names:
        (tmp_path / "runs" / name / "template").mkdir(parents=True)
        os.utime(tmp_path / "runs" / name, (0, 0))
        ended = "succeeded" if name < "20221005" else "failed"
        (tmp_path / "runs" / name / "record.json").write_text(good.replace('"succeeded"', f'"{ended}"', 1))
        (tmp_path / "runs" / name / "delivered").touch()
    (tmp_path / "runs" / names[6] / "delivered").unlink()  # MLflow does not have it yet
    for name, age in {"20221101T060000-train-b-0": 2, "20221102T060000-train-b-0": 0}.items():
        (tmp_path / "runs" / name / "template").mkdir(parents=True)  # nobody's: it died before it said whose it is
        os.utime(tmp_path / "runs" / name, (time.time() - age * 86_400,) * 2)
        names.append(name)
    gone = prune(tmp_path / "runs")
    left = {path.name for path in (tmp_path / "runs").iterdir()}
    assert left == set(names) - set(gone) and not left & set(gone)
    assert {name for name in left if name > "202211"} == {"20221102T060000-train-b-0"}, "one may be starting"
    assert {name for name in left if name < "20221011"} == {names[6], names[4], names[7]}
    assert prune(tmp_path / "runs") == []


def test_a_walk_through_the_past_puts_away_nothing_that_today_is_compared_with(tmp_path):
    run(tmp_path, "1")
    good = read_record(tmp_path / "run")
    today, walked = "20221031T060000-small-m-0", [f"20221031T07{n:02}00-small-m-0" for n in range(25)]
    for name, day in {today: "2022-10-30", **{name: f"2022-09-{n:02}" for n, name in enumerate(walked, 1)}}.items():
        (tmp_path / "runs" / name / "template").mkdir(parents=True)
        record = good.model_copy(update={"tags": {"market": "m", "as_of": day}})
        (tmp_path / "runs" / name / "record.json").write_text(record.model_dump_json())
        (tmp_path / "runs" / name / "delivered").touch()
    assert prune(tmp_path / "runs") == walked[:5]
    assert last_good(tmp_path / "runs", "small", "m")[0].name == today
    before = standing({"as_of": "2022-09-12"}, "20221101T060000-small-m-0")
    assert last_good(tmp_path / "runs", "small", "m", before)[1]["as_of"] == "2022-09-12", "the same day, earlier"
    assert last_good(tmp_path / "runs", "small", "m", standing({"as_of": "2022-08-01"}, "~")) is None


def test_changes_are_told_against_the_day_before_and_not_against_what_was_walked_last(tmp_path):
    def ran(name, day, cell):
        folder = tmp_path / "runs" / f"20221031T0{name}0000-small-m-0"
        claim(folder, write(tmp_path, cell), {"market": "m", "as_of": day})
        run_notebook(folder, {"number": 1}, print)
        return (folder / "changes.html").read_text()

    ran("1", "2022-10-13", "1 + 1")
    assert "no earlier good run" in ran("2", "2022-09-01", "1 + 2"), "a day of the past"
    assert "Since the last good run, as of 2022-09-01." in ran("3", "2022-09-02", "1 + 3")
    assert "Since the last good run, as of 2022-10-13." in ran("4", "2022-10-14", "1 + 1")
    assert "Since the last good run, as of 2022-10-14." in ran("5", "2022-10-14", "1 + 1"), "the same day again"


def test_two_that_put_away_the_same_runs_do_not_disturb_each_other(tmp_path):
    for number in range(320):
        (tmp_path / f"20221013T{number:06}-train-a-0").mkdir()
        (tmp_path / f"20221013T{number:06}-train-a-0" / "delivered").touch()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(prune, [tmp_path] * 4))
    prune(tmp_path)  # what one could not, because another cleared up
    assert len(list(tmp_path.glob("*-train-a-0"))) == 20


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, LITERALS))
def test_nothing_but_literals_is_injected(parameters):
    book = new_notebook(cells=[new_code_cell("", metadata={"tags": ["parameters"]})])
    book.metadata |= {"kernelspec": {"name": "python3", "language": "python"}, "papermill": {}}
    injected = parameterize_notebook(book, parameters).cells[1].source if parameters else ""
    tree = ast.parse(injected)
    assert all(isinstance(line, ast.Assign) for line in tree.body)
    assert {line.targets[0].id: ast.literal_eval(line.value) for line in tree.body} == parameters


def test_the_changes_since_the_last_good_run_are_on_a_page(tmp_path):
    def ran(name, *cells):
        claim(tmp_path / "runs" / name, write(tmp_path, *cells), {"market": "m", "as_of": "2022-10-13"})
        run_notebook(tmp_path / "runs" / name, {"number": 1}, print)
        return (tmp_path / "runs" / name / "changes.html").read_text()

    assert "no earlier good run" in ran("1", "2 + 2")
    unchanged = ran("2", "2 + 2")
    assert "Nothing changed." in unchanged and "Since the last good run, as of 2022-10-13." in unchanged
    ran("3", "1 / 0")
    page = ran("4", "2 + 3")
    assert "Small, code changed" in page and "/cells/" not in page
    assert "Nothing changed." not in page and "ZeroDivision" not in page
    assert re.search(r"ansi-red-fg.*2 \+ 2", page, re.S) and re.search(r"ansi-green-fg.*2 \+ .*3", page, re.S)
    assert "<script" not in page and "default-src 'none'" in page


def test_of_what_did_not_run_the_changes_say_no_more_than_that(tmp_path):
    cells = f"open({str(tmp_path / 'seen')!r}, 'x').close()", "2 + 2"  # a second time it is there already
    for name, facts in {"1": {"snapshot": "a", "model_version": "m/1"}, "2": {}, "3": {"snapshot": "a"}}.items():
        claim(tmp_path / "runs" / name, write(tmp_path, *cells), {"market": "m", "as_of": "2022-10-13"} | facts)
        if name == "2":
            not_begun(tmp_path / "runs" / name, DataProblem("there is no champion"))
        else:
            run_notebook(tmp_path / "runs" / name, {"number": 1}, print)
    before, within = ((tmp_path / "runs" / name / "changes.html").read_text() for name in "23")
    assert "It stopped before its notebook began." in before and "<pre></pre>" in before
    assert "revised" not in before and "None" not in before
    assert "FileExistsError" in within and "/cells/" not in within
