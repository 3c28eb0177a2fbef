"""The monthly station: backtest the candidates, and make the best one champion if the gate lets it pass."""

import datetime as dt
from typing import Any

from prefect.client.schemas.objects import State

from flows.champion import ledger
from flows.orchestration import schedule
from flows.record import mlflow_runs
from flows.station import artifacts
from flows.station.champion import check_weather, promote, register, take_champion
from flows.station.events import of_the_place
from flows.station.run import Run, after_record, recorded, run_notebook
from flows.station.snapshot import take_snapshot
from flows.station.station_flow import station_flow
from flows.station.weather import take_past_weather
from flows.storage.bucket import Bucket
from footfall.params import TrainParams


@station_flow
async def train(
    market: str, as_of: str | None = None, settings: dict[str, Any] | None = None, trigger: str = ""
) -> str | State[Any]:
    """Train a market as of a day, and promote what passed the gate.

    Parameters
    ----------
    market, as_of, settings
        As in `flows.station.run.market_as_of`.
    trigger : str
        What called for it, a tag of its run: ``drift`` or ``young``.

    Returns
    -------
    str
        The gate's decision, in a sentence.
    """
    if missed := schedule.overtaken(market):
        return missed
    with recorded("train", market, as_of, settings, trigger=trigger) as run:
        take_snapshot(run)
        weather, incumbent = take_past_weather(run), take_champion(run)
        check_weather(run, weather)
        run_notebook(run, _parameters(run, weather, incumbent))
        version = register(run)
    with after_record(run):
        decided = promote(run, version, incumbent)
        await artifacts.present(run, decided, run.written("leaderboard.json"))
    return decided


def is_due(bucket: Bucket, market: str, day: dt.date) -> bool:
    """Whether a market is trained on a day: on the first of a month, and where it has no champion yet."""
    return day.day == 1 or ledger.champion(bucket, market, day) is None


def was_trained(market: str, day: dt.date) -> bool:
    """Whether a training as of this day's month was brought to its end, the promotion included."""
    filters = f"tags.market = '{market}' and tags.as_of LIKE '{day:%Y-%m}-%' and tags.decided LIKE '%'"
    return bool(mlflow_runs.search("train", filters, most=1))


def _parameters(run: Run, weather: str, incumbent: str | None) -> TrainParams:
    return TrainParams(
        **run.market.series(), **run.market.train.model_dump(), horizon=run.market.predict.horizon,
        snapshot="in/snapshot.parquet", champion="in/champion" if incumbent else "", out="out",
        closures=of_the_place(run)["closures"], weather=weather,
    )  # fmt: skip
