"""A station as Prefect shows it: the fields of the form before a run, and the name of the run."""

import asyncio
from importlib import import_module

import pytest
from conftest import market

from flows.settings import today
from footfall.errors import Problem


@pytest.mark.parametrize("station", ["explore", "train", "predict", "review"])
def test_every_field_is_explained_where_prefect_looks(servers, station):
    from prefect.utilities.callables import parameter_schema

    flow = getattr(import_module(f"flows.{station}"), station)
    fields = parameter_schema(flow).properties  # as `prefect deploy` asks for it
    assert {"market", "as_of", "settings"} <= set(fields)
    assert [name for name, field in fields.items() if len(field.get("description", "")) < 20] == []
    assert not any("market_as_of" in field["description"] for field in fields.values())


def name_of_the_last(client):
    """Of the last run that failed."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    failed = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED])))
    (run,) = client.read_flow_runs(flow_run_filter=failed, sort=FlowRunSort.START_TIME_DESC, limit=1)
    return run.name


def test_what_if_is_named_by_what_is_supposed_and_its_days(client):
    from flows.whatif import whatif

    with pytest.raises(Problem, match="nowhere has no published forecast yet"):
        asyncio.run(whatif("nowhere", {"closed": ["2022-10-14"], "events": {"2022-10-15": "busier"}}))
    assert name_of_the_last(client) == "nowhere closed 2022-10-14; 2022-10-15 busier"


@pytest.mark.parametrize(
    ("name", "as_of", "settings", "day"),
    [
        ("moving", "2022-10-12", {}, "2022-10-12"),  # as in a backfill
        ("moving", None, {"data.as_of": "2022-10-11"}, "2022-10-11"),
        ("moving", None, {}, "today"),
        ("standing", None, {}, "2022-10-13"),  # its own
        ("nowhere", None, {}, None),
        ("nowhere", "2022-10-12", {}, "2022-10-12"),
    ],
)
def test_a_run_is_named_by_its_market_and_its_day(name, as_of, settings, day, client, tmp_path, monkeypatch):
    from flows.explore import explore

    market(monkeypatch, tmp_path, "moving", "data: {source: no-such.csv}")
    market(monkeypatch, tmp_path, "standing", "data: {source: no-such.csv, as_of: '2022-10-13'}")
    with pytest.raises(Problem, match=r"no market|no-such\.csv"):
        asyncio.run(explore(name, as_of, settings))
    assert name_of_the_last(client) == " ".join(
        word for word in (name, str(today()) if day == "today" else day) if word
    )
