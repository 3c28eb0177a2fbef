"""The page's bars: where each day's range, dot and usual day stand, in per cent of the width or height there is."""

from typing import Any, NamedTuple

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
    draw = _counted(days) if unit is COUNTS else _compared(days)
    return [None if pd.isna(day.mean) else draw(day) for day in days.itertuples()]


def _counted(days: pd.DataFrame) -> Any:
    end = MARGIN * _largest(days["high_value"], days["usual"] * (1 + days["spread"] / 100))
    tallest = _largest(days["mean"])

    def draw(day: Any) -> Bar:
        low, high, dot, usual = (100 * value / end for value in (day.low_value, day.high_value, day.mean, day.usual))
        off = usual * day.spread / 100
        return Bar((low, high), (max(0, usual - off), usual + off), dot, usual, 100 * day.mean / tallest)

    return draw


def _compared(days: pd.DataFrame) -> Any:
    half = MARGIN * _largest(days["low"].abs(), days["high"].abs(), 2 * days["spread"])
    tallest = _largest(days["expected"].abs(), 2 * days["spread"])

    def draw(day: Any) -> Bar:
        low, high, dot, off = (50 * value / half for value in (day.low, day.high, day.expected, day.spread))
        return Bar((50 + low, 50 + high), (50 - off, 50 + off), 50 + dot, 50, 50 * abs(day.expected) / tallest)

    return draw


def _largest(*numbers: pd.Series) -> float:
    """The largest of some numbers; 1 where none is above nought, so that it divides."""
    largest = pd.concat(numbers).max()
    return float(largest) if largest > 0 else 1.0
