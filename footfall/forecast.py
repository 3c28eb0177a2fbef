"""The published table: one row per day and number, in hubverse columns, and the checks it must pass.

``origin_date`` is the day the run stood on, ``target_end_date`` the day forecast, ``horizon`` the days between them,
``output_type`` ``mean`` or ``quantile`` and ``output_type_id`` its level. Values are in the source's unit; of a day
on which the place is shut all are at the floor, and ``open`` is no. Tables of counts always have this column, others
where a day of theirs is shut. Every row names the model and the snapshot it came from, none names the run: the same
inputs give the same bytes.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet as pq

from footfall.errors import DataProblem, listed
from footfall.quantiles import HIGH, LOW, column
from footfall.selection import Key
from footfall.series import DAY, WEEK
from footfall.units import COUNT, unit, unit_of

COLUMNS = ["origin_date", "target_end_date", "horizon", "location", "target", "output_type", "output_type_id", "value",
           "model_version", "snapshot"]  # fmt: skip
FAR = 3  # spans of the series' own range beyond which a value is absurd
EXTREMES = ((np.min, np.inf), (np.max, -np.inf))
ISO = "%Y-%m-%d"
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
        The series they are of.
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
    floor = np.array([unit_of(category).floor for _, category in keys])
    counted = np.array([category == COUNT for _, category in keys])
    numbers = np.where(shut[..., None], floor[:, None, None], numbers)
    each = numbers.shape[2]
    series, day, number = (at.ravel() for at in np.indices(numbers.shape))
    ahead = (days - pd.Timestamp(facts["origin_date"])).days.to_numpy()
    columns = {
        "target_end_date": _words([*days.strftime(ISO)], day),
        "horizon": ahead[day],
        "location": _words([location for location, _ in keys], series),
        "target": _words([category for _, category in keys], series),
        "output_type": _words(["mean", "quantile"], np.minimum(number, 1)),
        "output_type_id": _words(["", *(f"{level:g}" for level in levels)], number),
        "value": _rounded(numbers, counted).ravel(),
        "open": _words(["yes", "no"], shut.astype(int).ravel().repeat(each)),
    }
    table = pd.DataFrame(columns).assign(**facts)
    return table[[*COLUMNS, "open"] if counted.any() or shut.any() else COLUMNS]


def _words(words: list[str], at: np.ndarray) -> Any:
    """A column of words of which there are few."""
    return pd.array(words, dtype="str").take(at)


def _rounded(numbers: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """As they are published, without a negative nought; shape (n_series, ...)."""
    rounded, decimals = np.empty_like(numbers), _decimals(numbers, counted)
    for places in np.unique(decimals):
        some = decimals == places
        rounded[some] = np.round(numbers[some], places) + 0.0
    return rounded


def _decimals(numbers: np.ndarray, counted: np.ndarray | bool) -> np.ndarray:
    """Of each series: two, or as many as give the largest of a series of counts five digits."""
    sizes = np.abs(numbers).reshape(len(numbers), -1)
    largest = np.max(sizes, axis=1, where=~np.isnan(sizes), initial=0.0)
    counted = counted & (largest > 0)
    digits = np.floor(np.log10(np.where(counted, largest, 1.0)))
    return np.where(counted, np.maximum(0, DIGITS - 1 - digits), 2).astype(int)


def check_champion(
    about: dict[str, Any], location: str, category: str, many: bool, through: pd.Timestamp, horizon: int, lag: int
) -> None:
    """Stop a champion that must not speak of a market.

    Parameters
    ----------
    about : dict
        What `footfall.champion.read_champion` says of it: ``location, category, series, horizon, lag, data_through``.
    location, category : str
        The market's.
    many : bool
        Whether the market is one of several series.
    through : Timestamp
        The last day visible.
    horizon, lag : int
        Days to forecast, and days between a day and its publication.

    Raises
    ------
    DataProblem
        If it is of another market, of one series where there are several or the other way round, for a shorter horizon
        or another lag, or knows days that are still to come.
    """
    trained_for, asked_for = (("one series", "several series")[each] for each in (bool(about.get("series")), many))
    trained, asked = f"{about['location']} {about['category']}", f"{location} {category}"
    rules = {
        f"it was trained on {trained}; {asked} needs a market of its own": trained != asked,
        f"it was trained on {trained_for}, and the market is of {asked_for} now; train first":
            trained_for != asked_for and trained == asked,
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
    names, floor = ["mean", *map(column, levels)], unit(y).floor
    days = pd.date_range(pd.Timestamp(table["origin_date"].iloc[0]) + DAY, periods=horizon)
    series, numbers, held, shut = _on_grid(table, y.columns, days, levels)
    rows, mean, is_open = np.bincount(series, minlength=len(numbers)), numbers[..., 0], held & ~shut
    incomplete = (rows != len(days) * len(names)) | ~held.all(axis=1)
    amiss, stuck = shut & (numbers != floor).any(axis=2), _are_stuck(mean, is_open, y)
    rules = _rules(numbers, is_open, y, total.T)
    against_a_rule, broken = np.any([mask.any(axis=(1, 2)) for mask in rules.values()], axis=0), {}
    for at in np.flatnonzero(incomplete | amiss.any(axis=1) | stuck | against_a_rule):
        first_amiss, stuck_at = np.flatnonzero(amiss[at])[:1], mean[at, is_open[at]][: int(stuck[at])]
        broken[y.columns[at]] = [
            *(_of_the_days(table[series == at], days, len(names)) if incomplete[at] else ()),
            *(f"{days[day]:%F}: {mean[at, day]:g} — a closed day is published at {floor:g}" for day in first_amiss),
            *(f"{same:g} — the same value every day, as the series never had" for same in stuck_at),
            *_of_the_numbers(days, names, numbers[at], {rule: mask[at] for rule, mask in rules.items()}),
        ]
    return broken


def _on_grid(
    table: pd.DataFrame, keys: pd.MultiIndex, days: pd.DatetimeIndex, levels: list[float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which series each row is of; its numbers, (n_series, n_days, 1 + n_levels), and which days it has and is shut on.

    Of what is there twice the last counts; other days than those are left out.
    """
    ids = pd.Index(["", *(f"{level:g}" for level in levels)])
    series = keys.get_indexer(pd.MultiIndex.from_frame(table[["location", "target"]]))
    day, number = days.strftime(ISO).get_indexer(table["target_end_date"]), ids.get_indexer(table["output_type_id"])
    at = np.stack([series, day, number])
    inside = (at >= 0).all(axis=0)
    at, numbers = at[:, inside], np.full((len(keys), len(days), len(ids)), np.nan)
    numbers[*at] = table["value"].to_numpy(float)[inside]
    held, shut = np.zeros((2, *numbers.shape[:2]), bool)
    held[*at[:2]] = True
    if "open" in table:
        shut[*at[:2, (table["open"] == "no").to_numpy()[inside]]] = True
    return series, numbers, held, shut


