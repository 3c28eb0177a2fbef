"""The CSV sheets in what was downloaded: a zip in Google's shape, one CSV (or .csv.gz), or a folder of them.

Of an archive only the wanted countries' members are opened.
"""

import gzip
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from footfall.sources import integrity
from footfall.sources.fault import OWN, Fault, Unreadable, safe

REPORT = re.compile(r"(?:^|/)\d{4}_([A-Z]{2})_Region_Mobility_Report\.csv(?:\.gz)?$")
REMEDIES = {
    integrity.LFS: "git lfs pull gets the file itself",
    integrity.UTF16: "save it as UTF-8",
    **dict.fromkeys((integrity.CSV, integrity.ZIP, integrity.GZIP), "rename it, or fetch it again"),
}
AGAIN = "fetch it again"
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Sheet(NamedTuple):
    """One CSV: the name that messages give it, and how to get its bytes, piece by piece."""

    name: str
    pieces: Callable[[], Iterator[bytes]]


def sheets(path: Path, countries: Sequence[str]) -> list[Sheet]:
    """The sheets to read for some countries, by name.

    Raises
    ------
    Unreadable
        If `path` is not what its name says, is damaged, unpacks to too much, or has nothing of a country.
    """
    if path.is_dir():
        return _in_folder(path, countries)
    if _kind(path) == integrity.ZIP:
        return _in_zip(path, countries)
    return [Sheet(path.name, partial(_file, path))]


def expect_csv(head: bytes, name: str) -> None:
    """Stop if what begins with `head` is no CSV; `Unreadable` says what it is."""
    if (kind := integrity.kind(head)) != integrity.CSV:
        rule = f"{kind}; a CSV file in UTF-8 is expected here: save it as one, or fetch it again; {OWN}"
        raise Unreadable(Fault(1, 0, _legible(head, name), rule))


def _legible(head: bytes, name: str) -> bytes | str:
    """The beginning of a text; of what is none, its name."""
    return name if b"\0" in head else head


def too_large(line: int, value: str) -> Fault:
    """More than any report unpacks to."""
    return Fault(line, 0, value, f"more than {integrity.LARGEST:,} bytes unpacked; no report is that large: {AGAIN}")


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(integrity.HEAD)
    kind, named = integrity.kind(head), integrity.NAMED.get(path.suffix.lower())
    if named not in (None, kind):
        rule = f"{kind}, where the name says {named}; {REMEDIES.get(kind, AGAIN)}"
        raise Unreadable(Fault(1, 0, _legible(head, path.name), rule))
    return kind


def _in_folder(folder: Path, countries: Sequence[str]) -> list[Sheet]:
    files = sorted(file for file in folder.iterdir() if file.name.endswith((".csv", ".csv.gz")))
    wanted = [file for file in files if _country(file.name) in (None, *countries)]
    if not wanted:
        names = ", ".join(file.name for file in files[:5]) or "no CSV file at all"
        rule = f"no file of this country in the folder; it has {names}; mind data.location"
        raise Unreadable(Fault(1, 0, ", ".join(countries), rule))
    return [Sheet(file.name, partial(_file, file)) for file in wanted]


def _in_zip(path: Path, countries: Sequence[str]) -> list[Sheet]:
    reports = [member for member in _members(path) if _country(member.filename)]
    _check_countries(reports, countries)
    wanted = sorted((m for m in reports if _country(m.filename) in countries), key=lambda m: m.filename)
    _check_members(wanted)
    return [Sheet(f"{path.name}/{m.filename}", partial(_member, path, m.filename)) for m in wanted]


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with integrity.open_zip(path) as archive:
            return archive.infolist()
    except integrity.DAMAGED as error:
        brief = safe(str(error), 120)
        raise Unreadable(Fault(1, 0, path.name, f"a damaged zip archive ({brief}); fetch it again")) from error
    except integrity.TooLarge as error:
        raise Unreadable(Fault(1, 0, path.name, f"{error}; no archive of reports has as many")) from error


def _file(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if _kind(path) == integrity.GZIP else path.open("rb") as stream:
        yield from integrity.pieces(stream, integrity.LARGEST)


def _member(path: Path, name: str) -> Iterator[bytes]:
    with integrity.open_zip(path) as archive, archive.open(name) as stream:
        yield from integrity.pieces(stream, integrity.LARGEST)


def _country(name: str) -> str | None:
    report = REPORT.search(name)
    return report[1] if report else None


def _check_countries(reports: list[zipfile.ZipInfo], countries: Sequence[str]) -> None:
    published = sorted({str(_country(report.filename)) for report in reports})
    names = ", ".join(published) or "no report at all"
    rule = f"no file of this country in the archive; it has {names}; mind data.location"
    if missing := [country for country in countries if country not in published]:
        raise Unreadable(*[Fault(1, 0, country, rule) for country in missing])


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    faults = [Fault(1, 0, n, "this member is there more than once") for n in sorted(set(names)) if names.count(n) > 1]
    faults += [Fault(1, 0, m.filename, "this member is encrypted") for m in members if m.flag_bits & 1]
    faults += [Fault(1, 0, m.filename, "this member is not deflated") for m in members if m.compress_type not in PLAIN]
    if (size := sum(member.file_size for member in members)) > integrity.LARGEST:
        faults.append(too_large(1, f"{size:,} bytes"))
    if faults:
        raise Unreadable(*faults)
