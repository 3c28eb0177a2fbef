"""The owner's events: read as people write them, refused in a sentence a rule, none known before it is entered."""

import datetime as dt

import pandas as pd
import pytest
from bad_events import FILES, HEAD, LINES
from figures import outlook_of
from pages import house, inputs, model, written

from footfall import events
from footfall.errors import DataProblem
from footfall.opening import foreseen, odd_days
from footfall.series import rows_of

ROWS = HEAD + (
    "2026-12-31,2027-01-02,,Férias,closed,2026-11-20\n"
    "2026-12-30,,Baixa,Concert in the square,busier,\n"
    "2026-05-03,2026-05-03,,Burst pipe,unknown,2026-05-04\n"
)


def read(text, file="tasca.events.csv"):
    return events.read_events(text if isinstance(text, bytes) else text.encode(), file)


def test_a_file_becomes_a_table_in_order():
    table = read(ROWS)
    assert list(table.columns) == events.COLUMNS and table["from"].is_monotonic_increasing
    assert table.loc[1].tolist() == ["2026-12-30", "2026-12-30", "Baixa", "Concert in the square", "busier", ""]


@pytest.mark.parametrize(
    "text",
    [
        ROWS.replace(",", ";"),
        "\ufeff" + ROWS,
        ROWS.replace("\n", "\r\n"),
        ROWS + "\n,,,,,\n",
        ROWS + ROWS.partition("\n")[2],
        ROWS.replace("what", "What").replace("Burst pipe", "  Burst   pipe "),
    ],
)
def test_what_people_write_otherwise_is_the_same(text):
    pd.testing.assert_frame_equal(read(text), read(ROWS))


def test_a_file_with_nothing_in_it_but_its_first_line_has_no_events():
    assert read(HEAD).empty and events.closing(read(HEAD)) == [] and len(odd_days([])) == 0


@pytest.mark.parametrize("row", LINES)
def test_a_broken_rule_is_one_sentence_with_its_row(row):
    with pytest.raises(DataProblem, match=LINES[row]) as stopped:
        read(HEAD + row)
    assert str(stopped.value).startswith("tasca.events.csv:2:")


def test_a_rule_that_is_broken_often_is_one_line_with_a_count():
    with pytest.raises(DataProblem, match=r"shut — one of .* \(40 times; next tasca\.events\.csv:3") as stopped:
        read(HEAD + "2026-12-31,,,x,shut,\n" * 40)
    assert len(str(stopped.value).splitlines()) == 1


@pytest.mark.parametrize(("text", "says"), FILES)
def test_a_file_of_another_form_is_refused(text, says):
    with pytest.raises(DataProblem, match=says):
        read(text)


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20261231
DTEND;VALUE=DATE:20270103
SUMMARY:Férias
CATEGORIES:Holiday,CLOSED
CREATED:20261120T101500Z
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART:20261230T200000Z
DTEND:20261230T230000Z
SUMMARY:Concert in the square
LOCATION:Baixa
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def test_a_calendar_says_the_same():
    table = read(CALENDAR, "tasca.events.ics")
    assert table.to_numpy().tolist() == [
        ["2026-12-30", "2026-12-30", "Baixa", "Concert in the square", "unknown", ""],
        ["2026-12-31", "2027-01-02", "", "Férias", "closed", "2026-11-20"],
    ]
    with pytest.raises(DataProblem, match="an entry that repeats"):
        read(CALENDAR.replace("UID:2", "UID:2\r\nRRULE:FREQ=DAILY"), "tasca.events.ics")
    with pytest.raises(DataProblem, match=r"tasca\.events\.ics: no calendar"):
        read("nothing", "tasca.events.ics")


TIMED = CALENDAR.replace("DTSTART:20261230T200000Z\r\nDTEND:20261230T230000Z", "{}")


