"""The record, read again: which runs there were, what a forecast came from, whether it is whole, whether it repeats."""

import datetime as dt
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from flows.champion import ledger
from flows.champion.entries import entries
from flows.notebook.execute import run_notebook
from flows.operations.proof import unproved_code
from flows.record import mlflow_runs
from flows.record.files import template_of
from flows.record.folder import claim, deepen
from flows.record.owner import OWNER, is_of_here
from flows.record.record import Record, describe, differences, read_record
from flows.settings import home
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket
from footfall.digest import sha256_of
from footfall.errors import DataProblem, EnvironmentProblem, Problem, UsageProblem
from footfall.sources.fault import some

RESTORE = "Restore what is named from a copy of MLflow's artifacts, or from the run's folder if it is still here."
OTHER_FAILURES = ("kernel died", "out of memory", "timed out")  # to MLflow as failed as any
TABLES = ("forecast.parquet", "forecast.csv")  # of a set what is looked at here; its pages may be thousands


def runs(market: str | None, notebook: str | None, outcome: str | None, since: dt.date | None) -> list[dict[str, str]]:
    """What ran, newest first: when, what, as of when, with which outcome, seconds, model and snapshot, and its id.

    Of a training the model is the champion that it was compared with. Times and days are of UTC, as everywhere else.
    """
    # the tag is the notebook's: what was stopped after it failed, or was interrupted, all the same
    asked = {"market": market, "outcome": outcome if outcome not in ("running", "failed", "interrupted") else None}
    clauses = [f"tags.{name} = {_quoted(value)}" for name, value in asked.items() if value]
    status = {"running": "RUNNING", **mlflow_runs.STATUS}.get(outcome or "", "FAILED")
    clauses += [f"attributes.status = '{status}'"] if outcome else []
    clauses += [f"tags.outcome != '{other}'" for other in OTHER_FAILURES] if outcome == "failed" else []
    if since:
        first = dt.datetime.combine(since, dt.time(), dt.UTC)
        clauses.append(f"attributes.start_time >= {int(first.timestamp() * 1000)}")
    lines = [_line(name, run) for name, run in mlflow_runs.search(notebook, " and ".join(clauses))]
    return [line for line in lines if outcome in (None, line["outcome"])]


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"


def _outcome(run: Any) -> str:
    """How a run ended: as its notebook did, unless what follows a good one was stopped."""
    outcome = str(run.data.tags.get("outcome", "running"))
    stopped = {"FAILED": "failed", "KILLED": "interrupted"}.get(run.info.status, outcome)
    return stopped if outcome == "succeeded" else outcome


def _line(name: str, run: Any) -> dict[str, str]:
    tags, started = run.data.tags, dt.datetime.fromtimestamp(run.info.start_time / 1000, dt.UTC)
    compared = "with " if name == "train" and "model_version" in tags else ""
    return {
        "started (UTC)": f"{started:%Y-%m-%d %H:%M:%S}",
        "notebook": name,
        "market": tags.get("market", ""),
        "as of": tags.get("as_of", ""),
        "outcome": _outcome(run),
        "seconds": f"{run.data.metrics.get('seconds', 0):.0f}",
        "model": compared + tags.get("model_version", ""),
        "snapshot": tags.get("snapshot", "")[:8],
        "run": run.info.run_id,
    }


def trace(name: str, market: str, day: str) -> list[tuple[str, str]]:
    """The way back from the forecast of a day: pairs of what and which, down to the commit and the parameters.

    Of several, as after figures were revised, the oldest first.

    Parameters
    ----------
    name : str
        The bucket.
    market, day : str
        The market, and the ISO day its forecast stood on (``origin_date``).
    """
    bucket = storage.connect(name)
    stored = forecasts.sets_of_day(bucket, market, day)
    if not stored:
        raise UsageProblem(f"no forecast of {market} stands on {day}; footfall forecast {market} shows the latest")
    sets = forecasts.sets(bucket, market)[day]
    current = ledger.in_force(bucket, market, day, sets)
    standing = {folder: "in force" if folder == current else "replaced" for folder in sets if len(stored) > 1}
    late = [folder for folder in stored if folder not in sets]
    return [step for folder in [*sets, *late] for step in _way_back(bucket, folder, standing.get(folder, ""))]


