"""The deployments on this machine, and the worker that runs them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from flows.local.servers import launch
from flows.orchestration import automations, deployments, reaper
from flows.settings import POOL, ROOT
from footfall.errors import EnvironmentProblem

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
