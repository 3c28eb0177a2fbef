"""The ledger: which model was in use when, and why; who may become champion, and the way back.

Its entries lie in the bucket, see `flows.champion.entries`. The registry's alias ``champion`` follows them; where the
two differ, after a kill between the two, the ledger is right.
"""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from flows.champion import registry
from flows.champion.entries import MEND, ROUNDS, Entry, append, entries, name_of
from flows.storage import forecasts
from flows.storage.bucket import Bucket
from footfall.errors import Conflict, DataProblem, GateClosed, Problem, UsageProblem


def lay_down(place: Bucket, entry: Entry, folder: Path) -> str:
    """Put the model that an entry names into `folder`, and give its sha256.

    Raises
    ------
    DataProblem
        If the registry has another model under that version: no entry follows the newest one and would prove it.
    EnvironmentProblem
        If what the registry holds of it is not whole.
    """
    found = registry.lay_down(entry.market, entry.version, folder)
    if found != entry.sha256:
        told = f"names another model as version {entry.version} of {entry.market} than the registry has"
        raise DataProblem(f"gs://{place.name}/{name_of(entry.number)}: {told}; {MEND}")
    return found


def champion(place: Bucket, market: str, on: dt.date | None = None) -> Entry | None:
    """The entry that says which version a market uses: on a day, or now."""
    return in_force(entries(place, market), on)


def in_force(found: list[Entry], on: dt.date | None = None) -> Entry | None:
    """Of a market's entries the one that counts on a day, or now.

    That of the latest day does, not the one written last: a training that is caught up on for a past day becomes the
    champion of that past, and takes nothing from the present.
    """
    known = [entry for entry in found if on is None or entry.as_of <= on]
    return max(known, key=lambda entry: (entry.as_of, entry.number), default=None)


def live(place: Bucket, market: str, day: str, sets: list[str]) -> str:
    """Of a day's sets the one that readers saw last: the pointer's, else the newest by the champion of that day."""
    if len(sets) == 1:
        return sets[0]
    shown = forecasts.pointer(place, market)
    if shown and shown["as_of"] == day:
        return f"{market}/forecasts/{day}/{shown['digest']}"
    entry = champion(place, market, dt.date.fromisoformat(day))
    made_by = {folder: forecasts.about(place, folder).get("model_version") for folder in sets}
    by_champion = [one for one in sets if entry and made_by[one] == f"{market}/{entry.version}"]
    return (by_champion or sets)[-1]


def promote(
    place: Bucket, market: str, version: str, against: str | None, as_of: dt.date, gate: dict[str, Any], run: str
) -> tuple[Entry | None, str]:
    """Make a version that passed its gate the champion, unless a better one came meanwhile.

    Parameters
    ----------
    place : Bucket
        From `flows.storage.bucket.connect`.
    market, version : str
        As in the registry.
    against : str or None
        The version that the gate compared it with.
    as_of : date
        The day the training stood on.
    gate : dict
        The gate's decision as train.ipynb wrote it.
    run : str
        The training's run in MLflow.

    Returns
    -------
    (Entry or None, str)
        The new entry, and what became of the version in a sentence.

    Raises
    ------
    EnvironmentProblem
        If what the registry holds of the version is not whole.
    """
    facts = {"market": market, "action": "promotion", "version": version, "as_of": as_of, "why": gate["reason"],
             "gate": gate, "run": run, "sha256": _proved(market, version)}  # fmt: skip

    def next_one(found: list[Entry]) -> dict[str, Any] | str:
        now = in_force(_of(market, found), as_of)
        if now and now.version != against and not _beats(gate, now.gate):
            return f"version {version} was not promoted: version {now.version} came meanwhile, and it does not beat it"
        return facts | {"was": now.version if now else None}

    written = append(place, next_one)
    follow(place, market)
    if isinstance(written, str):
        return None, written
    return written, f"version {version} is champion"


