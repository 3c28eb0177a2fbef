"""SAF-T (PT): documents are counted or summed, cancelled ones are not, credit notes are taken away."""

import datetime as dt
import tracemalloc
from pathlib import Path

import pytest

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.sources.reading import Reading
from footfall.sources.table import read_table

HEAD = '<?xml version="1.0" encoding="{encoding}"?>\n<AuditFile xmlns="urn:OECD:StandardAuditFile-Tax:PT_1.04_01">'
COMPANY = "<Header><CompanyName>Café da Sé</CompanyName></Header>"
MASTER = "<MasterFiles><Customer><CustomerID>1</CustomerID></Customer></MasterFiles>"


def invoice(day: str, entry: str, total: str = "10.00", kind: str = "FS", status: str = "N") -> str:
    return (
        f"<Invoice><InvoiceNo>{kind} A/1</InvoiceNo><DocumentStatus><InvoiceStatus>{status}</InvoiceStatus>"
        f"<InvoiceStatusDate>{entry}</InvoiceStatusDate></DocumentStatus><InvoiceDate>{day}</InvoiceDate>"
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


def write(folder: Path, invoices: list[str] = INVOICES, encoding: str = "windows-1252", name: str = "saft.xml") -> Path:
    body = f"<SourceDocuments><SalesInvoices>{''.join(invoices)}</SalesInvoices></SourceDocuments></AuditFile>"
    path = folder / name
    path.write_bytes((HEAD.format(encoding=encoding) + COMPANY + MASTER + body).encode(encoding))
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
        "saft.xml: cancelled, left out: 1 document",
        "saft.xml: replaced by an invoice, left out: 1 document",
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
        (b'<?xml version="1.0"?><AuditFile/>', "no invoice that counts"),
        (b'<?xml version="1.0" encoding="klingon"?><AuditFile/>', "no XML that can be read"),
    ],
)
def test_what_is_no_audit_file_is_called_so(tmp_path, content, says):
    (tmp_path / "saft.xml").write_bytes(content)
    with pytest.raises(DataProblem, match=rf"^saft\.xml:1:.*{says}"):
        read(tmp_path / "saft.xml")


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


@pytest.mark.soak
def test_a_year_of_documents_is_read_as_a_stream(tmp_path):
    path = write(tmp_path, INVOICES * 3000)
    assert path.stat().st_size > 10_000_000
    tracemalloc.start()
    assert values(read(path)) == [3000, 3000]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
