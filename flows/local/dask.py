"""A Dask scheduler and its workers on this machine, for backtests of very many series."""

import contextlib
import os
import sys
from collections.abc import Iterator

from flows.local.servers import free_port, launch
from flows.notebook.forkserver import environment
from flows.settings import home
from footfall.evaluation.workers import SCHEDULER

PORT = 8786  # its usual one


@contextlib.contextmanager
def backtest_workers(count: int) -> Iterator[str]:
    """A Dask scheduler and so many workers on this machine; its address, which is set in this process too."""
    host, port, folder = "127.0.0.1", free_port(PORT), home() / "dask"
    os.environ[SCHEDULER] = address = f"tcp://{host}:{port}"
    scheduler = ["dask_scheduler", "--host", host, "--port", str(port)]
    workers = ["dask_worker", address, "--nworkers", str(count), "--nthreads", "1", "--local-directory", "."]
    with contextlib.ExitStack() as stack:
        for name, (module, *words) in {"scheduler": scheduler, "backtests": workers}.items():
            command = [sys.executable, "-m", f"distributed.cli.{module}", *words, "--no-dashboard"]
            launch(stack, name, command, folder, environment())  # what runs there knows no more than in a kernel
        yield address
