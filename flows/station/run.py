"""What every station of the line does: read its parameters, open a record, run its notebook, deliver the record."""

import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger
from pydantic import BaseModel

from flows.machine import give_back_pages
from flows.notebook import execute, forkserver
from flows.orchestration import alerts, reaper, schedule
from flows.orchestration.client import own_run
from flows.record import mlflow_runs
from flows.record.folder import ENDED, add_tags, claim, last_good, not_begun, prune, standing
from flows.record.record import Record
from flows.settings import day_of, home, notebook_of, params_folder, today
from footfall import errors
from footfall.errors import DataProblem, EnvironmentProblem, Interrupted, Problem, UsageProblem
from footfall.market_file import read_market
from footfall.params import Market

step = task(cache_policy=NO_CACHE)
# of what class a notebook's error is here; what a notebook asserts, it asserts of its data
PROBLEMS: dict[str, type[Problem]] = {
    "AssertionError": DataProblem,
    **{name: kind for name, kind in vars(errors).items() if isinstance(kind, type)},
}


@dataclass
class Run:
    """One run of one station: its parameters, its folder, its place in MLflow, and the facts that it met on its way."""

    station: str
    market: Market
    folder: Path
    id: str = ""
    record: Record | None = None
    facts: dict[str, str] = field(default_factory=dict)
    no_weather: str = ""  # why it goes without, where its market asks for it
    events: pd.DataFrame | None = None  # as they stood, see `flows.station.events`
    shown: dict[str, Any] | None = None  # to which forecast readers were pointed when it began
    is_of_the_present: bool = True  # whether it stands on the market's own day: of one that is over nobody is told

    @property
    def as_of(self) -> dt.date:
        """The day the run stands on."""
        return dt.date.fromisoformat(str(self.market.data.as_of))

    def key(self, name: str) -> str:
        """An artifact's key in Prefect, which has no underscore, as the name of a market may have."""
        return f"{self.market.name}-{name}".replace("_", "-")

    def written(self, name: str) -> Any:
        """A JSON file that the notebook wrote."""
        return json.loads((self.folder / "out" / name).read_text())


def market_as_of(market: str, as_of: str | None, settings: dict[str, Any] | None) -> Market:
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
    data = read_market(params_folder(), market, settings, as_of).data
    day = day_of(data, schedule.due())
    _refuse_a_day_to_come(market, day, data.timezone)
    return read_market(params_folder(), market, settings, str(day))


def _refuse_a_day_to_come(market: str, day: dt.date, zone: str) -> None:
    """Its forecast would be the latest until then, and that of every day before it would be stored but not shown."""
    latest = max(today(zone), today(zone, schedule.due()))
    if day > latest:
        advice = "give today or an earlier day, or leave it out"
        raise UsageProblem(f"{market} as of {day}: that day is still to come, in {zone} it is {latest}; {advice}")


@contextmanager
def recorded(
    station: str, market: str, as_of: str | None, settings: dict[str, Any] | None, **tags: str
) -> Iterator[Run]:
    """A run whose record reaches MLflow however it ends, before anything that comes after it.

    On the way in a kernel is made ready, the parameters are checked, the run's folder is claimed and its run in MLflow
    opened, what earlier runs left is put in order, and the last good run is laid beside it to tell changes against. On
    the way out, also after an error, the record is delivered. What comes after it goes into `after_record`.

    Raises
    ------
    Problem
        Whatever stopped the run, once it is on record.
    """
    forkserver.start(station)
    parameters = market_as_of(market, as_of, settings)
    began = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
    run = Run(station, parameters, home() / "runs" / f"{began}-{station}-{market}-{uuid.uuid4().hex[:8]}")
    run.is_of_the_present = run.as_of == day_of(read_market(params_folder(), market).data, schedule.due())
    always = {"market": market, "as_of": str(parameters.data.as_of), **_flow_run()}
    tags = always | {name: value for name, value in tags.items() if value}
    claim(run.folder, notebook_of(station), tags, station)
    try:
        run.id = mlflow_runs.start(run.folder)
        for sentence in recover(run.folder.parent):
            log().info(sentence)
        _bring_back_the_last_good(run)
        yield run
    except BaseException as error:
        if run.record is None:  # it stopped before its notebook began
            run.record = not_begun(run.folder, error)
        _deliver_if_possible(run, error)
        raise
    else:
        mlflow_runs.deliver(run.folder)
    finally:
        ENDED.add(run.folder)