@pytest.mark.parametrize(
    ("zone", "lines", "days"),
    [
        ("Europe/Lisbon", "DTSTART:20261230T220000Z\r\nDTEND:20261231T020000Z", ("2026-12-30", "2026-12-30")),
        ("Europe/Lisbon", "DTSTART:20261228T100000Z\r\nDTEND:20261230T180000Z", ("2026-12-28", "2026-12-30")),
        ("Pacific/Auckland", "DTSTART:20261229T200000Z\r\nDTEND:20261229T230000Z", ("2026-12-30", "2026-12-30")),
        ("Pacific/Auckland", "DTSTART:20261230T090000\r\nDTEND:20261230T180000", ("2026-12-30", "2026-12-30")),
        ("Europe/Lisbon", "DTSTART:20261231T003000\r\nDTEND:20261231T030000", ("2026-12-30", "2026-12-30")),
        ("Europe/Lisbon", "DTSTART:20261231T050000\r\nDTEND:20261231T140000", ("2026-12-31", "2026-12-31")),
        ("Europe/Lisbon", "DTSTART;VALUE=DATE:20261230\r\nDURATION:P3D", ("2026-12-30", "2027-01-01")),
        ("Europe/Lisbon", "DTSTART:20261230T200000\r\nDURATION:PT6H", ("2026-12-30", "2026-12-30")),
        ("Europe/Lisbon", "DTSTART;VALUE=DATE:20261230\r\nDTEND:20261230T140000", ("2026-12-30", "2026-12-30")),
        ("UTC", "DTSTART:00010101T000000Z\r\nDTEND:00010101T030000Z", ("0001-01-01", "0001-01-01")),
        ("Pacific/Auckland", "DTSTART:00010101T000000Z\r\nDTEND:00010101T060000Z", ("0001-01-01", "0001-01-01")),
    ],
)
def test_a_moment_of_a_calendar_is_of_the_places_own_day(zone, lines, days):
    table = events.read_events(TIMED.format(lines).encode(), "tasca.events.ics", zone)
    assert tuple(table.set_index("what").loc["Concert in the square", ["from", "to"]]) == days


def test_a_calendar_s_entry_that_was_cancelled_is_none_and_its_words_may_stand_in_two_lines():
    text = CALENDAR.replace("CATEGORIES:Holiday,CLOSED", "CATEGORIES:Holiday\r\nCATEGORIES:Closed")
    assert read(text, "tasca.events.ics")["effect"].tolist() == ["unknown", "closed"]
    assert len(read(CALENDAR.replace("UID:1", "UID:1\r\nSTATUS:CANCELLED"), "tasca.events.ics")) == 1
    with pytest.raises(DataProblem, match="an entry that repeats"):
        read(CALENDAR.replace("UID:2", "UID:2\r\nRDATE;VALUE=DATE:20270101"), "tasca.events.ics")


def test_of_one_place_an_address_is_no_site_and_no_fault():
    address = CALENDAR.replace("LOCATION:Baixa", "LOCATION:<Rua da Sé 12>" + "x" * 300).encode()
    with pytest.raises(DataProblem, match="site"):
        events.read_events(address, "tasca.events.ics")
    assert set(events.read_events(address, "tasca.events.ics", of_one_place=True)["site"]) == {""}
    with pytest.raises(DataProblem, match="site"):  # of a table it is a column of its own
        events.read_events(ROWS.replace("Baixa", "<Baixa>").encode(), "tasca.events.csv", of_one_place=True)


def test_sites_that_events_name_and_nobody_has_are_told():
    assert events.of_no_site(read(ROWS), ["Chiado"]) == ["Baixa"]
    assert not events.of_no_site(read(ROWS), ["BAIXA"])


def test_an_entry_that_was_changed_is_known_since_then():
    changed = CALENDAR.replace("CREATED:20261120T101500Z", "CREATED:20261120T101500Z\r\nLAST-MODIFIED:20261125T130000Z")
    for zone, day in (("UTC", "2026-11-25"), ("Pacific/Auckland", "2026-11-26")):
        table = events.read_events(changed.encode(), "tasca.events.ics", zone)
        assert table["entered"].tolist() == ["", day]


@pytest.mark.parametrize("moment", ["00001231T000000Z", "2026-10-01", ""])
def test_when_an_entry_was_made_may_be_written_as_nothing_that_is_a_day(moment):
    table = read(CALENDAR.replace("CREATED:20261120T101500Z", f"CREATED:{moment}"), "tasca.events.ics")
    assert table.set_index("what")["entered"]["Férias"] == ""


def test_nothing_is_known_before_it_was_entered():
    table = read(ROWS)
    assert list(events.known(table, "2026-11-19")["what"]) == ["Burst pipe"]
    assert list(events.known(table, dt.date(2026, 11, 20))["what"]) == ["Burst pipe", "Férias"]
    assert events.known(table, "2026-05-03").empty, "an odd day is not known on the day itself"


def test_an_event_that_was_changed_is_another():
    table = read(ROWS)
    first = events.key(table.loc[1])
    assert first == events.key({**table.loc[1], "entered": "2026-11-01"})
    assert len({first, *(events.key({**table.loc[1], name: "x"}) for name in events.COLUMNS[:-1])}) == 6


