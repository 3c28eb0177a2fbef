"""What is wrong in a file, and where: ``<file>:<line>:<column>: <value> — <rule>``; a rule broken often is one line."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from footfall.errors import DataProblem, listed

LONGEST_VALUE = 60  # characters of a value in a message
OWN = "figures of your own come in with: footfall new NAME FILE"
NAMED = 5  # of many names
PLACES = 3  # of those that break one rule, that are named


class Fault(NamedTuple):
    """One thing that is wrong: the line, the column (its name, or the number of a field from 0), what is there, why."""

    line: int
    column: str | int
    value: str | bytes
    rule: str
    detail: str = ""  # what is particular to this place; it stands before the rule

    def at(self, file: str, header: Sequence[str] = ()) -> str:
        """``<file>:<line>:<column>: <value> — <rule>``, safe to print on a terminal."""
        column = self.column
        if isinstance(column, int):
            column = header[column] if column < len(header) else str(column + 1)
        return f"{safe(file, 120)}:{self.line}:{safe(column)}: {safe(self.value)} — {self.detail}{self.rule}"


Broken = tuple[str, Sequence[str], Iterable[Fault]]  # a file, its columns where it has any, and what is wrong in it


class Unreadable(Exception):
    """Nothing more can be read from a file; `faults` say why."""

    def __init__(self, *faults: Fault):
        super().__init__(*faults)
        self.faults = list(faults)


class Empty(Unreadable):
    """A file is whole, and has no rows."""


def by_rule(files: Iterable[Broken]) -> list[str]:
    """One line for each rule that is broken: where first, and where it is broken often, how often and where next.

    Parameters
    ----------
    files : iterable of (str, sequence of str, iterable of Fault)
        Of each file its name, its header and what is wrong in it, in the order in which it is to be told.
    """
    broken = defaultdict(list)
    for file, header, faults in files:
        for fault in sorted(faults, key=lambda fault: fault.line):
            broken[fault.rule].append((fault.at(file, header), f"{safe(file, 120)}:{fault.line}"))
    return [_line(places) for places in broken.values()]


def refuse(files: Iterable[Broken]) -> None:
    """Stop at what is wrong, as `by_rule` says it; go on where nothing is."""
    if problems := by_rule(files):
        raise DataProblem(listed(problems))


def _line(places: list[tuple[str, str]]) -> str:
    if len(places) == 1:
        return places[0][0]
    more = " …" if len(places) > PLACES else ""
    return f"{places[0][0]} ({len(places):,} times; next {', '.join(at for _, at in places[1:PLACES])}{more})"


def shown(value: float) -> str:
    """A value as messages write it."""
    return "(blank)" if math.isnan(value) else f"{value:.10g}"


def counted(number: int, noun: str) -> str:
    """A number and what it is of: ``1 day``, ``2,000 days``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(safe(name) for name in names[:NAMED]) + more


def safe(value: str | bytes, longest: int = LONGEST_VALUE) -> str:
    """What may be shown of a value: nothing that moves a cursor, nothing that fills a screen."""
    text = value[: 4 * longest].decode(errors="backslashreplace") if isinstance(value, bytes) else value
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:longest])
    return (shown + "…" if len(text) > longest else shown) or "(blank)"
