"""Kinds of day: what the calendar says about a day before anything was measured on it.

Kinds rather than names: a Tuesday holiday behaves like another Tuesday holiday, and two years hold few of any name.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import holidays
import numpy as np
import pandas as pd
from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter

from footfall.series import DAY, since_1970

ORDINARY = "ordinary"
# Every country has these; where they mean nothing the models learn an effect near zero.
TURN_OF_THE_YEAR = {
    **{(12, day): "before Christmas" for day in (20, 21, 22, 23)},
    (12, 24): "24 December",
    (12, 25): "25 December",
    (12, 26): "26 December",
    **{(12, day): "between the years" for day in (27, 28, 29, 30)},
    (12, 31): "31 December",
    (1, 1): "1 January",
    (1, 2): "2 January",
}
HOLIDAY_CATEGORIES = ("public", "optional")  # the optional ones are those most people take: Carnival in Portugal
# Years in which the two are not on the same day; of later ones `holidays` has no days off in Ukraine.
EASTERS_APART = (2019, 2020, 2021)
ORTHODOX = ("ME", "RU")  # keep their Easter, and have no day off by which it is known
KINDS = [ORDINARY, "holiday", "weekend holiday", "eve", "bridge", "Easter", *dict.fromkeys(TURN_OF_THE_YEAR.values())]


@dataclass(frozen=True)
class Countries:
    """ISO 3166 code of each series of a batch. Never copied: a tuple sktime's `clone` takes apart each time."""

    each: tuple[str, ...]

    def __deepcopy__(self, memo: dict[int, Any]) -> "Countries":
        return self


Country = str | Countries  # of a batch whose series all keep the same days, or that of each


def country_of(location: str) -> str:
    """ISO 3166 code of the country or region a location lies in: ``PT`` of ``PT/Lisbon``, ``PT-11`` of ``PT-11/Tasca``.

    Whose holidays are kept there: what is true of the country alone goes by the first two letters.
    """
    return location.partition("/")[0]


def kinds(days: pd.DatetimeIndex, country: str) -> pd.Series:
    """Kind of each day.

    Parameters
    ----------
    days : DatetimeIndex
        Calendar days, in any order.
    country : str
        ISO 3166 code of a country, or of a region of it: ``PT-11`` keeps Lisbon's own days too. A country unknown to
        `holidays` has only Easter and the turn of the year, a region unknown to it the days of its country.

    Returns
    -------
    Series
        One word per day, indexed by `days`: ``ordinary``, ``holiday``, ``weekend holiday``, ``eve``, ``bridge``,
        ``Easter`` or one of the days from 20 December to 2 January.
    """
    return pd.Series(np.array(KINDS, dtype=object)[known_ahead(days, country)], index=days, dtype=object, name="kind")


def known_ahead(days: pd.DatetimeIndex, country: Country) -> np.ndarray:
    """What is known of days before they come: the one table from which models learn and foresee.

    Parameters
    ----------
    days : DatetimeIndex
        Calendar days, in any order.
    country : str or Countries
        ISO 3166 code, see `kinds`; or several.

    Returns
    -------
    ndarray of int, shape (n_days,) or (n_days, n_countries)
        The place of each day's kind in `KINDS`: 0 of an ordinary one.
    """
    if not len(days):
        return np.zeros((0, *([] if isinstance(country, str) else [len(country.each)])), np.int8)
    first, last = days.min().year, days.max().year
    begins = since_1970(pd.DatetimeIndex([pd.Timestamp(first, 1, 1)]))
    years = (_every_day if isinstance(country, str) else _of_each)(first, last, country)
    return np.asarray(years[since_1970(days) - begins])


def special(days: pd.DatetimeIndex, country: Country) -> np.ndarray:
    """Boolean per day, shape (n_days,) or (n_days, n_countries): anything but an ordinary one."""
    return known_ahead(days, country) > 0


