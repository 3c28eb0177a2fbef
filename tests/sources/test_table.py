"""Figures of one's own are read as people have them, or refused in one sentence for each rule that they break."""

import codecs
import datetime as dt
import os
import re
import tracemalloc
from pathlib import Path

import bad_tills
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from footfall.errors import DataProblem, UsageProblem
from footfall.params import Data
from footfall.series import KEYS, SERIES, from_parquet, pick, rows_of, shut_of, split, to_parquet, visible
from footfall.sources import names
from footfall.sources.fault import Fault, by_rule
from footfall.sources.reading import Reading, compare
from footfall.sources.table import read_table

TODAY = dt.date(2026, 11, 26)
DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[2] / "../shared/data"))
HOURLY = {"columns": {"hour": "hour", "value": "n"}, "rows": "hours"}
COVERS = {"columns": {"value": "covers"}}
ORDERS = {"columns": {"date": "when", "value": "amount"}, "dates": "%Y-%m-%d %H:%M", "rows": "orders"}
SITES = {"columns": {"value": "n", "site": "site"}, "location": "PT-11"}


def shared(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not there; FOOTFALL_DATA names the folder that has it")
    return DATA / name


def read(path: Path, **keys) -> Reading:
    return read_table(path, Data.model_validate({"source": path.name, "unit": "counts", **keys}), TODAY)


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "till.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def days(reading: Reading) -> dict[str, float]:
    """What each day has, by its name; of a site, with it."""
    rows = reading.series
    site = rows["location"].str.partition("/")[2].map(lambda name: f"{name} " if name else "")
    return dict(zip(site + rows["date"].dt.strftime("%m-%d"), rows["value"], strict=True))


def problem(path: Path, **keys) -> str:
    with pytest.raises(DataProblem) as refused:
        read(path, **keys)
    return str(refused.value)


# --- spellings


def test_date_and_covers_and_nothing_else(write):
    reading = read(write("date,covers\n2025-12-30,210\n2025-12-31,0\n"), **COVERS)
    assert days(reading) == {"12-30": 210, "12-31": 0} and not reading.notes
    assert reading.series["open"].tolist() == ["yes", "unknown"], "of a zero the series itself decides"
    assert set(reading.series["category"]) == {"count"} and set(reading.series["location"]) == {"PT"}


def test_days_before_2020_and_counts_above_5000_are_figures_like_others(write):
    assert days(read(write("date,covers\n2018-04-09,10772\n2018-04-10,10000000\n2018-04-11,0.3\n"), **COVERS)) == {
        "04-09": 10772,
        "04-10": 1e7,
        "04-11": 0.3,
    }


PORTUGUESE = {"columns": {"date": "Data", "value": "Pessoas"}, "dates": "%d/%m/%Y", "decimal": ","}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.210,5", 1210.5),
        ("1210", 1210),
        ("€ 12,00", 12),
        ("12,5 EUR", 12.5),
        ("1 234 567", 1234567),
        ("1'234,5", 1234.5),
        (",5", 0.5),
        (" 7 ", 7),
    ],
)
def test_decimal_commas_thousands_and_signs_of_currencies(write, written, value):
    path = write(f'Data;Pessoas\n30/12/2025;"{written}"\n')
    assert days(read(path, **PORTUGUESE)) == {"12-30": value}


@pytest.mark.parametrize(
    "written", ["12.5", "1.2345", "1,2,3", "x", "1e7", "inf", "nan", "12%", "٥", "#DIV/0!", "TRUE"]
)
def test_what_is_no_number_is_refused_with_its_place(write, written):
    path = write(f"Data;Pessoas\n30/12/2025;{written}\n31/12/2025;3\n")
    assert problem(path, **PORTUGUESE).startswith(f"till.csv:2:Pessoas: {written} — no number with the decimal ','")


@pytest.mark.parametrize(
    ("written", "value"), [("(12)", -12), ("12-", -12), ("\u221212", -12), ("-€12.00", -12), ("R$ 12.00", 12)]
)
def test_every_way_to_write_a_minus(write, written, value):
    path = write(f'when,amount\n2025-12-01 10:00,100\n2025-12-01 11:00,"{written}"\n')
    assert days(read(path, **ORDERS)) == {"12-01": 100 + value}


def test_day_and_month_are_never_guessed(write):
    path = write("date,covers\n1/2/2016,1\n3/2/2016,2\n")
    assert days(read(path, dates="%d/%m/%Y", **COVERS)) == {"02-01": 1, "02-03": 2}
    assert days(read(path, dates="%m/%d/%Y", **COVERS)) == {"01-02": 1, "03-02": 2}
    assert problem(path, **COVERS) == (
        "till.csv:2:date: 1/2/2016 — no date written as %Y-%m-%d (data.dates), or no day of the calendar"
        " (2 times; next till.csv:3)"
    )


@pytest.mark.parametrize("dates", ["DD/MM/YYYY", "%Q"])
def test_a_form_that_is_none_is_a_matter_of_the_market_s_file(write, dates):
    with pytest.raises(UsageProblem, match=r"^data\.dates: "):
        read(write("date,covers\n1/2/2016,1\n"), dates=dates, **COVERS)


def test_one_rule_is_one_line_with_a_count_however_often_it_is_broken(write):
    rows = "".join(f"2025-01-{day:02},x\n2025-02-30,1\n" for day in range(1, 32))
    text = problem(write(f"date,covers\n{rows}"), **COVERS)
    assert len(text.splitlines()) == 2
    assert re.search(r"x — no number .* \(31 times; next till\.csv:4, till\.csv:6 …\)", text)
    assert re.search(r"2025-02-30 — no date .* \(31 times;", text)


def test_places_of_one_rule_are_named_across_files():
    faults = [Fault(2, "n", "x", "wrong")]
    assert by_rule([("a.csv", [], faults), ("b.csv", [], faults)]) == ["a.csv:2:n: x — wrong (2 times; next b.csv:2)"]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_columns_may_be_separated_by_any_mark(write, mark):
    path = write(f"weekday{mark}date{mark}covers\nTue{mark}2025-12-30{mark}210\n")
    assert days(read(path, **COVERS)) == {"12-30": 210}


CAFE = {"columns": {"date": "Dia", "value": "Cafés"}}
TEXT = "Dia;Cafés\n2025-12-01;1\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
    ],
)
def test_texts_of_every_encoding_that_can_be_told(write, content):
    reading = read(write(content), **CAFE)
    assert days(reading) == {"12-01": 1} and not reading.notes


def test_windows_own_encoding_is_read_and_said(write):
    assert "Windows-1252" in read(write(TEXT.encode("cp1252")), **CAFE).notes[0]


def test_a_header_in_line_3_and_a_total_in_the_last(write):
    path = write("Casa\n\ndate,covers\n2025-12-30,210\n2025-12-31,30\n\nTotal,240\n")
    reading = read(path, **COVERS)
    assert days(reading) == {"12-30": 210, "12-31": 30} and reading.notes == ["till.csv:7: a total, left out"]


def test_a_total_without_a_word_is_told_by_its_sum(write):
    reading = read(write("date,covers\n2025-12-30,210\n2025-12-31,30\n,240\n"), **COVERS)
    assert days(reading) == {"12-30": 210, "12-31": 30} and reading.notes == ["till.csv:4: a total, left out"]
    assert "(blank) — no date" in problem(write("date,covers\n2025-12-30,210\n2025-12-31,30\n,241\n"), **COVERS)


def test_blank_rows_of_the_future_and_today_half_over_are_left_out(write):
    path = write("date,covers\n2026-11-24,210\n2026-11-25,0\n2026-11-26,3\n2026-11-27,\n2026-11-28,0\n")
    reading = read(path, **COVERS)
    assert days(reading) == {"11-24": 210, "11-25": 0}
    assert reading.notes == [
        "till.csv: blank on coming days, left out: 2 rows; first line 5",
        "till.csv: 2026-11-26 is not over, left out: 1 row; first line 4",
    ]


def test_a_coming_day_with_guests_is_a_slip(write):
    text = problem(write("date,covers\n2026-11-24,210\n2026-12-25,4\n"), **COVERS)
    assert text == "till.csv:3:date: 2026-12-25 — a coming day: 2026-11-26 is not over; mind data.dates"


def test_a_decimal_comma_between_commas_is_seen(write):
    assert "more fields than the header's 2" in problem(write("date,covers\n2025-12-30,210,5\n"), **COVERS)


def test_missing_columns_are_named_with_those_that_are_there(write):
    text = problem(write("date,covers\n2025-12-30,210\n"), columns={"value": "guests"})
    assert text.startswith("till.csv:1:guests: date, covers — no line of the first 30 has the columns date, guests")


