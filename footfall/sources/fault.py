"""What is wrong in a file, and where: ``<file>:<line>:<column>: <value> — <rule>``."""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the line, the column (its name, or the number of a field from 0), what is there, why."""

    line: int
    column: str | int
    value: str | bytes
    rule: str

    def at(self, file: str, header: Sequence[str] = ()) -> str:
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


def safe(value: str | bytes, longest: int = SHOWN) -> str:
    """What may be shown of a value: nothing that moves a cursor, nothing that fills a screen."""
    text = value[: 4 * longest].decode(errors="backslashreplace") if isinstance(value, bytes) else value
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:longest])
    return (shown + "…" if len(text) > longest else shown) or "(blank)"
