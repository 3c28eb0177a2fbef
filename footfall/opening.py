"""Days on which a place is shut: said by its market's file, or learned from days that were never open.

Shut is neither zero nor missing. Such a day has no value (`footfall.series.pick` leaves it blank), so that nothing
learns from it, and a coming one is published at the floor and called closed. Learned is only what is plain: a weekday
that was not open of late, and a holiday that was not open twice before. Anything wider closes places that are open. An
event of the owner's on nothing but such days opens them.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from holidays.constants import HOLIDAY_NAME_DELIMITER as AND  # between the names of two that fall on one day

from footfall.calendar import country_of, named_days, names_of_special_days
from footfall.params import Data
from footfall.series import DAY, KEYS, SERIES, WEEK, Rows, rows_of, shut_of, shut_rows, since_1970
from footfall.units import unit_of

CLOSED = "closed"  # an event's effect
LASTING = 28  # days, beyond which an event is how things are: the level follows it, and what is usual
LATELY = 6  # weeks with a day open, in which a weekday was never open before it is taken for shut
FEWEST = 4  # of them, as a young series has: all that it knows
THURSDAY = 3  # the weekday of the first day of 1970, Monday being 0
TWICE = 2  # occurrences of a holiday, all of them shut, before the next is taken for shut
Events = Sequence[Sequence[str]]  # (from, to, what, effect) each
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def foreseen(
    rows: Rows, location: str, category: str, days: pd.DatetimeIndex, closures: dict[str, Any] | None = None
) -> pd.Series:
    """Why a place will be shut on each of some coming days.

    Parameters
    ----------
    rows : Rows
        From `footfall.series.rows_of`: what was visible of it on the day the forecast is made.
    location, category : str
        Which series it is.
    days : DatetimeIndex
        Coming days.
    closures : dict, optional
        What the market's file says: ``weekdays`` (names), ``dates`` (ISO days), ``from_to`` (pairs of ISO days, both
        included); and ``events``, the place's own, from `footfall.events.among`.

    Returns
    -------
    Series of str
        Indexed by `days`: ``said``, of an event with its words, ``said: painting``; ``weekday``, ``holiday``, or
        nothing where it will be open.
    """
    return pd.Series(of_each([rows], [(location, category)], days, [closures or {}])[:, 0], days, dtype=object)


def of_each(
    rows: Sequence[Rows],
    keys: Sequence[tuple[str, str]],
    days: pd.DatetimeIndex,
    closures: Sequence[dict[str, Any]],
) -> np.ndarray:
    """As `foreseen`, of several places at once, shape (n_days, n_places)."""
    why, ends = np.full((len(days), len(keys)), "", dtype=object), [f"{day:%F}" for day in days[[0, -1]]]
    for number, (own, (location, category), its_closures) in enumerate(zip(rows, keys, closures, strict=True)):
        events = its_closures.get("events", ())
        coming = [event for event in events if event[0] <= ends[1] and ends[0] <= event[1]]
        was_open = _was_open(own, category)
        if (was_open == 0).any():  # of a place that was never shut nothing is to be learned
            learned = _learned(was_open, own.day[0], country_of(location), _dated(its_closures))
            why[:, number] = np.where(_are_opened(days, learned, coming), "", learned(days))
        if its_closures:
            why[said(days, its_closures), number] = "said"
        for first, last, what, effect in coming:
            if effect == CLOSED:
                why[(days >= first) & (days <= last), number] = f"said: {what}"
    return why


def _learned(was_open: np.ndarray, first: int, country: str, dated: Events) -> Callable[[pd.DatetimeIndex], np.ndarray]:
    """What says ``weekday`` or ``holiday`` of days, as learned of a place whose days are known from `first`."""
    weekday = _weekday(was_open, first)
    weekdays = _weekdays_not_open(_without(was_open, first, dated), weekday)
    holidays = _holidays_not_open(was_open, weekday, first, country)

    def why(days: pd.DatetimeIndex) -> np.ndarray:
        names = names_of_special_days(days, country) if holidays else [""] * len(days)
        is_holiday = [not holidays.isdisjoint(name.split(AND)) for name in names]
        return np.where(is_holiday, "holiday", np.where(days.dayofweek.isin(weekdays), "weekday", ""))

    return why


def shut_weekdays(rows: Rows, category: str, closures: dict[str, Any]) -> list[str]:
    """Names of the weekdays on which a place is shut, said or learned; parameters as in `foreseen`."""
    was_open = _without(_was_open(rows, category), rows.day[0], _dated(closures))
    learned, said_shut = _weekdays_not_open(was_open, _weekday(was_open, rows.day[0])), closures.get("weekdays", ())
    return [name for number, name in enumerate(WEEKDAYS) if number in learned or name in said_shut]


def _weekday(was_open: np.ndarray, first: int) -> np.ndarray:
    """Of each day, Monday being 0."""
    return np.asarray((first + THURSDAY + np.arange(len(was_open))) % WEEK)


def _dated(closures: dict[str, Any]) -> list[Sequence[str]]:
    """Events and closures on days that were named: what was on then says nothing of their weekday."""
    spans = [*closures.get("from_to", ()), *((day, day) for day in closures.get("dates", ()))]
    return [*closures.get("events", ()), *((first, last, "", CLOSED) for first, last in spans)]


def _without(was_open: np.ndarray, first: int, dated: Events) -> np.ndarray:
    """As if nothing `_dated` had opened or closed the place: such a day is like most of its weekday before it.

    A week without a day open is of a closure, and says nothing of its weekdays, nor does an event in it.
    """
    whole = len(was_open) % WEEK
    weeks = np.nansum(was_open[whole:].reshape(-1, WEEK), axis=1)
    is_shut = np.concatenate([np.zeros(whole, bool), np.repeat(weeks == 0, WEEK)])
    days = since_1970(odd_days(dated)) - first
    days, without, filled = days[(days >= WEEK) & (days < len(was_open))], was_open.copy(), was_open.copy()
    without[days], without[is_shut] = np.nan, np.nan
    for day in days[~is_shut[days]]:
        before = without[max(day % WEEK, day - 2 * LATELY * WEEK) : day : WEEK]
        before = before[np.isfinite(before)][-LATELY:]
        filled[day] = before.mean() >= 0.5 if len(before) else was_open[day]
    return filled


def _are_opened(
    days: pd.DatetimeIndex, learned: Callable[[pd.DatetimeIndex], np.ndarray], events: Events
) -> np.ndarray:
    """Which days have an event that is on nothing but days learned to be shut: of them it would else say nothing."""
    opened = np.zeros(len(days), bool)
    for first, last, _, effect in events:
        on = (days >= first) & (days <= last)
        if effect != CLOSED and (learned(pd.date_range(first, last)) != "").all():
            opened |= on
    return opened


def odd_days(events: Events) -> pd.DatetimeIndex:
    """Every day of some events; of those that are longer than `LASTING` none."""
    first, last = (np.array([event[end] for event in events], "datetime64[D]") for end in (0, 1))
    is_short = (last - first).astype(int) < LASTING
    spans = [np.arange(*span) for span in zip(first[is_short], last[is_short] + 1, strict=True)]
    return pd.DatetimeIndex(np.unique(np.concatenate([first[:0], *spans])))


def said(days: pd.DatetimeIndex, closures: dict[str, Any]) -> np.ndarray:
    """Boolean per day: whether a market's file says that the place is shut; parameters as in `foreseen`."""
    on = np.isin(days.dayofweek, [WEEKDAYS.index(name) for name in closures.get("weekdays", [])])
    for first, last in [*closures.get("from_to", []), *((day, day) for day in closures.get("dates", []))]:
        on |= (days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))
    return on


