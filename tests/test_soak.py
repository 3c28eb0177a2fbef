"""Days pass while things go wrong: a walk through the sample with faults at random, and what must hold after each."""

import contextlib
import datetime as dt
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise

import invariants
import psutil
import pytest
from conftest import open_causes, poison
from proxy import Proxy

from flows.settings import home
from flows.storage import bucket, forecasts

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]
DAYS = int(os.environ.get("FOOTFALL_SOAK_DAYS", 30))
FIRST, LAST = dt.date(2022, 7, 28), dt.date(2022, 10, 13)  # more days than these begin earlier: 166 on 2022-05-01
SEED = int(os.environ.get("FOOTFALL_SOAK_SEED", 1))
SOURCE = os.environ.get("FOOTFALL_SOAK_SOURCE", "sample")  # with Google's zip, 365 days are a year


class House:
    """A market of the sample's figures, and proxies before MLflow and the bucket that can be told to misbehave."""

    def __init__(self, folder, servers, name):
        self.name, self.folder, self.servers = name, folder, servers
        (folder / f"{name}.yaml").write_text(
            f"data: {{source: {SOURCE}}}\ntrain: {{backtest_days: 66}}\nreview: {{window: 14, least_skill: -0.5}}\n"
        )
        self.mlflow, self.bucket = Proxy(servers["MLFLOW_TRACKING_URI"]), Proxy(servers["STORAGE_EMULATOR_HOST"])

    def __enter__(self):
        self.mlflow.__enter__()
        self.bucket.__enter__()
        return self

    def __exit__(self, *_):
        self.mlflow.__exit__()
        self.bucket.__exit__()

    def walk(self, first, last, *words, through_proxies=True):
        """A backfill of some days that moves what readers see."""
        asked = ("--from", str(first), "--to", str(last), "--latest", *words)
        return self.begin("backfill", *asked, through_proxies=through_proxies)

    def begin(self, command, *words, through_proxies=True):
        """The command line, in a process of its own."""
        env = os.environ | {"FOOTFALL_PARAMS": str(self.folder), "FOOTFALL_BUCKET_DEADLINE": "10"}
        if through_proxies:
            env |= {"MLFLOW_TRACKING_URI": self.mlflow.url, "STORAGE_EMULATOR_HOST": self.bucket.url}
        asked = [sys.executable, "-m", "flows.cli.main", command, self.name, *words]
        return subprocess.Popen(asked, env=env, stdout=subprocess.PIPE, text=True)

    def place(self):
        return bucket.connect(self.servers["FOOTFALL_BUCKET"])

    def champion_is_newer_than_the_forecast(self):
        from flows.champion import ledger

        used = forecasts.latest(self.place(), self.name).manifest["about"]["model_version"]
        return used != f"{self.name}/{ledger.champion(self.place(), self.name).version}"


def told(number):
    def fault(house, random, run):
        time.sleep(random.uniform(1, 14))
        run.send_signal(number)

    return fault


def kernel_killed(house, random, run):
    until = time.monotonic() + 20
    while time.monotonic() < until and run.poll() is None:
        for process in psutil.Process(run.pid).children(recursive=True):
            try:
                at_work = "runs" in process.cwd()
            except psutil.Error:
                continue
            if at_work:
                time.sleep(random.uniform(0, 1))
                process.kill()
                return
        time.sleep(0.05)


def misbehaving(which, fault, pattern, most):
    def switch(house, random, run):
        getattr(house, which).add(fault, pattern, times=random.randint(1, most))

    return switch


OF_SERVERS = {
    "MLflow answers 503": misbehaving("mlflow", 503, "", 4),
    "MLflow cuts its replies": misbehaving("mlflow", "cut", "", 3),
    "MLflow loses artifacts": misbehaving("mlflow", "reset", "artifacts", 6),
    "the bucket answers 503": misbehaving("bucket", 503, "", 8),
    "the bucket does, and its reply is lost": misbehaving("bucket", "lose", "POST /upload", 4),
    "the pointer's reply is lost": misbehaving("bucket", "lose", "POST .*latest.json", 1),
}
FAULTS = {
    "none": lambda house, random, run: None,
    "the flow is killed": told(signal.SIGKILL),
    "the flow is told to stop": told(signal.SIGTERM),
    "a kernel is killed": kernel_killed,
    **OF_SERVERS,
}


