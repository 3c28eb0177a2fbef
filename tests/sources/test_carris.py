"""Carris Metropolitana's answer becomes passengers a day; what is partial, doubled or of a new shape is told apart."""

import copy
import datetime as dt
import json

import pandas as pd
import pytest
from live import as_json, carris, rides

from footfall.errors import DataProblem, UsageProblem
from footfall.market_file import read_market
from footfall.params import Data
from footfall.sources.carris import read_carris

TODAY = dt.date(2025, 9, 17)  # a Wednesday
YESTERDAY = TODAY - dt.timedelta(days=1)
DATA = Data(source="x", unit="counts", format="carris", location="PT-11", day_starts="04:00")


@pytest.fixture(scope="module")
def whole():
    return carris(TODAY)


@pytest.fixture
def documents(whole):
    return copy.deepcopy(whole)


@pytest.fixture
def read(tmp_path):
    def read(content, today=TODAY):
        path = tmp_path / "by_line.json"
        path.write_bytes(content if isinstance(content, bytes) else as_json(content))
        return read_carris(path, DATA, today)

    return read


def value(reading, day):
    return reading.series.set_index("date")["value"][pd.Timestamp(day)]


def test_the_measure_is_the_sum_over_the_lines_and_the_day_that_is_not_over_is_left_out(read, documents):
    reading = read(documents)
    table = reading.series
    assert reading.notes == []
    assert set(table["location"]) == {"PT-11"} and set(table["category"]) == {"count"} and set(table["open"]) == {"yes"}
    assert table["date"].max() == pd.Timestamp(YESTERDAY) and len(table) == (TODAY - dt.date(2024, 8, 1)).days
    assert value(reading, YESTERDAY) == sum(rides(YESTERDAY).values())


def test_before_four_in_the_morning_yesterday_is_not_over_either(read, documents):
    assert read(documents, YESTERDAY).series["date"].max() == pd.Timestamp(YESTERDAY - dt.timedelta(days=1))


def test_flat_rows_are_read_like_documents(read, documents):
    flat = [{"line_id": one["properties"]["line_id"], "operational_date": day, **entry}
            for one in documents for day, entry in one["data"].items()]  # fmt: skip
    pd.testing.assert_frame_equal(read(flat).series, read(documents).series)
    compact = [row | {"operational_date": row["operational_date"].replace("-", "")} for row in flat]
    pd.testing.assert_frame_equal(read(compact).series, read(documents).series)


def test_a_day_on_which_lines_are_missing_is_unknown_and_sundays_are_whole(read, documents):
    for document in documents[:10]:
        del document["data"][str(YESTERDAY)]
    reading, sunday = read(documents), TODAY - dt.timedelta(days=3)
    assert pd.isna(value(reading, YESTERDAY)) and value(reading, sunday) == sum(rides(sunday).values())
    assert reading.notes == [f"lines are missing, taken as not known: 1 day; last {YESTERDAY}"]


def test_a_day_that_is_taken_whole_although_partial_would_be_noticed(read, documents):
    """The same test on a reader that takes every day whole fails: nothing else tells a partial day from a quiet one."""
    before = read(documents).series
    for document in documents[:10]:
        document["data"][str(YESTERDAY)]["qty"] = 1
    quiet = read(documents)
    for document in documents[:10]:
        del document["data"][str(YESTERDAY)]
    partial = read(documents)
    assert value(quiet, YESTERDAY) < before["value"].iloc[-1] and pd.isna(value(partial, YESTERDAY))
    pd.testing.assert_frame_equal(partial.series.iloc[:-1], before.iloc[:-1])


def test_lines_that_stand_there_with_nobody_on_them_are_missing_too(read, documents):
    for document in documents[:10]:
        document["data"][str(YESTERDAY)]["qty"] = 0
    assert pd.isna(value(read(documents), YESTERDAY))


def test_later_days_tell_nothing_of_whether_an_earlier_one_is_whole(read, documents):
    early = {day: entry for day, entry in documents[0]["data"].items() if day < "2025-06-01"}
    cut = [one | {"data": {day: one["data"][day] for day in early if day in one["data"]}} for one in documents]
    now, then = read(documents).series, read(cut).series
    pd.testing.assert_frame_equal(now[now["date"] <= then["date"].max()].reset_index(drop=True), then)


