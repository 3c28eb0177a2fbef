"""A kernel that is warm before its notebook is ready.

Most of a short notebook's time goes into importing what it works with. A process started early, while its parent is
still busy with its own imports, imports the same, then waits for one line that says where to work and becomes an
ordinary ipykernel. If it is not there, or died meanwhile, a kernel starts as kernels always do.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
PR_SET_PDEATHSIG = 1
MARK = "FOOTFALL_KERNEL"  # in the environment of a kernel and of all it starts, so that none of them can hide
_waiting: list[tuple[subprocess.Popen[bytes], str]] = []
# what a shell does for a kernel it guards: first its process group, then whatever left the group but bears the mark
GUARD = """
read _
kill -9 -{group}
for round in 1 2 3; do
    for entry in $(grep -lsa '{mark}' /proc/[0-9]*/environ); do
        one=${{entry#/proc/}}
        kill -9 ${{one%/environ}}
    done
done
"""


def environment() -> dict[str, str]:
    """The few variables that a kernel gets; no credential is among them."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | ALWAYS


def die_with_parent() -> None:
    """For ``preexec_fn``: the process is killed when the one that started it ends, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def warm() -> None:
    """Start a process that will be the next kernel, unless one waits already, and return at once."""
    if any(process.poll() is None for process, _ in _waiting):
        return
    command = [sys.executable, "-c", "from flows.kernel import wait; wait()"]
    mark = new_mark()
    process = subprocess.Popen(
        command,
        env=environment() | {"JPY_PARENT_PID": str(os.getpid()), MARK: mark},
        stdin=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    _waiting.append((process, mark))


def new_mark() -> str:
    """A value for `MARK`: whose kernel it is, and which one."""
    return f"{os.getpid()}-{uuid.uuid4().hex}"


def wait() -> None:
    """In the warm process: import what notebooks import, wait for orders, become the kernel."""
    import ipykernel.kernelapp
    import sktime.forecasting.naive
    import sktime.forecasting.theta  # noqa: F401

    import footfall.boosted
    import footfall.gate
    import footfall.plots  # noqa: F401

    line = sys.stdin.readline()
    if not line:
        return
    order = json.loads(line)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    ipykernel.kernelapp.launch_new_instance()


def take(command: list[str], cwd: str, env: dict[str, str]) -> tuple[subprocess.Popen[bytes] | None, str]:
    """The warm process, told to become the kernel of `command`, and its mark; a new mark alone where there is none."""
    while _waiting and command[1:3] == ["-m", "ipykernel_launcher"]:
        process, mark = _waiting.pop()
        if process.poll() is None and process.stdin:
            order: dict[str, Any] = {"cwd": cwd, "env": env | {MARK: mark}, "argv": command[2:]}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.close()
            return process, mark
    return None, new_mark()


class Watch(threading.Thread):
    """Holds a kernel to its limits of time and memory, and knows afterwards which of them it died of.

    The limit of memory is the kernel's own (``RLIMIT_DATA``): it needs no privilege, holds in any container, for each
    process that a cell starts alike, and harms nobody else. Past it an allocation fails, and the cell with it.
    """

    def __init__(self, process: subprocess.Popen[bytes], memory_mb: int, until: float) -> None:
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


def guard(group: int, mark: str) -> subprocess.Popen[bytes]:
    """A shell that kills a kernel and all it started as soon as we let go of it, or end, however we end."""
    command = ["/bin/sh", "-c", GUARD.format(group=group, mark=f"{MARK}={mark}")]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


def end(guarding: subprocess.Popen[bytes] | None) -> None:
    """Kill what is left of a kernel and everything it started."""
    if guarding and guarding.stdin:
        guarding.stdin.close()
        guarding.wait()
