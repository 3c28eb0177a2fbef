"""The forecast as the owner's page tells it: each day against a usual one, in a word, with its range and reasons."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from footfall import events
from footfall.calendar import KINDS, ORDINARY, Countries, Country, country_of, known_ahead, special
from footfall.opening import Events
from footfall.quantiles import HIGH, LOW
from footfall.series import DAY, WEEK
from footfall.typical import NOTICEABLE, chance_above, departure, noticeable, on_ordinary_days, spread, usual, whole
from footfall.units import unit

# In spreads of ordinary days, within one of which two of three of them lie: from where on a word is used. On Portugal's
# figures of 2022 a tenth of the days are clearly off, and one in a hundred is far.
DEGREES = {0.5: "a little", 2.0: "clearly", 4.0: "far"}
USUAL, UNSURE, PERHAPS, CLOSED, SMALL = "usual", "hard to tell", "perhaps", "closed", DEGREES[0.5]
TOWARDS = ("busier", "quieter", USUAL)
MEDIAN = 0.5  # the level whose side of a usual day is said: the mean may be pulled there by what is hardly likely
LEAST_CHANCE = 0.4  # of a usual day, below which it is not called one
PARTS = {"last year's turn": "turn", "learned": "learned"}
WITH_OWN_REASONS = ("kind of day", "event")  # parts that say themselves why


def outlook(
    table: pd.DataFrame,
    y: pd.DataFrame,
    parts: dict[str, np.ndarray],
    logarithms: bool,
    closed: pd.DataFrame,
    owners_events: Sequence[Events],
) -> pd.DataFrame:
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
    closed : DataFrame of str
        Why the place is shut, days × series, from `footfall.opening.of_each`.
    owners_events : sequence of sequences of (from, to, what, effect)
        Of each, its owner's events, from `footfall.events.among`: days of the past that had one are no usual ones, and
        coming ones have it for a reason.

    Returns
    -------
    DataFrame, indexed by day
        Series by series: ``usual`` and ``mean`` in the source's unit; ``expected``, ``low`` and ``high`` (80 % range)
        in per cent above or below a usual day; ``word``, such as ``clearly busier``; ``towards``, ``busier``,
        ``quieter`` or ``usual``, and ``chance``, how likely that is; ``kind`` of day; ``reasons``, the largest first;
        ``spread`` of ordinary days; ``low_value`` and ``high_value``, the 80 % range in the source's unit;
        ``last_year``, what the same weekday was 52 weeks before, if neither is special and no event was on then. Of a
        day that is ``closed``, which says why, there are no numbers, and that is its word.
    """
    days, floor = closed.index, unit(y).floor
    country = Countries(tuple(country_of(location) for location, _ in y))
    ordinary = y.copy() if any(owners_events) else y
    for key, its_events in zip(y, owners_events, strict=True):
        if its_events:
            ordinary[key] = events.without_odd_days(y[key], its_events)
    numbers = table["value"].to_numpy(float).reshape(y.shape[1], len(days), -1).transpose(1, 2, 0)
    levels = table["output_type_id"].to_numpy()[1 : numbers.shape[1]].astype(float)
    mean, quantiles = numbers[:, 0], numbers[:, 1:]
    low, median, high = (quantiles[:, list(levels).index(level)] for level in (LOW, MEDIAN, HIGH))
    lately = y.index[-WEEK:]
    levels_of_days = usual(ordinary, lately.append(days), country).to_numpy()
    level = levels_of_days[len(lately) :]
    width = noticeable(spread(ordinary, country), level, y)
    came = np.nansum(on_ordinary_days(ordinary, lately, country) - levels_of_days[: len(lately)], axis=0)
    expected, lowest, highest = (departure(value, level, y) for value in (mean, low, high))
    chances = _chances(levels, quantiles, level, width / 100 * whole(level, y))
    degree, side = _sides(expected, median - level, width)
    word, chance = _words(degree, side, lowest, highest), np.choose(side, chances)
    word[(side == TOWARDS.index(USUAL)) & (chance < LEAST_CHANCE)] = UNSURE
    kind, shut = np.array(KINDS, dtype=object)[known_ahead(days, country)], closed.to_numpy() != ""
    shares = _shares(parts, logarithms, mean - floor, level - floor)
    if "trend" in shares:  # which is all the rest: the last days are named where they themselves were on that side
        shares["trend"] = np.where(np.sign(shares["trend"]) == np.sign(came), shares["trend"], 0.0)
    reasons = _reasons(shares, expected, side, kind)
    for number, its_events in enumerate(owners_events):
        for day in range(len(days)) if its_events else ():
            reasons[day, number] = [*reasons[day, number], *events.on(days[day], its_events)]
    word[shut], reasons[shut] = CLOSED, _nothing(shut.sum())
    towards = np.where(shut, CLOSED, np.array(TOWARDS, dtype=object)[side])
    if_open = partial(np.where, shut, np.nan)
    columns = {
        "usual": if_open(level), "mean": if_open(mean), "expected": if_open(expected),
        "spread": width, "low": if_open(lowest), "high": if_open(highest),
        "word": word, "towards": towards, "chance": if_open(chance), "kind": kind, "reasons": reasons,
        "low_value": if_open(low), "high_value": if_open(high),
        "last_year": if_open(_last_year(ordinary, days, country)), "closed": closed.to_numpy(),
    }  # fmt: skip
    return pd.DataFrame({name: of.T.ravel() for name, of in columns.items()}, index=np.tile(days, y.shape[1]))


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
    quantiles = table[table["output_type"] == "quantile"]
    wide = quantiles.pivot(index="target_end_date", columns="output_type_id", values="value")
    wide.columns = wide.columns.astype(float)
    return wide.sort_index(axis=1).set_axis(pd.DatetimeIndex(wide.index))


