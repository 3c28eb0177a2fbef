"""Whether a download is what its name says, and whole."""

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from footfall.errors import DataProblem

ZIP, GZIP, CSV = "a zip file", "a gzip file", "a text file"
NAMED = {".zip": ZIP, ".gz": GZIP, ".csv": CSV}
SUFFIXES = {ZIP: ".zip", GZIP: ".csv.gz", CSV: ".csv"}
DIRECTORY = 10_000_000  # bytes of a zip's list of members, which is read into memory; Google's has 1,000 of 100 bytes
CUT = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError)


class TooLarge(Exception):
    """More than may be unpacked."""


def keep(part: Path, path: Path, shown: str, most: int, framed: bool) -> Path:
    """Prove a download, then give it its name.

    Parameters
    ----------
    part, path : Path
        Where it lies, and where it is to lie; by its content's suffix if `path` has none that is known.
    shown : str
        Its address, for messages.
    most : int
        Bytes that it may unpack to.
    framed : bool
        Whether the server said where the file ends; a text file has no other sign of a cut.

    Raises
    ------
    DataProblem
        If it is something else than its name says, cut, damaged or too large.
    """
    kind, named = _kind(part), NAMED.get(path.suffix.lower())
    if named not in (kind, None) or kind not in PROOFS:
        raise DataProblem(f"{shown}: this is {kind}, not {named or 'a zip, gzip or csv file'}. Correct the address.")
    if kind == CSV and not framed:
        raise DataProblem(f"{shown}: the server does not say where the file ends, a cut would go unseen. Give a zip.")
    try:
        PROOFS[kind](part, most)
    except CUT as error:
        raise DataProblem(f"{shown}: cut or damaged ({error}). Fetch it again.") from error
    except TooLarge as error:
        raise DataProblem(f"{shown}: {error}. Nothing was unpacked; correct the address.") from error
    final = path if named else path.with_name(path.name + SUFFIXES[kind])
    os.replace(part, final)
    return final


def _kind(part: Path) -> str:
    with part.open("rb") as file:
        head = file.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZIP
    if head.startswith(b"\x1f\x8b"):
        return GZIP
    if not head.strip():
        return "an empty file"
    return "a web page" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else CSV


def _prove_zip(part: Path, most: int) -> None:
    """Its directory reads, and what it declares is bearable; members are checked by whoever reads them."""
    if _directory_size(part) > DIRECTORY:
        raise TooLarge(f"lists more members than fit into the limit of {DIRECTORY:,} bytes")
    with zipfile.ZipFile(part) as archive:
        declared = sum(member.file_size for member in archive.infolist())
    if declared > most:
        raise TooLarge(f"unpacks to {declared:,} bytes, more than the limit of {most:,} bytes")


def _directory_size(part: Path) -> float:
    """As the zip's last record gives it; infinite with the extension for huge archives, which this size never needs."""
    with part.open("rb") as file:
        file.seek(max(0, part.stat().st_size - 66_000))
        before, found, record = file.read().rpartition(b"PK\x05\x06")
    if not found:
        raise zipfile.BadZipFile("its end is missing")
    return float("inf") if b"PK\x06\x07" in before else int.from_bytes(record[8:12], "little")


def _prove_gzip(part: Path, most: int) -> None:
    for _ in gunzipped(part, most):
        pass


def gunzipped(part: Path, most: int) -> Iterator[bytes]:
    """What a gzip file unpacks to, piece by piece, up to `most` bytes."""
    size = 0
    with gzip.open(part) as file:
        while chunk := file.read(1 << 20):
            size += len(chunk)
            if size > most:
                raise TooLarge(f"unpacks to more than the limit of {most:,} bytes")
            yield chunk


PROOFS = {ZIP: _prove_zip, GZIP: _prove_gzip, CSV: lambda part, most: None}
