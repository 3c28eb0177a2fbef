"""The sheets of one exported file, as rows of cells: CSV text however it is separated, Excel's workbooks, Parquet.

Of a CSV file nobody says what separates its columns: it is a sheet for each separator, and the one with the columns
that are looked for is right. The header is the first line that has them: what stands above is somebody's letterhead.
"""

import codecs
import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet

from footfall.sources import integrity
from footfall.sources.fault import Fault, Unreadable, safe

SEPARATORS = (";", "\t", ",", "|")
TOP = 30  # lines among which the header is looked for
TOTAL = re.compile(r"\W*(grand |sub-?)?(total|totais|totales|totaux|summe|gesamt|sum|soma|suma|somme)\b", re.IGNORECASE)
DIGIT = re.compile(r"\d")
EXPECTED = "CSV, Excel (.xlsx), Parquet and SAF-T are read"
REMEDIES = {
    integrity.OLD_EXCEL: "save it as .xlsx, without a password",
    integrity.ZIP: "unpack it, and give the folder",
}

Record = tuple[int, Sequence[Any]]  # the number of a line, and its cells


@dataclass(frozen=True)
class Sheet:
    """One way to read a file: the name that messages give it, and its lines that are not blank, from the first."""

    name: str
    records: Callable[[], Iterator[Record]]


@dataclass
class Rows:
    """What stands beneath a header: the wanted columns, a cell as the file holds it, and the number of each line."""

    name: str
    header: list[str]
    cells: pd.DataFrame
    lines: list[int]
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sheets(path: Path) -> list[Sheet]:
    """Every way to read a file of rows.

    Raises
    ------
    Unreadable
        If it is something else, damaged, or unpacks to too much.
    """
    kind = integrity.kind_of(path)
    try:
        integrity.check(path, integrity.LARGEST)
        if kind == integrity.EXCEL:
            return _of_workbook(path)
        if kind == integrity.PARQUET:
            return [_of_parquet(path)]
    except (
        *integrity.DAMAGED,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OSError,
        arrow.ArrowException,
    ) as error:
        raise Unreadable(
            Fault(1, 0, path.name, f"damaged, or not {kind} that can be read ({_brief(error)})")
        ) from error
    except integrity.TooLarge as error:
        raise Unreadable(Fault(1, 0, path.name, f"{error}; no export is that large")) from error
    if kind not in (integrity.CSV, integrity.GZIP, integrity.UTF16):
        raise Unreadable(Fault(1, 0, path.name, f"{kind}; {REMEDIES.get(kind, EXPECTED)}"))
    return [Sheet(path.name, lambda mark=mark: _of_text(path, mark)) for mark in SEPARATORS]  # type: ignore[misc]


def read_rows(path: Path, wanted: Sequence[str]) -> Rows:
    """The wanted columns of the one sheet that has them, the date's first.

    Raises
    ------
    Unreadable
        If no sheet has them, or two of a workbook do.
    """
    candidates = [(sheet, head) for sheet in sheets(path) if (head := header_of(sheet, wanted))]
    if not candidates:
        raise Unreadable(_no_header(path, wanted))
    names = sorted({sheet.name for sheet, _ in candidates})
    if len(names) > 1:
        rule = "two sheets have these columns; keep the one that counts"
        raise Unreadable(Fault(1, 0, ", ".join(names), rule))
    sheet, (line, header) = max(candidates, key=lambda candidate: len(candidate[1][1]))
    rows = collect(sheet, line, header, wanted)
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


def _no_header(path: Path, wanted: Sequence[str]) -> Fault:
    for sheet in sheets(path):
        list(islice(sheet.records(), TOP))  # what cannot be read says so
    first = max((list(cells) for sheet in sheets(path) for _, cells in top(sheet)[:1]), key=len, default=[])
    columns = ", ".join(str(cell) for cell in first if cell not in (None, ""))
    missing = ", ".join(name for name in wanted if name not in map(str, first)) or "the columns"
    return Fault(1, missing, columns, f"no line of the first {TOP} has the columns {', '.join(wanted)} (data.columns)")


