"""The backtest on its own: the notebook's candidates over a stretch of the past, without servers and without record."""

import ast
import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from flows.settings import notebooks_folder, today
from flows.sources.events import closed_sites, file_of, of_the_place, read_file
from flows.sources.reading import read_source
from flows.sources.weather import LEARNED, SINCE, fetch_past, is_of_weather
from flows.storage.bucket import connect
from footfall import events, series
from footfall.calendar import country_of
from footfall.errors import DataProblem, UsageProblem
from footfall.evaluation.backtest import (
    WARM_UP,
    backtest_with_quantiles,
    comparable,
    days_known,
    last_origins,
    leaderboard,
    windows,
)
from footfall.evaluation.metrics import coverage, mae, wis
from footfall.models.event_effects import without_events
from footfall.params import FEWEST_ERRORS, FEWEST_ORIGINS, Market, TrainParams, fewest_origins
from footfall.quantiles import QUANTILES
from footfall.selection import Key, select
from footfall.series import site_of

TRIAL = 60  # days to forecast from at most, and as many before them for the intervals: under a minute


def backtest(
    market: Market, origins: pd.DatetimeIndex, names: list[str], horizon: int, lag: int, warm_up: int = WARM_UP
) -> pd.DataFrame:
    """What candidates of train.ipynb would have said on past days, with their intervals.

    Parameters
    ----------
    market : Market
        Whose series, whole, from its own source.
    origins : DatetimeIndex
        Days to forecast from.
    names : list of str
        Candidates; all of the notebook's if empty.
    horizon, lag : int
        Days to forecast, and days between a day and its publication.
    warm_up : int
        Days before the first origin that only gather errors for the intervals.

    Returns
    -------
    DataFrame
        A backtest table, see `footfall.evaluation.backtest`, with quantiles.

    Raises
    ------
    UsageProblem
        If the notebook has no such candidate.
    DataProblem
        If the series is too young for the first origin or ends before the last, or the notebook finds it unfit; or if
        none of the days can be scored.
    """
    learning = LEARNED + warm_up + horizon + lag
    span = (origins[0] - learning * series.DAY, origins[-1] + horizon * series.DAY)
    available = recipes(market, horizon, lag, span if any(map(is_of_weather, names)) else None)
    if missing := [name for name in names if name not in available]:
        raise UsageProblem(f"train.ipynb has no candidate {missing[0]!r}; it has {', '.join(map(repr, available))}")
    (location, _), y = shown_series(market)
    if origins[0] < (first := _first_origin(market, y, lag)):
        began = f"{location} begins on {y.index[0]:%Y-%m-%d}, and {market.explore.fit_from} days are needed"
        raise DataProblem(f"{began}: the first day that can be forecast from is {first:%Y-%m-%d}")
    if origins[-1] >= (last := y.index[-1]):
        ends = f"{location} ends on {last:%Y-%m-%d}"
        raise DataProblem(f"{ends}: what is said from {origins[-1]:%Y-%m-%d} on cannot be scored")
    chosen = {name: available[name] for name in names or available}
    table = backtest_with_quantiles(chosen, y, origins, horizon, lag, country_of(location), warm_up)
    if comparable(table).empty:
        none = f"of the days said from {origins[0]:%Y-%m-%d} to {origins[-1]:%Y-%m-%d} none is known and has a range"
        raise DataProblem(f"{none}, which takes {FEWEST_ERRORS} earlier errors: forecast from more days, or later ones")
    return table


def recipes(
    market: Market, horizon: int, lag: int = 0, weather: tuple[pd.Timestamp, pd.Timestamp] | None = None
) -> dict[str, Any]:
    """The candidates of train.ipynb for a market, learning from the whole of its source.

    Those that take in the weather are among them where the first and last day that it is needed of are given.
    """
    (table, closures), (_, y) = _read(market), shown_series(market)
    with tempfile.TemporaryDirectory() as folder:
        snapshot, issued = Path(folder) / "snapshot.parquet", Path(folder) / "weather.parquet"
        snapshot.write_bytes(series.to_parquet(table))
        if market.weather and weather:
            place, zone, (first, last) = market.weather, market.data.timezone, (day.date() for day in weather)
            fetch_past(place, zone, max(first, SINCE), min(last, today(zone))).to_parquet(issued)
        parameters = TrainParams(
            **market.series() | {"as_of": f"{y.index[-1] + lag * series.DAY:%Y-%m-%d}", "lag": lag}, horizon=horizon,
            backtest_days=FEWEST_ORIGINS, snapshot=str(snapshot), closures=closures,
            weather=str(issued) if issued.exists() else "",
        )  # fmt: skip
        return candidates(notebooks_folder() / "train.ipynb", parameters)


