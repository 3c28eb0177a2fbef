"""Shards of a market's backtest on the workers of a real Dask scheduler: to the same numbers, whoever dies."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import dying_worker
import numpy as np
import pandas as pd
import pytest

from footfall.errors import EnvironmentProblem
from footfall.evaluation import rolling, workers
from footfall.evaluation.rolling import roll
from footfall.models import Boosted, KindOfDay, LastYearsTurn, LogLevel, OrdinaryNaive, Panel, SeasonalNaive, WeekdaySmoother
from footfall.selection import select
from footfall.series import by_series

pytestmark = pytest.mark.kernel
CALENDAR = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
NAIVE, ORDINARY = "seasonal naive", "seasonal naive, ordinary days"
NAIVES = {NAIVE: SeasonalNaive(), ORDINARY: OrdinaryNaive("PT")}


@pytest.fixture(scope="module")
def dask():
    """A scheduler and two workers, as `footfall up --workers 2` starts them; how the first two are called."""
    from flows.local.worker import backtest_workers
    from flows.settings import make_home

    (make_home() / "logs").mkdir(exist_ok=True)
    (make_home() / "dask").mkdir(exist_ok=True)
    shutil.copy(dying_worker.__file__, make_home() / "dask")  # from where they are started
    with backtest_workers(2) as address:
        os.environ.pop(workers.SCHEDULER)
        yield address


@pytest.fixture
def scheduler(dask, monkeypatch):
    monkeypatch.setenv(workers.SCHEDULER, dask)


@pytest.fixture(scope="module")
def houses():
    """Five of as many spans, and so five batches."""
    draw, houses = np.random.default_rng(0), {}
    for number in range(5):
        day = pd.date_range(f"2024-01-{number + 1:02}", "2024-12-31")
        values = 50 * (1 + 0.3 * np.sin(day.dayofweek)) * np.exp(draw.normal(0, 0.2, len(day)))
        houses[f"PT-11/{number}", "count"] = pd.Series(np.round(values), index=day, name="count")
    return houses


def told(past):
    """All that a training keeps of a backtest."""
    accounts = past.accounts("model", NAIVE, "model")
    return past.scores, past.wis, accounts, past.residuals("model", NAIVE, accounts)


def test_shards_on_workers_give_the_bytes_of_one_process(scheduler, houses, monkeypatch):
    table = pd.concat([y.rename("value").rename_axis("date").reset_index().assign(location=key[0], category=key[1])
                       for key, y in houses.items()])  # fmt: skip
    candidates = NAIVES | {"model": Boosted("PT", Panel(table), rows_per_tree=200, calendar=CALENDAR)}
    there = roll(houses, candidates, 90, 7, 1)
    monkeypatch.delenv(workers.SCHEDULER)
    here = roll(houses, candidates, 90, 7, 1)
    for on_workers, alone in zip(told(there), told(here), strict=True):
        pd.testing.assert_frame_equal(on_workers, alone, check_exact=True)
    assert candidates["model"].panel.trees and not there.dead and len(there.batches) == 5


@pytest.mark.parametrize("times", [1, 1000], ids=["once", "each time"])
def test_of_a_worker_that_dies_every_series_is_once_on_record(scheduler, houses, tmp_path, times):
    past = roll(houses, NAIVES | {"model": dying_worker.Deadly("PT-11/3", str(tmp_path), times)}, 90, 7, 1)
    accounts = past.accounts("model", NAIVE, "model")
    assert accounts["location"].to_list() == [f"PT-11/{number}" for number in range(5)]
    fell_back = accounts[accounts["status"] == "fell back"]
    dead = ["PT-11/3"] if times > 1 else []
    assert sorted(location for location, _ in past.dead) == fell_back["location"].to_list() == dead
    assert (fell_back["candidate"] == ORDINARY).all() and (fell_back["reason"] == rolling.DIED).all()
    rows = past.residuals("model", NAIVE, accounts)
    assert not rows.duplicated(["location", "category", "origin", "date"]).any()
    assert set(rows["location"]) == set(accounts["location"])


def test_what_cannot_be_backtested_says_why_as_in_one_process(scheduler, houses, monkeypatch):
    slow = NAIVES | {"model": LogLevel() * WeekdaySmoother(level="much")}
    with pytest.raises(Exception) as there:
        roll(houses, slow, 90, 7, 1)
    monkeypatch.delenv(workers.SCHEDULER)
    with pytest.raises(type(there.value)) as here:
        roll(houses, slow, 90, 7, 1)
    assert str(there.value) == str(here.value)


def test_workers_of_another_release_are_refused(scheduler, houses, monkeypatch):
    monkeypatch.setattr(workers, "code_digest", lambda: "another")
    with pytest.raises(EnvironmentProblem, match="another release's code or libraries"):
        roll(houses, NAIVES, 90, 7, 1)


def test_a_scheduler_that_nobody_answers_for_is_named(houses, monkeypatch):
    monkeypatch.setenv(workers.SCHEDULER, "tcp://127.0.0.1:9")
    monkeypatch.setattr(workers, "PATIENCE", 1)
    with pytest.raises(EnvironmentProblem, match=r"no scheduler at tcp://127.0.0.1:9: .*unset FOOTFALL_DASK"):
        roll(houses, NAIVES, 90, 7, 1)
