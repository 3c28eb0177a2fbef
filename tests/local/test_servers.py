"""Who starts the servers, who finds them and who stops them; each in a process of its own, the bucket for all."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psutil
import pytest
from conftest import HOMES, typical

from flows.local import servers
from flows.record.process import this_process
from flows.settings import home
from footfall.errors import EnvironmentProblem

pytestmark = pytest.mark.kernel


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_user_without_a_name_keeps_in_our_home_what_others_keep_in_theirs(monkeypatch):
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert not {"HOME", "LOGNAME"} & set(servers.shared_environment()), "whoever has a name has a folder"
    if not (child := os.fork()):
        os.setuid(12345)
        os._exit(not {"HOME": str(home()), "LOGNAME": "user 12345"}.items() <= servers.shared_environment().items())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


SCRIPT = """
import sys
from flows.local.servers import servers
with servers(*sys.argv[1:]) as at:
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
    processes = []

    def one_more(*needed, stderr=None, **named):
        env = ours | ELSEWHERE | {"FOOTFALL_HOME": str(tmp_path), **named}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": stderr, "text": True}
        processes.append(subprocess.Popen([sys.executable, "-c", SCRIPT, *needed], env=env, **pipes))
        return processes[-1]

    yield one_more
    for process in processes:
        process.kill()
        process.wait()


def leave(guest):
    guest.stdin.write("\n")
    guest.stdin.close()
    assert guest.stdout.readline() == "leaves\n"


def wait_until_it_waits(host):
    """Until a process stands in line for a lock."""
    while not re.search(rf"-> FLOCK +ADVISORY +WRITE {host.pid} ", Path("/proc/locks").read_text()):
        assert host.poll() is None
        time.sleep(0.05)


def test_who_comes_while_the_house_waits_for_its_last_guest_is_one_more_guest(comes, tmp_path):
    host = comes()
    address = host.stdout.readline()
    guest = comes()
    assert guest.stdout.readline() == address
    leave(host)
    wait_until_it_waits(host)
    late = comes()
    assert late.stdout.readline() == address
    leave(guest)
    guest.wait()
    wait_until_it_waits(host)
    assert host.poll() is None and urllib.request.urlopen(f"{address.strip()}/storage/v1/b").status == 200
    leave(late)
    assert host.wait() == 0 and not (tmp_path / "servers.json").exists()


def test_of_two_that_begin_at_once_one_starts_the_servers(comes):
    assert len({process.stdout.readline() for process in [comes(), comes(), comes()]}) == 1


def test_a_guest_of_servers_whose_host_is_gone_is_told_so_whoever_starts_others(comes, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    first = comes()
    first.stdout.readline()
    joined = servers.host()
    servers.watch(joined)
    first.kill()
    first.wait()
    gone = pytest.raises(EnvironmentProblem, match=f"process {first.pid}, which started the servers, ended; run foot")
    with gone:
        servers.watch(joined)
    assert comes().stdout.readline().startswith("http")
    with gone:
        servers.watch(joined)


@pytest.mark.soak
def test_of_two_that_are_up_the_second_ends_where_the_first_is_killed(tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in HOMES} | {"FOOTFALL_HOME": str(tmp_path)}
    words, piped = [sys.executable, "-m", "flows.cli.main", "up"], {"stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=env, **piped) as first, subprocess.Popen(words, env=env, **piped) as second:
        for process in (first, second):
            assert any(line.startswith("A worker waits") for line in process.stdout)
        host, guest = (
            (first, second)
            if json.loads((tmp_path / "servers.json").read_text())["pid"] == first.pid
            else (second, first)
        )
        host.kill()
        said, _ = guest.communicate()
    assert guest.returncode == 4 and f"process {host.pid}, which started the servers, ended" in said, said


def test_who_starts_them_says_so_before_the_long_wait(comes):
    host = comes(stderr=subprocess.PIPE)
    assert host.stderr.readline() == "Starting Prefect, MLflow and the bucket …\n"
    assert host.stdout.readline().startswith("http")


def test_who_asks_only_some_servers_starts_no_other_and_has_no_guests(comes, tmp_path):
    alone = comes(servers.BUCKET, PREFECT_API_URL="", MLFLOW_TRACKING_URI="")
    address = alone.stdout.readline()
    assert address.startswith("http://127.0.0.1") and not (tmp_path / "servers.json").exists()
    assert not (tmp_path / "mlflow.db").exists() and not (tmp_path / "prefect").exists()
    host = comes()
    wait_until_it_waits(host)
    leave(alone)
    assert host.stdout.readline().startswith("http://127.0.0.1") and (tmp_path / "servers.json").exists()
    guest = comes(servers.BUCKET)
    assert guest.stdout.readline().startswith("http://127.0.0.1")
    leave(host)
    wait_until_it_waits(host)  # for a guest that asks only some of them, too
    leave(guest)
    assert host.wait() == 0


def test_who_names_a_bucket_elsewhere_is_not_led_to_the_one_on_this_machine(comes, tmp_path):
    assert comes(FOOTFALL_BUCKET="theirs").stdout.readline() == "None\n"
    assert not (tmp_path / "servers.json").exists(), "it started none, so nobody is its guest"
    assert comes().stdout.readline().startswith("http://127.0.0.1")
    assert comes(FOOTFALL_BUCKET="theirs").stdout.readline() == "None\n"


def listening(port):
    """The process that has a port."""
    return next(one.pid for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.laddr.port == port)


def test_who_has_the_port_of_a_server_that_ended_gets_nothing_of_ours(comes, tmp_path):
    comes(MLFLOW_TRACKING_URI="").stdout.readline()
    port = int(json.loads((tmp_path / "servers.json").read_text())["addresses"]["MLFLOW_TRACKING_URI"].split(":")[-1])
    server = psutil.Process(listening(port))
    launched = server.parent()
    server.kill()
    while launched.status() != psutil.STATUS_ZOMBIE:  # the host of this test, unlike `up`, looks after none
        time.sleep(0.05)
    asked = []

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.requestline)
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, args=(0.05,), daemon=True).start()
        env = {name: value for name, value in os.environ.items() if name not in HOMES} | {
            "FOOTFALL_HOME": str(tmp_path)
        }
        words = [sys.executable, "-m", "flows.cli.main", "runs"]
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        stranger.shutdown()
    assert done.returncode == 4 and re.search(r"mlflow ended; read .*mlflow\.log, end process \d+", done.stdout), done
    assert asked == []


