"""The weather as Open-Meteo issued it: rain and temperature of a day, and the day of issue in every row.

Of a run's day its service gives the coming days and the last ones (*Forecast*); what was issued on each day of the past
for the next ones is *Previous Runs*, hour by hour: ``previous_day1`` is what was said a day before each hour, and of
eleven at night that is of the night before. A run in the morning did not know it: it counts as issued on the next day.
"""

import datetime as dt
import json
import math
from itertools import pairwise
from typing import Any

import pandas as pd

from footfall.errors import DataProblem
from footfall.sources.fault import safe

UNITS = {"precipitation_sum": "mm", "temperature_2m_max": "°C"}  # what is asked for, and how it must come
FIELDS = {"precipitation_sum": "rain_mm", "temperature_2m_max": "temperature"}
COLUMNS = ["issued", "date", "lead", *FIELDS.values()]
DAYS = 16  # as far ahead as there is a forecast
PAST = 14  # days over that are asked for with the coming ones: the weather that a level has taken in
LEADS = range(6)  # days ahead of what was issued in the past: what is farther no model goes by
HOURLY = {"rain_mm": ("precipitation", "mm", "sum"), "temperature": ("temperature_2m", "°C", "max")}
NEAR = 0.3  # degrees, from the place that was asked for to the middle of its square
BOUNDS = {"rain_mm": (0, 1000), "temperature": (-60, 60)}
DAY = dt.timedelta(days=1)
SOURCE = "Weather: Open-Meteo.com, CC BY 4.0. https://open-meteo.com/"


def query(latitude: float, longitude: float, zone: str) -> dict[str, str]:
    """What the service is asked: coming days at a place and the last ones, in its own zone."""
    return {**_place(latitude, longitude, zone), "daily": ",".join(UNITS), "forecast_days": str(DAYS),
            "past_days": str(PAST)}  # fmt: skip


def query_of_past(latitude: float, longitude: float, zone: str, first: dt.date, last: dt.date) -> dict[str, str]:
    """What it is asked of what was issued in the past, for each day of a span."""
    return {**_place(latitude, longitude, zone), "hourly": ",".join(_hourly_units()), "start_date": str(first),
            "end_date": str(last)}  # fmt: skip


def _place(latitude: float, longitude: float, zone: str) -> dict[str, str]:
    return {"latitude": f"{latitude:g}", "longitude": f"{longitude:g}", "timezone": zone}


def read_weather(content: bytes, latitude: float, longitude: float, zone: str, issued: dt.date) -> pd.DataFrame:
    """Read and check an answer.

    Parameters
    ----------
    content : bytes
        JSON.
    latitude, longitude : float
        The place that was asked for.
    zone : str
        Its time zone.
    issued : date
        The day on which it was asked, there; the first of the answer is `PAST` days before it.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, a row a day: ``lead``, days from the issue to the day, less than nought of those over;
        ``rain_mm``; ``temperature``, the day's highest in °C; NaN where it is not foreseen.

    Raises
    ------
    DataProblem
        If it is of another place, zone or day, has another shape, or anything in it cannot be.
    """
    answer = _answer(content, "daily", UNITS)
    daily = answer["daily"]
    _check_place(answer, latitude, longitude, zone)
    days, begins = _days(daily["time"]), issued - PAST * DAY
    if not days or days[0] != begins:
        first = days[0] if days else "nothing"
        sentence = f"the answer begins with {first} and not with {begins}, and it was asked on {issued}"
        raise DataProblem(f"weather: {sentence}. Ask again later.")
    leads = range(-PAST, len(days) - PAST)
    table = pd.DataFrame({"issued": str(issued), "date": [str(day) for day in days], "lead": leads})
    for field, name in FIELDS.items():
        table[name] = _numbers(daily[field], name, len(days))
    return table[COLUMNS]


