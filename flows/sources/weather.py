"""The weather as it was issued, asked of Open-Meteo's host for those who pay, within our own limits."""

import datetime as dt
import os
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd

from flows.sources import download
from footfall.errors import EnvironmentProblem
from footfall.params import Weather
from footfall.sources.weather import query, read_weather

HOST, HOST_SETTING = "https://customer-api.open-meteo.com", "FOOTFALL_WEATHER_URL"  # the free one is not for business
KEY = "OPEN_METEO_KEY"
DAYS = 16  # as far ahead as there is a forecast
LIMITS = download.Limits(seconds=60, size=1_000_000, unpacked=1_000_000, attempts=3)


def fetch_weather(place: Weather, zone: str, issued: dt.date) -> pd.DataFrame:
    """The weather of coming days at a place, as it is issued now; columns as in `footfall.sources.weather`.

    Raises
    ------
    EnvironmentProblem
        If no key is set, or it cannot be had.
    DataProblem
        If what came is not the weather that was asked for.
    """
    key = os.environ.get(KEY, "")
    if not key:
        raise EnvironmentProblem(f"weather: {KEY} is not set; the service wants a key for commercial use")
    asked = query(place.latitude, place.longitude, zone, DAYS)
    url = f"{os.environ.get(HOST_SETTING, HOST)}/v1/forecast?{urlencode({**asked, 'apikey': key})}"
    with tempfile.TemporaryDirectory() as scratch:
        content = download.fetch(url, Path(scratch), LIMITS, download.ANSWERS).read_bytes()
    return read_weather(content, place.latitude, place.longitude, zone, issued)
