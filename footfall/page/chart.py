"""The page's figure: the past four weeks running into the coming days, as numbers an SVG is written from."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from footfall.page.translations import Language, percent
from footfall.quantiles import COVERAGES, ends
from footfall.series import WEEK

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 10, 24
PAST = 4 * WEEK
TICK_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)


def draw(y: pd.Series, days: pd.DataFrame, quantiles: pd.DataFrame, measure: str, language: Language) -> dict[str, Any]:
    """Where everything stands.

    Parameters
    ----------
    y : Series
        The series as published.
    days : DataFrame
        From `footfall.outlook.outlook`.
    quantiles : DataFrame
        From `footfall.outlook.ranges`; the ranges it has of `footfall.quantiles.COVERAGES` are shaded.
    measure : str
        What is counted: ``visits`` or ``hours``.
    language : Language
        For the dates, and the sentence that says what the figure shows.

    Returns
    -------
    dict
        SVG paths (``past``, ``coming``, ``usual``, ``shades``), ticks, ``alt``, the figure in words, and ``held``, of
        how many days in ten the shades are made.
    """
    past, covers = y.tail(PAST), [one for one in COVERAGES if set(ends(one)) <= set(quantiles.columns)]
    widest = quantiles[list(ends(covers[-1]))]
    lowest, highest = min(past.min(), widest.min().min()), max(past.max(), widest.max().max())
    ticks = _ticks(float(lowest), float(highest))
    when = pd.date_range(past.index[0], days.index[-1])
    x = pd.Series(np.interp(np.arange(len(when)), [0, len(when) - 1], [LEFT + 4, WIDTH - RIGHT - 4]), index=when)
    up = partial(np.interp, xp=[ticks[0], ticks[-1]], fp=[HEIGHT - BOTTOM, TOP])
    return {
        "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM, "top": TOP,
        "past": _line(x, past, up), "coming": _line(x, days["mean"], up), "usual": _points(x, days["usual"], up),
        "dots": _points(x, days["mean"], up),
        "shades": [_shade(x, quantiles, ends(coverage), up) for coverage in reversed(covers)],
        "gap": (round(x[past.index[-1]], 1), round(x[days.index[0]], 1)),
        "held": language.listed([language.say(f"held {10 * coverage:.0f}") for coverage in covers]),
        "levels": [(percent(tick), round(float(up(tick)), 1)) for tick in ticks],
        "mondays": [(language.day_and_month(day), round(x[day], 1)) for day in when if day.dayofweek == 0],
        "alt": language.say("figure alt", measure=language.say(measure),
                            first=language.date(past.index[0]), last=language.date(days.index[-1]),
                            lowest=percent(past.min()), highest=percent(past.max()),
                            low=percent(days["mean"].min()), high=percent(days["mean"].max())),
    }  # fmt: skip


def _ticks(lowest: float, highest: float) -> list[float]:
    """Round levels from below the lowest value to above the highest, about five of them."""
    step = next(step for step in TICK_STEPS if (highest - lowest) / step <= 6 or step == TICK_STEPS[-1])
    return list(np.arange(np.floor(lowest / step) * step, highest + step, step))


def _points(x: pd.Series, values: pd.Series, up: Any) -> list[tuple[float, float]]:
    return [(round(x[day], 1), round(float(up(value)), 1)) for day, value in values.items()]


def _line(x: pd.Series, values: pd.Series, up: Any) -> str:
    """A path that lifts its pen where a value is missing."""
    path, drawing = [], False
    for day, value in values.items():
        if not np.isnan(value):
            path.append(f"{'L' if drawing else 'M'}{x[day]:.1f} {up(value):.1f}")
        drawing = not np.isnan(value)
    return "".join(path)


def _shade(x: pd.Series, quantiles: pd.DataFrame, pair: tuple[float, float], up: Any) -> str:
    lower, upper = (_line(x, quantiles[level], up) for level in pair)
    return f"{upper}L{'L'.join(reversed(lower[1:].split('L')))}Z"
