"""How a run ended is judged on what Papermill raised, what the kernel replied and what the watchdog saw."""

import subprocess
import time

import pytest
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import output_from_msg
from papermill.exceptions import PapermillExecutionError

from flows.notebook.ending import Failure, ending, failure_of
from flows.notebook.watchdog import MOST_SHOWN, Watchdog
from flows.record.record import Progress
from footfall.params import Limits

LIMITS = Limits(cell_seconds=3, notebook_seconds=9, memory_mb=512)
AMIDST = {"seconds": {1: 0.2}, "running": 2}  # a cell has ended, and the next one has begun


def judge(error, failure=None, watchdog=None, **progress):
    how = Progress(parameters={}, limits=LIMITS, **progress)
    return ending(error, how, failure, watchdog or Watchdog(LIMITS, time.monotonic() + 9))


def raised(name, text, last_output=None):
    error = PapermillExecutionError(2, 2, "", name, text, [])
    return judge(error, Failure(name, text, last_output), **AMIDST)


def shown(kind, **content):
    return output_from_msg({"header": {"msg_type": kind}, "content": content})


@pytest.mark.parametrize(
    ("error", "progress", "outcome", "says", "error_type"),
    [
        (None, {"seconds": {1: 0.2}}, "succeeded", "", ""),
        (None, AMIDST, "failed", "The cell called sys.exit", "SystemExit"),
        (RuntimeError("no reply"), {}, "failed", "The kernel did not start, twice (no reply)", ""),
        (RuntimeError("no reply"), {"running": 1}, "failed", "RuntimeError: no reply", "RuntimeError"),
        (RuntimeError("no reply"), {"seconds": {1: 0.2}}, "failed", "RuntimeError: no reply", "RuntimeError"),
        (OSError("full"), {}, "failed", "OSError: full", "OSError"),
        (KeyboardInterrupt(), AMIDST, "interrupted", "from outside (KeyboardInterrupt)", ""),
        (NoSuchKernel("julia"), {}, "failed", "no kernel named 'julia'", "NoSuchKernel"),
        (CellTimeoutError("x"), AMIDST, "timed out", "its limit of 3 s (limits.cell_seconds)", ""),
        (CellTimeoutError("Timeout waiting for IOPub output"), AMIDST, "failed", "not all of its outputs came", ""),
    ],
)
def test_what_papermill_raised_is_told_for_what_it_was(error, progress, outcome, says, error_type):
    ended = judge(error, **progress)
    assert (ended.outcome, ended.error_type) == (outcome, error_type) and says in ended.reason, ended


def test_what_the_watchdog_saw_comes_before_what_followed_from_it():
    late, flooded, full = (Watchdog(LIMITS, time.monotonic() + 9) for _ in range(3))
    late.late, flooded.shown, full.peak = True, MOST_SHOWN + 1, 480 << 20
    dead = DeadKernelError("Kernel died")
    assert "its limit of 9 s (limits.notebook_seconds)" in judge(dead, watchdog=late, **AMIDST).reason
    assert "showed more than 100 MB" in judge(dead, watchdog=flooded, **AMIDST).reason
    assert judge(dead, watchdog=full, **AMIDST).outcome == "out of memory"


def test_a_kernel_that_the_machine_killed_for_memory_is_told_from_one_at_its_own_limit():
    process = subprocess.Popen(["sleep", "9"])
    process.kill()
    process.wait()
    watchdog = Watchdog(LIMITS, time.monotonic() + 9)
    watchdog._process = process
    dead = DeadKernelError("Kernel died")
    assert judge(dead, watchdog=watchdog, **AMIDST).reason.endswith("while this cell ran (SIGKILL).")
    watchdog._oom_kills -= 1  # the machine has killed something since
    assert "the limit of 512 MB (limits.memory_mb) was not reached" in judge(dead, watchdog=watchdog, **AMIDST).reason
    watchdog.peak = 480 << 20
    assert "its limit is 512 MB" in judge(dead, watchdog=watchdog, **AMIDST).reason


@pytest.mark.parametrize(
    ("name", "text", "outcome", "reason"),
    [
        ("SystemExit", "0", "failed", "The cell called sys.exit, so the cells after it did not run."),
        ("SystemExit", "1", "failed", "SystemExit: 1"),
        ("AssertionError", "no day may be negative", "failed", "no day may be negative"),
        ("AssertionError", "", "failed", "AssertionError"),
        ("ValueError", "\x1b[31m" + "x" * 9000, "failed", "ValueError: " + "x" * 5000),
        ("_ArrayMemoryError", "9 GiB.", "out of memory",
         "_ArrayMemoryError: 9 GiB. The kernel's limit is 512 MB (limits.memory_mb)."),
        ("OSError", "[Errno 12] Cannot allocate memory", "out of memory",
         "OSError: [Errno 12] Cannot allocate memory. The kernel's limit is 512 MB (limits.memory_mb)."),
        ("", "std::bad_alloc", "failed", "std::bad_alloc"),  # whose class has no name, and may be anybody's
        ("", "", "failed", "The cell failed without words; it had shown nothing."),
    ],
)  # fmt: skip
def test_an_error_is_told_in_its_own_words_and_lack_of_memory_as_that(name, text, outcome, reason):
    ended = raised(name, text)
    assert (ended.outcome, ended.reason) == (outcome, reason)


def test_where_a_handler_took_an_error_what_the_cell_showed_last_is_told():
    frames = "│ one │\n│ two │\n\n╰─────╯\n\x1b[31mthree\x1b[0m\nfour\n"
    outputs = [shown("stream", name="stdout", text=text) for text in ("earlier", frames, "  \n")]
    reply = {"ename": "ValueError", "evalue": "no figures"}
    assert failure_of(reply, outputs) == Failure("ValueError", "no figures", "two / three / four")
    error = shown("error", ename="KeyError", evalue="'x'", traceback=[])
    assert failure_of({"ename": "NoneType", "evalue": ""}, [*outputs, error]) == Failure("KeyError", "'x'")
    assert failure_of(reply, [error]) == Failure("ValueError", "no figures")
