"""What the owner's events do to a day: each a kind of day of its own, learned from when it was on before.

Whatever model speaks, it learns from days without them, and what an event did is put on top of what it says. Events
are rows of (from, to, what, effect), see `footfall.events`: those that were known on the day of the forecast.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from holidays.constants import HOLIDAY_NAME_DELIMITER as AND  # between the names of two that fall on one day

from footfall.calendar import KINDS, ORDINARY, Country, country_of, known_ahead, names_of_special_days, of_each, special
from footfall.events import among
from footfall.models.forecaster import series_of
from footfall.models.transforms import KindOfDay, LogLevel, median_of_near_weekdays, shrunken_median
from footfall.opening import CLOSED, LASTING, Events, odd_days
from footfall.selection import Selection
from footfall.series import SERIES, WEEK, pick, site_of
from footfall.sources.names import spelling
from footfall.typical import FEWEST_WEEKS, LATELY
from footfall.units import unit

TELLING = ("busier", "quieter")  # effects by which an event that was never on before is expected to be like others
WIDER = 2.0  # times that the range of a day with an event is that of one without
BY_HOLIDAYS = KindOfDay("")  # whose half-life and shrinkage are those of an event's effect, too


def without_events(chosen: Selection, closures: dict[str, Any]) -> Selection:
    """A market's series, each blank on days with an event of its own, see `masked`.

    Parameters
    ----------
    chosen : Selection
        Chosen with these days: for want of them no series is refused.
    closures : dict
        As in `footfall.events.among`.
    """
    series = {key: y.mask(_are_odd_at(key[0], y, closures)) for key, y in chosen.series.items()}
    return chosen._replace(series=series)


def table_without_events(series: pd.DataFrame, closures: dict[str, Any]) -> pd.DataFrame:
    """As `without_events`, a series table."""
    if not closures.get("events"):
        return series
    is_odd = pd.Series(False, series.index)
    for (location, category), rows in series.groupby(SERIES, observed=True):
        if rows["value"].notna().any():
            y = pick(rows, location, category)
            is_odd[rows.index] = rows["date"].isin(y.index[_are_odd_at(location, y, closures)])
    return series.assign(value=series["value"].mask(is_odd))


def _are_odd_at(location: str, y: pd.Series, closures: dict[str, Any]) -> np.ndarray:
    """Which days of a place's series are left out for its own events, see `masked`."""
    events = among(closures, site_of(location)).get("events", ())
    return _are_masked(y, events, country_of(location)) if events else np.zeros(len(y), bool)


def masked(y: pd.DataFrame, events: Sequence[Events], country: Country) -> pd.DataFrame:
    """A batch, each series blank on days with one of its events: what was odd moves no level, weekday or trend.

    A holiday or other special day of the calendar keeps its value if the same is on in another year too, by its words:
    it is that day's own. So does a weekday with what it hardly was without of late, by its words: with music on every
    Friday that is what Fridays are. So is what is usual (`footfall.events.without_odd_days`), whatever the words.
    """
    if not any(events):
        return y
    each = zip(y, events, of_each(country, len(events)), strict=True)
    return y.mask(np.stack([_are_masked(series_of(y, name), its_events, at) for name, its_events, at in each], axis=1))


