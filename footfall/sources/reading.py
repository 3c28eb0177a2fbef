"""What a source gave: its series table, with what a reader of it should know; and what a newer one takes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from footfall.selection import Key
from footfall.series import Rows, site_of
from footfall.sources.fault import safe, shown
from footfall.units import COUNT


@dataclass(frozen=True)
class Reading:
    """A series table, what a reader of it should know, one sentence each, and what places with a code are called."""

    series: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # ``PT/Lisbon`` of ``PT-11``


def compare(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    """What the newer of two readings takes back: days, locations, values; one sentence for each kind.

    Days and locations that are only in `current` are as they should be, and not mentioned.

    Parameters
    ----------
    previous, current : mapping of Key to Rows
        The rows of each series, sorted, as `footfall.series.split` gives them.
    """
    rewritten = _rewritten(previous, current, _last(current))
    return [*_older(previous, current), *_vanished(previous, current), *rewritten]


def compare_few(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    """What few of many series take back, a sentence each: one of several, or up to a tenth of them.

    Nothing where more do, as in a file that was cut; parameters as in `compare`.
    """
    last, each, before, now = _last(current), list[str](), _by_place(previous), _by_place(current)
    for place, own in sorted(before.items()):
        each += [*_vanished(own, now.get(place, {})), *_rewritten(own, now.get(place, {}), last)]
    are_few = len(each) <= len(before) // 10 or len(each) == 1 < len(before)
    return each if are_few and not _older(previous, current) else []


def _by_place(series: Mapping[Key, Rows]) -> dict[str, dict[Key, Rows]]:
    places: dict[str, dict[Key, Rows]] = {}
    for key, rows in series.items():
        places.setdefault(key[0], {})[key] = rows
    return places


def _older(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    before, now = _last(previous), _last(current)
    if now < before:
        return [f"older than the last snapshot: the data end on {_date(now):%F}, they ended on {_date(before):%F}"]
    return []


def _vanished(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    locations = {location for location, _ in current}
    vanished = {location: category for location, category in sorted(previous) if location not in locations}
    if not vanished:
        return []
    more, key = f" and {len(vanished) - 1} more" if len(vanished) > 1 else "", next(iter(vanished.items()))
    what = "site" if key[1] == COUNT else "region"
    return [f"{what} vanished: {_name(key)}{more} had rows in the last snapshot, and none now"]


def _rewritten(previous: Mapping[Key, Rows], current: Mapping[Key, Rows], last: int) -> list[str]:
    """A value that is gone is rewritten too, unless its location is, or its day is after the last of the source."""
    locations = {location for location, _ in current}
    first, changed, compared = "", 0, 0
    for key, rows in previous.items():
        if key[0] in locations:
            before = rows.part(rows.day <= last)
            now = _values_on(before.day, current.get(key))
            differs = np.flatnonzero((before.value != now) & ~(np.isnan(before.value) & np.isnan(now)))
            compared, changed = compared + len(now), changed + len(differs)
            if len(differs) and not first:
                was, is_now, day = (float(column[differs[0]]) for column in (before.value, now, before.day))
                first = f"{_name(key)} {key[1]} {_date(int(day)):%F} was {shown(was)}, is {shown(is_now)}"
    counts = f"{changed} of {compared} values"
    return [f"history rewritten: {counts} differ from the last snapshot; first {first}"] if changed else []


def _name(key: Key) -> str:
    """What a series' place is called: a site as its owner writes it."""
    location, category = key
    return safe((category == COUNT and site_of(location)) or location)


def _values_on(days: np.ndarray, rows: Rows | None) -> np.ndarray:
    """The values that a series has on some days; NaN where it has none."""
    if rows is None or not len(rows.day):
        return np.full(len(days), np.nan)
    at = np.minimum(np.searchsorted(rows.day, days), len(rows.day) - 1)
    return np.where(rows.day[at] == days, rows.value[at], np.nan)


def _last(series: Mapping[Key, Rows]) -> int:
    return max((int(rows.day[-1]) for rows in series.values()), default=0)


def _date(day: int) -> pd.Timestamp:
    return pd.Timestamp(day, unit="D")
