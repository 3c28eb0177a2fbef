"""What the record costs: the predict station as Footfall runs it, beside bare papermill on the same notebook and files.

Both are whole processes, from start to exit, run in turn on this machine against servers that are already up. The flow
does what papermill does and, besides, validates, fetches, takes the champion from the registry, keeps the record in
MLflow and Prefect, renders the page and publishes.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows import local

ROUNDS = int(os.environ.get("FOOTFALL_ROUNDS", 7))
BIN = Path(sys.executable).parent


def measure(command: list[str], cwd: Path) -> tuple[float, float, str]:
    """Wall and CPU seconds of a process with all its descendants, and what it printed."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=output, env=os.environ | local.QUIET)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        output.seek(0)
        said = output.read().decode()
    if status:
        raise SystemExit(f"{' '.join(command)}:\n{said}")
    return wall, usage.ru_utime + usage.ru_stime, said


def main() -> None:
    """Measure, and print one table."""
    with local.servers(), tempfile.TemporaryDirectory() as scratch:
        measure([str(BIN / "footfall"), "run", "sample"], local.ROOT)  # a champion, and warm disks
        folder = Path(scratch) / "run"
        newest = max((local.HOME / "runs").glob("predict-sample-*"), key=lambda path: path.stat().st_mtime)
        shutil.copytree(newest / "in", folder / "in")
        files = ["-p", "snapshot", "in/snapshot.parquet", "-p", "champion", "in/champion", "-p", "out", "out"]
        bare = [str(BIN / "papermill"), str(local.ROOT / "notebooks" / "predict.ipynb"), "executed.ipynb", *files]
        ours = [str(BIN / "footfall"), "predict", "sample"]
        measure(bare, folder)
        rounds = [(measure(bare, folder), measure(ours, local.ROOT)) for _ in range(ROUNDS)]
    print(f"median of {ROUNDS} rounds, seconds      wall     CPU")
    middle = {}
    for name, which in (("bare papermill", 0), ("Footfall's predict", 1)):
        middle[name] = [statistics.median(pair[which][kind] for pair in rounds) for kind in (0, 1)]
        print(f"{name:<34}{middle[name][0]:7.2f} {middle[name][1]:7.2f}")
    ratios = [[pair[1][kind] / pair[0][kind] for pair in rounds] for kind in (0, 1)]
    print(f"{'ratio, median of the rounds':<34}{statistics.median(ratios[0]):7.2f} {statistics.median(ratios[1]):7.2f}")
    print(f"{'ratio, least and most':<34}" + "  ".join(f"{min(r):.2f}–{max(r):.2f}" for r in ratios))
    print("\nwhere the last round's time went, as the flow said it")
    print("\n".join(re.findall(r"^  (?:fetch|champion|predict|publish) .*", rounds[-1][1][2], re.MULTILINE)))


if __name__ == "__main__":
    main()
