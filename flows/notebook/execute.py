"""Papermill: run one notebook as a function of files, in its run's folder."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.iorw import papermill_io

from flows.notebook.ending import Failure, ending, failure_of, never_started
from flows.notebook.forkserver import environment
from flows.notebook.kernel import watched_kernel
from flows.notebook.watchdog import Watchdog
from flows.record import html
from flows.record.files import PROGRESS, RUNNING, replace, template_of
from flows.record.folder import keep
from flows.record.record import Progress, Record
from footfall.params import Limits

SCHEME = "atomic:"
LIMITS = Limits()


class Reporter:
    """How far a run has come, told by nbclient's hooks: noted in the run's folder, and said line by line."""

    failure: Failure | None = None

    def __init__(self, folder: Path, progress: Progress, say: Callable[[str], None], watchdog: Watchdog) -> None:
        self.folder, self.progress, self.say, self.watchdog = folder, progress, say, watchdog
        self.name, self.titles = template_of(folder).stem, dict[int, str]()
        self._began = 0.0

    def cell_begins(self, cell: Any, cell_index: int) -> None:
        """Before a cell runs."""
        self.progress.running, self._began = cell_index, time.monotonic()
        self._note()

    def cell_ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """After a cell ran; one that raised, or called sys.exit, stays the running one."""
        if execute_reply["content"]["status"] != "ok":
            self.watchdog.look()  # now, while it holds what it took
            self.failure = failure_of(execute_reply["content"], cell.outputs)
            return
        seconds, self.progress.running = round(time.monotonic() - self._began, 2), None
        self.progress.seconds[cell_index] = seconds
        self._note()
        self.say(f"{self.name} [{len(self.progress.seconds)}] {seconds:5.1f} s  {self.titles.get(cell_index, '')}")

    def _note(self) -> None:
        replace(self.folder / PROGRESS, self.progress.model_dump_json(), durable=False)


class AtomicWriter:
    """Papermill's writer of files, but one that leaves the notebook before or the notebook after, never half of one."""

    @staticmethod
    def write(text: str, path: str) -> None:
        """Write to the path behind the scheme."""
        replace(Path(path.removeprefix(SCHEME)), text, durable=False)

    @staticmethod
    def pretty_path(path: str) -> str:
        """The path as Papermill logs it."""
        return path


class BoundedClient(PapermillNotebookClient):
    """Papermill's client, which tells the watchdog how much it was shown."""

    watchdog: Watchdog

    def papermill_execute_cells(self) -> None:
        """As Papermill's, but of code alone: for each text, too, that one writes the whole notebook twice."""
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type == "code":
                try:
                    self.nb_man.cell_start(cell, index)
                    self.execute_cell(cell, index)
                except CellExecutionError as error:
                    self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                    break
                finally:
                    self.nb_man.cell_complete(cell, cell_index=index)

    def process_message(self, msg: dict[str, Any], *where: Any) -> Any:
        """Take in what the kernel sent."""
        content = msg["content"]
        texts = [content.get("text"), *content.get("data", {}).values()]
        self.watchdog.take_in(sum(len(text) for text in texts if isinstance(text, str)))
        return super().process_message(msg, *where)


class WatchedEngine(Engine):
    """Papermill's engine, with a kernel that works in the run's folder, knows no secret and ends with its run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, reporter: Reporter, **_: Any) -> None:  # noqa: D102
        reporter.titles = html.titles(nb_man.nb)
        with watched_kernel(kernel_name, reporter.watchdog) as manager:
            client = BoundedClient(
                nb_man, km=manager, timeout=reporter.progress.limits.cell_seconds, startup_timeout=60, iopub_timeout=60,
                shutdown_kernel="immediate", on_cell_execute=reporter.cell_begins, on_cell_executed=reporter.cell_ended,
            )  # fmt: skip
            client.owns_km, client.watchdog = True, reporter.watchdog
            client.execute(cwd=str(reporter.folder), env=environment())


papermill_engines.register("footfall", WatchedEngine)
papermill_io.register(SCHEME, AtomicWriter)


def run_notebook(
    folder: Path, parameters: dict[str, Any], say: Callable[[str], None], limits: Limits = LIMITS
) -> Record:
    """Run the notebook of a claimed folder there, and leave its record there, however it ends.

    Parameters
    ----------
    folder : Path
        From `flows.record.folder.claim`; its ``in/`` is already laid down.
    parameters : dict
        Validated; literals only, paths relative to `folder`.
    say : callable
        Told one line per cell as it ends.
    limits : Limits
        What one cell and the whole notebook may take of time, and the kernel of memory.

    Returns
    -------
    Record
        With the true outcome; also when the run was interrupted from outside.
    """
    (folder / "out").mkdir(parents=True, exist_ok=True)
    began, progress = time.monotonic(), Progress(parameters=parameters, limits=limits)
    for _ in range(2):  # a kernel that does not start is tried once more
        reporter = Reporter(folder, progress, say, Watchdog(limits, began + limits.notebook_seconds))
        error = _execute(reporter)
        if not never_started(error, progress):
            break
    ended = ending(error, progress, reporter.failure, reporter.watchdog)
    return keep(folder, ended, progress)


def _execute(reporter: Reporter) -> BaseException | None:
    try:
        papermill.execute_notebook(
            template_of(reporter.folder), f"{SCHEME}{reporter.folder / RUNNING}", reporter.progress.parameters,
            engine_name="footfall", progress_bar=False, reporter=reporter,
        )  # fmt: skip
    except BaseException as error:  # whatever ends the run, its record is written before anything else
        return error
    return None
