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
Events = Sequence[Sequence[str]]  # (from, to, what, effect) each
PARTS = {"last year's turn": "turn", "learned": "learned"}
TOLD = ("kind of day", "event")  # parts whose reasons have words of their own


def outlook(
    table: pd.DataFrame,
    y: pd.DataFrame,
    parts: dict[str, np.ndarray],
    logarithms: bool,
    closed: Sequence[pd.Series],
    owners_events: Sequence[Events],
) -> list[pd.DataFrame]:
    """Each forecast day of a batch against a usual one of its weekday.

    Parameters
    ----------
    table : DataFrame
        The published table, from `footfall.forecast.tabulate`.
    y : DataFrame
        The series it continues, days × series, columns (location, category).
    parts : dict of str to ndarray, shape (n_days, n_series)
        What each day adds up from, from `footfall.models.contributions.parts`.
    logarithms : bool
        Whether `parts` are logarithms of the level.
    closed : sequence of Series
        Of each series, why its place is shut on each day, from `footfall.opening.foreseen`.
    owners_events : sequence of sequences of (from, to, what, effect)
        Of each, its owner's events, from `footfall.events.among`: days of the past that had one are no usual ones, and
        coming ones have it for a reason.

    Returns
    -------
    list of DataFrame, indexed by day
        Of each series ``usual`` and ``mean`` in the source's unit; ``expected``, ``low`` and ``high`` (80 % range) in
        per cent of a usual day; ``word``, such as ``clearly busier``; ``towards``, ``busier``, ``quieter`` or
        ``usual``, and ``chance``, how likely that is; ``kind`` of day; ``reasons``, the largest first; ``spread`` of
        ordinary days; ``low_value`` and ``high_value``, the 80 % range in the source's unit; ``last_year``, what the
        same weekday was 52 weeks before. Of a day that is ``closed``, which says why, there are no numbers, and that
        is its word.
    """
    days, country, floor = closed[0].index, country_of(y.columns[0][0]), unit(y).floor
    ordinary = y.copy()
    for key, told in zip(y, owners_events, strict=True):
        if told:
            ordinary[key] = y[key].mask(y.index.isin(events.odd_days(told)))
    numbers = table["value"].to_numpy(float).reshape(y.shape[1], len(days), -1).transpose(1, 2, 0)
    levels = table["output_type_id"].to_numpy()[1 : numbers.shape[1]].astype(float)
    mean, quantiles = numbers[:, 0], numbers[:, 1:]
    low, high = (quantiles[:, list(levels).index(end)] for end in (LOW, HIGH))
    level, width = usual(ordinary, days, country).to_numpy(), spread(ordinary, country)
    expected, lowest, highest = (departure(value, level, y) for value in (mean, low, high))
    chances = _chances(levels, quantiles, level, width, floor)
    shares = _shares(parts, logarithms, mean - floor, level - floor)
    kind, last_year = kinds(days, country), y.reindex(days - 52 * WEEK * DAY).to_numpy()
    tables = []
    for at, (why, told) in enumerate(zip(closed, owners_events, strict=True)):
        of = (slice(None), at)
        words = [_word(*day, width[at]) for day in zip(expected[of], lowest[of], highest[of], strict=True)]
        towards = [word.split()[-1] for word in words]
        chance = np.array([chances[side][day, at] for day, side in enumerate(towards)])
        own = {name: values[of] for name, values in shares.items()}
        reasons = [
            [*_reasons(own, number, expected[number, at], towards[number], kind.iloc[number]), *events.on(day, told)]
            for number, day in enumerate(days)
        ]
        words = [UNSURE if word == USUAL and sure < LEAST_CHANCE else word
                 for word, sure in zip(words, chance, strict=True)]  # fmt: skip
        columns = {
            "usual": level[of], "mean": mean[of], "expected": expected[of], "spread": width[at], "low": lowest[of],
            "high": highest[of], "word": words, "towards": towards, "chance": chance, "kind": kind.to_numpy(),
            "reasons": reasons, "low_value": low[of], "high_value": high[of], "last_year": last_year[of],
            "closed": why.to_numpy(),
        }  # fmt: skip
        tables.append(pd.DataFrame(_without_closed(columns), index=days))
    return tables


def _without_closed(columns: dict[str, Any]) -> dict[str, Any]:
    """Of a day on which the place is shut there is nothing to compare: no number, no chance, no reason."""
    shut = columns["closed"] != ""
    if not shut.any():
        return columns
    numbers = ["usual", "mean", "expected", "low", "high", "chance", "low_value", "high_value", "last_year"]
    blank = {name: np.where(shut, np.nan, columns[name]) for name in numbers}
    words = {name: np.where(shut, CLOSED, columns[name]).tolist() for name in ("word", "towards")}
    reasons = [[] if closed else reasons for closed, reasons in zip(shut, columns["reasons"], strict=True)]
    return columns | blank | words | {"reasons": reasons}


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


def _chances(
    levels: np.ndarray, quantiles: np.ndarray, level: np.ndarray, width: np.ndarray, floor: float
) -> dict[str, np.ndarray]:
    """That each day ends busier than a usual one, or quieter, or as near to it as two of three ordinary days do."""
    lower, upper = ((level - floor) * (1 + side * width / 100) + floor for side in (-1, 1))
    near = chance_above(levels, quantiles, lower) - chance_above(levels, quantiles, upper)
    above = chance_above(levels, quantiles, level)
    return {"busier": above, "quieter": 1 - above, USUAL: near}


def _shares(
    parts: dict[str, np.ndarray], logarithms: bool, mean: np.ndarray, level: np.ndarray
) -> dict[str, np.ndarray]:
    """What the calendar, last year's turn and what was learned add, in per cent of a usual day; the rest is trend.

    Mean and level are those above the floor. Of a forecast whose parts are not known nothing is said: the rest would be
    all of it, the calendar's part included.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = 100 * np.log(np.clip(mean / level, 0.01, 100))
        shares = {
            PARTS.get(name, name): values * 100 if logarithms else values / (level / 100)
            for name, values in parts.items()
            if name not in ("level", "weekday")
        }
    return shares | {"trend": lift - sum(shares.values())} if shares else {}


def _reasons(shares: dict[str, np.ndarray], at: int, expected: float, towards: str, kind: str) -> list[str]:
    """The day's kind if it has one, and what else explains a third or more of its difference from a usual one.

    An event says itself what it is.
    """
    others = {name: values[at] * np.sign(expected) for name, values in shares.items() if name not in TOLD}
    large = [name for name, share in others.items() if share >= NOTICEABLE and share >= abs(expected) / 3]
    large.sort(key=lambda name: -others[name])
    named = [f"{name} {'up' if expected > 0 else 'down'}" for name in large[:2] if towards != USUAL]
    return [*([] if kind == ORDINARY else [kind]), *named]
