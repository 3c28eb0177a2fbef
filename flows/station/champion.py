"""The champion that a run works with, and the challenger that may take its place."""

import json

from flows.champion import ledger, registry
from flows.champion.entries import newest
from flows.orchestration import alerts
from flows.record import mlflow_runs
from flows.record.files import content_digest
from flows.sources.weather import is_of_weather
from flows.station.run import Run, stage, step
from flows.storage.bucket import Bucket, connect
from footfall.errors import EnvironmentProblem


@step
def take_champion(run: Run) -> str | None:
    """Lay down the champion of the run's day; its version, or None where there was none yet."""
    with stage("champion") as progress:
        bucket, market = connect(), run.market.name
        # whoever promoted last may have been killed before the alias moved
        last = ledger.follow(bucket, market, progress.append)
        champion = last.champion(run.as_of) if last else None
        if champion:
            run.facts["model_sha256"] = ledger.lay_down(bucket, market, champion, run.folder / "in")
            run.facts["model_version"] = f"{market}/{champion.version}"
        since = f"version {champion.version}, since {champion.as_of}" if champion else f"none as of {run.as_of}"
        progress.append(since)
    return champion.version if champion else None


def candidate(run: Run) -> str:
    """What the champion that was laid down is called among the candidates."""
    return str(json.loads((run.folder / "in" / "champion" / "about.json").read_text())["candidate"])


def check_weather(run: Run, weather: str) -> None:
    """Stop a training that would judge a champion that takes in the weather without any, though the market asks for it.

    Raises
    ------
    EnvironmentProblem
        It is tried again with the next run.
    """
    speaks = run.facts.get("model_version")
    if speaks and run.market.weather and not weather and is_of_weather(candidate(run)):
        stays = f"it stays {speaks}; without weather nothing would be learned of it"
        none = f"none is to be had ({run.no_weather.rstrip('.')})"
        raise EnvironmentProblem(f"the champion takes in the weather, and {none}: {stays}. Train again.")


@step
def register(run: Run) -> str | None:
    """Put the challenger into the registry, where it is nobody's champion yet."""
    own = {name: fact for name, fact in run.facts.items() if name not in ("model_version", "model_sha256")}
    tags = {"gate": run.written("gate.json")["reason"], **own}  # the two are of the champion that it was compared with
    return registry.register(run.market.name, run.id, run.folder / "out" / "model", tags, run.facts.get("model_sha256"))


@step
def promote(run: Run, version: str | None, incumbent: str | None) -> str:
    """Enter the challenger into the ledger as champion, where the notebook's gate passed; its record is kept by now."""
    with stage("gate") as progress:
        gate, bucket, market = run.written("gate.json"), connect(), run.market.name
        tell_of_what_was_cut_short(bucket, market)
        outcome = f"version {version} was not promoted"
        if version is None:
            outcome = f"nothing new: it is version {incumbent}, byte for byte"
        elif gate["passed"]:
            trained = content_digest(run.folder / "out" / "model")
            entry, outcome = ledger.promote(bucket, market, version, incumbent, run.as_of, gate, run.id, trained)
            if entry:
                alerts.tell(market, "promotion", f"{outcome}: {gate['reason']}")
        progress += [outcome, gate["reason"]]
    return " · ".join(progress)


def tell_of_what_was_cut_short(bucket: Bucket, market: str) -> None:
    """Tell of a promotion whose training was killed before it had told of it, and so before its decision was noted."""
    with alerts.best_effort():
        last = newest(bucket, market)
        if last and last.action == "promotion" and "decided" not in mlflow_runs.get(last.run).data.tags:
            sentence = f"version {last.version} is champion: {last.why}"
            if alerts.tell(market, "promotion", sentence):  # not while days of the past are walked
                mlflow_runs.tag(last.run, {"decided": sentence})
