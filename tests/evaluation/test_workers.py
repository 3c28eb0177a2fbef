"""Shards of a market's backtest on the workers of a real Dask scheduler: to the same numbers, whoever dies."""

import os
import shutil
import time

import dying_worker
import numpy as np
import pandas as pd
import psutil
import pytest
from distributed import Client

from footfall.errors import EnvironmentProblem
from footfall.evaluation import rolling, workers
from footfall.evaluation.rolling import roll
from footfall.models import Boosted, KindOfDay, LastYearsTurn, LogLevel, OrdinaryNaive, Panel, SeasonalNaive
from footfall.models import WeekdaySmoother as Smoother

pytestmark = pytest.mark.kernel
CALENDAR = LogLevel() * KindOfDay("PT") * LastYearsTurn() * Smoother()
NAIVE, ORDINARY = "seasonal naive", "seasonal naive, ordinary days"
NAIVES = {NAIVE: SeasonalNaive(), ORDINARY: OrdinaryNaive("PT")}


@pytest.fixture(scope="module")
def dask():
    """A scheduler and two workers, as `footfall up --workers 2` starts them; how the first two are called."""
    from flows.local.dask import backtest_workers
    from flows.notebook.forkserver import environment
    from flows.settings import make_home

    (make_home() / "logs").mkdir(exist_ok=True)
    (make_home() / "dask").mkdir(exist_ok=True)
    shutil.copy(dying_worker.__file__, make_home() / "dask")  # from where they are started
    with backtest_workers(2):
        address = os.environ[workers.SCHEDULER]
        assert environment()[workers.SCHEDULER] == address, "kernels know it"
        del os.environ[workers.SCHEDULER]
        yield address


def allow_deaths(address, deaths):
    """As many of a shard's workers may die before it is given up."""
    with Client(address) as client:
        client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", deaths))


@pytest.fixture
def scheduler(dask, monkeypatch):
    with Client(dask) as client:
        client.wait_for_workers(2)  # one that a test has ended is started again
    monkeypatch.setenv(workers.SCHEDULER, dask)
    return dask


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
    candidates = NAIVES | {"model": CALENDAR}
    there = roll(houses, candidates, 90, 7, 1)
    monkeypatch.delenv(workers.SCHEDULER)
    here = roll(houses, candidates, 90, 7, 1)
    for on_workers, alone in zip(told(there), told(here), strict=True):
        pd.testing.assert_frame_equal(on_workers, alone, check_exact=True)
    assert len(there.batches) == 5 and not there.dead


def test_all_candidates_learn_from_one_panel_there_too(houses):
    table = pd.concat([y.rename("value").rename_axis("date").reset_index().assign(location=key[0], category=key[1])
                       for key, y in houses.items()])  # fmt: skip
    panel = Panel(table)
    one, other = workers._loaded(workers._dumped((Boosted("PT", panel), Boosted("DE", panel, trees=3))))
    assert one.panel is other.panel and one.panel is not panel
    pd.testing.assert_frame_equal(one.panel.made_of[0], table)


def roll_with_deaths(houses, folder, times):
    """One of five shards ends its worker so many times; what becomes of every series."""
    past = roll(houses, NAIVES | {"model": dying_worker.Deadly("PT-11/3", str(folder), times)}, 90, 7, 1)
    accounts = past.accounts("model", NAIVE, "model")
    assert accounts["location"].to_list() == [f"PT-11/{number}" for number in range(5)]
    fell_back = accounts[accounts["status"] == "fell back"]
    assert (fell_back["candidate"] == ORDINARY).all() and (fell_back["reason"] == rolling.DIED).all()
    assert sorted(location for location, _ in past.dead) == fell_back["location"].to_list()
    rows = past.residuals("model", NAIVE, accounts)
    assert not rows.duplicated(["location", "category", "origin", "date"]).any()
    assert set(rows["location"]) == set(accounts["location"])
    return fell_back["location"].to_list()