def test_a_day_without_any_row_is_unknown_not_closed(read, documents):
    gone = TODAY - dt.timedelta(days=5)
    for document in documents:
        document["data"].pop(str(gone), None)
    reading = read(documents)
    row = reading.series.set_index("date").loc[pd.Timestamp(gone)]
    assert pd.isna(row["value"]) and row["open"] == "unknown"


def test_what_is_said_twice_alike_is_dropped_and_otherwise_both_are_named(read, documents):
    twice = [*documents, documents[3]]
    reading = read(twice)
    pd.testing.assert_frame_equal(reading.series, read(documents).series)
    assert reading.notes == [f"said again in {len(documents[3]['data'])} rows, left out"]
    other = copy.deepcopy(documents[3])
    other["data"][str(YESTERDAY)]["qty"] += 1
    with pytest.raises(DataProblem, match=r"by_line\.json:\d+:qty: \d+ — row \d+ has \d+ for the same again"):
        read([*documents, other])


SHAPES = {
    "renamed": (lambda one: _rename(one, "qty", "quantity"), r"shape: gone is qty; new is quantity\."),
    "two gone": (lambda one: _rename(one, "day_type", "kind") or _rename(one, "qty", "total"), "gone is qty, day_type"),
    "days elsewhere": (lambda one: one.update(values=one.pop("data")), "gone is line_id, qty, day_type.*new is values"),
    "no line": (lambda one: one["properties"].pop("line_id"), r"gone is line_id\. "),
}


def _rename(document, old, new):
    for entry in document["data"].values():
        entry[new] = entry.pop(old)


@pytest.mark.parametrize("what", SHAPES)
def test_a_changed_shape_is_said_at_once_with_what_changed(what, read, documents):
    change, says = SHAPES[what]
    for document in documents:
        change(document)
    with pytest.raises(DataProblem, match=says):
        read(documents)


def test_what_is_new_and_takes_nothing_away_is_noted(read, documents):
    for document in documents:
        for entry in document["data"].values():
            entry["holiday_name"] = ""
    note = "by_line.json: the source has changed its shape; new is holiday_name; nothing that is used is gone"
    assert read(documents).notes == [note]


BAD = {
    b'{"message": "Not found"}': "an object of message, where a list",
    b"[]": "no line is in it",
    b"[1, 2]": "something else, where a list",
    b'[{"properties": {"line_id": "1"}, "data": {"2025-01-01": {"qty": 1': "cut, or no JSON",
    b'[{"a": 1, "a": 2}]': "the key a is there twice",
}


@pytest.mark.parametrize("content", BAD, ids=lambda content: content[:20].decode())
def test_what_is_no_answer_is_refused(content, read):
    with pytest.raises(DataProblem, match=BAD[content]):
        read(content)


@pytest.mark.parametrize(
    ("qty", "says"),
    [("12", "qty: 12 — no number"), (-1, "-1"), (None, "qty: None"), (True, "True"), (float("inf"), "inf")],
)
def test_a_number_that_is_none_is_named_once_for_all_places(qty, says, read, documents):
    for document in documents[:3]:
        document["data"][str(YESTERDAY)]["qty"] = qty
    with pytest.raises(DataProblem, match=rf"{says}.*\(3 times") as stopped:
        read(documents)
    assert len(str(stopped.value).splitlines()) == 1


def test_a_day_that_is_none_is_named(read, documents):
    documents[0]["data"]["2025-02-30"] = {"qty": 1, "day_type": "1"}
    with pytest.raises(DataProblem, match="2025-02-30 — no day"):
        read(documents)


@pytest.mark.parametrize("wrong", [{"lag": 0}, {"unit": "percent", "category": "parks"}])
def test_today_which_is_half_over_cannot_be_asked_for(wrong, tmp_path):
    keys = {"source": "x", "unit": "counts", "format": "carris"} | wrong
    (tmp_path / "city.yaml").write_text(json.dumps({"data": keys}))
    with pytest.raises(
        UsageProblem, match=r"carris has today, half over: data\.unit is counts, and data\.lag at least 1"
    ):
        read_market(tmp_path, "city")