def trial(market: Market, name: str, beside: list[str]) -> pd.DataFrame:
    """One candidate beside others on the days that a training chooses on, as quickly as can be told; best first.

    Who tries until one does well has chosen it: the days of the verdict are left to the training. Of the others only
    those count that train.ipynb still has: nobody asked for the ones it has not.

    Returns
    -------
    DataFrame
        A leaderboard, see `footfall.evaluation.backtest.leaderboard`. The training judges on newer days, and decides.

    Raises
    ------
    DataProblem
        If the series is too young for it.
    """
    horizon, lag = market.predict.horizon, market.data.lag
    (_, y), available = shown_series(market), recipes(market, horizon, lag)
    if market.data.as_of:
        y = y[: pd.Timestamp(market.data.as_of) - lag * series.DAY]
    origins = last_origins(y, market.train.backtest_days, horizon, lag)
    chosen_on = windows(origins, horizon, lag).selection[-TRIAL:]
    chosen_on = chosen_on[chosen_on >= _first_origin(market, y, lag)]
    if len(origins) < fewest_origins(horizon, lag) or chosen_on.empty:
        few = f"{called(market)} has {days_known(y, horizon)} days, too few to choose on some and judge on others"
        raise DataProblem(f"{few}. A training takes fewer")
    names = list(dict.fromkeys([name, *(other for other in beside if other in available)]))
    table = backtest(market, chosen_on, names, horizon, lag, warm_up=TRIAL)
    return leaderboard(table, y)


def _first_origin(market: Market, y: pd.Series, lag: int) -> pd.Timestamp:
    return y.index[0] + (market.explore.fit_from + lag - 1) * series.DAY


def champions_recipe(runs: Path, market: str) -> str | None:
    """The candidate that the champion was, going by the newest prediction on this disk."""
    begun, unique = "????????T??????", "[0-9a-f]" * 8  # as a run's folder is named: whole, as pt is also in pt-parks
    for about in sorted(runs.glob(f"{begun}-predict-{market}-{unique}/in/champion/about.json"), reverse=True):
        return str(json.loads(about.read_text())["candidate"])
    return None


def recipe_of_champion(market: str) -> str:
    """The candidate that the champion of today was, as the ledger says and the registry holds it.

    Raises
    ------
    UsageProblem
        If the market has no champion.
    """
    from flows.champion import entries, ledger  # MLflow's import takes a second, and no other command here needs it

    bucket = connect()
    last = entries.newest(bucket, market)
    if last is None:
        named = "or name another recipe: --candidate NAME, one of the candidates in train.ipynb"
        raise UsageProblem(f"{market} has no champion yet; train one: footfall train {market}, {named}")
    with tempfile.TemporaryDirectory() as folder:
        ledger.lay_down(bucket, market, last.champions[-1], Path(folder))
        return str(json.loads((Path(folder) / "champion" / "about.json").read_text())["candidate"])


def shown_series(market: Market) -> tuple[Key, pd.Series]:
    """The market's own series, whole, as it is trained on; of many the one that ``data.show`` names, or the first."""
    data, (table, closures) = market.data, _read(market)
    chosen = select(table, data.location, data.category, data.choice(), 0)
    key = chosen.shown(data.show)
    alone = chosen._replace(series={key: chosen.series[key]})
    return key, without_events(alone, closures).series[key]


def called(market: Market) -> str:
    """A market, and of many the place in it that is shown."""
    if market.data.series is None:
        return market.name
    (location, category), _ = shown_series(market)
    return f"{market.name}, {site_of(location) or f'{location} {category}'} alone"


def _read(market: Market) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The whole of a market's source, closed where its owner's events say so; and what they and its file say of days.

    Of the events all: whoever looks back knows each.
    """
    data, path = market.data, file_of(market.name)
    known = read_file(path, data) if path else None
    table = closed_sites(data, known, read_source(events.closed_by(data, known)).series)
    return table, of_the_place(data, known)["closures"]


def candidates(path: Path, parameters: TrainParams) -> dict[str, Any]:
    """The candidates of a notebook: its cells run up to the one tagged ``candidates``, with these parameters.

    So the notebook remains the only place where a model is changed.
    """
    names: dict[str, Any] = {"__name__": "__main__"}  # whose a class is that a cell defines, as in a kernel
    for cell in json.loads(path.read_text())["cells"]:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code":
            try:
                exec(compile(ast.parse("".join(cell["source"])), path.name, "exec"), names)
            except AssertionError as error:  # what the notebook demands of its figures
                raise DataProblem(f"{path.name}: {error}") from None
        if "parameters" in tags:
            names |= parameters.model_dump()
        if "candidates" in tags:
            return dict(names["candidates"])
    raise UsageProblem(f"{path.name} has no cell tagged `candidates`")


def every_day(first: dt.date, last: dt.date) -> pd.DatetimeIndex:
    """Every day from the first to the last."""
    if first > last:
        raise UsageProblem(f"--from {first} lies after --to {last}")
    return pd.date_range(first, last)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """The form that judges read: ``origin,date,mean,q05,…,q95``."""
    columns = ["origin", "date", "mean", *QUANTILES]
    table[columns].to_csv(path, index=False, float_format="%.4f", date_format="%Y-%m-%d", lineterminator="\n")


def summary(table: pd.DataFrame) -> str:
    """The scores of one candidate, in a line."""
    scored = comparable(table)
    covered = f"{coverage(scored, 0.8):.0%}" if len(scored) else "nothing"
    return f"MAE {mae(scored):.2f}, WIS {wis(scored):.2f}, 80 % interval covers {covered}, {len(scored)} forecasts"
