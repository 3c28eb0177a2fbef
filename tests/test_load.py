"""A long past costs a day nothing: as many requests with twenty thousand runs and objects as with a few; and readers
see whole pages and pointers while others are published again and again."""

import contextlib
import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections import Counter

import pytest
from proxy import Proxy

from flows.settings import home
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from footfall.digest import sha256

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
MANY = int(os.environ.get("FOOTFALL_SOAK_MANY", 20_000))
COMMANDS = {
    "status": ["status", "sample"],
    "runs": ["runs", "--market", "sample"],
    "champion": ["champion", "sample"],
    "a daily run": ["predict", "sample", "--as-of", "2022-10-13"],
    "its review": ["review", "sample", "--as-of", "2022-10-13"],
}


def asked(words, servers):
    """How often a command asks MLflow and the bucket, and how many seconds it takes."""
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as mlflow, Proxy(servers["STORAGE_EMULATOR_HOST"]) as bucket:
        env = os.environ | {"MLFLOW_TRACKING_URI": mlflow.url, "STORAGE_EMULATOR_HOST": bucket.url}
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "flows.cli.main", *words], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        counts = {"mlflow": len(mlflow.requests), "bucket": len(bucket.requests)}
        return counts, round(time.monotonic() - began, 1)


def many_runs(database):
    """Runs of the sample's three notebooks, a year apart and more from today, written where MLflow keeps its own."""
    with contextlib.closing(sqlite3.connect(database, timeout=60)) as store, store:
        known = {table: [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
                 for table in ("runs", "tags", "params", "latest_metrics")}  # fmt: skip
        (*patterns,) = store.execute("SELECT run_uuid FROM runs WHERE status = 'FINISHED' GROUP BY experiment_id")
        for number in range(MANY):
            (pattern,), new = patterns[number % len(patterns)], uuid.uuid4().hex
            for table, columns in known.items():
                other = {"run_uuid": "?", "start_time": f"start_time - 31536000000 - {number}"}
                chosen = ", ".join(other.get(name, f'"{name}"') for name in columns)
                store.execute(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE run_uuid = ?", (new, pattern))


def many_objects(root):
    """Sets of forecasts of days long past, a dozen files each, beside the emulator's own and what it notes of them."""
    pattern = next((root / "sample" / "forecasts").rglob("manifest.json"))
    for number in range(MANY // 12):
        day = dt.date(2021, 6, 1) - dt.timedelta(days=number)  # before the first figures: nothing to score
        folder = root / layout.forecast_set("sample", day, f"{number:016x}")
        folder.mkdir(parents=True)
        for name in ["manifest.json", *(f"{letter}.json" for letter in "abcdefghijk")]:
            shutil.copy2(pattern, folder / name)


def test_a_long_past_costs_no_request(first_run, servers):
    asked(COMMANDS["its review"], servers)  # the first one has to make its experiment
    before = {name: asked(words, servers) for name, words in COMMANDS.items()}
    many_runs(home() / "mlflow.db")
    many_objects(home() / "bucket" / "footfall")
    after = {name: asked(words, servers) for name, words in COMMANDS.items()}
    for name in COMMANDS:
        print(
            f"{name}: {before[name][0]} in {before[name][1]} s, then {after[name][0]} in {after[name][1]} s", flush=True
        )
    assert {name: told[0] for name, told in after.items()} == {name: told[0] for name, told in before.items()}


def test_readers_see_whole_pages_and_pointers_while_others_are_published(servers):
    """Twenty readers, ten thousand reads: each pointer leads to its own set, each page is one that was published, no
    reader goes back to an older day, and nothing may keep either for later."""
    bucket, market = storage.connect("footfall"), f"m{uuid.uuid4().hex[:8]}"
    days = [dt.date(2022, 10, 1) + dt.timedelta(days=number) for number in range(400)]
    files = {day: {"index.html": f"<html>{day}{'x' * 20_000}</html>".encode(), "forecast.csv": b"x"} for day in days}
    pages = {sha256(one["index.html"]): day for day, one in files.items()}
    ended, torn, reads, lock = threading.Event(), [], Counter(), threading.Lock()
    shown = [days[0]]  # the last day of which its publisher knows that it is up

    def show(day):
        published = forecasts.publish(bucket, market, day, files[day], {})
        forecasts.put_up(bucket, published, files[day])
        shown[0] = day

    def get(name):
        with urllib.request.urlopen(f"{servers['STORAGE_EMULATOR_HOST']}/{bucket.name}/{name}") as answer:
            return answer.read(), answer.headers.get("Cache-Control")

    def read():
        try:
            read_on()
        except Exception as error:  # a thread would end in silence
            torn.append(repr(error))

    def read_on():
        newest = {"pointer": days[0], "page": days[0]}
        while not ended.is_set():
            due = shown[0]
            page, kept = get(f"{market}/index.html")
            pointer, kept_too = get(f"{market}/latest.json")
            told = json.loads(pointer)
            found = {"page": pages.get(sha256(page)), "pointer": dt.date.fromisoformat(told["as_of"])}
            manifest, _ = get(told["manifest"])
            wrong = [what for what, day in found.items() if day is None or day < max(due, newest[what])]
            wrong += [] if sha256(manifest) == told["manifest_sha256"] else ["manifest"]
            wrong += [] if {kept, kept_too} == {"no-cache"} else [f"kept as {kept}, {kept_too}"]
            with lock:
                reads.update(["page", "pointer", "manifest"])
                torn.extend(wrong)
            newest = found

    show(days[0])
    readers = [threading.Thread(target=read) for _ in range(20)]
    for reader in readers:
        reader.start()
    try:
        for day in days[1:]:
            show(day)
            if reads.total() >= 10_000 and day > days[20]:
                break
        while reads.total() < 10_000 and not torn:
            time.sleep(0.1)
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    print(f"{reads.total()} reads while {shown[0]} was reached, torn or stale: {Counter(torn)}")
    assert not torn and shown[0] > days[20]
