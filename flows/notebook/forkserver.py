"""Kernels that are ready before their notebooks are.

Most of a short notebook's time goes into importing what it works with. A process that is started early, while its
parent is still busy with its own imports, imports the same, once, and each kernel is then a copy of it (`os.fork`). If
it is not there, or died meanwhile, a kernel starts as kernels always do.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import uuid
from typing import Any

from flows.machine import can_fork, end_with_parent
from footfall.evaluation.workers import SCHEDULER

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", SCHEDULER)
ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a debugger that nobody asked for has a warning to give at every start
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own reserves 1 GB at once, which the limit of memory would count
}
MARK = "FOOTFALL_KERNEL"  # in the environment of all that a kernel starts, so that none of them can hide
_servers: list["ForkServer"] = []


def environment() -> dict[str, str]:
    """The few variables that a kernel gets; no credential is among them."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | ALWAYS


def new_mark() -> str:
    """A value for `MARK`: whose kernel it is, and which one; always of the same length."""
    return f"{os.getpid():08}-{uuid.uuid4().hex}"


def start(station: str = "") -> None:
    """See to it that there is a fork server, and return at once: it imports what the station needs while we go on."""
    if can_fork() and not any(server.alive() for server in _servers):
        _servers[:] = [ForkServer(station)]


def fork(command: list[str], cwd: str, env: dict[str, str]) -> "ForkedKernel | None":
    """The kernel of `command` from the fork server; None where there is none, or the command is of another kernel."""
    return _servers[0].fork({"argv": command[2:], "cwd": cwd, "env": env}) if _servers and is_ours(command) else None


def is_ours(command: list[str]) -> bool:
    """Whether a kernel's command is that of ipykernel for this very Python."""
    return command[:3] == [sys.executable, "-m", "ipykernel_launcher"]


class ForkServer:
    """A process that has imported what notebooks work with, and makes kernels of copies of itself.

    It reads a line per kernel, and writes ``forked NUMBER PID`` and, when the time has come, ``exited NUMBER CODE``.
    The numbers count up: a machine gives those of its processes again, and none must be taken for one that is dead.
    """

    def __init__(self, station: str = "") -> None:
        command = [sys.executable, "-c", "from flows.notebook.forkserver import serve; serve()", station]
        env = environment() | {MARK: new_mark()}
        env |= {"JPY_PARENT_PID": str(os.getpid())}  # without it ipykernel talks to the terminal
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         start_new_session=True, preexec_fn=end_with_parent)  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._requests, self._events = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._unread, self._forked, self._exit_codes = b"", list[tuple[int, int]](), dict[int, int]()

    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def fork(self, request: dict[str, Any]) -> "ForkedKernel | None":
        """A kernel with this ``argv``, ``cwd`` and ``env``; None if the fork server died."""
        with contextlib.suppress(OSError):
            os.write(self._requests, json.dumps(request).encode() + b"\n")
            while not self._forked and self._read(None):
                pass
        return ForkedKernel(self, *self._forked.pop()) if self._forked else None

    def exit_code(self, number: int) -> int | None:
        """How a kernel ended, as `subprocess` says it; None while it lives. It does not outlive the fork server."""
        self._read(0)
        return self._exit_codes.get(number, None if self.alive() else -signal.SIGKILL)

    def _read(self, timeout: float | None) -> bool:
        """Take in what it has written, waiting so many seconds for more; whether there will ever be more."""
        if not select.select([self._events], [], [], timeout)[0]:
            return True
        received = os.read(self._events, 65536)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for event, number, value in (line.split() for line in lines):
            if event == b"forked":
                self._forked.append((int(number), int(value)))
            else:
                self._exit_codes[int(number)] = int(value)
        return bool(received)


class ForkedKernel:
    """A kernel of the fork server, as Jupyter wants to see a process: with what it uses of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, server: ForkServer, number: int, pid: int) -> None:
        self.pid, self._server, self._number = pid, server, number
        self.returncode: int | None = None

    def poll(self) -> int | None:  # noqa: D102
        if self.returncode is None:
            self.returncode = self._server.exit_code(self._number)
        return self.returncode

    def wait(self) -> int:  # noqa: D102
        while (code := self.poll()) is None:
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:  # noqa: D102
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:  # noqa: D102
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:  # noqa: D102
        self.send_signal(signal.SIGTERM)


def serve() -> None:
    """In the fork server: import what the station works with, then become parent of a kernel for every line."""
    _preload(sys.argv[1])
    children, forking = dict[int, int](), False
    signal.signal(signal.SIGCHLD, lambda *_: None if forking else _reap(children))
    for number, line in enumerate(iter(sys.stdin.readline, "")):
        ready, child_end = os.pipe()
        forking = True  # no exit is written before its fork
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            _become_kernel(json.loads(line), child_end)
        os.close(child_end)
        os.read(ready, 1)  # until it has a session of its own, or is dead
        os.close(ready)
        children[pid] = number
        os.write(1, f"forked {number} {pid}\n".encode())
        forking = False
        _reap(children)


def _preload(station: str) -> None:
    """Import what notebooks do, once for all kernels; the models, most of it, only for those that fit or load any."""
    import sqlite3  # noqa: F401

    import holidays.countries  # noqa: F401
    import ipykernel.debugger  # noqa: F401
    import pandas as pd
    import pyarrow.dataset  # noqa: F401

    import footfall.evaluation.scores
    import footfall.page.pages
    import footfall.plots
    from flows.notebook import kernel_app  # noqa: F401

    pd.set_option("display.max_columns", 20)  # its own in a kernel; imported here, it sees a terminal, and would cut
    footfall.page.page.template()  # compiled once for all
    if station != "review":
        import lightgbm  # noqa: F401
        import sktime.forecasting.naive
        import sktime.forecasting.theta  # noqa: F401

        import footfall.evaluation.gate
        import footfall.forecasting
        import footfall.models


def _reap(children: dict[int, int]) -> None:
    """Write of the kernels that have ended since."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if (number := children.pop(ended[0], None)) is not None:
                os.write(1, f"exited {number} {os.waitstatus_to_exitcode(ended[1])}\n".encode())


def _become_kernel(request: dict[str, Any], ready: int) -> None:
    """In the copy: become the kernel that was asked for, and never come back."""
    from flows.notebook.kernel_app import LosslessKernelApp

    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        end_with_parent()
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.close(ready)
        os.chdir(request["cwd"])
        _overwrite_mark(request["env"][MARK])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = request["argv"]
        LosslessKernelApp.launch_instance()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _overwrite_mark(mark: str) -> None:
    """Write the mark over the fork server's own, in place.

    Of a process that was only ever forked, ``/proc`` shows the environment that its first ancestor was started with.
    """
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    ctypes.memmove(libc.getenv(MARK.encode()), mark.encode(), len(mark))
