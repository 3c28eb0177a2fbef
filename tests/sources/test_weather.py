"""The weather as issued: read with its day of issue, and refused where it is of another place, day or form."""

import datetime as dt
import json

import pytest
from live import Server

from flows.sources.weather import HOST_SETTING, KEY, fetch_weather
from footfall.errors import DataProblem, EnvironmentProblem
from footfall.params import Weather
from footfall.sources.weather import COLUMNS, read_weather

ISSUED, ZONE, LISBON = dt.date(2026, 11, 26), "Europe/Lisbon", Weather(latitude=38.72, longitude=-9.14)


def answer(**changes):
    """What the service says on a day, of this one and two more."""
    return {
        "latitude": 38.75, "longitude": -9.125, "timezone": ZONE,
        "daily_units": {"time": "iso8601", "precipitation_sum": "mm", "temperature_2m_max": "°C"},
        "daily": {"time": ["2026-11-26", "2026-11-27", "2026-11-28"], "precipitation_sum": [0.0, 12.4, None],
                  "temperature_2m_max": [17.1, 15, 16.2]},
    } | changes  # fmt: skip


def read(content, issued=ISSUED):
    given = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_weather(given, LISBON.latitude, LISBON.longitude, ZONE, issued)


def daily(**changes):
    return answer(daily=answer()["daily"] | changes)


def test_every_row_says_when_it_was_issued_and_how_far_ahead_it_looks():
    table = read(answer())
    assert list(table.columns) == COLUMNS
    assert table.loc[1].tolist() == ["2026-11-26", "2026-11-27", 1, 12.4, 15.0]
    assert table["rain_mm"].isna().tolist() == [False, False, True]


BAD = {
    "of another place": (answer(latitude=41.1), "of another place, 41.1, -9.125"),
    "of another zone": (answer(timezone="GMT"), "of another place, .* in GMT"),
    "of yesterday": (
        daily(time=["2026-11-25", "2026-11-26", "2026-11-27"]),
        "begins with 2026-11-25, and it was",
    ),
    "of tomorrow": (daily(time=["2026-11-27", "2026-11-28", "2026-11-29"]), "begins with 2026-11-27, and it was"),
    "a day left out": (daily(time=["2026-11-26", "2026-11-28", "2026-11-29"]), "do not follow each other"),
    "no day": (daily(time=["2026-11-26", "soon", "2026-11-28"]), "a day that is none"),
    "in inches": (answer(daily_units={"precipitation_sum": "inch", "temperature_2m_max": "°C"}), "it comes in .*inch"),
    "fewer numbers": (daily(precipitation_sum=[0.0]), "1 numbers of rain_mm for 3 days"),
    "less than no rain": (daily(precipitation_sum=[0.0, -1, 0]), "rain_mm -1 cannot be"),
    "words": (daily(temperature_2m_max=["warm", 1, 2]), "temperature warm cannot be"),
    "changed": ({"hourly": {}}, "no answer of the service"),
    "cut": (b'{"latitude": 38', "no answer of the service"),
    "an error": ({"error": True, "reason": "limit"}, "no answer of the service"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_the_weather_that_was_asked_for_is_refused(what):
    content, says = BAD[what]
    with pytest.raises(DataProblem, match=f"weather: .*{says}"):
        read(content)


@pytest.fixture
def service(monkeypatch):
    with Server() as server:
        server.body = json.dumps(answer()).encode()
        monkeypatch.setenv(HOST_SETTING, server.url("").rstrip("/"))
        monkeypatch.setenv(KEY, "canary-31aa")
        yield server


def test_it_is_asked_of_the_service_within_limits_and_the_key_is_never_told(service):
    assert fetch_weather(LISBON, ZONE, ISSUED).equals(read(answer()))
    for trouble in ([500] * 3, [404], ["cut"] * 3):
        service.answers = list(trouble)
        with pytest.raises(EnvironmentProblem, match="v1/forecast") as stopped:
            fetch_weather(LISBON, ZONE, ISSUED)
        assert "canary" not in str(stopped.value)


def test_without_a_key_nobody_is_asked(service, monkeypatch):
    monkeypatch.delenv(KEY)
    with pytest.raises(EnvironmentProblem, match="OPEN_METEO_KEY is not set"):
        fetch_weather(LISBON, ZONE, ISSUED)
    assert service.answered == []
