"""The ledger: which model was in use when, and why; who may become champion, and the way back.

Its entries lie in the bucket, see `flows.champion.entries`. The registry's alias ``champion`` follows them, and after a
rollback so does the forecast of the latest day; where they differ, after a kill between, the ledger is right.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pandas as pd

from flows.champion import registry
from flows.champion.entries import ROUNDS, Entry, Tenure, append, entries, newest, read
from flows.settings import params_folder
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket
from footfall.errors import Conflict, DataProblem, EnvironmentProblem, GateClosed, Problem, UsageProblem
from footfall.forecast import check_champion
from footfall.market_file import read_market
from footfall.series import DAY


def lay_down(bucket: Bucket, market: str, tenure: Tenure, folder: Path) -> str:
    """Put a champion's model into `folder`, and give its sha256.

    Raises
    ------
    DataProblem
        If the registry has another model under that version. Which of the two was altered cannot be told: no entry
        follows the newest one and would prove it.
    EnvironmentProblem
        If what the registry holds of it is not whole.
    """
    digest = registry.lay_down(market, tenure.version, folder)
    if digest != tenure.sha256:
        reason = f"names another model as version {tenure.version} of {market} than the registry has"
        either = "one of the two was altered: restore this entry from the bucket's versions, or that model in MLflow"
        at = storage.address(bucket, tenure.entry)
        raise DataProblem(f"{at}: {reason}; {either}. Until then no champion can be trusted.")
    return digest


def champion(bucket: Bucket, market: str, on: dt.date | None = None) -> Entry | None:
    """The entry that says which version a market uses: on a day, or now."""
    last = newest(bucket, market)
    tenure = last.champion(on) if last else None
    return read(bucket, tenure) if tenure else None


def in_force(bucket: Bucket, market: str, day: str, sets: list[str]) -> str:
    """Of a day's sets the one that readers saw last: the pointer's, else the newest by the champion of that day."""
    if len(sets) == 1:
        return sets[0]
    shown = forecasts.pointer(bucket, market)
    if shown and shown["as_of"] == day:
        return layout.set_of(shown["manifest"])
    last = newest(bucket, market)
    due = last.champion(dt.date.fromisoformat(day)) if last else None
    by_champion = [folder for folder in sets if due and _is_by(bucket, folder, market, due)]
    return (by_champion or sets)[-1]


def _is_by(bucket: Bucket, folder: str, market: str, tenure: Tenure) -> bool:
    return forecasts.read_about(bucket, folder).get("model_version") == f"{market}/{tenure.version}"


def promote(
    bucket: Bucket,
    market: str,
    version: str,
    against: str | None,
    as_of: dt.date,
    gate: dict[str, Any],
    run: str,
    trained: str | None = None,
) -> tuple[Entry | None, str]:
    """Make a version that passed its gate the champion, unless a better one came meanwhile.

    Parameters
    ----------
    bucket : Bucket
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
    trained : str, optional
        The sha256 of the model as the training wrote it; what the registry holds must be that one.

    Returns
    -------
    (Entry or None, str)
        The new entry, and what became of the version in a sentence; an alias that could not follow is in it, and stops
        nothing: it is set by the next run.

    Raises
    ------
    EnvironmentProblem
        If what the registry holds of the version is not whole.
    """
    with tempfile.TemporaryDirectory() as scratch:
        digest = _proved(market, version, trained, Path(scratch))
    facts = {"action": "promotion", "version": version, "as_of": as_of, "why": gate["reason"], "gate": gate, "run": run,
             "sha256": digest}  # fmt: skip

    def next_facts(last: Entry | None) -> dict[str, Any] | str:
        current = last.champion(as_of) if last else None
        if current and current.version != against and not _beats(gate, read(bucket, current).gate):
            why = f"version {current.version} came meanwhile, and it does not beat it"
            return f"version {version} was not promoted: {why}"
        return facts | {"was": current.version if current else None}

    written = append(bucket, market, next_facts)
    outcome = written if isinstance(written, str) else f"version {version} is champion"
    if isinstance(written, Entry) and (now := written.champions[-1]).version != version:  # a day of the past was walked
        outcome += f" as of {as_of}; version {now.version} remains today's"
    try:
        follow(bucket, market)
    except Problem as problem:  # the champion has changed all the same, and that is to be told
        outcome += f"; the alias in MLflow has yet to follow, with the next run ({problem})"
    return None if isinstance(written, str) else written, outcome


def _beats(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether we would have won against a champion that our gate did not see.

    Only on the same days: then the naive forecast has the same figures in both. A rollback has none.
    """
    ours, theirs = ours["figures"], theirs.get("figures", {})
    return bool(ours["naive"] == theirs.get("naive") and ours["challenger"]["WIS"] < theirs["challenger"]["WIS"])