def effects(y: pd.Series, events: Events, days: pd.DatetimeIndex, country: str) -> pd.Series:
    """How much busier some coming days will be for their events, as logarithm of the level; nought without one.

    One that was on before, by its words, will do what it did: the weighted median of its days' departures from the
    same weekdays around them, shrunken, as those of holidays are (`footfall.models.transforms.KindOfDay`); of holidays
    and other special days beyond what such days do without it. One that was not will do what all of its effect did on
    ordinary days, if that is ``busier`` or ``quieter``; on a holiday, which has an effect of its own, nothing. What
    several do on a day adds up, but what was on before speaks for all of its effect; a past day with several tells of
    the last of them (`_by_day`) what the others do not on days of their own.

    Parameters
    ----------
    y : Series
        One daily series, as published so far.
    events : sequence of (from, to, what, effect)
    days : DatetimeIndex
        Coming days.
    country : str
        ISO 3166 code, see `footfall.calendar.kinds`.
    """
    past, coming = _named(y.index, events, y), _named(days, events, y)
    of, (at,) = unit(y), np.nonzero(past["what"].ne(""))
    values, kind = LogLevel().to_logarithm(y.to_numpy(float), of, of.level(y)), known_ahead(y.index, country)
    usable = past["what"].eq("").to_numpy() & (kind == 0)
    of_kinds = BY_HOLIDAYS.learn(np.where(_are_masked(y, events, country), np.nan, values), kind)
    of_kind = np.array([of_kinds.get(name, np.nan) for name in KINDS])
    of_kind[KINDS.index(ORDINARY)] = 0.0
    departure = values[at] - median_of_near_weekdays(values, usable, at) - of_kind[kind[at]]
    weight = 0.5 ** ((len(values) - 1 - at) / BY_HOLIDAYS.half_life)
    past = past.iloc[at].assign(is_ordinary=kind[at] == 0)[is_known := np.isfinite(departure)]
    departure, weight = departure[is_known], weight[is_known]

    def learned(which: pd.Series) -> float:
        here = which.to_numpy()
        return float(shrunken_median(departure[here], weight[here], BY_HOLIDAYS.shrink)) if here.any() else 0.0

    is_alone, others = past["on"].map(len).eq(1), [[*on][:-1] for on in past["on"]]
    alone = {what: learned(past["what"].eq(what) & is_alone) for each in others for what in each}
    departure = departure - np.array([sum(alone[what] for what in each) for each in others])
    seen, by_itself = set(past["what"]), set(past["what"][is_alone])

    def effect_of(on: dict[str, str], is_special: bool) -> float:
        before = {what: effect for what, effect in on.items() if what in seen}
        new = {} if is_special else {effect: None for effect in on.values() if effect in TELLING}
        together = [what for what in before if what not in by_itself][:-1]  # the last speaks for them all
        of_each = [past["what"].eq(what) for what in before if what not in together]
        of_kind = [past["effect"].eq(effect) & past["is_ordinary"] for effect in new if effect not in before.values()]
        return sum(map(learned, [*of_each, *of_kind]))

    return pd.Series([effect_of(*row) for row in zip(coming["on"], special(days, country), strict=True)], index=days)


