"""A market of very many sites down the whole line, as its owner would run it: wall, and the most memory it takes.

make bench-sites                        24,000 sites of 98 days, made from regions.csv.gz of DATA=../shared/data
python -m benchmarks.sites DATA --sites 4000

Each site is a region's kind of place in guests, with noise of its own. A training of two candidates, the naive and
*steady*, comes first, so that there is a champion; what is measured is `footfall predict` from start to exit, its
servers' start included. Home, market and notebooks are a folder of its own, gone afterwards.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import nbformat
import numpy as np
import pandas as pd
import psutil
import typer

from benchmarks.many import read
from flows.settings import ROOT

DAYS, LAST = 98, "2021-06-19"  # the regions' last days
FOOTFALL = str(Path(sys.executable).parent / "footfall")
MARKET = """data:
  unit: counts
  format: table
  source: {}
  columns: {{date: date, site: site, value: covers}}
  location: PT
  series: all
  lag: 1
  as_of: "2021-06-20"
train: {{backtest_days: 60}}
"""
CUT = 'candidates = {name: candidates[name] for name in ("seasonal naive", "steady")}\n'


def main(data: Annotated[Path, typer.Argument(help="Folder of regions.csv.gz.")], sites: int = 24_000) -> None:
    """Make the sites, train, predict, and print what that took and what became of them."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        table = _sites(data / "regions.csv.gz", sites)
        table.to_csv(home / "sites.csv", index=False)
        (home / "params").mkdir()
        (home / "params" / "sites.yaml").write_text(MARKET.format(home / "sites.csv"))
        _two_candidates(shutil.copytree(ROOT / "notebooks", home / "notebooks"))
        os.environ |= {f"FOOTFALL_{name.upper()}": str(home / name) for name in ("home", "params", "notebooks")}
        print(f"{table['site'].nunique()} sites, {len(table)} rows")
        for command in ("train", "predict"):
            wall, most = _measured([FOOTFALL, command, "sites"])
            print(f"{command}: {wall:.0f} s; flow {most['flow']:.2f} GB, kernel {most['kernel']:.2f} GB at most")
        _tell_accounts(home / "home")


def _sites(path: Path, count: int) -> pd.DataFrame:
    """So many sites' guests a day: copies of regional kinds of place, each with noise of its own."""
    table = read(path).dropna(subset="value")
    long = table[table["date"].between(pd.Timestamp(LAST) - pd.Timedelta(days=DAYS - 1), LAST)]
    long = long.assign(site=long["location"].str.cat(long["category"], sep="/"))
    long = long[long.groupby("site")["date"].transform("size") > DAYS * 0.93]
    originals, noise = long["site"].nunique(), np.random.default_rng(1)
    copies = []
    for copy in range(-(-count // originals)):
        guests = 60 * (long["value"] / 100 + 1.2).clip(lower=0.05) * noise.normal(1, 0.08, len(long))
        copies.append(long.assign(site=f"{copy:02d} " + long["site"], covers=guests.round().clip(lower=1).astype(int)))
    table = pd.concat(copies)[["date", "site", "covers"]]
    return table[table["site"].isin(table["site"].unique()[:count])]


def _two_candidates(notebooks: Path) -> None:
    """Cut the candidates of train.ipynb, whose backtests of so many sites would take an hour, to two."""
    notebook = nbformat.read(notebooks / "train.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "candidates" in cell.metadata.get("tags", []))
    before, marker, after = cell.source.partition("issued = Weather.read")
    cell.source = before + CUT + marker + after
    nbformat.write(notebook, notebooks / "train.ipynb")


def _measured(command: list[str]) -> tuple[float, dict[str, float]]:
    """Wall seconds of a command, and the most memory in GB of its own process and of its kernel."""
    began, most = time.monotonic(), Counter[str]()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    flow = psutil.Process(process.pid)
    while process.poll() is None:
        for each in [flow, *flow.children(recursive=True)]:
            try:
                words, memory = " ".join(each.cmdline()), each.memory_info().rss / 1e9
            except psutil.Error:  # it ended meanwhile
                continue
            name = "flow" if each == flow else "kernel" if "forkserver" in words or "ipykernel" in words else "servers"
            most[name] = max(most[name], memory)
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - began, dict(most)


def _tell_accounts(home: Path) -> None:
    """By which model, or by the naive for their own past, the sites were published."""
    run = max((home / "runs").glob("*-predict-sites-*"))
    accounts = pd.read_parquet(run / "out" / "forecast" / "series.parquet")
    print(json.dumps(accounts["status"].value_counts().to_dict()))


if __name__ == "__main__":
    typer.run(main)
