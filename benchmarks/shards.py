"""What a second Dask worker is worth: a backtest of many series on one worker and on two, each with a core of its own.

make bench-many                         regions.csv.gz of DATA=../shared/data
python -m benchmarks.shards DATA --series 4000

The series are of one span, drawn from regions.csv.gz of DATA, some of them several times with noise of its own: shards
of a thousand. Scheduler and client share the cores with the workers.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import psutil
import typer

from benchmarks.many import LAST, _series, read
from flows.local.dask import backtest_workers
from flows.settings import make_home
from footfall.evaluation.rolling import MOST, roll
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, SeasonalNaive, WeekdaySmoother

FRONT = LogLevel() * KindOfDay("PT") * LastYearsTurn()
CANDIDATES = {
    "seasonal naive": SeasonalNaive(),
    "calendar": FRONT * WeekdaySmoother(),
    "steady": FRONT * WeekdaySmoother(level=0.1, season=0.1, trend=0.0),
}


def main(
    data: Annotated[Path, typer.Argument(help="Folder of regions.csv.gz.")], series: int = 4000, origins: int = 182
) -> None:
    """Backtest them on one worker and on two, and print the seconds, their ratio, and whether all is the same."""
    many = _many(data / "regions.csv.gz", series)
    seconds, scores = {}, {}
    for count in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["FOOTFALL_HOME"] = folder
            (make_home() / "logs").mkdir()
            with backtest_workers(count):
                _pinned(count)
                spans = {key: y.iloc[30 * number :] for number, (key, y) in enumerate([*many.items()][: 2 * count])}
                roll(spans, CANDIDATES, 60, 7, 1)  # so that all is imported, everywhere
                began = time.monotonic()
                scores[count] = roll(many, CANDIDATES, origins, 7, 1).scores
                seconds[count] = time.monotonic() - began
    same = scores[1].equals(scores[2])
    one, two = seconds.values()
    print(f"{series} series, {-(-series // MOST)} shards, {origins} origins: one worker {one:.0f} s, two {two:.0f} s")
    print(f"ratio {one / two:.2f}; {'the same scores' if same else 'OTHER SCORES'}")
    sys.exit(not same)


def _pinned(count: int) -> None:
    """Wait for the workers, and give each a core of its own."""
    processes: list[psutil.Process] = []
    while len(processes) < count:
        time.sleep(0.5)
        words = [(each, " ".join(each.cmdline())) for each in psutil.Process().children(recursive=True)]
        processes = [each for each, line in words if "spawn_main" in line]
    for core, each in enumerate(processes):
        each.cpu_affinity([core])


def _many(path: Path, count: int) -> dict[tuple[str, str], pd.Series]:
    """So many series of the span that most have."""
    table = read(path)
    every = _series(table[table["date"] <= LAST])
    spans = pd.Series([(y.index[0], y.index[-1]) for y in every])
    same = [y for y, span in zip(every, spans, strict=True) if span == spans.mode()[0]]
    draw, many = np.random.default_rng(1), {}
    for number in range(count):
        y = same[number % len(same)]
        many[f"{y.name[0]}/{number}", y.name[1]] = y + draw.normal(0, 1, len(y))
    return many


if __name__ == "__main__":
    typer.run(main)
