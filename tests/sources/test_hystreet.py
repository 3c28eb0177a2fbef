"""Hystreet's hours become days of the place; a day with an hour missing is unknown, and clocks change twice a year."""

import datetime as dt

import pandas as pd
import pytest
from live import HEADER, PLACES, as_csv, hours, hystreet, walkers

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.sources.hystreet import read_hystreet

TODAY = dt.date(2025, 4, 9)
YESTERDAY = TODAY - dt.timedelta(days=1)
PLACE = f"CH-ZH/{PLACES[0]}"
SPRING, AUTUMN = dt.date(2025, 3, 30), dt.date(2024, 10, 27)
DATA = Data(source="x", unit="counts", format="hystreet", location=PLACE, timezone="Europe/Zurich")


@pytest.fixture(scope="module")
def rows():
    """From a week before the clocks change on."""
    first, *_ = hours(AUTUMN - dt.timedelta(days=7))
    return [row for row in hystreet(TODAY) if row[0] >= first]


@pytest.fixture(scope="module")
def whole(rows, tmp_path_factory):
    """What is read of all rows."""
    path = tmp_path_factory.mktemp("whole") / "hystreet.csv"
    path.write_bytes(as_csv(rows, HEADER))
    return read_hystreet(path, DATA, TODAY)


@pytest.fixture
def read(tmp_path):
    def read(rows, header=HEADER, today=TODAY):
        path = tmp_path / "hystreet.csv"
        path.write_bytes(rows if isinstance(rows, bytes) else as_csv(rows, header))
        return read_hystreet(path, DATA, today)

    return read


def days(reading, place=PLACE):
    return reading.series[reading.series["location"] == place].set_index("date")["value"]


def truth(day):
    return sum(number for _, place, number in walkers(day) if place == PLACES[0])


def test_days_are_those_of_the_place_and_the_one_that_is_not_over_is_left_out(whole):
    assert whole.notes == []
    assert set(whole.series["location"]) == {f"CH-ZH/{place}" for place in PLACES}
    assert days(whole).index[-1] == pd.Timestamp(YESTERDAY)
    assert days(whole)[str(YESTERDAY)] == truth(YESTERDAY)


def test_the_days_on_which_clocks_change_are_whole_with_their_own_hours(read, rows, whole):
    assert (len(hours(SPRING)), len(hours(AUTUMN))) == (23, 25)
    assert days(whole)[str(SPRING)] == truth(SPRING) and days(whole)[str(AUTUMN)] == truth(AUTUMN)
    second = hours(AUTUMN)[3]
    twice = [row for row in rows if row[0] != second]  # one of the two that clocks show as 02:00
    assert pd.isna(days(read(twice))[str(AUTUMN)])


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_a_day_with_an_hour_missing_is_unknown_not_small_and_at_its_place_alone(hour, read, rows, whole):
    day = dt.date(2025, 4, 3)
    gone = (hours(day)[hour], PLACES[0])
    less = [row for row in rows if row[:2] != gone]
    reading = read(less)
    assert pd.isna(days(reading)[str(day)]) and days(reading, f"CH-ZH/{PLACES[1]}").notna().all()
    assert reading.notes == ["hours are missing, taken as not known: 1 day; last 2025-04-03"]
    assert days(reading).drop(pd.Timestamp(day)).equals(days(whole).drop(pd.Timestamp(day)))


def test_yesterday_is_unknown_while_its_last_hours_are_late(read, rows):
    eight = hours(YESTERDAY)[20]
    late = [row for row in rows if row[0] < eight]
    assert pd.isna(days(read(late))[str(YESTERDAY)])


def test_an_hour_without_a_count_and_a_day_without_anybody_are_unknown(read, rows):
    day = dt.date(2025, 4, 3)
    moments = hours(day)
    blank = [(moment, place, "" if moment == moments[4] else number) for moment, place, number in rows]
    assert pd.isna(days(read(blank))[str(day)])
    dead = [(moment, place, 0 if moment in moments else number) for moment, place, number in rows]
    reading = read(dead)
    assert pd.isna(days(reading)[str(day)]) and "no" not in set(reading.series["open"])


def test_a_missing_day_is_a_row_that_is_not_known(read, rows):
    day = dt.date(2025, 4, 3)
    moments = hours(day)
    reading = read([row for row in rows if row[0] not in moments])
    assert pd.isna(days(reading)[str(day)]) and set(reading.series["open"]) == {"yes", "unknown"}


def test_what_is_said_twice_alike_is_dropped_and_otherwise_both_are_named(read, rows, whole):
    reading = read([*rows, *rows[-600:-500]])
    assert days(reading).equals(days(whole)) and reading.notes == ["said again in 100 rows, left out"]
    moment, place, number = rows[-600]
    with pytest.raises(DataProblem, match=rf"pedestrians_count: {number + 1} — row \d+ has {number} for the same"):
        read([*rows, (moment, place, number + 1)])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("pedestrians_count", "count", "shape: gone is pedestrians_count; new is count"),
        ("timestamp", "time", "shape: gone is timestamp; new is time"),
        ("location_name", "name", "shape: gone is location_name; new is name"),
    ],
)
def test_a_changed_shape_is_said_at_once_with_what_changed(old, new, says, read, rows):
    with pytest.raises(DataProblem, match=says):
        read(rows, [new if name == old else name for name in HEADER])


def test_a_new_column_is_noted(read, rows):
    reading = read(rows, [*HEADER[:-1], "dogs_count"])
    assert reading.notes == ["hystreet.csv: the source has changed its shape; new is dogs_count; "
                             "nothing that is used is gone"]  # fmt: skip


def test_what_is_no_hour_or_no_number_is_named(read, rows):
    moment, place, _ = rows[-600]
    with pytest.raises(DataProblem, match="no full hour in UTC"):
        read([*rows, (moment + dt.timedelta(minutes=30), place, 5)])
    with pytest.raises(DataProblem, match=r"pedestrians_count: -4 — no number from 0 on"):
        read([*rows[:-600], (moment, place, -4), *rows[-599:]])
    with pytest.raises(DataProblem, match="more fields than the header's"):
        read(as_csv(rows) + b"2025-04-09T07:00:00Z" + b",1" * 20 + b"\n")


def test_a_file_that_is_none_is_refused(read):
    with pytest.raises(DataProblem, match="an empty file"):
        read(b"")
    with pytest.raises(DataProblem, match="no row of a day before 2025-04-09"):
        read([row for row in hystreet(TODAY)[-10:] if row[0] >= hours(TODAY)[0]])
