"""The monthly station: backtest the candidates, and make the best one champion if the gate lets it pass."""

from typing import Any

from prefect.client.schemas.objects import State

from flows import alerts, bucket, desk, ledger, registry, schedule, station
from flows.form import station_flow
from flows.snapshot import take_snapshot
from footfall.params import TrainParams


@station_flow
async def train(
    market: str, as_of: str | None = None, settings: dict[str, Any] | None = None, trigger: str = ""
) -> str | State[Any]:
    """Train a market as of a day, and promote what passed the gate.

    Parameters
    ----------
    market, as_of, settings
        As in `flows.station.particulars`.
    trigger : str
        What called for it, a tag of its run: ``drift``.

    Returns
    -------
    str
        The gate's decision, in a sentence.
    """
    if missed := schedule.overtaken(market):
        return missed
    with station.recorded("train", market, as_of, settings, trigger=trigger) as run:
        take_snapshot(run)
        incumbent = station.take_champion(run)
        station.run_notebook(run, _parameters(run, incumbent))
        version = register(run)
    decided = promote(run, version, incumbent)
    await desk.present(run, decided, run.written("leaderboard.json"))
    return decided


def _parameters(run: station.Run, incumbent: str | None) -> TrainParams:
    return TrainParams(
        **run.market.series(), **run.market.train.model_dump(), horizon=run.market.predict.horizon,
        snapshot="in/snapshot.parquet", champion="in/champion" if incumbent else "", out="out",
    )  # fmt: skip


@station.step
def register(run: station.Run) -> str | None:
    """Put the challenger into the registry, where it is nobody's champion yet."""
    facts = {"gate": run.written("gate.json")["reason"], **run.found}
    return registry.register(run.market.name, run.id, run.folder / "out" / "model", facts)


@station.step
def promote(run: station.Run, version: str | None, incumbent: str | None) -> str:
    """Enter the challenger into the ledger as champion, where the notebook's gate passed; its record is kept by now."""
    with station.stage("gate") as told:
        gate, place = run.written("gate.json"), bucket.connect(station.bucket_name())
        said = f"version {version} was not promoted"
        if version is None:
            said = f"nothing new: it is version {incumbent}, byte for byte"
        elif gate["passed"]:
            entry, said = ledger.promote(place, run.market.name, version, incumbent, run.as_of, gate, run.id)
            if entry:
                alerts.tell(run.market.name, "promotion", f"{said}: {gate['reason']}")
        told += [gate["reason"], said]
    return " · ".join(told)
