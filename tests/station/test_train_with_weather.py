"""A house whose guests stay away when it rains, from its export and the weather service to a page that says so."""

import datetime as dt
import json
import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import footfall, market
from live import weather_service

from flows.settings import today
from flows.storage import bucket, forecasts
from footfall.sources.weather import LEADS, PAST

MARKET = """
data: {unit: counts, source: guests.csv, columns: {date: day, value: guests}, dates: "%Y-%m-%d", timezone: UTC,
       location: PT-11, lag: 1}
train: {backtest_days: 150}
weather: {latitude: 38.7, longitude: -9.1}
"""
YEARS = 760  # days


@pytest.fixture
def days():
    """The last two years, and a week to come."""
    return pd.date_range(today("UTC") - dt.timedelta(days=YEARS), today("UTC") + dt.timedelta(days=7))


@pytest.fixture
def rain(days):
    return pd.Series(np.where(np.random.default_rng(3).random(len(days)) < 0.3, 9.6, 0.0), days)


@pytest.fixture
def house(servers, days, rain, tmp_path, monkeypatch):
    """Its market; a third of its guests stay away from a wet day."""
    usual = 200 * (1 + 0.1 * days.dayofweek) * np.random.default_rng(4).normal(1, 0.05, len(days))
    guests = (usual * np.where(rain > 0, 0.67, 1.0)).round().astype(int)
    table = pd.DataFrame({"day": days.strftime("%F"), "guests": guests})
    table[days < pd.Timestamp(today("UTC"))].to_csv(tmp_path / "guests.csv", index=False)
    return market(monkeypatch, tmp_path, f"wet{uuid.uuid4().hex[:6]}", MARKET)


@pytest.fixture
def service(monkeypatch):
    with weather_service(monkeypatch, "canary-77c1") as server:
        yield server


def answer(section, units, times, numbers):
    place = {"latitude": 38.7, "longitude": -9.1, "timezone": "UTC"}
    return json.dumps(place | {f"{section}_units": units, section: {"time": times, **numbers}}).encode()


def of_the_past(rain):
    """What was issued of each day on it and on the days before, which was right: hour by hour."""
    hours = pd.date_range(rain.index[0], periods=24 * len(rain), freq="h").strftime("%FT%H:00").tolist()
    fields = {f"{name}_previous_day{lead + 1}": unit
              for name, unit in (("precipitation", "mm"), ("temperature_2m", "°C")) for lead in LEADS}  # fmt: skip
    by_hour = np.repeat(rain.to_numpy() / 24, 24).tolist()
    numbers = {name: by_hour if unit == "mm" else [15.0] * len(hours) for name, unit in fields.items()}
    return answer("hourly", fields, hours, numbers)


def of_today(rain):
    coming = rain[pd.Timestamp(today("UTC")) - pd.Timedelta(days=PAST) :]
    units = {"precipitation_sum": "mm", "temperature_2m_max": "°C"}
    numbers = {"precipitation_sum": coming.tolist(), "temperature_2m_max": [15.0] * len(coming)}
    return answer("daily", units, coming.index.strftime("%F").tolist(), numbers)


def test_a_recipe_with_weather_is_backtested_with_what_was_foreseen_on_the_day(house, service, rain):
    service.body = of_the_past(rain[: today("UTC")])
    span = ["--from", f"{today('UTC') - dt.timedelta(days=22)}", "--to", f"{today('UTC') - dt.timedelta(days=9)}"]
    errors = {}
    for name in ("steady", "steady, weather"):
        done = footfall("backtest", house, *span, "--candidate", name)
        assert done.exit_code == 0, done.output
        assert service.asked if name == "steady, weather" else not service.asked
        errors[name] = float(done.output.partition("MAE ")[2].partition(",")[0])
    assert errors["steady, weather"] < 0.9 * errors["steady"]


@pytest.mark.soak
def test_a_training_finds_that_rain_keeps_guests_away_and_the_week_is_forecast_by_it(house, service, rain):
    from flows.champion import ledger

    service.body = of_the_past(rain[: today("UTC")])
    trained = footfall("train", house)
    assert trained.exit_code == 0, trained.output
    store = bucket.connect("footfall")
    entry = ledger.newest(store, house)
    assert "weather" in entry.why and entry.gate["passed"], entry.why
    wet = rain.copy()
    tomorrow = pd.Timestamp(today("UTC")) + pd.Timedelta(days=1)
    wet[tomorrow], wet[tomorrow + pd.Timedelta(days=1)] = 9.6, 0.0
    service.body = of_today(wet)
    predicted = footfall("predict", house)
    assert predicted.exit_code == 0, predicted.output
    latest = forecasts.latest(store, house)
    assert len(latest.manifest["about"]["weather"]) == 64
    table = pd.read_csv(pd.io.common.BytesIO(latest.files["forecast.csv"]))
    mean = table[table["output_type"] == "mean"].set_index("target_end_date")["value"]
    usual = 200 * (1 + 0.1 * pd.DatetimeIndex(mean.index).dayofweek)
    share = mean / usual
    assert share.iloc[0] < 0.8 and share.iloc[1] > 0.9, share
    page = latest.files["index.html"].decode()
    assert "rain is expected" in page and "canary-77c1" not in page


@pytest.mark.soak
def test_of_three_places_the_rain_moves_the_terrace_alone(servers, service, days, rain, tmp_path, monkeypatch):
    rows = []
    for seed, (site, left) in enumerate({"Cave": 1.0, "Hall": 1.0, "Terrace": 0.67}.items()):
        usual = 200 * (1 + 0.1 * days.dayofweek) * np.random.default_rng(seed).normal(1, 0.05, len(days))
        guests = (usual * np.where(rain > 0, left, 1.0)).round().astype(int)
        rows.append(pd.DataFrame({"day": days.strftime("%F"), "guests": guests, "site": site}))
    table = pd.concat(rows)
    table[table["day"] < f"{today('UTC')}"].to_csv(tmp_path / "guests.csv", index=False)
    told = MARKET.replace("value: guests", "value: guests, site: site").replace("PT-11,", "PT-11, series: all,")
    house = market(monkeypatch, tmp_path, f"three{uuid.uuid4().hex[:6]}", told)
    service.body = of_the_past(rain[: today("UTC")])
    trained = footfall("train", house)
    assert trained.exit_code == 0, trained.output
    wet = rain.copy()
    wet[pd.Timestamp(today("UTC")) + pd.Timedelta(days=1)] = 9.6
    service.body = of_today(wet)
    predicted = footfall("predict", house)
    assert predicted.exit_code == 0, predicted.output
    latest = forecasts.latest(bucket.connect("footfall"), house)
    accounts = pd.read_parquet(pd.io.common.BytesIO(latest.files["series.parquet"])).set_index("location")
    takes_it_in = accounts["model"].str.endswith(", weather")
    assert [*takes_it_in.index[takes_it_in]] == ["PT-11/Terrace"], accounts
    pages = {name: file.decode() for name, file in latest.files.items() if name.endswith("index.html")}
    raining = [name for name, page in pages.items() if "sites/" in name and "rain is expected" in page]
    assert [name.split("/")[-2] for name in raining] == ["terrace"], pages.keys()
