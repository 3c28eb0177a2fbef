"""A run's folder: everything there is to know about one run of one notebook, and the record of how it ended.

    owner.json            who runs it: written first, so that a death without a word is noticed at the next start
    template/<name>.ipynb the notebook as it was when the run began
    in/, out/             what the flow laid down, what the notebook wrote
    <name>.ipynb, .html   the executed notebook with the outcome on top, and its page
    changes.html          what is different from the last good run
    record.json           the record: outcome, cells, parameters, and the sha256 of all of the above
    running.ipynb, progress.json   while it runs: the notebook as far as it came, and which cell is running
    delivered             there once MLflow has all of it

The folder alone is enough to check a run and to repeat it.
"""

import re
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat

from flows.record import banner, diff, html
from flows.record.files import PROGRESS, RUNNING, digests, replace, settle, template_of
from flows.record.owner import Owner, read_owner, take_ownership, write_owner
from flows.record.record import Ending, Outcome, Progress, Record, describe, is_torn, read_record
from flows.settings import ROOT, built_from, image
from footfall.digest import sha256_of
from footfall.errors import DataProblem

A_DAY = 86_400.0  # seconds
LOCK = ROOT / "requirements.lock"
LOST = "The process that ran it ended without a word: killed, or the machine stopped."
CODE = ("footfall/", "flows/", "notebooks/", "requirements.lock")  # of the tree, what a run executes
ENDED: set[Path] = set()  # folders of runs of this process that are over, though it lives on
TORN = "Its record was not whole: the machine stopped before it was on the disk, or the disk is damaged."


def claim(folder: Path, template: Path, tags: dict[str, str], name: str = "") -> None:
    """Make the folder of a run that is about to start, and say in it who owns it, and on which code it runs.

    Its notebook is called `name` there, if that is said.
    """
    revision = _revision(template)  # now: when its record is written, other code may lie here
    (folder / "template").mkdir(parents=True)
    shutil.copy(template, folder / "template" / f"{name or template.stem}.ipynb")
    settle(folder / "template")  # else the machine may stop with an owner on the disk, and an empty notebook
    take_ownership(folder, tags | image(), revision)


def add_tags(folder: Path, tags: dict[str, str]) -> None:
    """Add to what the run shall be found by, while it is going on."""
    owner = read_owner(folder)
    write_owner(folder, owner.model_copy(update={"tags": owner.tags | tags}))


def keep(folder: Path, ending: Ending, progress: Progress, ended: float | None = None) -> Record:
    """Write the record of a run that has ended, now or at a time; the folder is complete when this returns."""
    template, owner = template_of(folder), read_owner(folder)
    seconds = max(0.0, (ended or time.time()) - owner.started.timestamp())  # the clock may be set meanwhile
    executed = banner.executed_so_far(template, folder / RUNNING)
    cells = banner.cells(executed, progress)
    record = Record(
        notebook=template.stem, **ending._asdict(), cells=cells,
        parameters=progress.parameters, limits=progress.limits,
        stopped_at=next((cell.number for cell in cells if cell.status == "failed"), None),
        started=owner.started, seconds=round(seconds, 2), tags=owner.tags,
        template=sha256_of(template), inputs=digests(folder / "in"), outputs=digests(folder / "out"),
        **owner.revision or _revision(template),  # older versions did not note it
    )  # fmt: skip
    replace(folder / template.name, nbformat.writes(banner.with_banner(executed, record, progress)))
    record.pages = _write_pages(folder, record)
    settle(folder)  # first what it names
    replace(folder / "record.json", record.model_dump_json(indent=2))
    _take_down_scaffold(folder)
    return record


def _take_down_scaffold(folder: Path) -> None:
    for scaffold in (RUNNING, PROGRESS):
        (folder / scaffold).unlink(missing_ok=True)


