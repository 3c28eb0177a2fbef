"""Alerts: what a person must hear of, told once per cause, to one address, by way of Prefect.

What lasts (a failure, a source that has stopped) is opened, and says nothing more until it is closed; what is over at
once (a promotion) is told each time. To tell is to put an event on the Prefect server, where an automation sends it on
to the address in ``FOOTFALL_ALERT_URL``, see `flows.orchestration.automations`. An open cause is a variable there: of
two runs that meet the same cause at once, only one can create it, so that it is told once; it says so for as long as
it has not, so that whoever was killed in between leaves it to the next.
"""

import contextlib
import datetime as dt
import json
import re
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import VariableCreate, VariableUpdate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.logging import get_logger

from flows.orchestration.client import answering, is_again, own_run

LONG = 2000
KEPT = 650  # characters of a sentence in a variable: Prefect takes 5,000 of JSON in JSON, where one may become seven
PLAIN = str.maketrans("<>[]", "‹›()")  # mail shows it as HTML, Slack as its own markup: both ask for these
PREFIX = "footfall_open_"
TELLING = dt.timedelta(minutes=2)  # the longest that it takes to tell; who has not by then will not
_muted = ContextVar("_muted", default=False)


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Days of the past are walked without alerts: nothing of what happens on them is news, or mends what is open."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


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
        Tells reasons apart that call for other things to be done; the newest is the one that stays open. With a kind
        the newest sentence stays open too, told or not.

    Returns
    -------
    bool
        Whether it was told now; an alert that cannot be told stops nothing.
    """
    if _muted.get():
        return False
    about, name = _about(market, cause, sentence) | {"kind": kind}, _name(market, cause)
    with best_effort(), get_client(sync_client=True) as client:
        try:
            client.create_variable(VariableCreate(name=name, value=_kept(about | {"untold": about["since"]})))
        except ObjectAlreadyExists:
            first = _already_open(client, about)
            late = (dt.datetime.now(dt.UTC) - TELLING).isoformat()
            given_up = "untold" in first and (is_again() or first["untold"] < late)
            already = first.get("id") != about["id"] and first.get("kind", "") == kind and not given_up
            if kind or not already:
                newest = first | {"sentence": about["sentence"]} if already else about | {"untold": about["since"]}
                client.update_variable(VariableUpdate(name=name, value=_kept(newest)))
            if already:
                return False
        try:
            _emit(client, about)
        except BaseException:  # it was not told, so it is not open
            client.delete_variable_by_name(name)
            raise
        with contextlib.suppress(ObjectNotFound):  # it was closed meanwhile
            client.update_variable(VariableUpdate(name=name, value=_kept(about)))
        return True
    return False


def close(market: str, *causes: str) -> None:
    """Take note that causes are gone; the next time, they are told anew."""
    if _muted.get():
        return
    with best_effort(), get_client(sync_client=True) as client:
        for variable in _variables(client, {"any_": [_name(market, cause) for cause in causes]}):
            with contextlib.suppress(ObjectNotFound):  # someone else was first
                client.delete_variable_by_name(variable["name"])


def tell(market: str, cause: str, sentence: str, of_now: bool = False) -> bool:
    """Tell of something that is over at once: a promotion, a rollback; one that is `of_now`, whatever day is walked.

    Returns
    -------
    bool
        Whether it was told.
    """
    if _muted.get() and not of_now:
        return False
    with best_effort(), get_client(sync_client=True) as client:
        _emit(client, _about(market, cause, sentence))
        return True
    return False


def opened() -> list[dict[str, str]]:
    """The causes that are open, oldest first: ``market``, ``cause``, ``sentence`` and ``since``, a UTC time."""
    with answering() as client:
        causes = [json.loads(variable["value"]) for variable in _variables(client, {"like_": PREFIX})]
    return sorted(causes, key=lambda cause: cause["since"])


def _variables(client: SyncPrefectClient, name: dict[str, Any]) -> list[dict[str, Any]]:
    """Ours of those on the server whose name fits Prefect's filter."""
    wanted: Any = {"variables": {"name": name}, "limit": 200}  # its client's own type for JSON is narrower than JSON
    variables = client.request("POST", "/variables/filter", json=wanted).json()
    return [variable for variable in variables if variable["name"].startswith(PREFIX)]


def _about(market: str, cause: str, sentence: str) -> dict[str, str]:
    now = dt.datetime.now(dt.UTC).isoformat()
    return {
        "market": market,
        "cause": cause,
        "sentence": sentence.translate(PLAIN),
        "since": now,
        "id": str(uuid.uuid4()),
    }


def _kept(about: dict[str, str]) -> str:
    """What a variable holds of an open cause."""
    return json.dumps(about | {"sentence": about["sentence"][:KEPT]}, ensure_ascii=False)


def _already_open(client: SyncPrefectClient, about: dict[str, str]) -> dict[str, str]:
    """What stands in our way; it may be our own, its reply lost and the request repeated."""
    variable = client.read_variable_by_name(_name(about["market"], about["cause"]))
    return dict(json.loads(str(variable.value))) if variable else {}


def _emit(client: SyncPrefectClient, about: dict[str, str]) -> None:
    """Put an event on the server, and know that it is there.

    Prefect's own `emit_event` queues it for a websocket, and a process that is about to end may take the queue along.
    """
    own = own_run()
    runs = [f"prefect.flow-run.{own.id}"] if own else []
    event: Any = {
        "event": f"footfall.{about['cause'].replace(' ', '-')}",
        "resource": {"prefect.resource.id": f"footfall.market.{about['market']}"},
        "related": [{"prefect.resource.id": run, "prefect.resource.role": "flow-run"} for run in runs],
        "payload": about,
        "id": about["id"],
        "occurred": about["since"],
    }
    client.request("POST", "/events", json=[event]).raise_for_status()


def _name(market: str, cause: str) -> str:
    return PREFIX + re.sub(r"[^a-z0-9]+", "_", f"{market} {cause}".lower())


@contextlib.contextmanager
def best_effort() -> Iterator[None]:
    """For what is no reason to stop a run where it cannot be done; the log has it."""
    try:
        yield
    except Exception as error:
        get_logger("footfall.alerts").warning("not done: %s: %s", type(error).__name__, str(error)[:300])
