"""The daily station: the champion's forecast of the days after ``as_of``, on record and then published."""

from typing import Any

from prefect.client.schemas.objects import State

from flows.orchestration import schedule
from flows.station import artifacts, scores
from flows.station.champion import take_champion
from flows.station.events import of_the_place
from flows.station.notify import notify, tell_refused
from flows.station.publish import note_shown, publish
from flows.station.run import Run, after_record, recorded, run_notebook
from flows.station.snapshot import accessed, take_snapshot
from flows.station.station_flow import station_flow
from flows.station.weather import take_weather
from flows.storage.forecasts import Published
from footfall.errors import GateClosed
from footfall.params import PredictParams


@station_flow
async def predict(
    market: str,
    as_of: str | None = None,
    settings: dict[str, Any] | None = None,
    snapshot: str | None = None,
    show: bool = True,
) -> Published | State[Any]:
    """Forecast a market as of a day and publish it; the same inputs publish nothing twice.

    Parameters
    ----------
    market, as_of, settings
        As in `flows.station.run.market_as_of`.
    snapshot : str, optional
        Sha256 of a kept snapshot to forecast from again, instead of asking the source.
    show : bool, default=True
        Whether readers shall be pointed to it; a forecast that fills a gap in the past is only stored.

    Returns
    -------
    Published
        What became of the forecast, and where it is.
    """
    if missed := schedule.overtaken(market):
        return missed
    with recorded("predict", market, as_of, settings) as run:
        note_shown(run)
        take_snapshot(run, snapshot)
        weather = take_weather(run)
        if take_champion(run) is None:
            advice = f"train one: footfall train {market} --as-of {run.as_of}"
            raise GateClosed(f"{market} has no champion as of {run.as_of}; {advice}")
        run_notebook(run, of_prediction(run, weather, scores.take_track(run)))
    with after_record(run):
        published, many = publish(run, show), tell_refused(run, show) > 1
        notify(run, show)
        from footfall.page.lines import read_shown, records  # its languages take a third of a second to import

        table = read_shown((run.folder / "out" / "forecast" / "forecast.parquet").read_bytes())
        await artifacts.present(run, published.message, records(table, many))
    return published


def of_prediction(run: Run, weather: str, track: str) -> PredictParams:
    """The parameters of predict.ipynb, from what was laid down: the paths of weather and track record, "" without."""
    return PredictParams(**run.market.series(), **run.market.predict.model_dump(), **of_the_place(run),
        accessed=accessed(run), model_version=run.facts["model_version"], snapshot="in/snapshot.parquet",
        champion="in/champion", out="out", track=track, weather=weather)  # fmt: skip
