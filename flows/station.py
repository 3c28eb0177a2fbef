"""What every station of the line does: validate, open a record, lay down the champion, run its notebook, deliver."""

import datetime as dt
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from pydantic import BaseModel

from flows import bucket, kernel, ledger, notebook, record, schedule
from flows.account import Record
from flows.folder import add_tags, claim, last_good, not_begun, prune
from flows.local import HOME, LISBON, PARAMS
from footfall import problems
from footfall.markets import read_market
from footfall.params import Market
from footfall.problems import DataProblem, EnvironmentProblem, Interrupted, Problem, UsageProblem

step = task(cache_policy=NO_CACHE)


@dataclass
class Run:
    """One run of one station: its parameters, its folder, its place in MLflow, and what it found on its way."""

    station: str
    market: Market
    folder: Path
    id: str = ""
    kept: Record | None = None
    found: dict[str, str] = field(default_factory=dict)

    @property
    def as_of(self) -> dt.date:
        """The day the run stands on."""
        return dt.date.fromisoformat(str(self.market.data.as_of))

    def written(self, name: str) -> Any:
        """A JSON file that the notebook wrote."""
        return json.loads((self.folder / "out" / name).read_text())


def particulars(market: str, as_of: str | None, settings: dict[str, Any] | None) -> Market:
    """The market's parameters as of a day: the one asked for, the market's own, or the one that the run is due on.

    Parameters
    ----------
    market : str
        Name of a file in ``params/``.
    as_of : str, optional
        ISO day; the market's own, else the one it was scheduled for, else today.
    settings : dict, optional
        Dotted keys that replace values of the market's file, ``{"train.margin": 0.05}``.

    Raises
    ------
    UsageProblem
        If that day is still to come.
    """
    asked = {"data.as_of": as_of} if as_of else {}
    known = read_market(PARAMS, market, {**(settings or {}), **asked})
    if known.data.as_of:
        _refuse_a_day_to_come(market, known.data.as_of)
        return known
    return read_market(PARAMS, market, {**(settings or {}), "data.as_of": schedule.day().isoformat()})


def _refuse_a_day_to_come(market: str, as_of: str) -> None:
    """Its forecast would be the latest until then, and that of every day before it would be stored but not shown."""
    today = max(dt.datetime.now(LISBON).date(), schedule.day())
    if dt.date.fromisoformat(as_of) > today:
        advice = "give today or an earlier day, or leave it out"
        raise UsageProblem(f"{market} as of {as_of}: that day is still to come, in Lisbon it is {today}; {advice}")


@contextmanager
def recorded(
    station: str, market: str, as_of: str | None, settings: dict[str, Any] | None, **tags: str
) -> Iterator[Run]:
    """A run whose record reaches MLflow however it ends, before anything that comes after it.

    Raises
    ------
    Problem
        Whatever stopped the run, once it is on record.
    """
    kernel.warm(station)
    known = particulars(market, as_of, settings)
    begun = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
    run = Run(station, known, HOME / "runs" / f"{begun}-{station}-{market}-{uuid.uuid4().hex[:8]}")
    facts = {"market": market, "as_of": str(known.data.as_of), **_flow_run()}
    tags = facts | {name: value for name, value in tags.items() if value}
    claim(run.folder, notebook.NOTEBOOKS / f"{station}.ipynb", tags)
    try:
        run.id = record.start(run.folder)
        for sentence in settle(run.folder.parent):
            voice().info(sentence)
        _bring_back_the_last_good(run)
        yield run
    except BaseException as error:
        if run.kept is None:  # it stopped before its notebook began
            run.kept = not_begun(run.folder, error)
        _deliver_if_possible(run, error)
        raise
    record.deliver(run.folder)


def _deliver_if_possible(run: Run, error: BaseException) -> None:
    try:
        if isinstance(error, record.Away):  # it was waited for long enough
            raise error
        voice().info(f"record          {run.folder} · {record.link(record.deliver(run.folder))}")
    except Exception as why:  # the trouble at hand is the one to tell of
        voice().warning(f"the record waits in {run.folder.name} ({why}); the next start delivers it")


def settle(runs: Path) -> list[str]:
    """Put in order what earlier runs left behind, and say what was done; none of it may stop the run that starts."""
    told = [*_buried(), *record.deliver_waiting(runs)]
    prune(runs)
    return told


def _buried() -> list[str]:
    try:
        return schedule.bury()
    except Exception as error:  # Prefect is away; whoever comes next asks again
        return [f"Prefect could not be asked for runs that died: {type(error).__name__}"]


def _bring_back_the_last_good(run: Run) -> None:
    with suppress(Problem, OSError):
        if last_good(run.folder.parent, run.station, run.market.name) is None:
            record.bring_back(run.folder.parent, run.station, run.market.name)


def _flow_run() -> dict[str, str]:
    context = FlowRunContext.get()
    return {"prefect_flow_run": str(context.flow_run.id)} if context and context.flow_run else {}


def voice() -> Any:
    """Where progress is told: Prefect's log of this run, and the terminal where there is one."""
    return get_run_logger().getChild("footfall")  # type: ignore[union-attr]


@contextmanager
def stage(name: str) -> Iterator[list[str]]:
    """Says what a stage did, and how long it took."""
    told: list[str] = []
    begun = time.monotonic()
    yield told
    voice().info(f"{name:<9}{time.monotonic() - begun:6.1f} s  {' · '.join(told)}")


def bucket_name() -> str:
    """The bucket that everything goes to."""
    return os.environ.get("FOOTFALL_BUCKET", "footfall")


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
def run_notebook(run: Run, parameters: BaseModel) -> None:
    """Run the station's notebook on what was laid down; one that did not succeed stops the run."""
    with stage(run.station) as told:
        add_tags(run.folder, run.found)
        run.kept = notebook.run_notebook(
            run.folder, parameters.model_dump(mode="json"), voice().info, run.market.limits
        )
        told.append(run.kept.outcome)
    if run.kept.outcome != "succeeded":
        raise _problem(run.kept)


def _problem(kept: Record) -> Problem:
    """The notebook's own problem, of its own class, so that the exit code says what kind it was."""
    where = f"{kept.notebook}.ipynb {kept.outcome}" + (f" in cell {kept.stopped_at}" if kept.stopped_at else "")
    name, _, text = kept.reason.partition(": ")
    if kept.outcome == "interrupted":
        return Interrupted(f"{where}: {kept.reason}")
    if kept.outcome != "failed":
        return EnvironmentProblem(f"{where}: {kept.reason}")
    if name == "AssertionError":
        return DataProblem(f"{where}: {text}")
    return getattr(problems, name, Problem)(f"{where}: {kept.reason}")
