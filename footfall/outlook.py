"""The forecast as the owner's page tells it: each day against a usual one, in a word, with its range and reasons."""

from typing import Any

import numpy as np
import pandas as pd

from footfall.calendar import ORDINARY, country_of, kinds
from footfall.typical import LEAST, chance_above, departure, spread, usual

# In spreads of ordinary days, within one of which two of three of them lie: from where on a word is used. On Portugal's
# figures of 2022 a tenth of the days are clearly off, and one in a hundred is far.
STEPS = {0.5: "a little", 2.0: "clearly", 4.0: "far"}
USUAL, UNSURE, PERHAPS, SMALL = "usual", "hard to tell", "perhaps", STEPS[0.5]
FAIR = 0.4  # chance of a usual day below which it is not called one
PARTS = {"last year's turn": "turn", "learned": "learned"}


def outlook(table: pd.DataFrame, y: pd.Series, parts: pd.DataFrame, logarithms: bool) -> pd.DataFrame:
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

    Returns
    -------
    DataFrame, indexed by day
        ``usual`` and ``mean`` in the source's unit; ``expected``, ``low`` and ``high`` (80 % range) in per cent of a
        usual day; ``word``, such as ``clearly busier``; ``towards``, ``busier``, ``quieter`` or ``usual``, and
        ``chance``, how likely that is; ``kind`` of day; ``reasons``, the largest first; ``spread`` of ordinary days.
    """
    days, country = pd.DatetimeIndex(parts.index), country_of(table["location"].iloc[0])
    quantiles = ranges(table)
    level, width = usual(y, days, country), spread(y, country)
    mean = table[table["output_type"] == "mean"].set_index("target_end_date")["value"].set_axis(days)
    expected = departure(mean, level)
    found = pd.DataFrame({"usual": level, "mean": mean, "expected": expected, "spread": width})
    found["low"], found["high"] = departure(quantiles[0.1], level), departure(quantiles[0.9], level)
    found["word"] = [_word(day.expected, day.low, day.high, width) for day in found.itertuples()]
    found["towards"] = [word.split()[-1] for word in found["word"]]
    found["chance"] = _chance(quantiles, level, width, found["towards"])
    found["word"] = found["word"].mask((found["word"] == USUAL) & (found["chance"] < FAIR), UNSURE)
    found["kind"] = kinds(days, country)
    shares = _shares(parts, logarithms, mean, level)
    found["reasons"] = [_reasons(shares.loc[day.Index], day) for day in found.itertuples()]
    return found


def ranges(table: pd.DataFrame) -> pd.DataFrame:
    """The published quantiles, one column per level, indexed by day."""
    wide = table[table["output_type"] == "quantile"].pivot(
        index="target_end_date", columns="output_type_id", values="value"
    )
    wide.columns = wide.columns.astype(float)
    return wide.sort_index(axis=1).set_axis(pd.DatetimeIndex(wide.index))


def towards(mean: float, low: float, high: float, level: float, width: float) -> str:
    """What the page says of a day: ``busier``, ``quieter`` or ``usual``.

    Parameters
    ----------
    mean, low, high, level : float
        What is expected, its 80 % range, and the usual level, in the source's unit.
    width : float
        Spread of ordinary days, in per cent of a usual one.
    """
    return _word(departure(mean, level), departure(low, level), departure(high, level), width).split()[-1]


def _word(value: float, low: float, high: float, width: float) -> str:
    size = next((word for step, word in reversed(STEPS.items()) if abs(value) >= step * width), "")
    if size == SMALL and low <= 0 <= high:
        size = f"{PERHAPS} {size}"  # a usual day is well within what may happen
    return f"{size} {'busier' if value > 0 else 'quieter'}" if size else USUAL


def _chance(quantiles: pd.DataFrame, level: pd.Series, width: float, towards: pd.Series) -> pd.Series:
    """That the day ends busier than a usual one, or quieter, or as near to it as two of three ordinary days do."""
    edges = [(100 + level) * (1 + side * width / 100) - 100 for side in (-1, 1)]
    near = chance_above(quantiles, edges[0]) - chance_above(quantiles, edges[1])
    above = chance_above(quantiles, level)
    return above.where(towards == "busier", 1 - above).where(towards != USUAL, near)


def _shares(parts: pd.DataFrame, logarithms: bool, mean: pd.Series, level: pd.Series) -> pd.DataFrame:
    """What the calendar, last year's turn and what was learned add, in per cent of a usual day; the rest is trend.

    Of a forecast whose parts are not known nothing is said: the rest would be all of it, the calendar's part included.
    """
    lift = 100 * np.log(((100 + mean) / (100 + level)).clip(0.01, 100))
    known = parts.drop(columns=["level", "weekday"], errors="ignore").rename(columns=PARTS)
    known = known * 100 if logarithms else known.div((100 + level) / 100, axis=0)
    return known.assign(trend=lift - known.sum(axis=1)) if len(known.columns) else known


def _reasons(shares: pd.Series, day: Any) -> list[str]:
    """The day's kind if it has one, and what else explains a third or more of its difference from a usual one."""
    others = (shares.drop("kind of day", errors="ignore") * np.sign(day.expected)).sort_values(ascending=False)
    large = others[(others >= LEAST) & (others >= abs(day.expected) / 3)].index[:2]
    found = [] if day.kind == ORDINARY else [day.kind]
    return found + [f"{name} {'up' if day.expected > 0 else 'down'}" for name in large if day.towards != USUAL]