@pytest.mark.parametrize(("content", "says"), bad_tills.FILES)
def test_what_cannot_be_read_is_called_what_it_is(write, content, says):
    text = problem(write(content), **COVERS)
    assert re.search(says, text) and len(text.splitlines()) == 1, text


@pytest.mark.parametrize("name", ["pointer.csv", "figures.xlsx"])
def test_cases_that_fell_short_are_called_what_they_are(name):
    says = {"pointer.csv": "a Git LFS pointer", "figures.xlsx": "not an Office file, such as Excel's that can be read"}
    assert says[name] in problem(shared(f"cases/08-not-a-csv/{name}"), **COVERS)


def test_own_figures_that_were_refused_once():
    assert days(read(shared("cases/06-own-series/plain.csv"), **COVERS)) == {"12-30": 210, "12-31": 0}


@pytest.mark.parametrize("word", ["Total", "TOTAIS", "Sum"])
def test_a_total_of_each_day_is_no_order_and_no_site(write, word):
    each = pd.date_range("2026-01-01", periods=20)
    rows = "".join(f"{day:%F},Baixa,3\n{day:%F},Chiado,{day.day}\n{day:%F},{word},{3 + day.day}\n" for day in each)
    path = write("date,site,n\n" + rows)
    reading = read(path, columns={"value": "n"}, rows="orders")
    assert days(reading)["01-10"] == 13
    assert reading.notes == ["till.csv: totals of a day, left out: 20 rows; first line 4"]
    assert set(read(path, **SITES).series["location"]) == {"PT-11/Baixa", "PT-11/Chiado"}
    wine = write("date,site,n\n" + rows.replace(f"{word},", f"{word} Wine,1"))
    assert days(read(wine, columns={"value": "n"}, rows="orders"))["01-02"] == 3 + 2 + 15, "a product called so counts"


def a_year(more: str = "", each: str = "") -> str:
    """Sales of every day of a year, with `more` after each month and `each` after each week."""
    lines = ["Data;Descrição;Valor"]
    for day in pd.date_range("2025-01-01", "2025-12-31"):
        lines.append(f"{day:%d/%m/%Y};Vendas;{100 + day.day}")
        lines += [each] if each and day.dayofweek == 6 else []
        total = sum(100 + number for number in range(1, day.day + 1))
        lines += [more.format(day=day, total=total)] if more and day.is_month_end else []
    return "\n".join(lines)


VALOR = {"columns": {"date": "Data", "value": "Valor"}, "dates": "%d/%m/%Y"}


@pytest.mark.parametrize("rows", ["days", "orders"])
@pytest.mark.parametrize(
    ("text", "note"),
    [
        (a_year("{day:%d/%m/%Y};Total do mês;{total}"), "totals of a month, left out: 12 rows; first line 33"),
        (a_year(each=";Subtotal;700"), "totals, left out: 52 rows; first line 7"),
        (a_year() + "\nTotal 2025;;42000\nTotal Janeiro 2025;;3596", "totals, left out: 2 rows; first line 367"),
    ],
)
def test_totals_of_weeks_months_and_years_are_left_out_and_counted(write, rows, text, note):
    reading = read(write(text), rows=rows, **VALOR)
    assert reading.series["value"].max() == 131 and reading.notes == [f"till.csv: {note}"]


def test_what_is_called_a_total_and_is_none_is_said(write):
    reading = read(write(a_year("{day:%d/%m/%Y};Total Wine;9")), rows="orders", **VALOR)
    assert days(reading)["01-31"] == 140 and "called a total, the sum of no day" in reading.notes[0]


def test_clubs_called_total_are_clubs_and_need_no_note_at_every_read(write):
    each = pd.date_range("2026-01-01", periods=20)
    rows = "".join(f"{day:%F},Total Fitness {place},{9 + day.day}\n" for day in each for place in ("Foz", "Sé"))
    reading = read(write("date,site,n\n" + rows), **SITES)
    assert reading.series["location"].nunique() == 2 and not reading.notes


@pytest.mark.parametrize("rows", ["days", "orders"])
def test_a_wrong_date_beside_a_name_like_a_total_s_is_no_total(write, rows):
    path = write("date,site,n\n2025-02-19,Soma,40\n20.02.2025,Soma,50\n2025-02-21,Soma,60\nTotal 2025,Soma,150\n")
    said = problem(path, rows=rows, **SITES)
    assert said.startswith("till.csv:3:date: 20.02.2025 — no date written as %Y-%m-%d") and "times" not in said, said


# --- workbooks and Parquet


def workbook(path: Path, sheets: dict[str, list[list]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


ROWS = [["Casa"], ["Data", "Pessoas"], [dt.datetime(2025, 12, 1), 10], ["02/12/2025", "1.011,5"], ["Total", 22]]


def test_a_workbook_s_own_dates_and_texts_are_read_from_the_sheet_that_has_the_columns(tmp_path):
    reading = read(workbook(tmp_path / "covers.xlsx", {"Notes": [["hello"]], "Data": ROWS}), **PORTUGUESE)
    assert days(reading) == {"12-01": 10, "12-02": 1011.5}
    passed_over = "passed over, without these columns: covers.xlsx/Notes"
    assert reading.notes == ["covers.xlsx/Data:5: a total, left out", passed_over]


def test_a_workbook_that_took_days_for_months_is_refused(tmp_path):
    every = pd.date_range("2025-01-01", "2025-03-31")
    swapped = [dt.datetime(day.year, day.day, day.month) if day.day <= 12 else f"{day:%d/%m/%Y}" for day in every]
    path = workbook(tmp_path / "covers.xlsx", {"A": [["Data", "Pessoas"], *([cell, 5] for cell in swapped)]})
    assert "covers.xlsx/A:2:Data: 2025-01-01 — the sheet's dates end with the 12th" in problem(path, **PORTUGUESE)
    mixed = [day.to_pydatetime() if day.day % 2 else f"{day:%d/%m/%Y}" for day in every]
    path = workbook(tmp_path / "mixed.xlsx", {"A": [["Data", "Pessoas"], *([cell, 5] for cell in mixed)]})
    assert len(read(path, **PORTUGUESE).series) == len(every)


def test_two_sheets_with_the_same_columns_are_said(tmp_path):
    path = workbook(tmp_path / "covers.xlsx", {"A": ROWS, "B": ROWS})
    said = problem(path, **PORTUGUESE)
    assert "covers.xlsx/A, covers.xlsx/B — 2 sheets have these columns" in said and "a file of one folder" in said


SPREADSHEET = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:'
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            r"\.ods; save it as \.xlsx",
        ),
        (f'{SPREADSHEET}spreadsheet">'.encode(), r"XML Spreadsheet 2003; save it as \.xlsx"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(100), r"export it again, as \.xlsx"),
        (b"<AuditFile/>", "no invoice in this audit file"),
        (b"<!-- a till's own --><AuditFile/>", "no invoice in this audit file"),
        ('\ufeff<?xml version="1.0" encoding="UTF-16"?><AuditFile/>'.encode("utf-16-le"), "no invoice in this audit"),
        ('\ufeff<?xml version="1.0" encoding="UTF-16"?><AuditFile/>'.encode("utf-16-be"), "no invoice in this audit"),
    ],
)
def test_files_are_called_what_they_are(write, content, says):
    assert re.search(says, problem(write(content), columns={}))


def test_hours_of_a_workbook_are_times(tmp_path):
    rows = [["date", "hour", "n"], [dt.date(2025, 12, 1), dt.time(6), 1], [dt.date(2025, 12, 1), dt.time(7), 2]]
    path = workbook(tmp_path / "hours.xlsx", {"A": rows})
    assert days(read(path, columns={"hour": "hour", "value": "n"}, rows="hours")) == {"12-01": 3}


def test_parquet_holds_dates_and_zones(tmp_path):
    table = pd.DataFrame({"date": pd.date_range("2025-01-01 23:30", periods=2, tz="UTC"), "n": [1, 2.5]})
    table.to_parquet(tmp_path / "a.parquet")
    columns = {"columns": {"value": "n"}}
    assert days(read(tmp_path / "a.parquet", timezone="Europe/Berlin", **columns)) == {"01-02": 1, "01-03": 2.5}
    assert days(read(tmp_path / "a.parquet", timezone="Europe/Lisbon", **columns)) == {"01-01": 1, "01-02": 2.5}


# --- hours, orders, days of business


def test_a_row_at_04_59_is_of_the_day_before(write):
    path = write("when,amount\n2025-03-30 04:59,5\n2025-03-30 05:00,7\n2025-03-31 04:59,4\n")
    assert days(read(path, day_starts="05:00", **ORDERS)) == {"03-29": 5, "03-30": 11}


