"""SAF-T (PT): documents are counted or summed, cancelled ones are not, credit notes are taken away."""

import datetime as dt
import itertools
import os
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.sources.reading import Reading
from footfall.sources.table import read_table

HEAD = '<?xml version="1.0" encoding="{encoding}"?>\n<AuditFile xmlns="urn:OECD:StandardAuditFile-Tax:PT_1.04_01">'
COMPANY = "<Header><TaxRegistrationNumber>501234567</TaxRegistrationNumber><TaxEntity>Global</TaxEntity></Header>"
MASTER = "<MasterFiles><Customer><CustomerID>1</CustomerID></Customer></MasterFiles>"
NUMBERS = itertools.count(1)


def invoice(
    day: str, entry: str, total: str = "10.00", kind: str = "FS", status: str = "N", number: str = "", since: str = ""
) -> str:
    return (
        f"<Invoice><InvoiceNo>{number or f'{kind} A/{next(NUMBERS)}'}</InvoiceNo>"
        f"<DocumentStatus><InvoiceStatus>{status}</InvoiceStatus>"
        f"<InvoiceStatusDate>{since or entry}</InvoiceStatusDate></DocumentStatus><InvoiceDate>{day}</InvoiceDate>"
        f"<InvoiceType>{kind}</InvoiceType><SystemEntryDate>{entry}</SystemEntryDate>"
        "<Line><LineNumber>1</LineNumber><CreditAmount>8.13</CreditAmount></Line>"
        f"<DocumentTotals><GrossTotal>{total}</GrossTotal><Payment><PaymentAmount>1</PaymentAmount></Payment>"
        "</DocumentTotals></Invoice>"
    )


INVOICES = [
    invoice("2025-12-01", "2025-12-01T12:00:00"),
    invoice("2025-12-01", "2025-12-01T23:00:00"),
    invoice("2025-12-02", "2025-12-02T01:00:00", "20.00"),
    invoice("2025-12-02", "2025-12-02T13:00:00", "99.00", status="A"),
    invoice("2025-12-02", "2025-12-02T13:00:00", "99.00", status="F"),
    invoice("2025-12-01", "2025-12-01T12:30:00", "4.00", kind="NC"),
    invoice("2025-12-02", "2025-12-02T12:30:00", "1.00", kind="ND"),
]


def write(
    folder: Path,
    invoices: list[str] = INVOICES,
    encoding: str = "windows-1252",
    name: str = "saft.xml",
    company: str = COMPANY,
) -> Path:
    body = f"<SourceDocuments><SalesInvoices>{''.join(invoices)}</SalesInvoices></SourceDocuments></AuditFile>"
    path = folder / name
    path.write_bytes((HEAD.format(encoding=encoding) + company + MASTER + body).encode(encoding))
    return path


def read(path: Path, **keys) -> Reading:
    return read_table(path, Data.model_validate({"source": path.name, "unit": "counts", **keys}), dt.date(2026, 11, 26))


def values(reading: Reading) -> list[float]:
    return reading.series["value"].tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_documents_are_counted_but_not_those_cancelled_or_replaced(tmp_path, encoding):
    reading = read(write(tmp_path, encoding=encoding))
    assert values(reading) == [1, 1], "two receipts and a credit note; one receipt, a debit note is nobody"
    assert reading.notes == [
        "cancelled, left out: 1 document",
        "replaced by an invoice, left out: 1 document",
    ]


def test_gross_totals_are_summed_where_the_market_s_file_asks_for_them(tmp_path):
    assert values(read(write(tmp_path), format="saft", columns={"value": "GrossTotal"})) == [16, 21]


def test_a_day_that_starts_late_goes_by_the_moment_of_entry(tmp_path):
    assert values(read(write(tmp_path), columns={"value": "GrossTotal"}, day_starts="05:00")) == [36, 1]


