"""The series table: one row per location, category and day; and the snapshot, its file.

Columns ``location`` (ISO 3166 code, else names joined by ``/``), ``category``, ``date`` (a calendar day), ``value``
(float in the source's unit; NaN = not published), sorted by the first three and unique in them; and where the source
says so ``open``: ``yes``, ``no`` or ``unknown``.
"""

import datetime as dt
import io
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

from footfall.errors import DataProblem
from footfall.units import COUNT, unit_of

SERIES = ["location", "category"]
KEYS = [*SERIES, "date"]
NAMES = b"names"  # of places, in a snapshot's metadata
WEEK = 7
DAY = pd.Timedelta(days=1)
FEW = 5  # guests on a usual day, below which nobody may come to a place that is open
ROWS_WRITTEN = 1 << 20  # rows that have words of their own while they are written: Arrow's group of rows
FEWEST_BLANK = 4  # days of a weekday none of which has a value: it is not known, and no gap
MOST_MISSING = 0.2  # share of days; with more the weekdays cannot be told apart


def visible(series: pd.DataFrame, as_of: dt.date | str, lag: int) -> pd.DataFrame:
    """The rows that were published by the end of `as_of`.

    Of a table with ``open`` no series goes on after its last day with a value: that it was shut on a day without a row
    of its own, only a later row can have told. One without any value keeps its first row, and is accounted for.

    Parameters
    ----------
    series : DataFrame
        A series table.
    as_of : date or str
        The day the run stands on.
    lag : int
        Days between a day and its publication: the newest visible row is that of ``as_of - lag``.
    """
    rows = series[series["date"] <= pd.Timestamp(as_of) - lag * DAY]
    return (_through_last_values(rows) if "open" in rows else rows).reset_index(drop=True)


def _through_last_values(rows: pd.DataFrame) -> pd.DataFrame:
    is_first = (rows[SERIES] != rows[SERIES].shift()).any(axis=1).to_numpy()
    is_kept = rows["value"].notna().to_numpy() | is_first
    next_kept = np.minimum.accumulate(np.where(is_kept, np.arange(len(rows)), len(rows))[::-1])[::-1]
    return rows[~np.append(is_first, True)[next_kept] | is_kept]


class Rows(NamedTuple):
    """The rows of one series, by day.

    Attributes
    ----------
    day : ndarray of int
        Counted from 1970, ascending.
    value : ndarray of float
        NaN: not published.
    is_said_shut : ndarray of bool
        Whether the table says that the place was shut.
    """

    day: np.ndarray
    value: np.ndarray
    is_said_shut: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame) -> "Rows":
        """Those of a table with ``date``, ``value`` and perhaps ``open``."""
        shut = table["open"].eq("no").to_numpy(bool) if "open" in table else np.zeros(len(table), bool)
        return cls(since_1970(pd.DatetimeIndex(table["date"])), table["value"].to_numpy(float), shut)

    def part(self, which: Any) -> "Rows":
        """Some of them, in that order."""
        return Rows(*(column[which] for column in self))


def rows_of(series: pd.DataFrame, location: str, category: str) -> Rows:
    """The rows of one series.

    Raises
    ------
    DataProblem
        If the table has no published value there; the message names what it does have.
    """
    rows = Rows.of(series[(series["location"] == location) & (series["category"] == category)])
    if np.isnan(rows.value).all():
        raise DataProblem(f"no published value for {location} {category}. {_alternatives(series, location)}")
    return rows


def site_of(location: str) -> str:
    """The name of a site in ``PT-11/<site>``, where its own / is written %2F; nothing where there is no site."""
    return location.partition("/")[2].replace("%2F", "/")


def pick(series: pd.DataFrame, location: str, category: str) -> pd.Series:
    """One daily series, without holes in its index, from its first day that was open to its last that is known.

    Returns
    -------
    Series
        Float, indexed by day (freq ``D``), named by its category; NaN where nothing was published, and where the
        place was shut, see `shut_of`.

    Raises
    ------
    DataProblem
        If the table has no published value there; the message names what it does have.
    """
    return pick_of(rows_of(series, location, category), category)


