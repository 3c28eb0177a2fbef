"""The coming days as a calendar file: an event a day, and the same event whenever the day is forecast anew."""

import datetime as dt
from typing import Any

import pandas as pd
from icalendar import Calendar, Component, Event

from footfall.page.translations import Language, first_up, percent


def calendar_file(table: pd.DataFrame, days: pd.DataFrame, language: Language) -> bytes:
    """An iCalendar file of all-day events that leave the day free.

    Parameters
    ----------
    table : DataFrame
        The published table.
    days : DataFrame
        From `footfall.outlook.outlook`.
    language : Language
        Of the events.

    References
    ----------
    RFC 5545, sections 3.6.1 and 3.8.7.4: a later file with the same UID and a higher SEQUENCE replaces the event.
    """
    first, calendar = table.iloc[0], Calendar()
    origin = dt.date.fromisoformat(first["origin_date"])
    name = language.say("calendar name", place=language.place(first["location"]))
    _add(calendar, {"prodid": "-//footfall//page//", "version": "2.0", "method": "PUBLISH", "x-wr-calname": name,
                    "x-published-ttl": "P1D"})  # fmt: skip
    for day in days.itertuples():
        calendar.add_component(_event(day, origin, f"{first['location']}-{first['target']}", language))
    return bytes(calendar.to_ical())


def _event(day: Any, origin: dt.date, series: str, language: Language) -> Event:
    event, date, number = Event(), day.Index.date(), percent(day.expected)
    weekday, word = language.a_weekday(date), first_up(language.say(day.word))
    against = language.say("against", weekday=weekday, low=percent(day.low), high=percent(day.high))
    _add(event, {
        "uid": f"{date}-{series}@footfall",
        "dtstamp": dt.datetime.combine(origin, dt.time(), dt.UTC),
        "sequence": origin.toordinal(),
        "dtstart": date,
        "dtend": date + dt.timedelta(days=1),
        "transp": "TRANSPARENT",
        "summary": language.say("event", word=word, number=number),
        "description": f"{number} {against}",
    })  # fmt: skip
    return event


def _add(component: Component, properties: dict[str, Any]) -> None:
    for name, value in properties.items():
        component.add(name, value)