def test_a_day_that_is_half_over_is_told_by_the_hours_of_entry(tmp_path):
    """Whenever the file was saved: a copy is as old as its copying."""
    hours = [
        *(f"2025-12-{day:02}T{hour}:30:00" for day in range(1, 30) for hour in ("12", "20")),
        "2025-12-30T12:30:00",
    ]
    invoices = [invoice(entry[:10], entry) for entry in hours]
    reading = read(write(tmp_path, [*invoices, invoice("2025-12-28", "2025-12-29T09:00:00")]))
    assert values(reading) == [2] * 27 + [3, 2], "what was entered on the next day is of its own"
    assert reading.notes == ["2025-12-30 ends at 12:30, other Tuesdays at 20:30: it is not whole, and left out"]


def test_months_in_a_folder_are_one_series(tmp_path):
    (tmp_path / "saft").mkdir()
    write(tmp_path / "saft", [invoice("2025-11-30", "2025-11-30T12:00:00")], name="11.xml")
    write(tmp_path / "saft", INVOICES, name="12.xml")
    assert values(read(tmp_path / "saft")) == [1, 1, 1]


def test_a_night_between_two_months_is_of_its_evening(tmp_path):
    """Each file has the documents of its month, and the last night of one is in the next."""
    (tmp_path / "saft").mkdir()
    entries = [f"2025-{month}-{day:02}T{hour}:00:00" for month in (11, 12) for day in range(1, 31)
               for hour in ("12", "23", "01")]  # fmt: skip
    for month in ("11", "12"):
        own = [invoice(entry[:10], entry) for entry in sorted(entries) if entry[5:7] == month]
        write(tmp_path / "saft", own, name=f"{month}.xml")
    reading = read(tmp_path / "saft", day_starts="05:00")
    assert values(reading) == [3] * 59, "all but a first day of a night alone, and a last one without its night"
    assert [note.partition(" ")[0] for note in reading.notes] == ["2025-10-31", "2025-12-30"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'<?xml version="1.0"?><AuditFile><Invoice>', "no XML that can be read"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><AuditFile>&b;</AuditFile>', "DTDForbidden"),
        (b'<?xml version="1.0"?><AuditFile/>', "no invoice in this audit file"),
        (b'<?xml version="1.0" encoding="klingon"?><AuditFile/>', "no XML that can be read"),
    ],
)
def test_what_is_no_audit_file_is_called_so(tmp_path, content, says):
    (tmp_path / "saft.xml").write_bytes(content)
    with pytest.raises(DataProblem, match=rf"^saft\.xml:1:.*{says}"):
        read(tmp_path / "saft.xml")


def test_what_stands_around_the_documents_is_not_kept(tmp_path):
    many = "<x/>" * 300_000
    (tmp_path / "x.xml").write_text(f"<?xml version='1.0'?><AuditFile>{many}<a>{many}</a></AuditFile>")
    tracemalloc.start()
    with pytest.raises(DataProblem, match="no invoice"):
        read(tmp_path / "x.xml")
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_field_that_cannot_be_summed_is_refused(tmp_path):
    with pytest.raises(DataProblem, match=r"Lines — of SAF-T, documents are counted, or their GrossTotal is summed"):
        read(write(tmp_path), columns={"value": "Lines"})


def test_a_date_that_is_none_names_its_document(tmp_path):
    path = write(tmp_path, [*INVOICES, invoice("2025-13-01", "2025-12-01T12:00:00")])
    with pytest.raises(DataProblem, match=r"^saft\.xml:8:date: 2025-13-01 — no date"):
        read(path)


def test_what_the_market_s_file_calls_otherwise_is_said(tmp_path):
    with pytest.raises(DataProblem, match=r"an XML file, and data\.format is table"):
        read(write(tmp_path), format="table")
    (tmp_path / "till.csv").write_text("date\n2025-01-01\n")
    with pytest.raises(DataProblem, match=r"a CSV file, and data\.format is saft"):
        read(tmp_path / "till.csv", format="saft")


