"""The days that were missed, or a whole past: each walked as of its own day, as if it were today."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

from flows.champion import ledger
from flows.machine import give_back_memory
from flows.orchestration import alerts
from flows.predict import predict
from flows.review import review
from flows.sources.reading import one_reading
from flows.storage import bucket as storage
from flows.storage import forecasts
from flows.train import is_due, train
from footfall.errors import Interrupted, Problem


async def backfill(
    market: str, days: list[dt.date], settings: dict[str, Any] | None = None, show: bool = False
) -> AsyncIterator[str]:
    """Train on the first of a month and where there is no champion yet, predict and review every day.

    Parameters
    ----------
    market : str
        Name of a file in ``params/``.
    days : list of date
        In order. A day that has a forecast already is passed over.
    settings : dict, optional
        Dotted keys that replace values of the market's file.
    show : bool, default=False
        Whether each forecast shall become the latest, as on the day itself.

    Yields
    ------
    str
        What became of each day, in a sentence.

    Raises
    ------
    Problem
        At the end, if days came to nothing; of the class of the first problem.
    """
    bucket, failed = storage.connect(), list[Problem]()
    before = ledger.champion(bucket, market)
    try:
        with one_reading(), nullcontext() if show else alerts.muted():
            for day in days:
                if forecasts.sets_of_day(bucket, market, day):
                    yield f"{day}: has a forecast already"
                    continue
                try:
                    yield f"{day}: {await _walk(market, day, settings, show)}"
                except Interrupted:
                    raise
                except Problem as problem:
                    failed.append(problem)
                    yield f"{day}: {type(problem).__name__}: {problem}"
                give_back_memory()  # a year of days takes no more than one
    finally:  # also of a walk that is stopped
        now = ledger.champion(bucket, market)
        if now and now != before and not show:  # a training as of a day after the last one decides for today, too
            alerts.tell(market, "promotion", f"version {now.version} is champion, as of {now.as_of}: {now.why}")
    if failed:
        sentence = f"{len(failed)} of {len(days)} days came to nothing, the first of them by this: {failed[0]}"
        raise type(failed[0])(sentence)


async def _walk(market: str, day: dt.date, settings: dict[str, Any] | None, show: bool) -> str:
    if is_due(storage.connect(), market, day):
        await train(market, str(day), settings)
    published = await predict(market, str(day), settings, show=show)
    return f"{published} · {await review(market, str(day), settings)}"
