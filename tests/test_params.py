import datetime as dt
import inspect
import json
from pathlib import Path

import nbformat
import pytest
from pydantic import ValidationError

from footfall import params
from footfall.opening import is_stale

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["explore", "train", "predict", "review"])
def test_the_model_equals_the_parameters_cell(name):
    cell = next(
        c
        for c in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4).cells
        if "parameters" in c.metadata.get("tags", [])
    )
    namespace: dict = {}
    exec(cell.source, namespace)
    del namespace["__builtins__"]
    model = getattr(params, f"{name.capitalize()}Params")
    assert json.loads(model().model_dump_json()) == namespace


def test_nothing_but_literals_reaches_a_notebook():
    kinds = (str, int, float, bool, list, dict, type(None))
    for _, model in inspect.getmembers(params, inspect.isclass):
        if issubclass(model, params.Series) and model is not params.Series:
            assert all(isinstance(value, kinds) for value in model().model_dump(mode="json").values())


def test_counts_are_of_one_category_and_known_the_day_after():
    data = params.Data(source="till.csv", unit="counts")
    assert (data.category, data.lag, data.is_googles()) == ("count", 1, False)
    late = {"source": "till.csv", "unit": "counts", "day_starts": "06:01"}
    assert (params.Data(**late).lag, params.Data(**late, lag=1).lag) == (2, 1), "at six its yesterday is not over"
    assert params.Data(source="sample").is_googles() and not params.Data(source="x.csv", format="table").is_googles()
    with pytest.raises(ValidationError, match=r"leave data\.category out"):
        params.Data(source="till.csv", unit="counts", category="parks")
    for zone in ("Lisbon", "Europe"):
        with pytest.raises(ValidationError, match="is no time zone"):
            params.Data(source="till.csv", timezone=zone)


@pytest.mark.parametrize(
    ("said", "credit"),
    [
        ({}, None),
        ({"format": "table"}, ""),
        ({"unit": "counts"}, None),
        ({"unit": "counts", "credit": "Figures: ours."}, "Figures: ours."),
    ],
)
def test_google_is_credited_for_its_own_figures_alone(said, credit):
    assert params.Data(source="till.csv", **said).of_the_place()["credit"] == credit


def test_a_source_that_is_silent_while_its_place_is_said_to_be_shut_has_not_stopped():
    closed = {"weekdays": ["monday"], "dates": ["2026-09-01"], "from_to": [["2026-08-01", "2026-08-31"]]}
    data, last = params.Data(source="x", closed=closed, stale_after=3), dt.date(2026, 7, 31)
    assert not is_stale(data, last, dt.date(2026, 9, 4)) and is_stale(data, last, dt.date(2026, 9, 5))
    assert is_stale(data, dt.date(2026, 6, 1), dt.date(2026, 6, 9)) and not is_stale(data, last, last)


@pytest.mark.parametrize("span", [["2026-08-20", "2026-08-01"], ["2026-08-20"], []])
def test_a_span_that_ends_before_it_begins_is_refused(span):
    with pytest.raises(ValidationError, match="the second is not before the first"):
        params.Closed(from_to=[span])


def test_a_source_as_late_as_its_market_says_has_not_stopped():
    data = params.Data(source="x", lag=20)
    day = dt.date(2026, 11, 1)
    ages = [is_stale(data, day - dt.timedelta(days), day) for days in (20, 21)]
    assert data.stale_after == 14 and ages == [False, True]


def test_a_backtest_is_long_enough_for_its_horizon():
    sections = {"name": "till", "data": {"source": "x"}, "predict": {"horizon": 28}}
    with pytest.raises(ValidationError, match=r"train\.backtest_days is at least 104 where predict\.horizon is 28"):
        params.Market(**sections, train={"backtest_days": 103})
    assert params.Market(**sections, train={"backtest_days": 104}).train.backtest_days == 104


@pytest.mark.parametrize("columns", [{"hour": "date"}, {"value": ["A", "A"]}, {"value": "Covers", "site": "Covers"}])
def test_a_column_is_one_thing(columns):
    with pytest.raises(ValidationError, match="is named twice; a column is one thing"):
        params.Columns(**columns)
