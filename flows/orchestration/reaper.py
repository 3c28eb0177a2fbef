"""Runs that died without a word: told to Prefect, which would show them as running for ever, and run once more."""

import datetime as dt
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed, Scheduled

from flows.orchestration import alerts
from flows.orchestration.client import AGAIN, own_run
from flows.orchestration.schedule import GOING, due_after
from flows.record import mlflow_runs
from flows.record.folder import owner_of
from flows.record.owner import Owner
from flows.settings import POOL, day_of, home, params_folder, prefect_is_ours, today
from footfall.errors import Interrupted, Problem
from footfall.market_file import read_market

SILENT = dt.timedelta(minutes=10)  # without a process of its own, after which a run that was to begin never will
DIED = "Its process ended without a word: killed, or the machine stopped."


def reap() -> list[str]:
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
        unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": GOING}}})
        going = [run for run in client.read_flow_runs(flow_run_filter=unfinished) if own is None or run.id != own.id]
        dead = [_reap(client, run) for run in going if _is_dead(client, run)]
        dead += [_reap(client, run) for run in _crashed(client)]
        return [*dead, *_lost(client)]
    return []


def _lost(client: SyncPrefectClient) -> list[str]:
    """End in MLflow what Prefect knows to have ended elsewhere: a machine whose disk is gone sends no record."""
    sentences = []
    for number, flow_run in mlflow_runs.open_elsewhere(home() / "runs").items():
        with suppress(ObjectNotFound):
            state = client.read_flow_run(UUID(flow_run)).state
            if state and state.is_final():
                sentences.append(mlflow_runs.close_lost(number))
    return sentences


def _crashed(client: SyncPrefectClient) -> list[FlowRun]:
    """Runs of deployments whose death was noticed within a day, by their worker or by Prefect, and not yet by us."""
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    lately = {"state": {"type": {"any_": [StateType.CRASHED]}}, "end_time": {"after_": yesterday}}
    runs = client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(lately))
    return [run for run in runs if run.deployment_id and not _message(run).startswith(DIED)]


def _message(run: FlowRun) -> str:
    return (run.state.message if run.state else None) or ""


def _is_dead(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether nobody works on it any more: by who owns its folder, or its stations' folders, else by its process."""
    runs = home() / "runs"
    if owner := owner_of(runs, str(run.id)) or _owner_within(client, runs, run):
        return not owner.lives()
    if not prefect_is_ours() or run.work_pool_name != POOL:
        return False  # another machine's, which its silence will tell of, see flows.orchestration.automations
    if run.infrastructure_pid:
        return not psutil.pid_exists(int(run.infrastructure_pid))
    return bool(run.state and dt.datetime.now(dt.UTC) - run.state.timestamp > SILENT)


def _owner_within(client: SyncPrefectClient, runs: Path, run: FlowRun) -> Owner | None:
    """Who owns the folder of a station that a run began."""
    within = FlowRunFilter.model_validate({"parent_flow_run_id": {"any_": [run.id]}})
    owners = (owner_of(runs, str(each.id)) for each in client.read_flow_runs(flow_run_filter=within))
    return next(filter(None, owners), None)


def _reap(client: SyncPrefectClient, run: FlowRun) -> str:
    crashed = run.state_type == StateType.CRASHED
    message = f"{DIED} {_message(run)}".strip() if crashed else DIED
    sentence = f"{run.name}: {message}"
    if run.deployment_id and AGAIN not in run.tags and not due_after(client, run):
        _run_again(client, run, run.deployment_id)  # once, by its key, though we be stopped before the state is set
        sentence += " It is run once more."
    alerts.tell(run.parameters.get("market", run.name), "run lost", sentence, of_now=True)
    client.set_flow_run_state(run.id, Crashed(message=message), force=crashed)  # last: now it is dealt with
    with suppress(Problem):  # such as an MLflow that is away, on which none of this depends
        _fail_what_followed(run)
    return sentence


def _fail_what_followed(run: FlowRun) -> None:
    """Call its run in MLflow failed too, where the notebook succeeded and what came of it was never said."""
    its = f"tags.prefect_flow_run = '{run.id}' and attributes.status = 'FINISHED'"
    for _, recorded in mlflow_runs.search(None, its, most=1):
        if "decided" not in recorded.data.tags:
            mlflow_runs.fail(recorded.info.run_id, Interrupted("its process was killed"))


def _run_again(client: SyncPrefectClient, run: FlowRun, deployment: UUID) -> None:
    """As of the day that the dead one stood on; where it did not get as far as to say which, the one it was due on."""
    owner = owner_of(home() / "runs", str(run.id))
    as_of = (owner and owner.tags.get("as_of")) or run.parameters.get("as_of") or _day_due(run)
    parameters = run.parameters | ({"as_of": as_of} if as_of else {})
    client.create_flow_run_from_deployment(
        deployment, parameters=parameters, state=Scheduled(scheduled_time=run.expected_start_time), tags=[AGAIN],
        idempotency_key=f"{AGAIN} {run.id}",
    )  # fmt: skip


def _day_due(run: FlowRun) -> str | None:
    """The day that a scheduled run of a market, or of a zone's markets, was due on; None if a person asked for it."""
    due, zone = run.expected_start_time, run.parameters.get("timezone")
    if not run.auto_scheduled or due is None:
        return None
    if zone:
        return str(today(zone, due))
    with suppress(Problem):  # what is wrong with the market, the run itself says
        return str(day_of(read_market(params_folder(), run.parameters["market"]).data, due))
    return None
