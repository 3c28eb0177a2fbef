"""Why a day is as it will be, in words: the calendar's reasons, the model's, and why a place is shut."""

import pandas as pd

from footfall.calendar import names_of_special_days
from footfall.opening import WEEKDAYS
from footfall.page.about import plain
from footfall.page.translations import Language

WEATHER = ("rain", "dry", "temperature")  # parts of a forecast, whichever way they move it


def shared_reasons(days: pd.DataFrame) -> list[str]:
    """What explains every day alike, and so is said once."""
    every = list(days["reasons"])
    return [reason for reason in every[0] if all(reason in reasons for reasons in every)] if every else []


def because(day: pd.Timestamp, reasons: list[str], country: str, language: Language) -> str:
    """The reasons of a day, with the holiday's name where it has one."""
    sentences = [_reason(day, reason, country, language) for reason in reasons]
    return language.say("semicolon").join(sentences) or language.say("nothing")


def _reason(day: pd.Timestamp, reason: str, country: str, language: Language) -> str:
    if reason.startswith("event "):
        effect, _, what = reason.partition(": ")
        return language.say(effect, what=plain(what))
    if (weather := reason.partition(" ")[0]) in WEATHER:
        return language.say(weather)
    if reason not in ("holiday", "weekend holiday", "eve", "bridge"):
        return language.say(reason)
    for offset in {"eve": (1,), "bridge": (1, -1)}.get(reason, (0,)):
        name, public = language.holiday((day + pd.Timedelta(days=offset)).date(), country)
        if name:
            return language.say(reason if public or offset else "festival", name=name)
    return language.say(reason, name="").strip(" ,()")


def closed_because(day: pd.Timestamp, why: str, country: str, language: Language) -> str:
    """Why a place is shut on a day, as `footfall.opening.foreseen` has it."""
    if why == "weekday":
        return language.say(f"closed {WEEKDAYS[day.dayofweek]}")
    if why == "holiday":
        return language.say("closed holiday", name=_holiday(day, country, language))
    _, _, what = why.partition(": ")
    return language.say("closed event", what=plain(what)) if what else language.say("closed said")


def _holiday(day: pd.Timestamp, country: str, language: Language) -> str:
    """The name of a day that comes again each year; its date where it has none in any language."""
    name = str(names_of_special_days(pd.DatetimeIndex([day]), country)[0])
    known = language.holiday(day.date(), country)[0] or language.sentences.get(name, "")
    return known or language.date(day, year=False)
