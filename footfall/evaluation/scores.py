"""The table of scores: one row per published forecast of one day of a series, once that day is known.

``origin_date`` is the day the forecast stood on, ``target_end_date`` the day it was about, ``length`` how many days it
spoke of. The table only grows: a row stays as it was first scored.
"""

import datetime as dt
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from footfall import events
from footfall.calendar import country_of, kinds
from footfall.evaluation.metrics import covered, interval_scores
from footfall.forecast import COLUMNS
from footfall.outlook import CLOSED, MEDIAN, towards
from footfall.quantiles import COVERAGES, HIGH, LOW, QUANTILES, column, percentage
from footfall.selection import Key
from footfall.series import DAY, WEEK, site_of
from footfall.typical import spread, usual

DATES = ["origin_date", "target_end_date"]
LOCATION_TARGET = ["location", "target"]
COVERED = {f"covered{percentage(coverage)}": coverage for coverage in COVERAGES}
TYPES = {
    "location": "str", "target": "str",
    "origin_date": "str", "target_end_date": "str", "horizon": "int64", "length": "int64", "kind": "str",
    **dict.fromkeys(["mean", "low", "high", "usual", "actual", "error", "naive_error", "WIS"], "float64"),
    **dict.fromkeys(COVERED, "float64"), "said": "str", "model_version": "str",
}  # fmt: skip
LATEST = 3  # revised days that a sentence names; the table of them all is written beside it


def read_forecasts(path: str | Path) -> pd.DataFrame:
    """Published tables, one under the other: those of a folder, or one file; none where `path` is empty."""
    if not path:
        return pd.DataFrame(columns=COLUMNS)
    files = sorted(Path(path).glob("*.parquet")) if Path(path).is_dir() else [Path(path)]
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def read_scores(path: str | Path) -> pd.DataFrame:
    """The table so far; without rows where `path` is empty."""
    return pd.read_parquet(path) if path else pd.DataFrame(columns=list(TYPES)).astype(TYPES)


def from_parquet(content: bytes | None, location: str = "", target: str = "") -> pd.DataFrame:
    """The table of a stored object's bytes; without rows where there is none.

    One of before there were markets of many names no series: it is of the one at `location` and `target`.
    """
    table = pd.read_parquet(io.BytesIO(content)) if content else read_scores("")
    return table if "location" in table else table.assign(location=location, target=target)


def to_parquet(scores: pd.DataFrame) -> bytes:
    """The bytes of a table; equal tables give equal bytes."""
    buffer = io.BytesIO()
    scores.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


def score_all(
    forecasts: pd.DataFrame, series: Mapping[Key, pd.Series], lag: int, closures: dict[str, Any]
) -> pd.DataFrame:
    """Score the published forecasts of all of a market's series, by `score`; of a series that is gone, none.

    Nor one from before the first day that is known of it, its earlier figures being gone: what was usual is not known.
    """
    tables = []
    for key, of_series in forecasts.groupby(LOCATION_TARGET):
        if len(y := series.get(key, pd.Series())):
            has_past = pd.to_datetime(of_series["origin_date"]) >= y.index[0] + lag * DAY
            tables.append(score(of_series[has_past], y, lag, country_of(key[0]), closures))
    return _tidy(pd.concat(tables)) if tables else read_scores("")


