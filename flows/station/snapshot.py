"""The figures that a run stands on: taken from the source or from what was kept, and refused when unfit."""

import datetime as dt
import json
from contextlib import suppress
from typing import Any

from flows import masking
from flows.settings import bucket_name, params_folder
from flows.sources.reading import read_source
from flows.station.run import Run, stage, step, voice
from flows.storage import bucket, forecasts
from footfall import digest, errors, series
from footfall.errors import DataProblem, Problem, StaleSource
from footfall.market_file import read_market
from footfall.sources.google import read


@step
def take_snapshot(run: Run, kept: str | None = None) -> None:
    """Lay down what the source had published by the run's day, and keep it in the bucket under its own sha256.

    Or lay down a snapshot that is kept there already, by its sha256.
    """
    data = run.market.data
    if kept:
        return _take_kept(run, kept)
    with stage("fetch") as told:
        reading = read_source(data)
        visible = _visible(reading.series, run)
        through = _fresh(visible, run)
        content = series.to_parquet(visible)
        about: dict[str, Any] = {
            "source": masking.masked(data.source),
            "data_through": str(through),
            "rows": len(visible),
            "retrieved_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "notes": reading.notes,
        }
        place = bucket.connect(bucket_name())
        told += [f"data through {through}", f"{len(visible):,} rows", *reading.notes[:3]]
        _compare(place, run, visible)
        forecasts.keep_snapshot(place, content, about)
        _lay_down(run, content, about)


def _take_kept(run: Run, sha256: str) -> None:
    with stage("snapshot") as told:
        place = bucket.connect(bucket_name())
        content = bucket.read(place, f"snapshots/{sha256}.parquet")
        about = json.loads(bucket.read(place, f"snapshots/{sha256}.json"))
        _lay_down(run, content, about)
        told.append(f"{sha256[:8]}, data through {about['data_through']}")


def _visible(table: Any, run: Run) -> Any:
    """What had been published by the run's day; stops a run that stands before all of it."""
    visible = series.visible(table, run.as_of, run.market.data.lag)
    if visible.empty:
        sentence = f"nothing was published by {run.as_of}; the first day is {table['date'].min():%Y-%m-%d}"
        raise DataProblem(f"{masking.masked(run.market.data.source)}: {sentence}. Stand on a later day: --as-of.")
    return visible


def _fresh(visible: Any, run: Run) -> dt.date:
    """The last day with a published value in the market's series; stops a run on a source that has stopped."""
    data = run.market.data
    through: dt.date = series.pick(visible, data.location, data.category).index[-1].date()
    if data.is_stale(through, run.as_of):
        age = (run.as_of - through).days
        sentence = (
            f"{masking.masked(data.source)}: stale — its last {data.category} of {data.location} is {through}, {age} "
            f"days before {run.as_of}, and data.stale_after is {data.stale_after}."
        )
        _say_on_the_page(run, sentence)
        raise StaleSource(f"{sentence} Stand on an earlier day: --as-of.")
    return through


def _say_on_the_page(run: Run, sentence: str) -> None:
    """Above the latest forecast, which keeps its date; the trouble at hand is the one to tell of, whatever comes."""
    place = bucket.connect(bucket_name())
    with suppress(Problem):
        if _is_of_today(run, forecasts.pointer(place, run.market.name)):
            forecasts.annotate(place, run.market.name, sentence)


def _is_of_today(run: Run, shown: dict[str, Any] | None) -> bool:
    """Whether a run is as its market's file says, on its day, and no older than the forecast that readers see."""
    name, day = run.market.name, str(run.as_of)
    meant = read_market(params_folder(), name).data.as_of in (None, day) and read_market(
        params_folder(), name, {"data.as_of": day}
    )
    return bool(shown and shown["as_of"] <= day and run.market == meant)


def _compare(place: Any, run: Run, visible: Any) -> None:
    """Stop on a source that takes back what the published forecast was made from."""
    data, kept = run.market.data, None if run.market.data.accept_revisions else _kept(place, run.market.name)
    if kept is None:
        return
    before, now = (_own(table, run) for table in (series.from_parquet(kept), visible))
    found = read.compare(before, now) if len(before) else []
    if found:
        listed = errors.listed([f"{masking.masked(data.source)}: {sentence}" for sentence in found])
        raise DataProblem(f"{listed}\nIf the source is right to revise itself: --set data.accept_revisions=true")


def _kept(place: Any, market: str) -> bytes | None:
    """What the published forecast was made from; where it is lost or damaged, coming days are forecast all the same."""
    try:
        return forecasts.latest_snapshot(place, market)
    except DataProblem as problem:
        voice().warning(f"the source is not compared with what was published: {problem}")
        return None


def _own(table: Any, run: Run) -> Any:
    """The rows of the market's own series that were visible on the run's day."""
    data = run.market.data
    mine = (table["location"] == data.location) & (table["category"] == data.category)
    return series.visible(table[mine], run.as_of, data.lag)


def _lay_down(run: Run, content: bytes, about: dict[str, Any]) -> None:
    (run.folder / "in").mkdir(exist_ok=True)
    (run.folder / "in" / "snapshot.parquet").write_bytes(content)
    run.found |= {
        "snapshot": digest.sha256(content),
        "source": about["source"],
        "data_through": about["data_through"],
    }
