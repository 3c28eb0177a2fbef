"""The station before all others: what is in the data, and whether it is fit to be trained on."""

from typing import Any

from flows.station import artifacts
from flows.station.run import Run, recorded, run_notebook
from flows.station.snapshot import take_snapshot
from flows.station.station_flow import station_flow
from footfall.params import ExploreParams


@station_flow
async def explore(market: str, as_of: str | None = None, settings: dict[str, Any] | None = None) -> str:
    """Look at a market's data as of a day; parameters as in `flows.station.run.market_as_of`, returns the verdict."""
    with recorded("explore", market, as_of, settings) as run:
        take_snapshot(run)
        run_notebook(run, _parameters(run))
    verdict = str(run.written("verdict.json")["sentence"])
    await artifacts.present(run, verdict)
    return verdict


def _parameters(run: Run) -> ExploreParams:
    chosen = run.market.series() | run.market.explore.model_dump()
    return ExploreParams(**chosen, horizon=run.market.predict.horizon, snapshot="in/snapshot.parquet", out="out")
