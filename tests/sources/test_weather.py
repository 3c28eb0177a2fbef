"""The weather as issued: read with its day of issue, and refused where it is of another place, day or form."""

import datetime as dt
import json

import pytest
from live import Server

from flows.sources.weather import HOST_SETTING, KEY, fetch_past, fetch_weather
from footfall.errors import DataProblem, EnvironmentProblem
from footfall.params import Weather
from footfall.sources.weather import COLUMNS, PAST, read_past, read_weather

ISSUED, ZONE, LISBON = dt.date(2026, 11, 26), "Europe/Lisbon", Weather(latitude=38.72, longitude=-9.14)


def answer(**changes):
    """What the service says on a day, of the fortnight before it, this one and two more."""
    days = [str(ISSUED + dt.timedelta(days=more)) for more in range(-PAST, 3)]
    return {
        "latitude": 38.75, "longitude": -9.125, "timezone": ZONE,
        "daily_units": {"time": "iso8601", "precipitation_sum": "mm", "temperature_2m_max": "°C"},
        "daily": {"time": days, "precipitation_sum": [1.0] * PAST + [0.0, 12.4, None],
                  "temperature_2m_max": [14] * PAST + [17.1, 15, 16.2]},
    } | changes  # fmt: skip


def read(content, issued=ISSUED):
    given = content if isinstance(content, bytes) else json.dumps(content).encode()
    return read_weather(given, LISBON.latitude, LISBON.longitude, ZONE, issued)


def daily(**changes):
    return answer(daily=answer()["daily"] | changes)


def moved(days):
    return daily(time=[str(ISSUED + dt.timedelta(days=more + days)) for more in range(-PAST, 3)])


def test_every_row_says_when_it_was_issued_and_how_far_ahead_it_looks():
    table = read(answer())
    assert list(table.columns) == COLUMNS
    assert table.loc[PAST + 1].tolist() == ["2026-11-26", "2026-11-27", 1, 12.4, 15.0]
    assert table.loc[0].tolist() == ["2026-11-26", "2026-11-12", -14, 1.0, 14.0]
    assert table["rain_mm"].isna().tolist() == [False] * (PAST + 2) + [True]


BAD = {
    "of another place": (answer(latitude=41.1), "of another place, 41.1, -9.125"),
    "of another zone": (answer(timezone="GMT"), "of another place, .* in GMT"),
    "of yesterday": (moved(-1), "begins with 2026-11-11 and not with 2026-11-12"),
    "of tomorrow": (moved(1), "begins with 2026-11-13 and not with 2026-11-12"),
    "of coming days alone": (daily(time=["2026-11-26"]), "begins with 2026-11-26 and not"),
    "a day left out": (daily(time=["2026-11-26", "2026-11-28", "2026-11-29"]), "do not follow each other"),
    "no day": (daily(time=["2026-11-26", "soon", "2026-11-28"]), "a day that is none"),
    "in inches": (answer(daily_units={"precipitation_sum": "inch", "temperature_2m_max": "°C"}), "it comes in .*inch"),
    "fewer numbers": (daily(precipitation_sum=[0.0]), "1 numbers of rain_mm for 17 days"),
    "less than no rain": (daily(precipitation_sum=[0.0, -1] + [0.0] * 15), "rain_mm -1 cannot be"),
    "words": (daily(temperature_2m_max=["warm"] + [1] * 16), "temperature warm cannot be"),
    "changed": ({"hourly": {}}, "no answer of the service"),
    "cut": (b'{"latitude": 38', "no answer of the service"),
    "an error": ({"error": True, "reason": "limit"}, r"no answer of the service \(limit\)"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_the_weather_that_was_asked_for_is_refused(what):
    content, says = BAD[what]
    with pytest.raises(DataProblem, match=f"weather: .*{says}"):
        read(content)


def test_longitudes_lie_beside_each_other_across_the_line_of_the_date():
    content = json.dumps(answer(latitude=-16.8, longitude=-180.0, timezone="Pacific/Fiji")).encode()
    assert len(read_weather(content, -16.8, 179.98, "Pacific/Fiji", ISSUED))
    with pytest.raises(DataProblem, match="of another place"):
        read_weather(content, -16.8, 179.6, "Pacific/Fiji", ISSUED)


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


def past(days=("2026-03-28", "2026-03-29"), **changes):
    """What the service says of what was issued for some days, hour by hour; on the second a clock went forward."""
    hours = [f"{day}T{hour:02}:00" for day in days for hour in range(24) if (day, hour) != ("2026-03-29", 1)]
    rain = {f"precipitation{lead}": [0.5] * len(hours) for lead in ISSUES}
    degrees = {f"temperature_2m{lead}": [*range(len(hours))] for lead in ISSUES}
    units = dict.fromkeys(rain, "mm") | dict.fromkeys(degrees, "°C")
    hourly = {"time": hours, **rain, **degrees} | changes
    return {"latitude": 38.75, "longitude": -9.125, "timezone": ZONE, "hourly_units": units, "hourly": hourly}


ISSUES = [f"_previous_day{days}" for days in range(1, 7)]


def read_of_past(document):
    return read_past(json.dumps(document).encode(), LISBON.latitude, LISBON.longitude, ZONE)


def test_what_was_issued_in_the_past_is_of_whole_days_and_says_on_which_day_it_was():
    gap = [None] + [2.0] * 46
    table = read_of_past(past(precipitation_previous_day3=gap))
    assert list(table.columns) == COLUMNS and len(table) == 2 * 6
    one = table[table["lead"] == 1]
    assert one["issued"].tolist() == ["2026-03-27", "2026-03-28"] and one["rain_mm"].tolist() == [12.0, 11.5]
    assert one["temperature"].tolist() == [23, 46]
    two = table[table["lead"] == 2]
    assert two["issued"].tolist() == ["2026-03-26", "2026-03-27"]
    assert two["rain_mm"].isna().tolist() == [True, False] and two["rain_mm"].iloc[1] == 46.0


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (past(("2026-03-26", "2026-03-28")), "do not follow each other"),
        (past(precipitation_previous_day1=[0.1]), "1 numbers of rain_mm for 47 days"),
        (past() | {"latitude": 41.0}, "of another place"),
        (answer(), "no answer of the service"),
        (past(temperature_2m_previous_day1=[200] * 47), "temperature 200 cannot be"),
        (past(temperature_2m_previous_day1=[10**400] * 47), "temperature 1000"),
    ],
)
def test_a_past_that_was_not_asked_for_is_refused(document, says):
    with pytest.raises(DataProblem, match=f"weather: .*{says}"):
        read_of_past(document)


def test_the_past_is_asked_for_a_span_of_days(service):
    service.body = json.dumps(past()).encode()
    table = fetch_past(LISBON, ZONE, dt.date(2026, 3, 28), dt.date(2026, 3, 29))
    assert table.equals(read_of_past(past()))
    assert "start_date=2026-03-28&end_date=2026-03-29" in service.asked[-1]