def are_more(since: pd.Timestamp, until: pd.Timestamp, most: int, closures: dict[str, Any]) -> bool:
    """Whether more days than that lie after one and up to another, those aside that are `said` to be closed."""
    if (until - since).days <= most:  # nearly always, and of thousands of places a range of days each is seconds
        return False
    return int((~said(pd.date_range(since + DAY, until), closures)).sum()) > most


def is_stale(data: Data, through: dt.date, on: dt.date) -> bool:
    """Whether a market's source whose last figures are of one day has stopped, seen from another; its lag is none.

    On a day that is said to be closed no figures come, and none are missed.
    """
    most = max(data.stale_after, data.lag)
    return are_more(pd.Timestamp(through), pd.Timestamp(on), most, data.closed.model_dump())


def empty_since(y: pd.Series, most: int, closures: dict[str, Any]) -> pd.Timestamp | None:
    """The last day on which anybody came, if more days than that have passed since in which nobody did, unsaid."""
    opened = y.last_valid_index() or y.index[0]
    return opened if are_more(opened, y.index[-1], most, closures) else None


def shut_on(series: pd.DataFrame, spans: Mapping[str, Sequence[Sequence[str]]]) -> pd.DataFrame:
    """A series table whose places were shut on some days as well; one on which somebody came was open.

    Parameters
    ----------
    series : DataFrame
        A series table with ``open``.
    spans : mapping of str to sequence of (from, to)
        By location, ISO days, both included; of days before its first row and after its last nothing is said.
    """
    is_shut, absent = pd.Series(False, series.index), []
    own = series[series["location"].isin(list(spans))]
    for (location, category), rows in own.groupby(SERIES, observed=True):
        days = pd.date_range(rows["date"].min(), rows["date"].max())
        days = days[said(days, {"from_to": spans[location]})]
        days = days.difference(rows.loc[rows["value"] > unit_of(category).floor, "date"])
        is_shut[rows.index] = rows["date"].isin(days)
        words = {"location": location, "category": category, "open": "no", "value": np.nan}
        absent.append(pd.DataFrame({"date": days.difference(rows["date"])}).assign(**words))
    table = pd.concat([series.assign(open=series["open"].mask(is_shut, "no")), *absent])
    return table.sort_values(KEYS, ignore_index=True)


