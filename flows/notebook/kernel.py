"""Kernels that are ready before their notebooks are.

Most of a short notebook's time goes into importing what it works with. A process that is started early, while its
parent is still busy with its own imports, imports the same, once, and each kernel is then a copy of it (`os.fork`). If
it is not there, or died meanwhile, a kernel starts as kernels always do.
"""

import contextlib
import ctypes
import importlib
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

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own reserves 1 GB at once, which the limit of memory would count
}
PR_SET_PDEATHSIG = 1
BASE = ("ipykernel.kernelapp", "footfall.plots", "footfall.evaluation.scores", "footfall.page.page")
MODELS = (
    "sktime.forecasting.naive",
    "sktime.forecasting.theta",
    "footfall.models",
    "lightgbm",
    "footfall.evaluation.gate",
)  # most of it
MARK = "FOOTFALL_KERNEL"  # in the environment of all that a kernel starts, so that none of them can hide
_nurseries: list["Nursery"] = []


def environment() -> dict[str, str]:
    """The few variables that a kernel gets; no credential is among them."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | ALWAYS


def die_with_parent() -> None:
    """For ``preexec_fn``: the process is killed when the one that started it ends, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def warm(station: str = "") -> None:
    """See to it that there is a nursery, and return at once: it imports what the station needs while we go on."""
    if not any(nursery.alive() for nursery in _nurseries):
        _nurseries[:] = [Nursery(BASE if station == "review" else BASE + MODELS)]


def new_mark() -> str:
    """A value for `MARK`: whose kernel it is, and which one; always of the same length."""
    return f"{os.getpid():08}-{uuid.uuid4().hex}"


class Nursery:
    """A process that has imported what notebooks work with, and makes kernels of copies of itself.

    It is told a line per kernel, and tells back ``born NUMBER PID`` and, when the time has come, ``died NUMBER CODE``.
    The numbers count up: a machine gives those of its processes again, and none must be taken for one that is dead.
    """

    def __init__(self, imported: tuple[str, ...]) -> None:
        command = [sys.executable, "-c", "from flows.notebook.kernel import nurse; nurse()", *imported]
        env = environment() | {MARK: new_mark()}
        env |= {"JPY_PARENT_PID": str(os.getpid())}  # without it ipykernel talks to the terminal
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         start_new_session=True, preexec_fn=die_with_parent)  # fmt: skip
        self._heard, self._born, self._died = b"", list[tuple[int, int]](), dict[int, int]()

    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def bear(self, order: dict[str, Any]) -> "Born | None":
        """A kernel with this ``argv``, ``cwd`` and ``env``; None if the nursery died."""
        with contextlib.suppress(OSError):
            os.write(self._process.stdin.fileno(), json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]
            while not self._born and self._hear(None):
                pass
        return Born(self, *self._born.pop()) if self._born else None

    def code(self, number: int) -> int | None:
        """How a kernel ended, as `subprocess` says it; None while it lives. It does not outlive the nursery."""
        self._hear(0)
        return self._died.get(number, None if self.alive() else -signal.SIGKILL)

    def _hear(self, seconds: float | None) -> bool:
        """Take in what it has told, waiting so long for more; whether there will ever be more."""
        voice = self._process.stdout.fileno()  # type: ignore[union-attr]
        if not select.select([voice], [], [], seconds)[0]:
            return True
        heard = os.read(voice, 65536)
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for what, number, told in (line.split() for line in lines):
            if what == b"born":
                self._born.append((int(number), int(told)))
            else:
                self._died[int(number)] = int(told)
        return bool(heard)


class Born:
    """A kernel of the nursery, as Jupyter wants to see a process."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, number: int, pid: int) -> None:
        self.pid, self._nursery, self._number = pid, nursery, number
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """As of `subprocess.Popen`."""
        if self.returncode is None:
            self.returncode = self._nursery.code(self._number)
        return self.returncode

    def wait(self) -> int:
        """As of `subprocess.Popen`."""
        while (code := self.poll()) is None:
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """As of `subprocess.Popen`."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """As of `subprocess.Popen`."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """As of `subprocess.Popen`."""
        self.send_signal(signal.SIGTERM)


def nurse() -> None:
    """In the nursery: import what it was told to, then become parent of a kernel for every line."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    sys.modules["footfall.page.page"].template()  # compiled once for all

    living, bearing = dict[int, int](), False
    signal.signal(signal.SIGCHLD, lambda *_: None if bearing else _bury(living))
    for number, line in enumerate(iter(sys.stdin.readline, "")):
        ready, told = os.pipe()
        bearing = True  # no death is told before its birth
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            _live(json.loads(line), told)
        os.close(told)
        os.read(ready, 1)  # until it has a session of its own, or is dead
        os.close(ready)
        living[pid] = number
        os.write(1, f"born {number} {pid}\n".encode())
        bearing = False
        _bury(living)


def _bury(living: dict[int, int]) -> None:
    """Tell of the kernels that have ended since."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if (number := living.pop(found[0], None)) is not None:
                os.write(1, f"died {number} {os.waitstatus_to_exitcode(found[1])}\n".encode())


def _live(order: dict[str, Any], told: int) -> None:
    """In the copy: become the kernel that was ordered, and never come back."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent()
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        os.close(told)
        os.chdir(order["cwd"])
        _show(order["env"][MARK])
        os.environ.clear()
        os.environ.update(order["env"])
        sys.argv = order["argv"]
        sys.modules["ipykernel.kernelapp"].launch_new_instance()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _show(mark: str) -> None:
    """Write the mark over the nursery's own, in place.

    Of a process that was only ever forked, ``/proc`` shows the environment that its first ancestor was started with.
    """
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    ctypes.memmove(libc.getenv(MARK.encode()), mark.encode(), len(mark))


def take(command: list[str], cwd: str, env: dict[str, str]) -> tuple[Born | None, str]:
    """The kernel of `command` from the nursery, and its mark; a new mark alone where there is none, or no such one."""
    mark = new_mark()
    if not _nurseries or command[1:3] != ["-m", "ipykernel_launcher"]:
        return None, mark
    return _nurseries[0].bear({"cwd": cwd, "env": env | {MARK: mark}, "argv": command[2:]}), mark
