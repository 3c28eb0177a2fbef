"""The page's figure: the past four weeks running into the coming days, as numbers an SVG is written from."""

from collections.abc import Mapping
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from footfall.page.translations import Language
from footfall.quantiles import COVERAGES, ends
from footfall.series import WEEK
from footfall.units import COUNTS

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 10, 24
PAST = 4 * WEEK
LETTER = 6  # width of one at an axis


def draw(y: pd.Series, days: pd.DataFrame, quantiles: pd.DataFrame, language: Language) -> dict[str, Any]:
    """Where everything stands.

    Parameters
    ----------
    y : Series
        The series as published.
    days : DataFrame
        From `footfall.outlook.outlook`.
    quantiles : DataFrame
        From `footfall.outlook.ranges`, blank on closed days; its ranges of `footfall.quantiles.COVERAGES` are shaded.
    language : Language
        For the dates and numbers, and the sentence that says what the figure shows.

    Returns
    -------
    dict
        SVG paths (``past``, ``coming``, ``usual``, ``shades``), ticks, ``alt``, the figure in words, and ``held``, of
        how many days in ten the shades are made.
    """
    past, covers = y.tail(PAST), [one for one in COVERAGES if set(ends(one)) <= set(quantiles.columns)]
    counts = language.unit == COUNTS.name
    shown = pd.concat([past, quantiles[list(ends(covers[-1]))].stack()]).dropna()
    lowest, highest = (0.0 if counts else float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    ticks = _ticks(lowest, highest, 0.1 if counts else 1)
    levels = [language.level(tick) for tick in ticks]
    left = max(LEFT, LETTER * max(map(len, levels)) + 8)
    when = pd.date_range(past.index[0], days.index[-1])
    x = dict(zip(when, np.linspace(left + 4, WIDTH - RIGHT - 4, len(when)).tolist(), strict=True))
    up = partial(np.interp, xp=[ticks[0], ticks[-1]], fp=[HEIGHT - BOTTOM, TOP])
    return {
        "width": WIDTH, "height": HEIGHT, "left": left, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM, "top": TOP,
        "past": _line(x, past, up), "coming": _line(x, days["mean"], up), "usual": _points(x, days["usual"], up),
        "dots": _points(x, days["mean"], up),
        "shades": [shade for coverage in reversed(covers) if (shade := _shade(x, quantiles, ends(coverage), up))],
        "gap": (round(x[past.index[-1]], 1), round(x[days.index[0]], 1)),
        "held": language.listed([language.say(f"held {10 * coverage:.0f}") for coverage in covers]),
        "levels": [(level, round(float(up(tick)), 1)) for level, tick in zip(levels, ticks, strict=True)],
        "mondays": [(language.dated(day, "short date"), round(x[day], 1)) for day in when if day.dayofweek == 0],
        "alt": _alt(past, days, language),
    }  # fmt: skip


def _alt(past: pd.Series, days: pd.DataFrame, language: Language) -> str:
    """The figure in words; where nothing is known or all is shut, what it would show."""
    if past.isna().all() or days["mean"].isna().all():
        return language.say("figure unit", measure=language.measure)
    extremes = {"lowest": past.min(), "highest": past.max(), "low": days["mean"].min(), "high": days["mean"].max()}
    when = {"first": language.date(past.index[0]), "last": language.date(days.index[-1])}
    numbers = {name: language.level(value) for name, value in extremes.items()}
    return language.say("figure alt", measure=language.measure, **when, **numbers)


def _ticks(lowest: float, highest: float, least: float) -> list[float]:
    """Round levels from below the lowest value to above the highest, at least so far apart, about five of them."""
    steps = (step * 10.0**power for power in range(-1, 16) for step in (1, 2, 2.5, 5) if power > 0 or step != 2.5)
    step = next(step for step in steps if step >= least and (highest - lowest) / step <= 6)
    return list(np.arange(np.floor(lowest / step) * step, highest + step, step))


def _points(x: Mapping[pd.Timestamp, float], values: pd.Series, up: Any) -> list[tuple[float, float]]:
    return [(round(x[day], 1), round(float(up(value)), 1)) for day, value in values.dropna().items()]


def _line(x: Mapping[pd.Timestamp, float], values: pd.Series, up: Any) -> str:
    """A path that lifts its pen where a value is missing; a day between two such is a dot."""
    return "".join(f"M{'L'.join(run)}" + "h0" * (len(run) == 1) for run in _runs(x, values, up))


def _shade(x: Mapping[pd.Timestamp, float], quantiles: pd.DataFrame, pair: tuple[float, float], up: Any) -> str:
    lower, upper = (_runs(x, quantiles[level], up) for level in pair)
    return "".join(
        f"M{'L'.join(above)}L{'L'.join(reversed(below))}Z" for below, above in zip(lower, upper, strict=True)
    )


def _runs(x: Mapping[pd.Timestamp, float], values: pd.Series, up: Any) -> list[list[str]]:
    """Where the values of days without a missing one between them stand."""
    runs = groupby(values.items(), key=lambda item: pd.notna(item[1]))
    return [[f"{x[day]:.1f} {up(value):.1f}" for day, value in run] for is_known, run in runs if is_known]
