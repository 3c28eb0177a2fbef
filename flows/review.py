"""The station after predict: what was said against what happened; a model that has decayed is trained at once.

So is a young one each week: until there are days enough for a verdict, a week more teaches it much.
"""

from typing import Any

from prefect.client.schemas.objects import State

from flows.champion import ledger
from flows.orchestration import alerts, schedule
from flows.settings import bucket_name
from flows.station import artifacts, scores
from flows.station.run import Run, log, recorded, run_notebook
from flows.station.snapshot import take_snapshot
from flows.station.station_flow import station_flow
from flows.storage.bucket import connect
from flows.train import train
from footfall.params import ReviewParams
from footfall.series import WEEK


@station_flow
async def review(market: str, as_of: str | None = None, settings: dict[str, Any] | None = None) -> str | State[Any]:
    """Score the published forecasts of a market as of a day; parameters as in `flows.station.run.particulars`.

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
    decay = run.written("drift.json")
    sentence = f"{scores.hand_in(run, made_by)} · {decay['reason']}"
    _alert(market, decay)
    await artifacts.present(run, sentence, run.written("card.json"))
    trigger = _calls_for_training(run, decay["decayed"])
    return f"{sentence} · {await train(market, str(run.as_of), settings, trigger=trigger)}" if trigger else sentence


def _parameters(run: Run) -> ReviewParams:
    def laid_down(name: str) -> str:
        return f"in/{name}" if (run.folder / "in" / name).exists() else ""

    return ReviewParams(
        **run.market.series(), **run.market.review.model_dump(exclude={"rest"}), snapshot="in/snapshot.parquet",
        forecasts=laid_down("forecasts"), scores=laid_down(scores.TABLE), out="out",
    )  # fmt: skip


def _calls_for_training(run: Run, decayed: bool) -> str:
    """What calls for one now, ``drift`` or ``young``: once for a cause, not every morning until it helps; else ""."""
    champion = ledger.champion(connect(bucket_name()), run.market.name, run.as_of)
    grown = champion and champion.gate.get("standing") == "young" and (run.as_of - champion.as_of).days >= WEEK
    for trigger, due, rest in (("drift", decayed, run.market.review.rest), ("young", grown, WEEK)):
        last = scores.trained_for(trigger, run.market.name, run.as_of, rest) if due else None
        if last:
            log().info(f"trained for this ({trigger}) as of {last}; not again within {rest} days")
        elif due:
            return trigger
    return ""


def _alert(market: str, decay: dict[str, Any]) -> None:
    """An alert that is open for as long as the forecasts are outside their band."""
    if decay["decayed"]:
        alerts.open(market, "decay", f"the forecasts have decayed since {decay['since']}: {decay['reason']}")
    else:
        alerts.close(market, "decay")
