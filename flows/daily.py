"""The day's work of every market that has no schedule of its own: one run after the other in one process.

What a process costs before its first line of work, imports above all, is so paid once a day and not three times a
market. Each market keeps runs, records, states and alerts of its own.
"""

import datetime as dt
from collections.abc import Coroutine
from typing import Any

from prefect import Flow, flow
from prefect.client.schemas.objects import State

from flows.orchestration import deployments, schedule
from flows.predict import predict
from flows.review import review
from flows.settings import today
from flows.sources.reading import one_reading
from flows.station.run import log
from flows.storage import bucket as storage
from flows.train import is_due, train, was_trained
from footfall.errors import Interrupted, Problem, UsageProblem
from footfall.sources.fault import counted


@flow(name="daily", flow_run_name="{timezone}", validate_parameters=False)
async def daily(timezone: str, as_of: str | None = None) -> str | State[Any]:
    """Predict and review each market of a zone; train it first where it has no champion, and once a month.

    A market whose file cannot be read any more is of every zone: its runs fail, and so it is told.

    Args:
        timezone: IANA name of the zone, such as Europe/Lisbon.
        as_of: ISO day; the one it was scheduled for if left out, else today.

    Returns:
        How many markets had their day.

    Raises:
        UsageProblem: If there is no such market.
        Problem: At the end, if stations failed; each has told of it already, and kept no other from its day.
    """
    zones, unreadable = deployments.by_zone(), deployments.unreadable()
    if timezone not in zones and not unreadable:
        raise UsageProblem(f"{timezone}: no market that is run with others has its clock there; there are {[*zones]}")
    if missed := schedule.overtaken(*zones.get(timezone, [])):
        return missed
    markets = [*zones.get(timezone, []), *unreadable]
    moment = schedule.due() or dt.datetime.now(dt.UTC)
    day = dt.date.fromisoformat(as_of) if as_of else today(timezone, moment)
    failed = list[str]()
    for market in markets:
        first = [train] if _is_to_be_trained(market, day) else []
        stations: list[Flow[..., Coroutine[Any, Any, Any]]] = [*first, predict, review]
        with one_reading(), schedule.all_due(moment):
            for station in stations:
                try:
                    log().info(f"{market}: {await station(market, str(day))}")
                except Interrupted:
                    raise
                except Exception as error:  # its own run has told of it, and is on record
                    failed.append(f"{station.name} of {market}: {error}")
    if failed:
        raise Problem(f"{len(failed)} of the stations of {len(markets)} markets failed, the first of them {failed[0]}")
    return f"{counted(len(markets), 'market')} had their {day}"


def _is_to_be_trained(market: str, day: dt.date) -> bool:
    """Whether a training is due, or that cannot be told: its own run then meets the same, and is on record.

    The month's that was missed, or failed, is made up for on the next day; what keeps it from its end is told once.
    """
    try:
        return is_due(storage.connect(), market, day) or not was_trained(market, day)
    except Exception:
        return True
