"""The deployments on this machine, and the worker that runs them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from flows.local.servers import launch, quiet
from flows.orchestration import automations, reaper
from flows.settings import POOL, ROOT
from footfall.errors import EnvironmentProblem


@contextlib.contextmanager
def worker(found: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The deployments of ``prefect.yaml`` in their work pool, the alerts, and a worker that runs one at a time.

    Runs that the last worker left behind are ended first.
    """
    reaper.bury()
    for words in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["work-pool", "set-concurrency-limit", POOL, "1"],
        ["--no-prompt", "deploy", "--all"],
    ):
        done = subprocess.run([sys.executable, "-m", "prefect", *words], cwd=ROOT, env=os.environ | quiet() | found,
                              capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode:
            raise EnvironmentProblem(f"prefect {' '.join(words)}: {(done.stderr or done.stdout)[-800:]}")
    automations.arrange()
    with contextlib.ExitStack() as stack:
        yield launch(stack, "worker", [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL], **found)
