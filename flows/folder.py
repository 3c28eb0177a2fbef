"""A run's folder: everything there is to know about one run of one notebook, and the account of how it ended.

    owner.json            who runs it: written first, so that a death without a word is noticed at the next start
    template/<name>.ipynb the notebook as it was when the run began
    in/, out/             what the flow laid down, what the notebook wrote
    <name>.ipynb, .html   the executed notebook, stamped with the outcome, and its page
    changes.html          what is different from the last good run
    record.json           the account: outcome, cells, parameters, and the sha256 of all of the above
    running.ipynb, course.json   while it runs: the notebook as far as it came, and which cell is running
    delivered             there once MLflow has all of it

The folder alone is enough to check a run and to repeat it. Papermill's own word on how a run ended is not used: it
calls the cells of a dead kernel completed.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import nbformat
import psutil
from nbformat.v4 import new_markdown_cell
from pydantic import BaseModel, ValidationError

from flows import changes, report
from footfall.params import Limits
from footfall.problems import DataProblem
from footfall.series import sha256, sha256_of

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
LOST = "The process that ran it ended without a word: killed, or the machine stopped."

Outcome = Literal["succeeded", "failed", "kernel died", "out of memory", "timed out", "interrupted"]
Status = Literal["succeeded", "failed", "not run"]


class Cell(BaseModel):
    """One code cell of a run."""

    number: int
    title: str
    status: Status
    seconds: float | None = None


class Record(BaseModel):
    """What happened in one run of one notebook; ``record.json``."""

    notebook: str
    outcome: Outcome
    reason: str = ""
    stopped_at: int | None = None
    started: dt.datetime
    seconds: float
    cells: list[Cell]
    parameters: dict[str, Any]
    limits: Limits = Limits()
    template: str
    modified: bool
    inputs: dict[str, str]
    outputs: dict[str, str]
    pages: dict[str, str] = {}
    commit: str
    dirty: bool
    lock: str
    tags: dict[str, str]


class Course(BaseModel):
    """What a run was asked, and how far it came: seconds of each cell that ended well, and the one that is running."""

    parameters: dict[str, Any] = {}
    limits: Limits = Limits()
    seconds: dict[int, float] = {}
    running: int | None = None


def claim(folder: Path, template: Path, tags: dict[str, str]) -> None:
    """Make the folder of a run that is about to start, and say in it who owns it."""
    (folder / "template").mkdir(parents=True)
    shutil.copy(template, folder / "template")
    born = psutil.Process().create_time()
    owner = {"pid": os.getpid(), "born": born, "started": dt.datetime.now(dt.UTC).isoformat(), "tags": tags}
    replace(folder / "owner.json", json.dumps(owner, indent=2))


def add_tags(folder: Path, tags: dict[str, str]) -> None:
    """Add to what the run shall be found by, while it is going on."""
    owner = json.loads((folder / "owner.json").read_text())
    owner["tags"] |= tags
    replace(folder / "owner.json", json.dumps(owner, indent=2))


def keep(folder: Path, outcome: Outcome, reason: str, course: Course, seconds: float) -> Record:
    """Write the account of a run that has ended; the folder is complete when this returns."""
    template, owner = template_of(folder), json.loads((folder / "owner.json").read_text())
    executed = _executed(template, folder)
    cells = _cells(executed, course)
    record = Record(
        notebook=template.stem, outcome=outcome, reason=reason, cells=cells,
        parameters=course.parameters, limits=course.limits,
        stopped_at=next((cell.number for cell in cells if cell.status == "failed"), None),
        started=owner["started"], seconds=round(seconds, 2), tags=owner["tags"],
        template=sha256_of(template), inputs=digests(folder / "in"), outputs=digests(folder / "out"),
        lock=sha256_of(LOCK), **_revision(template),
    )  # fmt: skip
    notebook = folder / f"{record.notebook}.ipynb"
    replace(notebook, nbformat.writes(_stamped(executed, record, course)))
    report.write_html(notebook, notebook.with_suffix(".html"))
    before = last_good(folder.parent, record.notebook, record.tags.get("market"), folder.name)
    changes.write_changes(folder / "changes.html", (folder, record.tags), before)
    pages = (notebook, notebook.with_suffix(".html"), folder / "changes.html")
    record.pages = {path.name: sha256_of(path) for path in pages}
    replace(folder / "record.json", record.model_dump_json(indent=2))
    for scaffold in ("running.ipynb", "course.json"):
        (folder / scaffold).unlink(missing_ok=True)
    return record


def not_begun(folder: Path, error: BaseException) -> Record:
    """The account of a run that was stopped outside its notebook: by bad data before it, or by a signal after it."""
    if (folder / "record.json").exists():
        return read_record(folder)
    outcome: Outcome = "failed" if isinstance(error, Exception) else "interrupted"
    reason = f"{type(error).__name__}: {error}" if str(error) else f"Interrupted from outside ({type(error).__name__})."
    return keep(folder, outcome, reason, _course(folder), _lasted(folder))


def abandoned(folder: Path) -> Record:
    """The account of a run whose process died without a word, from what it had saved by then."""
    _discard_torn(folder)
    return keep(folder, "interrupted", LOST, _course(folder), _lasted(folder))


def _discard_torn(folder: Path) -> None:
    """Where the machine itself stopped, even a file that is only ever replaced whole may be empty."""
    try:
        nbformat.read(folder / "running.ipynb", as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):
        for name in ("running.ipynb", "course.json"):
            (folder / name).unlink(missing_ok=True)


def _course(folder: Path) -> Course:
    path = folder / "course.json"
    return Course.model_validate_json(path.read_text()) if path.exists() else Course()


def _lasted(folder: Path) -> float:
    """Seconds from the claim to the last sign of life."""
    signs = [path.stat().st_mtime for path in folder.glob("*") if path.suffix in (".json", ".ipynb")]
    began = json.loads((folder / "owner.json").read_text())["started"]
    return max(0.0, max(signs) - dt.datetime.fromisoformat(began).timestamp())


def unfinished(runs: Path) -> Iterator[Path]:
    """Folders of runs that MLflow does not have yet and that no living process works on, oldest first."""
    for owner in sorted(runs.glob("*/owner.json"), key=lambda path: path.stat().st_mtime):
        if not (owner.parent / "delivered").exists() and not _alive(json.loads(owner.read_text())):
            yield owner.parent


def owner_of(runs: Path, flow_run: str) -> tuple[dict[str, str], bool] | None:
    """The tags of the folder that a flow run works in, and whether its process lives; None if it has none here."""
    for path in sorted(runs.glob("*/owner.json"), reverse=True):
        owner = json.loads(path.read_text())
        if owner["tags"].get("prefect_flow_run") == flow_run:
            return owner["tags"], _alive(owner)
    return None


def _alive(owner: dict[str, Any]) -> bool:
    try:
        process = psutil.Process(owner["pid"])
        return process.create_time() == owner["born"] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def read_record(folder: Path) -> Record:
    """The account of a run.

    Raises
    ------
    DataProblem
        If there is none, or it is not whole.
    """
    try:
        return Record.model_validate_json((folder / "record.json").read_text())
    except (OSError, ValidationError) as error:
        raise DataProblem(f"{folder / 'record.json'}: no readable record ({type(error).__name__})") from error


def differences(folder: Path) -> list[str]:
    """What in a folder is not as its record says; nothing if every byte is."""
    record = read_record(folder)
    said = {
        **{f"template/{record.notebook}.ipynb": record.template},
        **{f"in/{name}": digest for name, digest in record.inputs.items()},
        **{f"out/{name}": digest for name, digest in record.outputs.items()},
        **record.pages,
    }
    parts = {part: digests(folder / part) for part in ("template", "in", "out")}
    there = {f"{part}/{name}": digest for part, files in parts.items() for name, digest in files.items()}
    there |= {name: sha256_of(folder / name) for name in record.pages if (folder / name).exists()}
    return [
        f"{name}: {'missing' if name not in there else 'not in the record' if name not in said else 'altered'}"
        for name in sorted(said.keys() | there.keys())
        if said.get(name) != there.get(name)
    ]


def last_good(runs: Path, notebook: str, market: str | None, before: str = "~") -> tuple[Path, dict[str, str]] | None:
    """The newest run of a notebook and market that succeeded, among those on this disk; its folder and its tags."""
    for path in sorted(runs.glob("*/record.json"), reverse=True):
        good = _good(path.parent) if path.parent.name < before else None
        if good and (good.notebook, good.tags.get("market")) == (notebook, market):
            return path.parent, good.tags
    return None


def _good(folder: Path) -> Record | None:
    """The record of a run that succeeded; None for any other, and for one that cannot be read."""
    with suppress(DataProblem):
        record = read_record(folder)
        return record if record.outcome == "succeeded" else None
    return None


def prune(runs: Path, newest: int = 20) -> list[str]:
    """Remove what MLflow has and nobody compares with any more, so that the disk does not fill.

    Of each notebook and market the newest delivered folders stay, and the last good one whatever its age.

    Returns
    -------
    list of str
        The names of the folders that are gone.
    """
    lines: dict[str, list[Path]] = defaultdict(list)
    for path in runs.glob("*/delivered"):
        lines[path.parent.name.partition("-")[2].rpartition("-")[0]].append(path.parent)
    old = [folder for folders in lines.values() for folder in _superseded(sorted(folders), newest)]
    (runs / ".old").mkdir(exist_ok=True)
    for folder in old:
        folder.rename(runs / ".old" / folder.name)  # at once: a folder half removed would be taken for unfinished
    shutil.rmtree(runs / ".old", ignore_errors=True)
    return [folder.name for folder in old]


def _superseded(folders: list[Path], newest: int) -> list[Path]:
    old = folders[:-newest]
    if not old or any(_good(folder) for folder in reversed(folders[-newest:])):
        return old
    good = next((folder for folder in reversed(old) if _good(folder)), None)
    return [folder for folder in old if folder != good]


def template_of(folder: Path) -> Path:
    """The notebook as it was when the run began."""
    return next((folder / "template").glob("*.ipynb"))


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file in a folder, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    os.replace(part, path)


def _executed(template: Path, folder: Path) -> Any:
    """The notebook as far as it came; the template, emptied, if it never began."""
    running = folder / "running.ipynb"
    book = nbformat.read(running if running.exists() else template, as_version=4)
    book.cells = [cell for cell in book.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    for cell in book.cells if not running.exists() else []:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return book


def _cells(executed: Any, course: Course) -> list[Cell]:
    return [
        Cell(number=number, title=title, status=_status(index, course), seconds=course.seconds.get(index))
        for number, (index, title) in enumerate(report.titles(executed).items(), start=1)
    ]


def _status(index: int, course: Course) -> Status:
    if index in course.seconds:
        return "succeeded"
    return "failed" if index == course.running else "not run"


def _stamped(executed: Any, record: Record, course: Course) -> Any:
    """The notebook with the truth on it: a banner on top, the cell where it stopped, the cells that did not run."""
    for index, cell in enumerate(executed.cells):
        if cell.cell_type == "code":
            cell.metadata["footfall"] = {"status": _status(index, course)}
        cell.metadata.pop("papermill", None)
    executed.metadata["footfall"] = {"outcome": record.outcome, "reason": record.reason}
    executed.metadata.pop("papermill", None)
    if course.running is not None:
        executed.cells.insert(course.running + 1, new_markdown_cell("*The cells below did not run.*"))
        here = f"### Stopped here\n\n> **{record.outcome}** — {_quoted(record.reason)}"
        executed.cells.insert(course.running, new_markdown_cell(here))
    executed.cells.insert(0, new_markdown_cell(_banner(record)))
    for number, cell in enumerate(executed.cells):
        cell["id"] = f"cell-{number}"  # as given they are random, and older notebooks have none
    return executed


def _banner(record: Record) -> str:
    on = ("market", "as_of", "data_through", "model_version")
    about = " · ".join(f"{name.replace('_', ' ')} {record.tags[name]}" for name in on if name in record.tags)
    template = " · this notebook differs from the committed one" if record.modified else ""
    code = f"commit `{record.commit[:10]}`{' with changes' if record.dirty else ''}{template}"
    line = f"> **{record.notebook} {record.outcome}** after {record.seconds:.0f} s · {about} · {code}"
    if record.outcome == "succeeded":
        return line
    where = f" [In cell {record.stopped_at}.](#Stopped-here)" if record.stopped_at else ""
    return f"{line}\n>\n> {_quoted(record.reason)}{where}"


def _quoted(reason: str) -> str:
    return "`" + " ".join(reason.replace("`", "'").split())[:500] + "`"


def _revision(template: Path) -> dict[str, Any]:
    """The commit the code stands on, whether anything differs from it, and whether this notebook does."""
    commit = _git("rev-parse", "HEAD")
    committed = _git("rev-parse", f"HEAD:notebooks/{template.name}")
    modified = not committed or committed != _git("hash-object", "--no-filters", str(template))
    return {
        "commit": commit or "unknown",
        "dirty": not commit or bool(_git("status", "--porcelain")),
        "modified": modified,
    }


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def content_digest(folder: Path) -> str:
    """One sha256 over the names and contents of a folder: the name of a model by what it holds."""
    return sha256("\n".join(f"{name} {digest}" for name, digest in digests(folder).items()).encode())
