"""The published table: one row per day and number, in hubverse columns, and the checks it must pass.

``origin_date`` is the day the run stood on, ``target_end_date`` the day forecast, ``horizon`` the days between them,
``output_type`` ``mean`` or ``quantile`` and ``output_type_id`` its level. Values are in the source's unit; of a day
on which the place is shut all are at the floor, and ``open`` is no. Tables of counts always have this column, others
where a day of theirs is shut. Every row names the model and the snapshot it came from, none names the run: the same
inputs give the same bytes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from footfall.errors import DataProblem, listed
from footfall.quantiles import HIGH, LOW, column
from footfall.selection import Key
from footfall.series import DAY, WEEK
from footfall.units import COUNT, unit_of

COLUMNS = ["origin_date", "target_end_date", "horizon", "location", "target", "output_type", "output_type_id", "value",
           "model_version", "snapshot"]  # fmt: skip
KEYS = ["location", "target", "target_end_date"]
FAR = 3  # spans of the series' own range beyond which a value is absurd
DIGITS = 5  # of the largest number of counts; percent has two decimals


def tabulate(
    numbers: np.ndarray,
    days: pd.DatetimeIndex,
    keys: Sequence[Key],
    levels: list[float],
    shut: np.ndarray,
    **facts: str,
) -> pd.DataFrame:
    """The forecast table of a batch.

    Parameters
    ----------
    numbers : ndarray, shape (n_series, n_days, 1 + n_levels)
        The mean of each day, and its quantiles.
    days : DatetimeIndex
        The days they are of.
    keys : sequence of Key
        The series they are of, all of one unit.
    levels : list of float
        The quantiles to publish.
    shut : ndarray of bool, shape (n_series, n_days)
        Whether the place is shut.
    **facts : str
        ``origin_date``, ``model_version``, ``snapshot``: the same in every row.

    Returns
    -------
    DataFrame, shape (n_series * n_days * (1 + n_levels), 10 or 11)
        Sorted by series, as they are given, and day; the mean first, then the quantiles.
    """
    target = keys[0][1]
    numbers = np.where(shut[..., None], unit_of(target).floor, numbers)
    count, horizon, each = numbers.shape
    per_day, per_series = np.tile([*range(each)], count * horizon), np.arange(count).repeat(horizon * each)
    ids = np.array(["", *(f"{level:g}" for level in levels)], dtype=object)
    ahead = (days - pd.Timestamp(facts["origin_date"])).days.to_numpy()
    columns = {
        "target_end_date": np.tile(days.strftime("%Y-%m-%d").to_numpy(object).repeat(each), count),
        "horizon": np.tile(ahead.repeat(each), count),
        "location": np.array([location for location, _ in keys], dtype=object)[per_series],
        "target": np.array([category for _, category in keys], dtype=object)[per_series],
        "output_type": np.where(per_day == 0, "mean", "quantile"),
        "output_type_id": ids[per_day],
        "value": _rounded(numbers, target).ravel(),
        "open": np.where(shut, "no", "yes").ravel().repeat(each),
    }
    table = pd.DataFrame(columns).assign(**facts)
    return table[[*COLUMNS, "open"] if target == COUNT or shut.any() else COLUMNS]


def _rounded(numbers: np.ndarray, target: str) -> np.ndarray:
    """As they are published, without a negative nought; shape (n_series, ...)."""
    rounded, decimals = np.empty_like(numbers), _decimals(numbers, target)
    for places in np.unique(decimals):
        some = decimals == places
        rounded[some] = np.round(numbers[some], places) + 0.0
    return rounded


def _decimals(numbers: np.ndarray, target: str) -> np.ndarray:
    """Of each series: two, or as many as give the largest of a series of counts five digits."""
    largest = np.fmax.reduce(np.abs(numbers).reshape(len(numbers), -1), axis=1, initial=0.0)
    counted = (target == COUNT) & (largest > 0)
    digits = np.floor(np.log10(np.where(counted, largest, 1.0)))
    return np.where(counted, np.maximum(0, DIGITS - 1 - digits), 2).astype(int)


def check_champion(
    about: dict[str, Any], location: str, category: str, through: pd.Timestamp, horizon: int, lag: int
) -> None:
    """Stop a champion that must not speak of a market.

    Parameters
    ----------
    about : dict
        What `footfall.champion.read_champion` says of it: ``location, category, horizon, lag, data_through``.
    location, category : str
        The market's.
    through : Timestamp
        The last day visible.
    horizon, lag : int
        Days to forecast, and days between a day and its publication.

    Raises
    ------
    DataProblem
        If it is of another market, for a shorter horizon or another lag, or knows days that are still to come.
    """
    trained, asked = f"{about['location']} {about['category']}", f"{location} {category}"
    rules = {
        f"it was trained on {trained}; {asked} needs a market of its own": trained != asked,
        f"it was trained for {about['horizon']} days ahead of figures {about['lag']} days late; train with this lag "
        "and horizon first": horizon > about["horizon"] or lag != about["lag"],
        f"it knows {about['data_through']}, which was still to come; train as of this day first":
            about["data_through"] > f"{through:%F}",
    }  # fmt: skip
    if broken := [rule for rule, holds in rules.items() if holds]:
        raise DataProblem("the champion may not speak here:\n" + listed(broken))


def objections(
    table: pd.DataFrame, y: pd.DataFrame, horizon: int, levels: list[float], total: np.ndarray
) -> dict[Key, list[str]]:
    """What speaks against publishing each forecast of a batch; a series without objections is left out.

    A forecast must be complete, finite and in order, of the days after its origin, within what the unit allows, near
    what the series has shown, not the same every day where the series is not, and the sum of its parts.

    Parameters
    ----------
    table : DataFrame, shape (n_series * horizon * (1 + n_levels), 10 or 11)
        From `tabulate`.
    y : DataFrame
        The series that it continues, days × series, columns (location, category), in the source's unit.
    horizon : int
        Days of each that it must hold.
    levels : list of float
        Quantiles it must hold.
    total : ndarray, shape (horizon, n_series)
        What the parts of each day add up to, from `footfall.models.contributions.total`.

    Returns
    -------
    dict of Key to list of str
        Every rule that is broken, where it is first and what was seen there.
    """
    names = ["mean", *map(column, levels)]
    wide, rows = _wide(table).reindex(columns=names), table.groupby(["location", "target"]).size()
    days = pd.date_range(pd.Timestamp(table["origin_date"].iloc[0]) + DAY, periods=horizon)
    at = wide.groupby(level=["location", "target"], sort=False).indices
    values, shut = wide.to_numpy(float), np.asarray(wide.index.isin(closed_days(table)))
    held, broken = pd.DatetimeIndex(wide.index.get_level_values("target_end_date")), {}
    for number, (key, own) in enumerate(y.items()):
        days_held, is_open = held[at[key]], ~shut[at[key]]
        due = days.get_indexer(days_held[is_open])
        parts = np.where(due >= 0, total[due, number], np.nan)
        broken[key] = [
            *_of_the_days(days_held, days, int(rows[key]), len(names)),
            *_of_closed_days(days_held[~is_open], values[at[key]][~is_open], unit_of(key[1]).floor),
            *_of_the_numbers(days_held[is_open], names, values[at[key]][is_open], own.to_numpy(float), parts, key[1]),
        ]
    return {key: problems for key, problems in broken.items() if problems}


def closed_days(table: pd.DataFrame) -> pd.MultiIndex:
    """Location, target and ISO day of those on which a place is shut; none of a table that does not say."""
    shut = table[table["open"] == "no"] if "open" in table else table[:0]
    return pd.MultiIndex.from_frame(shut[KEYS])


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """A row per series and day, columns ``mean`` and ``q05`` …; what is there twice as its mean."""
    levels = {level: column(float(level)) if level else "mean" for level in table["output_type_id"].unique()}
    names = table["output_type_id"].map(levels).rename("name")
    return table["value"].groupby([*(table[name] for name in KEYS), names], sort=True).mean().unstack("name")


def _of_the_days(held: pd.DatetimeIndex, days: pd.DatetimeIndex, rows: int, each: int) -> Iterator[str]:
    if rows != len(days) * each:
        yield f"{rows} rows — {len(days)} days of {each} numbers are needed, each of them once"
    if not held.equals(days):
        origin = days[0] - DAY
        yield f"{len(held)} days, {held[0]:%F} to {held[-1]:%F} — not the {len(days)} days after {origin:%F}"


def _of_closed_days(days: pd.DatetimeIndex, numbers: np.ndarray, floor: float) -> Iterator[str]:
    if len(broken := days[(numbers != floor).any(axis=1)]):
        seen = numbers[days.get_loc(broken[0]), 0]
        yield f"{broken[0]:%F}: {seen:g} — a closed day is published at {floor:g}"


def _of_the_numbers(
    days: pd.DatetimeIndex, names: list[str], numbers: np.ndarray, y: np.ndarray, total: np.ndarray, target: str
) -> Iterator[str]:
    """Of the open days of one series, `numbers` of shape (n_days, n_names)."""
    floor, mean, low, high = unit_of(target).floor, numbers[:, 0], np.nanmin(y), np.nanmax(y)
    span, last = FAR * (high - low), y[-4 * WEEK :]
    rounded = 0.5 * 10.0 ** -_decimals(numbers[None], target)[0] * (1 + 1e-3)  # and what adding up loses
    apart = ~(np.abs(np.maximum(total, floor) - mean) <= rounded) & ~np.isnan(mean)
    if len(days) > 2 and np.ptp(mean) == 0 and np.nanstd(last) > 0:
        yield f"{mean[0]:g} — the same value every day, as the series never had"
    rules = {
        "missing or not finite": ~np.isfinite(numbers),
        "quantiles are not in order": np.diff(numbers, axis=1, prepend=np.nan) * (np.arange(len(names)) > 1) < 0,
        f"below {floor:g}, which no visit count can reach": numbers < floor,
        f"absurd: further from the series than {FAR:g} times its own range":
            (numbers > high + span) | (numbers < low - span),
        "not what its parts add up to": apart[:, None] & (np.arange(len(names)) == 0),
    }  # fmt: skip
    for rule, mask in rules.items():
        if mask.any():
            (day, name), count = np.argwhere(mask)[0], int(mask.sum())
            more = f", and {count - 1} more" if count > 1 else ""
            yield f"{days[day]:%F} {names[name]}: {numbers[day, name]:g} — {rule}{more}"


def write_forecast(table: pd.DataFrame, out: str | Path) -> None:
    """Write the table to ``<out>/forecast/`` as Parquet and as CSV, the same rows."""
    folder = Path(out) / "forecast"
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "forecast.parquet", index=False)
    table.to_csv(folder / "forecast.csv", index=False, lineterminator="\n")


def read_forecast(out: str | Path) -> pd.DataFrame:
    """The table that `write_forecast` wrote."""
    return pd.read_parquet(Path(out) / "forecast" / "forecast.parquet")


def week(table: pd.DataFrame) -> pd.DataFrame:
    """The forecast as people read it: one row per day with its weekday, what is expected, and the 80 % range.

    Returns
    -------
    DataFrame, shape (n_days, 5)
        ``date`` as ISO day, ``weekday``; ``expected``, ``low`` and ``high`` in the source's unit, one decimal.
    """
    numbers = _wide(table).droplevel(["location", "target"])[["mean", column(LOW), column(HIGH)]].round(1)
    numbers = numbers.set_axis(["expected", "low", "high"], axis=1)
    days = pd.DatetimeIndex(numbers.index, name=None)
    numbers.insert(0, "date", days.strftime("%Y-%m-%d"))
    numbers.insert(1, "weekday", days.day_name())
    return numbers.reset_index(drop=True)