def test_beside_another_program_a_server_has_the_same_port_each_time():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        usual = other.getsockname()[1]
        first = servers.free_port(usual)
        assert usual < first < usual + servers.NEAR and servers.free_port(usual) == first


def test_addresses_of_a_process_that_is_gone_are_not_believed_whoever_has_its_number_now(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    here, addresses = this_process(), {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}

    def noted(**changed):
        host = servers.Host(**here.model_dump() | {"addresses": addresses} | changed)
        (tmp_path / "servers.json").write_text(host.model_dump_json())
        return servers.host() and servers.host().addresses

    assert noted() == addresses
    assert noted(born="another-start-of-the-machine 42") is None
    (tmp_path / "servers.json").write_text("")
    assert servers.host() is None


WORKS = "import sys, time; until = time.process_time() + 3\nwhile time.process_time() < until: pass\n"
SERVES = """from http.server import SimpleHTTPRequestHandler, test
test(SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"""
STARTS = {
    "works longer than patience lasts, then answers": (WORKS + SERVES, True, 1000),
    "stands still": ("import time; time.sleep(600)", False, 1000),
    "ends": ("1 / 0", False, 1000),
    "works for ever": ("while True: pass", False, 2),
}


@pytest.mark.parametrize("start", typical(list(STARTS), *list(STARTS)[:3]))
def test_a_server_is_waited_for_while_it_works_and_no_longer(start, tmp_path, monkeypatch):
    script, answers, stretches = STARTS[start]
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    monkeypatch.setattr(servers, "PATIENCE", 2.0)
    monkeypatch.setattr(servers, "STRETCHES", stretches)
    (tmp_path / "logs").mkdir()
    stub = servers.Server("STUB", "stub", 0, tmp_path, lambda port: [sys.executable, "-c", script, str(port)], "/",
                          lambda url: {"STUB": url})  # fmt: skip
    refused = pytest.raises(EnvironmentProblem, match=r"stub did not start on port \d+; read .*stub\.log$")
    with contextlib.ExitStack() as stack, contextlib.nullcontext() if answers else refused:
        stub.launch(stack)
        assert urllib.request.urlopen(stub.addresses(stack)["STUB"]).status == 200


def test_where_the_disk_is_full_that_is_why_a_server_does_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    monkeypatch.setattr(servers, "ROOM", shutil.disk_usage(tmp_path).total)
    (tmp_path / "logs").mkdir()
    stub = servers.Server(
        "STUB", "stub", 0, tmp_path, lambda port: [sys.executable, "-c", "1 / 0"], "/", lambda url: {}
    )
    with (
        contextlib.ExitStack() as stack,
        pytest.raises(EnvironmentProblem, match=f"no space left at {tmp_path}; .*cp -a"),
    ):
        stub.launch(stack)
        stub.addresses(stack)


@pytest.mark.soak
def test_one_that_is_started_again_has_all_its_time_again(tmp_path, monkeypatch):
    """Both starts take long, each less than the patience that it has: the first finds its port taken."""
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    monkeypatch.setattr(servers, "PATIENCE", 20.0)
    monkeypatch.setattr(servers, "WORKING", 0.2)  # what a start takes of a processor is no sign of life here
    (tmp_path / "logs").mkdir()
    late = "import os, sys, time; again = os.path.exists('once'); open('once', 'w'); time.sleep(12); again or 1 / 0\n"
    command = [sys.executable, "-c", late + SERVES]
    stub = servers.Server(
        "STUB", "stub", 0, tmp_path, lambda port: [*command, str(port)], "/", lambda url: {"URL": url}
    )
    with contextlib.ExitStack() as stack:
        stub.launch(stack)
        assert urllib.request.urlopen(stub.addresses(stack)["URL"]).status == 200


@pytest.mark.parametrize(
    ("server", "path"),
    [("PREFECT_API_URL", "/deployments/filter"), ("MLFLOW_TRACKING_URI", "/ajax-api/2.0/mlflow/runs/search")],
)
def test_a_page_of_elsewhere_in_the_browser_beside_it_may_not_ask_a_server(servers, server, path):
    asks = {"Origin": "http://shop.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type"}  # fmt: skip
    answer = httpx.options(f"{servers[server]}{path}", headers=asks)
    assert answer.status_code in (400, 403) and "access-control-allow-origin" not in answer.headers
    answer = httpx.post(f"{servers[server]}{path}", headers={"Origin": "http://shop.example"}, json={})
    assert "access-control-allow-origin" not in answer.headers
