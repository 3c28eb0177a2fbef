"""What the Prefect server does by itself: send on what is told, and notice the runs that fell silent.

`arrange` puts it there, together with the deployments; whatever it finds under these names, it replaces.
"""

import logging
import os
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from apprise import Apprise
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import get_client
from prefect.events import EventTrigger, Posture, ResourceSpecification
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore
from pydantic import SecretStr

from footfall.problems import EnvironmentProblem

NAME = "footfall-alerts"
SETTING = "FOOTFALL_ALERT_URL"
logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it shows an address that it does not know, password and all


def address() -> str:
    """Where alerts go, as Apprise writes it; empty where none is set. It may hold a password: never show it.

    Raises
    ------
    EnvironmentProblem
        If nothing can be sent there.
    """
    asked = os.environ.get(SETTING, "").strip()
    for url in (asked, _webhook(asked)):
        if asked and Apprise().add(url):
            return url
    if asked:
        raise EnvironmentProblem(
            f"{SETTING}: not an address that alerts can go to. Write a webhook, https://…, or a mailbox, "
            "mailto://user:password@mail.example.org?to=me@example.org, or any other address of Apprise."
        )
    return ""


def told() -> str:
    """Where alerts go, in a sentence that gives no secret away."""
    return f"Alerts go to the address in {SETTING}." if address() else f"No alerts: {SETTING} is not set."


def arrange() -> None:
    """Put the block and the automation on the server, or take them away where no address is set."""
    where = address()
    with get_client(sync_client=True) as client:
        there = client.read_automations_by_name(NAME)
        if not where:
            for one in there:
                client.delete_automation(one.id)
            return
        # whatever its name, this block takes every address of Apprise
        block: Any = SlackWebhook(url=SecretStr(where), notify_type="warning").save(NAME, overwrite=True)
        for one in there[1:]:
            client.delete_automation(one.id)
        if there:
            client.update_automation(there[0].id, _automation(block))
        else:
            client.create_automation(_automation(block))


def _webhook(url: str) -> str:
    """A web address as Apprise's JSON webhook; what follows the question mark is marked as the receiver's own."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return ""
    query = urlencode([(f"-{key}", value) for key, value in parse_qsl(parts.query)])
    return urlunsplit((parts.scheme.replace("http", "json"), parts.netloc, parts.path, query, ""))


def _automation(block: uuid.UUID) -> AutomationCore:
    market = ResourceSpecification({"prefect.resource.id": "footfall.market.*"})
    told = EventTrigger(expect={"footfall.*"}, match=market, posture=Posture.Reactive, threshold=1)
    subject, body = "Footfall {{ event.payload.market }}: {{ event.payload.cause }}", "{{ event.payload.sentence }}"
    send = SendNotification(block_document_id=block, subject=subject, body=body)
    return AutomationCore(name=NAME, description="Sends what Footfall tells.", trigger=told, actions=[send])
