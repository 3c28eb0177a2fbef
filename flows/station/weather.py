"""The weather as it was issued, kept under its own sha256: on a run's day, and for a training on every day before."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pandas as pd

from flows.settings import today
from flows.sources.weather import LEARNED, SINCE, fetch_past, fetch_weather
from flows.station.run import Run, stage, step
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket
from footfall.digest import sha256
from footfall.errors import DataProblem, Problem
from footfall.params import Market
from footfall.series import WEEK
from footfall.sources.weather import SOURCE

LATELY = 100  # days of issue that a run's weather goes back: a champion has none since its training, seldom older
WEATHER = "in/weather.parquet"  # in a run's folder


@step
def take_weather(run: Run) -> str:
    """Lay down the weather as it was issued on the run's day: its path. Without it the run goes on, and says so."""
    return _take(run, lambda bucket: weather_of(bucket, run.market, run.as_of))


@step
def take_weather_again(run: Run, about: dict[str, Any]) -> str:
    """Lay down the weather that a forecast was made with, as its manifest says in `about`: its path, empty without."""
    digest = str(about.get("weather", "without"))
    return "" if digest == "without" else _take(run, lambda bucket: forecasts.read_snapshot(bucket, digest))


@step
def take_past_weather(run: Run) -> str:
    """Lay down the weather as it was issued on each day that a training looks at, up to its own; else as above."""
    return _take(run, lambda bucket: past_weather(bucket, run.market, run.as_of))


def _take(run: Run, weather: Callable[[Bucket], bytes | None]) -> str:
    if run.market.weather is None:
        return ""
    with stage("weather") as results:
        content, why = None, f"none of {run.as_of} is kept, and it is over"
        try:
            content = weather(storage.connect())
        except Problem as problem:
            why = str(problem)
        if content is None:
            results.append(f"without: {why}")
            run.facts["weather"], run.no_weather = "without", why
            return ""
        (run.folder / "in").mkdir(exist_ok=True)
        (run.folder / WEATHER).write_bytes(content)
        run.facts["weather"] = sha256(content)
        results.append(f"{len(pd.read_parquet(io.BytesIO(content)))} rows, {run.facts['weather'][:8]}")
    return WEATHER


def past_weather(bucket: Bucket, market: Market, as_of: dt.date) -> bytes | None:
    """What was issued on each day that a training needs weather of, up to its own; as Parquet, kept in the bucket.

    None of a training that stands before all that is kept.
    """
    if market.weather is None or as_of < SINCE:
        return None
    first = as_of - dt.timedelta(days=LEARNED + market.train.backtest_days + market.predict.horizon + market.data.lag)
    table = fetch_past(market.weather, market.data.timezone, max(first, SINCE), as_of)
    table = table[table["issued"] <= str(as_of)]
    content: bytes = table.to_parquet(index=False)
    forecasts.keep_snapshot(bucket, content, {"source": SOURCE, "rows": len(table)})
    return content


def weather_of(bucket: Bucket, market: Market, as_of: dt.date) -> bytes | None:
    """A market's weather as issued by a day: what the day's first run kept, else, if it is today, what is issued now.

    With it comes what was kept before, as far as `LATELY`, of the same place: the errors of the days since a training
    are those of forecasts that knew their own day's weather.

    Returns
    -------
    bytes or None
        Parquet, columns as in `footfall.sources.weather`; None of a day that is over and on which none was kept: what
        is issued now could not be known then.
    """
    name = layout.weather(market.name, as_of)
    kept, _ = storage.get_if_there(bucket, name)
    if kept is None:
        if market.weather is None or as_of != today(market.data.timezone):
            return None
        table = fetch_weather(market.weather, market.data.timezone, as_of)
        table = pd.concat([*_kept_before(bucket, market, as_of), table], ignore_index=True)
        content = table.to_parquet(index=False)
        forecasts.keep_snapshot(bucket, content, {"source": SOURCE, "rows": len(table)})
        pointer = {"sha256": sha256(content), "place": market.weather.model_dump()}
        kept, _ = storage.keep_first(bucket, name, storage.as_json(pointer))
    pointer = _pointer(bucket, name, kept)
    place = market.weather.model_dump() if market.weather else {}
    if place and pointer.get("place", place) != place:
        where = f"it is of {pointer['place']}, and {market.name}.yaml says {place}"
        raise DataProblem(f"{name}: {where}; a day's weather is kept once, and the next day's is of the new place")
    return forecasts.read_snapshot(bucket, str(pointer["sha256"]))


def _kept_before(bucket: Bucket, market: Market, as_of: dt.date) -> Iterator[pd.DataFrame]:
    """What the last day of the week before that kept any has, where it is of the same place."""
    first = as_of - dt.timedelta(days=LATELY)
    names = [layout.weather(market.name, as_of - dt.timedelta(days=back)) for back in range(1, WEEK + 1)]
    kept = ((name, storage.get_if_there(bucket, name)[0]) for name in names)
    with suppress(DataProblem):  # where it is lost or damaged, the day has its own weather all the same
        last = next((_pointer(bucket, name, content) for name, content in kept if content), dict[str, Any]())
        if market.weather and last.get("place") == market.weather.model_dump():
            table = pd.read_parquet(io.BytesIO(forecasts.read_snapshot(bucket, last["sha256"])))
            yield table[table["issued"] >= str(first)]


def _pointer(bucket: Bucket, name: str, content: bytes) -> dict[str, Any]:
    """Which weather was kept, and of which place."""
    return storage.as_table(bucket, name, content, "a pointer to weather", "sha256")