def test_orders_are_summed_refunds_subtracted_and_equal_ones_are_two(write):
    path = write("when,amount\n2025-12-01 10:00,5\n2025-12-01 10:00,5\n2025-12-01 11:00,-2\n2025-12-02 11:00,-2\n")
    reading = read(path, **ORDERS)
    assert days(reading)["12-01"] == 8 and np.isnan(days(reading)["12-02"])
    assert "more given back than sold, taken as not known: 1 day" in reading.notes[0]


def test_rows_without_a_value_are_counted(write):
    path = write("when\n2025-12-01 10:00\n2025-12-01 10:00\n2025-12-02 11:00\n")
    assert days(read(path, columns={"date": "when"}, dates="%Y-%m-%d %H:%M")) == {"12-01": 2, "12-02": 1}


@pytest.mark.parametrize(
    ("written", "dates", "zone"),
    [("2025-07-01 23:30", "%Y-%m-%d %H:%M", "UTC"), ("2025-07-01T23:30:00Z", "%Y-%m-%dT%H:%M:%S%z", None)],
)
def test_rows_of_another_zone_are_of_the_market_s_day(write, written, dates, zone):
    path = write(f"when,amount\n{written},7\n")
    assert days(read(path, **ORDERS | {"dates": dates}, rows_timezone=zone)) == {"07-02": 7}


def test_rows_that_are_days_are_the_same_days_in_every_zone(write):
    path = write("when,amount\n2025-07-01,7\n2025-07-02,8\n")
    keys = {"columns": {"date": "when", "value": "amount"}, "dates": "%Y-%m-%d", "timezone": "America/New_York"}
    assert days(read(path, **keys, rows_timezone="UTC")) == {"07-01": 7, "07-02": 8}


def test_hours_in_a_column_of_their_own_are_moved_with_their_days(write):
    path = write("when,at,amount\n2025-07-01,03:00,7\n2025-07-01,05:00,8\n2025-07-02,03:00,9\n")
    keys = {"columns": {"date": "when", "value": "amount", "hour": "at"}, "dates": "%Y-%m-%d", "rows": "hours",
            "timezone": "America/New_York"}  # fmt: skip
    assert days(read(path, **keys, rows_timezone="UTC")) == {"06-30": 7, "07-01": 17}


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-07-01", 24)])
@pytest.mark.parametrize("starts", ["00:00", "05:00"])
def test_a_day_has_as_many_hours_as_clocks_show(write, day, hours, starts):
    moments = pd.date_range("2025-01-01", "2025-12-31", freq="h", tz="UTC", inclusive="left")
    path = write("when,amount\n" + "".join(f"{moment:%Y-%m-%d %H:%M},1\n" for moment in moments))
    keys = ORDERS | {"rows": "hours", "rows_timezone": "UTC", "day_starts": starts}
    before = str(pd.Timestamp(day).date() - dt.timedelta(days=1 if starts != "00:00" else 0))
    assert days(read(path, **keys))[before[5:]] == hours, "the night of a change is of the day before"


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25)])
def test_an_hour_that_clocks_show_twice_is_no_repeat(write, day, hours):
    local = pd.date_range(day, periods=24 * 2, freq="h", tz="Europe/Lisbon")
    rows = [f"{moment:%Y-%m-%d},{moment.hour}:00-{moment.hour}:59,1\n" for moment in local if str(moment.date()) == day]
    path = write("date,hour,n\n" + "".join(rows))
    assert days(read(path, columns={"hour": "hour", "value": "n"}, rows="hours")) == {day[5:]: hours}


def test_an_hour_that_clocks_leave_out_is_no_blank(write):
    hours = pd.date_range("2025-03-24", "2025-04-06 23:00", freq="h")
    counts = ["" if hour == pd.Timestamp("2025-03-30 01:00") else "1" for hour in hours]
    rows = [f"{hour:%Y-%m-%d},{hour.hour},{n}\n" for hour, n in zip(hours, counts, strict=True)]
    reading = read(write("date,hour,n\n" + "".join(rows)), columns={"hour": "hour", "value": "n"}, rows="hours")
    assert days(reading)["03-30"] == 23 and not reading.notes


def test_an_export_of_one_order_at_midnight_is_of_the_night_before(write):
    keys = {"columns": {"date": "at", "value": "n"}, "dates": "%Y-%m-%d %H:%M", "day_starts": "05:00"}
    assert days(read(write("at,n\n2025-12-03 00:00,5\n"), rows="orders", **keys)) == {"12-02": 5}


@pytest.mark.parametrize("rows", ["days", "orders"])
def test_dates_without_a_time_are_days_of_business_already(write, rows):
    path = write("date,n\n2025-12-02,5\n2025-12-03,6\n")
    assert days(read(path, columns={"value": "n"}, rows=rows, day_starts="05:00")) == {"12-02": 5, "12-03": 6}


def test_an_hour_that_is_there_twice_on_another_day_is_a_repeat_or_a_contradiction(write):
    keys = {"columns": {"hour": "hour", "value": "n"}, "rows": "hours"}
    same = read(write("date,hour,n\n2025-12-01,6,1\n2025-12-01,6,1\n"), **keys)
    assert days(same) == {"12-01": 1} and same.notes == ["said again in 1 row, left out; first till.csv:3"]
    assert "till.csv:3:n: 2 — till.csv:2 has 1" in problem(
        write("date,hour,n\n2025-12-01,6,1\n2025-12-01,6,2\n"), **keys
    )


@pytest.mark.parametrize("hour", ["6:00-6:59", "06:00", "6", "6h", "06:00:00", "6 am", "06.00"])
def test_hours_are_written_in_many_ways(write, hour):
    keys = {"columns": {"hour": "hour", "value": "n"}, "rows": "hours"}
    assert days(read(write(f"date,hour,n\n2025-12-02,{hour},1\n"), day_starts="06:00", **keys)) == {"12-02": 1}
    assert days(read(write(f"date,hour,n\n2025-12-02,{hour},1\n"), day_starts="06:30", **keys)) == {"12-01": 1}


def test_an_hour_of_24_is_none(write):
    keys = {"columns": {"hour": "hour", "value": "n"}, "rows": "hours"}
    assert "24:00 — no hour from 0 to 23" in problem(write("date,hour,n\n2025-12-02,24:00,1\n"), **keys)


@pytest.mark.parametrize("hour", ["7:00 - 8:00 pm", "12-1 am", "0.25", 0.25])
def test_hours_that_can_be_read_in_two_ways_are_refused(write, hour):
    assert f"{hour} — no hour from 0 to 23" in problem(write(f"date,hour,n\n2025-12-02,{hour},1\n"), **HOURLY)


QUEEN = {"location": "NZ-AUK", "timezone": "Pacific/Auckland"}


@pytest.mark.parametrize("starts", ["00:00", "06:00"])
def test_hourly_and_daily_queen_street_give_the_same_days(starts):
    daily = read(shared("own/queen_street_daily.csv"), columns={"site": "site", "value": "count"}, **QUEEN).series
    columns = {"hour": "hour", "value": ["45 Queen Street", "210 Queen Street"]}
    path = shared("own/queen_street_hourly_2024.csv")
    hourly = read(path, columns=columns, rows="hours", day_starts=starts, **QUEEN).series
    same = daily[daily["date"].dt.year == 2024].reset_index(drop=True)
    pd.testing.assert_frame_equal(hourly, same)
    assert len(hourly) == 2 * 366


NIGHTS = ORDERS | {"day_starts": "05:00"}


def orders(first: str, last: str, hours: tuple[int, ...] = (12, 20, 25, 26), at: str = "", amount: int = 10) -> str:
    """Four orders a day of business, two of them after midnight, from one moment to another, which is not included."""
    days = pd.date_range(pd.Timestamp(first).normalize() - pd.Timedelta(days=1), last)
    moments = [day + pd.Timedelta(hours=hour) for day in days for hour in hours]
    written = [f"{moment:%Y-%m-%d %H:%M},{amount}" for moment in moments if str(moment) >= first and str(moment) < last]
    return "\n".join(["when,amount", *written, ""])


@pytest.fixture
def saved(write):
    def saved(moment: str, content: str, name: str = "till.csv") -> Path:
        """A file that was last changed at a moment, by Lisbon's clocks."""
        path, when = write(content, name), pd.Timestamp(moment, tz="Europe/Lisbon").timestamp()
        os.utime(path, (when, when))
        return path

    return saved


def test_exports_that_are_cut_at_midnight_have_a_part_each_of_the_night_between(write, tmp_path):
    write(orders("2026-01-01 05:00", "2026-02-01"), "tills/01.csv")
    write(orders("2026-02-01", "2026-03-01 05:00"), "tills/02.csv")
    reading = read(tmp_path / "tills", **NIGHTS)
    assert set(reading.series["value"]) == {40} and len(reading.series) == 59 and not reading.notes
    hourly = "when,amount\n" + "".join(
        f"{at:%Y-%m-%d %H:%M},1\n" for at in pd.date_range("2026-01-31", periods=48, freq="h")
    )
    lines = hourly.splitlines(keepends=True)
    write("".join(lines[:25]), "hours/01.csv")
    write("".join([lines[0], *lines[25:]]), "hours/02.csv")
    assert days(read(tmp_path / "hours", **NIGHTS | {"rows": "hours"}))["01-31"] == 24


