"""The forecast as the owner's page tells it: each day against a usual one, in a word, with its range and reasons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from footfall import events
from footfall.calendar import ORDINARY, country_of, kinds
from footfall.quantiles import HIGH, LOW
from footfall.series import DAY, WEEK
from footfall.typical import NOTICEABLE, chance_above, departure, spread, usual
from footfall.units import unit

# In spreads of ordinary days, within one of which two of three of them lie: from where on a word is used. On Portugal's
# figures of 2022 a tenth of the days are clearly off, and one in a hundred is far.
DEGREES = {0.5: "a little", 2.0: "clearly", 4.0: "far"}
USUAL, UNSURE, PERHAPS, CLOSED, SMALL = "usual", "hard to tell", "perhaps", "closed", DEGREES[0.5]
LEAST_CHANCE = 0.4  # of a usual day, below which it is not called one
PARTS = {"last year's turn": "turn", "learned": "learned"}


def outlook(
    table: pd.DataFrame,
    y: pd.Series,
    parts: pd.DataFrame,
    logarithms: bool,
    closed: pd.Series | None = None,
    owners_events: Sequence[Sequence[str]] = (),
) -> pd.DataFrame:
    """Each forecast day against a usual one of its weekday.

    Parameters
    ----------
    table : DataFrame
        The published table, from `footfall.forecast.tabulate`.
    y : Series
        The series it continues.
    parts : DataFrame
        What each day adds up from, from `footfall.models.contributions.parts`.
    logarithms : bool
        Whether `parts` are logarithms of the level.
    closed : Series of str, optional
        Why the place is shut on each day, from `footfall.opening.foreseen`; nothing where it is open.
    owners_events : sequence of (from, to, what, effect)
        The owner's events, from `footfall.events.among`: days of the past that had one are no usual ones, and coming
        ones have it for a reason.

    Returns
    -------
    DataFrame, indexed by day
        ``usual`` and ``mean`` in the source's unit; ``expected``, ``low`` and ``high`` (80 % range) in per cent of a
        usual day; ``word``, such as ``clearly busier``; ``towards``, ``busier``, ``quieter`` or ``usual``, and
        ``chance``, how likely that is; ``kind`` of day; ``reasons``, the largest first; ``spread`` of ordinary days;
        ``low_value`` and ``high_value``, the 80 % range in the source's unit; ``last_year``, what the same weekday was
        52 weeks before. Of a day that is ``closed``, which says why, there are no numbers, and that is its word.
    """
    days, country = pd.DatetimeIndex(parts.index), country_of(table["location"].iloc[0])
    quantiles = ranges(table)
    ordinary = y.mask(y.index.isin(events.odd_days(owners_events)))
    level, width = usual(ordinary, days, country), spread(ordinary, country)
    mean = table[table["output_type"] == "mean"].set_index("target_end_date")["value"].set_axis(days)
    expected = departure(mean, level, y)
    rows = pd.DataFrame({"usual": level, "mean": mean, "expected": expected, "spread": width})
    rows["low"], rows["high"] = (departure(quantiles[end], level, y) for end in (LOW, HIGH))
    rows["word"] = [_word(day.expected, day.low, day.high, width) for day in rows.itertuples()]
    rows["towards"] = [word.split()[-1] for word in rows["word"]]
    rows["chance"] = _chance(quantiles, level, width, rows["towards"], unit(y).floor)
    rows["word"] = rows["word"].mask((rows["word"] == USUAL) & (rows["chance"] < LEAST_CHANCE), UNSURE)
    rows["kind"] = kinds(days, country)
    shares = _shares(parts, logarithms, mean - unit(y).floor, level - unit(y).floor)
    rows["reasons"] = [
        [*_reasons(shares.loc[day.Index], day), *events.on(day.Index, owners_events)] for day in rows.itertuples()
    ]
    rows["low_value"], rows["high_value"] = quantiles[LOW], quantiles[HIGH]
    rows["last_year"] = y.reindex(days - 52 * WEEK * DAY).to_numpy()
    return _without_closed(rows, pd.Series("", index=days) if closed is None else closed)


def _without_closed(rows: pd.DataFrame, closed: pd.Series) -> pd.DataFrame:
    """Of a day on which the place is shut there is nothing to compare: no number, no chance, no reason."""
    rows, shut = rows.assign(closed=closed), (closed != "").to_numpy()
    numbers = ["usual", "mean", "expected", "low", "high", "chance", "low_value", "high_value", "last_year"]
    rows.loc[shut, numbers] = np.nan
    rows.loc[shut, ["word", "towards"]] = CLOSED
    rows["reasons"] = [
        [] if word == CLOSED else reasons for word, reasons in zip(rows["word"], rows["reasons"], strict=True)
    ]
    return rows


def explained(parts: pd.DataFrame, days: pd.DataFrame) -> list[dict[str, Any]]:
    """Each day's parts, word and reasons as JSON knows them: a record's ``why.json``.

    Parameters
    ----------
    parts : DataFrame
        From `footfall.models.contributions.parts`; kept with four decimals.
    days : DataFrame
        From `outlook`, indexed alike.
    """
    table = parts.round(4).join(days[["word", "reasons"]]).rename_axis("date").reset_index()
    return [dict(row) for row in table.astype({"date": "str"}).to_dict("records")]


def ranges(table: pd.DataFrame) -> pd.DataFrame:
    """The published quantiles, one column per level, indexed by day."""
    wide = table[table["output_type"] == "quantile"].pivot(
        index="target_end_date", columns="output_type_id", values="value"
    )
    wide.columns = wide.columns.astype(float)
    return wide.sort_index(axis=1).set_axis(pd.DatetimeIndex(wide.index))


def towards(mean: float, low: float, high: float, level: float, width: float, y: pd.Series) -> str:
    """What the page says of a day: ``busier``, ``quieter`` or ``usual``.

    Parameters
    ----------
    mean, low, high, level : float
        What is expected, its 80 % range, and the usual level, in the source's unit.
    width : float
        Spread of ordinary days, in per cent of a usual one.
    y : Series
        The series, as published so far.
    """
    value, lowest, highest = (departure(number, level, y) for number in (mean, low, high))
    return _word(value, lowest, highest, width).split()[-1]


def _word(value: float, low: float, high: float, width: float) -> str:
    degree = next((word for spreads, word in reversed(DEGREES.items()) if abs(value) >= spreads * width), "")
    if degree == SMALL and low <= 0 <= high:
        degree = f"{PERHAPS} {degree}"  # a usual day is well within what may happen
    return f"{degree} {'busier' if value > 0 else 'quieter'}" if degree else USUAL


def _chance(quantiles: pd.DataFrame, level: pd.Series, width: float, towards: pd.Series, floor: float) -> pd.Series:
    """That the day ends busier than a usual one, or quieter, or as near to it as two of three ordinary days do."""
    lower, upper = ((level - floor) * (1 + side * width / 100) + floor for side in (-1, 1))
    near = chance_above(quantiles, lower) - chance_above(quantiles, upper)
    above = chance_above(quantiles, level)
    return above.where(towards == "busier", 1 - above).where(towards != USUAL, near)


def _shares(parts: pd.DataFrame, logarithms: bool, mean: pd.Series, level: pd.Series) -> pd.DataFrame:
    """What the calendar, last year's turn and what was learned add, in per cent of a usual day; the rest is trend.

    Mean and level are those above the floor. Of a forecast whose parts are not known nothing is said: the rest would be
    all of it, the calendar's part included.
    """
    lift = 100 * np.log((mean / level).clip(0.01, 100))
    shares = parts.drop(columns=["level", "weekday"], errors="ignore").rename(columns=PARTS)
    shares = shares * 100 if logarithms else shares.div(level / 100, axis=0)
    return shares.assign(trend=lift - shares.sum(axis=1)) if len(shares.columns) else shares


def _reasons(shares: pd.Series, day: Any) -> list[str]:
    """The day's kind if it has one, and what else explains a third or more of its difference from a usual one."""
    others = (shares.drop("kind of day", errors="ignore") * np.sign(day.expected)).sort_values(ascending=False)
    large = others[(others >= NOTICEABLE) & (others >= abs(day.expected) / 3)].index[:2]
    kind = [] if day.kind == ORDINARY else [day.kind]
    return kind + [f"{name} {'up' if day.expected > 0 else 'down'}" for name in large if day.towards != USUAL]
