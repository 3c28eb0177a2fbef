"""The ledger as it lies in the bucket: one object per entry, created once, in order, each proving the one before.

    ledger/000012.json      who, when, why, the gate's figures, and the sha256 of the entry before

Creating the next number is the lock: of two writers one succeeds, the other reads what came and thinks again.
"""

import datetime as dt
import getpass
import os
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.storage import bucket
from flows.storage.bucket import Bucket
from footfall.digest import sha256
from footfall.errors import Conflict, DataProblem

ROUNDS = 50  # lost races before giving up; each one means that another entry was written
MEND = "restore it from the bucket's versions; until then no champion can be trusted."


class Entry(BaseModel):
    """One change of a market's champion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    market: str
    action: Literal["promotion", "rollback"]
    version: str
    was: str | None
    as_of: dt.date
    at: str
    who: str
    why: str
    sha256: str
    run: str
    gate: dict[str, Any]
    before: str


def entries(place: Bucket, market: str | None = None) -> list[Entry]:
    """All entries in order, of one market or of all, each proved to follow the one before.

    Raises
    ------
    DataProblem
        Names the entry that does not follow the one before it: one of the two is missing or altered.
    """
    return [entry for entry, _ in _chain(place) if market in (None, entry.market)]


def _chain(place: Bucket) -> list[tuple[Entry, str]]:
    """All entries, each with its own sha256."""
    found: list[tuple[Entry, str]] = []
    before = ""
    for number, name in enumerate(bucket.names(place, "ledger/"), start=1):
        entry, content = _entry(place, name)
        if (name, entry.number, entry.before) != (name_of(number), number, before):
            told = f"gs://{place.name}/{name}: does not follow the entry before it, or that one is missing or altered"
            raise DataProblem(f"{told}; {MEND}")
        before = sha256(content)
        found.append((entry, before))
    return found


def append(place: Bucket, next_one: Callable[[list[Entry]], dict[str, Any] | Entry | str]) -> Entry | str:
    """Write the entry that follows from those there are; an entry or a sentence instead of facts: no new one."""
    for _ in range(ROUNDS):
        chain = _chain(place)
        facts = next_one([entry for entry, _ in chain])
        if isinstance(facts, str | Entry):
            return facts
        before = chain[-1][1] if chain else ""
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        entry = Entry(number=len(chain) + 1, at=at, who=_who(), before=before, **facts)
        if bucket.create_first(place, name_of(entry.number), entry.model_dump_json(indent=2).encode() + b"\n"):
            return entry
    raise Conflict(f"gs://{place.name}/ledger: others keep writing entries; run again")


def _who() -> str:
    """The user, by name; in a container there may be none to the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _entry(place: Bucket, name: str) -> tuple[Entry, bytes]:
    try:
        content = bucket.read(place, name)
        return Entry.model_validate_json(content), content
    except (ValidationError, DataProblem):
        raise DataProblem(f"gs://{place.name}/{name}: not an entry of the ledger, or altered; {MEND}") from None


def name_of(number: int) -> str:
    """An entry's name in the bucket."""
    return f"ledger/{number:06}.json"
