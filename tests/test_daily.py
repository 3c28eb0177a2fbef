"""The day's work of the markets of a zone, in one process: each has runs, records and alerts of its own."""

import asyncio
import datetime as dt
import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import crown, open_causes
from deployments import deployment, missed
from receiver import Receiver

from flows.record.folder import claim
from flows.settings import ROOT, home, today
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.errors import Problem, UsageProblem

ZONE = "Atlantic/Azores"


def settle(folder, *names):
    """Houses of the zone, none of which has an export but the last: its figures end yesterday; what they are called."""
    names = [f"{name}{uuid.uuid4().hex[:6]}" for name in names]
    days = pd.date_range(end=pd.Timestamp(today(ZONE)) - pd.Timedelta(days=1), periods=200)
    covers = 100 + 20 * np.sin(days.dayofweek) + np.random.default_rng(1).normal(0, 5, len(days))
    pd.DataFrame({"date": days, "covers": covers.round()}).to_csv(folder / f"{names[-1]}.csv", index=False)
    for name in names:
        data = f"source: '{folder / name}.csv', unit: counts, columns: {{value: covers}}"
        text = f"data: {{{data}, location: PT-20, timezone: {ZONE}}}\ntrain: {{backtest_days: 60}}\n"
        (folder / f"{name}.yaml").write_text(text)
    return names


@pytest.fixture
def houses(servers, tmp_path, monkeypatch):
    """A café whose export is gone, and one whose figures end yesterday; their names."""
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    return settle(tmp_path, "gone", "tasca")


@pytest.fixture(scope="module")
def worked(servers, thin_notebooks, tmp_path_factory):
    """The day of four markets: one without an export, one with a damaged ledger too, one that is well, a torn file."""
    from flows.daily import daily

    folder, store = tmp_path_factory.mktemp("zone"), storage.connect("footfall")
    gone, lost, tasca = settle(folder, "gone", "lost", "tasca")
    torn = f"torn{uuid.uuid4().hex[:6]}"
    (folder / f"{torn}.yaml").write_text("data: [")
    storage.write(store, f"ledger/{lost}/000001.json", b"{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTFALL_PARAMS", str(folder))
        patch.setenv("FOOTFALL_NOTEBOOKS", str(thin_notebooks))
        told = rf"^9 of the stations of 4 markets failed, the first of them train of {gone}: "
        with pytest.raises(Problem, match=told):
            asyncio.run(daily(ZONE))
    yield gone, lost, tasca, torn
    store.delete_blob(f"ledger/{lost}/000001.json")


def of_market(client, market):
    """The states of a market's runs in Prefect, oldest first."""
    runs = client.read_flow_runs(sort="START_TIME_ASC")
    return [(run.name, run.state.type.value) for run in runs if run.parameters.get("market") == market]


def test_of_two_houses_one_has_its_day_and_of_the_other_it_is_said(worked, client):
    day, (gone, _, tasca, _) = today(ZONE), worked
    assert forecasts.pointer(storage.connect("footfall"), tasca)["as_of"] == str(day)
    assert of_market(client, tasca) == [(f"{tasca} {day}", "COMPLETED")] * 3
    assert of_market(client, gone) == [(f"{gone} {day}", "FAILED")] * 3
    assert {one["cause"] for one in open_causes(gone)} == {f"failure of {s}" for s in ("train", "predict", "review")}
    stations = sorted(folder.name.split("-")[1] for folder in home().glob(f"runs/*-{tasca}-*"))
    assert stations == ["predict", "review", "train"], "each has a record of its own"


def test_a_market_that_cannot_be_asked_for_its_champion_or_read_keeps_no_other_from_its_day(worked):
    _, lost, tasca, torn = worked
    assert forecasts.pointer(storage.connect("footfall"), tasca)["as_of"] == str(today(ZONE))
    for market in (lost, torn):
        assert {one["cause"] for one in open_causes(market)} >= {"failure of train", "failure of predict"}


def test_a_zone_without_a_market_is_named(houses):
    from flows.daily import daily

    with pytest.raises(UsageProblem, match=r"^Asia/Tokyo: no market .* there are \['Atlantic/Azores'\]"):
        asyncio.run(daily("Asia/Tokyo"))


def test_a_month_whose_training_was_missed_or_failed_has_it_on_the_next_day(first_run, live, tmp_path):
    from flows.daily import _is_to_be_trained
    from flows.record import mlflow_runs

    crown(live, tmp_path)
    second = dt.date(2022, 11, 2)
    assert _is_to_be_trained(live, second), "nobody was there on the first"
    claim(tmp_path / "run", ROOT / "notebooks" / "train.ipynb", {"market": live, "as_of": "2022-11-01"})
    run = mlflow_runs.start(tmp_path / "run")
    assert _is_to_be_trained(live, second), "it was not brought to its end"
    mlflow_runs.tag(run, {"decided": "version 2 was not promoted"})
    assert not _is_to_be_trained(live, second)
    assert _is_to_be_trained(live, dt.date(2022, 12, 2))


def test_a_day_is_run_once_more_as_of_itself(houses, client, tmp_path):
    from flows.daily import daily

    (tmp_path / f"{houses[1]}.yaml").unlink()  # one that stops at once tells it too
    day = today(ZONE) - dt.timedelta(days=1)
    with pytest.raises(Problem, match=r"failed"):
        asyncio.run(daily(ZONE, str(day)))
    assert [name for name, _ in of_market(client, houses[0])] == [f"{houses[0]} {day}"] * 3


def test_a_day_that_is_over_before_its_run_is_tells_the_owner_all_the_same(
    houses, client, few_candidates, tmp_path, monkeypatch
):
    """Here its run died and was started once more, a day later."""
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.flow_engine import run_flow
    from prefect.states import Crashed

    from flows.daily import daily
    from flows.orchestration import reaper

    tasca, day = houses[1], today(ZONE) - dt.timedelta(days=1)
    with (tmp_path / f"{tasca}.yaml").open("a") as file:
        file.write("notify: {address_from: TASCA_ADDRESS}\n")
    cron = f"0 6 {day.day} {day.month} *"
    identity = deployment(client, tasca, cron, "daily", {"timezone": ZONE})
    (dead,) = missed(client, identity, 3)
    client.set_flow_run_state(dead.id, Crashed(), force=True)
    reaper.reap()
    its = FlowRunFilter.model_validate({"deployment_id": {"any_": [identity]}, "tags": {"all_": [reaper.AGAIN]}})
    (again,) = client.read_flow_runs(flow_run_filter=its)
    with Receiver() as receiver:
        monkeypatch.setenv("TASCA_ADDRESS", receiver.url)
        asyncio.run(run_flow(daily, flow_run=again, parameters=again.parameters, return_type="state"))
        assert forecasts.pointer(storage.connect("footfall"), tasca)["as_of"] == str(day)
        assert len(receiver.told) == 1
    client.delete_deployment(identity)