def alike(calendar: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
    """Which series of a batch keep the same days, and what is known of these, shape (n_days,).

    Parameters
    ----------
    calendar : ndarray, shape (n_days,) or (n_days, n_series)
        From `known_ahead` or `special`, of all or of each of them.
    """
    if calendar.ndim == 1:
        yield slice(None), calendar
        return
    keepers: dict[bytes, list[int]] = {}
    for number, days in enumerate(np.ascontiguousarray(calendar.T)):
        keepers.setdefault(days.tobytes(), []).append(number)
    for some in keepers.values():
        yield np.array(some), calendar[:, some[0]]


def of_each(country: Country, count: int) -> tuple[str, ...]:
    """The country of each of so many series of a batch."""
    return (country,) * count if isinstance(country, str) else country.each


def of_some(country: Country, some: slice | np.ndarray) -> Country:
    """The country of some series of a batch."""
    return country if isinstance(country, str) else Countries(tuple(np.array(country.each)[some].tolist()))


def common(countries: Iterable[str], first: int, last: int) -> Country:
    """The first of some countries if they all keep the same days in some years; else all of them."""
    several = Countries(tuple(countries))
    same = len({_every_day(first, last, country).tobytes() for country in set(several.each)}) == 1
    return several.each[0] if same else several


def names_of_special_days(days: pd.DatetimeIndex, country: str) -> np.ndarray:
    """The name by which each day comes again another year: a holiday's, ``25 December``, ``Easter``; else nothing."""
    name_of = np.full(len(days), "", dtype=object)
    if len(days):
        special, names = named_days(days.min().year, days.max().year, country)
        known = dict(zip(special, names, strict=True))
        name_of[:] = [known.get(day, "") for day in since_1970(days)]
    return name_of


@cache
def named_days(first: int, last: int, country: str) -> tuple[np.ndarray, np.ndarray]:
    """The special days of some years, counted from 1970, in their order, and the name of each."""
    name_of = {
        day: name for year in range(first, last + 1) for day, name in sorted(_names_of_year(year, country).items())
    }
    return since_1970(pd.DatetimeIndex(name_of)), np.array(list(name_of.values()), dtype=object)


def _names_of_year(year: int, country: str) -> dict[pd.Timestamp, str]:
    named = {
        pd.Timestamp(day): name
        for category in reversed(HOLIDAY_CATEGORIES)
        for day, name in holiday_names(year, country, category).items()
    }
    shared = Counter(TURN_OF_THE_YEAR.values())
    fixed = {pd.Timestamp(year, *day): kind for day, kind in TURN_OF_THE_YEAR.items() if shared[kind] == 1}
    return named | fixed | {_easter_sunday(year, country): "Easter"}


@lru_cache(maxsize=8)
def _of_each(first: int, last: int, countries: Countries) -> np.ndarray:
    """As `_every_day`, a column for each."""
    column = {name: number for number, name in enumerate(dict.fromkeys(countries.each))}
    own = np.stack([_every_day(first, last, name) for name in column], axis=1)
    return np.asarray(own[:, [column[name] for name in countries.each]])


@cache
def _every_day(first: int, last: int, country: str) -> np.ndarray:
    """Of each day of some years what `known_ahead` says."""
    if (keeper := _keeper(country)) != country:
        return _every_day(first, last, keeper)
    years = range(first, last + 1)
    return np.concatenate([_year(year, _holidays(year, country), _easter_sunday(year, country)) for year in years])


@cache
def _year(year: int, days_off: frozenset[pd.Timestamp], easter_sunday: pd.Timestamp) -> np.ndarray:
    """Of the many regions that keep the same days they are worked out once; the year's ends have kinds of their own."""
    near = {day + shift * DAY for day in days_off for shift in (-1, 0, 1)}
    turn = {pd.Timestamp(year, *day) for day in TURN_OF_THE_YEAR}
    kind = np.zeros(pd.Timestamp(year, 12, 31).dayofyear, np.int8)
    for day in near | turn | {easter_sunday}:
        if day.year == year:
            kind[day.dayofyear - 1] = KINDS.index(_kind(day, days_off, easter_sunday))
    return kind


def _kind(day: pd.Timestamp, days_off: frozenset[pd.Timestamp], easter_sunday: pd.Timestamp) -> str:
    weekday = day.dayofweek
    if (day.month, day.day) in TURN_OF_THE_YEAR:
        return TURN_OF_THE_YEAR[day.month, day.day]
    if day == easter_sunday:
        return "Easter"
    if day in days_off:
        return "holiday" if weekday < 5 else "weekend holiday"
    if (weekday == 0 and day + DAY in days_off) or (weekday == 4 and day - DAY in days_off):
        return "bridge"
    if weekday < 4 and day + DAY in days_off:
        return "eve"
    return ORDINARY


@cache
def _holidays(year: int, country: str) -> frozenset[pd.Timestamp]:
    categories = HOLIDAY_CATEGORIES
    return frozenset(pd.Timestamp(day) for category in categories for day in holiday_names(year, country, category))


@cache
def holiday_names(year: int, country: str, category: str, language: str | None = None) -> dict[dt.date, str]:
    """A year's holidays that are known years ahead, by name; none of a country that `holidays` does not know.

    Days off by a decree of their own are left out: a forecast as of a day before it must not know of a king's death.
    Of a past year they are as `holidays` has them now: what became law in its course, as Juneteenth of 2021, is among
    them from its first day on, and a feast that hangs on the moon has the date that was sighted, not the one foreseen.

    Parameters
    ----------
    year : int
    country : str
        ISO 3166 code of a country or a region of it.
    category : str
        One of `HOLIDAY_CATEGORIES`.
    language : str, optional
        As `holidays` writes it, ``pt_PT``; the country's own where there is no such translation.
    """
    if (keeper := _keeper(country)) != country:
        return holiday_names(year, keeper, category, language)
    code, _, region = country.partition("-")
    country_calendar = _calendar_of(code)
    if country_calendar is None or category not in country_calendar.supported_categories:
        return {}
    if language not in country_calendar.supported_languages:
        language = country_calendar.default_language
    days = holidays.country_holidays(code, subdiv=region or None, categories=(category,), language=language)
    days.has_special_holidays = False
    days.estimated_label = "%s"  # Eid is called so also where its date is not certain yet
    if hasattr(days, "observed_estimated_label"):
        days.observed_estimated_label = days.observed_label
    days.get(dt.date(year, 1, 1))  # asked for a day, it fills in the year
    return dict(days)


def keeper(country: str) -> str:
    """Whose holidays a place keeps, its region's or its country's; empty where `holidays` lacks the country."""
    return _keeper(country) if _calendar_of(country.partition("-")[0]) is not None else ""


def regions_with_more(keeper: str, year: int) -> list[str]:
    """The regions of a country that keep further holidays in a year, as ``GB-ENG``; none of a region, see `keeper`."""
    calendar = _calendar_of(keeper)
    regions = [f"{keeper}-{region}" for region in calendar.subdivisions] if calendar is not None else []
    return [region for region in regions if _holidays(year, region) - _holidays(year, keeper)]


@cache
def _keeper(country: str) -> str:
    """Whose days are kept there: a region's own, of one unknown to `holidays` its country's."""
    code, _, region = country.partition("-")
    calendar = _calendar_of(code)
    return country if calendar is not None and region in calendar.subdivisions else code


@cache
def _calendar_of(code: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(code)
    except NotImplementedError:
        return None


def _easter_sunday(year: int, country: str) -> pd.Timestamp:
    """By the rite of the country, which is that of its regions."""
    return _easter(year, EASTER_ORTHODOX if _is_orthodox(country[:2]) else EASTER_WESTERN)


@cache
def _is_orthodox(country: str) -> bool:
    """Whether the country keeps Easter by the Julian calendar, and not by both."""
    kept = [
        all({_easter(year, rite), _easter(year, rite) + DAY} & _holidays(year, country) for year in EASTERS_APART)
        for rite in (EASTER_WESTERN, EASTER_ORTHODOX)
    ]
    return kept == [False, True] or country in ORTHODOX


def _easter(year: int, rite: int) -> pd.Timestamp:
    return pd.Timestamp(easter(year, rite))