def score(forecasts: pd.DataFrame, y: pd.Series, lag: int, country: str, closures: dict[str, Any]) -> pd.DataFrame:
    """Score every day of published forecasts that is known.

    Parameters
    ----------
    forecasts : DataFrame
        Published tables of one series, see `footfall.forecast`; one for each ``origin_date``.
    y : Series
        The series, as far as it is known.
    lag : int
        Days between a day and its publication: the seasonal naive forecast, and what is usual, rest on the days that
        were published at each origin.
    country : str
        ISO 3166 code of two letters: whose kinds of day.
    closures : dict
        What the owner says of days, see `footfall.events.among`: those with an event that was known at an origin were
        no usual ones to its page.

    Returns
    -------
    DataFrame
        Rows of the table of scores. ``error`` and ``naive_error`` are forecast minus actual; ``usual`` is the level
        of such a day, see `footfall.typical`; all in the unit of the series, four decimals. ``said`` is what the page
        said: ``busier``, ``quieter`` or ``usual``; or ``closed``, of a day that was open after all: it was promised
        nobody, which is no forecast of how many come, and has no error.
    """
    table = _with_words(_wide(forecasts), y, lag, country, closures)
    origin, day = pd.to_datetime(table["origin_date"]), pd.to_datetime(table["target_end_date"])
    table["actual"] = y.reindex(day).to_numpy(float)
    scored = table.assign(
        length=table.groupby("origin_date")["horizon"].transform("max"),
        kind=kinds(pd.DatetimeIndex(day), country).to_numpy(),
        error=table["mean"] - table["actual"],
        naive_error=naive(y, origin, day, lag) - table["actual"],
        WIS=interval_scores(table),
        **{name: covered(table, coverage) for name, coverage in COVERED.items()},
    )
    return _tidy(scored[scored["actual"].notna()])


def _wide(forecasts: pd.DataFrame) -> pd.DataFrame:
    """One row per origin and day, columns ``mean`` and `QUANTILES`; empty what was not published, and closed days."""
    if "open" in forecasts:
        forecasts = forecasts.assign(value=forecasts["value"].mask(forecasts["open"] == "no"))
    level = forecasts["output_type_id"].replace("", "nan").astype(float)
    name = level.map(column).where(level.notna(), "mean")
    keys = [*LOCATION_TARGET, *DATES, "horizon", "model_version"]
    wide = forecasts.assign(name=name).pivot(index=keys, columns="name", values="value")
    return wide.reindex(columns=["mean", *QUANTILES]).astype(float).rename_axis(columns=None).reset_index()


def _with_words(wide: pd.DataFrame, y: pd.Series, lag: int, country: str, closures: dict[str, Any]) -> pd.DataFrame:
    """With the range, the usual level and the word of the page, by what was known at each origin."""
    if wide.empty:
        return _of_origin(wide, y, country)
    parts, its_events = [], events.in_closures(closures, site_of(wide["location"].iloc[0]))
    for day, rows in wide.groupby("origin_date"):
        entered = events.known(its_events, str(day))[events.NOTEBOOK_COLUMNS[:4]].to_numpy() if len(its_events) else ()
        published = y[: pd.Timestamp(str(day)) - lag * DAY]
        parts.append(_of_origin(rows, events.without_odd_days(published, entered), country))
    return pd.concat(parts)


def _of_origin(rows: pd.DataFrame, y: pd.Series, country: str) -> pd.DataFrame:
    level = usual(y, pd.DatetimeIndex(rows["target_end_date"]), country).to_numpy()
    wide = rows.assign(low=rows[column(LOW)], high=rows[column(HIGH)], usual=level)
    mean, median = (wide[name].to_numpy() for name in ("mean", column(MEDIAN)))
    said = towards(mean, median, level, spread(y, country), y)
    return wide.assign(said=np.where(wide["mean"].isna(), CLOSED, said))


def _tidy(scored: pd.DataFrame) -> pd.DataFrame:
    rounded = scored[list(TYPES)].astype(TYPES).round(4)
    return rounded.sort_values([*DATES, *LOCATION_TARGET], kind="stable").reset_index(drop=True)


