"""The daily station: the champion's forecast of the days after ``as_of``, on record and then published."""

from typing import Any

from prefect import flow

from flows import bucket, desk, record, station
from footfall.forecast import read_forecast, week
from footfall.params import PredictParams
from footfall.problems import GateClosed


@flow(name="predict", flow_run_name="{market}", validate_parameters=False)
async def predict(market: str, as_of: str | None = None, settings: dict[str, Any] | None = None) -> str:
    """Forecast a market as of a day and publish it; the same inputs publish nothing twice.

    Parameters
    ----------
    market : str
        Name of a file in ``params/``.
    as_of : str, optional
        ISO day; the market's own, else today.
    settings : dict, optional
        Dotted keys that replace values of the market's file, ``{"predict.horizon": 14}``.

    Returns
    -------
    str
        What became of the forecast, in a sentence with its address.
    """
    with station.recorded("predict", market, as_of, settings) as run:
        station.take_snapshot(run)
        if station.take_champion(run) is None:
            raise GateClosed(f"{market} has no champion yet; train one: footfall train {market}")
        station.run_notebook(run, _parameters(run, station.take_track(run)))
    published = publish(run)
    await desk.present(run, published, week(read_forecast(run.folder / "out")).to_dict("records"))
    return published


def _parameters(run: station.Run, track: str) -> PredictParams:
    return PredictParams(
        **run.market.series(), **run.market.predict.model_dump(),
        snapshot="in/snapshot.parquet", champion="in/champion", out="out", track=track,
        model_version=run.found["model_version"],
    )  # fmt: skip


@station.step
def publish(run: station.Run) -> str:
    """Put the forecast that the notebook wrote where readers look for it."""
    with station.stage("publish") as told:
        files = {path.name: path.read_bytes() for path in sorted((run.folder / "out" / "forecast").iterdir())}
        about = {**run.found, "record": run.id}
        done = bucket.publish(bucket.connect(station.bucket_name()), run.market.name, run.as_of, files, about)
        record.tag(run.id, {"forecast": done.url, "published": str(done.moved).lower()})
        told.append(done.message)
    return done.message
