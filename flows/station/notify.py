"""A word to the owner: the week as the page tells it, sent once a publication, and again if its picture has changed.

And to who operates it: which of a market's places have no forecast, and which left.
"""

import datetime as dt
from typing import Any

import pandas as pd

from flows.orchestration import alerts
from flows.orchestration.client import is_again
from flows.station.run import Run, log, stage, step
from flows.storage import bucket as storage
from flows.storage import layout
from footfall.errors import Problem, UsageProblem
from footfall.selection import without_forecast

CAUSE, REFUSED = "word not sent", "sites without a forecast"
SENDING = dt.timedelta(minutes=2)  # the longest that it takes to send; who has not by then will not


@step
def notify(run: Run, show: bool) -> None:
    """Send the week of a forecast that readers have; what cannot be sent is an alert, and stops nothing."""
    if not show or not run.market.notify.address_from or not run.is_of_the_present:
        return
    with alerts.best_effort(), stage("word") as results:
        try:
            results.append(_send_if_news(run))
        except Problem as problem:
            alerts.open(run.market.name, CAUSE, str(problem), kind=str(problem))
            results.append(f"not sent: {problem}")


@step
def tell_refused(run: Run, show: bool) -> int:
    """Say how many places have no forecast, and why the first has none; of one that readers have it is an alert.

    Where few are without one each more or less is told; of many only a number that begins with another digit, since
    there one or the other comes and goes every day.
    """
    accounts = pd.read_parquet(run.folder / "out" / "forecast" / "series.parquet")
    sentence, count = without_forecast(accounts), int(accounts["status"].eq("refused").sum())
    if sentence:
        log().warning(sentence)
    if show and run.is_of_the_present:
        if sentence:
            alerts.open(run.market.name, REFUSED, sentence, first_digit(count))
        else:
            alerts.close(run.market.name, REFUSED)
    return len(accounts)


def tell_revised(run: Run, show: bool) -> None:
    """Tell that few sites of many left or were rewritten, which stops no run, of a forecast that readers are to have.

    Not whoever accepts revisions.
    """
    revised = run.facts.get("revised")
    if show and revised and not run.market.data.accept_revisions and run.is_of_the_present:
        alerts.tell(run.market.name, "source revised", revised)


def first_digit(count: int) -> str:
    """The first digit of a number, and noughts for the others: 10 of all from 10 to 19."""
    digits = str(count)
    return digits[0].ljust(len(digits), "0")


def _send_if_news(run: Run) -> str:
    """Claim the message in the bucket, so that of two runs one sends it, and give it back where it cannot be sent.

    A claim says that it is unsent for as long as it is: of a run that was killed in between, the next
    sends it, at once if it runs in its place.
    """
    from footfall.page.words import is_news  # brings the page's languages, which a run that tells nobody does not need

    bucket, name, words = storage.connect(), layout.told(run.market.name), run.written("words.json")
    if not words["messages"]:  # more places than have a page each
        from footfall.page.pages import DRAWN

        why = f"of more than {DRAWN} places none has a page, and no week is put into words"
        raise UsageProblem(f"{why}; take notify out of {run.market.name}.yaml")
    told, now = {"as_of": str(run.as_of), "days": words["days"]}, dt.datetime.now(dt.UTC)
    message = storage.as_json(told | {"unsent": now.isoformat()})
    replaced = [b"{}"]

    def claim(content: bytes | None) -> bytes | None:
        replaced[0] = content or b"{}"
        before = storage.as_table(bucket, name, replaced[0], "what was told last")
        if "unsent" in before and (is_again() or before["unsent"] < (now - SENDING).isoformat()):
            before = {}
        return message if is_news(words["days"], before, run.as_of, run.market.notify.days) else None

    if not storage.amend(bucket, name, claim):
        return "nothing new to tell"
    try:
        _send(run, words["messages"])
    except BaseException:
        storage.amend(bucket, name, lambda content: replaced[0] if content == message else None)
        raise
    storage.amend(bucket, name, lambda content: storage.as_json(told) if content == message else None)
    alerts.close(run.market.name, CAUSE)
    return "the week was told"


def _send(run: Run, messages: dict[str, Any]) -> None:
    from flows.orchestration import receivers  # Apprise takes a third of a second, which others need not wait for

    message, page = messages[run.market.notify.language], layout.url(layout.shown(run.market.name, layout.PAGE))
    receivers.send(run.market.notify.address_from, message["subject"], f"{message['text']}\n{page}")
