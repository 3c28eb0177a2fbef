"""The weather as it was issued, asked of Open-Meteo's host for those who pay, within our own limits."""

import datetime as dt
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import urlencode

import pandas as pd

from flows.sources import download
from flows.sources.download import DownloadLimits
from footfall.errors import EnvironmentProblem
from footfall.evaluation.gate import WEATHER
from footfall.params import Weather
from footfall.sources.weather import query, query_of_past, read_past, read_weather

HOST, HOST_SETTING = "https://customer-api.open-meteo.com", "FOOTFALL_WEATHER_URL"  # the free one is not for business
HOST_OF_PAST = "https://customer-previous-runs-api.open-meteo.com"
KEY = "OPEN_METEO_KEY"
LEARNED = 400  # days of weather before a training's first origin, from which is learned what it does
SINCE = dt.date(2024, 1, 20)  # before it nobody kept what was issued
LIMITS = DownloadLimits(seconds=60, size=1_000_000, unpacked=1_000_000, attempts=3)
LIMITS_OF_PAST = DownloadLimits(seconds=180, size=20_000_000, unpacked=20_000_000, attempts=3)  # years, hour by hour


def is_of_weather(candidate: str) -> bool:
    """Whether a candidate takes in the weather: it is called as the one that does not, and so."""
    return candidate.endswith(WEATHER)


def fetch_weather(place: Weather, zone: str, issued: dt.date) -> pd.DataFrame:
    """The weather of coming days at a place, as it is issued now; columns as in `footfall.sources.weather`.

    Raises
    ------
    EnvironmentProblem
        If no key is set, or it cannot be had.
    DataProblem
        If what came is not the weather that was asked for.
    """
    content = _asked(HOST, query(place.latitude, place.longitude, zone), LIMITS)
    return read_weather(content, place.latitude, place.longitude, zone, issued)


def fetch_past(place: Weather, zone: str, first: dt.date, last: dt.date) -> pd.DataFrame:
    """The weather of each day of a span as it was issued on it and on the days before; as and if `fetch_weather`."""
    content = _asked(HOST_OF_PAST, query_of_past(place.latitude, place.longitude, zone, first, last), LIMITS_OF_PAST)
    return read_past(content, place.latitude, place.longitude, zone)


def _asked(host: str, asked: dict[str, str], limits: DownloadLimits) -> bytes:
    key = os.environ.get(KEY, "")
    if not key:
        raise EnvironmentProblem(f"weather: {KEY} is not set; the service wants a key for commercial use")
    address = os.environ.get(HOST_SETTING, host)
    if not re.match("https?://[^/]", address):  # of what is no address, a message would hold all, and so the key
        raise EnvironmentProblem(
            f"weather: {HOST_SETTING} is no address of a mirror of both its services, https://…; unset it for their own"
        )
    url = f"{address}/v1/forecast?{urlencode({**asked, 'apikey': key})}"
    with tempfile.TemporaryDirectory() as scratch:
        return download.fetch(url, Path(scratch), limits, download.ANSWERS).read_bytes()
