"""The rows beneath the header of an export: the first line that has the columns that are looked for.

What stands above it is somebody's letterhead, and a total beneath is no day.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from footfall.sources.fault import Empty, Fault, Unreadable, safe, some
from footfall.sources.sheets import MOST_ROWS, TOO_MANY, Record, Sheet, encoding, sheets

TOP = 30  # lines among which the header is looked for
TOTAL = re.compile(r"\W*(grand |sub-?)?(total|totais|totales|totaux|summe|gesamt|sum|soma|suma|somme)\b", re.IGNORECASE)
DIGIT = re.compile(r"\d")


@dataclass
class RawRows:
    """What stands beneath a header: the wanted columns, a cell as the file holds it, and the number of each line."""

    name: str
    header: list[str]
    cells: pd.DataFrame
    lines: list[int]
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)  # lines with a date that call themselves one


def read_rows(path: Path, wanted: Sequence[str]) -> RawRows:
    """The wanted columns of the one sheet that has them, the date's first.

    Raises
    ------
    Unreadable
        If no sheet has them, or two of a workbook do.
    """
    every = sheets(path)
    candidates = [(sheet, head) for sheet in every if (head := header_of(sheet, wanted))]
    if not candidates:
        raise Unreadable(_no_header(path, wanted))
    names = sorted({sheet.name for sheet, _ in candidates})
    if len(names) > 1:
        rule = f"{len(names)} sheets have these columns; keep the one that counts, or put all of them on one sheet"
        raise Unreadable(Fault(1, 0, ", ".join(names), f"{rule}, or save each as a file of one folder"))
    sheet, (line, header) = max(candidates, key=lambda candidate: len(candidate[1][1]))
    rows = collect(sheet, line, header, wanted)
    if others := [other.name for other in every if other.name != sheet.name and top(other)]:
        rows.notes.append(f"passed over, without these columns: {some(others)}")
    if encoding(path) == "cp1252":
        rows.notes.append(f"{safe(path.name, 120)} is no UTF-8: it is read as Windows-1252, as older programs write")
    return rows


def header_of(sheet: Sheet, wanted: Sequence[str]) -> tuple[int, list[str]] | None:
    """The number of the first line that has the wanted columns, and all columns in it."""
    for line, cells in top(sheet):
        header = [str(cell or "").strip() for cell in cells]
        if set(wanted) <= set(header):
            return line, header
    return None


def top(sheet: Sheet) -> list[Record]:
    """The first lines of a sheet, as far as they can be read this way."""
    lines: list[Record] = []
    with suppress(Unreadable):
        lines.extend(islice(sheet.records(), TOP))
    return lines


def first_line(path: Path) -> list[str]:
    """What stands in the first line of a file; what cannot be read says so."""
    for sheet in sheets(path):
        list(islice(sheet.records(), TOP))
    first = max((list(cells) for sheet in sheets(path) for _, cells in top(sheet)[:1]), key=len, default=[])
    return [str(cell) for cell in first if cell not in (None, "")]


def _no_header(path: Path, wanted: Sequence[str]) -> Fault:
    first = first_line(path)
    missing = ", ".join(name for name in wanted if name not in first) or "the columns"
    rule = f"no line of the first {TOP} has the columns {', '.join(wanted)} (data.columns)"
    return Fault(1, missing, ", ".join(first), rule)


def collect(sheet: Sheet, first: int, header: list[str], wanted: Sequence[str]) -> RawRows:
    """The wanted columns of what stands beneath a header."""
    doubled = [name for name in wanted if header.count(name) > 1]
    if doubled:
        rule = "a duplicate header; rename one of the two columns"
        raise Unreadable(*(Fault(first, name, name, rule) for name in doubled))
    at, values, faults, totals = [header.index(name) for name in wanted], [], [], []
    lines: list[int] = []
    dated: list[int] = []
    for line, cells in sheet.records():
        if line <= first:
            continue
        if len(lines) == MOST_ROWS:
            raise Unreadable(Fault(line, 0, "", TOO_MANY))
        if any(str(cell or "").strip() for cell in cells[len(header) :]):
            rule = f"more fields than the header's {len(header)}; a text with a separator in it is quoted"
            faults.append(Fault(line, len(header), str(cells[len(header)]), rule))
        elif (is_total := _is_total(cells)) and not _is_dated(cells, at[0]):
            totals.append(line)
        else:
            dated += [line] if is_total else []
            lines.append(line)
            values.append([cells[i] if i < len(cells) else None for i in at])
    notes = [f"{safe(sheet.name, 120)}:{line}: a total, left out" for line in totals]
    if len(totals) > 1:
        notes = [f"{safe(sheet.name, 120)}: totals, left out: {len(totals):,} rows; first line {totals[0]}"]
    if not lines and not faults:
        raise Empty(Fault(first + 1, 0, "", "no row beneath the header; export it again"))
    table = pd.DataFrame(values, columns=list(wanted), dtype=object)
    return RawRows(sheet.name, header, table, lines, faults, notes, dated)


def _is_total(cells: Sequence[Any]) -> bool:
    return any(TOTAL.match(cell) for cell in cells if isinstance(cell, str))


def _is_dated(cells: Sequence[Any], date: int) -> bool:
    return date < len(cells) and bool(DIGIT.search(str(cells[date])))
