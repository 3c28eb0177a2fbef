"""The coming days as a calendar file: an event a day, and the same event whenever the day is forecast anew."""

import datetime as dt

import pandas as pd
from icalendar import Calendar, Event

from footfall.page.translations import Language, percent


def agenda(table: pd.DataFrame, days: pd.DataFrame, language: Language) -> bytes:
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
    made = dt.date.fromisoformat(first["origin_date"])
    name = language.say("calendar name", place=language.place(first["location"]))
    for key, value in {"prodid": "-//footfall//page//", "version": "2.0", "method": "PUBLISH",
                       "x-wr-calname": name, "x-published-ttl": "P1D"}.items():  # fmt: skip
        calendar.add(key, value)
    for day in days.itertuples():
        calendar.add_component(_event(day, made, f"{first['location']}-{first['target']}", language))
    return calendar.to_ical()


def _event(day, made: dt.date, series: str, language: Language) -> Event:
    event, date = Event(), day.Index.date()
    low, high = percent(day.low), percent(day.high)
    against = language.say("against", weekday=language.one(date), low=low, high=high)
    word = language.say(day.word)
    event.add("uid", f"{date}-{series}@footfall")
    event.add("dtstamp", dt.datetime.combine(made, dt.time(), dt.UTC))
    event.add("sequence", made.toordinal())
    event.add("dtstart", date)
    event.add("dtend", date + dt.timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    event.add("summary", language.say("event", word=word[:1].upper() + word[1:], number=percent(day.expected)))
    event.add("description", f"{percent(day.expected)} {against}")
    return event
