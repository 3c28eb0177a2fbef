"""SAF-T (PT): the audit file that every Portuguese invoicing program writes, XML, read document by document.

A cancelled document counts for nothing, nor does one that an invoice has replaced; a credit note is taken away.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import pandas as pd
from defusedxml.common import DefusedXmlException

from footfall.sources.fault import Empty, Fault, Unreadable, counted, safe
from footfall.sources.rows import Rows

TOTALS = ("GrossTotal", "NetTotal")
LEFT_OUT = {"A": "cancelled", "F": "replaced by an invoice"}
RETURNS = {"NC", "TD"}  # credit notes, and returns as they were called before 2013
NO_GUEST = {"ND"}  # a debit note corrects an amount
LARGE = {"Account", "Customer", "Supplier", "Product", "Transaction", "StockMovement", "WorkDocument", "Payment"}


def read_saft(path: Path, value: str | None, by_entry: bool) -> Rows:
    """The documents of an audit file: ``date``, ``value``; a line is the number of the document in its file.

    Parameters
    ----------
    path : Path
        The XML file; read as a stream, whatever its size, and without entities of its own.
    value : str, optional
        ``GrossTotal`` or ``NetTotal``, which is summed; None: documents are counted.
    by_entry : bool
        Whether a document is of the moment it was entered (``SystemEntryDate``), and not of its ``InvoiceDate``, of
        which that is but the hour.

    Raises
    ------
    Unreadable
        If it is damaged, no audit file, or has no document that counts.
    """
    if value is not None and value not in TOTALS:
        rule = "of SAF-T, documents are counted, or their GrossTotal is summed: leave data.columns.value out, or say so"
        raise Unreadable(Fault(1, "columns.value", value, rule))
    lines, cells, out = [], [], dict.fromkeys(LEFT_OUT, 0)
    for number, document in enumerate(_documents(path), start=1):
        status = document.get("InvoiceStatus", "")
        if status in LEFT_OUT:
            out[status] += 1
            continue
        lines.append(number)
        entered = document.get("SystemEntryDate", "")[:19]
        moment = entered if by_entry else _on_its_day(document.get("InvoiceDate", ""), entered)
        cells.append([moment, _amount(document, value)])
    if not lines:
        raise Empty(Fault(1, "SalesInvoices", path.name, "no invoice that counts in this audit file"))
    notes = [
        f"{path.name}: {LEFT_OUT[status]}, left out: {counted(count, 'document')}"
        for status, count in out.items()
        if count
    ]
    frame = pd.DataFrame(cells, columns=["date", "value"], dtype=object)
    header = ["SystemEntryDate" if by_entry else "InvoiceDate", value or "documents"]
    return Rows(path.name, header, frame, lines, notes=notes)


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


def _documents(path: Path) -> Iterator[dict[str, str]]:
    """The fields of each invoice by their names; nothing that was read is kept."""
    parents: list[Element] = []
    try:
        for event, element in defusedxml.ElementTree.iterparse(path, ("start", "end"), forbid_dtd=True):
            if event == "start":
                parents.append(element)
                continue
            parents.pop()
            name = _name(element)
            if name == "Invoice":
                yield {_name(part): (part.text or "").strip() for part in element.iter() if _name(part) != "Line"}
            if parents and (name == "Invoice" or name in LARGE):
                parents[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        brief = safe(" ".join(str(error).split()), 120)
        raise Unreadable(Fault(1, 0, path.name, f"no XML that can be read ({brief}); export it again")) from error


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
