"""What is odd in figures of one's own, and stays as it is: stretches that are copied, days that are far too large."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from footfall.sources.fault import safe, shown

FORTNIGHT = 14
COPIED = 10  # days in a row that repeat the fortnight before, which is no chance any more
DISTINCT = 5  # values among them
LARGE = 10  # times a usual day


def oddities(days: pd.DataFrame) -> list[str]:
    """Notes on one value a site and day: columns ``site``, ``day``, ``value``."""
    wide, notes = days.pivot(index="day", columns="site", values="value").asfreq("D"), []
    for site, values in wide.loc[:, _may_be_odd(wide)].items():
        where = f"{safe(str(site))}: " if site else ""
        notes += [where + note for note in (*_copies(values), *_large(values))]
    return notes


def _may_be_odd(wide: pd.DataFrame) -> np.ndarray:
    """Of each site, whether there can be a note on it: to look closely at thousands would take minutes."""
    copied = np.cumsum(_repeats(wide).to_numpy(), axis=0)
    in_a_row = (copied[COPIED:] - copied[:-COPIED] == COPIED).any(axis=0)
    return np.asarray(in_a_row | (wide >= LARGE * wide.where(wide > 0).median()).any().to_numpy())


def _repeats(values: Any) -> Any:
    return values.eq(values.shift(FORTNIGHT)) & values.ne(0)


def _copies(values: pd.Series) -> Iterator[str]:
    """Stretches that are, digit for digit, those of a fortnight before."""
    same = _repeats(values)
    for _, days in values[same].groupby((~same).cumsum()[same]):
        if len(days) >= COPIED and days.nunique() >= DISTINCT:
            yield f"{days.index[0]:%Y-%m-%d} to {days.index[-1]:%Y-%m-%d} repeat the fortnight before digit for digit"


def _large(values: pd.Series) -> Iterator[str]:
    usual = values[values > 0].median()
    large = values[values >= LARGE * usual]
    if len(large) and usual > 1:
        more = f", and {len(large) - 1} more" if len(large) > 1 else ""
        day = f"{large.index[0]:%Y-%m-%d} has {shown(large.iloc[0])}"
        yield f"{day}, {large.iloc[0] / usual:.0f} times a usual day{more}: a slip, or a day to know of"
