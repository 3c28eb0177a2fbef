"""The published table: one row per day and number, in hubverse columns, and the checks it must pass.

``origin_date`` is the day the run stood on, ``target_end_date`` the day forecast, ``horizon`` the days between them,
``output_type`` ``mean`` or ``quantile`` and ``output_type_id`` its level. Values are in the source's unit; of a day
on which the place is shut all are at the floor, and ``open`` is no. Tables of counts always have this column, others
where a day of theirs is shut. Every row names the model and the snapshot it came from, none names the run: the same
inputs give the same bytes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from footfall.errors import DataProblem, listed
from footfall.quantiles import HIGH, LOW, column
from footfall.series import DAY, WEEK
from footfall.units import COUNT, Unit, unit, unit_of

COLUMNS = ["origin_date", "target_end_date", "horizon", "location", "target", "output_type", "output_type_id", "value",
           "model_version", "snapshot"]  # fmt: skip
FAR = 3  # spans of the series' own range beyond which a value is absurd
DIGITS = 5  # of the largest number of counts; percent has two decimals


def tabulate(
    mean: pd.Series, quantiles: pd.DataFrame, levels: list[float], closed: pd.Series | None = None, **facts: str
) -> pd.DataFrame:
    """The forecast table.

    Parameters
    ----------
    mean : Series
        Mean forecast, indexed by day.
    quantiles : DataFrame
        Indexed alike; columns ``q05`` … ``q95``.
    levels : list of float
        The quantiles to publish.
    closed : Series of str, optional
        Why the place is shut on each day, from `footfall.opening.foreseen`; nothing where it is open.
    **facts : str
        ``origin_date``, ``location``, ``target``, ``model_version``, ``snapshot``: the same in every row.

    Returns
    -------
    DataFrame, shape (n_days * (1 + n_levels), 10 or 11)
        Sorted by day; the mean first, then the quantiles.
    """
    names = {column(level): f"{level:g}" for level in levels}
    wide = pd.concat([mean.rename("mean"), quantiles[list(names)].rename(columns=names)], axis=1)
    shut = pd.Series(False, index=mean.index) if closed is None else closed.ne("")
    wide[shut] = unit_of(facts["target"]).floor
    long = wide.rename_axis("target_end_date").reset_index().melt("target_end_date", var_name="output_type_id")
    long["value"] = long["value"].astype(float)
    long["value"] = long["value"].round(_decimals(facts["target"], long["value"])) + 0.0  # no negative nought
    long["output_type"] = np.where(long["output_type_id"] == "mean", "mean", "quantile")
    long["output_type_id"] = long["output_type_id"].where(long["output_type_id"] != "mean", "")
    long = long.assign(**facts, open=long["target_end_date"].map(shut).map({True: "no", False: "yes"}))
    long["horizon"] = (long["target_end_date"] - pd.to_datetime(long["origin_date"])).dt.days
    long["target_end_date"] = long["target_end_date"].dt.strftime("%Y-%m-%d")
    columns = [*COLUMNS, "open"] if facts["target"] == COUNT or shut.any() else COLUMNS
    return long.sort_values(["horizon", "output_type"], kind="stable")[columns].reset_index(drop=True)


def _decimals(target: str, values: pd.Series) -> int:
    """Of every published number: two, or as many as give the largest of a table of counts five digits."""
    largest = values.abs().max()
    return max(0, DIGITS - 1 - int(np.floor(np.log10(largest)))) if target == COUNT and largest > 0 else 2


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


def check(table: pd.DataFrame, y: pd.Series, horizon: int, levels: list[float], total: pd.Series) -> None:
    """Stop a forecast that must not be published.

    It must be complete, finite and in order, of the days after its origin, within what the unit allows, near what the
    series has shown, not the same every day where the series is not, and the sum of its parts.

    Parameters
    ----------
    table : DataFrame, shape (horizon * (1 + n_levels), 10)
        From `tabulate`.
    y : Series
        The series it continues, in the source's unit.
    horizon : int
        Days it must hold.
    levels : list of float
        Quantiles it must hold.
    total : Series
        What the parts of each day add up to, indexed by day, from `footfall.models.contributions.total`.

    Raises
    ------
    DataProblem
        Names every rule that is broken, where it is first and what was seen there.
    """
    wide = _wide(table).reindex(columns=["mean", *map(column, levels)])
    rounded = 0.5 * 10.0 ** -_decimals(str(y.name), table["value"]) * (1 + 1e-3)  # and what adding up loses
    is_open = ~wide.index.strftime("%F").isin(closed_days(table))
    problems = [
        *_of_the_table(table, wide, y, horizon),
        *_of_closed_days(wide[~is_open], unit(y)),
        *_of_the_numbers(wide[is_open], y, total, rounded),
    ]
    if problems:
        raise DataProblem("the forecast may not be published:\n" + listed(problems))


def closed_days(table: pd.DataFrame) -> set[str]:
    """The ISO days on which the place is shut; none of a table that does not say."""
    return set(table.loc[table["open"] == "no", "target_end_date"]) if "open" in table else set()


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """A row per day, columns ``mean`` and ``q05`` …; what is there twice as its mean."""
    names = table["output_type_id"].map(lambda level: column(float(level)) if level else "mean")
    wide = table.assign(name=names).pivot_table("value", "target_end_date", "name", dropna=False)
    return wide.set_axis(pd.DatetimeIndex(wide.index))


def _of_the_table(table: pd.DataFrame, wide: pd.DataFrame, y: pd.Series, horizon: int) -> Iterator[str]:
    first, last, origin = wide.index[0], wide.index[-1], pd.Timestamp(table["origin_date"].iloc[0])
    if len(table) != horizon * wide.shape[1]:
        yield f"{len(table)} rows — {horizon} days of {wide.shape[1]} numbers are needed, each of them once"
    if not wide.index.equals(pd.date_range(origin + DAY, periods=horizon)):
        yield f"{len(wide)} days, {first:%F} to {last:%F} — not the {horizon} days after {origin:%F}"


def _of_closed_days(wide: pd.DataFrame, of: Unit) -> Iterator[str]:
    if (broken := wide[wide.ne(of.floor).any(axis=1)]).size:
        yield f"{broken.index[0]:%F}: {broken.iloc[0, 0]:g} — a closed day is published at {of.floor:g}"


def _of_the_numbers(wide: pd.DataFrame, y: pd.Series, total: pd.Series, rounded: float) -> Iterator[str]:
    floor, span = unit(y).floor, FAR * (y.max() - y.min())
    apart = (total.reindex(wide.index).clip(lower=floor) - wide["mean"]).abs()
    if len(wide) > 2 and np.ptp(wide["mean"]) == 0 and y.tail(4 * WEEK).std() > 0:
        yield f"{wide['mean'].iloc[0]:g} — the same value every day, as the series never had"
    rules = {
        "missing or not finite": ~np.isfinite(wide),
        "quantiles are not in order": wide.drop(columns="mean").diff(axis=1) < 0,
        f"below {floor:g}, which no visit count can reach": wide < floor,
        f"absurd: further from the series than {FAR:g} times its own range":
            (wide > y.max() + span) | (wide < y.min() - span),
        "not what its parts add up to": (~(apart <= rounded) & wide["mean"].notna()).to_frame("mean"),
    }  # fmt: skip
    for rule, mask in rules.items():
        cells = [cell for cell, broken in mask.stack().items() if broken]
        if cells:
            (day, name), more = cells[0], f", and {len(cells) - 1} more" if len(cells) > 1 else ""
            yield f"{day:%F} {name}: {wide.at[day, name]:g} — {rule}{more}"


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
    numbers = _wide(table)[["mean", column(LOW), column(HIGH)]].round(1).set_axis(["expected", "low", "high"], axis=1)
    days = pd.DatetimeIndex(numbers.index, name=None)
    numbers.insert(0, "date", days.strftime("%Y-%m-%d"))
    numbers.insert(1, "weekday", days.day_name())
    return numbers.reset_index(drop=True)