def test_an_export_said_twice_does_not_double_the_night_that_the_next_goes_on_from(write, tmp_path):
    for name in ("01.csv", "01 again.csv"):
        write(orders("2026-01-01 05:00", "2026-02-01"), f"tills/{name}")
    write(orders("2026-02-01", "2026-03-01 05:00"), "tills/02.csv")
    reading = read(tmp_path / "tills", **NIGHTS)
    assert set(reading.series["value"]) == {40}
    assert reading.notes == ["more than one export has 31 days: those of the newer one are taken"]


def test_what_a_newer_export_has_no_more_on_a_day_within_it_is_gone(write, tmp_path):
    write("when,amount\n2025-12-01 10:00,1\n2025-12-02 09:00,7\n2025-12-02 10:00,1\n", "tills/old.csv")
    write("when,amount\n2025-12-01 10:00,1\n2025-12-02 10:00,1\n2025-12-03 20:00,5\n", "tills/new.csv")
    assert days(read(tmp_path / "tills", **ORDERS)) == {"12-01": 1, "12-02": 1, "12-03": 5}, "cancelled since"


def test_names_typed_in_two_ways_overlap_too(write, tmp_path):
    columns = {"columns": {"date": "when", "value": "amount", "site": "site"}, "location": "PT-11"}
    write("when,amount,site\n2025-12-01 10:00,5,Lisboa\n2025-12-02 10:00,5,Lisboa\n", "tills/old.csv")
    write("when,amount,site\n2025-12-02 10:00,5,LISBOA\n2025-12-03 10:00,5,LISBOA\n", "tills/new.csv")
    reading = read(tmp_path / "tills", **ORDERS | columns)
    assert set(reading.series["value"]) == {5} and reading.series["location"].nunique() == 1


def test_a_file_of_noons_and_evenings_may_begin_with_the_newest(write, tmp_path):
    columns = {"columns": {"date": "when", "hour": "hour", "value": "amount"}, "rows": "hours", "day_starts": "05:00"}
    rows = [f"2025-12-{day:02},{hour}:00,5\n" for day in range(1, 15) for hour in (12, 19)]
    path = write("when,hour,amount\n" + "".join(reversed(rows)))
    newest_first = read(path, **columns)
    write("when,hour,amount\n" + "".join(rows))
    assert newest_first.notes == [] and days(newest_first) == days(read(path, **columns))


def test_rows_in_no_order_of_time_do_not_tell_of_which_day_a_night_is_and_that_is_said(write):
    columns = {"columns": {"date": "when", "hour": "hour", "value": "amount"}, "rows": "orders", "day_starts": "05:00"}
    hours = (12, 13, 19, 20, 21, 22, 23, 0, 1)
    nights = [(day, hour, 3 * day % 7 + hour % 5) for day in range(1, 29) for hour in hours]
    orders = {"exported": nights, "by amount": sorted(nights, key=lambda row: row[2]), "by hour": sorted(nights)}
    said = {}
    for kind, rows in orders.items():
        path = write("when,hour,amount\n" + "".join("2025-12-{:02},{}:30,{}\n".format(*row) for row in rows))
        said[kind] = "hours before 05:00 are taken for the night before" in str(read(path, **columns).notes)
    assert said == {"exported": False, "by amount": True, "by hour": False}


@pytest.mark.parametrize("later", [2, 300])
def test_a_site_keeps_its_first_spelling_however_often_another_one_comes(write, tmp_path, later):
    columns = {"columns": {"date": "when", "value": "amount", "site": "site"}, "location": "PT-11"}
    row = "{:%Y-%m-%d},5,{}\n".format
    every = pd.date_range("2025-01-01", periods=100 + later)
    write("when,amount,site\n" + "".join(row(day, "Baixa" if at < 100 else "BAIXA") for at, day in enumerate(every)))
    reading = read(tmp_path / "till.csv", **columns)
    assert reading.series["location"].unique().tolist() == ["PT-11/Baixa"]


def test_what_lies_in_a_folder_beside_its_exports_is_said(write, tmp_path):
    columns = {"columns": {"date": "when", "value": "amount"}}
    write("when,amount\n2025-12-01,5\n2025-12-02,5\n", "tills/12.csv")
    write("when,amount\n", "tills/08.csv")
    (tmp_path / "tills" / "2024").mkdir()
    for name in ("2023.zip", "2022.ods", ".hidden", "~$12.xlsx"):
        (tmp_path / "tills" / name).touch()
    reading = read(tmp_path / "tills", **columns)
    assert reading.notes == ["tills: passed over: 2022.ods, 2023.zip, 2024/", "tills: empty: 08.csv"]
    (tmp_path / "tills" / "12.csv").unlink()
    with pytest.raises(DataProblem, match=r"08\.csv:2:1: \(blank\) — no row beneath the header"):
        read(tmp_path / "tills", **columns)


def test_two_tills_of_one_place_or_two_places_in_a_file_each_are_refused_and_corrections_said(write, tmp_path):
    write(orders("2026-01-01 05:00", "2026-02-01"), "tills/terrace.csv")
    write(orders("2026-01-01 05:00", "2026-02-01", amount=7), "tills/bar.csv")
    refused = problem(tmp_path / "tills", **NIGHTS)
    assert "has other numbers than" in refused and "on 31 days: two tills, or two places?" in refused
    assert {"bar.csv", "terrace.csv"} <= {*re.findall(r"\w+\.csv", refused)} and "data.files: sites" in refused
    write(orders("2026-01-28 05:00", "2026-02-01", amount=7), "tills/bar.csv")
    (note,) = [note for note in read(tmp_path / "tills", **NIGHTS).notes if "other numbers" in note]
    assert "and is left out there" in note
    write(orders("2026-01-01 05:00", "2026-02-01"), "tills/bar.csv")
    assert not any("other numbers" in note for note in read(tmp_path / "tills", **NIGHTS).notes)


@pytest.mark.parametrize("rows", ["days", "orders"])
def test_files_of_days_that_differ_are_two_places_whoever_was_saved_last(write, tmp_path, rows):
    for at, name in enumerate(("Baixa.csv", "Foz.csv")):
        lines = "".join(f"2025-12-{day:02},{day + 10 * at}\n" for day in range(1, 31))
        write("date,covers\n" + lines, f"tills/{name}")
    assert "Baixa.csv has other numbers than Foz.csv on 30 days" in problem(tmp_path / "tills", **COVERS, rows=rows)


LATER = {  # of a year as it was exported in June, the days that were to come; and how the numbers were written
    "blank": ("", "{}"),
    "zero": ("0", "{}"),
    "with other decimals": ("{}", "{}.004"),
}


@pytest.mark.parametrize("kind", LATER)
def test_a_year_exported_anew_is_the_newer_one_and_no_other_till(write, tmp_path, kind):
    to_come, known = LATER[kind]
    every = [(day, 20 + day.dayofyear % 60) for day in pd.date_range("2025-01-01", "2025-12-30")]
    older = [f"{day:%F},{(known if day.month < 6 else to_come).format(n)}\n" for day, n in every]
    write("".join(["date,covers\n", *older]), "tills/2025-a.csv")
    write("".join(["date,covers\n", *(f"{day:%F},{n}\n" for day, n in every)]), "tills/2025-b.csv")
    reading = read(tmp_path / "tills", **COVERS)
    assert reading.series["value"].tolist() == [n for _, n in every] and len(every) == 364
    assert not any("other numbers" in note for note in reading.notes), reading.notes


def test_two_tills_that_write_a_file_a_week_are_two_though_each_file_has_seven_days(write, tmp_path):
    for week, monday in enumerate(pd.date_range("2025-06-02", periods=26, freq="7D")):
        for amount, name in enumerate("AB"):
            lines = "".join(f"{day:%F},{20 + week + 9 * amount}\n" for day in pd.date_range(monday, periods=7))
            write("date,covers\n" + lines, f"tills/{name}-{week:02}.csv")
    assert re.search(r"A-\d\d\.csv has other numbers than B-\d\d\.csv on 7 days, all files on 182: two tills, or two "
                     "places", problem(tmp_path / "tills", **COVERS))  # fmt: skip


