"""What the Prefect server does by itself: send on what is told, notice a missing worker and a run that fell silent.

`arrange` puts it there, together with the deployments; whatever it finds under these names, it replaces.
"""

import datetime as dt
import uuid
from typing import Any

from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events import EventTrigger, Posture, ResourceSpecification
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore
from pydantic import SecretStr

from flows.orchestration.client import answering
from flows.orchestration.receivers import address_in
from flows.settings import POOL, prefect_is_ours
from footfall.digest import sha256

DOES = {
    "footfall-alerts": "What a run tells goes to the address that footfall up was given.",
    "footfall-idle": "Nobody has asked the pool for work for an hour: said once.",
    "footfall-silence": "A run that gives no more signs of life is not shown as running for ever.",
}
NAMES = tuple(DOES)
HOUR = dt.timedelta(hours=1)
SETTING = "FOOTFALL_ALERT_URL"
ADVICE = f"set {SETTING}, then footfall up"


def sentence() -> str:
    """Where alerts go, in a sentence that gives no secret away; the server knows, whatever this shell has set."""
    return "Alerts go to the address that footfall up was given." if sends() else f"No alerts: {ADVICE}."


def sends() -> bool:
    """Whether alerts go anywhere."""
    with answering() as client:
        return bool(client.read_automations_by_name(NAMES[0]))


def arrange() -> None:
    """Put the automations on the server in place of those of the same names; those that send only with an address.

    One that is there as it should be is left alone: what it waits for, such as a sign of life, would be forgotten with
    it. Without an address nothing is taken from a server that is not ours: another worker there may have one.
    """
    url = address_in(SETTING)
    with answering() as client:
        present = {name: client.read_automations_by_name(name) for name in NAMES}
        if not url and present[NAMES[0]] and not prefect_is_ours():
            return
        # whatever its name, this block takes every address of Apprise
        block: Any = url and SlackWebhook(url=SecretStr(url), notify_type="warning").save(NAMES[0], overwrite=True)
        due = [lost(block or None), *([forwarding(block), idle(block)] if block else [])]
        for automation in due:
            digest = sha256(automation.model_dump_json().encode())  # by which one that has changed is known
            automation.description = f"{DOES[automation.name]} ({digest[:12]})"
        for name, old in present.items():
            _replace(client, old, [automation for automation in due if automation.name == name])


def _replace(client: SyncPrefectClient, present: list[Automation], due: list[AutomationCore]) -> None:
    if [automation.description for automation in present] != [automation.description for automation in due]:
        for old in present:
            client.delete_automation(old.id)
        for new in due:
            client.create_automation(new)


def forwarding(block: uuid.UUID) -> AutomationCore:
    """Whatever `flows.orchestration.alerts` tells goes to the address."""
    market = ResourceSpecification({"prefect.resource.id": "footfall.market.*"})
    trigger = EventTrigger(expect={"footfall.*"}, match=market, posture=Posture.Reactive, threshold=1)
    subject, body = "Footfall {{ event.payload.market }}: {{ event.payload.cause }}", "{{ event.payload.sentence }}"
    return AutomationCore(name=NAMES[0], trigger=trigger, actions=[_send(block, subject, body)])


def idle(block: uuid.UUID) -> AutomationCore:
    """Nobody has asked the pool for work: said once, by the one server that is still there to say it."""
    pool = ResourceSpecification({"prefect.resource.id": "prefect.work-pool.*", "prefect.resource.name": POOL})
    trigger = EventTrigger(
        after={"prefect.work-pool.not-ready"}, expect={"prefect.work-pool.ready"}, match=pool,
        for_each={"prefect.resource.id"}, posture=Posture.Proactive, threshold=1, within=HOUR,
    )  # fmt: skip
    body = "No worker has asked for work: nothing is forecast until one does. Start one:  footfall up"
    return AutomationCore(name=NAMES[1], trigger=trigger, actions=[_send(block, "Footfall: no worker", body)])


def lost(block: uuid.UUID | None) -> AutomationCore:
    """A run that has stopped giving signs of life on another machine is not shown as running for ever.

    On this machine `flows.orchestration.reaper.reap` knows sooner. Signs come every three minutes, and a server that
    was away shall not take the runs that went on without it for dead.
    """
    states = ("heartbeat", "Running", "Completed", "Failed", "Cancelled", "Crashed")
    signs = {f"prefect.flow-run.{state}" for state in states}
    begun = {"prefect.flow-run.Pending", "prefect.flow-run.heartbeat"}
    trigger = EventTrigger(
        after=begun, expect=signs, for_each={"prefect.resource.id"},
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
        posture=Posture.Proactive, threshold=1, within=HOUR / 4,
    )  # fmt: skip
    gone = "It gave no sign of life for a quarter of an hour."
    end = ChangeFlowRunState(name="Crashed", state=StateType.CRASHED, message=gone, force=False)
    body = "The run {{ flow_run.name }} gave no sign of life for a quarter of an hour; footfall runs"
    actions: list[Any] = [end, *([_send(block, "Footfall: run lost", body)] if block else [])]
    return AutomationCore(name=NAMES[2], trigger=trigger, actions=actions)


def _send(block: uuid.UUID, subject: str, body: str) -> SendNotification:
    return SendNotification(block_document_id=block, subject=subject, body=body)