def _beats(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether we would have won against a champion that our gate did not see.

    Only on the same days: then the naive forecast has the same figures in both. A rollback has none.
    """
    ours, theirs = ours["figures"], theirs.get("figures", {})
    return bool(ours["naive"] == theirs.get("naive") and ours["challenger"]["WIS"] < theirs["challenger"]["WIS"])


def rollback(place: Bucket, market: str, reason: str, to: str | None = None) -> Entry:
    """Set a market back to a version that was champion before: the one before today's, or the one asked for.

    Where a rollback was cut short after its entry, a second one does not go back further: it finishes the first.

    Returns
    -------
    Entry
        The new one; that of the first rollback if this one finishes it. The forecast is the caller's to publish again.

    Raises
    ------
    UsageProblem
        If there is nothing to go back to, or it is the champion already.
    GateClosed
        If that version never passed its gate.
    EnvironmentProblem
        If what the registry holds of it is not whole.
    """
    shown = forecasts.pointer(place, market)

    def next_one(found: list[Entry]) -> dict[str, Any] | Entry:
        mine = _of(market, found)
        now = in_force(mine)
        if now is None:
            raise UsageProblem(f"{market} never had a champion; train one: footfall train {market}")
        if to in (None, now.version) and _cut_short(place, mine, now):
            return now
        back = _passed(mine, to or _promoted(mine, now.version).was, now)
        shown_as_of = dt.date.fromisoformat(shown["as_of"]) if shown else now.as_of
        return {"market": market, "action": "rollback", "version": back.version, "was": now.version, "why": reason,
                "as_of": max(now.as_of, shown_as_of), "gate": {}, "run": back.run,
                "sha256": _proved(market, back.version)}  # fmt: skip

    entry = cast(Entry, append(place, next_one))  # no sentence in its place: every way not to go back is an error
    with finishing(place, entry):
        follow(place, market)
    return entry


def _cut_short(place: Bucket, mine: list[Entry], now: Entry) -> bool:
    """Whether what comes after the entry of a rollback was never done: the alias, the forecast of the latest day."""
    if now.action != "rollback":
        return False
    shown = forecasts.pointer(place, now.market)
    if shown is None:
        return registry.alias(now.market) != now.version
    due = in_force(mine, dt.date.fromisoformat(shown["as_of"]))
    made_by = forecasts.about(place, shown["manifest"].removesuffix("/manifest.json")).get("model_version")
    return due is not None and made_by != f"{now.market}/{due.version}"


@contextmanager
def finishing(place: Bucket, entry: Entry) -> Iterator[None]:
    """What stops the rest of a rollback is told with what has changed by then, and with what finishes it."""
    try:
        yield
    except Problem as problem:
        done = f"The champion has changed already: version {entry.version} in place of {entry.was}"
        if not _has_a_rest(place, entry):
            raise type(problem)(f"{problem}\n{done}.") from problem
        rest = "the alias and the latest forecast have yet to follow"
        again = f"footfall rollback {entry.market} --to {entry.version} --reason … finishes it and goes no further"
        raise type(problem)(f"{problem}\n{done}; {rest}. {again}.") from problem


def _has_a_rest(place: Bucket, entry: Entry) -> bool:
    """Whether alias or forecast have yet to follow a rollback, as far as can be known."""
    with suppress(Problem):
        return registry.alias(entry.market) != entry.version or _cut_short(place, entries(place, entry.market), entry)
    return True


def _passed(mine: list[Entry], version: str | None, now: Entry) -> Entry:
    """The promotion of the version to go back to."""
    if version is None:
        raise UsageProblem(f"{now.market} had no champion before version {now.version}; name one: --to VERSION")
    if version == now.version:
        raise UsageProblem(f"version {version} is the champion of {now.market} already")
    return _promoted(mine, version)


def _promoted(mine: list[Entry], version: str) -> Entry:
    for entry in mine:
        if entry.action == "promotion" and entry.version == version:
            return entry
    passed = ", ".join(sorted({entry.version for entry in mine}))
    raise GateClosed(f"version {version} of {mine[0].market} never passed its gate; those that did: {passed}")


def follow(place: Bucket, market: str) -> list[Entry]:
    """Point the registry's alias to the champion that the ledger names, and look again: another may be at it too.

    Returns
    -------
    list of Entry
        The market's entries, as they were when the alias was right.
    """
    for _ in range(ROUNDS):
        found = entries(place, market)
        now = in_force(found)
        if now is None or registry.alias(market) == now.version:
            return found
        registry.point(market, now.version)
    raise Conflict(f"the alias champion of {market} keeps moving; look who else sets it")


def _proved(market: str, version: str) -> str:
    """The sha256 of what the registry holds of a version, once it proved whole and as registered."""
    with tempfile.TemporaryDirectory() as scratch:
        return registry.lay_down(market, version, Path(scratch))


def _of(market: str, found: list[Entry]) -> list[Entry]:
    return [entry for entry in found if entry.market == market]