def _write_pages(folder: Path, record: Record) -> dict[str, str]:
    """Write what shows a run, beside its executed notebook; the sha256 of all three."""
    notebook, changes = folder / f"{record.notebook}.ipynb", folder / "changes.html"
    page = notebook.with_suffix(".html")
    before = last_good(folder.parent, record.notebook, record.tags.get("market"), standing(record.tags, folder.name))
    with html.or_why_not(page, f"{record.notebook} {describe(record)}"):
        html.write_html(notebook, page, record.tags)
    with html.or_why_not(changes, "What changed"):
        diff.write_changes(changes, (folder, record.tags), before)
    return {path.name: sha256_of(path) for path in (notebook, page, changes)}


def not_begun(folder: Path, error: BaseException) -> Record:
    """The record of a run that was stopped outside its notebook: by bad data before it, or by a signal after it."""
    if (folder / "record.json").exists():
        return read_record(folder)
    outcome: Outcome = "failed" if isinstance(error, Exception) else "interrupted"
    name = type(error).__name__
    reason = f"{name}: {error}" if str(error) else f"Interrupted from outside ({name})."
    return keep(folder, Ending(outcome, reason, name), _progress(folder))


def abandoned(folder: Path) -> Record:
    """The record of a run whose process died without a word, from what it had saved by then.

    One that left a record is that record, unless it is torn.
    """
    if (folder / "record.json").exists() and not is_torn(folder / "record.json"):
        _take_down_scaffold(folder)
        return read_record(folder)
    reason = TORN if (folder / "record.json").exists() else LOST
    _discard_torn(folder)
    return keep(folder, Ending("interrupted", reason), _progress(folder), _last_sign(folder))


def _discard_torn(folder: Path) -> None:
    """Where the machine itself stopped, even a file that is only ever replaced whole may be empty."""
    try:
        nbformat.read(folder / RUNNING, as_version=4)
        _progress(folder)
    except (OSError, ValueError, nbformat.ValidationError):
        _take_down_scaffold(folder)


def _progress(folder: Path) -> Progress:
    path = folder / PROGRESS
    return Progress.model_validate_json(path.read_text()) if path.exists() else Progress()


def _last_sign(folder: Path) -> float:
    """When a run last wrote something."""
    return max(path.stat().st_mtime for path in folder.glob("*") if path.suffix in (".json", ".ipynb"))


def unfinished(runs: Path) -> Iterator[Path]:
    """Folders of runs that MLflow does not have yet and that nobody works on any more, oldest first."""
    for folder in _folders(runs):
        with suppress(FileNotFoundError):  # MLflow has it, and another start put it away while we looked
            is_over = folder in ENDED or not read_owner(folder).lives()
            if is_over and not (folder / "delivered").exists():
                yield folder


def owner_of(runs: Path, flow_run: str) -> Owner | None:
    """Who owns the folder that a flow run works in; None if it has none here."""
    for folder in reversed(_folders(runs)):
        with suppress(FileNotFoundError):
            owner = read_owner(folder)
            if owner.tags.get("prefect_flow_run") == flow_run:
                return owner
    return None


def _folders(runs: Path) -> list[Path]:
    """The folders of all runs, oldest first: their names begin with the time."""
    return sorted(path.parent for path in runs.glob("*/owner.json"))


def standing(tags: dict[str, str], folder: str) -> tuple[str, str]:
    """Where a run stands among those of its notebook and market: by its day, and of one day by when it began.

    A day of the past may be walked today: it comes after the days before it, and before today's all the same.
    """
    return tags.get("as_of", ""), folder


def last_good(
    runs: Path, notebook: str, market: str | None, before: tuple[str, str] = ("~", "~")
) -> tuple[Path, dict[str, str]] | None:
    """The last run of a notebook and market that succeeded, among those on this disk; its folder and its tags.

    The last that stands `before` another, if that is said, see `standing`.
    """
    good: dict[tuple[str, str], tuple[Path, dict[str, str]]] = {}
    for path in runs.glob("*/record.json"):
        folder, is_another = path.parent, _series(path.parent) not in ("", f"{notebook}-{market}")
        record = None if is_another else _good(folder)  # whose name says that it is of another need not be read
        if record and (record.notebook, record.tags.get("market")) == (notebook, market):
            good[standing(record.tags, folder.name)] = folder, record.tags
    return good[max(earlier)] if (earlier := [stands for stands in good if stands < before]) else None


