"""Everything for real: worker and flow killed, the server gone, one day started four times at once."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest
from conftest import free_port, wait_for

from flows.local.servers import shared_environment
from flows.settings import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
CLI = [sys.executable, "-u", "-m", "flows.cli.main"]


class House:
    """A home of its own with a Prefect server that can be stopped and started apart from the rest."""

    def __init__(self, home):
        self.home, port = home, free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        own = {"FOOTFALL_HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "PREFECT_API_URL": self.url}
        theirs = ("MLFLOW_TRACKING_URI", "FOOTFALL_BUCKET", "STORAGE_EMULATOR_HOST")
        self.env = (
            {name: value for name, value in os.environ.items() if name not in theirs} | shared_environment() | own
        )
        self.serve = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        self.server = self.house = None

    def start_server(self):
        log = (self.home / "server.log").open("ab")
        self.server = subprocess.Popen(self.serve, env=self.env, stdout=log, stderr=log, start_new_session=True)
        wait_for(f"{self.url}/health", self.server)

    def stop_server(self):
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()

    def up(self):
        self.house = subprocess.Popen(
            [*CLI, "up"], env=self.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        said = []
        for line in self.house.stdout:
            said.append(line)
            if "A worker waits" in line:
                return
        raise AssertionError(said)

    def down(self):
        self.house.send_signal(signal.SIGINT)
        self.house.wait()

    def ask(self, method, path, body=None):
        import urllib.request

        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.loads(answer.read() or "null")

    def deployment(self, name="predict/sample"):
        return self.ask("GET", f"/deployments/name/{name}")["id"]

    def begin(self):
        return self.ask("POST", f"/deployments/{self.deployment()}/create_flow_run", {})["id"]

    def state(self, run):
        return self.ask("GET", f"/flow_runs/{run}")["state"]["name"]

    def runs(self):
        mine = {"flow_runs": {"deployment_id": {"any_": [self.deployment()]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return self.ask("POST", "/flow_runs/filter", mine)

    def until(self, run, names, seconds=math.inf):
        began = time.monotonic()
        while self.state(run) not in names:
            assert time.monotonic() - began < seconds, self.state(run)
            time.sleep(0.2)
        return time.monotonic() - began

    def records(self):
        """What each run in the home came to, oldest first."""
        paths = sorted((self.home / "runs").glob("*-predict-*/record.json"))
        return [json.loads(path.read_text())["outcome"] for path in paths]

    def sets(self):
        return [*(self.home / "bucket" / "footfall" / "sample" / "forecasts").glob("*/*/manifest.json")]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    one = House(tmp_path_factory.mktemp("house"))
    one.start_server()
    one.up()
    done = subprocess.run([*CLI, "run", "sample"], env=one.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    yield one
    one.down()
    one.stop_server()


@pytest.mark.parametrize("again", range(10))
def test_the_prefect_server_is_gone_for_a_minute_during_a_run(house, again):
    before = len(house.records())
    run = house.begin()
    house.until(run, ["Running"])
    house.stop_server()
    time.sleep(60)
    house.start_server()
    waited = house.until(run, ["Completed", "Failed", "Crashed"])
    print(f"state recorded {waited:.0f} s after the server was back")
    assert house.state(run) == "Completed"
    assert house.records()[before:] == ["succeeded"] and len(house.sets()) == 1
    assert house.house.poll() is None, "the worker lived through it"


@pytest.mark.parametrize("again", range(3))
def test_worker_and_flow_are_killed(house, again):
    before = {run["id"] for run in house.runs()}
    run = house.begin()
    house.until(run, ["Running"])
    while not any("predict" in path.parent.name for path in (house.home / "runs").glob("*/running.ipynb")):
        time.sleep(0.1)
    family = psutil.Process(house.house.pid).children(recursive=True)
    worker = next(one for one in family if "worker" in one.cmdline())
    engines = [one for one in worker.children(recursive=True) if "prefect" in " ".join(one.cmdline())]
    for one in [worker, *engines]:
        one.kill()
    house.house.wait()
    assert house.state(run) == "Running"
    began = time.monotonic()
    house.up()
    house.until(run, ["Crashed"], 60)
    print(f"no longer Running {time.monotonic() - began:.0f} s after the restart began")
    (more,) = [one["id"] for one in house.runs() if one["id"] not in before | {run} and not one["auto_scheduled"]]
    house.until(more, ["Completed"])
    assert house.records()[-2:] == ["interrupted", "succeeded"] and len(house.sets()) == 1


DAYS = [f"2022-{day}" for day in pd.date_range("2022-10-14", periods=20).strftime("%m-%d")]


@pytest.mark.parametrize("day", DAYS)
def test_the_same_day_is_started_four_times_at_once(house, day):
    command = [*CLI, "predict", "sample", "--as-of", day, "--set", "data.stale_after=60"]
    started = [subprocess.Popen(command, env=house.env, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [one.communicate()[0] for one in started]
    assert [one.returncode for one in started] == [0] * 4, said
    assert [sum(told in text for text in said) for told in ("published: gs://", "nothing new: gs://")] == [1, 3], said
    assert len([path for path in house.sets() if path.parent.parent.name == day]) == 1
