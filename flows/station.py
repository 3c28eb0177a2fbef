"""What every station of the line does: validate, open a record, take a snapshot, run its notebook, keep the record."""

import datetime as dt
import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from pydantic import BaseModel

from flows import bucket, fetch, kernel, notebook, record
from flows.folder import Record, add_tags, claim, not_begun
from flows.local import HOME, PARAMS
from footfall import problems, read, series
from footfall.params import Market, read_market
from footfall.problems import DataProblem, EnvironmentProblem, Problem

LISBON = ZoneInfo("Europe/Lisbon")
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
    """The market's parameters as of a day: the one asked for, else the market's own, else today in Lisbon."""
    asked = {"data.as_of": as_of} if as_of else {}
    known = read_market(PARAMS, market, {**(settings or {}), **asked})
    today = dt.datetime.now(LISBON).date().isoformat()
    return known if known.data.as_of else read_market(PARAMS, market, {**(settings or {}), "data.as_of": today})


@contextmanager
def recorded(station: str, market: str, as_of: str | None, settings: dict[str, Any] | None) -> Iterator[Run]:
    """A run whose record reaches MLflow however it ends, before anything that comes after it.

    Raises
    ------
    Problem
        Whatever stopped the run, once it is on record.
    """
    kernel.warm()
    known = particulars(market, as_of, settings)
    for sentence in record.deliver_waiting(HOME / "runs"):
        voice().info(sentence)
    begun = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
    run = Run(station, known, HOME / "runs" / f"{begun}-{station}-{market}-{uuid.uuid4().hex[:8]}")
    tags = {"market": market, "as_of": str(known.data.as_of), **_flow_run()}
    claim(run.folder, notebook.NOTEBOOKS / f"{station}.ipynb", tags)
    try:
        run.id = record.start(run.folder)
        yield run
    except BaseException as error:
        if run.kept is None:  # it stopped before its notebook began
            run.kept = not_begun(run.folder, error)
        _deliver_if_possible(run)
        raise
    record.deliver(run.folder)


def _deliver_if_possible(run: Run) -> None:
    try:
        record.deliver(run.folder)
    except EnvironmentProblem:  # the trouble at hand is the one to tell of
        voice().warning(f"the record waits in {run.folder.name}; the next start delivers it")


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


@step
def take_snapshot(run: Run) -> None:
    """Lay down what the source had published by the run's day, and keep it in the bucket under its own sha256."""
    data = run.market.data
    with stage("fetch") as told, tempfile.TemporaryDirectory() as scratch:
        path = fetch.fetch(data.source, Path(scratch))
        reading = read.read_google(path, data.wanted(), not_after=dt.datetime.now(LISBON).date())
        visible = series.visible(reading.series, run.as_of, data.lag)
        through = _fresh(visible, run)
        content = series.to_parquet(visible)
        about: dict[str, Any] = {
            "source": fetch.masked(data.source),
            "data_through": str(through),
            "rows": len(visible),
            "retrieved_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "notes": reading.notes,
        }
        place = bucket.connect(bucket_name())
        told += [f"data through {through}", f"{len(visible):,} rows", *reading.notes[:3]]
        _compare(place, run, visible)
        bucket.keep_snapshot(place, content, about)
        (run.folder / "in").mkdir(exist_ok=True)
        (run.folder / "in" / "snapshot.parquet").write_bytes(content)
        run.found |= {
            "snapshot": series.sha256(content),
            "source": fetch.masked(data.source),
            "data_through": str(through),
        }


def _fresh(visible: Any, run: Run) -> dt.date:
    """The last day with a published value in the market's series; stops a run on a source that has stopped."""
    data = run.market.data
    through: dt.date = series.pick(visible, data.location, data.category).index[-1].date()
    age = (run.as_of - through).days
    if age > data.stale_after:
        raise DataProblem(
            f"{fetch.masked(data.source)}: stale — its last {data.category} of {data.location} is {through}, {age} "
            f"days before {run.as_of}, and data.stale_after is {data.stale_after}. Stand on an earlier day: --as-of."
        )
    return through


def _compare(place: Any, run: Run, visible: Any) -> None:
    """Stop on a source that takes back what the published forecast was made from."""
    data, latest = run.market.data, bucket.latest(place, run.market.name)
    if data.accept_revisions or latest is None:
        return
    before = series.from_parquet(bucket.read(place, f"snapshots/{latest.manifest['about']['snapshot']}.parquet"))
    before, now = (_own(table, run) for table in (before, visible))
    found = read.compare(before, now) if len(before) else []
    if found:
        listed = problems.listed([f"{fetch.masked(data.source)}: {sentence}" for sentence in found])
        raise DataProblem(f"{listed}\nIf the source is right to revise itself: --set data.accept_revisions=true")


def _own(table: Any, run: Run) -> Any:
    """The rows of the market's own series that were visible on the run's day."""
    data = run.market.data
    mine = (table["location"] == data.location) & (table["category"] == data.category)
    return series.visible(table[mine], run.as_of, data.lag)


def bucket_name() -> str:
    """The bucket that everything goes to."""
    return os.environ.get("FOOTFALL_BUCKET", "footfall")


@step
def take_champion(run: Run) -> str | None:
    """Lay down the market's champion; its version, or None where there is none yet."""
    with stage("champion") as told:
        version = record.champion(run.market.name)
        if version:
            run.found["model_sha256"] = record.lay_down(run.market.name, version, run.folder / "in")
            run.found["model_version"] = f"{run.market.name}/{version}"
        told.append(f"version {version}" if version else "none yet")
    return version


@step
def take_track(run: Run) -> str:
    """Lay down how earlier forecasts came true, as it was known by the day before; where, or "" if it is not known."""
    try:
        content = bucket.read(bucket.connect(bucket_name()), f"{run.market.name}/track.json")
    except bucket.Missing:
        return ""
    if dt.date.fromisoformat(json.loads(content)["through"]) >= run.as_of - dt.timedelta(days=run.market.data.lag):
        return ""
    (run.folder / "in" / "track.json").write_bytes(content)
    return "in/track.json"


@step
def run_notebook(run: Run, parameters: BaseModel) -> None:
    """Run the station's notebook on what was laid down; one that did not succeed stops the run."""
    with stage(run.station) as told:
        add_tags(run.folder, run.found)
        run.kept = notebook.run_notebook(run.folder, parameters.model_dump(mode="json"), voice().info)
        told.append(run.kept.outcome)
    if run.kept.outcome != "succeeded":
        raise _problem(run.kept)


def _problem(kept: Record) -> Problem:
    """The notebook's own problem, of its own class, so that the exit code says what kind it was."""
    where = f"{kept.notebook}.ipynb {kept.outcome}" + (f" in cell {kept.stopped_at}" if kept.stopped_at else "")
    name, _, text = kept.reason.partition(": ")
    if kept.outcome != "failed":
        return EnvironmentProblem(f"{where}: {kept.reason}")
    if name == "AssertionError":
        return DataProblem(f"{where}: {text}")
    return getattr(problems, name, Problem)(f"{where}: {kept.reason}")