@pytest.fixture
def tills(tmp_path):
    """Two tills of one place: a folder, and of each till a receipt an hour for five weeks; the second sells less."""
    (tmp_path / "tills").mkdir()
    days = [f"2025-12-{day:02}" for day in range(1, 29)]
    bar = [invoice(day, f"{day}T{hour}:00:00", number=f"FS BAR/{day[-2:]}{hour}") for day in days for hour in (12, 20)]
    room = [invoice(day, f"{day}T20:30:00", number=f"FS SALA/{day[-2:]}") for day in days]
    return tmp_path / "tills", bar, room


def test_two_tills_of_one_place_add_up(tills):
    folder, bar, room = tills
    write(folder, bar, name="bar.xml")
    write(folder, room, name="sala.xml")
    reading = read(folder)
    assert values(reading) == [3] * 28 and reading.notes == []


def test_a_document_that_is_exported_twice_counts_once(tills):
    """A month that is exported again before it is over, of one of two tills."""
    folder, bar, room = tills
    write(folder, bar[:30], name="bar 1.xml")
    write(folder, bar, name="bar 2.xml")
    write(folder, room, name="sala.xml")
    reading = read(folder)
    assert values(reading) == [3] * 28
    assert reading.notes == ["exported more than once, taken once, as last said: 30 documents"]


@pytest.mark.parametrize("older", ["1.xml", "3.xml"])
def test_a_document_counts_as_it_stands_last_whichever_file_says_so(tills, older):
    folder, bar, _ = tills
    day = "2025-12-05"
    at = f"{day}T12:00:00"
    cancelled = [invoice(day, at, number="FS BAR/0512", status="A", since=f"{day}T12:10:00")]
    write(folder, bar, name=older)
    write(folder, cancelled, name="2.xml")
    reading = read(folder)
    assert values(reading) == [2] * 4 + [1] + [2] * 23
    assert reading.notes == [
        "exported more than once, taken once, as last said: 1 document",
        "cancelled, left out: 1 document",
    ]


def test_tills_that_number_alike_are_told_apart_by_when_each_document_was_entered(tmp_path):
    (tmp_path / "tills").mkdir()
    for minute in ("00", "10"):
        write(
            tmp_path / "tills",
            [invoice("2025-12-01", f"2025-12-01T12:{minute}:00", number="FS A/1")],
            name=f"{minute}.xml",
        )
    assert values(read(tmp_path / "tills")) == [2]


def test_where_all_documents_are_cancelled_there_is_no_day(tmp_path):
    with pytest.raises(DataProblem, match=r"no row of a day before 2026-11-26, .*; cancelled, left out: 1 document"):
        read(write(tmp_path, [invoice("2025-12-01", "2025-12-01T12:00:00", status="A")]))


def test_a_document_without_a_number_is_refused(tmp_path):
    path = write(tmp_path, [*INVOICES, INVOICES[0].replace("InvoiceNo", "Number")])
    with pytest.raises(DataProblem, match=r"^saft\.xml:8:InvoiceNo: \(blank\) — a document without its number"):
        read(path)


def company(number: str = "501234567", entity: str = "Global") -> str:
    return f"<Header><TaxRegistrationNumber>{number}</TaxRegistrationNumber><TaxEntity>{entity}</TaxEntity></Header>"


def test_two_companies_are_no_one_place(tills):
    folder, bar, room = tills
    write(folder, bar, name="bar.xml")
    write(folder, room, name="sala.xml", company=company("509999999"))
    with pytest.raises(DataProblem, match=r"^tills: audit files of several companies, 501234567, 509999999; "):
        read(folder)
    series = read(folder, columns={"site": "TaxRegistrationNumber"}).series
    assert series.groupby("location")["value"].sum().to_dict() == {"PT/501234567": 56, "PT/509999999": 28}