def weighed():
    """What the servers hold by now, and what lies on the disk."""
    held = {"descriptors": 0, "threads": 0, "MB": 0}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            held["descriptors"] += process.num_fds()
            held["threads"] += process.num_threads()
            held["MB"] += process.memory_full_info().uss / 1e6
    files = [path.stat().st_size for path in home().rglob("*") if path.is_file()]
    return {name: round(value) for name, value in held.items()} | {"disk": round(sum(files) / 1e6), "files": len(files)}


def nothing_grew(days):
    """From the first third on, servers hold no more than they did, but for what one day may add, such as a connection
    that a pool had not needed before; the disk grows by the day, not faster."""
    third = len(days) // 3
    middle, end = days[third : 2 * third], days[-third:]
    for name in ("descriptors", "threads", "MB"):
        before, after = (statistics.median(day[name] for day in part) for part in (middle, end))
        jump = max(later[name] - earlier[name] for earlier, later in pairwise(days[third:]))
        assert after - jump <= 1.05 * before + 2, f"{name}: {before} became {after}, {jump} of it in a day"
    before, after = (part[-1]["disk"] - part[0]["disk"] for part in (middle, end))
    assert after <= 1.25 * before + 5, f"the disk grew by {before} MB, then by {after}"


def predicts(house, day):
    run = house.begin("predict", "--as-of", str(day))
    run.communicate(timeout=600)
    return run.returncode


def test_after_every_fault_the_seven_invariants_hold(servers, tmp_path):
    lucky, day = random.Random(SEED), min(FIRST, LAST - dt.timedelta(days=DAYS - 1))
    grown = []
    with House(tmp_path, servers, "soak") as house:
        for number in range(DAYS):
            name = lucky.choice(list(FAULTS))
            run = house.walk(day, day)
            FAULTS[name](house, lucky, run)
            said, _ = run.communicate(timeout=600)
            print(f"{day} {name}: exit {run.returncode}, {said.strip()[-150:]}", flush=True)
            house.mlflow.clear()
            house.bucket.clear()
            again = house.walk(day, day)
            said, _ = again.communicate(timeout=600)
            assert again.returncode == 0, (number, name, said)
            if house.champion_is_newer_than_the_forecast():  # decay was found, and a training has answered it
                assert predicts(house, day) == 0
            invariants.running_again_leaves_the_same_bytes(home(), partial(predicts, house, day))
            invariants.check(home(), house.name, acknowledged=str(day))
            day += dt.timedelta(days=1)
            grown.append(weighed())
            print(f"  {grown[-1]}", flush=True)
    nothing_grew(grown)


def test_a_poisoned_champion_is_noticed_and_told_and_the_way_back_is_open(servers, tmp_path):
    from flows.champion import ledger

    with House(tmp_path, servers, "poisoned") as house:
        first, day = dt.date(2022, 7, 28), dt.date(2022, 8, 20)
        said, _ = house.walk(first, day, through_proxies=False).communicate()
        good = ledger.champion(house.place(), house.name)
        assert "decayed" not in said and not open_causes(house.name), said
        bad = poison(house.place(), house.name, tmp_path)
        waited = 0
        while waited < 25:
            waited += 1
            day += dt.timedelta(days=1)
            said, _ = house.walk(day, day, through_proxies=False).communicate()
            if "decay" in {one["cause"] for one in open_causes(house.name)}:
                break
        print(f"noticed after {waited} days: {said}")
        assert waited <= 3 + 14 + 1, "lag, window, and the day itself"
        assert ledger.champion(house.place(), house.name).was in (bad, good.version)
