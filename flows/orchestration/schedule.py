"""The schedule as Prefect keeps it: which day a run stands for, which came too late, what comes next."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import tags
from prefect.exceptions import ObjectNotFound
from prefect.server.schemas.schedules import CronSchedule as DueCron
from prefect.states import Completed

from flows.orchestration import alerts
from flows.orchestration.client import AGAIN, answering, is_again, own_run
from flows.orchestration.deployments import DAILY, DOES, is_shared
from flows.settings import params_folder, today
from footfall.market_file import read_market
from footfall.params import Data

GOING = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
MEMORY = dt.timedelta(days=900)  # Prefect works out a thousand dates at most

_due: ContextVar[dt.datetime | None] = ContextVar("_due", default=None)


def due() -> dt.datetime | None:
    """The moment that the run which this process is in was scheduled for; None if a person asked for it."""
    if moment := _due.get():
        return moment
    run = own_run()
    return run.expected_start_time if run and (run.auto_scheduled or is_again()) else None


@contextmanager
def all_due(moment: dt.datetime) -> Iterator[None]:
    """Whatever runs within is due at a moment, also once its day is over, and in place of a dead one if its own is."""
    token = _due.set(moment)
    try:
        with tags(*[AGAIN] * is_again()):
            yield
    finally:
        _due.reset(token)


def overtaken(*markets: str) -> State[Any] | None:
    """The end of a scheduled run that begins when a newer one of its schedule is already due; None if it is to run.

    After days without a worker the backlog starts all at once. Only the newest of it does any work; of the others it is
    said, once, which days they were and how to have them.
    """
    run = own_run()
    if run is None or not run.auto_scheduled or run.expected_start_time is None:
        return None
    newer: list[FlowRun] = []
    with alerts.best_effort(), get_client(sync_client=True) as client:  # a server that is away holds up no run
        newer = due_after(client, run)
    if not newer:
        return None
    return Completed(name="Missed", message=" ".join(_missed(market, run, newer) for market in markets))


def _missed(market: str, run: FlowRun, newer: list[FlowRun]) -> str:
    """Which days of a market were not run in time, in a sentence; an alert is open for as long as that is so."""
    data = read_market(params_folder(), market).data
    due_runs = (run, [run, *newer][-2], newer[-1])
    first, last, newest = (today(data.timezone, late.expected_start_time) for late in due_runs)
    missed = f"{first}" if first == last else f"{first} … {last}"
    sentence = f"{missed} not run in time; {newest} is due and runs instead."
    if data.as_of is None:  # a market whose clock stands still has missed nothing
        sentence += f" Run what was missed:  footfall backfill {market} --from {first} --to {last}"
        alerts.open(market, "missed day", sentence)
    return sentence


def coming(market: str) -> list[dict[str, str]]:
    """What the deployments of a market have before them, the late first: flow, when in its own zone, state."""
    data = read_market(params_folder(), market).data
    zone = ZoneInfo(data.timezone)
    with answering() as client:
        coming: list[tuple[str, FlowRun]] = []
        for station, deployment in _deployments(client, market, data, *DOES):
            runs = _runs(client, deployment.id, limit=20, state={"type": {"any_": [StateType.SCHEDULED, *GOING]}})
            its = [run for run in runs if run.parameters.get("timezone", data.timezone) == data.timezone]
            coming += [(station, run) for run in _late_and_next(its)]
    return [
        {"flow": flow, "when": f"{run.expected_start_time.astimezone(zone):%Y-%m-%d %H:%M}", "state": run.state_name}
        for flow, run in coming
        if run.expected_start_time and run.state_name
    ]


def days(market: str, first: dt.date, last: dt.date) -> list[dt.date]:
    """The days from `first` to `last` on which a forecast of the market is scheduled; none without a deployment."""
    data = read_market(params_folder(), market).data
    with answering() as client:
        schedules = [entry for _, each in _deployments(client, market, data, "predict") for entry in each.schedules]
    schedules = [entry for entry in schedules if entry.parameters.get("timezone", data.timezone) == data.timezone]
    first, zone = max(first, last - MEMORY), ZoneInfo(data.timezone)
    span = [dt.datetime.combine(day, dt.time(), zone) for day in (first, last + dt.timedelta(days=1))]
    moments: set[dt.datetime] = set()
    for active in (entry.schedule for entry in schedules if entry.active):
        if isinstance(active, CronSchedule):
            moments |= set(asyncio.run(DueCron(cron=active.cron, timezone=active.timezone).get_dates(None, *span)))
    return sorted({moment.astimezone(zone).date() for moment in moments if moment < span[1]})


def _deployments(
    client: SyncPrefectClient, market: str, data: Data, *stations: str
) -> Iterator[tuple[str, DeploymentResponse]]:
    """Those of a market's stations, and the one that runs it among others of its zone, if it is one of them."""
    for name in (*(f"{station}/{market}" for station in stations), *[f"daily/{DAILY}"] * is_shared(market, data)):
        with suppress(ObjectNotFound):
            yield name.partition("/")[0], client.read_deployment_by_name(name)


def _late_and_next(runs: list[FlowRun]) -> list[FlowRun]:
    now = dt.datetime.now(dt.UTC)
    begun = [run for run in runs if run.expected_start_time and run.expected_start_time <= now]
    return begun + [run for run in runs if run not in begun][:1]


def due_after(client: SyncPrefectClient, run: FlowRun) -> list[FlowRun]:
    """The scheduled runs of the same deployment and zone that came due after this one, oldest first."""
    later = {"after_": run.expected_start_time, "before_": dt.datetime.now(dt.UTC)}
    runs = _runs(client, run.deployment_id, expected_start_time=later)
    called_off, zone = (StateType.CANCELLED, StateType.CANCELLING), run.parameters.get("timezone")
    scheduled = [one for one in runs if one.auto_scheduled and one.id != run.id and one.state_type not in called_off]
    return [one for one in scheduled if one.parameters.get("timezone") == zone]


def _runs(client: SyncPrefectClient, deployment: UUID | None, limit: int | None = None, **rules: Any) -> list[FlowRun]:
    """The runs of a deployment for which the rules hold, as Prefect's filter has them, oldest first."""
    wanted = FlowRunFilter.model_validate({"deployment_id": {"any_": [deployment] if deployment else []}, **rules})
    return client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=limit)
