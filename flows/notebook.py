"""Papermill: run one notebook as a function of files, and write down the truth about it.

A run has a folder of its own: ``in/`` holds what the flow laid down, ``out/`` what the notebook wrote, and beside them
lie the executed notebook, its page and ``record.json``. The kernel works in that folder, so parameters hold no path of
any machine. Papermill's own word on how a run ended is not trusted: it calls the cells of a dead kernel completed.
"""

import datetime as dt
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning import LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_markdown_cell
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import remove_error_markers
from pydantic import BaseModel

from flows import kernel, report
from footfall.series import sha256

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LOCK = ROOT / "requirements.lock"
STATIONS = ("explore", "train", "predict")
Outcome = Literal["succeeded", "failed", "kernel died", "timed out", "interrupted"]
Say = Callable[[str], None]


class Cell(BaseModel):
    """One code cell of a run."""

    number: int
    title: str
    status: Literal["succeeded", "failed", "not run"]
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
    template: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    commit: str
    dirty: bool
    lock: str
    tags: dict[str, str]


class Progress:
    """Which cells ended well and which one runs; told by nbclient's hooks, and told on, line by line."""

    def __init__(self, name: str, say: Say) -> None:
        self.name, self.say = name, say
        self.titles: dict[int, str] = {}
        self.seconds: dict[int, float] = {}
        self.running: int | None = None
        self._began = 0.0

    def begins(self, cell: Any, cell_index: int) -> None:
        """Before a cell runs."""
        self.running, self._began = cell_index, time.monotonic()

    def ends(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """After a cell ran; one that raised, or called sys.exit, stays the running one."""
        if execute_reply["content"]["status"] == "ok":
            self.seconds[cell_index] = round(time.monotonic() - self._began, 2)
            self.running = None
            title = self.titles.get(cell_index, "")
            self.say(f"{self.name} [{len(self.seconds)}] {self.seconds[cell_index]:5.1f} s  {title}")


class Warm(LocalProvisioner):
    """Takes the warm process for a kernel where there is one."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """As its parent does, but for the start."""
        process = kernel.take(cmd, kwargs["cwd"], kwargs["env"])
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = process, process.pid, os.getpgid(process.pid)
        return self.connection_info


class Kernel(Engine):
    """Papermill's engine, with a kernel that works in the run's folder, knows no secret and ends with its run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **asked: Any) -> None:  # noqa: D102
        progress, group = asked["progress"], []
        progress.titles = report.titles(nb_man.nb)
        with tempfile.TemporaryDirectory(prefix="footfall-", dir="/tmp") as sockets:  # ipc needs a short path
            manager = AsyncKernelManager(
                kernel_name=kernel_name, transport="ipc", connection_file=f"{sockets}/kernel.json", shutdown_wait_time=1
            )
            manager.provisioner = Warm(parent=manager, kernel_spec=manager.kernel_spec)
            client = PapermillNotebookClient(
                nb_man, km=manager, timeout=asked["seconds_per_cell"], startup_timeout=60, shutdown_kernel="immediate",
                on_notebook_start=lambda notebook: group.append(manager.provisioner.pgid),  # type: ignore[union-attr]
                on_cell_execute=progress.begins, on_cell_executed=progress.ends,
            )  # fmt: skip
            client.owns_km = True
            try:
                client.execute(cwd=str(asked["folder"]), env=kernel.environment(), preexec_fn=kernel.die_with_parent)
            finally:
                for leader in group:
                    kernel.end(leader)


papermill_engines.register("footfall", Kernel)


def run_notebook(
    template: Path, parameters: BaseModel, folder: Path, tags: dict[str, str], say: Say, seconds_per_cell: int = 900
) -> Record:
    """Run a notebook in `folder` and leave its record there, however it ends.

    Parameters
    ----------
    template : Path
        The notebook.
    parameters : BaseModel
        The validated parameters; paths in them are relative to `folder`.
    folder : Path
        The run's own folder; its ``in/`` is already laid down.
    tags : dict of str
        What the record shall be found by: market, as_of, flow run.
    say : callable
        Told one line per cell as it ends.
    seconds_per_cell : int
        Time limit of one cell.

    Returns
    -------
    Record
        With the true outcome; also when the run was interrupted from outside.
    """
    (folder / "out").mkdir(parents=True, exist_ok=True)
    started, clock, progress = dt.datetime.now(dt.UTC), time.monotonic(), Progress(template.stem, say)
    error = _execute(template, parameters, folder, progress, seconds_per_cell)
    how = _judge(error, progress, seconds_per_cell)
    times = {"started": started, "seconds": round(time.monotonic() - clock, 2)}
    return _keep(template, folder, how, progress, times, parameters.model_dump(mode="json"), tags)