def put_on(
    mean: np.ndarray,
    ranges: np.ndarray,
    parts: dict[str, np.ndarray],
    logarithms: bool,
    y: pd.DataFrame,
    days: pd.DatetimeIndex,
    events: Sequence[Events],
    country: Country,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """A batch's forecast with the effects of its days' events: mean, wider ranges, and a further part, ``event``.

    The range is wider, too, where an event of each week is not entered: it is in the mean.

    Parameters
    ----------
    mean : ndarray, shape (n_days, n_series)
    ranges : ndarray, shape (n_days, n_levels, n_series)
    parts, logarithms
        From `footfall.models.contributions`.
    y : DataFrame
        Days × series, as published so far.
    days : DatetimeIndex
        Coming days.
    events : sequence
        Those of each series.
    country : str or Countries
        As in `effects`; or that of each.
    """
    floor, each = unit(y).floor, (series_of(y, name) for name in y)
    each_series = list(zip(each, events, of_each(country, len(events)), strict=True))
    effect = np.stack([effects(series, its_events, days, at) for series, its_events, at in each_series], axis=1)
    on = np.stack([_are_odd(days, series, its_events, at, y.index) for series, its_events, at in each_series], axis=1)
    on |= np.stack([_are_without(days, series, its_events) for series, its_events, _ in each_series], axis=1)
    lifted = np.where(effect != 0, (mean - floor) * np.exp(effect) + floor, mean)
    wide = (ranges - mean[:, None]) * (np.exp(effect) * np.where(on, WIDER, 1.0))[:, None] + lifted[:, None]
    ranges = np.where((on | (effect != 0))[:, None], np.maximum(wide, floor), ranges)
    return lifted, ranges, parts | {"event": effect if logarithms else lifted - mean}


def _are_masked(y: pd.Series, events: Events, country: str) -> np.ndarray:
    """Which days of a series are left out, see `masked`."""
    return _are_odd(y.index, y, events, country, odd_days(events))


def _are_without(days: pd.DatetimeIndex, y: pd.Series, events: Events) -> np.ndarray:
    """Which days have no event, though what is on each week would be on: it may have ended, or not be entered yet."""
    weekdays = [weekday for _, weekday in _each_week(events, y)]
    return np.asarray(days.dayofweek.isin(weekdays) & _by_day(days, events)["what"].eq(""))


def _are_odd(
    days: pd.DatetimeIndex, y: pd.Series, events: Events, country: str, others: pd.DatetimeIndex
) -> np.ndarray:
    """Which days have an event that is not their own: a special day's is, if it is on the same in another year too.

    On one of these or of other days, of ten years about them: one of the year 9999 is a slip of the pen.
    """
    near = (days[0].year - 10 < others.year) & (others.year < days[-1].year + 10)
    what = _named(days.union(others[near]), events, y)["what"]
    what = what[what != ""]
    kind, names = known_ahead(what.index, country), names_of_special_days(what.index, country)
    keys = [
        [(event, day) for day in (name.split(AND) if name else [at])]
        for event, at, name in zip(what, kind, names, strict=True)
    ]
    years: dict[Any, set[int]] = defaultdict(set)
    for key, year in ((key, year) for own, year in zip(keys, what.index.year, strict=True) for key in own):
        years[key].add(year)
    is_own = [at > 0 and any(len(years[key]) > 1 for key in own) for own, at in zip(keys, kind, strict=True)]
    return np.asarray(days.isin(what.index[~np.array(is_own, bool)]))


def _named(days: pd.DatetimeIndex, events: Events, y: pd.Series) -> pd.DataFrame:
    """The events ``on`` each day, words and effect of each, and the ``what`` and ``effect`` of the last of them.

    That is the shortest of those that say an effect, else of all; nothing without one. Those of each week are none, see
    `_each_week`: what else is on that day is an event as on any other.
    """
    each_week = _each_week(events, y)
    return _by_day(days, [event for event in events if _weekly(event) not in each_week])


def _each_week(events: Events, y: pd.Series) -> set[tuple[str, int]]:
    """The words and weekdays of events without which these weekdays hardly were in the last weeks of `y`."""
    lately = y.iloc[-LATELY:].dropna().index
    days, of_all = set(lately.strftime("%F")), np.bincount(lately.dayofweek, minlength=WEEK)
    on = {(weekly, event[0]) for event in events if event[0] in days and (weekly := _weekly(event))}
    with_it = Counter(weekly for weekly, _ in on)
    return {
        (what, weekday)
        for (what, weekday), times in with_it.items()
        if times >= FEWEST_WEEKS and of_all[weekday] - times < FEWEST_WEEKS
    }


def _weekly(event: Sequence[str]) -> tuple[str, int] | None:
    """The words and the weekday of an event of one day, the same each week; nothing of a longer one."""
    first, last, what, _ = event
    return (spelling(what), dt.date.fromisoformat(first).weekday()) if first == last else None


def _by_day(days: pd.DatetimeIndex, events: Events) -> pd.DataFrame:
    """As `_named`, those of each week too."""
    by_day: list[dict[str, str]] = [{} for _ in days]
    first, last = (pd.DatetimeIndex([event[end] for event in events]) for end in (0, 1))
    starts, ends, length = days.searchsorted(first), days.searchsorted(last, side="right"), (last - first).days
    for number in sorted(range(len(events)), key=lambda number: (events[number][-1] in TELLING, -length[number])):
        _, _, what, effect = events[number]
        if effect != CLOSED and length[number] < LASTING:
            for on in by_day[starts[number] : ends[number]]:
                on.pop(spelling(what), "")
                on[spelling(what)] = effect
    return pd.DataFrame([[("", ""), *on.items()][-1] for on in by_day], days, ["what", "effect"]).assign(on=by_day)
