"""What this system has to hold processes by; where it lacks something it goes without, and `footfall doctor` says so.

Linux has all of it. macOS has neither ``prctl`` nor ``/proc`` nor limits for a process that runs already.
"""

import ctypes
import gc
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

PROC = Path("/proc")
PR_SET_PDEATHSIG = 1


def _prctl() -> Any:
    """Linux's call of that name, or None."""
    return getattr(ctypes.CDLL(None), "prctl", None)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """For ``preexec_fn``: the process gets this signal when the one that started it ends, however that ends."""
    if prctl := _prctl():
        prctl(PR_SET_PDEATHSIG, number)


def limit_memory(pid: int, most: int) -> None:
    """Let a process, and each that it starts, take so many bytes of memory at most."""
    if hasattr(resource, "prlimit"):
        with suppress(ProcessLookupError):  # one that ended at once
            resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))


def give_back_memory() -> None:
    """Let go of what is done with: objects in circles, and the free pages of the heaps."""
    gc.collect()
    give_back_pages()


def give_back_pages() -> None:
    """Let go of the pages that glibc keeps, in a heap per thread, of what was freed in the midst of them."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def oom_kills() -> int:
    """How many processes were killed so far because memory ran out, on this machine or in a container of it."""
    with suppress(OSError):
        lines = (PROC / "vmstat").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
    return 0


def can_fork() -> bool:
    """Whether a process that has imported much may be copied: macOS's own libraries forbid it."""
    return sys.platform != "darwin"


def unguarded() -> list[str]:
    """What is not held to its bounds here, in words; nothing on Linux."""
    lacks = {
        "kernels and servers of a process that is killed (no prctl)": _prctl() is None,
        "the memory of a kernel (no prlimit)": not hasattr(resource, "prlimit"),
        "what a cell starts in a session of its own (no /proc)": not PROC.exists(),
    }
    return [what for what, is_lacking in lacks.items() if is_lacking]
