"""What many series cost: in batch, in a plain loop, and with common libraries; CPU of one process, in one run.

make bench-many                         nations.csv.gz and regions.csv.gz of DATA=../shared/data
python -m benchmarks.many DATA --sizes 100 1000 --origins 60

A batch is fitted, forecasts a week and is ranged with trees that are given, as a daily run has them; the backtest is
that of a training, fitted anew each month; growing trees is counted by itself, once a month and recipe for all series.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from flows.authoring import candidates
from flows.settings import ROOT, params_folder
from footfall.calendar import Country, country_of, of_some
from footfall.champion import Champion
from footfall.evaluation import backtest, intervals
from footfall.evaluation.metrics import complete, naive_error, scores_of
from footfall.evaluation.rolling import batched
from footfall.forecasting import forecast_all
from footfall.market_file import read_market
from footfall.models import Panel, at_once, fit, of_country, predict, with_panel
from footfall.models.features import Front
from footfall.models.forecaster import series_of
from footfall.quantiles import LEVELS
from footfall.selection import Selection
from footfall.series import DAY, SERIES, WEEK, Rows, pick, unfit
from footfall.sources.google.read import read_google

FILES = ["nations.csv.gz", "regions.csv.gz"]
LAST = pd.Timestamp("2021-06-19")  # on which the regions end
PEERS = ["AutoCES", "AutoETS"]
PEERS_PYTHON = ROOT / "benchmarks" / ".venv" / "bin" / "python"
LOOPED, TIMES = 10, 3  # series of the loop and of the peers; the least CPU of so many
spent: dict[str, float] = {}  # CPU in seconds by what was done


def main() -> None:
    """Measure every size, and print a row for each."""
    options = _arguments()
    table = pd.concat([read(options.data / name) for name in FILES], ignore_index=True)
    series = _series(table)
    recipes = candidates.recipes(read_market(params_folder(), "sample"), WEEK)
    panel = _panel(table, recipes)
    recipes = {name: with_panel(recipe, panel) for name, recipe in recipes.items() if at_once(recipe)}
    rows = {}
    for size in options.sizes:
        drawn = sorted(np.random.default_rng(1).permutation(len(series))[:size])
        rows[min(size, len(series))] = _of_size([series[number] for number in drawn], recipes, options.origins)
        print(f"{size} series done", flush=True)
    print(f"\n| CPU, ms a series | {' | '.join(map(str, rows))} |\n|---{'|---' * len(rows)}|")
    for what, numbers in pd.DataFrame(rows).iterrows():
        print(f"| {what} | {' | '.join(f'{number:.3g}' for number in numbers)} |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of nations.csv.gz and regions.csv.gz")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 4000])
    parser.add_argument("--origins", type=int, default=182, help="days of the past to forecast from")
    return parser.parse_args()


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.process_time()
    yield
    spent[what] = spent.get(what, 0.0) + time.process_time() - began


def check(path: Path, of: str) -> None:
    """End where a file or folder of figures is not there, in a sentence that says what it must hold."""
    if not path.exists():
        sys.exit(f"{path}: not there; nothing is measured. It must hold {of}")


def read(path: Path) -> pd.DataFrame:
    """All series of a file of Google's."""
    check(path, "rows in the columns of Google's reports, such as Region_Mobility_Report_CSVs.zip has")
    codes = pd.read_csv(path, usecols=["country_region_code"], keep_default_na=False).iloc[:, 0].unique()
    return read_google(path, codes.tolist(), not_after=pd.Timestamp("2022-12-31").date()).series


def _series(table: pd.DataFrame) -> list[pd.Series]:
    """All that are fit to be trained on and had not stopped, named (location, category)."""
    table = table[table["date"] <= LAST]
    rows = (part for _, part in table.groupby(["location", "category"]) if part["value"].notna().any())
    every = (pick(part, *part[["location", "category"]].iloc[0]) for part in rows)
    names = table.dropna(subset="value").groupby(["location", "category"]).size().index
    named = [y.rename(name) for name, y in zip(names, every, strict=True)]
    return [y for y in named if not unfit(y, 200) and y.index[-1] > LAST - WEEK * DAY]


def _panel(table: pd.DataFrame, recipes: dict[str, BaseForecaster]) -> Panel:
    """The trees of each recipe, grown on the nations: what a saved champion has with it."""
    panel, kept = Panel(table), {}
    for recipe in (recipe for recipe in recipes.values() if hasattr(recipe, "panel_to_keep")):
        front, limits = Front.of(recipe.calendar, recipe.country), recipe._limits
        with _timed("rows to learn from"):
            panel.training_set(front, recipe.most)
        with _timed("trees"):
            panel.trees(front, day := table["date"].max(), *limits)
        kept |= panel.keep(front, day, *limits)._kept
    print(f"a recipe, whatever the size: {spent['rows to learn from'] / len(kept):.1f} s CPU to work out what trees "
          f"learn from, {spent['trees'] / len(kept):.1f} s to grow those of a month\n")  # fmt: skip
    return Panel(kept=kept)


