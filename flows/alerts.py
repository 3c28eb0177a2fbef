"""Alerts: what a person must hear of, told once per cause, to one address, by way of Prefect.

What lasts (a failure, a source that has stopped) is opened, and says nothing more until it is closed; what is over at
once (a promotion) is told each time. To tell is to put an event on the Prefect server, where an automation sends it on
to the address in ``FOOTFALL_ALERT_URL``, see `flows.automations`. An open cause is a variable there: of two runs that
meet the same cause at once, only one can create it, so that it is told once.
"""

import contextlib
import datetime as dt
import json
import os
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import VariableCreate, VariableUpdate
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.logging import get_logger

from flows import bucket, forecasts
from flows.client import answering
from footfall.problems import StaleSource, UsageProblem

LONG = 2000
PREFIX = "footfall_open_"
_silent = ContextVar("_silent", default=False)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Days of the past are walked without alerts: nothing of what happens on them is news, or mends what is open."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def open(market: str, cause: str, sentence: str, kind: str = "") -> bool:
    """Tell of a cause that lasts, once: until it is closed, further calls of the same kind say nothing.

    Parameters
    ----------
    market : str
        The market that is concerned.
    cause : str
        A few plain words that name it, such as ``stale source``.
    sentence : str
        What happened, and what to do.
    kind : str, optional
        Tells reasons apart that call for other things to be done; the newest is the one that stays open.

    Returns
    -------
    bool
        Whether it was told now; an alert that cannot be told stops nothing.
    """
    about = _about(market, cause, sentence) | {"kind": kind}
    if _silent.get():
        return False
    with best_effort(), get_client(sync_client=True) as client:
        try:
            client.create_variable(VariableCreate(name=_name(market, cause), value=json.dumps(about)))
        except ObjectAlreadyExists:
            there = _there(client, about)
            if there.get("id") != about["id"] and there.get("kind", "") == kind:
                return False
            client.update_variable(VariableUpdate(name=_name(market, cause), value=json.dumps(about)))
        try:
            _emit(client, about)
        except BaseException:  # it was not told, so it is not open
            client.delete_variable_by_name(_name(market, cause))
            raise
        return True
    return False


def close(market: str, *causes: str) -> None:
    """Take note that causes are gone; the next time, they are told anew."""
    if _silent.get():
        return
    with best_effort(), get_client(sync_client=True) as client:
        wanted = {"variables": {"name": {"any_": [_name(market, cause) for cause in causes]}}}
        found = client.request("POST", "/variables/filter", json=wanted).json()  # type: ignore[arg-type]
        for one in found:
            with contextlib.suppress(ObjectNotFound):  # someone else was first
                client.delete_variable_by_name(one["name"])


def tell(market: str, cause: str, sentence: str) -> None:
    """Tell of something that is over at once: a promotion, a rollback."""
    if _silent.get():
        return
    with best_effort(), get_client(sync_client=True) as client:
        _emit(client, _about(market, cause, sentence))


async def failed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Open what stopped a flow; a hook of every flow, so that nothing that fails in it stays unsaid.

    Who asks for what cannot be, such as a day to come, is told there and then; that is no trouble of the market's.
    """
    error = await state.aresult(raise_on_failure=False)
    if isinstance(error, UsageProblem) and not flow_run.auto_scheduled:
        return
    cause = "stale source" if isinstance(error, StaleSource) else f"failure of {flow.name}"
    open(flow_run.parameters["market"], cause, f"{flow.name}: {error or state.message}"[:LONG], type(error).__name__)


async def completed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Close what a flow that ran through has shown to be gone; one that was left out has shown nothing."""
    if state.name == "Completed":
        of_today = ("stale source", "missed day") if _stood_on_the_present(flow_run.parameters) else ()
        close(flow_run.parameters["market"], f"failure of {flow.name}", *of_today)


def _stood_on_the_present(asked: dict[str, Any]) -> bool:
    """Whether a run asked the source as of no day before the latest forecast's: how it was then mends nothing now."""
    if asked.get("snapshot") or not asked.get("as_of"):
        return not asked.get("snapshot")
    with best_effort():
        shown = forecasts.pointer(bucket.connect(os.environ["FOOTFALL_BUCKET"]), asked["market"])
        return not shown or bool(asked["as_of"] >= shown["as_of"])
    return True


def opened(market: str | None = None) -> list[dict[str, str]]:
    """The causes that are open, oldest first: ``market``, ``cause``, ``sentence`` and ``since``, a UTC time."""
    with answering() as client:
        wanted = {"variables": {"name": {"like_": PREFIX}}, "limit": 200}
        found = client.request("POST", "/variables/filter", json=wanted).json()  # type: ignore[arg-type]
    causes = [json.loads(one["value"]) for one in found if one["name"].startswith(PREFIX)]
    return sorted((one for one in causes if market in (None, one["market"])), key=lambda one: one["since"])


def _about(market: str, cause: str, sentence: str) -> dict[str, str]:
    now = dt.datetime.now(dt.UTC).isoformat()
    return {"market": market, "cause": cause, "sentence": sentence, "since": now, "id": str(uuid.uuid4())}


def _there(client: SyncPrefectClient, about: dict[str, str]) -> dict[str, str]:
    """What stands in our way; it may be our own, its reply lost and the request repeated."""
    there = client.read_variable_by_name(_name(about["market"], about["cause"]))
    return dict(json.loads(str(there.value))) if there else {}


def _emit(client: SyncPrefectClient, about: dict[str, str]) -> None:
    """Put an event on the server, and know that it is there.

    Prefect's own `emit_event` queues it for a websocket, and a process that is about to end may take the queue along.
    """
    run = FlowRunContext.get()
    flow_run = [f"prefect.flow-run.{run.flow_run.id}"] if run and run.flow_run else []
    event = {
        "event": f"footfall.{about['cause'].replace(' ', '-')}",
        "resource": {"prefect.resource.id": f"footfall.market.{about['market']}"},
        "related": [{"prefect.resource.id": one, "prefect.resource.role": "flow-run"} for one in flow_run],
        "payload": about,
        "id": about["id"],
        "occurred": about["since"],
    }
    client.request("POST", "/events", json=[event]).raise_for_status()  # type: ignore[arg-type]


def _name(market: str, cause: str) -> str:
    return PREFIX + re.sub(r"[^a-z0-9]+", "_", f"{market} {cause}".lower())


@contextlib.contextmanager
def best_effort() -> Iterator[None]:
    """For what is no reason to stop a run where it cannot be done; the log has it."""
    try:
        yield
    except Exception as error:
        get_logger("footfall.alerts").warning("not done: %s: %s", type(error).__name__, str(error)[:300])
