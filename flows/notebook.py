"""Papermill: run one notebook as a function of files, in its run's folder."""

import datetime as dt
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning import LocalProvisioner
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from flows import kernel, pairs, picture, report
from flows.folder import ROOT, Course, Outcome, Record, keep, replace, template_of
from footfall.params import PredictParams

NOTEBOOKS = ROOT / "notebooks"
STATIONS = ("explore", "train", "predict")
Say = Callable[[str], None]


class Progress(Course):
    """The course of a run, told by nbclient's hooks, and told on, line by line."""

    def __init__(self, name: str, say: Say) -> None:
        super().__init__()
        self.name, self.say = name, say
        self.titles: dict[int, str] = {}
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
    """Takes the warm process for a kernel where there is one, and sees to it that nothing outlives the kernel."""

    guard: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """As its parent does, but for the start."""
        process = kernel.take(cmd, kwargs["cwd"], kwargs["env"])
        if process is None:
            await super().launch_kernel(cmd, **kwargs)
        else:
            self.process, self.pid, self.pgid = process, process.pid, os.getpgid(process.pid)
        self.guard = kernel.guard(int(self.pgid or 0))
        return self.connection_info


class Kernel(Engine):
    """Papermill's engine, with a kernel that works in the run's folder, knows no secret and ends with its run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **asked: Any) -> None:  # noqa: D102
        progress = asked["progress"]
        progress.titles = report.titles(nb_man.nb)
        with tempfile.TemporaryDirectory(prefix="footfall-", dir="/tmp") as sockets:  # ipc needs a short path
            manager = AsyncKernelManager(
                kernel_name=kernel_name, transport="ipc", connection_file=f"{sockets}/kernel.json"
            )
            manager.provisioner = provisioner = Warm(parent=manager, kernel_spec=manager.kernel_spec)
            client = PapermillNotebookClient(
                nb_man, km=manager, timeout=asked["seconds_per_cell"], startup_timeout=60, shutdown_kernel="immediate",
                on_cell_execute=progress.begins, on_cell_executed=progress.ends,
            )  # fmt: skip
            client.owns_km = True
            try:
                client.execute(cwd=str(asked["folder"]), env=kernel.environment(), preexec_fn=kernel.die_with_parent)
            finally:
                kernel.end(provisioner.guard)


papermill_engines.register("footfall", Kernel)


def run_notebook(folder: Path, parameters: dict[str, Any], say: Say, seconds_per_cell: int = 900) -> Record:
    """Run the notebook of a claimed folder there, and leave its record there, however it ends.

    Parameters
    ----------
    folder : Path
        From `flows.folder.claim`; its ``in/`` is already laid down.
    parameters : dict
        Validated; literals only, paths relative to `folder`.
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
    began = time.monotonic()
    for _ in range(2):  # a kernel that does not start is tried once more
        progress = Progress(template_of(folder).stem, say)
        error = _execute(folder, parameters, progress, seconds_per_cell)
        if not isinstance(error, RuntimeError) or progress.seconds or progress.running is not None:
            break
    outcome, reason = _judge(error, progress, seconds_per_cell)
    return keep(folder, outcome, reason, progress, time.monotonic() - began, parameters)


def _execute(folder: Path, parameters: dict[str, Any], progress: Progress, seconds: int) -> BaseException | None:
    try:
        papermill.execute_notebook(
            template_of(folder), folder / "running.ipynb", parameters, engine_name="footfall",
            progress_bar=False, folder=folder, progress=progress, seconds_per_cell=seconds,
        )  # fmt: skip
    except BaseException as error:  # whatever ends the run, its record is written before anything else
        return error
    return None


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


def repeat(folder: Path, scratch: Path, say: Say) -> Record:
    """Run a recorded notebook again, in `scratch`, from its own template, inputs and parameters."""
    from flows.folder import claim, read_record

    record = read_record(folder)
    claim(scratch, template_of(folder), record.tags)
    if (folder / "in").exists():
        shutil.copytree(folder / "in", scratch / "in")
    return run_notebook(scratch, record.parameters, say)


def refresh(say: Say) -> None:
    """Execute the committed notebooks on the sample where they stand; store what they show and README's pictures."""
    for path in (NOTEBOOKS / f"{name}.ipynb" for name in STATIONS):
        book = nbformat.read(path, as_version=4)
        NotebookClient(book, kernel_name="python3").execute(cwd=str(NOTEBOOKS), env=kernel.environment())
        for cell in book.cells:
            cell.metadata.pop("execution", None)  # when it ran; a fresh run of the same must leave the same file
        book.metadata["language_info"] = {"name": "python"}
        pairs.stamp(book)
        replace(path, nbformat.writes(book) + "\n")
        pairs.write_text(path)
        say(f"{path.name} executed")
    page = ROOT / ".footfall" / "lab" / "predict" / "forecast" / "index.html"
    if picture.found():
        picture.draw(page, ROOT / "resources", dt.date.fromisoformat(PredictParams().as_of))
    say("README's pictures drawn" if picture.found() else f"README's picture of the page stays: {picture.ADVICE}")
