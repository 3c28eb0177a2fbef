"""A market is one file: what is deployed for it is made from that file."""

from functools import partial
from itertools import groupby

import pytest
from conftest import open_causes
from deployments import deployment
from ruamel.yaml import YAML

from flows.settings import ROOT
from footfall.params import Data


@pytest.fixture
def deployments(servers):
    from flows.orchestration import deployments

    return deployments


@pytest.fixture
def deployed(deployments, tmp_path, monkeypatch):
    return partial(entries_of, deployments, tmp_path, monkeypatch)


def entries_of(deployments, tmp_path, monkeypatch, **markets):
    for name, text in markets.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "home"))
    written = YAML(typ="safe", pure=True).load(ROOT / "prefect.yaml")["deployments"]
    entries = YAML(typ="safe", pure=True).load(deployments.prefect_file())["deployments"]
    assert entries[: len(written)] == written, "what is written in prefect.yaml stays as it is"
    return entries[len(written) :]


def by_flow(entries):
    return {entry["entrypoint"].partition(":")[2]: entry for entry in entries}


def test_a_market_waits_for_a_person_and_is_run_with_the_others_of_its_zone(deployed, deployments):
    tasca = "data: {source: till.csv, unit: counts, location: PT-20, timezone: Atlantic/Azores}\n"
    *stations, daily = deployed(tasca=tasca, bar=tasca, live="data: {source: sample}\n")
    for name, own in groupby(stations, lambda entry: entry["name"]):
        own = by_flow(own)
        assert list(own) == ["train", "predict", "review"]
        assert all(entry["parameters"] == {"market": name} and not entry["schedules"] for entry in own.values())
    assert deployments.by_zone() == {"Atlantic/Azores": ["bar", "tasca"], "Europe/Lisbon": ["live"]}
    shared = [name for name in ("tasca", "live", "portugal") if deployments.is_shared(name, Data(source="x"))]
    assert shared == ["tasca", "live"], "portugal has an entry of its own"
    assert (daily["name"], daily["entrypoint"]) == ("all", "flows/daily.py:daily")
    assert daily["schedules"] == [
        {"cron": "0 6 * * *", "timezone": zone, "parameters": {"timezone": zone}} for zone in deployments.by_zone()
    ]


def test_a_market_whose_clock_stands_still_has_no_schedule(deployed, deployments):
    entries = deployed(past='data: {source: sample, as_of: "2022-10-13"}\n')
    assert len(entries) == 4 and not any(entry["schedules"] for entry in entries) and deployments.by_zone() == {}


def test_one_that_is_written_in_prefect_yaml_is_not_deployed_twice(deployed, deployments):
    (daily,) = deployed(sample="data: {source: sample}\n")
    assert daily["name"] == "all" and not daily["schedules"]


def test_a_file_that_cannot_be_read_keeps_no_other_market_from_its_deployments(deployed, deployments):
    broken, sound = "data: {source: sample, lag: soon}\n", 'data: {source: sample, as_of: "2022-10-13"}\n'
    entries = deployed(broken=broken, sound=sound)
    assert {entry["name"] for entry in entries} == {"sound", "all"}
    assert list(deployments.unreadable()) == ["broken"] and "lag" in deployments.unreadable()["broken"]


def test_what_has_no_schedule_here_any_more_loses_the_one_it_has_on_the_server(deployed, deployments, client):
    deployed(past='data: {source: sample, as_of: "2022-10-13"}\n')
    gone, emptied = deployment(client, "gone"), deployment(client, "all", station="daily")
    kept, theirs = deployment(client, "portugal"), deployment(client, "theirs", station="weigh")
    deployments.drop_schedules()
    schedules = [len(client.read_deployment(each).schedules) for each in (gone, emptied, kept, theirs)]
    for each in (gone, emptied, kept, theirs):
        client.delete_deployment(each)
    assert schedules == [0, 0, 1, 1]


def test_what_is_open_of_a_market_that_was_removed_is_closed(servers):
    from flows.orchestration import alerts, deployments

    for market in ("removed", "sample"):
        alerts.open(market, "decay", "It errs more than the naive.")
    deployments.close_alerts()
    assert open_causes("removed") == [] and "decay" in [one["cause"] for one in open_causes("sample")]
    alerts.close("sample", "decay")
