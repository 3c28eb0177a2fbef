"""The machine, booted from its own cloud-init: a Debian by systemd-nspawn.

It has a real disk, and Docker's stand-in; its metadata server and Secret Manager are on this machine. What Docker is
told to run is tried in test_containers.py.
"""

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from containers import debian
from identity_servers import Handler
from terraform_root import ROOT, TOOLS, Terraform, mirror

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(not (shutil.which("systemd-nspawn") and shutil.which("terraform")), reason="no systemd-nspawn"),
]
GOOGLE = "127.0.0.9"  # where the machine finds its metadata and Secret Manager
SECRETS = {"prefect-auth-string": "footfall:word", "prefect-database-password": "pass=word",
           "worker-variables": "OPEN_METEO_KEY=k=1\nTASCA_ADDRESS=mailto://a:b@c\n"}  # fmt: skip  # no alert-url yet
PACKAGES = "systemd,systemd-sysv,dbus,cloud-init,curl,e2fsprogs,ca-certificates,procps"
DOCKER = """#!/bin/sh
# Docker, as far as units know it: refuses what lacks its files or its disk, else stays until it is told to end.
echo "$(date +%s.%N) $*" >> /var/log/docker-was-asked
[ "$1" = run ] || exit 0
for word; do
    case $word in
        --env-file=*) [ -s "${word#*=}" ] || exit 125 ;;
        --volume=*) word=${word#*=}; mountpoint -q "${word%%:*}" || exit 125 ;;
    esac
done
exec sleep infinity
"""


