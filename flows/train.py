"""The monthly station: backtest the candidates, and make the best one champion if the gate lets it pass."""

from typing import Any

from prefect import flow

from flows import desk, record, station
from footfall.params import TrainParams


@flow(name="train", flow_run_name="{market}", validate_parameters=False)
async def train(market: str, as_of: str | None = None, settings: dict[str, Any] | None = None) -> str:
    """Train a market as of a day, and promote what passed the gate.

    Parameters
    ----------
    market : str
        Name of a file in ``params/``.
    as_of : str, optional
        ISO day; the market's own, else today.
    settings : dict, optional
        Dotted keys that replace values of the market's file, ``{"train.margin": 0.05}``.

    Returns
    -------
    str
        The gate's decision, in a sentence.
    """
    with station.recorded("train", market, as_of, settings) as run:
        station.take_snapshot(run)
        incumbent = station.take_champion(run)
        station.run_notebook(run, _parameters(run, incumbent))
        decided = decide(run)
    await desk.present(run, decided, run.written("leaderboard.json"))
    return decided


def _parameters(run: station.Run, incumbent: str | None) -> TrainParams:
    return TrainParams(
        **run.market.series(), **run.market.train.model_dump(), horizon=run.market.predict.horizon,
        snapshot="in/snapshot.parquet", champion="in/champion" if incumbent else "", out="out",
    )  # fmt: skip


@station.step
def decide(run: station.Run) -> str:
    """Register the winner, and promote it where the notebook's gate passed."""
    with station.stage("gate") as told:
        gate, model = run.written("gate.json"), run.folder / "out" / "model"
        version = record.register(run.market.name, run.id, model, {"gate": gate["reason"], **run.found})
        if gate["passed"]:
            record.promote(run.market.name, version, run.folder / "proof")
        told += [gate["reason"], f"version {version} {'is champion' if gate['passed'] else 'was not promoted'}"]
    return " · ".join(told)