def at_rest(rows: Rows, category: str) -> pd.Series:
    """As `footfall.series.shut_of`; days without a row too, of weekdays that mostly have none while others have."""
    is_shut = shut_of(rows, category)
    weekday, has_row = is_shut.index.dayofweek, np.isin(np.arange(len(is_shut)), rows.day - rows.day[0])
    times_absent, times = (np.bincount(weekday, counts, WEEK) for counts in (~has_row, None))
    mostly_absent = times_absent > 0.5 * times
    return is_shut | (~has_row & mostly_absent[weekday] & ~mostly_absent.all())


def by_weekday(series: pd.DataFrame, location: str, category: str) -> pd.DataFrame:
    """How often a place was open on each weekday; parameters as in `footfall.series.pick`.

    Returns
    -------
    DataFrame, indexed by the weekday's name
        Days that were ``open``, ``shut`` (said, at the floor, or without a row) and ``unknown``; ``lately``, the days
        open in the last six weeks with a day open.
    """
    rows = rows_of(series, location, category)
    first, last = rows.day[[0, -1]].astype("datetime64[D]")
    was_open = pd.Series(_was_open(rows, category), pd.date_range(first, last))
    weekday, weeks = was_open.index.dayofweek, _weeks_of_late(was_open.to_numpy())
    counts = {"open": was_open.eq(1), "shut": was_open.eq(0), "unknown": was_open.isna()}
    table = pd.DataFrame({name: days.groupby(weekday).sum() for name, days in counts.items()})
    table["lately"] = pd.Series((weeks == 1).sum(axis=0), (weekday[-1] + 1 + np.arange(WEEK)) % WEEK)
    return table.reindex(range(WEEK)).fillna(0).astype(int).set_axis([name.capitalize() for name in WEEKDAYS])


def _was_open(rows: Rows, category: str) -> np.ndarray:
    """Of each day 1 if it was open, 0 if it was shut or has no row, NaN if it has a row and no value."""
    was_open = np.zeros(rows.day[-1] - rows.day[0] + 1)
    was_open[rows.day - rows.day[0]] = np.where(shut_rows(rows, category), 0.0, rows.value * 0.0 + 1.0)
    return was_open


def _weekdays_not_open(was_open: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """Weekdays of which none was open in the last weeks, while others were; a blank is not known to be shut."""
    weeks = _weeks_of_late(was_open)
    if len(weeks) < FEWEST:
        return np.array([], int)
    never, known = (weeks == 0).all(axis=0), np.isfinite(weeks).sum(axis=0)
    is_often_open = np.nansum(weeks, axis=0) > 0.5 * known
    return np.asarray(weekday[-WEEK:][never & is_often_open.any()])


def _weeks_of_late(was_open: np.ndarray) -> np.ndarray:
    """The last weeks, a weekday in each column; one without a day open is of a closure, and says nothing of them."""
    weeks = was_open[len(was_open) % WEEK :].reshape(-1, WEEK)
    return np.asarray(weeks[np.nansum(weeks, axis=1) > 0][-LATELY:])


def _holidays_not_open(was_open: np.ndarray, weekday: np.ndarray, first: int, country: str) -> set[str]:
    """Names of the holidays whose last occurrences, those on a day that else were open, were all shut."""
    years = (np.array([first, first + len(was_open) - 1], "datetime64[D]").astype("datetime64[Y]")).astype(int) + 1970
    special, names = named_days(*map(int, years), country)
    at = special - first
    inside = (at >= 0) & (at < len(was_open))
    at, names = at[inside], names[inside]
    counts = _were_else_open(was_open, weekday)[at]
    opened, of_each = was_open[at[counts]], [name.split(AND) for name in names[counts]]
    shut = {name for own, day in zip(of_each, opened, strict=True) if day == 0 for name in own}
    last = {name: opened[[name in own for own in of_each]][-TWICE:] for name in shut}
    return {name for name, opened in last.items() if len(opened) == TWICE and not opened.any()}


def _were_else_open(was_open: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """Which known days are of a weekday that is open, and not within a closure: near others of which some were open."""
    known = np.isfinite(was_open)
    times_open, times = (np.bincount(weekday, counts, WEEK) for counts in (np.nan_to_num(was_open), known))
    counts: np.ndarray = known & (times_open > 0.5 * times)[weekday]
    if counts.any():
        near = np.convolve(was_open[counts], np.ones(WEEK))[WEEK // 2 : -(WEEK // 2)]
        counts[counts] = near > 0
    return counts
