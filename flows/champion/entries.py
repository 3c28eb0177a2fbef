"""The ledger as it lies in the bucket: of each market a chain of entries, created once, each naming the one before.

    ledger/portugal/000012.json     who, when, why, the gate's figures, the sha256 of the entry before, and the table of
                                    champions after it, by day

Creating the next number is the lock: of two writers one succeeds, the other reads what came and thinks again. Every
entry has the whole table, so that the newest is read alone; `entries` proves that it follows from those before.

All markets once had one chain in common, ``ledger/000012.json``, without a table. A market's own first entry names its
last one there. Nothing is written there any more.
"""

import datetime as dt
import getpass
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.storage import bucket as storage
from flows.storage import layout
from flows.storage.bucket import Bucket
from footfall.digest import sha256
from footfall.errors import Conflict, DataProblem

ROUNDS = 50  # lost races before giving up; each one means that another entry was written
NO_ENTRY = "not an entry of the ledger, or altered"
REMEDY = "restore it from the bucket's versions; until then no champion can be trusted."


class Tenure(BaseModel):
    """A row of the table of champions: the version in use from `as_of` to the next row's, and its entry's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: dt.date
    version: str
    sha256: str
    entry: str


class Entry(BaseModel):
    """One change of a market's champion, and who is champion on which day after it, by day."""

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
    champions: list[Tenure] = []  # an entry of the common chain has none

    def champion(self, on: dt.date | None = None) -> Tenure | None:
        """Who is champion on a day, or now: that of the latest day by then, not the one written last.

        A training that is caught up on for a past day becomes the champion of that past, and takes nothing from today.
        """
        return next((row for row in reversed(self.champions) if on is None or row.as_of <= on), None)


class Stored(NamedTuple):
    """An entry as it lies in the bucket: its name there, and the sha256 of its bytes."""

    entry: Entry
    name: str
    digest: str


def newest(bucket: Bucket, market: str) -> Entry | None:
    """The newest entry of a market, read alone; None if it never had a champion.

    It is found by the names of all, which come a thousand a request: one training a month makes twelve a year.

    Raises
    ------
    DataProblem
        If it is no entry, or another market's or number's, or its table lacks it.
    """
    stored = _newest(bucket, market)
    return stored.entry if stored else None


def _newest(bucket: Bucket, market: str) -> Stored | None:
    names = _names(bucket, layout.entries(market))
    if not names:
        return next(reversed(_common_chains(bucket)[market]), None)
    stored = _read(bucket, names[-1])
    if stored.name != layout.entry(stored.entry.market, stored.entry.number) or stored != _with_table(stored, stored):
        raise _untrusted(bucket, stored.name, NO_ENTRY)
    return stored


def read(bucket: Bucket, tenure: Tenure) -> Entry:
    """The entry that a row of the table names.

    Raises
    ------
    DataProblem
        If it names another champion.
    """
    entry = _read(bucket, tenure.entry).entry
    if (entry.as_of, entry.version, entry.sha256) != (tenure.as_of, tenure.version, tenure.sha256):
        raise _untrusted(bucket, tenure.entry, "names another champion than the newest entry says of it")
    return entry


def entries(bucket: Bucket, market: str) -> list[Entry]:
    """All entries of a market in order, each proved to follow from those before it.

    Raises
    ------
    DataProblem
        Names the entry that does not follow the one before it: one of the two is missing or altered.
    """
    return _entries(bucket, market, _common_chains(bucket)[market])


def all_entries(bucket: Bucket) -> dict[str, list[Entry]]:
    """The entries of every market that has any, proved; raises as `entries`."""
    common, names = _common_chains(bucket), _names(bucket, layout.ENTRIES)
    markets = {*common, *(name.split("/")[1] for name in names if name.count("/") == 2)}
    return {market: _entries(bucket, market, common[market]) for market in sorted(markets)}


def _entries(bucket: Bucket, market: str, common: list[Stored]) -> list[Entry]:
    chain, names = [*common], _names(bucket, layout.entries(market))
    for stored in _chain(bucket, names, partial(layout.entry, market), common[-1].digest if common else ""):
        if stored.entry.market != market or stored != _with_table(stored, next(reversed(chain), None)):
            raise _untrusted(bucket, stored.name, "its table of champions does not follow from the entries")
        chain.append(stored)
    return [stored.entry for stored in chain]


def _common_chains(bucket: Bucket) -> defaultdict[str, list[Stored]]:
    """By market its entries in the common chain, each with the table that it would have had."""
    chains: defaultdict[str, list[Stored]] = defaultdict(list)
    for stored in _chain(bucket, _names(bucket, layout.ENTRIES, delimiter="/"), layout.common_entry, ""):
        chain = chains[stored.entry.market]
        chain.append(_with_table(stored, next(reversed(chain), None)))
    return chains


def _chain(bucket: Bucket, names: list[str], name_of: Callable[[int], str], before: str) -> Iterator[Stored]:
    """The entries under these names, each proved to follow the one before it."""
    for number, name in enumerate(names, start=1):
        stored = _read(bucket, name)
        if (name, stored.entry.number, stored.entry.before) != (name_of(number), number, before):
            raise _untrusted(bucket, name, "does not follow the entry before it, or that one is missing or altered")
        before = stored.digest
        yield stored


def append(
    bucket: Bucket, market: str, next_facts: Callable[[Entry | None], dict[str, Any] | Entry | str]
) -> Entry | str:
    """Write the entry that follows from a market's newest; an entry or a sentence instead of facts: no new one."""
    for _ in range(ROUNDS):
        last = _newest(bucket, market)
        facts = next_facts(last.entry if last else None)
        if isinstance(facts, str | Entry):
            return facts
        stored = _next(market, last, facts)
        content = stored.entry.model_dump_json(indent=2).encode() + b"\n"
        if storage.write(bucket, stored.name, content):
            return stored.entry
    raise Conflict(f"gs://{bucket.name}/{layout.entries(market)}: others keep writing entries; run again")


def _next(market: str, last: Stored | None, facts: dict[str, Any]) -> Stored:
    number = last.entry.number + 1 if last and last.name.startswith(layout.entries(market)) else 1
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    entry = Entry(number=number, market=market, at=at, who=_who(), before=last.digest if last else "", **facts)
    return _with_table(Stored(entry, layout.entry(market, number), ""), last)


def _with_table(stored: Stored, before: Stored | None) -> Stored:
    """An entry with the champions after it, by day, as they follow from the one before: the later of a day counts."""
    entry, rows = stored.entry, before.entry.champions if before else []
    tenure = Tenure(as_of=entry.as_of, version=entry.version, sha256=entry.sha256, entry=stored.name)
    days = {row.as_of: row for row in [*rows, tenure]}
    return stored._replace(entry=entry.model_copy(update={"champions": [days[day] for day in sorted(days)]}))


def _who() -> str:
    """The user, by name; in a container there may be none to the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _names(bucket: Bucket, prefix: str, delimiter: str | None = None) -> list[str]:
    """The names of entries, in order; what is called otherwise is somebody else's."""
    return [name for name in storage.names(bucket, prefix, delimiter) if layout.is_entry(name)]


def _read(bucket: Bucket, name: str) -> Stored:
    try:
        content = storage.read(bucket, name)
        return Stored(Entry.model_validate_json(content), name, sha256(content))
    except (ValidationError, DataProblem):
        raise _untrusted(bucket, name, NO_ENTRY) from None


def _untrusted(bucket: Bucket, name: str, reason: str) -> DataProblem:
    return DataProblem(f"{storage.address(bucket, name)}: {reason}; {REMEDY}")