def _way_back(bucket: Bucket, folder: str, standing: str = "") -> list[tuple[str, str]]:
    """From a stored set of forecasts down to its source; of several of a day it is said how each stands."""
    about = forecasts.read_about(bucket, folder)
    shown = "stored and never shown" if _never_shown(bucket, folder) else standing
    table = _unless(lambda: forecasts.stored(bucket, folder, *TABLES))
    return [
        ("forecast", ", ".join(filter(None, [f"{storage.address(bucket, folder)}/", shown, table]))),
        *_made_by(about["record"]),
        *_trained_by(bucket, *about["model_version"].split("/")),
        *((what, _kept(bucket, about[what])) for what in ("snapshot", "events", "weather") if what in about),
        ("source", "{source}, through {data_through}, ".format(**about) + _fetched(bucket, about["snapshot"])),
    ]


def _kept(bucket: Bucket, digest: str) -> str:
    """Where what a forecast was made from is kept, and what is wrong with it there."""
    if digest == "without":  # of weather: none was known
        return digest
    wrong = _unless(lambda: forecasts.read_snapshot(bucket, digest))
    return ", ".join(filter(None, [storage.address(bucket, layout.snapshot(digest)), wrong]))


def _fetched(bucket: Bucket, digest: str) -> str:
    """When a snapshot's bytes first came here; the account beside them is that of whichever market came first."""
    try:
        return f"fetched {forecasts.origin(bucket, digest)['retrieved_at']}"
    except DataProblem as problem:
        return str(problem)


def _unless(read: Callable[[], Any]) -> str:
    """What is wrong with what is kept; nothing where every byte is as it was."""
    try:
        read()
    except DataProblem as problem:
        return str(problem)
    return ""


def _never_shown(bucket: Bucket, folder: str) -> bool:
    """Whether no run that made this set pointed readers to it, as where a past day is caught up on.

    The runs say so, as far as they could; the pointer knows better of the set that it names.
    """
    pointer = forecasts.pointer(bucket, folder.partition("/")[0])
    if pointer and layout.set_of(pointer["manifest"]) == folder:
        return False
    made_it = f"tags.forecast = '{storage.address(bucket, folder)}'"
    with suppress(Problem):  # then nothing is known
        made = [run.data.tags["published"] for _, run in mlflow_runs.search("predict", made_it)]
        return bool(made) and "true" not in made
    return False


def champion(name: str, market: str, on: dt.date | None) -> list[tuple[str, str]]:
    """Which model, notebook, data and forecast a market used on a day: pairs of what and which.

    Parameters
    ----------
    name : str
        The bucket.
    market : str
        The market.
    on : datetime.date or None
        The day; the newest if None.
    """
    bucket = storage.connect(name)
    entry = ledger.champion(bucket, market, on)
    if entry is None:
        when, then = (f"on {on}", f" --as-of {on}") if on else ("yet", "")
        raise UsageProblem(f"{market} had no champion {when}; train one: footfall train {market}{then}")
    since = f"{entry.as_of}, entry {entry.number} of the ledger: {entry.action} by {entry.who} at {entry.at}"
    steps = [("champion", f"{market}/{entry.version}"), ("since", since), ("why", entry.why)]
    shown = in_use(bucket, market, str(on) if on else None)
    if shown and (seen := forecasts.read_about(bucket, shown)["model_version"]) != f"{market}/{entry.version}":
        later = f"{market}/{entry.version} became champion later, at {entry.at}"
        steps.append(("shown", f"what readers saw was by {seen}; {later}"))
    return steps + (_way_back(bucket, shown) if shown else _trained_by(bucket, market, entry.version))


def in_use(bucket: Bucket, market: str, on: str | None) -> str | None:
    """The folder of the one set that readers saw last on a day; None where nothing was shown by then.

    What is stored for days after the latest that was shown, nobody has seen; nor what only fills a gap before it.
    """
    latest, stored = (forecasts.pointer(bucket, market) or {"as_of": ""})["as_of"], forecasts.sets(bucket, market)
    days = sorted((one for one in stored if one <= min(on or latest, latest)), reverse=True)
    seen = (day for day in days if not all(_never_shown(bucket, folder) for folder in stored[day]))
    return next((ledger.in_force(bucket, market, day, stored[day]) for day in seen), None)