def test_two_tills_that_write_a_file_a_day_are_two_and_so_are_their_orders(write, tmp_path):
    """Of orders each file's only day begins with its first, which is no night that was cut."""
    for day in pd.date_range("2025-06-02", periods=20):
        for at, name in enumerate(("praia", "tasca")):
            write(f"date,covers\n{day:%F},{20 + 9 * at}\n", f"days/{name}-{day:%F}.csv")
            times = "".join(f"{day:%F} {hour}:{5 * at:02},{8 + at}\n" for hour in (12, 13, 20))
            write("when,amount\n" + times, f"orders/{name}-{day:%F}.csv")
    for folder, keys in (("days", COVERS), ("orders", ORDERS)):
        says = (
            r"praia-2025-06-02\.csv has other numbers than tasca-2025-06-02\.csv on 1 day, all files on 20: two tills"
        )
        assert re.match(says, problem(tmp_path / folder, **keys))


def test_a_day_that_one_till_exports_twice_is_corrected_and_no_other_till_s(write, tmp_path):
    for day in range(1, 29):
        for count, name in ((30, ""), (45, " (1)")):
            write(f"date,covers\n2025-02-{day:02},{count}\n", f"tills/2025-02-{day:02}{name}.csv")
            os.utime(tmp_path / "tills" / f"2025-02-{day:02}{name}.csv", (count, count))
    reading = read(tmp_path / "tills", **COVERS)
    assert set(reading.series["value"]) == {45} and not any("other numbers" in note for note in reading.notes)


def test_files_that_are_said_to_be_exports_of_the_same_figures_correct_each_other(write, tmp_path):
    for at, name in enumerate(("b.csv", "a.csv")):
        lines = "".join(f"2025-12-{day:02},{day + 10 * at}\n" for day in range(1, 31))
        os.utime(write("date,covers\n" + lines, f"tills/{name}"), (at, at))
    assert "data.files: exports" in problem(tmp_path / "tills", **COVERS)
    reading = read(tmp_path / "tills", **COVERS, files="exports")
    assert reading.series["value"].tolist() == [day + 10 for day in range(1, 31)]
    assert "b.csv has other numbers than a.csv on 30 days, and is left out there" in reading.notes


def test_orders_that_are_there_again_on_end_are_counted_and_said(write):
    head, *rows = orders("2026-01-01 05:00", "2026-02-01 05:00").splitlines(keepends=True)
    alike = [rows[0]] * 30  # equal orders of one moment are no block
    assert read(write("".join([head, *alike, *rows])), **NIGHTS).notes == []
    twice = read(write("".join([head, *rows, *rows[-40:]])), **NIGHTS)
    assert twice.notes == [f"till.csv: 40 rows are there again in the same order, and counted again; first line "
                           f"{len(rows) + 2}: if they were pasted twice, take them out"]  # fmt: skip
    (note,) = read(write("".join([head, *sorted([*rows, *rows[-40:]])])), **NIGHTS).notes
    assert "40 rows are there again in the same order" in note, "sorted by time"


def test_products_that_a_day_has_twice_are_no_copies_where_no_row_says_its_time(write):
    every = pd.date_range("2025-11-01", "2025-12-30")
    rows = "".join(f"{day:%F},{price}\n" for day in every for _ in ("lunch", "dinner") for price in range(5, 30))
    assert read(write("date,covers\n" + rows), **COVERS, rows="orders").notes == []


@pytest.mark.parametrize(("last", "why"), [
    ("2026-02-10 14:00", "2026-02-10 ends at 12:00, other Tuesdays at 02:00: it is not whole, and left out"),
    ("2026-02-11 00:00", "2026-02-10 ends at 20:00, other Tuesdays at 02:00: it is not whole, and left out"),
])  # fmt: skip
def test_a_last_day_that_ends_early_is_not_whole_whenever_its_file_was_copied(write, last, why):
    reading = read(write(orders("2026-01-01 05:00", last)), **NIGHTS)
    assert "02-10" not in days(reading) and set(reading.series["value"]) == {40}
    assert reading.notes == [why]


def test_a_first_day_of_a_night_alone_is_not_whole(write):
    reading = read(write(orders("2026-01-10", "2026-02-01 05:00")), **NIGHTS)
    assert "01-09" not in days(reading) and days(reading)["01-10"] == 40
    assert reading.notes == ["2026-01-09 begins at 01:00, other Fridays at 12:00: it is not whole, and left out"]


def test_a_house_that_shuts_at_ten_has_whole_days(saved):
    evenings = orders("2026-01-01", "2026-02-10 22:00", hours=(12, 19, 21))
    for moment in ("2026-02-10 22:15", "2026-02-11 01:00", "2026-03-01 10:00"):
        reading = read(saved(moment, evenings), **ORDERS)
        assert days(reading)["02-10"] == 30 and not reading.notes, "a file that is saved at night is whole"
    reading = read(saved("2026-02-10 20:30", evenings), **ORDERS)
    assert "02-10" not in days(reading)
    assert reading.notes == ["2026-02-10 was not over when till.csv was saved at 20:30: it is left out"]


def test_a_night_after_which_a_file_was_saved_is_over_but_not_one_in_which_it_was(saved):
    rows = orders("2026-01-01 05:00", "2026-02-11 05:00")
    assert days(read(saved("2026-02-11 02:30", rows), **NIGHTS))["02-10"] == 40
    assert "02-10" not in days(read(saved("2026-02-11 01:30", rows), **NIGHTS))


def test_a_day_in_which_a_file_of_days_was_saved_counts_from_the_evening(saved):
    rows = "date,covers\n2026-02-08,120\n2026-02-09,120\n2026-02-10,60\n"
    assert "02-10" not in days(read(saved("2026-02-10 15:00", rows), **COVERS))
    for moment in ("2026-02-10 22:30", "2026-02-11 00:10"):
        assert days(read(saved(moment, rows), **COVERS))["02-10"] == 60


def test_a_day_that_was_left_out_is_no_history_that_is_rewritten(saved):
    whole = orders("2026-01-01 05:00", "2026-02-12 05:00")
    before = read(saved("2026-02-10 14:00", orders("2026-01-01 05:00", "2026-02-10 14:00")), **NIGHTS)
    assert not compare(split(before.series), split(read(saved("2026-02-13 14:00", whole), **NIGHTS).series))


def test_a_day_that_was_not_over_when_its_file_was_saved_is_whole_by_the_next_one(saved, tmp_path):
    saved("2026-01-31 14:00", orders("2026-01-01 05:00", "2026-01-31 14:00"), "tills/01.csv")
    later = orders("2026-02-01 05:00", "2026-03-01 05:00")
    saved("2026-03-01 14:00", later, "tills/02.csv")
    assert np.isnan(days(read(tmp_path / "tills", **NIGHTS))["01-31"]), "what came after the save is nowhere"
    saved("2026-03-01 14:00", orders("2026-01-31 05:00", "2026-03-01 05:00"), "tills/02.csv")
    reading = read(tmp_path / "tills", **NIGHTS)
    assert set(reading.series["value"]) == {40}


def test_an_hour_left_blank_makes_a_day_unknown_but_not_one_that_always_is(write):
    rows = [(day, hour) for day in pd.date_range("2026-01-01", periods=30) for hour in range(24)]
    cell = {True: "", False: "5"}
    text = "date,hour,n\n" + "".join(
        f"{day:%Y-%m-%d},{hour},{cell[hour < 8 or (day.day == 10 and hour > 14)]}\n" for day, hour in rows
    )
    reading = read(write(text), **HOURLY)
    assert np.isnan(days(reading)["01-10"]) and reading.series["value"].dropna().eq(80).all()
    assert "hours are blank, taken as not known: 1 day; first 2026-01-10; write 0 where nobody came" in reading.notes
    assert opened(reading)["10"] == "unknown"


@pytest.mark.parametrize(("last", "since_october", "unknown"), [(20, 21, 0), (21, 20, 12)], ids=["longer", "shorter"])
def test_a_change_of_opening_hours_says_nothing_of_the_days_before_it(write, last, since_october, unknown):
    october = pd.Timestamp("2025-10-01")
    table = pd.DataFrame([(day, hour) for day in pd.date_range("2025-08-01", "2025-11-30") for hour in range(18, 22)])
    table = table.set_axis(["date", "hour"], axis="columns").assign(n=5.0)
    table["n"] = table["n"].where(table["hour"] <= np.where(table["date"] < october, last, since_october))
    whole = read(write(table.to_csv(index=False)), **HOURLY).series
    assert whole.loc[whole["value"].isna(), "date"].tolist() == [*pd.date_range(october, periods=unknown)]
    for day in pd.date_range("2025-09-28", "2025-10-20"):
        cut = read(write(table[table["date"] <= day].to_csv(index=False)), **HOURLY).series
        pd.testing.assert_frame_equal(visible(cut, day, 0), visible(whole, day, 0))


