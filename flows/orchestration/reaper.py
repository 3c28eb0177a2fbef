"""Runs that died without a word: told to Prefect, which would show them as running for ever, and run once more."""

import datetime as dt

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed

from flows.orchestration import alerts
from flows.orchestration.schedule import GOING, due_after, own_run
from flows.record.folder import owner_of
from flows.settings import POOL, home, prefect_is_ours

AGAIN = "again"
SILENT = dt.timedelta(minutes=10)  # without a process of its own, after which a run that was to begin never will
DIED = "Its process ended without a word: killed, or the machine stopped."


def bury() -> list[str]:
    """Say ``Crashed`` of runs whose process is gone, which Prefect would show as running for ever.

    One that a deployment started is started once more, unless it was that already or a newer one is due; so is one of
    the last day whose death Prefect has noticed by itself.

    Returns
    -------
    list of str
        One sentence per run.
    """
    own = own_run()
    with alerts.best_effort(), get_client(sync_client=True) as client:  # else the next start does it
        wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=GOING)))
        going = [run for run in client.read_flow_runs(flow_run_filter=wanted) if own is None or run.id != own.id]
        return [_bury(client, run) for run in [*filter(_dead, going), *_crashed(client)]]
    return []


def _crashed(client: SyncPrefectClient) -> list[FlowRun]:
    """Runs of deployments whose death was noticed within a day, by their worker or by Prefect, and not yet by us."""
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
        end_time=FlowRunFilterEndTime(after_=dt.datetime.now(dt.UTC) - dt.timedelta(days=1)),  # type: ignore[arg-type]
    )
    found = client.read_flow_runs(flow_run_filter=wanted)
    return [run for run in found if run.deployment_id and not _message(run).startswith(DIED)]


def _message(run: FlowRun) -> str:
    return (run.state.message if run.state else None) or ""


def _dead(run: FlowRun) -> bool:
    """Whether nobody works on it any more: by the owner of its folder, else by the process that the worker started."""
    owner = owner_of(home() / "runs", str(run.id))
    if owner:
        return not owner.lives()
    if not prefect_is_ours() or run.work_pool_name != POOL:
        return False  # another machine's, which its silence will tell of, see flows.orchestration.automations
    if run.infrastructure_pid:
        return not psutil.pid_exists(int(run.infrastructure_pid))
    return bool(run.state and dt.datetime.now(dt.UTC) - run.state.timestamp > SILENT)


def _bury(client: SyncPrefectClient, run: FlowRun) -> str:
    said = f"{DIED} {_message(run)}".strip() if run.state_type == StateType.CRASHED else DIED
    client.set_flow_run_state(run.id, Crashed(message=said), force=run.state_type == StateType.CRASHED)
    told = f"{run.name}: {said}"
    if run.deployment_id and AGAIN not in run.tags and not due_after(client, run):
        owner = owner_of(home() / "runs", str(run.id))
        parameters = run.parameters | ({"as_of": owner.tags["as_of"]} if owner and "as_of" in owner.tags else {})
        client.create_flow_run_from_deployment(
            run.deployment_id, parameters=parameters, tags=[AGAIN], idempotency_key=f"{AGAIN} {run.id}"
        )
        told += " It is run once more."
    if "market" in run.parameters:
        alerts.tell(run.parameters["market"], "run lost", told)
    return told
