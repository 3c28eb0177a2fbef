"""The lines of a CSV file as they are in the file, before a parser smooths over what is wrong with them.

Arrow's parser can say in which row the number of fields is wrong, and no more: a blank line is a row to it, a lone
``\\r`` ends one, an open quote swallows the lines beneath; a quote within a text, a NUL and a cut last line pass, and
what is no UTF-8 stops it. Therefore one pattern, which Arrow matches with all lines of a block at once, says what a row
is; only a line that does not match is looked at on its own. Quoted fields may not contain a line break: one line is one
row, and has a true number.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as arrow
import pyarrow.compute as pc

from footfall.sources.fault import LONGEST_VALUE, Fault, Unreadable

LONGEST = 1 << 16  # bytes; Google's longest line has about 300
PATIENCE = 10_000  # faults, after which the rest of a file is not looked at
CONTROL = r"\x00-\x1f\x7f"
FIELD = r'(?:"(?:[^"{0}]|"")*"|[^",{0}]*)'  # without some characters
FIELDS = re.compile(f"{FIELD}(?:,{FIELD})*".format("").encode())


class Block(NamedTuple):
    """Whole lines, each ended by ``\\n``, and the number of each."""

    body: bytes
    numbers: np.ndarray


def blocks(pieces: Iterable[bytes]) -> Iterator[Block]:
    """Cut what comes in pieces into blocks of whole lines, ``\\r\\n`` made ``\\n``.

    Raises
    ------
    Unreadable
        If a line has no end, or the file ends within a line.
    """
    line, rest = 1, b""
    for piece in pieces:
        rest += piece
        cut = rest.rfind(b"\n") + 1
        body, rest = rest[:cut].replace(b"\r\n", b"\n"), rest[cut:]
        if count := body.count(b"\n"):
            yield Block(body, np.arange(line, line + count))
        line += count
        if len(rest) > LONGEST:
            raise Unreadable(_too_long(line, rest))
    if rest:
        rule = "the file ends within this line: it was cut, or its last line lacks the line break; fetch it again"
        raise Unreadable(Fault(line, rest.count(b","), rest[-LONGEST_VALUE:].rpartition(b",")[2], rule))


def inspect(block: Block, fields: int) -> tuple[Block, list[Fault]]:
    """Look for lines that are not a row of `fields` fields.

    Returns
    -------
    tuple of (Block, list of Fault)
        The lines that are sound, and one fault for each that is not.

    Raises
    ------
    Unreadable
        If there are so many that going on is of no use.
    """
    lines = pc.split_pattern(arrow.scalar(block.body, arrow.binary()), "\n").values[:-1]
    suspects = np.flatnonzero(~_is_row(lines, fields, block.body))
    every = (look(int(block.numbers[i]), lines[i].as_py(), fields) for i in suspects)
    faults = list(islice(filter(None, every), PATIENCE))
    if not faults:
        return block, faults
    if len(faults) == PATIENCE:
        raise Unreadable(*faults)
    sound = np.isin(block.numbers, [fault.line for fault in faults], invert=True)
    return Block(b"".join(line + b"\n" for line in lines.filter(sound).to_pylist()), block.numbers[sound]), faults


def _is_row(lines: arrow.BinaryArray, fields: int, body: bytes) -> np.ndarray:
    """Which lines are surely a row; none that is not ASCII, where the block is not all UTF-8."""
    is_utf8 = body.decode(errors="ignore").encode() == body
    field = FIELD.format(CONTROL if is_utf8 else CONTROL + r"\x80-\xff")
    matches = pc.match_substring_regex(lines, f"^{field}(?:,{field}){{{fields - 1}}}$")
    return np.asarray(pc.and_(matches, pc.less_equal(pc.binary_length(lines), LONGEST)))


def look(number: int, line: bytes, fields: int | None = None) -> Fault | None:
    """Look at one line; `fields` None is the header's own."""
    if len(line) > LONGEST:
        return _too_long(number, line)
    if control := re.search(f"[{CONTROL}]".encode(), line):
        return _within(number, line, control.start(), "a control character; a text may not contain any")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return _within(number, line, error.start, "not valid UTF-8; save the file as UTF-8")
    if (sound := FIELDS.match(line).end()) < len(line):  # type: ignore[union-attr]
        column = len(next(csv.reader([line[:sound].decode()]), [""])) - 1
        return Fault(number, column, line[sound:], 'a quote (") that is not closed, or stands within a text')
    return _count(number, text, fields) if fields else None


def _too_long(number: int, line: bytes) -> Fault:
    rule = f"a line of more than {LONGEST:,} bytes; no row of a report is that long: fetch it again"
    return _within(number, line[:LONGEST], LONGEST, rule)


def _within(number: int, line: bytes, position: int, rule: str) -> Fault:
    field = line.rfind(b",", 0, position) + 1
    return Fault(number, line[:position].count(b","), line[field:].partition(b",")[0], rule)


def _count(number: int, text: str, fields: int) -> Fault | None:
    row = next(csv.reader([text]), [])
    if len(row) < fields:
        return Fault(number, len(row), text, f"too few fields: {len(row)} where the header has {fields}")
    rule = f"too many fields: {len(row)} where the header has {fields}; a text with a comma is quoted, a decimal is 1.5"
    return Fault(number, fields, ",".join(row[fields:]), rule) if len(row) > fields else None