@pytest.mark.parametrize(("hours", "on", "has", "unknown"), [
    (range(12, 14), ["2025-12-23", "2025-12-24"], True, []),  # two late evenings, else blank
    (range(9, 11), ["2025-08-01", "2025-08-02", "2025-08-03"], False, ["2025-08-02", "2025-08-03"]),  # of a new counter
])  # fmt: skip
def test_hours_blank_on_all_days_but_two_or_on_the_first_three_are_known_for_what_they_are(
    write, hours, on, has, unknown
):
    table = pd.DataFrame([(day, hour) for day in pd.date_range("2025-08-01", "2026-01-31") for hour in range(9, 14)])
    table = table.set_axis(["date", "hour"], axis="columns").assign(n=5.0)
    blank = table["hour"].isin(hours) & (table["date"].isin(pd.to_datetime(on)) != has)
    reading = read(write(table.assign(n=table["n"].mask(blank)).to_csv(index=False)), **HOURLY)
    missing = reading.series.loc[reading.series["value"].isna(), "date"]
    assert missing.tolist() == [*pd.to_datetime(unknown)], reading.notes


def test_a_file_said_twice_is_not_doubled_about_a_change_of_the_clocks(write):
    local = pd.date_range("2025-10-25", "2025-10-28", freq="h", tz="Europe/Lisbon", inclusive="left")
    rows = "".join(f"{moment:%Y-%m-%d},{moment.hour}:00,1\n" for moment in local)
    for times in (1, 2):
        reading = read(write("date,hour,n\n" + rows * times), **HOURLY)
        assert days(reading) == {"10-25": 24, "10-26": 25, "10-27": 24}
    assert reading.notes == ["said again in 73 rows, left out; first till.csv:75"]


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/New_York"])
def test_hours_of_a_zone_whose_clocks_change_are_no_contradiction(write, zone):
    for month, count in ((3, 24), (10, 24)):
        rows = "".join(f"2025-{month:02}-30,{hour}:00,{hour}\n" for hour in range(count))
        rows += "".join(f"2025-{month:02}-09,{hour}:00,{hour}\n" for hour in range(count)) * 2
        reading = read(write("date,hour,n\n" + rows), rows_timezone=zone, **HOURLY)
        assert reading.series["value"].sum() == 2 * sum(range(24))


# --- sites


def test_sites_are_locations_beneath_the_market_s(write):
    path = write("date,site,n\n2025-12-30,Baixa,1\n2025-12-30,A/B,2\n2025-12-30,🍕,3\n")
    assert read(path, **SITES).series["location"].tolist() == ["PT-11/A%2FB", "PT-11/Baixa", "PT-11/🍕"]


def test_sites_may_be_columns(write):
    path = write("date,Baixa,Chiado\n2025-12-30,1,2\n")
    assert days(read(path, columns={"value": ["Baixa", "Chiado"]})) == {"Baixa 12-30": 1, "Chiado 12-30": 2}


BY_FILE = COVERS | {"files": "sites", "location": "PT-11", "series": "all"}


@pytest.fixture
def tills(write, tmp_path):
    """A folder of exports by their names, each with a number of covers on each of some days of December."""

    def tills(folder: str = "tills", days: range = range(1, 31), **files: float) -> Path:
        for name, covers in files.items():
            rows = "".join(f"2025-12-{day:02},{covers}\n" for day in days)
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            write("date,covers\n" + rows, f"{folder}/{name}")
        return tmp_path / folder

    return tills


def sites(reading: Reading) -> dict[str, set[float]]:
    """The values of each site."""
    return {place: set(rows["value"]) for place, rows in reading.series.groupby("location")}


@pytest.mark.parametrize("names", [
    ("tasca.csv", "praia.csv"),
    ("tasca-2025-12.csv", "2025.12_praia.csv"),
    ("tasca/2025-12.csv", "praia/2025-12.csv"),
    ("tasca/a.csv", "praia.csv"),
])  # fmt: skip
def test_files_or_folders_may_be_sites_as_a_column_would_say(tills, write, names):
    tasca, praia = names
    reading = read(tills(**{tasca: 9, praia: 5}), **BY_FILE)
    assert sites(reading) == {"PT-11/tasca": {9}, "PT-11/praia": {5}} and not reading.notes
    rows = "".join(f"2025-12-{day:02},{site},{n}\n" for day in range(1, 31) for site, n in (("tasca", 9), ("praia", 5)))
    column = write("date,site,covers\n" + rows)
    of_column = read(column, columns={"value": "covers", "site": "site"}, location="PT-11", series="all")
    pd.testing.assert_frame_equal(reading.series, of_column.series)


@pytest.mark.parametrize(("name", "site"), [
    ("tasca-2026-11-01.csv", "tasca"),
    ("praia_20261101.csv.gz", "praia"),
    ("tasca20261101.csv", "tasca"),
    ("loja1-2026-11-01.csv", "loja1"),
    ("loja12_1.11.2026.csv", "loja12"),
    ("01-11-2026 São João.xlsx/Folha 1", "São João"),
    ("tasca (2).csv", "tasca"),
    ("tasca (2026-10-01).csv", "tasca"),
    ("Vendas [2026-11].xlsx", "Vendas"),
    ("tasca_[3].csv", "tasca"),
    ("Tasca (Norte).csv", "Tasca (Norte)"),
    ("St.Ana/bar-2026-10-01.csv", "St.Ana/bar"),
    ("Vendas_Tasca_2026-W44.csv", "Vendas_Tasca"),
    ("tasca-2026-11-01T14.30Z.parquet", "tasca"),
    ("tasca-2026-11-01-143000.csv", "tasca"),
    ("2026-11-01.csv", ""),
])  # fmt: skip
def test_a_site_is_what_a_file_is_called_beside_dates_and_numbers(name, site):
    assert names.of_file(name) == site


def test_tills_that_write_a_file_a_day_are_sites_and_each_new_file_goes_on(tills):
    for day in range(1, 21):
        folder = tills(days=range(day, day + 1), **{f"tasca-2025-12-{day:02}.csv": 9, f"praia-2025-12-{day:02}.csv": 5})
    before = read(folder, **BY_FILE)
    assert sites(before) == {"PT-11/tasca": {9}, "PT-11/praia": {5}} and len(before.series) == 40 and not before.notes
    tills(days=range(21, 22), **{"tasca-2025-12-21.csv": 9})
    after = read(folder, **BY_FILE)
    assert len(after.series) == 41 and not compare(split(before.series), split(after.series))
    (folder / "tasca-2025-12-20.csv").rename(folder / "Tasca-20251220.csv")
    renamed = read(folder, **BY_FILE)
    pd.testing.assert_frame_equal(renamed.series, after.series)
    assert renamed.notes == ["names typed in two ways are of one site: 'Tasca' is 'tasca'"]
    (folder / "praia-2025-12-20.csv").unlink()
    (folder / "tasca-2025-12-07.csv").unlink()
    (lost,) = compare(split(after.series), split(read(folder, **BY_FILE).series))
    assert lost.startswith("history rewritten: 2 of 41 values differ")
    for file in folder.glob("praia*"):
        file.rename(folder / file.name.replace("praia", "mar"))
    gone, *_ = compare(split(after.series), split(read(folder, **BY_FILE).series))
    assert gone == "site vanished: praia had rows in the last snapshot, and none now"


def test_exports_of_one_site_correct_each_other_within_it_alone(tills):
    folder = tills(**{"tasca/a.csv": 9, "praia/a.csv": 5})
    tills(days=range(29, 32), **{"praia/b.csv": 6})
    reading = read(folder, **BY_FILE)
    assert sites(reading) == {"PT-11/tasca": {9}, "PT-11/praia": {5, 6}}
    assert reading.notes == ["more than one export has 2 days: those of the newer one are taken"]
    (folder / "praia" / "b.csv").write_text("date,covers\n2025-12-31,x\n")
    assert problem(folder, **BY_FILE).startswith("praia/b.csv:2:covers: x — no number")


def test_two_places_that_a_number_alone_tells_apart_are_refused_and_folders_name_them(tills):
    refused = problem(tills(**{"loja 1.csv": 9, "loja 2.csv": 5}), **BY_FILE)
    assert "on 30 days: all are of the site 'loja', as dates and numbers in files' names count for nothing" in refused
    assert sites(read(tills("shops", **{"loja 1/a.csv": 9, "loja 2/a.csv": 5}), **BY_FILE)) == {
        "PT-11/loja 1": {9},
        "PT-11/loja 2": {5},
    }
    says = "2025-12.csv:1:1: 2025-12.csv — dates and numbers alone name no site (data.files: sites)"
    assert problem(tills("months", **{"2025-12.csv": 9}), **BY_FILE).startswith(says)


