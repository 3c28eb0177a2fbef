"""Where messages go: addresses in the environment, which may hold a password and are never shown."""

import logging
import os
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from apprise import Apprise, NotifyFormat

from flows.proxies import settle_proxies
from footfall.errors import EnvironmentProblem

logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it shows an address that it does not know, password and all


def address_in(variable: str) -> str:
    """The address that a variable holds, as Apprise writes it; empty where it is not set. Never show it.

    Raises
    ------
    EnvironmentProblem
        If nothing can be sent there.
    """
    setting = os.environ.get(variable, "").strip()
    for url in (setting, _webhook(setting)):
        if setting and Apprise().add(url):
            return url
    if setting:
        raise EnvironmentProblem(
            f"{variable}: not an address that alerts can go to. Write a webhook, https://…, or a mailbox, "
            "mailto://user:password@mail.example.org?to=me@example.org, or any other address of Apprise."
        )
    return ""


def send(variable: str, subject: str, text: str) -> None:
    """Send a message to the address that a variable holds.

    Raises
    ------
    EnvironmentProblem
        If there is none, or it could not be sent.
    """
    url = address_in(variable)
    if not url:
        raise EnvironmentProblem(f"{variable} is not set: set it to the address, where the worker runs.")
    settle_proxies()
    receiver = Apprise()
    receiver.add(url)
    if not receiver.notify(text, subject, body_format=NotifyFormat.TEXT):
        raise EnvironmentProblem(f"{variable}: nothing could be sent to the address in it. Correct it, or try later.")


def _webhook(url: str) -> str:
    """A web address as Apprise's JSON webhook; what follows the question mark is marked as the receiver's own."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return ""
    query = urlencode([(f"-{key}", value) for key, value in parse_qsl(parts.query)])
    return urlunsplit((parts.scheme.replace("http", "json"), parts.netloc, parts.path, query, ""))
