"""The lines of a CSV file as they are in the file, before a parser smooths over what is wrong with them.

Lines are cut from the stream in blocks, so that a file of any size is read in a few megabytes. A block is searched as a
whole, by its bytes; only lines that look suspicious there (a quote, a control character, a wrong number of commas) are
looked at one by one. Quoted fields may not contain a line break, therefore one line is one row and has a true number.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

BLOCK = 1 << 22
LONGEST = 1 << 16  # bytes; Google's longest line has about 300
LARGEST = 2_000_000_000  # bytes, unpacked; Google's file of the whole world has about 1.2 billion
PATIENCE = 10_000  # faults, after which the rest of a file is not looked at
SHOWN = 60  # characters of a value in a message

CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
FIELDS = re.compile(rb'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
STRANGE = np.isin(np.arange(256), [*(i for i in range(32) if i != ord("\n")), ord('"'), 127])


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the line, the column (its name, or the number of a field from 0), what is there, why."""

    line: int
    column: str | int
    value: str | bytes
    rule: str

    def at(self, file: str, header: list[str]) -> str:
        """``<file>:<line>:<column>: <value> — <rule>``, safe to print on a terminal."""
        column = self.column
        if isinstance(column, int):
            column = header[column] if column < len(header) else str(column + 1)
        return f"{safe(file, 120)}:{self.line}:{safe(column)}: {safe(self.value)} — {self.rule}"


class Unreadable(Exception):
    """Nothing more can be read from a file; `faults` say why."""

    def __init__(self, *faults: Fault):
        super().__init__(*faults)
        self.faults = list(faults)


@dataclass(frozen=True)
class Block:
    """Whole lines, each ended by ``\\n``, and the number of the first."""

    first: int
    body: bytes


def safe(value: str | bytes, longest: int = SHOWN) -> str:
    """What may be shown of a value: nothing that moves a cursor, nothing that fills a screen."""
    text = value[: 4 * longest].decode(errors="backslashreplace") if isinstance(value, bytes) else value
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:longest])
    return (shown + "…" if len(text) > longest else shown) or "(blank)"


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """Cut a stream into blocks of whole lines, ``\\r\\n`` made ``\\n``.

    Raises
    ------
    Unreadable
        If a line has no end, the file ends within a line, or is larger than any Google has published.
    """
    line, rest, size = 1, b"", 0
    while chunk := stream.read(BLOCK):
        size += len(chunk)
        rest += chunk
        cut = rest.rfind(b"\n") + 1
        body, rest = rest[:cut].replace(b"\r\n", b"\n"), rest[cut:]
        if body:
            yield Block(line, body)
        line += body.count(b"\n")
        _stop_if_endless(line, rest, size)
    if rest:
        rule = "the file ends within this line: it was cut, or its last line lacks the line break; fetch it again"
        raise Unreadable(Fault(line, rest.count(b","), rest[-SHOWN:].rpartition(b",")[2], rule))


def _stop_if_endless(line: int, rest: bytes, size: int) -> None:
    if len(rest) > LONGEST:
        raise Unreadable(_too_long(line, rest))
    if size > LARGEST:
        raise Unreadable(Fault(line, 0, rest, f"more than {LARGEST:,} bytes unpacked; no report is that large"))


def _too_long(number: int, line: bytes) -> Fault:
    rule = f"a line of more than {LONGEST:,} bytes; no row of a report is that long"
    return Fault(number, line[:LONGEST].count(b","), line[:LONGEST].rpartition(b",")[2], rule)


def inspect(block: Block, fields: int) -> tuple[np.ndarray, list[Fault]]:
    """Look for lines that are not a row of `fields` fields.

    Returns
    -------
    tuple of (array of bool, list of Fault)
        Which lines are sound, and one fault for each that is not.

    Raises
    ------
    Unreadable
        If there are so many that going on is of no use.
    """
    ends, suspects = _suspects(block.body, fields)
    starts = np.r_[0, ends[:-1] + 1]
    sound = np.ones(len(ends), dtype=bool)
    faults = []
    for i in suspects:
        if fault := look(block.first + int(i), block.body[starts[i] : ends[i]], fields):
            sound[i] = False
            faults.append(fault)
        if len(faults) == PATIENCE:
            raise Unreadable(*faults)
    return sound, faults


def _suspects(body: bytes, fields: int) -> tuple[np.ndarray, np.ndarray]:
    octets = np.frombuffer(body, dtype=np.uint8)
    ends = np.flatnonzero(octets == ord("\n"))
    commas = np.diff(np.searchsorted(np.flatnonzero(octets == ord(",")), ends), prepend=0)
    strange = STRANGE[octets] if _is_utf8(body) else STRANGE[octets] | (octets > 127)
    suspect = (commas != fields - 1) | (np.diff(ends, prepend=-1) > LONGEST)
    suspect[np.searchsorted(ends, np.flatnonzero(strange))] = True
    return ends, np.flatnonzero(suspect)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def look(number: int, line: bytes, fields: int | None = None) -> Fault | None:
    """Look at one line; `fields` None is the header's own."""
    if len(line) > LONGEST:
        return _too_long(number, line)
    if control := CONTROL.search(line):
        return _within(number, line, control.start(), "a control character; a text may not contain any")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return _within(number, line, error.start, "not valid UTF-8; save the file as UTF-8")
    if (sound := FIELDS.match(line).end()) < len(line):  # type: ignore[union-attr]
        column = len(next(csv.reader([line[:sound].decode()]), [""])) - 1
        return Fault(number, column, line[sound:], 'a quote (") that is not closed, or stands within a text')
    return _count(number, text, fields) if fields else None


def _within(number: int, line: bytes, position: int, rule: str) -> Fault:
    field = line.rfind(b",", 0, position) + 1
    return Fault(number, line[:position].count(b","), line[field:].partition(b",")[0], rule)


def _count(number: int, text: str, fields: int) -> Fault | None:
    row = next(csv.reader([text]), [])
    if len(row) < fields:
        return Fault(number, len(row), text, f"too few fields: {len(row)} where the header has {fields}")
    rule = f"too many fields: {len(row)} where the header has {fields}; a text with a comma is quoted, a decimal is 1.5"
    return Fault(number, fields, ",".join(row[fields:]), rule) if len(row) > fields else None
