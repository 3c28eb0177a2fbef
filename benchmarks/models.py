"""Footfall beside what any library gives: the same series, origins and days; a table for the README.

make bench-models                      the bundled sample
make bench-models SOURCE=google.zip    Google's whole zip, or another source of the market portugal
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from flows import backtest as rehearsal
from flows.local import PARAMS, ROOT
from footfall.backtest import coverage, mae, wis
from footfall.intervals import QUANTILES
from footfall.params import read_market

PEERS_PYTHON = ROOT / "benchmarks" / ".venv" / "bin" / "python"
SPANS = {"sample": ("2022-06-01", "2022-10-06"), "portugal": ("2022-04-01", "2022-10-06")}
OURS = ["boosted", "calendar", "both scales", "ETS", "Theta"]


def main() -> None:
    """Run all, score all, print the table."""
    asked = _arguments()
    market = read_market(PARAMS, asked.market, {"data.source": asked.source} if asked.source else {})
    origins = rehearsal.days(*SPANS[asked.market])
    began = time.process_time()
    tables = {name: rehearsal.backtest(market, origins, [name], asked.horizon, asked.lag) for name in OURS}
    print(f"Footfall: {time.process_time() - began:.0f} s CPU", file=sys.stderr)
    y = rehearsal.series_of(market)
    tables |= _peers(y, origins, asked.lag, asked.horizon)
    scores = pd.DataFrame({name: _scores(table, y) for name, table in tables.items()}).T.sort_values("MAE")
    scores.insert(1, "to naive", scores["MAE"] / scores.loc["seasonal naive", "MAE"])
    print(f"{market.data.location} {market.data.category}, {len(origins)} origins {origins[0]:%Y-%m-%d} to "
          f"{origins[-1]:%Y-%m-%d}, {asked.horizon} days ahead, lag {asked.lag}\n")  # fmt: skip
    print(_markdown(scores))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="", help="Google's zip; the bundled sample if left out")
    parser.add_argument("--lag", type=int, default=0)
    parser.add_argument("--horizon", type=int, default=7)
    asked = parser.parse_args()
    asked.market = "portugal" if asked.source else "sample"
    return asked


def _peers(y: pd.Series, origins: pd.DatetimeIndex, lag: int, horizon: int) -> dict[str, pd.DataFrame]:
    """What the peers say, from their own environment."""
    with tempfile.TemporaryDirectory() as folder:
        y.rename("value").rename_axis("date").to_csv(Path(folder) / "series.csv")
        out = Path(folder) / "peers"
        out.mkdir()
        span = [f"{origins[0]:%Y-%m-%d}", f"{origins[-1]:%Y-%m-%d}", str(lag), str(horizon)]
        script = str(ROOT / "benchmarks" / "peers.py")
        subprocess.run([str(PEERS_PYTHON), script, f"{folder}/series.csv", str(out), *span], check=True)
        return {path.stem: pd.read_csv(path, parse_dates=["origin", "date"]) for path in sorted(out.glob("*.csv"))}


def _scores(table: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    table = table.assign(actual=y.reindex(table["date"]).to_numpy())
    known = table[table["actual"].notna()]
    ranges = set(QUANTILES) <= set(known)
    return {
        "MAE": mae(known),
        "WIS": wis(known) if ranges else float("nan"),
        "covers 80 %": coverage(known, 0.8) if ranges else float("nan"),
    }


def _markdown(scores: pd.DataFrame) -> str:
    rows = [f"| {name} | " + " | ".join("" if v != v else f"{v:.2f}" for v in row) + " |"
            for name, row in zip(scores.index, scores.to_numpy(), strict=True)]  # fmt: skip
    head = ["| model | " + " | ".join(scores.columns) + " |", "|---" * (len(scores.columns) + 1) + "|"]
    return "\n".join(head + rows)


if __name__ == "__main__":
    main()