def not_begun(template: Path, folder: Path, tags: dict[str, str], error: BaseException) -> Record:
    """The record of a run that was stopped before its notebook began, by bad data or a missing champion."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    problem = isinstance(error, Exception)
    how: tuple[Outcome, str] = ("failed" if problem else "interrupted", f"{type(error).__name__}: {error}")
    times = {"started": dt.datetime.now(dt.UTC), "seconds": 0.0}
    return _keep(template, folder, how, Progress(template.stem, lambda line: None), times, {}, tags)


def _keep(
    template: Path, folder: Path, how: tuple[Outcome, str], progress: Progress, times: dict[str, Any],
    parameters: dict[str, Any], tags: dict[str, str],
) -> Record:  # fmt: skip
    executed = _executed(template, folder)
    cells = _cells(executed, progress)
    stopped = next((cell.number for cell in cells if cell.status == "failed"), None)
    record = Record(
        notebook=template.stem, outcome=how[0], reason=how[1], stopped_at=stopped, cells=cells, parameters=parameters,
        template=sha256(template.read_bytes()), inputs=_digests(folder / "in"), outputs=_digests(folder / "out"),
        lock=sha256(LOCK.read_bytes()), tags=tags, **times, **_revision(),
    )  # fmt: skip
    _save(record, _stamped(executed, record, progress), folder)
    return record


def _execute(
    template: Path, parameters: BaseModel, folder: Path, progress: Progress, seconds: int
) -> BaseException | None:
    try:
        papermill.execute_notebook(
            template, folder / "running.ipynb", parameters.model_dump(mode="json"), engine_name="footfall",
            progress_bar=False, folder=folder, progress=progress, seconds_per_cell=seconds,
        )  # fmt: skip
    except BaseException as error:  # whatever ends the run, its record is written before anything else
        return error
    return None


def _executed(template: Path, folder: Path) -> Any:
    """The notebook as far as it came; the template, emptied, if it never began."""
    running = folder / "running.ipynb"
    if running.exists():
        return remove_error_markers(nbformat.read(running, as_version=4))
    bare = nbformat.read(template, as_version=4)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def _judge(error: BaseException | None, progress: Progress, seconds: int) -> tuple[Outcome, str]:
    if isinstance(error, DeadKernelError):
        return "kernel died", "The kernel's process ended while this cell ran: killed, or out of memory."
    if isinstance(error, CellTimeoutError):
        return "timed out", f"The cell ran longer than its limit of {seconds} s."
    if isinstance(error, PapermillExecutionError):
        return "failed", f"{error.ename}: {error.evalue}"
    if isinstance(error, NoSuchKernel):
        return "failed", f"There is no kernel named {error.name!r}; `jupyter kernelspec list` shows those there are."
    if isinstance(error, Exception):
        return "failed", f"{type(error).__name__}: {error}"
    if error is not None:
        return "interrupted", f"The run was interrupted from outside ({type(error).__name__})."
    if progress.running is not None:
        return "failed", "The cell called sys.exit, so the cells after it did not run."
    return "succeeded", ""


def _cells(executed: Any, progress: Progress) -> list[Cell]:
    return [
        Cell(number=number, title=title, status=_status(index, progress), seconds=progress.seconds.get(index))
        for number, (index, title) in enumerate(report.titles(executed).items(), start=1)
    ]


def _status(index: int, progress: Progress) -> Literal["succeeded", "failed", "not run"]:
    if index in progress.seconds:
        return "succeeded"
    return "failed" if index == progress.running else "not run"


def _stamped(executed: Any, record: Record, progress: Progress) -> Any:
    """The notebook with the truth on it: a banner on top, the cell where it stopped, the cells that did not run."""
    for index, cell in enumerate(executed.cells):
        if cell.cell_type == "code":
            cell.metadata["footfall"] = {"status": _status(index, progress)}
        cell.metadata.pop("papermill", None)
    executed.metadata["footfall"] = {"outcome": record.outcome, "reason": record.reason}
    executed.metadata.pop("papermill", None)
    if progress.running is not None:
        executed.cells.insert(progress.running + 1, new_markdown_cell("*The cells below did not run.*"))
        here = f"### Stopped here\n\n> **{record.outcome}** — {_quoted(record.reason)}"
        executed.cells.insert(progress.running, new_markdown_cell(here))
    executed.cells.insert(0, new_markdown_cell(_banner(record)))
    return executed


def _banner(record: Record) -> str:
    about = " · ".join(f"{name} {value}" for name, value in record.tags.items() if name in ("market", "as_of"))
    code = f"commit `{record.commit[:10]}`{' with changes' if record.dirty else ''}"
    line = f"> **{record.notebook} {record.outcome}** after {record.seconds:.0f} s · {about} · {code}"
    if record.outcome == "succeeded":
        return line
    where = f" [In cell {record.stopped_at}.](#Stopped-here)" if record.stopped_at else ""
    return f"{line}\n>\n> {_quoted(record.reason)}{where}"


def _quoted(reason: str) -> str:
    return "`" + " ".join(reason.replace("`", "'").split())[:500] + "`"


def _save(record: Record, executed: Any, folder: Path) -> None:
    notebook = folder / f"{record.notebook}.ipynb"
    for cell in executed.cells:
        cell.setdefault("id", nbformat.v4.new_code_cell().id)
    _replace(notebook, nbformat.writes(executed))
    (folder / "running.ipynb").unlink(missing_ok=True)
    report.write_html(notebook, notebook.with_suffix(".html"))
    _replace(folder / "record.json", record.model_dump_json(indent=2))


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    os.replace(part, path)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()) for path in files}


def _revision() -> dict[str, Any]:
    """The commit the code stands on, and whether anything differs from it."""
    commit = _git("rev-parse", "HEAD")
    return {"commit": commit or "unknown", "dirty": not commit or bool(_git("status", "--porcelain"))}


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def refresh(say: Say) -> None:
    """Execute the committed notebooks where they stand, on the sample, and keep what they show and README's figure."""
    for path in (NOTEBOOKS / f"{name}.ipynb" for name in STATIONS):
        book = nbformat.read(path, as_version=4)
        NotebookClient(book, kernel_name="python3").execute(cwd=str(NOTEBOOKS), env=kernel.environment())
        for cell in book.cells:
            cell.metadata.pop("execution", None)  # when it ran; a fresh run of the same must leave the same file
        book.metadata["language_info"] = {"name": "python"}
        _replace(path, nbformat.writes(book) + "\n")
        say(f"{path.name} executed")
    shutil.copy(ROOT / ".footfall" / "lab" / "predict" / "forecast.png", ROOT / "resources" / "forecast.png")