def pick_of(rows: Rows, category: str) -> pd.Series:
    """As `pick`, of the rows that `rows_of` gave."""
    (day, values, _), closed = rows, shut_rows(rows, category)
    is_known = ~np.isnan(values)
    opened = day[is_known & ~closed]
    first, last = (opened if len(opened) else day).min(), day[is_known | closed].max()
    daily, inside = np.full(last - first + 1, np.nan), (day >= first) & (day <= last)
    daily[day[inside] - first] = np.where(closed, np.nan, values)[inside]
    return pd.Series(daily, _dates(int(first), len(daily)), name=category)


@lru_cache(maxsize=1000)
def _dates(first: int, count: int) -> pd.DatetimeIndex:
    """So many days from one counted from 1970: series of one span share theirs."""
    return pd.date_range(pd.Timestamp(first, unit="D"), periods=count, name="date")


def since_1970(days: pd.DatetimeIndex) -> np.ndarray:
    """Days counted from 1970."""
    return np.asarray(days.to_numpy().astype("datetime64[D]").astype(int))


def split(series: pd.DataFrame) -> dict[tuple[str, str], Rows]:
    """The rows of every series of a table, by location and category, each as `rows_of` gives them."""
    rows = Rows.of(series)
    return {key: rows.part(at) for key, at in by_series(series).items()}