def naive(y: pd.Series, origin: pd.Series, day: pd.Series, lag: int) -> pd.Series:
    """Seasonal naive forecast of each day: the same weekday's last value that was published at its origin."""
    last = y.groupby(y.index.dayofweek).ffill()  # blanks are passed over
    weeks = -(-((day - origin).dt.days + lag) // WEEK)
    return last.reindex(day - weeks * WEEK * DAY).astype(float).set_axis(day.index)


def grow(scores: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The table with the new rows; a forecast of a day that is in it already keeps its row."""
    rows, named = (pd.MultiIndex.from_frame(table[[*LOCATION_TARGET, *DATES]]) for table in (new, scores))
    missing = new[~rows.isin(named)]
    return _tidy(pd.concat([scores, missing]) if len(scores) else missing) if len(missing) else scores


def merge(stored: bytes | None, new: pd.DataFrame) -> bytes | None:
    """The stored table with the new rows added; its own bytes where it has them all."""
    before = from_parquet(stored, *new[LOCATION_TARGET].iloc[0]) if len(new) else from_parquet(stored)
    after = grow(before, new)
    return to_parquet(after) if len(after) > len(before) else stored


def known_by(scores: pd.DataFrame, as_of: dt.date | str, lag: int) -> pd.DataFrame:
    """The rows whose day was published by the end of `as_of`."""
    last = pd.Timestamp(as_of) - lag * DAY
    return scores[scores["target_end_date"] <= f"{last:%Y-%m-%d}"].reset_index(drop=True)


def unscored(
    origins: Iterable[str], scores: pd.DataFrame, series: Mapping[Key, pd.Series], horizon: int, stale_after: int
) -> list[str]:
    """The days whose forecasts speak of days that are known by now and not yet in the table.

    A series without a row where others have some is not asked for once all days are over, and as many more as its
    figures may be late: it was refused, or is new.

    Parameters
    ----------
    origins : iterable of str
        ISO days on which something was published.
    scores : DataFrame
        The table so far.
    series : mapping of Key to Series
        The market's, as far as they are known.
    horizon : int
        Length of a forecast that is not in the table yet; one that is says itself how long it was.
    stale_after : int
        Days that a series' last value may lie back where it is forecast all the same.
    """
    origins = sorted(origins)
    since = {key: y[origins[0] :].dropna() for key, y in series.items()} if origins else {}
    published = {key: set(y.index.strftime("%Y-%m-%d")) for key, y in since.items()}
    last = max((y.index[-1] for y in since.values() if len(y)), default=pd.Timestamp(0))
    last_awaited = f"{last - stale_after * DAY:%F}"
    scored = scores.groupby([*LOCATION_TARGET, "origin_date"])["target_end_date"].agg(set)
    lengths = scores.groupby("origin_date")["length"].max()

    def is_unscored(origin: str) -> bool:
        asked = {*pd.date_range(origin, periods=1 + lengths.get(origin, horizon))[1:].strftime("%Y-%m-%d")}
        rows = {key: scored.get((*key, origin), set()) for key in published}
        is_over = origin in lengths and max(asked) <= last_awaited
        return any(asked & known - rows[key] for key, known in published.items() if rows[key] or not is_over)

    return [origin for origin in origins if is_unscored(origin)]


def revised(scores: pd.DataFrame, series: Mapping[Key, pd.Series]) -> list[str]:
    """The days whose figure is no longer what it was when they were scored, in sentences."""
    of_series = ((key, rows) for key, rows in scores.groupby(LOCATION_TARGET) if key in series)
    return [sentence for key, rows in of_series for sentence in _revised(rows, key, series)]


def _revised(scores: pd.DataFrame, key: Key, series: Mapping[Key, pd.Series]) -> list[str]:
    was = scores.drop_duplicates("target_end_date", keep="last").set_index("target_end_date")["actual"]
    now = pd.Series(series[key].reindex(pd.to_datetime(was.index)).to_numpy(float), index=was.index)
    changed, whose = was[(was - now).abs() > 1e-3], f"{' '.join(key)} " if len(series) > 1 else ""
    changed = changed.sort_index()
    return [f"{whose}{day}: {value:g} when it was scored, {now[day]:g} now" for day, value in changed.items()]


def news(before: pd.DataFrame, after: pd.DataFrame, changed: list[str]) -> dict[str, object]:
    """What a review found out: how many forecasts of a day became known, and what the source has since changed."""
    new = len(after) - len(before)
    through = after["target_end_date"].max() if len(after) else "none"
    count = f"{new} forecasts of a day" if new > 1 else "1 forecast of a day"
    sentence = f"{count} became known, the last of {through}" if new else "nothing new became known"
    earlier = f" and {len(changed) - LATEST} earlier ones" if len(changed) > LATEST else ""
    revisions = f"; revised by the source: {', '.join(changed[-LATEST:])}{earlier}" if changed else ""
    return {"sentence": sentence + revisions, "new": new, "revised": changed}