def towards(mean: np.ndarray, median: np.ndarray, level: np.ndarray, width: float, y: pd.Series) -> np.ndarray:
    """What the page says of some days of one series: ``busier``, ``quieter`` or ``usual``.

    Parameters
    ----------
    mean, median, level : ndarray, shape (n_days,)
        What is expected, what one day in two stays below, and the usual level, in the source's unit.
    width : float
        Spread of ordinary days, in per cent of a usual one; taken as one guest at least.
    y : Series
        The series, as published so far.
    """
    _, side = _sides(departure(mean, level, y), median - level, noticeable(width, level, y))
    return np.asarray(np.array(TOWARDS)[side])


def _last_year(y: pd.DataFrame, days: pd.DatetimeIndex, country: Country) -> np.ndarray:
    """What the same weekday was 52 weeks before; NaN where either is a special day, which is not to be compared."""
    before, odd = days - 52 * WEEK * DAY, special(days, country)
    return np.where(odd if odd.ndim > 1 else odd[:, None], np.nan, on_ordinary_days(y, before, country))


def _sides(value: np.ndarray, beyond: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far from usual each day is, in `DEGREES`, and its place in `TOWARDS`: a side only if that is the likelier.

    That is the one to which the median lies `beyond` a usual day.
    """
    degree = np.sum([np.abs(value) >= spreads * width for spreads in DEGREES], axis=0)  # they rise
    is_likely = np.where(value > 0, beyond >= 0, beyond <= 0)
    return degree, np.where((degree > 0) & is_likely, np.where(value > 0, 0, 1), TOWARDS.index(USUAL))


def _words(degree: np.ndarray, side: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """What is said of each day."""
    unsure = (degree > 0) & (low <= 0) & (high >= 0)  # a usual day is well within what may happen
    said = ["", *DEGREES.values(), *(f"{PERHAPS} {much}" for much in DEGREES.values())]
    words = [[f"{much} {way}" for way in TOWARDS[:2]] + [USUAL] for much in said]
    return np.asarray(np.array(words, dtype=object)[degree + len(DEGREES) * unsure, side])


def _chances(levels: np.ndarray, quantiles: np.ndarray, level: np.ndarray, near: np.ndarray) -> list[np.ndarray]:
    """That each day ends busier than a usual one, or quieter, or as near to it as two of three ordinary days do.

    In the order of `TOWARDS`.
    """
    lower, upper = (chance_above(levels, quantiles, level + side * near) for side in (-1, 1))
    above = chance_above(levels, quantiles, level)
    return [above, 1 - above, lower - upper]


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
    return shares | {"trend": lift - sum(shares.values())} if shares.keys() - {"event"} else {}


def _reasons(shares: dict[str, np.ndarray], expected: np.ndarray, side: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """The day's kind if it has one, and what else explains a third or more of its difference from a usual one.

    A list for each day of each series. An event says itself what it is.
    """
    names = [name for name in shares if name not in WITH_OWN_REASONS]
    others = np.array([shares[name] for name in names]).reshape(-1, *side.shape) * np.sign(expected)
    large = (others >= NOTICEABLE) & (others >= np.abs(expected) / 3) & (side != TOWARDS.index(USUAL))
    reasons = _nothing(side.size).reshape(side.shape)
    for day in np.argwhere(large.any(axis=0) | (kind != ORDINARY)):
        share, way = others[:, *day], "up" if expected[*day] > 0 else "down"
        first = sorted(np.flatnonzero(large[:, *day]), key=lambda number: -share[number])[:2]
        special = [] if kind[*day] == ORDINARY else [kind[*day]]
        reasons[*day] = [*special, *(f"{names[number]} {way}" for number in first)]
    return reasons


def _nothing(count: int) -> np.ndarray:
    """So many empty lists."""
    lists = np.empty(count, dtype=object)
    lists[:] = [[] for _ in range(count)]
    return lists
