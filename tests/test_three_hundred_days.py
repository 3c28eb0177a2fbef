"""Three hundred days and ten months in one process, with faults at random: nothing grows but what is kept.

The days are made figures, walked as `footfall backfill` walks them. What each day left of memory, descriptors, threads
and disk lies in `.footfall/three-hundred-days.csv`, and drawn in the `.png` beside it.
"""

import contextlib
import csv
import datetime as dt
import json
import os
import random
import statistics
import subprocess
import sys
import time

import invariants
import numpy as np
import pandas as pd
import psutil
import pytest
from proxy import Proxy
from test_soak import OF_SERVERS, kernel_killed

from flows.settings import ROOT, home

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]
DAYS = int(os.environ.get("FOOTFALL_SOAK_LONG_DAYS", 300))
SEED = int(os.environ.get("FOOTFALL_SOAK_SEED", 1))
FIRST = dt.date(2026, 1, 15)
CLEAN = 0.5  # of the days nothing goes wrong
KEPT = ROOT / ".footfall" / "three-hundred-days.csv"
WALK = """
import asyncio, datetime, json, sys
from flows.backfill import backfill
from footfall.errors import Problem

async def walk():
    for line in sys.stdin:
        said, failed = [], ""
        try:
            async for sentence in backfill("long", [datetime.date.fromisoformat(line.strip())], show=True):
                said.append(sentence)
        except Problem as problem:
            failed = str(problem)
        print("=", json.dumps({"said": said, "failed": failed}), flush=True)

asyncio.run(walk())
"""
FAULTS = {
    "a kernel is killed": kernel_killed,
    "the fork server is killed": lambda house, random, run: fork_server(run).kill(),
    **OF_SERVERS,
}


def fork_server(run):
    """The one child that the walk keeps between its days."""
    return next(child for child in psutil.Process(run.pid).children() if "forkserver" in " ".join(child.cmdline()))


class House:
    """A café's made figures, one process that walks its days, and proxies before MLflow and the bucket."""

    def __init__(self, folder, servers):
        self.mlflow, self.bucket = Proxy(servers["MLFLOW_TRACKING_URI"]), Proxy(servers["STORAGE_EMULATOR_HOST"])
        self.folder = folder
        days = pd.date_range("2025-06-01", FIRST + dt.timedelta(days=DAYS))
        week = 100 + 20 * np.sin(days.dayofweek)
        covers = (week * np.random.default_rng(SEED).normal(1, 0.1, len(days))).round()
        pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "covers": covers}).to_csv(folder / "covers.csv", index=False)
        data = f"source: '{folder / 'covers.csv'}', unit: counts, columns: {{value: covers}}, location: PT-11"
        (folder / "long.yaml").write_text(f"data: {{{data}}}\ntrain: {{backtest_days: 60}}\n")

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(self.mlflow)
        self.stack.enter_context(self.bucket)
        env = os.environ | {"FOOTFALL_PARAMS": str(self.folder), "FOOTFALL_BUCKET_DEADLINE": "10"}
        env |= {"MLFLOW_TRACKING_URI": self.mlflow.url, "STORAGE_EMULATOR_HOST": self.bucket.url}
        log = self.stack.enter_context((self.folder / "walk.log").open("w"))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        self.run = subprocess.Popen([sys.executable, "-c", WALK], env=env, text=True, **pipes)
        return self

    def __exit__(self, *_):
        self.run.stdin.close()
        self.run.wait(60)
        self.run.stdout.close()
        self.stack.close()

    def walk(self, day, lucky, fault=None):
        """Walk a day while something goes wrong; what was said of it, and what it came to nothing by."""
        self.run.stdin.write(f"{day}\n")
        self.run.stdin.flush()
        if fault:
            FAULTS[fault](self, lucky, self.run)
        answer = next(line for line in self.run.stdout if line.startswith("= "))
        for proxy in (self.mlflow, self.bucket):
            proxy.clear()
            proxy.requests.clear()
        return json.loads(answer.removeprefix("= "))


