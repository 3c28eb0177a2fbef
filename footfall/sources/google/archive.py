"""The CSV sheets in what was downloaded: a zip in Google's shape, one CSV (or .csv.gz), or a folder of them.

Nothing is unpacked to disk, and of an archive only the wanted countries' members are opened.
"""

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from footfall.sources.google.csv_lines import LARGEST, Fault, Unreadable

REPORT = re.compile(r"(?:^|/)\d{4}_([A-Z]{2})_Region_Mobility_Report\.csv(?:\.gz)?$")
DAMAGED = (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError)
NAMED = {".zip": "a zip archive", ".gz": "a gzip file", ".csv": "a CSV file"}
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
UTF8_BOM, UTF16_BOMS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Sheet:
    """One CSV: the name that messages give it, and how to open its bytes."""

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]


def sheets(path: Path, countries: Sequence[str]) -> list[Sheet]:
    """The sheets to read for some countries, by name.

    Raises
    ------
    Unreadable
        If `path` is not what its name says, is damaged, unpacks to too much, or has nothing of a country.
    """
    if path.is_dir():
        return _in_folder(path, countries)
    if _kind(path) == "a zip archive":
        return _in_zip(path, countries)
    return [Sheet(path.name, partial(_file, path))]


def what_is(head: bytes) -> str:
    """Say what a file is that begins with `head`."""
    if not head:
        return "an empty file"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "a zip archive"
    if head[:2] == b"\x1f\x8b":
        return "a gzip file"
    if head[:2] in UTF16_BOMS or b"\0" in head[:2]:
        return "UTF-16 text"
    return "an HTML page" if head.removeprefix(UTF8_BOM).lstrip()[:1] == b"<" else "a CSV file"


def expect_csv(head: bytes) -> None:
    """Stop if what begins with `head` is no CSV; `Unreadable` says what it is."""
    if what_is(head) != "a CSV file":
        raise Unreadable(Fault(1, 0, head, f"{what_is(head)}; a CSV file in UTF-8 is expected here, fetch it again"))


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(64)
    found, named = what_is(head), NAMED.get(path.suffix.lower())
    if named not in (None, found):
        raise Unreadable(Fault(1, 0, head, f"{found}, where the name says {named}; rename it or fetch it again"))
    return found


def _in_folder(folder: Path, countries: Sequence[str]) -> list[Sheet]:
    files = sorted(file for file in folder.iterdir() if file.name.endswith((".csv", ".csv.gz")))
    wanted = [file for file in files if _country(file.name) in (None, *countries)]
    if not wanted:
        there = ", ".join(file.name for file in files[:5]) or "no CSV file at all"
        raise Unreadable(Fault(1, 0, ", ".join(countries), f"no file of this country in the folder; it has {there}"))
    return [Sheet(file.name, partial(_file, file)) for file in wanted]


def _in_zip(path: Path, countries: Sequence[str]) -> list[Sheet]:
    with _zip(path) as archive:
        members = [member for member in archive.infolist() if _country(member.filename)]
    _check_countries(members, countries)
    wanted = sorted((m for m in members if _country(m.filename) in countries), key=lambda m: m.filename)
    _check_members(wanted)
    return [Sheet(f"{path.name}/{m.filename}", partial(_member, path, m.filename)) for m in wanted]


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    with gzip.open(path) if _kind(path) == "a gzip file" else path.open("rb") as stream:
        yield stream  # type: ignore[misc]


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (*DAMAGED, OSError, ValueError) as error:  # it was opened before: offsets in its directory are wrong
        raise Unreadable(Fault(1, 0, path.name, f"a damaged zip archive ({error}); fetch it again")) from error
    with archive:
        yield archive


@contextmanager
def _member(path: Path, name: str) -> Iterator[BinaryIO]:
    with _zip(path) as archive, _opened(archive, name) as stream:
        yield stream  # type: ignore[misc]


def _opened(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        return archive.open(name)
    except OSError as error:
        raise zipfile.BadZipFile(f"{error}") from error


def _country(name: str) -> str | None:
    report = REPORT.search(name)
    return report[1] if report else None


def _check_countries(members: list[zipfile.ZipInfo], countries: Sequence[str]) -> None:
    there = sorted({str(_country(member.filename)) for member in members})
    rule = f"no file of this country in the archive; it has {', '.join(there) or 'no report at all'}"
    if missing := [country for country in countries if country not in there]:
        raise Unreadable(*[Fault(1, 0, country, rule) for country in missing])


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    faults = [Fault(1, 0, n, "this member is there more than once") for n in sorted(set(names)) if names.count(n) > 1]
    faults += [Fault(1, 0, m.filename, "this member is encrypted") for m in members if m.flag_bits & 1]
    faults += [Fault(1, 0, m.filename, "this member is not deflated") for m in members if m.compress_type not in PLAIN]
    if (size := sum(member.file_size for member in members)) > LARGEST:
        faults.append(Fault(1, 0, f"{size:,} bytes", f"more than {LARGEST:,} bytes unpacked; no report is that large"))
    if faults:
        raise Unreadable(*faults)