def test_one_file_is_no_folder_of_sites_and_folders_are_none_unless_that_is_said(tills, write):
    with pytest.raises(UsageProblem, match=r"tasca\.csv: data\.files: sites .* this is one file; leave it out"):
        read(tills(**{"tasca.csv": 9}) / "tasca.csv", **BY_FILE)
    folder = tills("houses", **{"tasca/a.csv": 9, "praia/a.csv": 5})
    write("", "houses/praia/notes.zip")
    assert "; there are some in praia/, tasca/: where each is a site, say" in problem(folder, **COVERS)
    assert read(folder, **BY_FILE).notes == ["houses: passed over: praia/notes.zip"]


def test_sites_are_files_or_columns_and_of_ones_own_exports():
    def refused(**keys):
        with pytest.raises(ValidationError) as error:
            Data.model_validate({"source": "x", "files": "sites", **keys})
        return str(error.value)

    counts = {"unit": "counts"}
    assert "sites are files (data.files) or columns" in refused(**counts, columns={"site": "shop", "value": "n"})
    assert "sites are files (data.files) or columns" in refused(**counts, columns={"value": ["a", "b"]})
    assert "exports of one's own till" in refused() and "exports of one's own till" in refused(
        **counts, format="carris"
    )


PARTS = {"columns": {"date": "dia", "parts": ["almoço", "jantar"]}}


def meals(cells: dict[str, str]) -> str:
    """Ten weeks of lunches and dinners; other cells of some days."""
    own = [f"{day:%Y-%m-%d},{cells.get(f'{day:%m-%d}', '20,30')}" for day in pd.date_range("2026-06-01", periods=70)]
    return "\n".join(["dia,almoço,jantar", *own, "Total,1400,2100"])


def test_columns_that_are_parts_of_a_day_are_summed(write):
    reading = read(write(meals({})), **PARTS)
    assert days(reading)["06-01"] == 50 and reading.series["value"].eq(50).all() and len(reading.series) == 70
    assert set(reading.series["location"]) == {"PT"}


def test_a_part_left_blank_makes_its_day_unknown_but_not_on_a_weekday_that_never_has_it(write):
    """No lunch on Sundays; a day with neither is not known, as of a single column."""
    sundays = dict.fromkeys([f"{day:%m-%d}" for day in pd.date_range("2026-06-07", periods=9, freq="7D")], ",30")
    reading = read(write(meals(sundays | {"06-03": "20,", "06-04": ","})), **PARTS)
    values = days(reading)
    assert values["06-07"] == 30 and values["06-02"] == 50 and all(pd.isna(values[day]) for day in ("06-03", "06-04"))
    note = "till.csv: a part of the day is blank, taken as not known: 1 row; first line 4"
    assert [f"{note}; write 0 where nobody came"] == [said for said in reading.notes if "blank" in said]


def test_parts_of_sites_are_summed_site_by_site_and_by_the_hour(write):
    rows = "dia,loja,hora,a,b\n2026-06-01,Baixa,23,1,2\n2026-06-01,Baixa,10,3,4\n2026-06-01,Foz,10,5,6\n"
    columns = {"date": "dia", "parts": ["a", "b"], "site": "loja", "hour": "hora"}
    assert days(read(write(rows), columns=columns, rows="hours")) == {"Baixa 06-01": 10, "Foz 06-01": 11}


def test_an_order_without_one_of_the_parts_is_known(write):
    """A table of four without children."""
    rows = "dia,almoço,jantar\n" + "2026-06-01,2,\n2026-06-01,3,1\n2026-06-02,4,\n" * 20
    assert days(read(write(rows), **PARTS, rows="orders")) == {"06-01": 120, "06-02": 80}


def test_a_site_that_never_has_a_part_has_the_others(write):
    dates = pd.date_range("2026-06-01", periods=28)
    rows = [f"{day:%Y-%m-%d},{row}" for day in dates for row in ("Baixa,20,30", "Foz,10,")]
    columns = {"date": "dia", "parts": ["almoço", "jantar"], "site": "loja"}
    table = read(write("\n".join(["dia,loja,almoço,jantar", *rows])), columns=columns).series
    assert table.groupby("location")["value"].agg(["min", "max"]).to_numpy().tolist() == [[50, 50], [10, 10]]


def test_in_an_export_of_a_day_a_blank_part_is_as_unknown_as_in_one_of_a_month(tmp_path):
    for day in pd.date_range("2026-06-01", periods=7):
        cells = "20," if day.day == 5 else "20,30"
        (tmp_path / f"{day:%F}.csv").write_text(f"dia,almoço,jantar\n{day:%F},{cells}\n")
    values = days(read(tmp_path, **PARTS))
    assert pd.isna(values.pop("06-05")) and set(values.values()) == {50}


def test_columns_are_sites_or_parts_and_not_both():
    with pytest.raises(ValueError, match="columns are sites \\(value\\) or parts of one's day \\(parts\\), not both"):
        Data.model_validate({"source": "t", "unit": "counts", "columns": {"value": "a", "parts": ["b", "c"]}})


def test_a_name_typed_in_two_ways_is_one_site_by_the_market_s_own_spelling(write):
    path = write("date,site,n\n2025-12-30,Café  Sé,1\n2025-12-31,cafe sé ,2\n2026-01-01,cafe sé,3\n")
    reading = read(path, **SITES)
    assert days(reading) == {"Café  Sé 12-30": 1, "Café  Sé 12-31": 2, "Café  Sé 01-01": 3}
    assert reading.notes == ["names typed in two ways are of one site: 'cafe sé' is 'Café  Sé'"]
    own = read(path, **SITES | {"location": "PT-11/cafe sé"})
    assert set(own.series["location"]) == {"PT-11/cafe sé"}


@pytest.mark.parametrize(("name", "says"), bad_tills.SITES)
def test_a_hostile_name_is_one_clear_sentence(write, name, says):
    text = problem(write(f"date,site,n\n2025-12-30,{name},1\n2025-12-31,{name},1\n"), **SITES)
    assert re.search(says, text) and len(text.splitlines()) == 1 and text.isprintable(), text


def test_days_said_twice_are_named_with_both_lines(write):
    path = write("date,covers\n2025-12-30,210\n2025-12-30,210\n2025-12-31,5\n2025-12-31,6\n")
    assert problem(path, **COVERS).startswith(
        "till.csv:5:covers: 6 — till.csv:4 has 5 for the same day; one of the two"
    )


def test_times_said_twice_are_named_as_such_and_rows_of_times_that_are_called_days(write):
    rows = "2025-12-30 10:00,5\n2025-12-30 10:15,6\n2025-12-30 10:00,7\n"
    path, keys = write("when,covers\n" + rows), ORDERS | {"columns": {"date": "when", "value": "covers"}}
    says = "till.csv:4:covers: 7 — till.csv:2 has 5 for the same time; one of the two rows must go"
    assert problem(path, **keys | {"rows": "hours"}).startswith(says)
    says = "for the same day; rows say times: data.rows is hours, of which each has one figure, or orders"
    refused = problem(path, **keys | {"rows": "days"})
    assert says in refused and len(refused.splitlines()) == 1


def test_days_said_twice_may_be_of_two_shops_which_a_column_tells_apart(write):
    path = write("date,site,covers\n2025-12-30,Baixa,5\n2025-12-30,Graça,6\n")
    says = "for the same day; if site tells them apart, it is data.columns.site; else one of the two rows must go"
    assert says in problem(path, **COVERS)
    blank = write("date,covers,\n2025-12-30,5,\n2025-12-30,6,\n")
    assert "for the same day; one of the two rows must go" in problem(blank, **COVERS)


# --- closed, absent, unknown

HOLED = "date,covers\n2025-12-01,1\n2025-12-03,2\n2025-12-05,\n2025-12-06,0\n"


def opened(reading: Reading) -> dict[str, str]:
    return dict(zip(reading.series["date"].dt.strftime("%d"), reading.series["open"], strict=True))


def test_days_without_a_row_are_what_the_market_s_file_says(write):
    path = write(HOLED)
    assert opened(read(path, **COVERS)) == {"01": "yes", "03": "yes", "05": "unknown", "06": "unknown"}
    assert opened(read(path, absent="closed", **COVERS)) | {"02": "no", "04": "no"} == opened(
        read(path, absent="closed", **COVERS)
    )
    assert opened(read(path, absent="unknown", **COVERS))["02"] == "unknown"
    assert read(path, **COVERS).notes == ["no row between first and last: 2 days; first 2025-12-02"]
    path = write("date,covers\n2025-10-31,9\n2025-11-02,9\n2025-11-17,9\n")
    plain = "no row between first and last: 15 days; first 2025-11-01"
    how = "say so in closed.from_to, or absent: closed, for every such day"
    assert read(path, **COVERS).notes == [f"{plain}; if it was shut from 2025-11-03 to 2025-11-16, {how}"]
    assert read(path, absent="unknown", **COVERS).notes == [plain]
    assert read(path, closed={"from_to": [["2025-11-03", "2025-11-16"]]}, **COVERS).notes == [plain]


