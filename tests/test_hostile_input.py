"""What a stranger's file or server holds ends in a sentence that says what to do: no traceback, and no full memory."""

import datetime as dt
import json
import os
import stat

import pyarrow as arrow
import pyarrow.parquet
import pytest

from flows import settings
from flows.masking import masked
from flows.operations import audit
from flows.record.owner import OWNER
from flows.sources import http_cache
from flows.sources.weather import fetch_weather
from footfall.errors import DataProblem, EnvironmentProblem, UsageProblem
from footfall.events import read_events
from footfall.market_file import read_market, read_value
from footfall.page.about import plain
from footfall.params import Data, Weather
from footfall.sources import rows, sheets
from footfall.sources.carris import read_carris
from footfall.sources.fault import Unreadable


@pytest.mark.parametrize("value", ["[" * 1000, "0x" + "f" * 20_000, "9" * 5000])
def test_a_value_of_many_brackets_or_digits_is_no_market_and_stops_no_other(value, tmp_path):
    (tmp_path / "tasca.yaml").write_text(f"data: {{source: sample, lag: {value}\n" + "}" * (value[0] != "["))
    with pytest.raises(UsageProblem, match=r"tasca\.yaml"):
        read_market(tmp_path, "tasca")
    if value[0] == "[":
        with pytest.raises(UsageProblem, match="not a value"):
            read_value(value)


@pytest.mark.parametrize("key", ["source", "dates", "show"])
def test_a_word_of_a_market_turns_no_line_around(key, tmp_path):
    (tmp_path / "tasca.yaml").write_text(json.dumps({"data": {"source": "sample", key: "a\u202eb"}}))
    with pytest.raises(UsageProblem, match=f"data.{key}.*text in one line"):
        read_market(tmp_path, "tasca")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("DURATION:1 day", r"x\.ics:1: DURATION — not written"),
        ("DURATION:", r"x\.ics:1: DURATION — not written"),
        ("DTEND:soon", r"x\.ics:1: DTEND — not written"),
        ("SUMMARY:b", r"x\.ics:1: SUMMARY is there twice"),
        ("CATEGORIES;VALUE=DATE:x", r"x\.ics: no calendar"),
    ],
)
def test_an_odd_line_of_a_calendar_is_named(line, said):
    entry = f"BEGIN:VEVENT\r\nSUMMARY:a\r\nDTSTART;VALUE=DATE:20260101\r\n{line}\r\nEND:VEVENT\r\n"
    with pytest.raises(DataProblem, match=said):
        read_events(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{entry}END:VCALENDAR\r\n".encode(), "x.ics")


@pytest.mark.parametrize("address", ["customer-api.open-meteo.com", "localhost:8080", "http:/127.0.0.1:9"])
def test_an_address_of_the_weather_that_is_none_is_named_without_the_key(address, monkeypatch):
    monkeypatch.setenv("FOOTFALL_WEATHER_URL", address)
    monkeypatch.setenv("OPEN_METEO_KEY", "secret")
    with pytest.raises(EnvironmentProblem, match="FOOTFALL_WEATHER_URL") as told:
        fetch_weather(Weather(latitude=38.7, longitude=-9.1), "Europe/Lisbon", dt.date(2026, 11, 1))
    assert "secret" not in str(told.value) and "//customer-" not in str(told.value), "one host has not both services"


@pytest.mark.parametrize("source", ["https:/u:secret@h/x", "https//u:secret@h/x", "u:se@cret@h/x"])
def test_an_address_with_a_slip_loses_its_password_too(source):
    assert masked(source) == "***@h/x"


@pytest.mark.parametrize("words", [
    '{date: Datum, value: "Umsatz @ Kasse"}', "Bar: @home", "/mnt/2026-10-01T10:30/till@lisboa.csv", "guest @ bar",
])  # fmt: skip
def test_what_is_no_address_stays_whole(words):
    assert masked(words) == words


def test_an_etag_that_no_header_can_hold_is_neither_kept_nor_sent(tmp_path):
    (tmp_path / "x.csv").write_text("x")
    http_cache.remember(tmp_path / "kept", tmp_path / "x.csv", {"etag": '"é"', "last-modified": "then"})
    assert http_cache.conditions(tmp_path / "kept") == {"If-Modified-Since": "then"}


def test_half_a_letter_in_json_is_no_answer_of_carris(tmp_path):
    (tmp_path / "x.json").write_text('[{"line_id": "\\ud800", "calendar_date": "2026-01-01", "qty": 1}]')
    data = Data(source="x", unit="counts", format="carris")
    with pytest.raises(DataProblem, match="no JSON"):
        read_carris(tmp_path / "x.json", data, dt.date(2026, 1, 2))


def test_a_file_of_too_many_rows_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    arrow.parquet.write_table(arrow.table({"date": ["2026-01-01"] * 9}), tmp_path / "x.parquet")
    (tmp_path / "x.csv").write_text("date\n" + "2026-01-01\n" * 9)
    for module in (rows, sheets):
        monkeypatch.setattr(module, "MOST_ROWS", 8)
    with pytest.raises(Unreadable) as told:
        sheets.sheets(tmp_path / "x.parquet")
    assert "rows; no export is that large" in told.value.faults[0].rule
    with pytest.raises(Unreadable) as told:
        rows.read_rows(tmp_path / "x.csv", ["date"])
    assert told.value.faults[0].line == 10


def test_our_own_home_is_for_its_user_alone_whoever_made_it(tmp_path, monkeypatch):
    monkeypatch.delenv("FOOTFALL_HOME")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    (tmp_path / ".footfall").mkdir(mode=0o755)
    assert stat.S_IMODE(os.stat(settings.make_home()).st_mode) == 0o700


def test_a_copied_folder_with_a_note_of_its_owner_was_not_run_here(tmp_path):
    (tmp_path / OWNER).write_text("{}")
    (tmp_path / "record.json").write_text("{}")
    assert not audit._ran_here(tmp_path)


def test_what_a_terminal_would_obey_is_in_no_text_of_a_page():
    assert plain("a\u200e\u200f\u061c\u202eb\nc") == "ab c"
