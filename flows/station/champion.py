"""The champion that a run works with, and the challenger that may take its place."""

from flows.champion import ledger, registry
from flows.orchestration import alerts
from flows.settings import bucket_name
from flows.station.run import Run, stage, step
from flows.storage import bucket


@step
def take_champion(run: Run) -> str | None:
    """Lay down the champion of the run's day; its version, or None where there was none yet."""
    with stage("champion") as told:
        place, market = bucket.connect(bucket_name()), run.market.name
        known = ledger.follow(place, market)  # whoever promoted last may have been killed before the alias moved
        entry = ledger.in_force(known, run.as_of)
        if entry:
            run.found["model_sha256"] = ledger.lay_down(place, entry, run.folder / "in")
            run.found["model_version"] = f"{market}/{entry.version}"
        told.append(f"version {entry.version}, since {entry.as_of}" if entry else f"none as of {run.as_of}")
    return entry.version if entry else None


@step
def register(run: Run) -> str | None:
    """Put the challenger into the registry, where it is nobody's champion yet."""
    facts = {"gate": run.written("gate.json")["reason"], **run.found}
    return registry.register(run.market.name, run.id, run.folder / "out" / "model", facts)


@step
def promote(run: Run, version: str | None, incumbent: str | None) -> str:
    """Enter the challenger into the ledger as champion, where the notebook's gate passed; its record is kept by now."""
    with stage("gate") as told:
        gate, place = run.written("gate.json"), bucket.connect(bucket_name())
        said = f"version {version} was not promoted"
        if version is None:
            said = f"nothing new: it is version {incumbent}, byte for byte"
        elif gate["passed"]:
            entry, said = ledger.promote(place, run.market.name, version, incumbent, run.as_of, gate, run.id)
            if entry:
                alerts.tell(run.market.name, "promotion", f"{said}: {gate['reason']}")
        told += [gate["reason"], said]
    return " · ".join(told)