def test_a_site_has_its_own_events_and_those_of_all():
    assert len(events.of_site(read(ROWS), "BAIXA")) == 3 and len(events.of_site(read(ROWS), "")) == 2


def test_a_closed_day_is_closed_as_the_markets_file_closes_it():
    given, coming = house(), pd.date_range("2026-12-30", "2027-01-03")
    series = given["y"].rename_axis("date").reset_index(name="value").assign(location="PT-11", category="count")
    pairs = events.closing(read(ROWS))
    assert pairs == [["2026-12-31", "2027-01-02"]]
    told = foreseen(rows_of(series, "PT-11", "count"), "PT-11", "count", coming, {"from_to": pairs})
    assert told.tolist() == ["", "said", "said", "said", ""]


CONCERT = ["2022-10-04", "2022-10-04", "Concert & fair", "busier"]


def with_events(*rows):
    return inputs(model()) | {"events": [list(row) for row in rows]}


def test_an_event_that_is_entered_for_all_sites_and_for_one_is_told_once():
    fair = ["2026-12-24", "2026-12-24", "Fair", "busier"]
    assert events.on(pd.Timestamp("2026-12-24"), [fair, fair]) == ["event busier: Fair"]


def test_the_page_says_an_event_as_a_reason_of_its_day_and_of_no_other(tmp_path):
    page = written(tmp_path, with_events(CONCERT))["index.html"].decode()
    assert page.count("Concert &amp; fair, which you expect to make it busier") == 1
    for language in ("com que conta ter", "que según usted", "dont vous attendez", "wovon Sie"):
        assert page.count(f"Concert &amp; fair, {language}") == 1


def test_a_page_without_events_keeps_its_bytes(tmp_path):
    assert written(tmp_path / "a", with_events()) == written(tmp_path / "b", inputs(model()))


def test_an_odd_day_of_the_past_spoils_no_usual_one():
    given = inputs(model())
    fridays = [day for day in given["y"].index[-28:] if day.dayofweek == 4]
    odd = given["y"].copy()
    odd[fridays] = 90.0
    given["y"] = odd
    row = ["2022-09-02", "2022-09-23", "Street fair", "busier"]
    facts = {name: given[name] for name in ("table", "y", "parts", "logarithms")}
    spoiled, marked = outlook_of(**facts), outlook_of(**facts, owners_events=[row])
    friday = next(day for day in spoiled.index if day.dayofweek == 4)
    assert spoiled.loc[friday, "usual"] > 40 > marked.loc[friday, "usual"]
    assert spoiled.loc[friday, "mean"] == marked.loc[friday, "mean"]


def test_what_lasts_longer_than_four_weeks_is_what_is_usual():
    given = inputs(model())
    facts = {name: given[name] for name in ("table", "y", "parts", "logarithms")}
    plain = outlook_of(**facts)["usual"]
    works, weeks = ["2022-07-25", "2022-10-02", "Roadworks", "quieter"], ["2022-09-01", "2022-09-28", "Fair", "busier"]
    assert outlook_of(**facts, owners_events=[works])["usual"].equals(plain)
    assert not outlook_of(**facts, owners_events=[works, weeks])["usual"].equals(plain), "28 days are odd ones"


def test_what_is_on_every_friday_is_what_fridays_are():
    given = inputs(model())
    facts = {name: given[name] for name in ("table", "y", "parts", "logarithms")}
    fridays = [f"{day:%F}" for day in given["y"].index[-70:] if day.dayofweek == 4]
    told = outlook_of(**facts, owners_events=[[day, day, "Live music", "busier"] for day in fridays])["usual"]
    assert told.equals(outlook_of(**facts)["usual"])
    four = outlook_of(**facts, owners_events=[[day, day, "Live music", "busier"] for day in fridays[-4:]])["usual"]
    assert [day.dayofweek for day in told.index[four != told]] == [4]


def test_of_a_model_whose_parts_are_not_known_an_event_makes_no_reasons():
    given = inputs(model())
    facts = {name: given[name] for name in ("table", "y", "logarithms")}
    of_none, of_event = given["parts"][[]], given["parts"][[]].assign(event=0.0)
    plain, after_one = outlook_of(**facts, parts=of_none), outlook_of(**facts, parts=of_event, owners_events=[CONCERT])
    assert [r for r in after_one["reasons"].sum() if "event" not in r] == plain["reasons"].sum()
