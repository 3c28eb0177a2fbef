"""The models on the series of many countries, or of regions: how far they err beside the seasonal naive.

python -m benchmarks.elsewhere nations.csv.gz
python -m benchmarks.elsewhere regions.csv.gz --draw 300    so many series, drawn with a fixed seed

Every fourth day from 2020-10-01 on is an origin, so that each weekday comes up alike; no lag. A series takes part if it
is fit to be trained on by then. The panel that `boosted` learns from is all nations of the file, else 300 of its
series.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from sktime.forecasting.base import BaseForecaster

from benchmarks.many import read
from flows.authoring import candidates
from flows.settings import params_folder
from footfall.calendar import country_of
from footfall.evaluation.backtest import FEWEST_DAYS, backtest
from footfall.market_file import read_market
from footfall.models.boosted import Panel
from footfall.models.updating import of_country, with_panel, without_gaps
from footfall.series import WEEK, pick, unfit

FIRST, STEP, HORIZON = "2020-10-01", 4, WEEK  # days; the naive forecast has the same weekday a week before
OURS = ["calendar", "both scales", "boosted"]


def main(
    source: Annotated[Path, typer.Argument(help="A file in the columns of Google's reports.")],
    draw: Annotated[int | None, typer.Option(help="So many series; all of them if left out.")] = None,
) -> None:
    """Backtest every series, and print each model's ratio to the naive."""
    errors = pd.DataFrame(_errors(read(source), draw))
    print(f"{len(errors)} series, origins every {STEP} days from {FIRST}, {HORIZON} days ahead\n")
    print("| model | median ratio to naive | pooled ratio | lose to naive |\n|---|---|---|---|")
    for name in OURS:
        ratio = errors[name] / errors["seasonal naive"]
        pooled = errors[name].sum() / errors["seasonal naive"].sum()
        print(f"| {name} | {ratio.median():.3f} | {pooled:.3f} | {(ratio > 1).mean():.1%} |")


def _errors(table: pd.DataFrame, draw: int | None) -> Iterator[dict[str, Any]]:
    """Mean absolute error of each model on each series, over the days that all of them forecast."""
    panel = Panel(table)
    recipes = {
        name: with_panel(recipe, panel)
        for name, recipe in candidates.recipes(read_market(params_folder(), "sample"), HORIZON).items()
    }
    published = table[table["value"].notna()]
    keys = published[["location", "category"]].drop_duplicates()
    for location, category in (keys.sample(draw, random_state=1) if draw else keys).itertuples(index=False):
        y = pick(published[published["location"] == location], location, category)
        origins = pd.date_range(FIRST, y.index[-1] - pd.Timedelta(days=HORIZON), freq=f"{STEP}D")
        if len(origins) and not unfit(y[: origins[0]], FEWEST_DAYS):
            yield {"location": location, "category": category, **_error(recipes, y, origins, location)}


def _error(
    recipes: dict[str, BaseForecaster], y: pd.Series, origins: pd.DatetimeIndex, location: str
) -> dict[str, float]:
    ours = {name: of_country(recipes[name], country_of(location)) for name in OURS}
    table = backtest(ours, y, origins, HORIZON, lag=0)
    naive = table[table["candidate"] == OURS[0]].assign(candidate="seasonal naive")
    naive["mean"] = without_gaps(y).shift(WEEK).reindex(naive["date"]).to_numpy()
    table = pd.concat([table, naive])
    return (table["mean"] - table["actual"]).abs().groupby(table["candidate"]).mean().to_dict()


if __name__ == "__main__":
    typer.run(main)
