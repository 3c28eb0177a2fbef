"""What the record costs: the predict station as Footfall runs it, beside bare papermill on the same notebook and files.

Both are whole processes, from start to exit, run in turn on this machine against servers that are already up. The flow
does what papermill does and, besides, validates, fetches, takes the champion from the registry, keeps the record in
MLflow and Prefect, renders the page and publishes. What the record alone adds is measured on that run's own folder.
"""

import ctypes
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil

from flows.local import servers
from flows.settings import ROOT, home

PR_SET_CHILD_SUBREAPER = 36
ROUNDS = int(os.environ.get("FOOTFALL_ROUNDS", 7))
BIN = Path(sys.executable).parent
FURTHER = 5
ONE_AFTER_THE_OTHER = """
import asyncio, sys
from flows.predict import predict
async def days_work():
    for _ in range(int(sys.argv[1])):
        await predict("sample")
asyncio.run(days_work())
"""


def measure(command: list[str], cwd: Path) -> tuple[float, float, str]:
    """Wall and CPU seconds of a process with all its descendants, and what it printed."""
    before = psutil.Process().children()
    begun = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=output, env=os.environ)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        output.seek(0)
        printed = output.read().decode()
    if status:
        raise SystemExit(f"{' '.join(command)}:\n{printed}")
    orphans = [os.wait4(child.pid, 0)[2] for child in psutil.Process().children() if child not in before]
    return wall, sum(use.ru_utime + use.ru_stime for use in (usage, *orphans)), printed


def further_market() -> list[float]:
    """Wall and CPU seconds of one market more in the same process, as in `daily`, with nothing new to publish."""
    one, several = (measure([sys.executable, "-c", ONE_AFTER_THE_OTHER, str(n)], ROOT) for n in (1, 1 + FURTHER))
    return [(several[kind] - one[kind]) / FURTHER for kind in (0, 1)]


def record_alone(run: Path, scratch: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds that each part of the record of a run takes, in the median of the rounds, and its kilobytes."""
    from mlflow import MlflowClient

    from flows.record import diff, html, mlflow_runs
    from flows.record.files import template_of
    from flows.record.folder import claim, keep, last_good, standing
    from flows.record.record import Ending, Progress, read_record

    record, seconds = read_record(run), dict[str, list[float]]()
    before = last_good(run.parent, record.notebook, record.tags["market"], standing(record.tags, run.name))
    if before:
        shutil.copytree(before[0], scratch / before[0].name)
    progress = Progress(
        seconds={n: cell.seconds or 0 for n, cell in enumerate(record.cells)}, parameters=record.parameters
    )
    executed = nbformat.read(run / f"{record.notebook}.ipynb", as_version=4)
    executed.cells = executed.cells[1:]  # without the banner

    def timed(what: str, act: Callable[[], object]) -> None:
        begun = time.monotonic()
        act()
        seconds.setdefault(what, []).append(time.monotonic() - begun)

    for n in range(ROUNDS + 1):  # the first warms up
        folder = scratch / f"bench-{99 - n}"  # one that ran before must not come before
        claim(folder, template_of(run), record.tags)
        for part in ("in", "out"):
            shutil.copytree(run / part, folder / part)
        (folder / "running.ipynb").write_text(nbformat.writes(executed))
        page = folder / f"{record.notebook}.ipynb"
        timed("the record: banner, digests, commit", lambda: keep(folder, Ending("succeeded"), progress))  # noqa: B023
        timed("  of it the page", lambda: html.write_html(page, page.with_suffix(".html"), record.tags))  # noqa: B023
        timed("  of it what changed", lambda: diff.write_changes(
            folder / "changes.html", (folder, record.tags), before))  # noqa: B023  # fmt: skip
        timed("MLflow: open the run", lambda: mlflow_runs.start(folder))  # noqa: B023
        timed("MLflow: deliver it", lambda: mlflow_runs.deliver(folder))  # noqa: B023
        MlflowClient().delete_run((folder / "mlflow").read_text())
    pages = {name: (folder / name).stat().st_size / 1000 for name in (*record.pages, "record.json")}
    for part in ("template", "in", "out"):
        pages[f"{part}/"] = sum(path.stat().st_size for path in (folder / part).rglob("*") if path.is_file()) / 1000
    return {what: statistics.median(some[1:]) for what, some in seconds.items()}, pages


def main() -> None:
    """Measure, and print two tables."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what outlives its parent, as the fork server, is counted
    with servers.servers(), tempfile.TemporaryDirectory() as scratch:
        measure([str(BIN / "footfall"), "run", "sample"], ROOT)  # a champion, and warm disks
        folder = Path(scratch) / "run"
        newest = max((home() / "runs").glob("*-predict-sample-*"), key=lambda path: path.stat().st_mtime)
        shutil.copytree(newest / "in", folder / "in")
        files = ["-p", "snapshot", "in/snapshot.parquet", "-p", "champion", "in/champion", "-p", "out", "out"]
        bare = [str(BIN / "papermill"), str(ROOT / "notebooks" / "predict.ipynb"), "executed.ipynb", *files]
        ours = [str(BIN / "footfall"), "predict", "sample"]
        measure(bare, folder)
        rounds = [(measure(bare, folder), measure(ours, ROOT)) for _ in range(ROUNDS)]
        further = [further_market() for _ in range(ROUNDS)]
        newest = max((home() / "runs").glob("*-predict-sample-*"), key=lambda path: path.stat().st_mtime)
        seconds, kilobytes = record_alone(newest, Path(scratch))
    print(f"median of {ROUNDS} rounds, seconds      wall     CPU")
    middle = {}
    for name, which in (("bare papermill", 0), ("Footfall's predict", 1)):
        middle[name] = [statistics.median(pair[which][kind] for pair in rounds) for kind in (0, 1)]
        print(f"{name:<34}{middle[name][0]:7.2f} {middle[name][1]:7.2f}")
    ratios = [[pair[1][kind] / pair[0][kind] for pair in rounds] for kind in (0, 1)]
    print(f"{'ratio, median of the rounds':<34}{statistics.median(ratios[0]):7.2f} {statistics.median(ratios[1]):7.2f}")
    print(f"{'ratio, least and most':<34}" + "  ".join(f"{min(r):.2f}–{max(r):.2f}" for r in ratios))
    more = [statistics.median(each[kind] for each in further) for kind in (0, 1)]
    print(f"{'a further market, same process':<34}{more[0]:7.2f} {more[1]:7.2f}")
    print(f"{'its ratio to bare papermill':<34}" + " ".join(
        f"{statistics.median(each[kind] / pair[0][kind] for each, pair in zip(further, rounds, strict=True)):7.2f}"
        for kind in (0, 1)))  # fmt: skip

    print("\nwhere the last round's time went, as the flow said it")
    print("\n".join(re.findall(r"^  (?:fetch|champion|predict|publish) .*", rounds[-1][1][2], re.MULTILINE)))

    print("\nwhat the record alone adds to the run      seconds")
    print("\n".join(f"{what:<42}{some:8.3f}" for what, some in seconds.items()))
    print(f"{'in all':<42}{sum(some for what, some in seconds.items() if not what.startswith(' ')):8.3f}")
    print("\nwhat it keeps                                   kB")
    print("\n".join(f"{name:<42}{some:8.1f}" for name, some in kilobytes.items()))
    print(f"{'in all':<42}{sum(kilobytes.values()):8.1f}")


if __name__ == "__main__":
    main()
