"""The daily station: the champion's forecast of the days after ``as_of``, on record and then published."""

from typing import Any

from prefect.client.schemas.objects import State

from flows import alerts, bucket, desk, forecasts, record, schedule, scores, station
from flows.form import station_flow
from flows.snapshot import take_snapshot
from footfall.forecast import read_forecast, week
from footfall.params import PredictParams
from footfall.problems import GateClosed


@station_flow
async def predict(
    market: str,
    as_of: str | None = None,
    settings: dict[str, Any] | None = None,
    snapshot: str | None = None,
    show: bool = True,
) -> str | State[Any]:
    """Forecast a market as of a day and publish it; the same inputs publish nothing twice.

    Parameters
    ----------
    market, as_of, settings
        As in `flows.station.particulars`.
    snapshot : str, optional
        Sha256 of a kept snapshot to forecast from again, instead of asking the source.
    show : bool, default=True
        Whether readers shall be pointed to the forecast; one that fills a gap in the past is only stored.

    Returns
    -------
    str
        What became of the forecast, in a sentence with its address.
    """
    if missed := schedule.overtaken(market):
        return missed
    with station.recorded("predict", market, as_of, settings) as run:
        take_snapshot(run, snapshot)
        if station.take_champion(run) is None:
            advice = f"train one: footfall train {market} --as-of {run.as_of}"
            raise GateClosed(f"{market} has no champion as of {run.as_of}; {advice}")
        station.run_notebook(run, _parameters(run, scores.take_track(run)))
    published = publish(run, show)
    await desk.present(run, published, week(read_forecast(run.folder / "out")).to_dict("records"))
    return published


def _parameters(run: station.Run, track: str) -> PredictParams:
    return PredictParams(
        **run.market.series(), **run.market.predict.model_dump(), model_version=run.found["model_version"],
        snapshot="in/snapshot.parquet", champion="in/champion", out="out", track=track,
    )  # fmt: skip


@station.step
def publish(run: station.Run, show: bool) -> str:
    """Put the forecast that the notebook wrote where readers look for it."""
    with station.stage("publish") as told:
        files = {path.name: path.read_bytes() for path in sorted((run.folder / "out" / "forecast").iterdir())}
        about, place = {**run.found, "record": run.id}, bucket.connect(station.bucket_name())
        done = forecasts.publish(place, run.market.name, run.as_of, files, about, show)
        with alerts.best_effort():  # readers have it by now
            record.tag(run.id, {"forecast": done.url, "published": str(done.moved).lower()})
        forecasts.put_up(place, done, files if show else {})
        told.append(done.message)
    return done.message