def collect(sheet: Sheet, first: int, header: list[str], wanted: Sequence[str]) -> Rows:
    """The wanted columns of what stands beneath a header."""
    doubled = [name for name in wanted if header.count(name) > 1]
    if doubled:
        raise Unreadable(*(Fault(first, name, name, "a duplicate header") for name in doubled))
    at, lines, values, faults, totals = [header.index(name) for name in wanted], [], [], [], []
    for line, cells in sheet.records():
        if line <= first:
            continue
        if any(str(cell or "").strip() for cell in cells[len(header) :]):
            rule = f"more fields than the header's {len(header)}; a text with a separator in it is quoted"
            faults.append(Fault(line, len(header), str(cells[len(header)]), rule))
        elif _is_total(cells, at[0]):
            totals.append(line)
        else:
            lines.append(line)
            values.append([cells[i] if i < len(cells) else None for i in at])
    notes = [f"{safe(sheet.name, 120)}:{line}: a total, left out" for line in totals[:3]]
    if not lines and not faults:
        raise Unreadable(Fault(first + 1, 0, "", "no row beneath the header"))
    return Rows(sheet.name, header, pd.DataFrame(values, columns=list(wanted), dtype=object), lines, faults, notes)


def _is_total(cells: Sequence[Any], date: int) -> bool:
    dated = date < len(cells) and DIGIT.search(str(cells[date]))
    return not dated and any(TOTAL.match(cell) for cell in cells if isinstance(cell, str))


def encoding(path: Path) -> str:
    """How a file's text is written: UTF-16 and UTF-8 can be told, and what is neither is Windows' own."""
    kind = integrity.kind_of(path)
    if kind == integrity.UTF16:
        with path.open("rb") as file:
            beginning = file.read(2)
        return "utf-16" if beginning in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else _endian(beginning)
    if kind not in (integrity.CSV, integrity.GZIP):
        return ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _opened(path) as file:
            for piece in integrity.pieces(file, integrity.LARGEST):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _endian(beginning: bytes) -> str:
    return "utf-16-be" if beginning[:1] == b"\0" else "utf-16-le"


def _opened(path: Path) -> Any:
    return gzip.open(path) if integrity.kind_of(path) == integrity.GZIP else path.open("rb")


def _of_text(path: Path, separator: str) -> Iterator[Record]:
    with _opened(path) as binary, io.TextIOWrapper(binary, encoding(path), newline="") as text:
        reader, line = csv.reader(text, delimiter=separator, strict=True), 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield line, cells
                line = reader.line_num + 1
        except (csv.Error, UnicodeError) as error:
            raise Unreadable(Fault(line, 0, "", f"no line of a CSV file ({_brief(error)}); export it again")) from error


def _of_workbook(path: Path) -> list[Sheet]:
    import openpyxl  # a tenth of a second, which no other file is to pay

    workbook = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
    return [Sheet(f"{path.name}/{sheet.title}", lambda sheet=sheet: _cells(sheet)) for sheet in workbook.worksheets]  # type: ignore[misc]


def _cells(sheet: Any) -> Iterator[Record]:
    sheet.reset_dimensions()  # some programs write wrong ones
    try:
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if any(cell not in (None, "") for cell in cells):
                yield line, cells
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError) as error:
        raise Unreadable(
            Fault(1, 0, "", f"no sheet that can be read ({_brief(error)}); save the file again")
        ) from error


def _of_parquet(path: Path) -> Sheet:
    file = arrow.parquet.ParquetFile(path)
    return Sheet(path.name, lambda: _of_arrow(file))


def _of_arrow(file: Any) -> Iterator[Record]:
    yield 0, list(file.schema_arrow.names)
    line = 1
    for batch in file.iter_batches():
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield line, cells
            line += 1


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