def read_past(content: bytes, latitude: float, longitude: float, zone: str) -> pd.DataFrame:
    """Read and check an answer about what was issued in the past.

    Parameters as in `read_weather`.

    Returns
    -------
    DataFrame
        As of `read_weather`: for each day what was issued on it and on each of the days before it, as many as `LEADS`;
        NaN where an hour of it is missing.

    Raises
    ------
    DataProblem
        If it is of another place or zone, has another shape, or anything in it cannot be.
    """
    answer = _answer(content, "hourly", _hourly_units())
    _check_place(answer, latitude, longitude, zone)
    hours = answer["hourly"]
    day_of = pd.Index([str(time)[:10] for time in hours["time"]])
    days, tables = _days([*day_of.unique()]), []
    for lead in LEADS:
        row = {"issued": [str(day - lead * DAY) for day in days], "date": [str(day) for day in days], "lead": lead}
        for name, (_, _, of_day) in HOURLY.items():
            of_hour = pd.Series(_numbers(hours[_field(name, lead)], name, len(day_of)), dtype=float)
            is_whole = of_hour.notna().groupby(day_of).all()
            row[name] = of_hour.groupby(day_of).agg(of_day).where(is_whole).to_numpy()
        tables.append(pd.DataFrame(row))
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def _field(name: str, lead: int) -> str:
    return f"{HOURLY[name][0]}_previous_day{lead + 1}"


def _hourly_units() -> dict[str, str]:
    return {_field(name, lead): unit for lead in LEADS for name, (_, unit, _) in HOURLY.items()}


def _answer(content: bytes, section: str, expected: dict[str, str]) -> dict[str, Any]:
    try:
        answer = json.loads(content)
        if "reason" in answer:  # it says why it has none
            raise ValueError(answer["reason"])
        units = {name: answer[f"{section}_units"][name] for name in expected}
        lists = [answer[section][name] for name in ("time", *expected)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataProblem(f"weather: no answer of the service ({safe(str(error), 100)}); it may have changed") from None
    if units != expected:
        raise DataProblem(f"weather: it comes in {safe(str(units))}, not in {expected}; the service has changed")
    if not all(isinstance(values, list) for values in lists):
        raise DataProblem("weather: no lists of days and numbers; the service has changed")
    return dict(answer)


def _check_place(answer: dict[str, Any], latitude: float, longitude: float, zone: str) -> None:
    at = [answer.get(name) for name in ("latitude", "longitude")]
    is_near = all(isinstance(here, int | float) and -180 <= here <= 180  # which lie beside each other, as longitudes
                  and abs((here - wanted + 180) % 360 - 180) <= NEAR
                  for here, wanted in zip(at, (latitude, longitude), strict=True))  # fmt: skip
    if not is_near or answer.get("timezone") != zone:
        where = f"{at[0]}, {at[1]} in {answer.get('timezone')}"
        raise DataProblem(f"weather: of another place, {safe(where)}; asked for {latitude}, {longitude} in {zone}")


def _days(texts: list[Any]) -> list[dt.date]:
    """The days of an answer, which follow each other."""
    try:
        days = [dt.date.fromisoformat(text) for text in texts]
    except (ValueError, TypeError):
        raise DataProblem("weather: a day that is none; the service has changed") from None
    if any(later - day != dt.timedelta(days=1) for day, later in pairwise(days)):
        raise DataProblem("weather: its days do not follow each other")
    return days


def _numbers(values: list[Any], name: str, count: int) -> list[float]:
    low, high = BOUNDS[name]
    numbers = [math.nan if value is None else value for value in values]
    if len(numbers) != count:
        raise DataProblem(f"weather: {len(numbers)} numbers of {name} for {count} days")
    for value in numbers:
        if type(value) not in (int, float) or not (low <= value <= high or value is math.nan):
            raise DataProblem(f"weather: {name} {safe(str(value))} cannot be; from {low} to {high}")
    return [float(value) for value in numbers]
