"""Whatever is written into parameters, market files and events: it is taken, or refused in a sentence for people.

The readers of sources are fuzzed by `make fuzz`; what that found is below.
"""

import csv
import io
import re
import tempfile
from pathlib import Path

import fuzz
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.errors import DataProblem, Problem, UsageProblem
from footfall.events import COLUMNS, EFFECTS, known, read_events
from footfall.market_file import read_market, read_value
from footfall.params import Market

LIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
short = settings(max_examples=40, deadline=None)
FIELDS = [f"{section}.{key}" for section, field in Market.model_fields.items() if section not in ("name", "weather")
          for key in getattr(field.annotation, "model_fields", {})]  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["PT", "2022-10-13", "all"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def is_told(problem):
    """A refusal that a terminal may show: no flood, nothing it would obey but the ends of lines."""
    assert str(problem) and not LIVE.search(str(problem)) and len(str(problem)) < 20_000, str(problem)[:300]


@short
@given(key=st.sampled_from(FIELDS) | st.text(), value=values)
def test_any_parameter_is_taken_or_refused_in_a_sentence(key, value):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.yaml").write_text("data: {source: sample}\n")
        try:
            assert read_market(Path(folder), "m", {key: value}).name == "m"
        except UsageProblem as problem:
            is_told(problem)


@short
@given(text=st.text() | st.sampled_from(["[", "{", "!!python/object:os.system x", "&a [*a]", "? : :", "0o9", "1_:2"]))
@example("!!python/object/apply:os.system ['exit 1']")
@example("2022-02-30")
def test_any_text_behind_set_is_a_value_or_refused(text):
    try:
        read_value(text)
    except UsageProblem as problem:
        assert problem.exit_code == 2


YAML = st.lists(
    st.sampled_from(["data:", "  source: sample", "  location: PT", "predict: {horizon: 3}", "train:", "\t", "- x", "'",
                     "data: {source: sample}", "? [a]", "*x", "&x {}", "!!python/name:os.system", "<<: *x", "name: x"])
    | st.text(max_size=20),
    max_size=8,
).map("\n".join)  # fmt: skip


@short
@given(text=YAML)
def test_any_market_file_is_taken_or_refused_in_a_sentence(text):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.yaml").write_bytes(text.encode("utf-8", "replace"))
        try:
            assert read_market(Path(folder), "m").data.source
        except UsageProblem as problem:
            is_told(problem)


cells = st.text(max_size=30) | st.sampled_from(["2026-12-31", "2027-01-02", "", *EFFECTS, "=1+1", "\x1b[2J", "<b>"])


@short
@given(rows=st.lists(st.lists(cells, min_size=4, max_size=7), max_size=4), separator=st.sampled_from(",;"))
def test_any_table_of_events_is_taken_as_plain_words_or_refused(rows, separator):
    table = io.StringIO()
    csv.writer(table, delimiter=separator).writerows([COLUMNS, *rows])
    refuses_or_takes(table.getvalue().encode("utf-8", "replace"), "e.csv")


LINES = [
    "BEGIN:VEVENT", "END:VEVENT", "DTSTART;VALUE=DATE:20261231", "DTEND:20270103T101500Z", "SUMMARY:x", "LOCATION:=1+1",
    "DTSTART:20269931", "CREATED:20261120T101500Z", "CATEGORIES:CLOSED,x", "DTSTART;TZID=Nowhere:1", "RDATE:20261231",
    "DURATION:P1D", "DTEND;VALUE=PERIOD:1/2", "DTSTART;VALUE=PERIOD:20261231T000000Z/P1D", "DTEND;VALUE=TIME:101500",
]  # fmt: skip
lines = st.sampled_from(LINES)


@short
@given(inside=st.lists(lines | st.text(max_size=15), max_size=10))
def test_any_calendar_is_taken_as_plain_words_or_refused(inside):
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *inside, "END:VEVENT", "END:VCALENDAR"])
    refuses_or_takes(text.encode("utf-8", "replace"), "e.ics")


def refuses_or_takes(content, name):
    try:
        table = read_events(content, name)
    except DataProblem as problem:
        is_told(problem)
    else:
        assert list(table.columns) == COLUMNS and table["from"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
        assert table["effect"].isin(EFFECTS).all() and not table["what"].map(LIVE.search).any()
        assert (
            not table["what"].str.startswith(("=", "+", "-", "@")).any()
            and not table["what"].str.contains("[<>]").any()
        )
        assert len(known(table, "2026-12-01")) <= len(known(table, "2027-12-01")) <= len(table)


PARQUET, XLSX = (fuzz.seeds(name)[0] for name in ("till.parquet", "till.xlsx"))
LISTED = XLSX.rindex(b"PK\1\2", 0, XLSX.rindex(b"sheet1.xml"))  # where the zip lists its sheet
FOUND: dict[str, tuple[str, bytes]] = {
    "a Parquet file with a damaged page": ("till.parquet", PARQUET[:4] + b"\xff" + PARQUET[5:]),
    "an event that ends in no period": (
        "events.ics",
        fuzz.seeds("events.ics")[0].replace(b"DTEND:", b"DTEND;VALUE=PERIOD:1/2 "),
    ),
    "an event whose end is a time of day": (
        "events.ics",
        fuzz.seeds("events.ics")[0].replace(b"DTEND:20270103T", b"DTEND;VALUE=TIME:"),
    ),
    "an event that begins in two kinds of value": (
        "events.ics",
        fuzz.seeds("events.ics")[0].replace(b"DTSTART;VALUE=DATE", b"DTSTART;VALUE=DATE,DATE"),
    ),
    "a workbook of which a member is encrypted": (
        "till.xlsx",
        XLSX[: LISTED + 8] + b"\x41" + XLSX[LISTED + 9 :],
    ),
    "events with a lone carriage return": (
        "events.csv",
        b"from,to,site,what,effect,entered\n2026-12-31,,,a\rb,closed,\n",
    ),
    "a workbook whose sheet is empty": ("sheet.xml", b""),
    "a whole number that no float can hold": (
        "carris.json",
        b'[{"line_id":"1","operational_date":"2025-09-01","day_type":"1","qty":1' + b"0" * 400 + b"}]",
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_fuzzing_found_is_read_or_refused(what):
    try:
        fuzz.read(*FOUND[what])
    except Problem as problem:
        is_told(problem)
