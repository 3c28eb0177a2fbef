"""The sheets of one exported file, as rows of cells: CSV text however it is separated, Excel's workbooks, Parquet.

Of a CSV file nobody says what separates its columns: it is a sheet for each separator, and the one with the columns
that are looked for is right.
"""

import codecs
import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as arrow
import pyarrow.parquet

from footfall.sources import integrity
from footfall.sources.fault import Fault, Unreadable, safe

SEPARATORS = (";", "\t", ",", "|")
MOST_ROWS = 20_000_000  # an order each of ten years of a hundred tills; no Google's
TOO_MANY = f"more than {MOST_ROWS:,} rows; no export is that large: export fewer years, or sums of each hour"
EXPECTED = "CSV, Excel (.xlsx), Parquet and SAF-T are read"
REMEDIES = {
    integrity.OLD_EXCEL: "save it as .xlsx, without a password",
    integrity.OPEN_DOCUMENT: "save it as .xlsx",
    integrity.XML_EXCEL: "save it as .xlsx",
    integrity.ZIP: "unpack it, and give the folder",
    integrity.LFS: "git lfs pull gets the file itself",
}

# what the readers of workbooks and of Parquet raise at files that are not whole, beside what says so
UNSOUND = (
    *(KeyError, ValueError, TypeError, AttributeError, SyntaxError, OSError, arrow.ArrowException),
    NotImplementedError,  # such as a member of a zip that is encrypted
)

Record = tuple[int, Sequence[Any]]  # the number of a line, and its cells


class Sheet(NamedTuple):
    """One way to read a file: the name that messages give it, and its lines that are not blank, from the first."""

    name: str
    records: Callable[[], Iterator[Record]]


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
            file = arrow.parquet.ParquetFile(path)
            about = file.metadata
            if about.num_rows > MOST_ROWS:
                raise Unreadable(Fault(1, 0, path.name, TOO_MANY))
            size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            if size > integrity.LARGEST:
                raise integrity.TooLarge(f"unpacks to {size:,} bytes, more than {integrity.LARGEST:,}")
            return [Sheet(path.name, lambda: _of_arrow(file))]
    except (*integrity.DAMAGED, *UNSOUND) as error:
        again = "export it again, as .xlsx" if kind == integrity.EXCEL else "export it again"
        rule = f"damaged, or not {kind} that can be read ({_brief(error)}); {again}"
        raise Unreadable(Fault(1, 0, path.name, rule)) from error
    except integrity.TooLarge as error:
        raise Unreadable(Fault(1, 0, path.name, f"{error}; no export is that large")) from error
    if kind not in (integrity.CSV, integrity.GZIP, integrity.UTF16):
        raise Unreadable(Fault(1, 0, path.name, f"{kind}; {REMEDIES.get(kind, EXPECTED)}"))
    return [Sheet(path.name, lambda mark=mark: _of_text(path, mark)) for mark in SEPARATORS]  # type: ignore[misc]


def encoding(path: Path) -> str:
    """How a file's text is written: UTF-16 and UTF-8 can be told, and what is neither is Windows' own."""
    kind = integrity.kind_of(path)
    if kind == integrity.UTF16:
        with path.open("rb") as file:
            beginning = file.read(2)
        without_mark = "utf-16-be" if beginning[:1] == b"\0" else "utf-16-le"
        return "utf-16" if beginning in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else without_mark
    if kind not in (integrity.CSV, integrity.GZIP):
        return ""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _opened(path) as file:
            for piece in integrity.pieces(file, integrity.LARGEST):
                if b"\0" in piece:
                    raise Unreadable(Fault(1, 0, path.name, "a NUL byte, which no text has; export it again"))
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


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

    with integrity.open_zip(path) as archive:
        if "xl/workbook.bin" in archive.namelist():
            raise Unreadable(Fault(1, 0, path.name, "a binary Excel file (.xlsb); save it as .xlsx or .csv"))
    workbook = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
    return [Sheet(f"{path.name}/{sheet.title}", lambda sheet=sheet: _cells(sheet)) for sheet in workbook.worksheets]  # type: ignore[misc]


def _cells(sheet: Any) -> Iterator[Record]:
    sheet.reset_dimensions()  # some programs write wrong ones
    try:
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if any(cell not in (None, "") for cell in cells):
                yield line, cells
    except (*integrity.DAMAGED, *UNSOUND) as error:
        rule = f"no sheet that can be read ({_brief(error)}); save the file again"
        raise Unreadable(Fault(1, 0, "", rule)) from error


def _of_arrow(file: Any) -> Iterator[Record]:
    yield 0, list(file.schema_arrow.names)
    line = 1
    try:
        for batch in file.iter_batches():
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield line, cells
                line += 1
    except (OSError, ValueError, OverflowError, arrow.ArrowException) as error:
        raise Unreadable(Fault(line, 0, "", f"no row that can be read ({_brief(error)}); export it again")) from error


def _brief(error: Exception) -> str:
    return safe(" ".join(str(error).split()) or type(error).__name__, 120)
