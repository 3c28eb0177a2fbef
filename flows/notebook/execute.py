"""Papermill: run one notebook as a function of files, in its run's folder."""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning import LocalProvisioner
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import papermill_io

from flows.notebook import kernel, watchdog
from flows.record import html
from flows.record.files import replace, template_of
from flows.record.folder import keep
from flows.record.record import Course, Outcome, Record
from footfall.params import Limits

STATIONS = ("explore", "train", "predict", "review")
SCHEME = "whole:"
LIMITS = Limits()
REFUSED = re.compile(r"\w*MemoryError\b|.*(std::bad_alloc|bad allocation|Cannot allocate memory)")
SPEECHLESS = ("CellExecutionError: ", "UnknownException: ")  # not even memory for the words of the error
Say = Callable[[str], None]


class Progress:
    """The course of a run, told by nbclient's hooks: noted in the run's folder, and told on, line by line."""

    def __init__(self, folder: Path, course: Course, say: Say) -> None:
        self.folder, self.course, self.say = folder, course, say
        self.until = time.monotonic() + course.limits.notebook_seconds
        self.name, self.titles = template_of(folder).stem, dict[int, str]()
        self.watch: watchdog.Watch | None = None
        self._began = 0.0

    def begins(self, cell: Any, cell_index: int) -> None:
        """Before a cell runs."""
        self.course.running, self._began = cell_index, time.monotonic()
        self._note()

    def ends(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """After a cell ran; one that raised, or called sys.exit, stays the running one."""
        if execute_reply["content"]["status"] == "ok":
            seconds, self.course.running = round(time.monotonic() - self._began, 2), None
            self.course.seconds[cell_index] = seconds
            self._note()
            self.say(f"{self.name} [{len(self.course.seconds)}] {seconds:5.1f} s  {self.titles.get(cell_index, '')}")

    def _note(self) -> None:
        replace(self.folder / "course.json", self.course.model_dump_json())


class Whole:
    """Papermill's writer of files, but one that leaves the notebook before or the notebook after, never half of one."""

    @staticmethod
    def write(text: str, path: str) -> None:
        """Write to the path behind the scheme."""
        replace(Path(path.removeprefix(SCHEME)), text)

    @staticmethod
    def pretty_path(path: str) -> str:
        """The path as Papermill logs it."""
        return path


class Warm(LocalProvisioner):
    """Takes the warm process for a kernel where there is one, and sees to it that nothing outlives the kernel."""

    progress: Any = None
    guard: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """As its parent does, but for the start."""
        process, mark = kernel.take(cmd, kwargs["cwd"], kwargs["env"])
        if process is None:
            await super().launch_kernel(cmd, **kwargs | {"env": kwargs["env"] | {kernel.MARK: mark}})
        else:
            self.pid = self.pgid = process.pid
            self.process = process  # type: ignore[assignment]
        sockets = Path(self.parent.connection_file).parent  # type: ignore[union-attr]
        self.guard = watchdog.start(int(self.pgid or 0), mark, sockets)
        memory = self.progress.course.limits.memory_mb
        self.progress.watch = watchdog.Watch(process or self.process, memory, self.progress.until)  # type: ignore[arg-type]
        self.progress.watch.start()
        return self.connection_info


class Kernel(Engine):
    """Papermill's engine, with a kernel that works in the run's folder, knows no secret and ends with its run."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **asked: Any) -> None:  # noqa: D102
        progress = asked["progress"]
        progress.titles = html.titles(nb_man.nb)
        with tempfile.TemporaryDirectory(prefix="footfall-", dir="/tmp") as sockets:  # ipc needs a short path
            manager = AsyncKernelManager(
                kernel_name=kernel_name, transport="ipc", connection_file=f"{sockets}/kernel.json"
            )
            manager.provisioner = provisioner = Warm(parent=manager, kernel_spec=manager.kernel_spec)
            provisioner.progress = progress
            client = PapermillNotebookClient(
                nb_man, km=manager, timeout=progress.course.limits.cell_seconds, startup_timeout=60, iopub_timeout=60,
                shutdown_kernel="immediate", on_cell_execute=progress.begins, on_cell_executed=progress.ends,
            )  # fmt: skip
            client.owns_km = True
            try:
                client.execute(cwd=str(progress.folder), env=kernel.environment(), preexec_fn=kernel.die_with_parent)
            finally:
                if progress.watch:
                    progress.watch.end()
                watchdog.stop(provisioner.guard)


papermill_engines.register("footfall", Kernel)
papermill_io.register(SCHEME, Whole)


def run_notebook(folder: Path, parameters: dict[str, Any], say: Say, limits: Limits = LIMITS) -> Record:
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
    began = time.monotonic()
    progress = Progress(folder, Course(parameters=parameters, limits=limits), say)
    for _ in range(2):  # a kernel that does not start is tried once more
        error = _execute(progress)
        if not _never_started(error, progress.course):
            break
    outcome, reason = _judge(error, progress)
    return keep(folder, outcome, reason, progress.course, time.monotonic() - began)


def _execute(progress: Progress) -> BaseException | None:
    try:
        papermill.execute_notebook(
            template_of(progress.folder), f"{SCHEME}{progress.folder / 'running.ipynb'}", progress.course.parameters,
            engine_name="footfall", progress_bar=False, progress=progress,
        )  # fmt: skip
    except BaseException as error:  # whatever ends the run, its record is written before anything else
        return error
    return None


def _never_started(error: BaseException | None, course: Course) -> bool:
    return isinstance(error, RuntimeError) and not course.seconds and course.running is None


def _judge(error: BaseException | None, progress: Progress) -> tuple[Outcome, str]:
    course, limits, watch = progress.course, progress.course.limits, progress.watch
    if watch and watch.late:
        return (
            "timed out",
            f"The notebook ran longer than its limit of {limits.notebook_seconds} s (limits.notebook_seconds).",
        )
    if _never_started(error, course):
        return "failed", f"The kernel did not start, twice ({error}); try `jupyter execute` on any notebook."
    if isinstance(error, DeadKernelError) and watch:
        if watch.starved():
            return "out of memory", f"The kernel died of it; its limit is {limits.memory_mb} MB (limits.memory_mb)."
        return "kernel died", f"The kernel's process ended while this cell ran ({watch.signal()})."
    if isinstance(error, CellTimeoutError):
        return "timed out", f"The cell ran longer than its limit of {limits.cell_seconds} s (limits.cell_seconds)."
    if isinstance(error, PapermillExecutionError):
        return _raised(f"{error.ename}: {error.evalue}", limits)
    if isinstance(error, NoSuchKernel):
        return "failed", f"There is no kernel named {error.name!r}; `jupyter kernelspec list` shows those there are."
    if isinstance(error, Exception):
        return "failed", f"{type(error).__name__}: {error}"
    if error is not None:
        return "interrupted", f"The run was interrupted from outside ({type(error).__name__})."
    if course.running is not None:
        return "failed", "The cell called sys.exit, so the cells after it did not run."
    return "succeeded", ""


def _raised(told: str, limits: Limits) -> tuple[Outcome, str]:
    if REFUSED.match(told) or told in SPEECHLESS:
        told = told if REFUSED.match(told) else "MemoryError"
        return "out of memory", f"{told.strip(' :.')}. The kernel's limit is {limits.memory_mb} MB (limits.memory_mb)."
    return "failed", told
