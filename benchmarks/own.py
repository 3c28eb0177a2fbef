"""The models on tills and counters of one's own: their error beside the seasonal naive's, and what their ranges hold.

python -m benchmarks.own ../shared/data/own

Of the last two years every sixth day is an origin, so that each weekday comes up alike, but for the first year, or
the first half of a shorter series; 1 to 7 days ahead, no lag, open days that every model forecast. A model's ranges
are made from its errors on every day before, two months of which lie before the first origin, as in a training.
`boosted` learns from all sites of its file. All is told of all origins, and of their second half alone.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster
from sktime.forecasting.theta import ThetaForecaster

from benchmarks.many import check
from footfall.calendar import country_of
from footfall.evaluation.backtest import backtest, backtest_with_quantiles
from footfall.evaluation.metrics import covered
from footfall.models import ETS, Boosted, KindOfDay, LastYearsTurn, LogLevel, Panel, SeasonalNaive, WeekdaySmoother
from footfall.params import FEWEST_ORIGINS
from footfall.series import DAY, WEEK, pick
from footfall.units import COUNT

STEP, YEAR, MOST, HORIZON = 6, 365, 2 * 365, WEEK  # days
WEEKS = 6  # same weekdays whose median is a forecast
BLOCK, DRAWS, CONFIDENCE = 5, 1000, (0.05, 0.95)  # origins that are drawn together: a month's
NAIVE = "seasonal naive"
FILES = {  # file: separator, columns of day, site and count, and where its sites are
    "bakeries_daily.csv": (",", "date", "site", "sold", "DE"),
    "stuttgart_restaurant.csv": (",", "date", "", "dishes", "DE-BW"),
    "portuguese_shop.csv": (";", "date", "", "all", "PT"),
    "queen_street_daily.csv": (",", "date", "site", "count", "NZ-AUK"),
    "auckland_daily.csv": (",", "date", "site", "passers_by", "NZ-AUK"),
}


def main() -> None:
    """Backtest every series of the folder, and print each model's ratio to the naive."""
    folder = Path(sys.argv[1])
    check(folder, ", ".join(FILES))
    tables = dict(_tables(folder))
    _tell("all origins", tables)
    _tell("the second half of the origins", {name: _second_half(table) for name, table in tables.items()})


def _tell(span: str, tables: dict[str, pd.DataFrame]) -> None:
    errors = {name: _errors(table) for name, table in tables.items()}
    ratios = pd.DataFrame({name: error.mean() / error[NAIVE].mean() for name, error in errors.items()}).T
    held = pd.DataFrame({name: _held(table) for name, table in tables.items()}).T
    low, high = np.quantile(_drawn(errors), CONFIDENCE, axis=0)
    board = pd.DataFrame({"mean": ratios.mean(), "5 %": low, "95 %": high, "worst": ratios.max()})
    board["80 % range holds"], board["from"], board["to"] = held.mean(), held.min(), held.max()
    print(f"\nMAE as a share of the seasonal naive's, {span}\n", ratios.round(3).to_string(), sep="\n")
    print(f"\nWhat the 80 % range holds, {span}\n", held.round(3).to_string(), sep="\n")
    print(f"\nOver all series, {span}\n", board.round(3).to_string(na_rep=""), sep="\n")


def _second_half(table: pd.DataFrame) -> pd.DataFrame:
    """That of the newer half of its origins: on the older some settings were chosen, see resources/accuracy.md."""
    origins = table["origin"].unique()
    return table[table["origin"] >= origins[len(origins) // 2]]


def _tables(folder: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """A backtest table for each series, told of as it is done."""
    for snapshot in snapshots(folder):
        panel = Panel(snapshot)
        for location in snapshot["location"].unique():
            table = _table(snapshot, location, panel)
            error = _errors(table).mean()
            print(location, (error / error[NAIVE]).round(3).to_dict(), _held(table).round(2).to_dict(), flush=True)
            yield location, table


def snapshots(folder: Path) -> Iterator[pd.DataFrame]:
    """A series table for each owner."""
    for name, (separator, date, site, value, location) in FILES.items():
        if not (folder / name).exists():
            print(f"{folder / name}: not there, left out")
            continue
        rows = pd.read_csv(folder / name, sep=separator, parse_dates=[date])
        location = location + "/" + (rows[site].astype(str) if site else name.removesuffix(".csv"))
        table = {"location": location, "category": COUNT, "date": rows[date], "value": rows[value].astype(float)}
        yield pd.DataFrame(table).sort_values(["location", "date"], ignore_index=True)


def _candidates(country: str, panel: Panel) -> dict[str, BaseForecaster]:
    front = LogLevel() * KindOfDay(country) * LastYearsTurn()
    steady = front * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
    return {
        NAIVE: SeasonalNaive(),
        "ETS": ETS(trend="add", damped_trend=True, seasonal="add", sp=WEEK),
        "calendar": front * WeekdaySmoother(),
        "steady": steady,
        "boosted": Boosted(country, panel, calendar=steady),
    }


def _table(snapshot: pd.DataFrame, location: str, panel: Panel) -> pd.DataFrame:
    """A backtest table of all models; those without ranges on every sixth day alone."""
    y, country = pick(snapshot, location, COUNT)[-MOST:], country_of(location)
    y = y[y.first_valid_index() :]
    days = pd.date_range(y.index[min(YEAR, len(y) // 2)], y.index[-1] - HORIZON * DAY)
    ours = backtest_with_quantiles(_candidates(country, panel), y, days, HORIZON, 0, country, FEWEST_ORIGINS)
    theta = backtest({"Theta": ThetaForecaster(sp=WEEK, deseasonalize_model="additive")}, y, days[::STEP], HORIZON, 0)
    table = pd.concat([ours, theta, _medians(theta, y)], ignore_index=True)
    return table[table["origin"].isin(days[::STEP])]


def _medians(table: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    """The median of the last six open days of the same weekday, for the origins and days of a table."""
    said = [
        y[: row.origin][lambda seen, row=row: seen.index.dayofweek == row.date.dayofweek].dropna().tail(WEEKS).median()
        for row in table.itertuples()
    ]
    return table.assign(candidate=f"median of {WEEKS}", mean=said)


def _errors(table: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute error of each candidate, a row per origin: over days that were open and all have forecast."""
    wide = (table["mean"] - table["actual"]).abs().groupby([table["origin"], table["date"], table["candidate"]]).first()
    return wide.unstack().dropna().groupby("origin").sum()


def _held(table: pd.DataFrame) -> pd.Series:
    return covered(table, 0.8).groupby(table["candidate"]).mean()


def _drawn(errors: dict[str, pd.DataFrame]) -> np.ndarray:
    """Mean of ratios, shape (n_draws, n_candidates): series drawn anew, and of each its months."""
    random, drawn = np.random.default_rng(0), []
    for _ in range(DRAWS):
        series = random.choice(list(errors), len(errors))
        means = [_resampled(errors[name].to_numpy(), random) for name in series]
        columns = errors[series[0]].columns
        drawn.append(np.mean([mean / mean[columns.get_loc(NAIVE)] for mean in means], axis=0))
    return np.array(drawn)


def _resampled(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    starts = random.integers(len(rows), size=-(-len(rows) // BLOCK))
    return np.asarray(rows[(starts[:, None] + np.arange(BLOCK)).ravel() % len(rows)].mean(axis=0))


if __name__ == "__main__":
    main()