@pytest.mark.soak
def test_a_worker_that_dies_once_costs_no_series_anything(scheduler, houses, tmp_path):
    assert roll_with_deaths(houses, tmp_path, 1) == [] and len([*tmp_path.iterdir()]) == 1


def test_of_a_shard_whose_workers_die_the_naive_speaks_and_of_its_neighbours_not(scheduler, houses, tmp_path):
    allow_deaths(scheduler, 0)  # else it is tried four times, and so again alone
    assert roll_with_deaths(houses, tmp_path, 1000) == ["PT-11/3"] and len([*tmp_path.iterdir()]) == 2


@pytest.mark.soak
@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("number", range(20))
def test_whoever_dies_and_however_often_every_series_is_once_on_record(scheduler, houses, tmp_path, number, times):
    allow_deaths(scheduler, 3)  # Dask's own
    assert roll_with_deaths(houses, tmp_path, times) == (["PT-11/3"] if times > 1 else [])
    assert len([*tmp_path.iterdir()]) == min(times, 8)


class OfANotebook(Smoother):
    """As if a cell had defined it."""

    __module__ = "__main__"


@pytest.mark.parametrize("model", [LogLevel() * Smoother(level="much"), OfANotebook()], ids=["wrong", "own"])
def test_what_cannot_be_backtested_says_why_as_in_one_process(scheduler, houses, monkeypatch, model):
    slow = NAIVES | {"model": model}
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
    with pytest.raises(EnvironmentProblem, match="another release's code or libraries"):
        workers.count()
    monkeypatch.undo()
    monkeypatch.setenv(workers.SCHEDULER, scheduler)
    assert workers.count() == 2


def test_a_scheduler_that_nobody_answers_for_is_named(houses, monkeypatch):
    monkeypatch.setenv(workers.SCHEDULER, "tcp://127.0.0.1:9")
    monkeypatch.setattr(workers, "ANSWER", 1)
    with pytest.raises(EnvironmentProblem, match=r"no scheduler at tcp://127.0.0.1:9: .*unset FOOTFALL_DASK"):
        roll(houses, NAIVES, 90, 7, 1)


def test_a_scheduler_that_ends_meanwhile_is_named(dask, monkeypatch):
    from flows.cli.operations import look_after
    from flows.local.dask import backtest_workers

    with backtest_workers(1) as processes:
        address = os.environ[workers.SCHEDULER]
        with pytest.raises(EnvironmentProblem, match=f"the scheduler at {address} ended; start it and run again"):
            workers.on_workers(os.kill, [processes["scheduler"].pid], (9,))
        with pytest.raises(EnvironmentProblem, match=r"^the scheduler ended; read .*scheduler.log$"):
            look_after(processes, time.monotonic())


def test_nobody_comes_in_from_outside_this_machine(dask):
    own = [psutil.Process(), *psutil.Process().children(recursive=True)]
    at = [each for process in own for each in process.net_connections("tcp") if each.status == "LISTEN"]
    assert len(at) > 5 and {each.laddr.ip for each in at} == {"127.0.0.1"}


def test_an_answer_that_went_with_its_worker_is_asked_for_again(scheduler, monkeypatch):
    """All workers end between an answer and its fetching; Dask asks those that are started in their place."""
    allow_deaths(scheduler, 3)
    monkeypatch.setattr(workers, "ANSWER", 5)
    fetch, ended = workers._result, []

    def fetch_too_late(future):
        if not ended:
            nannies = [
                each for each in psutil.Process().children(recursive=True) if "spawn_main" in str(each.cmdline())
            ]
            ended.extend(each.kill() or each.pid for each in nannies)
        return fetch(future)

    monkeypatch.setattr(workers, "_result", fetch_too_late)
    assert workers.on_workers(divmod, [7, 9], (2,)) == [(3, 1), (4, 1)] and len(ended) == 2