def _series(folder: Path) -> str:
    """Notebook and market, as the name of a run's folder has them between its time and its number."""
    return folder.name.partition("-")[2].rpartition("-")[0]


def _good(folder: Path) -> Record | None:
    """The record of a run that succeeded; None for any other, and for one that cannot be read."""
    with suppress(DataProblem):
        record = read_record(folder)
        return record if record.outcome == "succeeded" else None
    return None


def prune(runs: Path, newest: int = 20) -> list[str]:
    """Remove what MLflow has and nobody compares with any more, so that the disk does not fill.

    Of each notebook and market the newest delivered folders stay, by the clock, and whatever its age the last good one,
    by its day. One that nobody owns goes after a day.

    Returns
    -------
    list of str
        The names of the folders that are gone.
    """
    series: dict[str, list[Path]] = defaultdict(list)  # by notebook and market
    for path in runs.glob("*/delivered"):
        series[_series(path.parent)].append(path.parent)
    old = [folder for folders in series.values() for folder in _superseded(sorted(folders), newest)]
    old += [path.parent for path in runs.glob("*/template") if _is_of_nobody(path.parent)]
    for folder in old:
        with suppress(OSError):  # another start is at it as well, or the disk will not: then the next one does it
            (runs / ".old").mkdir(exist_ok=True)
            folder.rename(runs / ".old" / folder.name)  # at once: a folder half removed would be taken for unfinished
    shutil.rmtree(runs / ".old", ignore_errors=True)
    return [folder.name for folder in old if not folder.exists()]


def _is_of_nobody(folder: Path) -> bool:
    """Whether its process died before it could say whose it is: there is nothing of a run in it."""
    with suppress(FileNotFoundError):  # another start put it away while we looked
        has_record = (folder / "record.json").exists()  # as one that was brought back from MLflow has
        is_old = time.time() - folder.stat().st_mtime > A_DAY
        return is_old and not has_record and not (folder / "owner.json").exists()
    return False


def _superseded(folders: list[Path], newest: int) -> list[Path]:
    old = folders[:-newest]
    good = [(standing(record.tags, folder.name), folder) for folder in folders if old and (record := _good(folder))]
    last = max(good, default=(None, None))[1]
    return [folder for folder in old if folder != last]


def is_committed(notebook: Path, name: str, commit: str) -> bool:
    """Whether a notebook is, byte for byte, the one of this name in a commit that the code here follows from."""
    if not re.fullmatch("[0-9a-f]{40}", commit) or _git("merge-base", commit, "HEAD") != commit:
        return False
    committed = _git("rev-parse", f"{commit}:notebooks/{name}")
    return bool(committed) and committed == _git("hash-object", "--no-filters", str(notebook.resolve()))


def deepen() -> str:
    """What goes before a command that needs an older commit, where the history here is cut off; else nothing."""
    return "git fetch --unshallow && " if _git("rev-parse", "--is-shallow-repository") == "true" else ""


def _revision(template: Path) -> dict[str, Any]:
    """The commit the code stands on, what differs from it, whether this notebook does, and the lock."""
    if image := built_from():  # where there is no git, and the notebooks beside the code are those of its commit
        own = ROOT / "notebooks" / template.name
        commit, dirty, changed = image.removesuffix("-dirty"), image.endswith("-dirty"), list[str]()
        modified = not own.exists() or sha256_of(own) != sha256_of(template)
    else:
        commit = _git("rev-parse", "HEAD")
        committed = _git("rev-parse", f"HEAD:notebooks/{template.name}")
        names = [line.split(maxsplit=1)[1].strip('"') for line in _git("status", "--porcelain").splitlines()]
        dirty, changed = bool(names) or not commit, [name for name in names if name.startswith(CODE)]
        modified = bool(commit) and committed != _git("hash-object", "--no-filters", str(template))
    facts = {"commit": commit or "unknown", "dirty": dirty, "changed": changed}
    return facts | {"modified": modified, "lock": sha256_of(LOCK)}


def _git(*words: str) -> str:
    with suppress(FileNotFoundError):  # a container needs no git; its record then says that the commit is unknown
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
    return ""
