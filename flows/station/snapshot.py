"""The snapshot that a run stands on: taken from the source or from what was kept, and refused when unfit."""

import datetime as dt
from contextlib import suppress
from typing import Any

import pandas as pd

from flows.masking import masked
from flows.record.mlflow_fields import SMALL
from flows.settings import params_folder
from flows.sources.events import closed_sites
from flows.sources.reading import read_source
from flows.station.events import data_of, of_no_site, take_events, take_kept_events
from flows.station.run import Run, log, stage, step
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall import opening, series
from footfall.digest import sha256
from footfall.errors import DataProblem, Problem, StaleSource, listed
from footfall.market_file import read_market
from footfall.selection import Key, Selection, select
from footfall.sources.reading import compare, compare_few


@step
def take_snapshot(run: Run, digest: str | None = None) -> None:
    """Lay down what the source had published by the run's day, and keep it in the bucket under its own sha256.

    Or lay down a snapshot that is kept there already, by its sha256. Beside it the owner's events, where there are any.
    """
    take_events(run)
    _take_kept(run, digest) if digest else _take_published(run)


@step
def take_again(run: Run, about: dict[str, Any]) -> None:
    """Lay down what a forecast was made from, as its manifest says in `about`: its snapshot, and its events if any."""
    if "events" in about:
        take_kept_events(run, about["events"])
    _take_kept(run, about["snapshot"])


def _take_published(run: Run) -> None:
    with stage("fetch") as results:
        reading = read_source(data_of(run))
        table = _visible(closed_sites(run.market.data, run.events, reading.series), run)
        own = selected(run, table)
        through = _through(own, run)
        revisions = _revisions(own, run)
        origin = {
            "source": _source(run),
            "data_through": str(through),
            "rows": len(table),
            "retrieved_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "notes": reading.notes,
        }
        places = {location for location, _ in own.series}
        content = series.to_parquet(table, {code: name for code, name in reading.names.items() if code in places})
        forecasts.keep_snapshot(storage.connect(), content, origin)
        _lay_down(run, content, origin)
        events = of_no_site(run, table["location"].unique())
        results += [f"data through {through}", f"{len(table):,} rows", *reading.notes[:3], *events, *revisions]


def _take_kept(run: Run, digest: str) -> None:
    with stage("snapshot") as results:
        bucket = storage.connect()
        content = forecasts.read_snapshot(bucket, digest)
        table = series.visible(series.from_parquet(content), run.as_of, run.market.data.lag)  # as the notebook takes it
        through = selected(run, table).through.date()
        # its account may be that of another market, whose series in the same table end elsewhere
        origin = forecasts.origin(bucket, digest) | {"data_through": str(through)}
        _lay_down(run, content, origin)
        results.append(f"{digest[:8]}, data through {through}")


def _lay_down(run: Run, content: bytes, origin: dict[str, Any]) -> None:
    (run.folder / "in").mkdir(exist_ok=True)
    (run.folder / "in" / "snapshot.parquet").write_bytes(content)
    run.facts |= {"snapshot": sha256(content), "source": origin["source"], "data_through": origin["data_through"]}


def accessed(run: Run) -> str:
    """The ISO day on which a snapshot was first fetched from an address; of a copy of a source it is not known."""
    with suppress(DataProblem):  # lost or damaged: the page does without
        origin = forecasts.origin(storage.connect(), run.facts["snapshot"])
        return str(origin["retrieved_at"])[:10] if str(origin["source"]).startswith("http") else ""
    return ""


def _source(run: Run) -> str:
    return masked(run.market.data.source)


def _visible(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """What had been published by the run's day; stops a run that stands before all of it."""
    visible = series.visible(table, run.as_of, run.market.data.lag)
    if visible.empty:
        sentence = f"nothing was published by {run.as_of}; the first day is {table['date'].min():%Y-%m-%d}"
        raise DataProblem(f"{_source(run)}: {sentence}. Stand on a later day: --as-of.")
    return visible


def _through(own: Selection, run: Run) -> dt.date:
    """The last day with a published value in any of the market's series; stops a run on a source that has stopped."""
    data = data_of(run)
    through: dt.date = own.through.date()
    if opening.is_stale(data, through, run.as_of):
        sentence = (
            f"stale — its last {data.category} of {data.location} is {through}, "
            f"{(run.as_of - through).days} days before {run.as_of}, and data.stale_after is {data.stale_after}."
        )
        with suppress(Problem):  # the trouble at hand is the one to tell of
            _say_on_the_page(run, through)
        raise StaleSource(
            f"{_source(run)}: {sentence} Look at the source; if it has ended, stand on an earlier day: --as-of."
        )
    return through


def _say_on_the_page(run: Run, through: dt.date) -> None:
    """Above the latest forecast, which keeps its date; by a run as the market's file says, and of no day before it."""
    # brings the page's languages, which a run whose source goes on can do without
    from footfall.page.page import stopped

    bucket, name, day = storage.connect(), run.market.name, str(run.as_of)
    pointer = forecasts.pointer(bucket, name)
    is_due = read_market(params_folder(), name).data.as_of in (None, day)
    is_as_filed = run.market == read_market(params_folder(), name, as_of=day)
    if pointer and pointer["as_of"] <= day and is_due and is_as_filed:
        forecasts.annotate(bucket, name, stopped(run.market.data.unit, through))


def _revisions(own: Selection, run: Run) -> list[str]:
    """What the source takes back of what the published forecast was made from; it stops a run that accepts none.

    Not where few sites of many do: one that left, or whose till is new, is no reason to leave the others without.

    What is accepted stands in the run's tags and in the manifest of what it makes.
    """
    content = _published(run.market.name)
    if content is None:
        return []
    table = series.visible(series.from_parquet(content), run.as_of, run.market.data.lag)
    try:
        then = selected(run, table)
    except DataProblem:  # none of those that were published is chosen any more
        return []
    before, now = _rows(then), _rows(own)
    revisions = compare(before, now)
    few = compare_few(before, now) if revisions and run.market.data.series else []
    if revisions and not few and not run.market.data.accept_revisions:
        problems = listed([f"{_source(run)}: {sentence}" for sentence in revisions])
        raise DataProblem(f"{problems}\nIf the source is right to revise itself: --set data.accept_revisions=true")
    if revisions:
        run.facts["revised"] = "; ".join(few or revisions)[:SMALL]
    return few or revisions


def _published(market: str) -> bytes | None:
    """What the published forecast was made from; where it is lost or damaged, coming days are forecast all the same."""
    try:
        return forecasts.latest_snapshot(storage.connect(), market)
    except DataProblem as problem:
        log().warning(f"the source is not compared with what was published: {problem}")
        return None


def _rows(selection: Selection) -> dict[Key, series.Rows]:
    """The rows of the market's own series."""
    return {key: selection.rows[key] for key in selection.series}


def selected(run: Run, table: pd.DataFrame) -> Selection:
    """The market's series in a series table: all that have a value, fit to be trained on or not."""
    data = run.market.data
    return select(table, data.location, data.category, data.choice(), 0)
