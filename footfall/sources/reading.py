"""What a source gave: its series table, with what a reader of it should know; and what a newer one takes back."""

from dataclasses import dataclass, field

import pandas as pd

from footfall.series import KEYS
from footfall.sources.fault import safe, shown


@dataclass(frozen=True)
class Reading:
    """A series table, what a reader of it should know, one sentence each, and what places with a code are called."""

    series: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # ``PT/Lisbon`` of ``PT-11``


def compare(previous: pd.DataFrame, current: pd.DataFrame) -> list[str]:
    """What the newer of two series tables takes back: days, locations, values; one sentence for each kind.

    Days and locations that are only in `current` are as they should be, and not mentioned.
    """
    return [*_older(previous, current), *_vanished(previous, current), *_rewritten(previous, current)]


def _older(previous: pd.DataFrame, current: pd.DataFrame) -> list[str]:
    before, now = previous["date"].max(), current["date"].max()
    if now < before:
        return [f"older than the last snapshot: the data end on {now:%F}, they ended on {before:%F}"]
    return []


def _vanished(previous: pd.DataFrame, current: pd.DataFrame) -> list[str]:
    vanished = sorted(set(previous["location"]) - set(current["location"]))
    if not vanished:
        return []
    more = f" and {len(vanished) - 1} more" if len(vanished) > 1 else ""
    return [f"region vanished: {safe(vanished[0])}{more} had rows in the last snapshot, and none now"]


def _rewritten(previous: pd.DataFrame, current: pd.DataFrame) -> list[str]:
    """A value that is gone is rewritten too, unless its location is, or its day is after the last of `current`."""
    comparable = previous[previous["location"].isin(current["location"].unique())]
    comparable = comparable[comparable["date"] <= current["date"].max()]
    both = comparable.merge(current, on=KEYS, how="left", suffixes=("", "_now"))
    changed = both[(both["value"] != both["value_now"]) & (both["value"].notna() | both["value_now"].notna())]
    if changed.empty:
        return []
    first = changed.iloc[0]
    row = f"{safe(first['location'])} {first['category']} {first['date']:%F}"
    change = f"{row} was {shown(first['value'])}, is {shown(first['value_now'])}"
    counts = f"{len(changed)} of {len(comparable)} values"
    return [f"history rewritten: {counts} differ from the last snapshot; first {change}"]
