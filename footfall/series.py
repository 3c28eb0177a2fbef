"""The series table: one row per location, category and day; and the snapshot, its file.

Columns ``location`` (ISO 3166 code, else names joined by ``/``), ``category``, ``date`` (a calendar day), ``value``
(float in the source's unit; NaN = not published), sorted by the first three and unique in them.
"""

import datetime as dt
import io
from pathlib import Path

import pandas as pd

from footfall.errors import DataProblem

KEYS = ["location", "category", "date"]
WEEK = 7
DAY = pd.Timedelta(days=1)
FLOOR = -100.0  # percent: nobody came
MOST_MISSING = 0.2  # share of days; with more the weekdays cannot be told apart


def visible(series: pd.DataFrame, as_of: dt.date | str, lag: int) -> pd.DataFrame:
    """The rows that were published by the end of `as_of`.

    Parameters
    ----------
    series : DataFrame
        A series table.
    as_of : date or str
        The day the run stands on.
    lag : int
        Days between a day and its publication: the newest visible row is that of ``as_of - lag``.
    """
    return series[series["date"] <= pd.Timestamp(as_of) - lag * DAY].reset_index(drop=True)


def pick(series: pd.DataFrame, location: str, category: str) -> pd.Series:
    """One daily series, without holes in its index, from its first to its last published value.

    Returns
    -------
    Series
        Float, indexed by day (freq ``D``); NaN where nothing was published.

    Raises
    ------
    DataProblem
        If the table has no published value there; the message names what it does have.
    """
    values = series[(series["location"] == location) & (series["category"] == category)].set_index("date")["value"]
    if values.first_valid_index() is None:
        raise DataProblem(f"no published value for {location} {category}. {_alternatives(series, location)}")
    return values.loc[values.first_valid_index() : values.last_valid_index()].asfreq("D").rename(category)


def _alternatives(series: pd.DataFrame, location: str) -> str:
    categories = series.loc[series["location"] == location, "category"].unique()
    if len(categories):
        return f"Categories of {location}: {', '.join(categories)}."
    return f"Locations in the snapshot: {', '.join(series['location'].unique()[:10])} …"


def to_parquet(series: pd.DataFrame) -> bytes:
    """The snapshot file of a series table; equal tables give equal bytes."""
    buffer = io.BytesIO()
    tidy = series[[*KEYS, "value"]].astype({"location": "str", "category": "str"})
    tidy.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


def from_parquet(content: bytes) -> pd.DataFrame:
    """The series table of a snapshot's bytes."""
    return pd.read_parquet(io.BytesIO(content))


def read_snapshot(path: str | Path) -> pd.DataFrame:
    """The series table of a snapshot file."""
    return pd.read_parquet(path)


def extent(series: pd.DataFrame, location: str) -> pd.DataFrame:
    """What a location has, per category: first and last published day, days with a value and days without.

    Returns
    -------
    DataFrame, indexed by category
        ``first`` and ``last`` as ISO days; ``published`` and ``missing``, counts of days from first to last.
    """
    published = series[(series["location"] == location) & series["value"].notna()]
    span = published.groupby("category")["date"].agg(first="min", last="max", published="count")
    days = (span["last"] - span["first"]).dt.days + 1
    return span.assign(missing=days - span["published"]).astype({"first": "str", "last": "str"})


def unfit(y: pd.Series, fewest: int) -> list[str]:
    """What speaks against training on a series; nothing if it is fit.

    Parameters
    ----------
    y : Series
        One daily series, as `pick` gives it.
    fewest : int
        Days that the training takes, see `footfall.evaluation.backtest.days_needed`.

    Returns
    -------
    list of str
        One sentence for each reason: too short, too many days without a value, stuck.
    """
    if y.empty:
        return [f"no day of it is published, and at least {fewest} are needed"]
    reasons = []
    if len(y) < fewest:
        span = f"{y.index[0]:%Y-%m-%d} to {y.index[-1]:%Y-%m-%d}"
        reasons.append(f"{len(y)} days from {span}, and at least {fewest} are needed")
    if y.isna().mean() > MOST_MISSING:
        blank = f"{y.isna().mean():.0%} of the days have no value"
        reasons.append(f"{blank}, and at most {MOST_MISSING:.0%} may be missing")
    if y.tail(2 * WEEK).nunique() <= 1:
        reasons.append("the last two weeks are one and the same value: the source may be stuck")
    return reasons
