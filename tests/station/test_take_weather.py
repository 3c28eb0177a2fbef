"""A day's first run fixes its weather, and no day has weather that was issued after it."""

import datetime as dt
import io
import json

import pandas as pd
import pytest
from live import Server

from flows.settings import today
from flows.sources.weather import HOST_SETTING, KEY
from flows.station.weather import weather_of
from footfall.errors import EnvironmentProblem
from footfall.params import Data, Market, Weather
from footfall.sources.weather import PAST

MARKET = Market(name="tasca", data=Data(source="sample"), weather=Weather(latitude=38.72, longitude=-9.14))


def answer(first, rain):
    days = [str(first + dt.timedelta(days=more)) for more in range(-PAST, 3)]
    return json.dumps({
        "latitude": 38.75, "longitude": -9.125, "timezone": "Europe/Lisbon",
        "daily_units": {"precipitation_sum": "mm", "temperature_2m_max": "°C"},
        "daily": {"time": days, "precipitation_sum": [rain] * (PAST + 3), "temperature_2m_max": [15.0] * (PAST + 3)},
    }).encode()  # fmt: skip


@pytest.fixture
def service(monkeypatch):
    with Server() as server:
        monkeypatch.setenv(HOST_SETTING, server.url("").rstrip("/"))
        monkeypatch.setenv(KEY, "canary-31aa")
        yield server


def rain(content):
    return pd.read_parquet(io.BytesIO(content))["rain_mm"].tolist()


def test_the_first_run_of_a_day_fixes_its_weather(service, bucket):
    day = today()
    service.body = answer(day, 4.0)
    first = weather_of(bucket, MARKET, day)
    service.body = answer(day, 9.0)
    assert rain(first) == [4.0] * (PAST + 3) and weather_of(bucket, MARKET, day) == first
    assert service.answered == [200], "it was asked once"


def test_a_day_that_is_over_has_what_was_kept_on_it_and_nothing_issued_afterwards(service, bucket, monkeypatch):
    from flows.station import weather

    day = today()
    service.body = answer(day, 4.0)
    kept = weather_of(bucket, MARKET, day)
    monkeypatch.setattr(weather, "today", lambda _: day + dt.timedelta(days=1))
    service.body = answer(day + dt.timedelta(days=1), 9.0)
    assert weather_of(bucket, MARKET, day) == kept
    assert weather_of(bucket, MARKET, day - dt.timedelta(days=1)) is None
    assert rain(weather_of(bucket, MARKET, day + dt.timedelta(days=1))) == [9.0] * (PAST + 3)


def test_weather_that_is_away_is_a_problem_that_leaves_nothing_behind(service, bucket):
    service.answers = [503] * 3
    with pytest.raises(EnvironmentProblem, match="answered 503"):
        weather_of(bucket, MARKET, today())
    service.body = answer(today(), 4.0)
    assert rain(weather_of(bucket, MARKET, today())) == [4.0] * (PAST + 3)