def rollback(bucket: Bucket, market: str, reason: str, to: str | None = None) -> Entry:
    """Set a market back to a version that was champion before: the one before today's, or the one asked for.

    What was cut short after its entry goes back no further when asked for again: what has yet to follow, follows.

    Returns
    -------
    Entry
        The new one, or that of the rollback to finish. The forecast is the caller's to publish again, `finishing` it.

    Raises
    ------
    UsageProblem
        If there is nothing to go back to, or it is the champion already.
    GateClosed
        If that version never passed its gate, cannot be read any more, or may not speak for what the market's file
        asks for by now.
    EnvironmentProblem
        If what the registry holds of it is not whole.
    """

    def next_facts(last: Entry | None) -> dict[str, Any] | Entry:
        if last is None:
            raise UsageProblem(f"{market} never had a champion; train one: footfall train {market}")
        current = read(bucket, last.champions[-1])
        if current.action == "rollback" and to in (None, current.version) and not all_follows(bucket, market):
            return current
        back = _way_back(entries(bucket, market), current, to)
        shown = forecasts.pointer(bucket, market)
        shown_as_of = dt.date.fromisoformat(shown["as_of"]) if shown else current.as_of
        as_of = max(current.as_of, shown_as_of)
        with tempfile.TemporaryDirectory() as scratch:
            digest = _proved(market, back.version, back.sha256, Path(scratch))
            _refuse_what_may_not_speak(market, back.version, Path(scratch) / "champion", as_of)
        standing = {name: value for name, value in back.gate.items() if name == "standing"}
        return {"action": "rollback", "version": back.version, "was": current.version, "why": reason, "gate": standing,
                "as_of": as_of, "run": back.run, "sha256": digest}  # fmt: skip

    entry = cast(Entry, append(bucket, market, next_facts))  # no sentence: every way not to go back is an error
    with finishing(bucket, entry):
        follow(bucket, market)
    return entry


def _way_back(history: list[Entry], current: Entry, to: str | None) -> Entry:
    """The promotion of the version to go back to."""
    promotions = {entry.version: entry for entry in reversed(history) if entry.action == "promotion"}
    version = to or promotions[current.version].was
    if version is None:
        others = ", ".join(sorted({*promotions} - {current.version}, key=int))
        to_do = f"name one, --to VERSION: {others}" if others else f"train another: footfall train {current.market}"
        raise UsageProblem(f"{current.market} had no champion before version {current.version}; {to_do}")
    if version == current.version:
        raise UsageProblem(f"version {version} is the champion of {current.market} already")
    if version not in promotions:
        passed = ", ".join(sorted(promotions, key=int))
        raise GateClosed(f"version {version} of {current.market} never passed its gate; those that did: {passed}")
    return promotions[version]


def _refuse_what_may_not_speak(market: str, version: str, model: Path, as_of: dt.date) -> None:
    """What predict.ipynb does first, before anything changes: a champion that it refuses would stop the market."""
    from footfall.champion import read_champion  # brings sktime, which who promotes need not wait for

    asked = read_market(params_folder(), market)
    through = pd.Timestamp(as_of) - asked.data.lag * DAY
    try:
        about = read_champion(model).about
        check_champion(about, asked.data.location, asked.data.category, bool(asked.series().get("series")),
                       through, asked.predict.horizon, asked.data.lag)  # fmt: skip
    except DataProblem as problem:
        why = str(problem).partition("\n")[0]  # what it goes on to advise is this
        advice = "Nothing was changed; name another version by --to, or train one"
        raise GateClosed(f"version {version} of {market}: {why}\n{advice}: footfall train {market}") from None


@contextmanager
def finishing(bucket: Bucket, entry: Entry) -> Iterator[None]:
    """What stops the rest of a rollback is told with what has changed by then, and with what finishes it."""
    try:
        yield
    except Problem as problem:
        done = f"{problem}\nThe champion has changed already: version {entry.version} in place of {entry.was}"
        if all_follows(bucket, entry.market):
            raise type(problem)(f"{done}.") from problem
        again = f"footfall rollback {entry.market} --to {entry.version} --reason … finishes it and goes no further"
        raise type(problem)(f"{done}; the alias and the latest forecast have yet to follow. {again}.") from problem


def all_follows(bucket: Bucket, market: str) -> bool:
    """Whether alias and latest forecast are as the ledger says; what cannot be asked has yet to follow."""
    with suppress(Problem):
        last, shown = newest(bucket, market), forecasts.pointer(bucket, market)
        if last is None or registry.alias(market) != last.champions[-1].version:
            return False
        due = last.champion(dt.date.fromisoformat(shown["as_of"])) if shown else None
        return not (shown and due) or _is_by(bucket, layout.set_of(shown["manifest"]), market, due)
    return False


def follow(bucket: Bucket, market: str, say: Callable[[str], Any] = lambda sentence: None) -> Entry | None:
    """Point the registry's alias to the champion that the ledger names, and look again: another may be at it too.

    What moves is told to `say`: it follows a promotion that was cut short, or the ledger has lost its newest entry.

    Returns
    -------
    Entry or None
        The market's newest, as it was when the alias was right.
    """
    for _ in range(ROUNDS):
        last = newest(bucket, market)
        now = registry.alias(market)
        if last is None or now == last.champions[-1].version:
            return last
        registry.point(market, last.champions[-1].version)
        say(f"MLflow's alias was version {now or 'none'}, the ledger says {last.champions[-1].version}: it followed")
    raise Conflict(f"the alias champion of {market} keeps moving; look who else sets it")


def _proved(market: str, version: str, due: str | None, folder: Path) -> str:
    """The sha256 of what the registry holds of a version, laid down once it proved whole and the one it must be.

    Who can write to the registry can write its own sha256 there too; so what the ledger or the training knows counts.
    """
    digest = registry.lay_down(market, version, folder)
    if due and digest != due:
        other = f"model {market} version {version} is another one in MLflow (sha256 {digest}) than was trained ({due})"
        raise EnvironmentProblem(f"{other}. Nothing was changed; look who writes there. {registry.remedy(market)}")
    return digest
