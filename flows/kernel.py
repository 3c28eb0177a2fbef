"""A kernel that is warm before its notebook is ready.

Most of a short notebook's time goes into importing what it works with. A process started early, while its parent is
still busy with its own imports, imports the same, then waits for one line that says where to work and becomes an
ordinary ipykernel. If it is not there, or died meanwhile, a kernel starts as kernels always do.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from typing import Any

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
PR_SET_PDEATHSIG = 1
_waiting: list[subprocess.Popen[bytes]] = []


def environment() -> dict[str, str]:
    """The few variables that a kernel gets; no credential is among them."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | ALWAYS


def die_with_parent() -> None:
    """For ``preexec_fn``: the process is killed when the one that started it ends, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def warm() -> None:
    """Start a process that will be the next kernel, unless one waits already, and return at once."""
    if any(process.poll() is None for process in _waiting):
        return
    command = [sys.executable, "-c", "from flows.kernel import wait; wait()"]
    _waiting.append(
        subprocess.Popen(
            command,
            env=environment() | {"JPY_PARENT_PID": str(os.getpid())},
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    )


def wait() -> None:
    """In the warm process: import what notebooks import, wait for orders, become the kernel."""
    import ipykernel.kernelapp
    import sktime.forecasting.naive
    import sktime.forecasting.theta  # noqa: F401

    import footfall.boosted
    import footfall.gate
    import footfall.page
    import footfall.plots

    footfall.page.template()
    line = sys.stdin.readline()
    if not line:
        return
    order = json.loads(line)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    ipykernel.kernelapp.launch_new_instance()


def take(command: list[str], cwd: str, env: dict[str, str]) -> subprocess.Popen[bytes] | None:
    """The warm process, told to become the kernel of `command`; None if there is none, or it is another kernel's."""
    while _waiting and command[1:3] == ["-m", "ipykernel_launcher"]:
        process = _waiting.pop()
        if process.poll() is None and process.stdin:
            order: dict[str, Any] = {"cwd": cwd, "env": env, "argv": command[2:]}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.close()
            return process
    return None


def guard(group: int) -> subprocess.Popen[bytes]:
    """A shell that kills a kernel's process group as soon as we let go of it, or end, however we end."""
    command = ["/bin/sh", "-c", f"read _; kill -9 -{group}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


def end(guarding: subprocess.Popen[bytes] | None) -> None:
    """Kill what is left of a kernel and everything it started."""
    if guarding and guarding.stdin:
        guarding.stdin.close()
        guarding.wait()
