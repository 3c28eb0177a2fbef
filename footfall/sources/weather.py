"""The weather of coming days as Open-Meteo issued it: rain and temperature a day, the day of issue in every row."""

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
NEAR = 0.3  # degrees, from the place that was asked for to the middle of its square
BOUNDS = {"rain_mm": (0, 1000), "temperature": (-60, 60)}
SOURCE = "Weather: Open-Meteo.com, CC BY 4.0. https://open-meteo.com/"


def query(latitude: float, longitude: float, zone: str, days: int) -> dict[str, str]:
    """What the service is asked: coming days at a place, in its own zone."""
    return {"latitude": f"{latitude:g}", "longitude": f"{longitude:g}", "daily": ",".join(UNITS),
            "timezone": zone, "forecast_days": str(days)}  # fmt: skip


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
        The day on which it was asked, there: the first of the answer.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, a row a day: ``lead``, days from the issue to the day; ``rain_mm``; ``temperature``, the
        day's highest in °C; NaN where it is not foreseen.

    Raises
    ------
    DataProblem
        If it is of another place, zone or day, has another shape, or anything in it cannot be.
    """
    answer = _answer(content)
    daily = answer["daily"]
    _check_place(answer, latitude, longitude, zone)
    days = _days(daily["time"])
    if not days or days[0] != issued:
        first = days[0] if days else "nothing"
        raise DataProblem(f"weather: the answer begins with {first}, and it was asked on {issued}. Ask again later.")
    table = pd.DataFrame({"issued": str(issued), "date": [str(day) for day in days], "lead": range(len(days))})
    for field, name in FIELDS.items():
        table[name] = _numbers(daily[field], name, len(days))
    return table[COLUMNS]


def _answer(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
        units = {name: answer["daily_units"][name] for name in UNITS}
        lists = [answer["daily"][name] for name in ("time", *UNITS)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataProblem(f"weather: no answer of the service ({safe(str(error), 100)}); it may have changed") from None
    if units != UNITS:
        raise DataProblem(f"weather: it comes in {safe(str(units))}, not in {UNITS}; the service has changed")
    if not all(isinstance(values, list) for values in lists):
        raise DataProblem("weather: no lists of days and numbers; the service has changed")
    return dict(answer)


def _check_place(answer: dict[str, Any], latitude: float, longitude: float, zone: str) -> None:
    at = [answer.get(name) for name in ("latitude", "longitude")]
    is_near = all(isinstance(here, int | float) and abs(here - wanted) <= NEAR
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
        if type(value) not in (int, float) or not (math.isnan(value) or low <= value <= high):
            raise DataProblem(f"weather: {name} {safe(str(value))} cannot be; from {low} to {high}")
    return [float(value) for value in numbers]
