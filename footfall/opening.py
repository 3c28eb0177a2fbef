"""Days on which a place is shut: said by its market's file, or learned from days that were never open.

Shut is neither zero nor missing. Such a day has no value (`footfall.series.pick` leaves it blank), so that nothing
learns from it, and a coming one is published at the floor and called closed. Learned is only what is plain: a weekday
that was not open of late, and a holiday that was not open twice before. Anything wider closes places that are open.
"""

from typing import Any

import numpy as np
import pandas as pd

from footfall.calendar import country_of, names_of_special_days
from footfall.series import WEEK, rows_of, shut_of

LATELY = 6  # weeks in which a weekday was never open, before it is taken for shut
TWICE = 2  # occurrences of a holiday, all of them shut, before the next is taken for shut
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def foreseen(
    rows: pd.DataFrame, location: str, category: str, days: pd.DatetimeIndex, closures: dict[str, Any] | None = None
) -> pd.Series:
    """Why a place will be shut on each of some coming days.

    Parameters
    ----------
    rows : DataFrame
        From `footfall.series.rows_of`: what was visible of it on the day the forecast is made.
    location, category : str
        Which series it is.
    days : DatetimeIndex
        Coming days.
    closures : dict, optional
        What the market's file says: ``weekdays`` (names), ``dates`` (ISO days), ``from_to`` (pairs of ISO days, both
        included).

    Returns
    -------
    Series of str
        Indexed by `days`: ``said``, ``weekday``, ``holiday``, or nothing where it will be open.
    """
    was_open = _was_open(rows, category)
    reasons = {}
    if was_open.eq(0).any():  # of a place that was never shut nothing is to be learned
        reasons["weekday"] = days.dayofweek.isin(_weekdays_not_open(was_open))
        reasons["holiday"] = _holidays_not_open(was_open, days, location)
    reasons["said"] = said(days, closures or {})
    why = pd.Series("", index=days, dtype=object)
    for reason, applies in reasons.items():
        why[applies] = reason
    return why


def said(days: pd.DatetimeIndex, closures: dict[str, Any]) -> np.ndarray:
    """Boolean per day: whether a market's file says that the place is shut; parameters as in `foreseen`."""
    weekdays = [WEEKDAYS.index(name) for name in closures.get("weekdays", [])]
    on = days.dayofweek.isin(weekdays) | days.isin(pd.DatetimeIndex(closures.get("dates", [])))
    for first, last in closures.get("from_to", []):
        on |= (days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))
    return np.asarray(on)


def by_weekday(series: pd.DataFrame, location: str, category: str) -> pd.DataFrame:
    """How often a place was open on each weekday; parameters as in `footfall.series.shut`.

    Returns
    -------
    DataFrame, indexed by the weekday's name
        Days that were ``open``, ``shut`` (said, at the floor, or without a row) and ``unknown``; ``lately``, the days
        open in the last six weeks.
    """
    was_open = _was_open(rows_of(series, location, category), category)
    weekday, lately = was_open.index.dayofweek, was_open[-LATELY * WEEK :]
    counts = {"open": was_open.eq(1), "shut": was_open.eq(0), "unknown": was_open.isna()}
    table = pd.DataFrame({name: days.groupby(weekday).sum() for name, days in counts.items()})
    table["lately"] = lately.eq(1).groupby(lately.index.dayofweek).sum()
    return (
        table.reindex(range(WEEK), fill_value=0)
        .set_axis([name.capitalize() for name in WEEKDAYS])
        .fillna(0)
        .astype(int)
    )


def _was_open(rows: pd.DataFrame, category: str) -> pd.Series:
    """1 on days that were open, 0 on those shut or without a row, NaN on those with a row and no value."""
    closed = shut_of(rows, category)
    blank = rows["value"].isna().asfreq("D", fill_value=False) & ~closed
    opened = rows["value"].notna().asfreq("D", fill_value=False) & ~closed
    return opened.astype(float).mask(blank)


def _weekdays_not_open(was_open: pd.Series) -> np.ndarray:
    """Weekdays of which none was open in the last weeks, while others were; a blank is not known to be shut."""
    lately = was_open[-LATELY * WEEK :]
    if len(lately) < LATELY * WEEK:
        return np.array([], int)
    weeks = lately.to_numpy().reshape(LATELY, WEEK)  # a weekday in each column
    never, known = (weeks == 0).all(axis=0), np.isfinite(weeks).sum(axis=0)
    is_often_open = np.nansum(weeks, axis=0) > 0.5 * known
    return np.asarray(lately.index.dayofweek[:WEEK][never & is_often_open.any()])


def _holidays_not_open(was_open: pd.Series, days: pd.DatetimeIndex, location: str) -> np.ndarray:
    """Boolean per day: a holiday whose last occurrences, those on a weekday that is open, were all shut."""
    names = names_of_special_days(was_open.index, country_of(location))
    usually_open = was_open.groupby(was_open.index.dayofweek).transform("mean") > 0.5
    past = (usually_open & was_open.notna() & (names != "")).to_numpy()
    opened, names = was_open.to_numpy()[past], names[past]
    shut = [name for name in {*names[opened == 0]} if _was_shut_of_late(opened[names == name])]
    return np.isin(names_of_special_days(days, country_of(location)), shut)


def _was_shut_of_late(opened: np.ndarray) -> bool:
    return len(opened) >= TWICE and not opened[-TWICE:].any()
