"""What a source gave: its series table, with what a reader of it should know; and what a newer one takes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from footfall.selection import Key
from footfall.series import Rows
from footfall.sources.fault import safe, shown


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
    return [*_older(previous, current), *_vanished(previous, current), *_rewritten(previous, current)]


def _older(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    before, now = _last(previous), _last(current)
    if now < before:
        return [f"older than the last snapshot: the data end on {_date(now):%F}, they ended on {_date(before):%F}"]
    return []


def _vanished(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    vanished = sorted({location for location, _ in previous} - {location for location, _ in current})
    if not vanished:
        return []
    more = f" and {len(vanished) - 1} more" if len(vanished) > 1 else ""
    return [f"region vanished: {safe(vanished[0])}{more} had rows in the last snapshot, and none now"]


def _rewritten(previous: Mapping[Key, Rows], current: Mapping[Key, Rows]) -> list[str]:
    """A value that is gone is rewritten too, unless its location is, or its day is after the last of `current`."""
    locations, last = {location for location, _ in current}, _last(current)
    first, changed, compared = "", 0, 0
    for key, rows in previous.items():
        if key[0] in locations:
            before = rows.part(rows.day <= last)
            now = _values_on(before.day, current.get(key))
            differs = np.flatnonzero((before.value != now) & ~(np.isnan(before.value) & np.isnan(now)))
            compared, changed = compared + len(now), changed + len(differs)
            if len(differs) and not first:
                was, is_now, day = (float(column[differs[0]]) for column in (before.value, now, before.day))
                first = f"{safe(key[0])} {key[1]} {_date(int(day)):%F} was {shown(was)}, is {shown(is_now)}"
    counts = f"{changed} of {compared} values"
    return [f"history rewritten: {counts} differ from the last snapshot; first {first}"] if changed else []


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
