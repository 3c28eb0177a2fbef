"""The deployments on this machine, and the worker that runs them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from flows.local.servers import free_port, launch
from flows.notebook.forkserver import environment
from flows.orchestration import automations, deployments, reaper
from flows.settings import POOL, ROOT, home
from footfall.errors import EnvironmentProblem
from footfall.evaluation.workers import SCHEDULER

DASK_PORT = 8786  # its usual one
PREFECT = [sys.executable, "-m", "prefect"]


@contextlib.contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """The markets' deployments in their work pool, the alerts, and a worker that runs one at a time.

    They go to the Prefect server that the environment names. Runs that the last worker left behind are ended first.
    """
    reaper.reap()
    deployments.arrange_pool()
    words = ["--no-prompt", "deploy", "--all", "--prefect-file", str(deployments.prefect_file())]
    done = subprocess.run(  # in a session of its own: a Ctrl-C at the terminal is ours alone to answer
        [*PREFECT, *words], cwd=ROOT, capture_output=True, text=True, check=False, start_new_session=True
    )
    if done.returncode:
        raise EnvironmentProblem(f"prefect {' '.join(words)}: {(done.stderr or done.stdout)[-800:]}")
    deployments.drop_schedules()
    deployments.close_alerts()
    automations.arrange()
    with contextlib.ExitStack() as stack:
        yield launch(stack, "worker", [*PREFECT, "worker", "start", "--pool", POOL], ROOT, os.environ)


@contextlib.contextmanager
def backtest_workers(count: int) -> Iterator[str]:
    """A Dask scheduler and so many workers on this machine; its address, which is set in this process too."""
    host, port, folder = "127.0.0.1", free_port(DASK_PORT), home() / "dask"
    os.environ[SCHEDULER] = address = f"tcp://{host}:{port}"
    scheduler = ["dask_scheduler", "--host", host, "--port", str(port)]
    workers = ["dask_worker", address, "--nworkers", str(count), "--nthreads", "1"]
    with contextlib.ExitStack() as stack:
        for name, (module, *words) in {"scheduler": scheduler, "backtests": workers}.items():
            command = [sys.executable, "-m", f"distributed.cli.{module}", *words, "--no-dashboard"]
            launch(stack, name, command, folder, environment())  # what runs there knows no more than in a kernel
        yield address
