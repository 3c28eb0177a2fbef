"""The image, built from a Debian of mmdebstrap, and containers of it; PostgreSQL 15 beside them. All on this machine.

The machine's own settings of apt, pip and uv, and its certificates, are mounted while the image is built.
"""

import contextlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".cloud"
IMAGE = "localhost/footfall:cloud"
SETTINGS = ("/etc/ssl/certs", "/etc/apt/apt.conf.d", "/etc/pip.conf", "/etc/xdg/pip", "/etc/uv", "/opt")
HARD = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp", "--init",
        "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]  # fmt: skip
POSTGRES = Path("/usr/lib/postgresql/15/bin")
STARTED = []  # containers, for who must see that none is left


def environment():
    """For podman and buildah: a storage of our own if none is named, by overlay, since vfs copies every layer."""
    storage = TOOLS / "storage.conf"
    TOOLS.mkdir(exist_ok=True)
    storage.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{TOOLS}/images"\nrunroot = "{TOOLS}/run"\n')
    return {"CONTAINERS_STORAGE_CONF": str(storage)} | os.environ


def call(*words, **options):
    options = {"env": environment()} | options
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def debian():
    """Where this machine gets its Debian, if it is a bookworm; else where everyone does."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    return [sources] if sources.exists() and "bookworm" in sources.read_text() else []


def build(root=ROOT, image=IMAGE):
    """The image of what lies in a clone, on a Debian made on this machine; what has not changed is not built anew."""
    base = "docker.io/library/debian:bookworm-slim"
    if not call("podman", "images", "--quiet", base):
        tar = TOOLS / "base.tar"
        call("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", "bookworm", tar, *debian())
        call("podman", "import", "--quiet", tar, base)
        tar.unlink()
    mounts = [f"--volume={path}:{path}:ro" for path in SETTINGS if Path(path).exists()]
    commit = call("sh", root / "deploy" / "commit.sh").strip()
    call("buildah", "bud", "--isolation=chroot", "--pull-never", "--layers", *mounts,
         f"--build-arg=FOOTFALL_COMMIT={commit}", "-f", root / "deploy" / "Dockerfile", "-t", image, root)  # fmt: skip
    return commit


class Container:
    """A container of the image, as hard as on the machine: read-only, no rights, the machine's network; its log."""

    def __init__(self, folder, name, *command, memory="4g", volume=None, image=IMAGE, network="host", **variables):
        self.name, self.log = f"footfall-cloud-{os.getpid()}-{name}", folder / f"{name}.log"
        volumes = [f"--volume={volume}:/var/lib/footfall"] if volume else []
        settings = [f"--env={key}={value}" for key, value in variables.items()]
        words = ["podman", "--runtime=runc", "run", "--rm", "--replace", f"--name={self.name}", f"--memory={memory}",
                 f"--network={network}", *HARD, *volumes, *settings, image, *command]  # fmt: skip
        self.process = subprocess.Popen(words, stdout=self.log.open("w"), stderr=subprocess.STDOUT, env=environment())
        STARTED.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait(self):
        """Until it has ended by itself; its exit code."""
        return self.process.wait()

    def stop(self):
        """As Cloud Run and Docker do; its exit code, and the seconds that it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            call("podman", "stop", "--ignore", "--time=60", self.name)
        return self.process.wait(), time.monotonic() - began

    def text(self):
        return self.log.read_text()


def until(condition, alive=None):
    """Wait for what `condition` gives; for as long as a container is alive that it depends on."""
    while not (value := condition()):
        assert alive is None or alive.process.poll() is None, alive.text()[-4000:]
        time.sleep(0.2)
    return value


def status(url, **headers):
    """The HTTP status of an address; 0 if nobody answers."""
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Machines:
    """Machines on one wire, by name and address: namespaces of this one's network, and a switch between them.

    Each lets in what its firewall was told to, and the answers to what it asked for itself.
    """

    def __init__(self, addresses):
        self.addresses = addresses

    def __enter__(self):
        for name in ("switch", *self.addresses):
            call("ip", "netns", "add", self.network(name))
        self._ip("switch", "link", "add", "switch", "up", "type", "bridge")
        for name, address in self.addresses.items():
            self._ip(name, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", self.network("switch"))
            self._ip("switch", "link", "set", name, "master", "switch", "up")
            self._ip(name, "address", "add", f"{address}/24", "dev", "eth0")
            self._ip(name, "link", "set", "eth0", "up")
            self._ip(name, "link", "set", "lo", "up")
            self._firewall(name, "-P", "INPUT", "DROP")
            self._firewall(name, "-A", "INPUT", "-i", "lo", "-j", "ACCEPT")
            self._firewall(name, "-A", "INPUT", "-m", "conntrack", "--ctstate", "ESTABLISHED", "-j", "ACCEPT")
        return self

    def __exit__(self, *_):
        for name in ("switch", *self.addresses):
            call("ip", "netns", "delete", self.network(name))

    def network(self, name):
        return f"footfall-{os.getpid()}-{name}"

    def container(self, name, folder, label, *command, **options):
        """A container of the image on that machine."""
        return Container(folder, label, *command, network=f"ns:/run/netns/{self.network(name)}", **options)

    def inside(self, name, *words):
        """What runs a command on that machine, of this one's."""
        return ["ip", "netns", "exec", self.network(name), *map(str, words)]

    def let_in(self, source, target, ports):
        at = ["-s", self.addresses[source], "-p", "tcp", "--dport", ports.replace("-", ":")]
        self._firewall(target, "-A", "INPUT", *at, "-j", "ACCEPT")

    def came_in(self, source, target):
        """Connections that one opened to the other."""
        rules = self._firewall(target, "-n", "-v", "-x", "-L", "INPUT").splitlines()
        return sum(int(rule.split()[0]) for rule in rules if f" {self.addresses[source]} " in rule)

    def reaches(self, name, host, port):
        tries = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
        command = self.inside(name, sys.executable, "-c", tries, host, port)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _ip(self, name, *words):
        call("ip", "-n", self.network(name), *words)

    def _firewall(self, name, *words):
        return call(*self.inside(name, "iptables", "-w", *words))


