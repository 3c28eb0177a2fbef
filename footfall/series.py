"""The series table: one row per location, category and day; and the snapshot, its file.

Columns ``location`` (ISO 3166 code, else names joined by ``/``), ``category``, ``date`` (a calendar day), ``value``
(float in the source's unit; NaN = not published), sorted by the first three and unique in them; and where the source
says so ``open``: ``yes``, ``no`` or ``unknown``.
"""

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pandas as pd

from footfall.errors import DataProblem
from footfall.units import unit_of

KEYS = ["location", "category", "date"]
WEEK = 7
DAY = pd.Timedelta(days=1)
FEW = 5  # guests on a usual day, below which nobody may come to a place that is open
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


def rows_of(series: pd.DataFrame, location: str, category: str) -> pd.DataFrame:
    """The rows of one series, indexed by day: ``value``, and ``open`` where the table has it.

    Raises
    ------
    DataProblem
        If the table has no published value there; the message names what it does have.
    """
    rows = series[(series["location"] == location) & (series["category"] == category)].set_index("date")
    if rows["value"].first_valid_index() is None:
        raise DataProblem(f"no published value for {location} {category}. {_alternatives(series, location)}")
    return rows.drop(columns=["location", "category"])


def site_of(location: str) -> str:
    """The name of a site in ``PT-11/<site>``, where its own / is written %2F; nothing where there is no site."""
    return location.partition("/")[2].replace("%2F", "/")


def pick(series: pd.DataFrame, location: str, category: str) -> pd.Series:
    """One daily series, without holes in its index, from its first day that was open to its last that is known.

    Returns
    -------
    Series
        Float, indexed by day (freq ``D``), named by its category; NaN where nothing was published, and where the
        place was shut, see `shut`.

    Raises
    ------
    DataProblem
        If the table has no published value there; the message names what it does have.
    """
    return pick_of(rows_of(series, location, category), category)


def pick_of(rows: pd.DataFrame, category: str) -> pd.Series:
    """As `pick`, of the rows that `rows_of` gave."""
    values, closed, day = rows["value"].to_numpy(float), shut_rows(rows, category), since_1970(rows.index)
    is_known = ~np.isnan(values)
    opened = day[is_known & ~closed]
    first, last = (opened if len(opened) else day).min(), day[is_known | closed].max()
    daily, inside = np.full(last - first + 1, np.nan), (day >= first) & (day <= last)
    daily[day[inside] - first] = np.where(closed, np.nan, values)[inside]
    days = pd.date_range(pd.Timestamp(first, unit="D"), periods=len(daily), name="date")
    return pd.Series(daily, days, name=category)


def since_1970(days: pd.DatetimeIndex) -> np.ndarray:
    """Days counted from 1970."""
    return np.asarray(days.to_numpy().astype("datetime64[D]").astype(int))


def split(series: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """The rows of every series of a table, by location and category, each as `rows_of` gives them."""
    rows = series.set_index("date").drop(columns=["location", "category"])
    at = series.groupby(["location", "category"]).indices
    return {key: rows.iloc[numbers] for key, numbers in sorted(at.items())}


def shut(series: pd.DataFrame, location: str, category: str) -> pd.Series:
    """Which days of a series its place was shut on.

    Parameters
    ----------
    series : DataFrame
        A series table; ``open`` is ``yes``, ``no`` or ``unknown`` where it has this column.
    location, category : str
        Which of its series.

    Returns
    -------
    Series of bool
        Indexed by day (freq ``D``), from the first to the last row: said to be shut, or a value at the floor where
        that cannot be chance.
    """
    return shut_of(rows_of(series, location, category), category)


def shut_of(rows: pd.DataFrame, category: str) -> pd.Series:
    """As `shut`, of the rows that `rows_of` gave."""
    return pd.Series(shut_rows(rows, category), rows.index).asfreq("D", fill_value=False)


def shut_rows(rows: pd.DataFrame, category: str) -> np.ndarray:
    """As `shut`, of each row that `rows_of` gave."""
    values, floor = rows["value"].to_numpy(float), unit_of(category).floor
    at_floor = (values <= floor) & (not _nobody_may_come(values, floor))
    return np.asarray(at_floor | rows["open"].eq("no").to_numpy() if "open" in rows else at_floor)


def _nobody_may_come(values: np.ndarray, floor: float) -> bool:
    """Whether a value at the floor may be chance: few come, in whole numbers, on a usual day."""
    above = values[values > floor]
    return floor == 0 and bool(len(above)) and bool(np.median(above) < FEW) and bool((above % 1 == 0).all())


def _alternatives(series: pd.DataFrame, location: str) -> str:
    categories = series.loc[series["location"] == location, "category"].unique()
    if len(categories):
        return f"Categories of {location}: {', '.join(categories)}."
    return f"Locations in the snapshot: {', '.join(series['location'].unique()[:10])} …"


def to_parquet(series: pd.DataFrame) -> bytes:
    """The snapshot file of a series table; equal tables give equal bytes."""
    buffer = io.BytesIO()
    columns = [*KEYS, "value", *(["open"] if "open" in series else [])]
    tidy = series[columns].astype({"location": "str", "category": "str"})
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


def unfit(y: pd.Series, fewest: int, closed: pd.Series | None = None) -> list[str]:
    """What speaks against training on a series; nothing if it is fit.

    Parameters
    ----------
    y : Series
        One daily series, as `pick` gives it.
    fewest : int
        Days that the training takes, see `footfall.evaluation.backtest.days_needed`.
    closed : Series of bool, optional
        Days the place was shut, from `shut`: no value is missing there.

    Returns
    -------
    list of str
        One sentence for each reason: too short, too many days without a value, stuck.
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
    if on.isna().mean() > MOST_MISSING:
        blank = f"{on.isna().mean():.0%} of the days have no value"
        reasons.append(f"{blank}, and at most {MOST_MISSING:.0%} may be missing")
    if on.tail(2 * WEEK).nunique() <= 1:
        reasons.append("the last two weeks are one and the same value: the source may be stuck")
    return reasons
