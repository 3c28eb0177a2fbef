"""What the owner's events do to a day: each a kind of day of its own, learned from when it was on before.

Whatever model speaks, it learns from days without them, and what an event did is put on top of what it says. Events
are rows of (from, to, what, effect), see `footfall.events`: those that were known on the day of the forecast.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from footfall.calendar import Country, country_of, known_ahead, names_of_special_days, of_each, special
from footfall.events import among
from footfall.models.forecaster import series_of
from footfall.models.transforms import KindOfDay, LogLevel, median_of_near_weekdays, shrunken_median
from footfall.opening import CLOSED, LASTING, Events, odd_days
from footfall.selection import Selection
from footfall.series import site_of
from footfall.sources.names import spelling
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
    series = {key: y.mask(_are_odd_at(key[0], y.index, closures)) for key, y in chosen.series.items()}
    return chosen._replace(series=series)


def table_without_events(series: pd.DataFrame, closures: dict[str, Any]) -> pd.DataFrame:
    """As `without_events`, a series table."""
    if not closures.get("events"):
        return series
    is_odd = pd.Series(False, series.index)
    for location, date in series.groupby("location", observed=True)["date"]:
        days = pd.date_range(date.min(), date.max())
        is_odd[date.index] = date.isin(days[_are_odd_at(str(location), days, closures)])
    return series.assign(value=series["value"].mask(is_odd))


def _are_odd_at(location: str, days: pd.DatetimeIndex, closures: dict[str, Any]) -> np.ndarray:
    """Which days have an event of a place's own, see `masked`."""
    events = among(closures, site_of(location)).get("events", ())
    return _are_odd(days, events, country_of(location)) if events else np.zeros(len(days), bool)


def masked(y: pd.DataFrame, events: Sequence[Events], country: Country) -> pd.DataFrame:
    """A batch, each series blank on days with one of its events: what was odd moves no level, weekday or trend.

    A holiday or other special day of the calendar keeps its value if the same is on in another year too, by its words:
    it is that day's own.
    """
    if not any(events):
        return y
    own = zip(events, of_each(country, len(events)), strict=True)
    return y.mask(np.stack([_are_odd(y.index, *each) for each in own], axis=1))


def effects(y: pd.Series, events: Events, days: pd.DatetimeIndex, country: str) -> pd.Series:
    """How much busier some coming days will be for their events, as logarithm of the level; nought without one.

    One that was on before, by its words, will do what it did: the weighted median of its days' departures from the
    same weekdays around them, shrunken, as those of holidays are (`footfall.models.transforms.KindOfDay`). One that
    was not will do what all of its effect did, if that is ``busier`` or ``quieter``; on a holiday, which has an effect
    of its own, nothing.

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
    past, coming = _apart(y.index, events, country), _named(days, events)
    of, (at,) = unit(y), np.nonzero(past["what"].ne(""))
    values = LogLevel().to_logarithm(y.to_numpy(float), of, of.level(y))
    usable = past["what"].eq("").to_numpy() & ~special(y.index, country)
    departure = values[at] - median_of_near_weekdays(values, usable, at)
    weight = 0.5 ** ((len(values) - 1 - at) / BY_HOLIDAYS.half_life)
    seen = past.iloc[at][np.isfinite(departure)]

    def effect_of(what: str, effect: str, is_special: bool) -> float:
        is_telling = effect in TELLING and not is_special
        alike = past["what"].eq(what) if what in set(seen["what"]) else past["effect"].eq(effect) & is_telling
        here = alike.to_numpy()[at]
        return float(shrunken_median(departure[here], weight[here], BY_HOLIDAYS.shrink)) if here.any() else 0.0

    rows = zip(coming["what"], coming["effect"], special(days, country), strict=True)
    return pd.Series([effect_of(*row) if row[0] else 0.0 for row in rows], index=days)


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
    floor, own = unit(y).floor, list(zip(y, events, of_each(country, len(events)), strict=True))
    effect = np.stack([effects(series_of(y, name), told, days, at) for name, told, at in own], axis=1)
    on = np.stack([_are_odd(days, told, at) for _, told, at in own], axis=1)
    lifted = np.where(effect != 0, (mean - floor) * np.exp(effect) + floor, mean)
    wide = (ranges - mean[:, None]) * (np.exp(effect) * np.where(on, WIDER, 1.0))[:, None] + lifted[:, None]
    ranges = np.where((on | (effect != 0))[:, None], np.maximum(wide, floor), ranges)
    return lifted, ranges, parts | {"event": effect if logarithms else lifted - mean}


def _are_odd(days: pd.DatetimeIndex, events: Events, country: str) -> np.ndarray:
    """Which days have an event of their own, see `masked`."""
    what = _named(days.union(odd_days(events)), events)["what"]
    what = what[what != ""]
    kind, name = known_ahead(what.index, country), names_of_special_days(what.index, country)
    day = pd.Series(np.where(name == "", kind, name), what.index)
    years = pd.Series(what.index.year, what.index).groupby([what, day]).transform("nunique")
    return np.asarray(days.isin(what.index[(kind == 0) | (years == 1)]))


def _apart(days: pd.DatetimeIndex, events: Events, country: str) -> pd.DataFrame:
    """As `_named`, nothing on the special days of the calendar."""
    table = _named(days, events)
    table[special(days, country)] = ""
    return table


def _named(days: pd.DatetimeIndex, events: Events) -> pd.DataFrame:
    """The ``what`` and ``effect`` of each day's event, of several the shortest; nothing without one."""
    table = pd.DataFrame("", index=days, columns=["what", "effect"], dtype=object)
    spans = [(pd.Timestamp(first), pd.Timestamp(last), what, effect) for first, last, what, effect in events]
    for first, last, what, effect in sorted(spans, key=lambda span: span[0] - span[1]):
        if effect != CLOSED and (last - first).days < LASTING:
            table.loc[first:last] = [spelling(what), effect]
    return table