def _made_by(run_id: str) -> list[tuple[str, str]]:
    try:
        run, address = mlflow_runs.get(run_id), mlflow_runs.link(run_id)
    except Problem as problem:
        return [("predicted in", f"run {run_id}: {problem}")]
    tags, parameters = run.data.tags, ", ".join(f"{name}={value}" for name, value in sorted(run.data.params.items()))
    commit, notebook = _code(tags)
    return [
        ("predicted in", address),
        ("commit", commit),
        ("notebook", notebook),
        ("lock", f"sha256 {tags['lock']}"),
        ("parameters", parameters),
    ]


def _trained_by(bucket: Bucket, market: str, number: str) -> list[tuple[str, str]]:
    """What the ledger says of a champion, and MLflow of its training."""
    try:
        promotions = [one for one in entries(bucket, market) if (one.action, one.version) == ("promotion", number)]
    except DataProblem as problem:
        return [("model", f"{market}/{number}: {problem}")]
    if not promotions:
        return [("model", f"{market}/{number}, which the ledger does not name")]
    model = [("model", f"{market}/{number}, sha256 {promotions[0].sha256}"), ("the gate said", promotions[0].why)]
    run = promotions[0].run
    try:
        tags, address = mlflow_runs.get(run).data.tags, mlflow_runs.link(run)
    except Problem as problem:
        return [*model, ("trained in", f"run {run}: {problem}")]
    commit, notebook = _code(tags)
    return [
        *model,
        ("trained in", address),
        ("trained on", f"snapshot {tags['snapshot']}, commit {commit}"),
        ("trained by", f"train.ipynb, {notebook}"),
    ]


def _code(tags: dict[str, str]) -> tuple[str, str]:
    """A run's commit and its notebook, and of each whether something was changed in it."""
    commit = tags["commit"] + (" with changes" if tags["dirty"] == "true" else "")
    return commit, f"sha256 {tags['template']}, {'modified' if tags.get('modified') == 'true' else 'as committed'}"


def folder_of(run: str, scratch: Path) -> Path:
    """A run's folder: the one at this path, or what MLflow keeps of the run with this id, put into `scratch`.

    Raises
    ------
    DataProblem
        If MLflow has no record of it.
    """
    if (Path(run) / "record.json").exists():
        return Path(run)
    folder = mlflow_runs.fetch(run, scratch)
    if not (folder / "record.json").exists():
        raise DataProblem(
            f"run {run} has no record.json in MLflow: it is still running, or that file is lost. {RESTORE}"
        )
    return folder


def verify(run: str, scratch: Path) -> tuple[Record, list[str]]:
    """A run's account, and everything in its folder that is not as the account says.

    Of one that MLflow keeps also the account itself, where it is not the one that was delivered.
    """
    folder = folder_of(run, scratch)
    return read_record(folder), [*_altered_account(run, folder), *differences(folder)]


def _altered_account(run: str, folder: Path) -> list[str]:
    """The account, if MLflow's tag has another sha256 of it; older runs have no such tag, a folder here has none."""
    if Path(run) == folder:
        return []
    due = mlflow_runs.get(run).data.tags.get(mlflow_runs.DIGEST)
    return ["record.json: altered"] if due and due != sha256_of(folder / "record.json") else []


def replay(run: str, scratch: Path, say: Callable[[str], None]) -> list[str]:
    """Run a recorded notebook again, from its record alone, and say where it comes to something else.

    Raises
    ------
    DataProblem
        As `_proved`.
    EnvironmentProblem
        If it comes to something else, and was made by other code than that here; it says how to have that one.
    """
    folder = _proved(run, scratch / "kept")
    before = read_record(folder)
    if not before.parameters:
        raise UsageProblem(f"its notebook never began, so there is nothing to repeat: it {describe(before)}")
    again = repeat(folder, scratch / "again", say)
    ends = [(record.outcome, record.stopped_at) for record in (before, again)]
    changes = [] if ends[0] == ends[1] else [f"it {describe(before)}", f"now it {describe(again)}"]
    for name in sorted(before.outputs.keys() | again.outputs.keys()):
        if before.outputs.get(name) != again.outputs.get(name):
            changes.append(f"{name}: {_how(folder / 'out' / name, scratch / 'again' / 'out' / name)}")
    other = before.commit != again.commit or before.changed or again.changed
    if changes and other and before.commit != "unknown":
        raise EnvironmentProblem(_of_other_code(before, again, changes, run))
    return changes