@contextlib.contextmanager
def postgres(folder, port, passwords):
    """PostgreSQL 15, from Debian, asking for passwords: a user and a database of the same name for each; its log.

    Its data lie apart: pytest closes its own folders to other users each time that anybody on the machine starts it.
    Yields a function that runs one of its programs, among the data.
    """
    user, data = pwd.getpwnam("postgres"), Path(tempfile.mkdtemp(prefix="footfall-postgres-"))
    os.chown(data, user.pw_uid, user.pw_gid)
    own = {"user": user.pw_uid, "group": user.pw_gid, "cwd": data}
    call(POSTGRES / "initdb", "-D", data, "--auth-local=peer", "--auth-host=scram-sha-256", **own)
    settings = ["-p", port, "-k", data, "-h", "127.0.0.1", "-c", "max_connections=25"]
    words = [str(word) for word in (POSTGRES / "postgres", "-D", data, *settings)]
    server = subprocess.Popen(words, stdout=(folder / "postgres.log").open("a"), stderr=subprocess.STDOUT, **own)
    psql = [POSTGRES / "psql", "-qAt", "-h", data, "-p", port, "-v", "ON_ERROR_STOP=1"]
    try:
        until(
            lambda: (
                subprocess.run([POSTGRES / "pg_isready", "-q", "-h", data, "-p", str(port)], check=False).returncode
                == 0
            )
        )
        for name, password in passwords.items():
            call(*psql, "-c", f"CREATE ROLE {name} LOGIN PASSWORD '{password}'", "postgres", **own)
            call(*psql, "-c", f"CREATE DATABASE {name} OWNER {name}", "postgres", **own)
        yield lambda program, *more: call(POSTGRES / program, "-h", data, "-p", port, *more, **own)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(data)


def prefect(*words, **variables):
    """Prefect's command line, outside of the image, as a person at the other end of the tunnel has it."""
    command = [str(ROOT / ".venv" / "bin" / "prefect")]
    if not Path(command[0]).exists():
        command = [sys.executable, "-m", "prefect"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False, env=os.environ | variables)


def latest(objects, market):
    """The pointer of a market, in the emulator's folder."""
    return json.loads((objects / market / "latest.json").read_text())
