"""A day's first run fixes its weather, and no day has weather that was issued after it."""

import datetime as dt
import io
import json
from contextlib import nullcontext
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from live import weather_service

from flows.settings import today
from flows.storage import bucket as storage
from flows.storage import layout
from footfall.digest import sha256
from footfall.errors import DataProblem, EnvironmentProblem
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
def weather(servers):
    from flows.station import weather

    return weather


@pytest.fixture
def service(monkeypatch):
    with weather_service(monkeypatch, "canary-31aa") as server:
        yield server


def rain(content):
    return pd.read_parquet(io.BytesIO(content))["rain_mm"].tolist()


def test_weather_that_was_replaced_in_the_bucket_is_not_taken(weather, service, bucket):
    day = today()
    service.body = answer(day, 4.0)
    name = layout.snapshot(sha256(weather.weather_of(bucket, MARKET, day)))
    bucket.blob(name).upload_from_string(b"forged")
    with pytest.raises(DataProblem, match=rf"{name}: altered.*bucket's versions"):
        weather.weather_of(bucket, MARKET, day)


def test_the_first_run_of_a_day_fixes_its_weather(weather, service, bucket):
    day = today()
    service.body = answer(day, 4.0)
    first = weather.weather_of(bucket, MARKET, day)
    service.body = answer(day, 9.0)
    assert rain(first) == [4.0] * (PAST + 3) and weather.weather_of(bucket, MARKET, day) == first
    assert service.answered == [200], "it was asked once"


def test_a_day_that_is_over_has_what_was_kept_on_it_and_nothing_issued_afterwards(
    weather, service, bucket, monkeypatch
):
    day = today()
    service.body = answer(day, 4.0)
    kept = weather.weather_of(bucket, MARKET, day)
    monkeypatch.setattr(weather, "today", lambda _: day + dt.timedelta(days=1))
    service.body = answer(day + dt.timedelta(days=1), 9.0)
    assert weather.weather_of(bucket, MARKET, day) == kept
    assert weather.weather_of(bucket, MARKET, day - dt.timedelta(days=1)) is None
    later = pd.read_parquet(io.BytesIO(weather.weather_of(bucket, MARKET, day + dt.timedelta(days=1))))
    assert later.groupby("issued")["rain_mm"].unique().map(list).to_dict() == {
        str(day): [4.0], str(day + dt.timedelta(days=1)): [9.0],
    }, "with it what was kept before"  # fmt: skip


def test_what_was_kept_before_comes_along_for_a_while_and_from_the_same_place_alone(
    weather, service, bucket, monkeypatch
):
    def taken(market, later):
        now = today() + dt.timedelta(days=later)
        monkeypatch.setattr(weather, "today", lambda _: now)
        service.body = answer(now, 4.0)
        issued = pd.read_parquet(io.BytesIO(weather.weather_of(bucket, market, now)))["issued"].unique()
        return [(dt.date.fromisoformat(day) - today()).days for day in issued]

    monkeypatch.setattr(weather, "LATELY", 7)
    assert taken(MARKET, 0) == [0] and taken(MARKET, 5) == [0, 5] and taken(MARKET, 8) == [5, 8]
    moved = MARKET.model_copy(update={"weather": Weather(latitude=38.73, longitude=-9.14)})
    assert taken(moved, 9) == [9]
    bucket.delete_blobs(list(bucket.list_blobs(prefix="snapshots/")))
    assert taken(moved, 10) == [10], "what is lost stops no day"


def test_weather_that_was_kept_of_another_place_is_none_of_a_market_that_moved(weather, service, bucket):
    service.body = answer(today(), 4.0)
    weather.weather_of(bucket, MARKET, today())
    moved = MARKET.model_copy(update={"weather": Weather(latitude=38.73, longitude=-9.14)})
    with pytest.raises(DataProblem, match="of the new place"):
        weather.weather_of(bucket, moved, today())


def test_weather_that_is_away_is_a_problem_that_leaves_nothing_behind(weather, service, bucket):
    service.answers = [503] * 3
    with pytest.raises(EnvironmentProblem, match="answered 503"):
        weather.weather_of(bucket, MARKET, today())
    service.body = answer(today(), 4.0)
    assert rain(weather.weather_of(bucket, MARKET, today())) == [4.0] * (PAST + 3)


def hourly(first, last):
    """What was issued of each day of a span, and on the days before: a millimetre an hour."""
    hours = [f"{day:%F}T{hour:02}:00" for day in pd.date_range(first, last) for hour in range(24)]
    fields = {f"{name}{ahead}": unit for name, unit in (("precipitation", "mm"), ("temperature_2m", "°C"))
              for ahead in [f"_previous_day{days}" for days in range(1, 7)]}  # fmt: skip
    numbers = {name: [1.0] * len(hours) for name in fields}
    return json.dumps({
        "latitude": 38.75, "longitude": -9.125, "timezone": "Europe/Lisbon",
        "hourly_units": fields, "hourly": {"time": hours, **numbers},
    }).encode()  # fmt: skip


def test_a_training_has_what_was_issued_by_its_day_and_nothing_later(weather, service, bucket):
    as_of = dt.date(2026, 3, 10)
    service.body = hourly("2026-03-01", "2026-03-12")
    content = weather.past_weather(bucket, MARKET, as_of)
    table = pd.read_parquet(io.BytesIO(content))
    assert table["issued"].max() == "2026-03-10" and table["date"].max() == "2026-03-12"
    assert table.groupby("date").size()["2026-03-12"] == 4, "five, four, three and two days before"
    assert table["rain_mm"].eq(24).all()
    assert storage.read(bucket, layout.snapshot(sha256(content))) == content
    asked = parse_qs(urlsplit(service.asked[-1]).query)
    days = as_of - dt.date.fromisoformat(asked["start_date"][0])
    assert asked["end_date"] == ["2026-03-10"] and days.days == 400 + 182 + 7 + 3
    weather.past_weather(bucket, MARKET, dt.date(2024, 6, 1))
    assert parse_qs(urlsplit(service.asked[-1]).query)["start_date"] == ["2024-01-20"], "nobody kept what was before"


@pytest.mark.parametrize("trouble", [[503] * 3, ["cut"] * 3, "of another place", "late"])
def test_a_run_that_cannot_have_its_weather_goes_on_and_says_so(
    weather, service, bucket, tmp_path, monkeypatch, trouble
):
    from flows.station.run import Run

    said = []
    monkeypatch.setattr(weather, "stage", lambda name: nullcontext(said))
    monkeypatch.setenv("FOOTFALL_BUCKET", bucket.name)
    body = answer(today(), 4.0)
    service.body = body.replace(b"38.75", b"41.1") if trouble == "of another place" else body
    service.body = answer(today() - dt.timedelta(days=1), 4.0) if trouble == "late" else service.body
    service.answers = trouble if isinstance(trouble, list) else []
    market = MARKET.model_copy(update={"data": MARKET.data.model_copy(update={"as_of": str(today())})})
    run = Run("predict", market, tmp_path)
    assert weather.take_weather.fn(run) == "" and run.facts == {"weather": "without"}
    assert said[0].startswith("without: ") and not (tmp_path / "in" / "weather.parquet").exists()
    service.body, service.answers = body, []
    assert weather.take_weather.fn(run) == "in/weather.parquet" and len(run.facts["weather"]) == 64


def test_of_days_before_all_that_is_kept_nothing_is_asked(weather, service, bucket):
    assert weather.past_weather(bucket, MARKET, weather.SINCE - dt.timedelta(days=1)) is None
    assert service.answered == []
