"""Footfall beside what any library gives: the same series, origins and days; a table for the README.

make bench-models                      the bundled sample
make bench-models SOURCE=google.zip    Google's whole zip, or another source of the market portugal
make bench-models SOURCE="google.zip --every-category"    a row for each kind of place
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from math import nan
from pathlib import Path

import pandas as pd
from sktime.forecasting.sarimax import SARIMAX

from benchmarks.many import PEERS_PYTHON, least
from flows.authoring import candidates
from flows.settings import ROOT, params_folder
from flows.sources.reading import one_reading, read_source
from footfall.calendar import country_of, special
from footfall.evaluation.backtest import backtest_with_quantiles
from footfall.evaluation.metrics import coverage, mae, wis
from footfall.market_file import read_market
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import fit, predict
from footfall.params import Market
from footfall.quantiles import QUANTILES
from footfall.series import WEEK

SPANS = {"sample": ("2022-06-01", "2022-10-06"), "portugal": ("2022-04-01", "2022-10-06")}
OURS = ["boosted", "calendar", "steady", "both scales", "ETS, calendar", "ETS", "seasonal naive"]
TIMED = ["AutoCES", "AutoETS"]
TIMES = 200  # the CPU for a series is the least of so many: a busy machine adds to it


def main() -> None:
    """Run all, score all, print the table."""
    options = _arguments()
    origins = pd.date_range(*SPANS[options.market])
    print(f"{len(origins)} origins {origins[0]:%Y-%m-%d} to {origins[-1]:%Y-%m-%d}, {options.horizon} days ahead, "
          f"lag {options.lag}\n")  # fmt: skip
    with one_reading():
        (_every_category if options.every_category else _one_category)(options, origins)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="", help="Google's zip; the bundled sample if left out")
    parser.add_argument("--lag", type=int, default=0)
    parser.add_argument("--horizon", type=int, default=WEEK)
    parser.add_argument("--every-category", action="store_true", help="a row for each kind of place")
    options = parser.parse_args()
    options.market = "portugal" if options.source else "sample"
    return options


def _one_category(options: argparse.Namespace, origins: pd.DatetimeIndex) -> None:
    market = _market(options)
    y = candidates.shown_series(market)[1]
    theirs = _peers(y, origins, options.lag, options.horizon)
    ours = {name: candidates.backtest(market, origins, [name], options.horizon, options.lag) for name in OURS}
    ours["ARIMA, calendar"] = _arima(market, y, origins, options)
    board = _board(
        theirs | ours, y, market
    )  # ours of the naive forecast, which both have: with ranges as the gate has it
    print(f"{market.data.location} {market.data.category}\n\n{_markdown(board)}\n")
    print(_cpu(market, y, options.horizon, {name: table["milliseconds"].iloc[0] for name, table in theirs.items()}))


def _arima(market: Market, y: pd.Series, origins: pd.DatetimeIndex, options: argparse.Namespace) -> pd.DataFrame:
    """A row that is too slow to be a candidate: the calendar's front before an ARIMA of fixed orders."""
    country = country_of(market.data.location)
    arima = SARIMAX(order=(1, 0, 1), seasonal_order=(1, 0, 1, WEEK))
    recipe = LogLevel() * KindOfDay(country) * LastYearsTurn() * arima
    with warnings.catch_warnings(action="ignore"):  # of fits that stop before they converge
        return backtest_with_quantiles({"ARIMA, calendar": recipe}, y, origins, options.horizon, options.lag, country)


def _every_category(options: argparse.Namespace, origins: pd.DatetimeIndex) -> None:
    rows, market = {}, _market(options)
    recipes = {name: recipe for name, recipe in candidates.recipes(market, options.horizon).items() if name in OURS[:2]}
    for category in read_source(market.data).series["category"].unique():
        y = candidates.shown_series(_market(options, category))[1]
        ours = backtest_with_quantiles(
            recipes, y, origins, options.horizon, options.lag, country_of(market.data.location)
        )
        theirs = _peers(y, origins, options.lag, options.horizon)
        best = min(theirs, key=lambda name: _scores(theirs[name], y, market)["MAE"])
        theirs = {f"best peer, {best}": theirs[best], "seasonal naive": theirs["seasonal naive"]}
        board = _board(dict(list(ours.groupby("candidate"))) | theirs, y, market)
        rows |= {f"{category}, {name}": scores for name, scores in board.iterrows()}
        print(f"{category} done", file=sys.stderr)
    print(_markdown(pd.DataFrame(rows).T))


def _market(options: argparse.Namespace, category: str = "") -> Market:
    settings = {"data.source": options.source, "data.category": category}
    return read_market(params_folder(), options.market, {key: value for key, value in settings.items() if value})


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


def _board(tables: dict[str, pd.DataFrame], y: pd.Series, market: Market) -> pd.DataFrame:
    scores = pd.DataFrame({name: _scores(table, y, market) for name, table in tables.items()}).T.sort_values("MAE")
    scores.insert(1, "to naive", scores["MAE"] / scores.loc["seasonal naive", "MAE"])
    return scores


def _scores(table: pd.DataFrame, y: pd.Series, market: Market) -> dict[str, float]:
    table = table.assign(actual=y.reindex(table["date"]).to_numpy())
    scored = table[table["actual"].notna()]
    holidays = scored[special(pd.DatetimeIndex(scored["date"]), country_of(market.data.location))]
    ranges = set(QUANTILES) <= set(scored)
    return {
        "MAE": mae(scored),
        "WIS": wis(scored) if ranges else nan,
        "covers 80 %": coverage(scored, 0.8) if ranges else nan,
        "on special days": coverage(holidays, 0.8) if ranges else nan,
        "covers 90 %": coverage(scored, 0.9) if ranges else nan,
    }


def _cpu(market: Market, y: pd.Series, horizon: int, theirs: dict[str, float]) -> str:
    """What the CPU takes for one series, the calendar's fit and forecast beside some peers'."""
    recipe = candidates.recipes(market, horizon)["calendar"]
    days = pd.date_range(y.index[-1], periods=horizon + 1)[1:]
    ours = 1000 * least(lambda: predict(fit(recipe, y), days), TIMES)
    peers = [f"{name} {theirs[name]:.1f} ms (ours is {ours / theirs[name]:.2f} of it)" for name in TIMED]
    return f"CPU to fit one series and forecast its week: calendar {ours:.1f} ms; {', '.join(peers)}"


def _markdown(scores: pd.DataFrame) -> str:
    rows = [f"| {name} | " + " | ".join("" if v != v else f"{v:.2f}" for v in row) + " |"
            for name, row in zip(scores.index, scores.to_numpy(), strict=True)]  # fmt: skip
    head = ["| model | " + " | ".join(scores.columns) + " |", "|---" * (len(scores.columns) + 1) + "|"]
    return "\n".join(head + rows)


if __name__ == "__main__":
    main()