def test_establishments_are_one_place_and_said_so_or_a_site_each(tills):
    folder, bar, room = tills
    write(folder, bar, name="bar.xml", company=company(entity="Baixa"))
    write(folder, room, name="sala.xml", company=company(entity="Foz"))
    reading = read(folder)
    assert values(reading) == [3] * 28 and reading.notes == [
        "the establishments Baixa, Foz are taken for one place; a site each: columns: {site: TaxEntity}, "
        "or footfall new --site TaxEntity"
    ]
    series = read(folder, columns={"site": "TaxEntity"}).series
    assert series.groupby("location")["value"].sum().to_dict() == {"PT/Baixa": 56, "PT/Foz": 28}


def test_a_till_that_was_saved_before_its_day_was_over_spoils_that_day(tills):
    folder, bar, room = tills
    early = write(folder, bar[:41], name="bar.xml")  # the 21st at noon
    write(folder, room, name="sala.xml")
    saved = dt.datetime(2025, 12, 21, 14, tzinfo=dt.UTC).timestamp()
    os.utime(early, (saved, saved))
    reading = read(folder)
    assert values(reading)[:20] == [3] * 20 and pd.isna(values(reading)[20])
    assert "2025-12-21 was not over when bar.xml was saved at 14:00: it is left out" in reading.notes


def till(series: str, first: str, last: str) -> list[str]:
    """A receipt a day."""
    return [
        invoice(f"{day:%F}", f"{day:%F}T12:00:00", number=f"FS {series}/{number}")
        for number, day in enumerate(pd.date_range(first, last))
    ]


@pytest.mark.parametrize("early", ["a.xml", "b.xml"])
def test_whichever_of_two_tills_was_saved_too_early_spoils_the_day(early, tmp_path):
    late = "a.xml" if early == "b.xml" else "b.xml"
    write(tmp_path, till("A", "2026-01-01", "2026-03-31"), name=early)
    write(tmp_path, till("B", "2026-01-01", "2026-03-31"), name=late)
    for name, hour in ((early, 9), (late, 23)):
        saved = dt.datetime(2026, 3, 31, hour, tzinfo=dt.UTC).timestamp()
        os.utime(tmp_path / name, (saved, saved))
    assert len(values(read(tmp_path))) == 89, "without the last day"


def test_a_till_that_is_one_day_behind_is_noted(tmp_path):
    write(tmp_path, [*till("A", "2026-01-01", "2026-03-31"), *till("B", "2026-01-01", "2026-03-30")])
    assert any("no document FS B/… since 2026-03-30" in note for note in read(tmp_path).notes)


def test_a_till_whose_newest_export_is_missing_is_noted(tmp_path):
    """But not one that is called otherwise now, was given up long ago, or is not used every day."""
    write(tmp_path, [*till("A", "2026-01-01", "2026-03-31"), *till("B", "2026-01-01", "2026-03-20")])
    since = "no document FS B/… since 2026-03-20, while others go on to 2026-03-31"
    assert read(tmp_path).notes == [f"{since}: if an export of that till is missing, these days are too small"]
    renamed = till("B2", "2026-03-21", "2026-03-31")
    given_up = till("C", "2026-01-01", "2026-02-20")
    seldom = till("D", "2026-01-01", "2026-03-31")[::7][:-1]
    write(tmp_path, [*till("A", "2026-01-01", "2026-03-31"), *till("B", "2026-01-01", "2026-03-20"), *renamed])
    assert read(tmp_path).notes == []
    write(tmp_path, [*till("A", "2026-01-01", "2026-03-31"), *given_up, *seldom])
    assert read(tmp_path).notes == []


@pytest.mark.soak
def test_a_year_of_documents_is_read_as_a_stream(tmp_path):
    receipts = [invoice("2025-12-01", "2025-12-01T12:00:00") for _ in range(21_000)]
    path = write(tmp_path, receipts)
    assert path.stat().st_size > 10_000_000
    tracemalloc.start()
    assert values(read(path)) == [21_000]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
