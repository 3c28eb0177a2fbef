"""What holds a kernel to its limits of time and memory, and leaves nothing of it behind."""

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil

from flows.notebook.kernel import MARK, Born

# what a shell does for a kernel it guards: first its process group, then whatever left the group but bears the mark,
# and last the folder of its sockets
GUARD = """
read _
kill -9 -{group}
for round in 1 2 3; do
    for entry in $(grep -lsa '{mark}' /proc/[0-9]*/environ); do
        one=${{entry#/proc/}}
        kill -9 ${{one%/environ}}
    done
done
rm -rf '{sockets}'
"""


class Watch(threading.Thread):
    """Holds a kernel to its limits of time and memory, and knows afterwards which of them it died of.

    The limit of memory is the kernel's own (``RLIMIT_DATA``): it needs no privilege, holds in any container, for each
    process that a cell starts alike, and harms nobody else. Past it an allocation fails, and the cell with it.
    """

    def __init__(self, process: "subprocess.Popen[bytes] | Born", memory_mb: int, until: float) -> None:
        super().__init__(daemon=True)
        self.process, self.memory, self.until = process, memory_mb << 20, until
        self.late, self.peak, self._over, self._killed = False, 0, threading.Event(), _killed_for_memory()
        with contextlib.suppress(ProcessLookupError):  # one that ended at once
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (self.memory, self.memory))

    def run(self) -> None:
        """Look at the kernel five times a second, until it ends or is too late."""
        while not self._over.wait(0.2) and self.process.returncode is None:
            try:
                self.peak = max(self.peak, psutil.Process(self.process.pid).memory_info().data)
            except psutil.NoSuchProcess:
                return
            if time.monotonic() > self.until:
                self.late = True
                os.killpg(self.process.pid, signal.SIGKILL)
                return

    def end(self) -> None:
        """Stop looking; before anything else may take the process's number."""
        self._over.set()
        self.join()

    def starved(self) -> bool:
        """Whether memory is what the kernel died of: at its own limit, or by the machine's or container's."""
        refused = self.peak > 0.9 * self.memory and not self.late
        return refused or (self.process.returncode == -signal.SIGKILL and _killed_for_memory() > self._killed)

    def signal(self) -> str:
        """The signal that ended the kernel, by its name."""
        code = self.process.returncode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _killed_for_memory() -> int:
    """How many processes were killed so far because memory ran out, on this machine or in a container of it."""
    lines = Path("/proc/vmstat").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def start(group: int, mark: str, sockets: Path) -> subprocess.Popen[bytes]:
    """A shell that ends a kernel and all it left behind as soon as we let go of it, or end, however we end."""
    command = ["/bin/sh", "-c", GUARD.format(group=group, mark=f"{MARK}={mark}", sockets=sockets)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


def stop(guarding: subprocess.Popen[bytes] | None) -> None:
    """Kill what is left of a kernel and everything it started."""
    if guarding and guarding.stdin:
        guarding.stdin.close()
        guarding.wait()