def _of_size(series: list[pd.Series], recipes: dict[str, BaseForecaster], origins: int) -> dict[str, float]:
    """CPU in ms a series, and seconds for all."""
    spent.clear()
    with _timed("split into batches"):
        batches = list(batched({y.name: y for y in series}, origins + WEEK))
    residuals = []
    for country, y in batches:
        residuals += _points(recipes["boosted"], recipes["calendar"], country, y, origins)
        for name, recipe in recipes.items():
            _backtest(name, of_country(recipe, country), country, y, origins)
    _forecast(series, recipes["boosted"], pd.concat(residuals, ignore_index=True))
    ours = {what: 1000 * seconds / len(series) for what, seconds in spent.items()}
    theirs = _loop(series[:: max(len(series) // LOOPED, 1)], recipes, origins) | _peers(series)
    row = {"batches": len(batches), **ours, **theirs}
    row["points, beside AutoCES"] = row["points"] / row["AutoCES"]
    row["points, beside the loop"] = row["points"] / row["loop: points"]
    row["backtest of boosted, beside the loop"] = row["backtest: boosted"] / row["loop: backtest of boosted"]
    return row | {"all backtests with ranges and scores, s": sum(v for k, v in spent.items() if "backtest" in k)}


def _points(
    recipe: BaseForecaster, calendar: BaseForecaster, country: Country, y: pd.DataFrame, count: int
) -> list[pd.DataFrame]:
    """Time the means of a batch; past errors of each of its series, for ranges, are those of another candidate."""
    days = pd.date_range(y.index[-1], periods=WEEK + 1)[1:]
    with _timed("points"):
        predict(fit(of_country(recipe, country), y), days)
    origins = backtest.last_origins(y, count, WEEK)
    means = backtest.means(of_country(calendar, country), y, origins, WEEK, 0)
    tables = [backtest.tabulate(means[..., at], y[key], origins) for at, key in enumerate(y)]
    return [rows.assign(location=key[0], category=key[1]) for key, rows in zip(y, tables, strict=True)]


def _forecast(series: list[pd.Series], recipe: BaseForecaster, residuals: pd.DataFrame) -> None:
    """Time what predict.ipynb does with a market of these series, as of the last day of any."""
    keys = [y.name for y in series]
    known = {key: y.rename(key[1]) for key, y in zip(keys, series, strict=True)}
    rows = {key: Rows.of(y.rename("value").rename_axis("date").reset_index()) for key, y in known.items()}
    last = max(y.index[-1] for y in series)
    accounts = pd.DataFrame(keys, columns=SERIES).assign(candidate="boosted", status="published", reason="")
    champion = Champion(recipe, residuals, {"series": len(keys), "data_through": f"{last:%F}"}, accounts)
    days = pd.date_range(last + DAY, periods=WEEK)
    facts = {"model_version": "many/1", "snapshot": "ab" * 32}
    with _timed("points, ranges, checks and table"):
        made = forecast_all(champion, Selection(known, rows, {}), days, 0, LEVELS, {}, 10_000, **facts)
    print(made.accounts["status"].value_counts().to_dict(), flush=True)
    with _timed("what the page says of it"):
        for one in made.series.values():
            one.outlook  # noqa: B018  made when it is asked for


def _backtest(name: str, recipe: BaseForecaster, country: Country, y: pd.DataFrame, count: int) -> None:
    origins = backtest.last_origins(y, count, WEEK)
    with _timed(f"backtest: {name}"):
        means = backtest.means(recipe, y, origins, WEEK, 0)
    with _timed("ranges and scores of all backtests"):
        actual = backtest.actual(y, origins, WEEK)
        scale = np.array([naive_error(y.loc[: origins[0], column]) for column in y])
        for some in (slice(start, start + 250) for start in range(0, y.shape[1], 250)):
            part, happened = means[..., some], actual[..., some]
            ranges = intervals.of_backtest(part, happened, origins, of_some(country, some), 0)
            scores_of(part, ranges, happened, scale[some], complete(part, ranges, happened))


def _loop(series: list[pd.Series], recipes: dict[str, BaseForecaster], count: int) -> dict[str, float]:
    """The same one by one."""
    for named in series:
        y, country = series_of(named.to_frame(), named.name), country_of(named.name[0])
        days, recipe = pd.date_range(y.index[-1], periods=WEEK + 1)[1:], of_country(recipes["boosted"], country)
        taken = least(lambda recipe=recipe, y=y, days=days: predict(fit(recipe, y), days), TIMES)
        spent["loop: points"] = spent.get("loop: points", 0.0) + taken
        origins = backtest.last_origins(y, count, WEEK)
        with _timed("loop: backtest of boosted"):
            backtest.means(recipe, y, origins, WEEK, 0)
    return {what: 1000 * spent.pop(what) / len(series) for what in ("loop: points", "loop: backtest of boosted")}


def least(do: Callable[[], object], times: int) -> float:
    """The least CPU in seconds that it takes, of so many times: a busy machine adds to it."""
    return min(timeit.repeat(do, timer=time.process_time, repeat=times, number=1))


def _peers(series: list[pd.Series]) -> dict[str, float]:
    """CPU in ms a series of common libraries, in their own environment."""
    if not PEERS_PYTHON.exists():
        return dict.fromkeys(PEERS, float("nan"))
    drawn = series[:: max(len(series) // LOOPED, 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.csv"
        pd.concat(drawn, axis=1).set_axis(range(len(drawn)), axis=1).to_csv(path, index=False)
        command = [str(PEERS_PYTHON), "-W", "ignore", "-c", TIMED, str(path), str(WEEK), *PEERS]
        done = subprocess.run(command, cwd=ROOT / "benchmarks", check=True, capture_output=True, text=True)
    return dict(zip(PEERS, map(float, done.stdout.split()), strict=True))


TIMED = """
import sys
import numpy as np, pandas as pd, peers
peers.TIMES = 3
table = pd.read_csv(sys.argv[1])
for name in sys.argv[3:]:
    every = [table[column].dropna().to_numpy(float) for column in table]
    print(np.mean([peers.milliseconds(peers.PEERS[name], y, int(sys.argv[2])) for y in every]))
"""


if __name__ == "__main__":
    main()
