"""Hystreet's counts of passers-by, as the city of Zürich publishes them: a CSV file, a row an hour and place, in UTC.

A day is that of the place: in March one of its days has 23 hours, in October one has 25. One with an hour missing, or
without a count, is unknown: what is there of it would look like a quiet day.
"""

import datetime as dt
import re
from pathlib import Path

import pandas as pd

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.sources import cells, feed, names
from footfall.sources.business_day import day_of_business
from footfall.sources.fault import Fault, Unreadable
from footfall.sources.reading import Reading
from footfall.sources.rows import RawRows, read_rows, top
from footfall.sources.sheets import sheets

HOUR = pd.Timedelta(hours=1)
USED = ("timestamp", "location_name", "pedestrians_count")
KNOWN = re.compile(
    r"location_id|(ltr|rtl)_label|weather_condition|temperature|unverified|collection_type"
    r"|(zone_\d+_)?((adult|child)_)?((ltr|rtl)_)?pedestrians_count"
)


def read_hystreet(path: Path, data: Data, not_after: dt.date) -> Reading:
    """Read the file.

    Parameters
    ----------
    path : Path
        A CSV file.
    data : Data
        What the market's file says: its zone, when its days start, its place.
    not_after : date
        The day that is not over at the place: it and later ones are left out.

    Returns
    -------
    Reading
        The series table: passers-by a day; the location of a place is ``CH-ZH/<location_name>``.

    Raises
    ------
    DataProblem
        If the source has changed its shape, which is said, or anything in it is wrong.
    """
    try:
        notes, table = _shape(path), read_rows(path, USED)
    except Unreadable as stopped:
        raise DataProblem("\n".join(fault.at(path.name) for fault in stopped.faults)) from None
    rows, faults = _typed(table, data)
    broken = path.name, table.header, table.faults + faults
    past, repeats = feed.past(rows, ["site", "hour"], USED[2], broken, not_after)
    sums = past.groupby(["site", "day"])["value"].agg(value="sum", hours="count").reset_index()
    return feed.reading(sums, sums["hours"] == _hours(sums["day"], data), data, "hours", notes + repeats)


def _shape(path: Path) -> list[str]:
    """A note on columns that are new; the header is the first line, by whatever separates its columns."""
    heads = [cells for sheet in sheets(path) for _, cells in top(sheet)[:1]]
    header = [str(name).strip() for name in max(heads, key=len, default=[])]
    return feed.check_shape(path.name, header, USED, filter(KNOWN.fullmatch, header))


def _typed(table: RawRows, data: Data) -> tuple[pd.DataFrame, list[Fault]]:
    """Rows of (line, site, hour, day, value), and what cannot be read in them."""
    written = table.cells.map(lambda cell: str(cell or "").strip())
    rows = pd.DataFrame({"line": table.lines, "site": written["location_name"]})
    rows["hour"] = pd.to_datetime(written["timestamp"], format="ISO8601", utc=True, errors="coerce")
    rows["value"] = cells.numbers(written["pedestrians_count"], ".")
    rows["day"] = day_of_business(rows["hour"].dt.tz_convert(data.timezone).dt.tz_localize(None), data.day_starts)
    objections = {site: names.objection(site) for site in rows["site"].unique()}
    rules = {
        ("timestamp", "no full hour in UTC, as in 2026-11-26T13:00:00Z"): rows["hour"].ne(rows["hour"].dt.floor("h")),
        ("pedestrians_count", "no number from 0 on, nor blank"):
            ~(rows["value"] >= 0) & written["pedestrians_count"].ne(""),
        **{("location_name", rule): rows["site"].map(objections) == rule for rule in set(objections.values()) - {""}},
    }  # fmt: skip
    return rows, feed.broken(rows, written, rules)


def _hours(days: pd.Series, data: Data) -> pd.Series:
    """How many hours each day has, where clocks are changed."""
    begins = days + pd.Timedelta(f"{data.day_starts}:00")
    first, last = (
        moments.dt.tz_localize(data.timezone, ambiguous=True, nonexistent="shift_forward")
        for moments in (begins, begins + pd.Timedelta(days=1))
    )
    return (last - first) // HOUR