def _proved(run: str, scratch: Path) -> Path:
    """A run's folder, of which every byte is as its record says, and whose code may be run here.

    Of what this machine itself ran, that is enough, also as MLflow keeps it: the record here is the same. Else whoever
    can write to MLflow can write another notebook or model there, and a record that fits: so the notebook must be a
    commit's or the one here, and the model once a champion.

    Raises
    ------
    DataProblem
        If it is not; it names the files, and what to do.
    """
    folder = folder_of(run, scratch)
    if altered := differences(folder):
        raise DataProblem("the record is not whole, so nothing of it is run:\n" + "\n".join(altered))
    if not _ran_here(folder) and (unproved := unproved_code(folder)):
        raise DataProblem("only MLflow says that this was run, so nothing of it is:\n" + "\n".join(unproved))
    return folder


def _ran_here(folder: Path) -> bool:
    """Whether this machine itself ran it: it is the owner of the folder, or of one that has the very same record."""
    record = (folder / "record.json").read_bytes()
    ours = (owner.with_name("record.json") for owner in (home() / "runs").glob(f"*/{OWNER}"))
    return is_of_here(folder) or any(path.exists() and path.read_bytes() == record for path in ours)


def _of_other_code(before: Record, again: Record, changes: list[str], run: str) -> str:
    """What to do where a run comes to something else by other code than its own, or by what may be other code."""
    worktree = f"../footfall-{before.commit[:10]}"
    record = Path(run).resolve() if Path(run).exists() else run
    here = f"of {'that' if before.commit == again.commit else 'another'} commit{_changes(again)}"
    kept_nowhere = ", and make those changes there again, which no record keeps" if before.dirty else ""
    return (
        f"this record was made at commit {before.commit}{_changes(before)}, and the code here is {here} "
        f"and comes to something else ({'; '.join(changes[:2])}); replay it there{kept_nowhere}: {deepen()}"
        f"git worktree add {worktree} {before.commit} && cd {worktree} && make .venv/ready && "
        f"FOOTFALL_HOME={shlex.quote(str(home()))} .venv/bin/footfall replay {shlex.quote(str(record))}"
    )


def _changes(record: Record) -> str:
    """What the code of a run had beside its commit, as far as is known."""
    named = f" in {some(record.changed)}" if record.changed else ""
    return f" with changes{named}" if record.dirty else ""


def bundle(run: str, folder: Path) -> Path:
    """Put everything needed to reproduce a run into `folder`; the notebook there stands beside its ``in/``.

    Returns
    -------
    Path
        The notebook, with the parameters of the run, ready to be run from its first cell; where it stopped is in view.

    Raises
    ------
    UsageProblem
        If there is something in the folder already.
    DataProblem
        As `_proved`.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageProblem(f"{folder} is not empty; name a folder that is not there yet")
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copytree(_proved(run, Path(scratch)), folder, dirs_exist_ok=True)
    record = read_record(folder)
    notebook = folder / f"{record.notebook}.ipynb"
    if record.stopped_at:
        _fold(notebook)
    return notebook


def _fold(notebook: Path) -> None:
    """Fold what ran before the stop under the title: JupyterLab opens a notebook at its top, whatever one asks for."""
    book = nbformat.read(notebook, as_version=4)
    prose = [cell for cell in book.cells if cell.cell_type == "markdown"]
    title, stop = (next(cell for cell in prose if cell.source.startswith(text)) for text in ("# ", "### Stopped here"))
    title.metadata["jp-MarkdownHeadingCollapsed"] = True
    stop.source = stop.source.removeprefix("##")  # as high as the title, so that the fold ends here
    nbformat.write(book, notebook)


def _how(before: Path, now: Path) -> str:
    if not now.exists() or not before.exists():
        return "was written before, is not now" if before.exists() else "is written now, was not before"
    if before.suffix == ".parquet":
        was, is_now = pd.read_parquet(before), pd.read_parquet(now)
        if was.shape != is_now.shape:
            return f"had {was.shape[0]} rows, has {is_now.shape[0]}"
        return f"{int((was.ne(is_now) & ~(was.isna() & is_now.isna())).any(axis=1).sum())} of {len(was)} rows differ"
    return "other bytes"


def repeat(folder: Path, scratch: Path, say: Callable[[str], None]) -> Record:
    """Run a recorded notebook again, in `scratch`, from its own template, inputs and parameters."""
    record = read_record(folder)
    claim(scratch, template_of(folder), record.tags)
    if (folder / "in").exists():
        shutil.copytree(folder / "in", scratch / "in")
    return run_notebook(scratch, record.parameters, say, record.limits)
