"""How a run of a notebook ended: which outcome, why, and of which class the error was; on evidence, not on a guess."""

import re
from typing import Any, NamedTuple

from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from flows.notebook.watchdog import MOST_SHOWN, Watchdog
from flows.record.record import Ending, Progress

OUT_OF_MEMORY = re.compile(r"std::bad_alloc|bad allocation|Cannot allocate memory")
NAMELESS = ("", "NoneType", "CellExecutionError", "UnknownException")  # said where the class of an error is not known
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
EXITED = Ending("failed", "The cell called sys.exit, so the cells after it did not run.", "SystemExit")
LONGEST = 5000  # characters of a reason; the cell's own output has the rest


class Failure(NamedTuple):
    """A cell's error, and what the cell showed last if it did not show the error (None if it did)."""

    name: str
    text: str
    last_output: str | None = None


def failure_of(reply: dict[str, Any], outputs: list[Any]) -> Failure:
    """The error of a cell as its kernel replied it: known also where a handler kept it out of the notebook."""
    shown = next((output for output in outputs if output.output_type == "error"), None)
    error = shown if shown and reply.get("ename", "") in NAMELESS else reply
    return Failure(error.get("ename", ""), error.get("evalue", ""), None if shown else _last_lines(outputs))


def _last_lines(outputs: list[Any]) -> str:
    """The end of the last text that a cell showed, without escape sequences and frames."""
    texts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    last = next((text for text in reversed(texts) if text.strip()), "")[-LONGEST:]
    lines = [line.strip(" │") for line in ESCAPES.sub("", last).splitlines() if re.search(r"\w", line)]
    return " / ".join(lines[-3:])[-300:]


def never_started(error: BaseException | None, progress: Progress) -> bool:
    """Whether the kernel did not come up at all, which is worth another try."""
    return isinstance(error, RuntimeError) and not progress.seconds and progress.running is None


def ending(error: BaseException | None, progress: Progress, failure: Failure | None, watchdog: Watchdog) -> Ending:
    """Judge what ended a run.

    Parameters
    ----------
    error : BaseException or None
        What Papermill raised.
    progress : Progress
        How far the run came.
    failure : Failure or None
        What the kernel replied of the last cell that failed, if one did.
    watchdog : Watchdog
        What it saw of the kernel.
    """
    limits = progress.limits
    if watchdog.late:
        late = f"The notebook ran longer than its limit of {limits.notebook_seconds} s (limits.notebook_seconds)."
        return Ending("timed out", late)
    if never_started(error, progress):
        return Ending("failed", f"The kernel did not start, twice ({error}); try `jupyter execute` on any notebook.")
    if watchdog.flooded():
        return Ending("failed", f"The notebook showed more than {MOST_SHOWN / 1e6:.0f} MB; let it show less.")
    if isinstance(error, DeadKernelError):
        return _dead(watchdog, limits.memory_mb)
    if isinstance(error, CellTimeoutError) and "IOPub" in str(error):  # as nbclient says it
        return Ending("failed", "The cell ended, but not all of its outputs came from the kernel; let it show less.")
    if isinstance(error, CellTimeoutError):
        late = f"The cell ran longer than its limit of {limits.cell_seconds} s (limits.cell_seconds)."
        return Ending("timed out", late)
    if isinstance(error, PapermillExecutionError):
        return _raised(failure or Failure(error.ename, error.evalue), watchdog, limits.memory_mb)
    if isinstance(error, NoSuchKernel):
        installed = "`jupyter kernelspec list` shows those there are"
        return Ending("failed", f"There is no kernel named {error.name!r}; {installed}.", "NoSuchKernel")
    if isinstance(error, Exception):
        return Ending("failed", f"{type(error).__name__}: {error}", type(error).__name__)
    if error is not None:
        return Ending("interrupted", f"The run was interrupted from outside ({type(error).__name__}).")
    return Ending("succeeded") if progress.running is None else EXITED


def _dead(watchdog: Watchdog, memory_mb: int) -> Ending:
    if watchdog.killed_by_the_machine() and not watchdog.at_memory_limit():
        why = "The machine, or its container, had no memory left, and the kernel was killed"
        advice = f"give it more, or run less beside it; the limit of {memory_mb} MB (limits.memory_mb) was not reached"
        return Ending("out of memory", f"{why}: {advice}.")
    if watchdog.at_memory_limit():
        return Ending("out of memory", f"The kernel died of it; its limit is {memory_mb} MB (limits.memory_mb).")
    return Ending("kernel died", f"The kernel's process ended while this cell ran ({watchdog.signal()}).")


def _raised(failure: Failure, watchdog: Watchdog, memory_mb: int) -> Ending:
    name = "" if failure.name in NAMELESS else failure.name
    if name == "SystemExit" and failure.text in ("", "0"):
        return EXITED
    words = _words(name, failure.text) or _silent(failure.last_output)
    refused = name.endswith("MemoryError") or OUT_OF_MEMORY.search(words if name else "")
    if refused or (not name and watchdog.at_memory_limit()):
        limit = f"The kernel's limit is {memory_mb} MB (limits.memory_mb)."
        return Ending("out of memory", f"{words.rstrip('.')}. {limit}", name)
    if name and failure.last_output is not None:
        words = f"{words.rstrip('.')}. {_silent(failure.last_output)}"
    return Ending("failed", words, name)


def _words(name: str, text: str) -> str:
    text = ESCAPES.sub("", text)[:LONGEST]
    if name == "AssertionError" and text:  # what a notebook asserts, it says in words of its own
        return text
    return ": ".join(filter(None, [name, text]))


def _silent(last_output: str | None) -> str:
    quote = f'its last output: "{last_output}"' if last_output else "it had shown nothing"
    return f"The cell failed without words; {quote}."