def weighed(house):
    """What the walk, its fork server and each server hold, in MB, descriptors and threads; what lies on the disk."""
    held = {"flow": psutil.Process(house.run.pid)}
    with contextlib.suppress(StopIteration):  # it was killed, and the next run starts another
        held["fork server"] = fork_server(house.run)
    for process in psutil.Process().children():
        words = " ".join(process.cmdline())
        held |= {name: process for name in ("prefect", "mlflow", "fake-gcs") if name in words and "-c" not in words}
    row = {}
    for name, process in held.items():
        family = [process, *(process.children(recursive=True) if name in ("prefect", "mlflow") else [])]
        row[f"{name} MB"] = round(sum(each.memory_info().rss for each in family) / 1e6, 1)
        row[f"{name} descriptors"] = sum(each.num_fds() for each in family)
        row[f"{name} threads"] = sum(each.num_threads() for each in family)
    files = [path.stat().st_size for path in home().rglob("*") if path.is_file()]
    runs = [path.stat().st_size for path in (home() / "runs").rglob("*") if path.is_file()]
    return row | {"disk MB": round(sum(files) / 1e6, 1), "runs MB": round(sum(runs) / 1e6, 1), "files": len(files)}


def kept(rows):
    """Write the table anew after each day, so that a walk that is cut short is told too."""
    KEPT.parent.mkdir(exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with KEPT.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def draw(table, path):
    """What grew over the days, a panel for each measure."""
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(10, 6), layout="constrained")
    panels = {"MB": "memory, MB", "descriptors": "descriptors", "threads": "threads"}
    places = figure.subplots(2, 3).ravel()
    for place, (measure, title) in zip(places, panels.items(), strict=False):
        for name in [name for name in table if name.endswith(f" {measure}") and not name.startswith(("disk", "runs"))]:
            place.plot(table[name], label=name.removesuffix(f" {measure}"), linewidth=1)
        place.set_title(title)
        place.set_ylim(bottom=0)
    places[0].legend(fontsize=7)
    for name in ("disk MB", "runs MB"):
        places[3].plot(table[name], label=name.removesuffix(" MB"), linewidth=1)
    places[3].set_title("disk, MB: all, and the folders of runs")
    places[4].plot(table["files"], linewidth=1)
    places[4].set_title("files in the home")
    faulty = table["fault"].fillna("") != ""
    places[5].plot(table["seconds"].mask(faulty), ".", markersize=3, label="nothing goes wrong")
    places[5].plot(table["seconds"].where(faulty), ".", markersize=3, label="with a fault")
    places[5].set_title("seconds a day")
    places[5].set_ylim(bottom=0)
    places[5].legend(fontsize=7)
    for place in places:
        place.set_xlabel("day", fontsize=8)
        place.tick_params(labelsize=8)
    figure.savefig(path, dpi=80)
    Image.open(path).quantize(32).save(path)  # a third of its size, lines as they were


def nothing_grew(rows):
    """From the first third on: memory within 5 %, no descriptor or thread more; the disk grows by the day alike."""
    third = len(rows) // 3
    middle, end = rows[third : 2 * third], rows[-third:]
    measured = [name for name in rows[0] if name.endswith((" MB", "descriptors", "threads")) and "disk" not in name]
    heap = "fake-gcs MB"  # of the bucket's emulator, in Go, which moves by ten from one day to the next
    for name in (name for name in measured if name != heap):
        before, after = (statistics.median(row[name] for row in part if name in row) for part in (middle, end))
        spare = 3 if "MB" in name else 2
        assert after <= before * 1.05 + spare, f"{name}: {before} became {after}"
    before, after = (part[-1]["disk MB"] - part[0]["disk MB"] for part in (middle, end))
    assert after <= 1.1 * before + 5, f"the disk grew by {before} MB, then by {after}"


def test_days_by_the_hundred_in_one_process_grow_nothing_but_what_is_kept(
    servers, thin_notebooks, tmp_path, monkeypatch
):
    monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(thin_notebooks))
    lucky, rows = random.Random(SEED), []
    with House(tmp_path, servers) as house:
        for number in range(DAYS):
            day = FIRST + dt.timedelta(days=number)
            fault = None if lucky.random() < CLEAN or not number else lucky.choice(list(FAULTS))
            began = time.monotonic()
            told = house.walk(day, lucky, fault)
            seconds = round(time.monotonic() - began, 1)
            if told["failed"]:
                assert fault, told
                again = house.walk(day, lucky)
                assert not again["failed"], (day, fault, again)
            began = time.monotonic()
            invariants.check(home(), "long", acknowledged=str(day))
            checked = round(time.monotonic() - began, 1)
            about = {"day": str(day), "fault": fault or "", "failed": told["failed"][:80], "seconds": seconds}
            rows.append(about | weighed(house) | {"checked": checked})
            kept(rows)
            print(rows[-1], flush=True)
    draw(pd.read_csv(KEPT), KEPT.with_suffix(".png"))
    nothing_grew(rows)
