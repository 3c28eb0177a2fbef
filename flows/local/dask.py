"""A Dask scheduler and its workers on this machine, for backtests of very many series."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from flows.local.servers import free_port, launch
from flows.notebook.forkserver import environment
from flows.settings import home
from footfall.evaluation.workers import SCHEDULER

PORT = 8786  # its usual one


@contextlib.contextmanager
def backtest_workers(count: int) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A Dask scheduler and so many workers on this machine, by the names of their logs; none at all of no worker.

    Meanwhile the scheduler's address is set in this process too.
    """
    if not count:
        yield {}
        return
    here, port, folder = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"], free_port(PORT), home() / "dask"
    os.environ[SCHEDULER] = f"tcp://127.0.0.1:{port}"
    # memory is the machine's to share: a limit each would end workers that had room
    limits = ["--nworkers", str(count), "--nthreads", "1", "--memory-limit", "0", "--local-directory", "."]
    commands = {
        "scheduler": ["dask_scheduler", "--port", str(port)],
        "backtest-workers": ["dask_worker", os.environ[SCHEDULER], *limits],
    }
    with contextlib.ExitStack() as stack:
        stack.callback(os.environ.pop, SCHEDULER, None)
        processes = {}
        for name, (module, *words) in commands.items():
            command = [sys.executable, "-m", f"distributed.cli.{module}", *words, *here]
            processes[name] = launch(stack, name, command, folder, environment())  # which knows no more than a kernel
        yield processes
