"""The weather as it was issued on a run's day, kept under its own sha256; no model uses it yet."""

import datetime as dt
import io
import json

import pandas as pd

from flows.settings import bucket_name, today
from flows.sources.weather import fetch_weather
from flows.station.run import Run, stage, step
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket
from footfall.digest import sha256
from footfall.errors import Problem
from footfall.params import Market
from footfall.sources.weather import SOURCE


@step
def take_weather(run: Run) -> None:
    """Lay down the weather as it was issued on the run's day; without it the run goes on, and says so."""
    if run.market.weather is None:
        return
    with stage("weather") as results:
        try:
            content = weather_of(storage.connect(bucket_name()), run.market, run.as_of)
        except Problem as problem:
            results.append(f"without: {problem}")
            return
        if content is None:
            results.append(f"without: none was kept on {run.as_of}, and it is over")
            return
        (run.folder / "in").mkdir(exist_ok=True)
        (run.folder / "in" / "weather.parquet").write_bytes(content)
        run.facts["weather"] = sha256(content)
        results.append(f"{len(pd.read_parquet(io.BytesIO(content)))} days, {run.facts['weather'][:8]}")


def weather_of(bucket: Bucket, market: Market, as_of: dt.date) -> bytes | None:
    """A market's weather as issued on a day: what the day's first run kept, else, if it is today, what is issued now.

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
        content = table.to_parquet(index=False)
        forecasts.keep_snapshot(bucket, content, {"source": SOURCE, "rows": len(table)})
        kept, _ = storage.keep_first(bucket, name, storage.as_json({"sha256": sha256(content)}))
    return storage.read(bucket, layout.snapshot(json.loads(kept)["sha256"]))