def _are_stuck(mean: np.ndarray, is_open: np.ndarray, y: pd.DataFrame) -> np.ndarray:
    """Whether the same is expected of all open days, of more than two weekdays, of a series that had no such week.

    Of one weekday a model that holds the level expects the same each week, and a naive repeats a week that was so.
    """
    least, most = (extreme(mean, axis=1, where=is_open, initial=end) for extreme, end in EXTREMES)
    weekdays = np.sum([is_open[:, day::WEEK].any(axis=1) for day in range(WEEK)], axis=0)
    lately = y.iloc[-4 * WEEK :]
    whole = lately[len(lately) % WEEK :]
    weeks = whole.groupby(np.arange(len(whole)) // WEEK)
    had_such = weeks.max().eq(weeks.min()) & weeks.count().gt(2)
    moves = lately.max().gt(lately.min()) & ~had_such.any()
    return np.asarray((weekdays > 2) & (least == most) & moves.to_numpy())


def _of_the_days(rows: pd.DataFrame, days: pd.DatetimeIndex, each: int) -> Iterator[str]:
    if len(rows) != len(days) * each:
        yield f"{len(rows)} rows — {len(days)} days of {each} numbers are needed, each of them once"
    held = pd.DatetimeIndex(sorted(rows["target_end_date"].unique()))
    if not held.equals(days):
        origin = days[0] - DAY
        yield f"{len(held)} days, {held[0]:%F} to {held[-1]:%F} — not the {len(days)} days after {origin:%F}"


def _rules(numbers: np.ndarray, is_open: np.ndarray, y: pd.DataFrame, total: np.ndarray) -> dict[str, np.ndarray]:
    """Which numbers of open days break which rule, each of the shape of `numbers`."""
    floor, mean, series = unit(y).floor, numbers[..., 0], y.to_numpy(float)
    low, high = (extreme(series, axis=0)[:, None, None] for extreme in (np.nanmin, np.nanmax))
    span, is_mean = FAR * (high - low), np.arange(numbers.shape[2]) == 0
    decimals = _decimals(numbers, y.columns[0][1] == COUNT)
    rounded = 0.5 * 10.0 ** -decimals[:, None] * (1 + 1e-3)  # and what adding up loses
    apart = ~(np.abs(np.maximum(total, floor) - mean) <= rounded) & ~np.isnan(mean)
    falls = np.diff(numbers, axis=2, prepend=np.nan) < 0
    rules = {
        "missing or not finite": ~np.isfinite(numbers),
        "quantiles are not in order": falls & (np.arange(numbers.shape[2]) > 1),
        f"below {floor:g}, which no visit count can reach": numbers < floor,
        f"absurd: further from the series than {FAR:g} times its own range":
            (numbers > high + span) | (numbers < low - span),
        "not what its parts add up to": apart[..., None] & is_mean,
    }  # fmt: skip
    return {rule: mask & is_open[..., None] for rule, mask in rules.items()}


def _of_the_numbers(
    days: pd.DatetimeIndex, names: list[str], numbers: np.ndarray, rules: dict[str, np.ndarray]
) -> Iterator[str]:
    """Of one series, `numbers` and each mask of shape (n_days, n_names)."""
    for rule, mask in rules.items():
        if mask.any():
            (day, name), count = np.argwhere(mask)[0], int(mask.sum())
            more = f", and {count - 1} more" if count > 1 else ""
            yield f"{days[day]:%F} {names[name]}: {numbers[day, name]:g} — {rule}{more}"


def write_forecast(tables: Iterable[pd.DataFrame], out: str | Path) -> None:
    """Write the table to ``<out>/forecast/`` as Parquet and as CSV, the same rows.

    Parameters
    ----------
    tables : iterable of DataFrame
        The rows of some series after the other, see `footfall.forecasting.MarketForecast.tables`; not empty.
    out : str or Path
        The notebook's folder.
    """
    folder, tables = Path(out) / "forecast", iter(tables)
    folder.mkdir(parents=True, exist_ok=True)
    first = next(tables)
    schema = pa.Table.from_pandas(first, preserve_index=False).schema
    with pq.ParquetWriter(folder / "forecast.parquet", schema) as parquet, (folder / "forecast.csv").open("wb") as text:
        text.write(_header(first))
        for table in chain([first], tables):
            parquet.write_table(pa.Table.from_pandas(table, schema, preserve_index=False))
            text.write(_lines(table))


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as `DataFrame.to_csv` does, to the same bytes, in a tenth of its time."""
    path.write_bytes(_header(table) + _lines(table))


def _header(table: pd.DataFrame) -> bytes:
    return f"{','.join(table.columns)}\n".encode()


def _lines(table: pd.DataFrame) -> bytes:
    """Each number and word is written once."""
    columns = [_texts(table[name]) for name in table]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*columns, ","), "", "\n")
    return bytes(memoryview(lines.buffers()[2])[: pc.sum(pc.binary_length(lines)).as_py()])


def _texts(values: pd.Series) -> pa.Array:
    """A column as a CSV file has it, in quotes where need be."""
    at, unique = pd.factorize(values, use_na_sentinel=False)
    words: list[str] = []
    writer = csv.writer(SimpleNamespace(write=words.append), lineterminator="\n")
    writer.writerows(["" if pd.isna(value) else value, ""] for value in unique.tolist())
    return pa.array([word.removesuffix(",\n") for word in words], pa.string()).take(pa.array(at))


def read_forecast(out: str | Path) -> pd.DataFrame:
    """The table that `write_forecast` wrote."""
    return pd.read_parquet(Path(out) / "forecast" / "forecast.parquet")


def week(table: pd.DataFrame) -> pd.DataFrame:
    """The forecast as people read it: one row per day with its weekday, what is expected, and the 80 % range.

    Returns
    -------
    DataFrame, shape (n_days, 5)
        ``date`` as ISO day, ``weekday``; ``expected``, ``low`` and ``high`` in the source's unit.
    """
    numbers = table.pivot(index="target_end_date", columns="output_type_id", values="value")
    numbers = numbers[["", f"{LOW:g}", f"{HIGH:g}"]].set_axis(["expected", "low", "high"], axis=1)
    days = pd.DatetimeIndex(numbers.index, name=None)
    numbers.insert(0, "date", days.strftime("%Y-%m-%d"))
    numbers.insert(1, "weekday", days.day_name())
    return numbers.reset_index(drop=True)
