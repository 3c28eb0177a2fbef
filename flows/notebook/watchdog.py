"""What holds a kernel to its limits of time and memory, and leaves nothing of it behind."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from flows.machine import limit_memory, oom_kills
from flows.notebook.forkserver import MARK, ForkedKernel
from footfall.params import Limits

MOST_SHOWN = 100_000_000  # characters of a notebook; to take them in costs ten bytes each
# what a shell does once nobody holds its input open any more: end first the kernel's process group, then whatever left
# the group but bears the mark, and last the folder of its sockets
CLEANUP = """
read _
kill -9 -{group}
for round in 1 2 3; do
    for entry in $(grep -lsa '{mark}' /proc/[0-9]*/environ); do
        process=${{entry#/proc/}}
        kill -9 ${{process%/environ}}
    done
done
rm -rf '{sockets}'
"""


class Watchdog(threading.Thread):
    """Holds a kernel to its limits of time and memory, and knows afterwards which of them it died of.

    The limit of memory is the kernel's own (``RLIMIT_DATA``): it needs no privilege, holds in any container, for each
    process that a cell starts alike, and harms nobody else. Past it an allocation fails, and the cell with it.
    """

    def __init__(self, limits: Limits, deadline: float) -> None:
        super().__init__(daemon=True)
        self.memory, self.deadline = limits.memory_mb << 20, deadline
        self.late, self.peak, self.shown = False, 0, 0
        self._ended, self._oom_kills = threading.Event(), oom_kills()
        self._process: subprocess.Popen[bytes] | ForkedKernel | None = None

    def watch(self, process: "subprocess.Popen[bytes] | ForkedKernel", mark: str, sockets: Path) -> None:
        """Guard this kernel from now on; a shell ends it and all it left behind also if we end first, however we do."""
        script = CLEANUP.format(group=process.pid, mark=f"{MARK}={mark}", sockets=sockets)
        self._cleanup = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._process = process
        limit_memory(process.pid, self.memory)
        self.start()

    def run(self) -> None:
        """Look at the kernel five times a second, until it ends or is too late."""
        while not self._ended.wait(0.2) and self._process and self._process.returncode is None and self.look():
            if time.monotonic() > self.deadline:
                self.late = True
                os.killpg(self._process.pid, signal.SIGKILL)
                return

    def take_in(self, characters: int) -> None:
        """Note how much the notebook has shown; past all measure its kernel is ended."""
        self.shown += characters
        if self.flooded() and self._process and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def flooded(self) -> bool:
        """Whether the notebook has shown more than can be taken in."""
        return self.shown > MOST_SHOWN

    def look(self) -> bool:
        """Note how much memory the kernel has taken; whether it is still there."""
        with contextlib.suppress(psutil.NoSuchProcess):
            memory: Any = psutil.Process(self._process.pid).memory_info() if self._process else None
            self.peak = max(self.peak, getattr(memory, "data", 0))
            return True
        return False

    def end(self) -> None:
        """Stop looking, before anything else may take the process's number; then kill what is left of the kernel."""
        self._ended.set()
        if self._process:
            self.join()
            self._cleanup.communicate()

    def at_memory_limit(self) -> bool:
        """Whether the kernel was seen to hold nearly all the memory that it may have."""
        return self.peak > 0.9 * self.memory

    def killed_by_the_machine(self) -> bool:
        """Whether it was killed while the machine, or the container, killed something because its memory ran out."""
        return self._code() == -signal.SIGKILL and oom_kills() > self._oom_kills

    def signal(self) -> str:
        """The signal that ended the kernel, by its name."""
        code = self._code()
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    def _code(self) -> int | None:
        return self._process.returncode if self._process else None
