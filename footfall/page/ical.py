"""The coming days as a calendar file: an event a day, and the same event when it is forecast again on another day."""

import datetime as dt
from typing import Any

import pandas as pd
from icalendar import Calendar, Component, Event

from footfall.calendar import country_of
from footfall.outlook import CLOSED
from footfall.page.about import About, plain
from footfall.page.reasons import closed_because
from footfall.page.translations import Language, first_up


def calendar_file(table: pd.DataFrame, days: pd.DataFrame, about: About, language: Language) -> bytes:
    """An iCalendar file of all-day events that leave the day free.

    Parameters
    ----------
    table : DataFrame
        The published table.
    days : DataFrame
        From `footfall.outlook.outlook`.
    about : About
        What the market says of itself.
    language : Language
        Of the events, from ``about.languages``.

    References
    ----------
    RFC 5545, sections 3.6.1 and 3.8.7.4: a later file with the same UID and a higher SEQUENCE replaces the event.
    One of the same day has the same SEQUENCE: who has subscribed to its address sees it, an import may keep the first.
    """
    first, calendar = table.iloc[0], Calendar()
    name = language.say("calendar name", place=about.place(first["location"], language))
    _add(calendar, {"prodid": "-//footfall//page//", "version": "2.0", "method": "PUBLISH", "x-wr-calname": name,
                    "x-published-ttl": "P1D"})  # fmt: skip
    for day in days.itertuples():
        calendar.add_component(_event(day, first, language))
    return bytes(calendar.to_ical())


def _event(day: Any, first: Any, language: Language) -> Event:
    event, date, origin = Event(), day.Index.date(), dt.date.fromisoformat(first["origin_date"])
    market = first["model_version"].partition("/")[0]
    if day.word == CLOSED:
        summary, country = first_up(language.say(CLOSED)), country_of(first["location"])
        description = f"{closed_because(day.Index, day.closed, country, language)}."
    else:
        summary = in_short(day, language)
        description = language.say("against", weekday=language.a_weekday(day.Index), **language.numbers(day))
    _add(event, {
        "uid": f"{date}-{market}-{plain(first['location'])}-{first['target']}@footfall",
        "dtstamp": dt.datetime.combine(origin, dt.time(), dt.UTC),
        "sequence": origin.toordinal(),
        "dtstart": date,
        "dtend": date + dt.timedelta(days=1),
        "transp": "TRANSPARENT",
        "summary": summary,
        "description": first_up(description),
    })  # fmt: skip
    return event


def in_short(day: Any, language: Language) -> str:
    """An open day's word and number: ``Clearly busier than usual (+9%)``."""
    return language.say("event", word=first_up(language.say(day.word)), **language.numbers(day))


def _add(component: Component, properties: dict[str, Any]) -> None:
    for name, value in properties.items():
        component.add(name, value)