def _deliver_if_possible(run: Run, error: BaseException) -> None:
    try:
        if isinstance(error, mlflow_runs.Away):  # it was waited for long enough
            raise error
        run.id = mlflow_runs.deliver(run.folder)
    except Exception as problem:  # the trouble at hand is the one to tell of
        log().warning(f"the record waits in {run.folder.name} ({problem}); the next start delivers it")
    else:
        _tell_of_failure(run, error)


@contextmanager
def after_record(run: Run) -> Iterator[None]:
    """What follows a record that was delivered, such as to publish: where it stops, MLflow calls the run failed too.

    The record itself stays, it is of the notebook.
    """
    try:
        yield
    except BaseException as error:
        _tell_of_failure(run, error)
        raise


def _tell_of_failure(run: Run, error: BaseException) -> None:
    """Say where the record of a failed run is, in Prefect too; in MLflow what stopped it, if its notebook did not."""
    with alerts.best_effort():
        if run.record and run.record.outcome == "succeeded":
            mlflow_runs.fail(run.id, error)
        link = mlflow_runs.link(run.id)
        log().info(f"record          {run.folder} · {link}")
        key = run.key(f"{run.station}-record")
        create_link_artifact(link, "the executed notebook in MLflow", key, _sync=True)  # type: ignore[call-arg]


def recover(runs: Path) -> list[str]:
    """Put in order what earlier runs left behind, and say what was done; none of it may stop the run that starts."""
    sentences = [*reaper.reap(), *mlflow_runs.deliver_waiting(runs)]
    prune(runs)
    return sentences


def _bring_back_the_last_good(run: Run) -> None:
    with suppress(Problem, OSError):
        of_this = run.folder.parent, run.station, run.market.name, standing({"as_of": str(run.as_of)}, run.folder.name)
        if last_good(*of_this) is None:
            mlflow_runs.bring_back(*of_this)


def _flow_run() -> dict[str, str]:
    own = own_run()
    return {"prefect_flow_run": str(own.id)} if own else {}


def log() -> Any:
    """Where progress is told: Prefect's log of this run, and the terminal where there is one."""
    return get_run_logger().getChild("footfall")  # type: ignore[union-attr]


@contextmanager
def stage(name: str) -> Iterator[list[str]]:
    """Says what a stage did, and how long it took."""
    results: list[str] = []
    began = time.monotonic()
    yield results
    log().info(f"{name:<9}{time.monotonic() - began:6.1f} s  {' · '.join(results)}")


@step
def run_notebook(run: Run, parameters: BaseModel) -> None:
    """Run the station's notebook on what was laid down; one that did not succeed stops the run."""
    with stage(run.station) as results:
        add_tags(run.folder, run.facts)
        literals = parameters.model_dump(mode="json")
        give_back_pages()  # of figures that were read; the notebook beside us wants them, and we only wait for it
        run.record = execute.run_notebook(run.folder, literals, log().info, run.market.limits)
        results.append(run.record.outcome)
    if run.record.outcome != "succeeded":
        raise _problem(run.record)


def _problem(record: Record) -> Problem:
    """The notebook's own problem, of its own class, so that the exit code says what kind it was."""
    where = f" in cell {record.stopped_at}" if record.stopped_at else ""
    failed = PROBLEMS.get(record.error_type, Problem)
    kind: type[Problem] = {"failed": failed, "interrupted": Interrupted}.get(record.outcome, EnvironmentProblem)
    return kind(f"{record.notebook}.ipynb {record.outcome}{where}: {record.reason}")