@pytest.mark.parametrize("weekdays", [[], ["monday"]])
def test_each_august_of_a_house_shut_on_mondays_is_asked_for_until_it_is_said(write, weekdays):
    every = pd.date_range("2024-06-03", "2025-11-30")
    days = every[(every.dayofweek != 0) & (every.month != 8)]
    path = write("date,covers\n" + "".join(f"{day:%F},100\n" for day in days))
    spans = [[f"{year}-08-01", f"{year}-08-31"] for year in (2024, 2025)]

    def asked(*said):
        (note,) = read(path, closed={"weekdays": weekdays, "from_to": [*said]}, **COVERS).notes
        return re.findall(r"shut from (\S+) to (\S+),", note)

    assert asked() == [("2024-08-01", "2024-08-31")]
    assert asked(spans[0]) == [("2025-08-01", "2025-08-31")]
    assert asked(spans[1]) == [("2024-08-01", "2024-08-31")]
    assert asked(*spans) == []


@pytest.mark.parametrize(
    ("site", "note"),
    [
        ("", "no Monday has a value (52 blank): if it is shut, say closed: {weekdays: [monday]}; else export it"),
        ("Foz", "no Monday at Foz has a value (52 blank): if it is shut, write 0; else export it"),
    ],
)
def test_a_weekday_whose_cells_are_all_blank_is_told(write, site, note):
    every = pd.date_range("2025-01-01", "2025-12-31")
    rows = "".join(f"{day:%Y-%m-%d},{site},{'' if day.dayofweek == 0 else 100}\n" for day in every)
    keys = SITES if site else {"columns": {"value": "n"}}
    path = write("date,site,n\n" + rows)
    assert read(path, **keys).notes == [note]
    assert not read(path, closed={"weekdays": ["monday"]}, **keys).notes
    if site:
        percent = {"unit": "percent", "format": "table", "category": "parks", "lag": 1}
        assert read(path, **keys, **percent).notes == [note.replace("write 0", "write -100")]


def test_days_said_to_be_closed_are_but_where_somebody_came(write):
    closed = {"from_to": [["2025-12-02", "2025-12-06"]]}
    reading = read(write(HOLED), closed=closed, **COVERS)
    assert opened(reading) == {"01": "yes", "02": "no", "03": "yes", "04": "no", "05": "no", "06": "no"}


def test_a_house_shut_on_mondays_is_shut_then_in_every_spelling(write):
    every = pd.date_range("2025-01-01", "2025-12-31")
    zero = "".join(f"{day:%Y-%m-%d},{0 if day.dayofweek == 0 else 100}\n" for day in every)
    gone = "".join(f"{day:%Y-%m-%d},100\n" for day in every if day.dayofweek != 0)
    first, last = "2025-01-02", "2025-12-31"
    by_zero = read(write("date,covers\n" + zero), **COVERS).series
    by_absence = read(write("date,covers\n" + gone), absent="closed", **COVERS).series
    for series in (by_zero, by_absence):
        closed = shut_of(rows_of(series, "PT", "count"), "count")[first:last]
        assert closed[closed.index.dayofweek == 0].all() and not closed[closed.index.dayofweek != 0].any()
        assert pick(series, "PT", "count")[first:last].isna().sum() == closed.sum()


def test_the_snapshot_keeps_whether_a_place_was_open(write):
    series = read(write(HOLED), absent="closed", **COVERS).series
    pd.testing.assert_frame_equal(from_parquet(to_parquet(series)), series.astype(dict.fromkeys(SERIES, "category")))
    assert list(series.columns) == [*KEYS, "value", "open"] and not series.duplicated(KEYS).any()


# --- what is odd stays, and is said


def test_a_fortnight_copied_and_a_day_twenty_times_too_large_are_said(write):
    values = [100 + 7 * day % 31 for day in range(60)]
    values[28:42] = values[14:28]
    values[50] = 2300
    every = pd.date_range("2025-01-01", periods=60)
    rows = "".join(f"{day:%Y-%m-%d},{value}\n" for day, value in zip(every, values, strict=True))
    reading = read(write("date,covers\n" + rows), **COVERS)
    assert reading.series["value"].tolist() == values
    copied, large = reading.notes
    assert copied == "2025-01-29 to 2025-02-11 repeat the fortnight before digit for digit"
    assert re.match(r"2025-02-20 has 2300, 2\d times a usual day", large)


@pytest.mark.parametrize("name", ["queen_street_daily.csv", "bakeries_daily.csv"])
def test_few_real_days_are_odd(name):
    columns = {"site": "site", "value": "count" if name.startswith("queen") else "sold"}
    notes = read(shared(f"own/{name}"), columns=columns, location="NZ-AUK").notes
    assert len(notes) <= 2, notes


# --- folders


def test_of_exports_that_overlap_the_newer_one_s_whole_days_are_taken(write, tmp_path):
    write("when,amount\n2025-12-01 10:00,1\n2025-12-02 10:00,1\n", "tills/old.csv")
    write("when,amount\n2025-12-02 10:00,1\n2025-12-02 20:00,5\n2025-12-03 20:00,5\n", "tills/new.csv")
    write("not an export", "tills/.hidden.csv")
    reading = read(tmp_path / "tills", **ORDERS)
    assert days(reading) == {"12-01": 1, "12-02": 6, "12-03": 5}
    assert reading.notes == ["more than one export has 1 day: those of the newer one are taken"]


def test_files_of_sites_do_not_overlap(write, tmp_path):
    write("date,site,n\n2025-12-30,Baixa,1\n", "tills/a.csv")
    write("date,site,n\n2025-12-30,Chiado,2\n2025-12-31,Chiado,2\n", "tills/b.csv")
    reading = read(tmp_path / "tills", **SITES)
    assert days(reading) == {"Baixa 12-30": 1, "Chiado 12-30": 2, "Chiado 12-31": 2} and not reading.notes


def test_what_is_wrong_in_any_file_of_a_folder_is_told_at_once(write, tmp_path):
    write("date,covers\n2025-12-30,x\n", "tills/a.csv")
    write("date,covers\n2025-12-30,y\n", "tills/b.csv")
    assert "a.csv:2:covers: x" in problem(tmp_path / "tills", **COVERS)
    assert problem(tmp_path / "tills", **COVERS).endswith("(2 times; next b.csv:2)")


def test_an_empty_folder_and_none_say_so(tmp_path):
    assert "no export in this folder" in problem(tmp_path, **COVERS)
    with pytest.raises(UsageProblem, match="no such file or folder"):
        read(tmp_path / "none", **COVERS)


# --- whatever comes


GOOD = (
    "date,site,n\n" + "".join(f"2025-{day:%m-%d},Baixa,{day.day}\n" for day in pd.date_range("2025-01-01", periods=90))
).encode()


@pytest.mark.long
@settings(max_examples=60, derandomize=True, deadline=None)
@given(at=st.integers(0, len(GOOD)), octets=st.binary(min_size=1, max_size=4), dropped=st.integers(0, 4))
def test_any_damage_is_read_or_explained(at, octets, dropped, tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / "till.csv"
    path.write_bytes(GOOD[:at] + octets + GOOD[at + dropped :])
    try:
        assert {location.partition("/")[0] for location in read(path, **SITES).series["location"]} == {"PT-11"}
    except DataProblem as explained:
        assert all(line.startswith("till.csv") for line in str(explained).splitlines())
        assert str(explained).replace("\n", "").isprintable()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(at=st.integers(0, 4000), octets=st.binary(min_size=1, max_size=4))
def test_any_damage_to_a_workbook_is_read_or_explained(at, octets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    content = workbook(folder / "good.xlsx", {"Data": ROWS}).read_bytes()
    at = at % len(content)
    (folder / "till.xlsx").write_bytes(content[:at] + octets + content[at + len(octets) :])
    try:
        assert "12-01" in days(read(folder / "till.xlsx", **PORTUGUESE))
    except DataProblem as explained:
        assert str(explained).startswith("till.xlsx")


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("footfall.sources.integrity.LARGEST", 500)
    path = workbook(tmp_path / "covers.xlsx", {"Data": ROWS})
    assert "more than the limit of 500 bytes; no export is that large" in problem(path, **PORTUGUESE)


@pytest.mark.soak
def test_a_hundred_thousand_orders_take_little_memory(write):
    rows = "".join(f"2025-{m:02}-{d:02} 10:00,1\n" for m in range(1, 11) for d in range(1, 29)) * 360
    path = write("when,amount\n" + rows)
    tracemalloc.start()
    assert set(read(path, **ORDERS).series["value"]) == {360}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6