def by_series(table: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """Where the rows of each series of a table are, by location and category, sorted: slices where nothing is between.

    Of a table that is sorted by series, which a snapshot and the errors of a champion are.
    """
    number = table.groupby(SERIES, sort=True, observed=True).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    first = np.flatnonzero(np.diff(number[order], prepend=-1))
    keys = zip(*(table[name].iloc[order[first]] for name in SERIES), strict=True)
    if (np.diff(number) >= 0).all():
        return {key: slice(*ends) for key, *ends in zip(keys, first, [*first[1:], len(number)], strict=False)}
    return dict(zip(keys, np.split(order, first[1:]), strict=False))


def shut_of(rows: Rows, category: str) -> pd.Series:
    """Which days of a series its place was shut on, from the first to the last of its rows.

    Said to be shut, or with a value at the floor where that cannot be chance.
    """
    first, last = rows.day[[0, -1]]
    daily = np.zeros(last - first + 1, bool)
    daily[rows.day - first] = shut_rows(rows, category)
    return pd.Series(daily, _dates(int(first), len(daily)))


def shut_rows(rows: Rows, category: str) -> np.ndarray:
    """As `shut_of`, of each row."""
    floor = unit_of(category).floor
    at_floor = rows.value <= floor
    if at_floor.any() and _nobody_may_come(rows.value, floor):
        return rows.is_said_shut
    return np.asarray(at_floor | rows.is_said_shut)


def _nobody_may_come(values: np.ndarray, floor: float) -> bool:
    """Whether a value at the floor may be chance: few come, in whole numbers, on a usual day."""
    above = values[values > floor]
    return floor == 0 and bool(len(above)) and bool(np.median(above) < FEW) and bool((above % 1 == 0).all())


def _alternatives(series: pd.DataFrame, location: str) -> str:
    categories = series.loc[series["location"] == location, "category"].unique()
    if len(categories):
        return f"Categories of {location}: {', '.join(categories)}."
    locations = series["location"].unique()
    named = f"{', '.join(locations[:10])}{' …' if len(locations) > 10 else ''}"
    if any(of.startswith(f"{location}/") for of in locations):
        return f"Its sites: {named}. Name one in data.location, or write data.series: all for every one."
    return f"Locations in the snapshot: {named}."


def to_parquet(series: pd.DataFrame, names: Mapping[str, str] | None = None) -> bytes:
    """The snapshot file of a series table; equal tables give equal bytes.

    With it goes what places with a code are called, ``PT/Lisbon`` of ``PT-11``: see `names_in`.
    """
    buffer = io.BytesIO()
    metadata = {NAMES: json.dumps(names, ensure_ascii=False, sort_keys=True).encode()} if names else {}
    parts = (_as_arrow(series[at : at + ROWS_WRITTEN]) for at in range(0, max(len(series), 1), ROWS_WRITTEN))
    first = next(parts)
    schema = first.schema.with_metadata(first.schema.metadata | metadata)
    with pq.ParquetWriter(buffer, schema, compression="zstd") as file:
        for part in (first, *parts):
            file.write_table(part.cast(schema), ROWS_WRITTEN)
    return buffer.getvalue()


def _as_arrow(rows: pd.DataFrame) -> pa.Table:
    """Rows as they are written, each with its words."""
    columns = [*KEYS, "value", *(["open"] if "open" in rows else [])]
    words = {name: rows[name].astype("category").cat for name in SERIES}
    written = {name: pd.array(of.categories, dtype="str").take(of.codes) for name, of in words.items()}
    return pa.Table.from_pandas(rows[columns].assign(**written), preserve_index=False)


def names_in(path: str | Path) -> dict[str, str]:
    """What the places of a snapshot file that have a code are called; nothing where it does not say."""
    return dict(json.loads((pq.read_schema(path).metadata or {}).get(NAMES, b"{}")))


def from_parquet(content: bytes) -> pd.DataFrame:
    """The series table of a snapshot's bytes, see `read_snapshot`."""
    return read_snapshot(io.BytesIO(content))


def read_snapshot(path: str | Path | io.BytesIO) -> pd.DataFrame:
    """The series table of a snapshot file, its words as categories: each is held once."""
    return pq.read_table(path, read_dictionary=SERIES).to_pandas(split_blocks=True, self_destruct=True)


def extent(series: pd.DataFrame, location: str) -> pd.DataFrame:
    """What a location has, per category: first and last published day, days with a value and days without.

    Returns
    -------
    DataFrame, indexed by category
        ``first`` and ``last`` as ISO days; ``published`` and ``missing``, counts of days from first to last.
    """
    published = series[(series["location"] == location) & series["value"].notna()]
    by_category = published.groupby(published["category"].astype("str"))["date"]
    span = by_category.agg(first="min", last="max", published="count")
    days = (span["last"] - span["first"]).dt.days + 1
    return span.assign(missing=days - span["published"]).astype({"first": "str", "last": "str"})


def unfit(y: pd.Series, fewest: int, closed: pd.Series | None = None) -> list[str]:
    """What speaks against training on a series; nothing if it is fit.

    Parameters
    ----------
    y : Series
        One daily series, as `pick` gives it.
    fewest : int
        Days that the training takes, see `footfall.evaluation.backtest.youngest`.
    closed : Series of bool, optional
        Days the place was shut, from `shut_of` or `footfall.opening.at_rest`: no value is missing there.

    Returns
    -------
    list of str
        One sentence for each reason: too short, too many days without a value, a weekday that never has one, stuck.
    """
    if y.empty:
        return [f"no day of it is published, and at least {fewest} are needed"]
    if y.isna().all():
        return [f"none of its {len(y)} days was open: all are without a value, or nobody came"]
    reasons = []
    if len(y) < fewest:
        span = f"{y.index[0]:%Y-%m-%d} to {y.index[-1]:%Y-%m-%d}"
        reasons.append(f"{len(y)} days from {span}, and at least {fewest} are needed")
    if y.count() < 2 * WEEK:
        reasons.append(f"{y.count()} days with a value, and at least {2 * WEEK} are needed")
    on = y if closed is None else y[~closed.reindex(y.index, fill_value=False)]
    if y.name == COUNT and (never := _never_known(on, y)):
        shut = f"closed: {{weekdays: [{', '.join(never).lower()}]}}, or write 0"
        reasons.append(f"no {' or '.join(never)} has a value: if it is shut then, say {shut}; else export it")
    elif on.isna().mean() > MOST_MISSING:
        blank = f"{on.isna().mean():.0%} of the days have no value"
        shut = "; if it was shut on them, say so: absent: closed" if y.name == COUNT else ""
        reasons.append(f"{blank}, and at most {MOST_MISSING:.0%} may be missing{shut}")
    if on.tail(2 * WEEK).nunique() <= 1:
        reasons.append("the last two weeks are one and the same value: the source may be stuck")
    return reasons


def _never_known(on: pd.Series, y: pd.Series) -> list[str]:
    """Weekdays that have no value and mostly were not shut: a forecast of one would rest on nothing."""
    known, days, every = (np.bincount(each.index.dayofweek, minlength=WEEK) for each in (on.dropna(), on, y))
    never = np.flatnonzero((known == 0) & (days >= FEWEST_BLANK) & (days > every / 2))
    return [on.index[on.index.dayofweek == weekday][0].day_name() for weekday in never]
