"""The owner's events as they stood when a run was made: only what was entered by its day, on record by their bytes."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from flows.settings import bucket_name, params_folder, today
from flows.station.run import Run, stage, step
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from footfall import events, opening
from footfall.digest import sha256
from footfall.errors import UsageProblem
from footfall.params import Data
from footfall.series import site_of
from footfall.sources.fault import safe

SUFFIXES = (".events.csv", ".events.ics")


@step
def take_events(run: Run) -> None:
    """Lay down the events that are known on the run's day, and keep them in the bucket; nothing without a file."""
    path = _file(run.market.name)
    if path is None:
        return
    with stage("events") as results:
        every = _with_days(events.read_events(path.read_bytes(), path.name, run.market.data.timezone), run)
        if path.suffix == ".ics" and _is_one_place(run.market.data):
            every = every.assign(site="")  # where an entry takes place is an address, and no site
        known = events.known(every, run.as_of)
        content, about = known.to_parquet(index=False), {"source": path.name, "rows": len(known)}
        forecasts.keep_snapshot(storage.connect(bucket_name()), content, about)
        (run.folder / "in").mkdir(exist_ok=True)
        (run.folder / "in" / "events.parquet").write_bytes(content)
        run.facts["events"] = sha256(content)
        run.events = known
        results.append(f"{len(known)} known, {len(every) - len(known)} entered after {run.as_of}")


def _is_one_place(data: Data) -> bool:
    return data.series is None and not site_of(data.location)


def of_no_site(run: Run, locations: Iterable[str]) -> list[str]:
    """A sentence, if events name sites that the market has not."""
    if run.events is None or not (unknown := events.of_no_site(run.events, map(site_of, locations))):
        return []
    named = ", ".join(repr(safe(site)) for site in unknown[:3])
    return [f"events of {named}{' …' if len(unknown) > 3 else ''}, which is no site of this market, count for nothing"]


def data_of(run: Run) -> Data:
    """The market's data; a day that an event closes is closed as one of the market's file is."""
    if run.events is None:
        return run.market.data
    data = run.market.data
    return data.shut_also(events.closing(events.of_site(run.events, site_of(data.location))))


def closed_sites(run: Run, table: pd.DataFrame) -> pd.DataFrame:
    """The table of a market of several sites, each shut on the days on which an event closes it; see `data_of`."""
    if run.events is None or _is_one_place(run.market.data) or "open" not in table:
        return table
    spans = {
        str(each): events.closing(events.of_site(run.events, site_of(each))) for each in table["location"].unique()
    }
    return opening.shut_on(table, {location: own for location, own in spans.items() if own})


def of_the_place(run: Run) -> dict[str, Any]:
    """What predict.ipynb is told of the place, the events among its closures: what the owner says of days."""
    place = data_of(run).of_the_place()
    if run.events is not None and len(run.events):
        place["closures"] = {**place["closures"], "events": run.events[events.TOLD].to_numpy().tolist()}
    return place


def _file(market: str) -> Path | None:
    """The file of events beside a market's; of two nobody could say which counts."""
    paths = [path for suffix in SUFFIXES if (path := params_folder() / f"{market}{suffix}").exists()]
    if len(paths) > 1:
        raise UsageProblem(f"{' and '.join(path.name for path in paths)}: two files of events; keep one of them")
    return paths[0] if paths else None


def _with_days(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Events that do not say when they were entered were on the day on which a run first saw them, whatever its own."""
    blank = table[table["entered"] == ""].apply(events.key, axis=1) if len(table) else pd.Series(dtype="str")
    if blank.empty:
        return table
    seen = _first_seen(run, [str(key) for key in blank], today(run.market.data.timezone))
    return table.assign(entered=table["entered"].mask(table["entered"] == "", blank.map(seen)))


def _first_seen(run: Run, keys: list[str], day: dt.date) -> dict[str, str]:
    """When runs first saw some events; those that none has seen are entered in the bucket as seen on `day`."""
    bucket, name = storage.connect(bucket_name()), layout.events(run.market.name)

    def enter(content: bytes | None) -> bytes | None:
        return storage.as_json(dict.fromkeys(keys, str(day)) | as_seen(content or b"{}"))

    def as_seen(content: bytes) -> dict[str, str]:
        return storage.as_table(bucket, name, content, "a list of events by the day they were seen")

    storage.amend(bucket, name, enter)
    return as_seen(storage.read(bucket, name))
