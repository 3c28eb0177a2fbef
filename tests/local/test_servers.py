"""Who starts the servers, who finds them and who stops them; each in a process of its own, the bucket for all."""

import os
import subprocess
import sys
import time
import urllib.request

import pytest

from flows.local import servers
from flows.record.process import this_process

SCRIPT = """
from flows.local.servers import servers
with servers() as at:
    print(at.get("STORAGE_EMULATOR_HOST"), flush=True)
    input()
    print("leaves", flush=True)
"""
ELSEWHERE = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


@pytest.fixture
def comes(tmp_path):
    """Starts one more process in the same home; all are gone at the end."""
    theirs = ("FOOTFALL_BUCKET", "STORAGE_EMULATOR_HOST")
    ours = {name: value for name, value in os.environ.items() if name not in theirs}
    all_of_them = []

    def one_more(**named):
        env = ours | ELSEWHERE | {"FOOTFALL_HOME": str(tmp_path), **named}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        all_of_them.append(subprocess.Popen([sys.executable, "-c", SCRIPT], env=env, **pipes))
        return all_of_them[-1]

    yield one_more
    for one in all_of_them:
        one.kill()
        one.wait()


def leave(one):
    one.stdin.write("\n")
    one.stdin.close()
    assert one.stdout.readline() == "leaves\n"


def test_who_comes_while_the_house_waits_for_its_last_guest_is_one_more_guest(comes, tmp_path):
    host = comes()
    address = host.stdout.readline()
    guest = comes()
    assert guest.stdout.readline() == address
    leave(host)
    time.sleep(1)  # it waits now
    late = comes()
    assert late.stdout.readline() == address
    leave(guest)
    time.sleep(1)
    assert host.poll() is None and urllib.request.urlopen(f"{address.strip()}/storage/v1/b").status == 200
    leave(late)
    assert host.wait(20) == 0 and not (tmp_path / "servers.json").exists()


def test_of_two_that_begin_at_once_one_starts_the_servers(comes):
    assert len({one.stdout.readline() for one in [comes(), comes(), comes()]}) == 1


def test_who_names_a_bucket_elsewhere_is_not_led_to_the_one_on_this_machine(comes, tmp_path):
    assert comes(FOOTFALL_BUCKET="theirs").stdout.readline() == "None\n"
    assert not (tmp_path / "servers.json").exists(), "it started none, so nobody is its guest"
    assert comes().stdout.readline().startswith("http://127.0.0.1")
    assert comes(FOOTFALL_BUCKET="theirs").stdout.readline() == "None\n"


def test_addresses_of_a_process_that_is_gone_are_not_believed_whoever_has_its_number_now(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    here, note = this_process(), {"addresses": {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}}

    def noted(**changed):
        (tmp_path / "servers.json").write_text(servers.Note(**here.model_dump() | note | changed).model_dump_json())
        return servers._running()

    assert noted() == note["addresses"]
    assert noted(born="another-start-of-the-machine 42") == {}
    (tmp_path / "servers.json").write_text("")
    assert servers._running() == {}
