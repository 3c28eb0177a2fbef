"""The station after predict: what was said against what happened; a model that has decayed is trained at once.

So is a young one each week: until there are days enough for a verdict, a week more teaches it much.
"""

from typing import Any

from prefect.client.schemas.objects import State

from flows.orchestration import alerts, schedule
from flows.station import artifacts, scores
from flows.station.events import of_the_place
from flows.station.run import Run, after_record, recorded, run_notebook
from flows.station.snapshot import take_snapshot
from flows.station.station_flow import is_past, station_flow
from flows.train import train
from footfall.params import ReviewParams


@station_flow
async def review(market: str, as_of: str | None = None, settings: dict[str, Any] | None = None) -> str | State[Any]:
    """Score the published forecasts of a market as of a day; parameters as in `flows.station.run.market_as_of`.

    Returns
    -------
    str
        What became known, how good the forecasts are, and what was done about it.
    """
    if missed := schedule.overtaken(market):
        return missed
    with recorded("review", market, as_of, settings) as run:
        take_snapshot(run)
        made_by = scores.take_forecasts(run)
        run_notebook(run, _parameters(run))
    with after_record(run):
        decay = run.written("drift.json")
        sentence = f"{scores.hand_in(run, made_by)} · {decay['reason']}"
        if not is_past(market, str(run.as_of)):
            _alert(market, decay)
        await artifacts.present(run, sentence, run.written("card.json"))
        trigger = scores.calls_for_training(run, decay["decayed"])
        return f"{sentence} · {await train(market, str(run.as_of), settings, trigger=trigger)}" if trigger else sentence


def _parameters(run: Run) -> ReviewParams:
    def laid_down(name: str) -> str:
        return f"in/{name}" if (run.folder / "in" / name).exists() else ""

    return ReviewParams(
        **run.market.series(), **run.market.review.model_dump(exclude={"rest"}), snapshot="in/snapshot.parquet",
        forecasts=laid_down("forecasts"), scores=laid_down(scores.TABLE), out="out",
        closures=of_the_place(run)["closures"],
    )  # fmt: skip


def _alert(market: str, decay: dict[str, Any]) -> None:
    """An alert that is open for as long as the forecasts are outside their band."""
    if decay["decayed"]:
        alerts.open(market, "decay", f"the forecasts have decayed since {decay['since']}: {decay['reason']}")
    else:
        alerts.close(market, "decay")
