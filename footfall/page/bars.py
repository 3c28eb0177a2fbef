"""The page's bars: where each day's range, dot and usual day stand, in per cent of the width or height there is."""

from typing import NamedTuple

import pandas as pd

from footfall.units import COUNTS, Unit

MARGIN = 1.05


class Bar(NamedTuple):
    """An open day's: ends of the range and of what usual days do, dot and usual day; and its height in the week."""

    span: tuple[float, float]
    near: tuple[float, float]
    dot: float
    usual: float
    height: float


def bars(days: pd.DataFrame, unit: Unit) -> list[Bar | None]:
    """A bar a day, all on one scale; none of a closed day.

    Parameters
    ----------
    days : DataFrame
        From `footfall.outlook.outlook`.
    unit : Unit
        Counts begin at nobody, on the left; per cent are those of a usual day, which is in the middle.
    """
    spread = days["spread"]
    if unit is COUNTS:
        low, high, dot, usual, start = days["low_value"], days["high_value"], days["mean"], days["usual"], 0
        off = usual * spread / 100
        end, tallest = _largest(high, usual + off), _largest(dot)
    else:
        low, high, dot, usual, start = days["low"], days["high"], days["expected"], 0 * spread, 50
        off = spread
        end, tallest = _largest(low.abs(), high.abs(), 2 * off), _largest(dot.abs(), 2 * off)
    width = (100 - start) / (MARGIN * end)
    numbers = (low, high, usual - off, usual + off, dot, usual)
    at = [(start + width * each).clip(lower=0) for each in numbers]
    rows = zip(*at, (100 - start) * dot.abs() / tallest, strict=True)
    return [None if pd.isna(row[4]) else Bar(row[:2], row[2:4], *row[4:]) for row in rows]


def _largest(*numbers: pd.Series) -> float:
    """The largest of some numbers; 1 where none is above nought, so that it divides."""
    largest = pd.concat(numbers).max()
    return float(largest) if largest > 0 else 1.0
