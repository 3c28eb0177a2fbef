"""SAF-T (PT): the audit file that every Portuguese invoicing program writes, XML, read document by document.

A cancelled document counts for nothing, nor does one that an invoice has replaced; a credit note is taken away. Each
till of a place writes its own file, and a month may be exported again: a document is its number and the moment it was
entered, which are signed together, and counts once, as it stands last.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import pandas as pd
from defusedxml.common import DefusedXmlException

from footfall.sources.fault import Empty, Fault, Unreadable, safe
from footfall.sources.rows import RawRows

SITES = COMPANY, NAME, ESTABLISHMENT = ("TaxRegistrationNumber", "CompanyName", "TaxEntity")  # of a file's header
TOTALS = ("GrossTotal", "NetTotal")
STANDS = ("InvoiceStatus", "InvoiceStatusDate")
RETURNS = {"NC", "TD"}  # credit notes, and returns as they were called before 2013
NO_GUEST = {"ND"}  # a debit note corrects an amount
READ = {"Header", "Invoice"}


class AuditFile(NamedTuple):
    """What a file says of its company; and of each document, by its line, who it is and how it stands since when.

    Columns ``document``, ``status``, ``since``.
    """

    header: dict[str, str]
    documents: pd.DataFrame


def read_saft(path: Path, value: str | None, by_entry: bool, site: str | None = None) -> tuple[RawRows, AuditFile]:
    """The documents of an audit file, also those that do not count: ``date``, ``value``, ``site``.

    A line is the number of the document in its file.

    Parameters
    ----------
    path : Path
        The XML file; read as a stream, whatever its size, and without entities of its own.
    value : str, optional
        ``GrossTotal`` or ``NetTotal``, which is summed; None: documents are counted.
    by_entry : bool
        Whether a document is of the moment it was entered (``SystemEntryDate``), and not of its ``InvoiceDate``, of
        which that is but the hour.
    site : str, optional
        The field of the header that names the site: one of `SITES`.

    Raises
    ------
    Unreadable
        If it is damaged, no audit file, or has no document.
    """
    if value is not None and value not in TOTALS:
        rule = "of SAF-T, documents are counted, or their GrossTotal is summed: leave data.columns.value out, or say so"
        raise Unreadable(Fault(1, "columns.value", value, rule))
    if site not in (None, *SITES):
        rule = f"of SAF-T, sites are told apart by a field of the header: {', '.join(SITES)}"
        raise Unreadable(Fault(1, "columns.site", site, rule))
    header: dict[str, str] = {}
    cells, documents, unnumbered = [], [], []
    for number, document in enumerate(_documents(path, header), start=1):
        entered = document.get("SystemEntryDate", "")[:19]
        moment = entered if by_entry else _on_its_day(document.get("InvoiceDate", ""), entered)
        cells.append([moment, _amount(document, value), header.get(site or "", "")])
        own = document.get("InvoiceNo", "")
        documents.append([f"{header.get(COMPANY, '')} {own} {entered}", *(document.get(key, "") for key in STANDS)])
        unnumbered += [] if own else [number]
    if not cells:
        raise Empty(Fault(1, "SalesInvoices", path.name, "no invoice in this audit file"))
    lines = [*range(1, len(cells) + 1)]
    names = ["SystemEntryDate" if by_entry else "InvoiceDate", value or "documents"]
    rule = "a document without its number, by which it is known in another export; export it again"
    faults = [Fault(number, "InvoiceNo", "", rule) for number in unnumbered]
    frame = pd.DataFrame(cells, columns=["date", "value", "site"], dtype=object)
    rows = RawRows(path.name, names, frame, lines, faults)
    return rows, AuditFile(header, pd.DataFrame(documents, lines, ["document", "status", "since"]))


def _on_its_day(day: str, entered: str) -> str:
    """The moment of a document that was entered then, or on another day: what is entered later is of its end."""
    if entered[:10] == day and len(entered) == len("2025-12-01T12:00:00"):
        return entered
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return day
    return f"{day}T23:59:59" if entered[:10] > day else f"{day}T00:00:00"


def _amount(document: dict[str, str], value: str | None) -> str:
    kind = document.get("InvoiceType", "")
    amount = document.get(value, "") if value else "0" if kind in NO_GUEST else "1"
    return f"-{amount.removeprefix('-')}" if kind in RETURNS and amount else amount


def _documents(path: Path, header: dict[str, str]) -> Iterator[dict[str, str]]:
    """The fields of each invoice by their names, and into `header` its own; nothing else that was read is kept."""
    parents: list[Element] = []
    inside = 0  # what is read whole
    try:
        for event, element in defusedxml.ElementTree.iterparse(path, ("start", "end"), forbid_dtd=True):
            if event == "start":
                parents.append(element)
                inside += _name(element) in READ
                continue
            parents.pop()
            name = _name(element)
            inside -= name in READ
            if name == "Invoice":
                yield {_name(part): (part.text or "").strip() for part in element.iter() if _name(part) != "Line"}
            elif name == "Header":
                header |= {_name(part): (part.text or "").strip() for part in element}
            if parents and not inside:
                parents[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        brief = safe(" ".join(str(error).split()), 120)
        raise Unreadable(Fault(1, 0, path.name, f"no XML that can be read ({brief}); export it again")) from error


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
