"""The owner's events as they stood when a run was made: only what was entered by its day, on record by their bytes."""

import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

import pandas as pd

from flows.settings import today
from flows.sources import events as owner
from flows.sources.events import file_of, read_file
from flows.station.run import Run, stage, step
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from footfall import events
from footfall.digest import sha256
from footfall.params import Data
from footfall.series import site_of
from footfall.sources.fault import safe


@step
def take_events(run: Run) -> None:
    """Lay down the events that are known on the run's day, and keep them in the bucket; nothing without a file."""
    path = file_of(run.market.name)
    if path is None:
        return
    with stage("events") as results:
        every = _with_days(read_file(path, run.market.data), run)
        known = events.known(every, run.as_of)
        content, about = known.to_parquet(index=False), {"source": path.name, "rows": len(known)}
        forecasts.keep_snapshot(storage.connect(), content, about)
        _lay_down(run, content)
        results.append(f"{len(known)} known, {len(every) - len(known)} entered after {run.as_of}")


def take_kept_events(run: Run, digest: str) -> None:
    """Lay down events that are kept in the bucket, by their sha256, whatever was entered since."""
    with stage("events") as results:
        _lay_down(run, forecasts.read_snapshot(storage.connect(), digest))
        results.append(f"{digest[:8]}, as they stood")


def _lay_down(run: Run, content: bytes) -> None:
    (run.folder / "in").mkdir(exist_ok=True)
    (run.folder / "in" / "events.parquet").write_bytes(content)
    run.facts["events"] = sha256(content)
    run.events = pd.read_parquet(io.BytesIO(content))


def of_no_site(run: Run, locations: Iterable[str]) -> list[str]:
    """A sentence, if events name sites that the market has not."""
    if run.events is None or not (unknown := events.of_no_site(run.events, map(site_of, locations))):
        return []
    named = ", ".join(repr(safe(site)) for site in unknown[:3])
    return [f"events of {named}{' …' if len(unknown) > 3 else ''}, which is no site of this market, count for nothing"]


def data_of(run: Run) -> Data:
    """The market's data; a day that an event closes is closed as one of the market's file is."""
    return events.closed_by(run.market.data, run.events)


def of_the_place(run: Run) -> dict[str, Any]:
    """What a notebook is told of the place, see `flows.sources.events.of_the_place`."""
    return owner.of_the_place(run.market.data, run.events)


def _with_days(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Events that do not say when they were entered were on the day on which a run first saw them, whatever its own."""
    blank = table[table["entered"] == ""].apply(events.key, axis=1) if len(table) else pd.Series(dtype="str")
    if blank.empty:
        return table
    seen = _first_seen(run, [str(key) for key in blank], today(run.market.data.timezone))
    return table.assign(entered=table["entered"].mask(table["entered"] == "", blank.map(seen)))


def _first_seen(run: Run, keys: list[str], day: dt.date) -> dict[str, str]:
    """When runs first saw some events; those that none has seen are entered in the bucket as seen on `day`."""
    bucket, name = storage.connect(), layout.events(run.market.name)

    def enter(content: bytes | None) -> bytes | None:
        return storage.as_json(dict.fromkeys(keys, str(day)) | as_seen(content or b"{}"))

    def as_seen(content: bytes) -> dict[str, str]:
        return storage.as_table(bucket, name, content, "a list of events by the day they were seen")

    storage.amend(bucket, name, enter)
    return as_seen(storage.read(bucket, name))
