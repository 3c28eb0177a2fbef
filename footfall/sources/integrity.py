"""What a file is, whether it is whole, and how much it may unpack to; whoever fetches and whoever reads asks here.

Nothing is unpacked to disk, and nothing is read into memory at once but a zip's list of members.
"""

import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

BLOCK = 1 << 22  # bytes that are read at a time
LARGEST = 2_000_000_000  # bytes, unpacked; Google's file of the whole world has about 1.2 billion
DIRECTORY = 10_000_000  # bytes of a zip's list of members; Google's has 1,000 of 100 bytes
DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError)

UTF8_BOM = b"\xef\xbb\xbf"
ZIP, GZIP, CSV, HTML = "a zip archive", "a gzip file", "a CSV file", "an HTML page"
UTF16, EXCEL, PARQUET, XML = "UTF-16 text", "an Office file, such as Excel's", "a Parquet file", "an XML file"
JSON, LFS = "a JSON file", "a Git LFS pointer"
OLD_EXCEL = "an old Office file, such as Excel's .xls, or one with a password"
OPEN_DOCUMENT = "an OpenDocument file, such as LibreOffice's .ods"
XML_EXCEL = "an old Excel file, XML Spreadsheet 2003"
NAMED = {".zip": ZIP, ".gz": GZIP, ".csv": CSV, ".xlsx": EXCEL, ".parquet": PARQUET, ".xml": XML,
         ".json": JSON}  # fmt: skip
HEAD = 512  # bytes that say what a file is
KINDS = {
    rb"\s*\Z": "an empty file",
    rb"PK\x03\x04.{26}(\[Content_Types]|_rels/|docProps/|xl/)": EXCEL,
    rb"\xd0\xcf\x11\xe0": OLD_EXCEL,
    rb"PAR1": PARQUET,
    rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis": OPEN_DOCUMENT,
    rb"PK(\x03\x04|\x05\x06)": ZIP,
    rb"\x1f\x8b": GZIP,
    rb"\xff\xfe<\0\?|\xfe\xff\0<\0\?": XML,
    rb"\xff\xfe|\xfe\xff|.?\0": UTF16,
    rb"version https://git-lfs": LFS,
    rb"(\xef\xbb\xbf)?\s*<\?(xml|mso).*urn:schemas-microsoft-com:office:spreadsheet": XML_EXCEL,
    rb"(\xef\xbb\xbf)?\s*<(\?xml|AuditFile|!--.*<AuditFile)": XML,
    rb"(\xef\xbb\xbf)?\s*<": HTML,
    rb"(\xef\xbb\xbf)?\s*(\{|\[\s*[\[{\]])": JSON,
}


class TooLarge(Exception):
    """More than may be unpacked."""


def kind(head: bytes) -> str:
    """What a file is that begins with `head`; a CSV file if it is nothing else."""
    return next((name for beginning, name in KINDS.items() if re.match(beginning, head, re.DOTALL)), CSV)


def kind_of(path: Path) -> str:
    """What the file at `path` is, by its beginning."""
    with path.open("rb") as file:
        return kind(file.read(HEAD))


def pieces(stream: IO[bytes] | gzip.GzipFile, most: int) -> Iterator[bytes]:
    """What a stream holds, piece by piece.

    Raises
    ------
    TooLarge
        If it is more than `most` bytes.
    """
    size = 0
    while piece := stream.read(BLOCK):
        size += len(piece)
        if size > most:
            raise TooLarge(f"unpacks to more than the limit of {most:,} bytes")
        yield piece


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip archive and, while it is open, its members.

    Raises
    ------
    TooLarge
        If its list of members is larger than `DIRECTORY`.
    zipfile.BadZipFile
        If it is damaged, in whatever way `zipfile` says so.
    """
    with _Bounded(io.FileIO(path)) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except (OSError, ValueError, NotImplementedError, struct.error) as error:  # such as an offset below nothing
            raise zipfile.BadZipFile(f"{error}") from error


class _Bounded(io.BufferedReader):
    """The file of a zip, of which `zipfile` reads the list of members at once, as long as the archive says it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        if (size or 0) > DIRECTORY:
            raise TooLarge(f"lists more members than fit into the limit of {DIRECTORY:,} bytes")
        return super().read(size)


def check(path: Path, most: int) -> None:
    """Stop at a file that is cut or unpacks to too much; of a zip, members are checked by whoever reads them.

    Raises
    ------
    TooLarge
        If it unpacks to more than `most` bytes.
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error or EOFError
        `DAMAGED`: if it is cut or damaged.
    """
    if kind_of(path) in (ZIP, EXCEL):
        with open_zip(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > most:
            raise TooLarge(f"unpacks to {size:,} bytes, more than the limit of {most:,} bytes")
    if kind_of(path) == GZIP:
        with gzip.open(path) as file:
            for _ in pieces(file, most):
                pass