class Google(Handler):
    """A token for who says what asks for one, and the secrets for who has the token: once its rights have arrived."""

    still_refused: ClassVar = {"prefect-auth-string", "alert-url"}  # once each, while new rights are on their way

    def do_GET(self):
        name = self.path.split("/")[-3] if ":access" in self.path else ""
        if name in Google.still_refused:
            Google.still_refused.remove(name)
            self.answer(403, b"{}")
        elif self.path.endswith("/default/token") and self.headers.get("Metadata-Flavor") == "Google":
            self.answer(200, json.dumps({"access_token": "ya29.machine", "expires_in": 3599}).encode())
        elif self.headers.get("Authorization") == "Bearer ya29.machine" and name in SECRETS:
            data = base64.b64encode(SECRETS[name].encode()).decode()
            self.answer(200, json.dumps({"name": name, "payload": {"data": data}}, indent=2).encode())
        else:
            self.answer(404 if name else 403, b"{}")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What Terraform gives machines to begin with, by their resources: the machine, with a scheduler, and its group."""
    terraform = Terraform(tmp_path_factory.mktemp("terraform"), mirror(tmp_path_factory.mktemp("mirror")))
    changes = terraform.test()[2]["backtests_go_to_a_group_by_choice"]["resource_changes"]
    return {change["name"]: change["change"]["after"]["metadata"]["user-data"] for change in changes
            if change["type"] in ("google_compute_instance", "google_compute_instance_template")}  # fmt: skip


@pytest.fixture(scope="module")
def user_data(given):
    return given["machine"]


@pytest.fixture(scope="module")
def google():
    server = ThreadingHTTPServer((GOOGLE, 80), Google)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """An empty disk of 64 MB."""
    path = tmp_path_factory.mktemp("disk") / "disk"
    path.write_bytes(b"")
    os.truncate(path, 64 << 20)
    device = subprocess.check_output(["losetup", "--find", "--show", path], text=True).strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=False)


class Machine:
    """A Debian in a folder, booted and asked."""

    def __init__(self, folder, user_data, disk):
        self.folder, self.disk = folder, disk
        seed = folder / "var/lib/cloud/seed/nocloud"
        seed.mkdir(parents=True, exist_ok=True)
        (seed / "user-data").write_text(user_data.replace("https://secretmanager.googleapis.com", f"http://{GOOGLE}"))
        (seed / "meta-data").write_text("instance-id: one\nlocal-hostname: footfall\n")
        (folder / "etc/cloud/cloud.cfg.d/99-seed.cfg").write_text("datasource_list: [NoCloud]\n")
        (folder / "etc/hosts").write_text(f"127.0.0.1 localhost footfall\n{GOOGLE} metadata.google.internal\n")
        for name, text in {"docker": DOCKER, "docker-credential-gcr": "#!/bin/sh\n"}.items():
            (folder / "usr/bin" / name).write_text(text)
            (folder / "usr/bin" / name).chmod(0o755)

    def boot(self):
        command = ["systemd-nspawn", "--quiet", f"--directory={self.folder}", "--boot", "--register=no", "--keep-unit",
                   f"--bind={self.disk}:/dev/disk/by-id/google-footfall", "--console=pipe"]  # fmt: skip
        log = (self.folder / "console.log").open("a")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __call__(self, *words):
        """A command in it: what it said; empty where it failed, or the machine is not up yet."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return ""
        enter = ["nsenter", f"--target={children[0]}", "--mount", "--pid", "--ipc", "--uts", "--root", "--wd"]
        done = subprocess.run([*enter, *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def until(self, condition):
        while not condition():
            assert self.process.poll() is None, (self.folder / "console.log").read_text()[-3000:]
            time.sleep(0.5)

    def is_active(self, unit):
        return self("systemctl", "is-active", f"footfall-{unit}") == "active"

    def asked(self):
        """The containers that Docker was told to run, in their order."""
        path = self.folder / "var/log/docker-was-asked"
        return re.findall(r"run --name=footfall-([\w-]+)", path.read_text()) if path.exists() else []

    def off(self):
        self("systemctl", "poweroff", "--no-block")
        self.process.wait()


@pytest.fixture(scope="module")
def machine(user_data, google, disk, tmp_path_factory):
    base = TOOLS / "machine.tar"
    if not base.exists():
        part = base.with_suffix(".part.tar")
        words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "bookworm", part, *debian()]
        subprocess.run(words, check=True)
        part.rename(base)
    folder = tmp_path_factory.mktemp("machine")
    subprocess.run(["tar", "-x", "-f", base, "-C", folder, "--exclude=./dev/*"], check=True)
    one = Machine(folder, user_data, disk)
    yield one.boot()
    with contextlib.suppress(Exception):
        one.off()
    one.process.kill()
    shutil.rmtree(folder, ignore_errors=True)


IN_ORDER = ["sql-proxy", "prefect", "worker"]
UNITS = [*IN_ORDER, "scheduler"]


def test_cloud_init_is_what_cloud_init_takes(user_data, machine):
    machine.until(lambda: machine("cloud-init", "status"))
    verdict = machine("cloud-init", "schema", "--config-file", "/var/lib/cloud/seed/nocloud/user-data")
    assert verdict.startswith("Valid")  # "Valid schema", or in older ones "Valid cloud-config"; nothing if refused


def test_the_units_come_up_with_their_disk_and_their_secrets(machine):
    machine.until(lambda: all(map(machine.is_active, UNITS)))
    assert not Google.still_refused, "the secrets came at the third attempt"
    assert machine("findmnt", "-no", "FSTYPE", "/mnt/disks/footfall") == "ext4"
    assert machine("stat", "-c", "%u %a", "/mnt/disks/footfall") == "10001 700"
    assert machine("stat", "-c", "%u %a", "/run/footfall/worker.env") == "0 600"
    worker = machine("cat", "/run/footfall/worker.env").splitlines()
    assert worker[:2] == ["PREFECT_API_AUTH_STRING=footfall:word", "FOOTFALL_ALERT_URL="]
    assert worker[2:] == SECRETS["worker-variables"].splitlines()
    assert "PGPASSWORD=pass=word" in machine("cat", "/run/footfall/prefect.env")


def test_what_is_killed_comes_back(machine):
    def main_process(unit):
        return machine("systemctl", "show", "-P", "MainPID", f"footfall-{unit}")

    for unit in UNITS:
        before = main_process(unit)
        machine("kill", "-9", before)
        machine.until(lambda unit=unit, before=before: main_process(unit) not in ("0", "", before))
        machine.until(lambda unit=unit: machine.is_active(unit))


def test_after_a_reboot_all_is_up_again_in_order_and_the_disk_has_what_it_had(machine):
    machine("touch", "/mnt/disks/footfall/kept")
    machine.off()
    before = len(machine.asked())
    machine.boot()
    machine.until(lambda: all(map(machine.is_active, UNITS)))
    assert [unit for unit in machine.asked()[before:] if unit in IN_ORDER][:3] == IN_ORDER
    assert machine("ls", "/mnt/disks/footfall/kept")


def test_the_units_are_what_systemd_takes(machine):
    for unit in [*UNITS, "disk", "secrets"]:
        assert verified(machine, unit)


def test_a_machine_of_the_group_runs_its_worker_again_after_it_was_killed(given, machine):
    (machine.folder / "group").write_text(given["backtests"])
    assert machine("cloud-init", "schema", "--config-file", "/group").startswith("Valid")
    (unit,) = yaml.safe_load(given["backtests"])["write_files"]
    (machine.folder / unit["path"].lstrip("/")).write_text(unit["content"])
    assert verified(machine, "backtests")
    machine("systemctl", "daemon-reload")
    machine("systemctl", "enable", "--now", "footfall-backtests")
    for times in (1, 2):
        machine.until(lambda times=times: machine.asked().count("backtests") == times)
        machine("systemctl", "kill", "--signal=KILL", "footfall-backtests")
    machine("systemctl", "disable", "--now", "footfall-backtests")


def verified(machine, unit):
    return machine("sh", "-c", f"systemd-analyze verify footfall-{unit}.service 2>&1 && echo verified") == "verified"


SIZE = 16 << 20
PARTITION = bytes([0, 0, 2, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0])
TAKEN = {  # what lies at which byte of a disk that is somebody's
    "swap": {4086: b"SWAPSPACE2"},
    "a table of partitions": {446: PARTITION, 510: b"\x55\xaa"},
    "what nobody knows": {4096: b"records"},
    "ext4 without its beginning": {1024: bytes(1024)},
}


@pytest.mark.parametrize("kind", TAKEN)
def test_a_disk_that_is_not_empty_is_never_formatted(kind, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(SIZE))
    if "ext4" in kind:
        subprocess.run(["mkfs.ext4", "-q", disk], check=True)
    with disk.open("r+b") as file:
        for at, content in TAKEN[kind].items():
            file.seek(at)
            file.write(content)
    before = disk.read_bytes()
    code, said = prepare(disk)
    assert code == 1 and "neither empty nor ext4" in said and disk.read_bytes() == before


def test_a_disk_that_cannot_be_read_is_not_formatted(tmp_path):
    code, said = prepare(tmp_path / "nowhere")
    assert code == 1 and "neither empty nor ext4" in said


def test_an_empty_disk_gets_its_file_system_and_keeps_it(tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(SIZE))
    assert prepare(disk)[0] == 0
    formatted = disk.read_bytes()
    assert formatted[1080:1082] == b"\x53\xef", "ext4's mark"
    assert prepare(disk)[0] == 0 and disk.read_bytes() == formatted


def prepare(disk):
    """The part of disk.sh that decides on the file system, on this disk: its exit code, and what it said."""
    script = (ROOT / "deploy" / "machine" / "disk.sh").read_text().partition("fsck.ext4")[0]
    script = script.replace("/dev/disk/by-id/google-footfall", str(disk))
    done = subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_scripts_of_the_machine_are_in_its_cloud_init(user_data):
    for path in (ROOT / "deploy" / "machine").iterdir():
        assert path.name in user_data
