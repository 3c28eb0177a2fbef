"""The owner's events beside a market's file, and what they make of its figures: of no run, and whenever entered."""

from pathlib import Path
from typing import Any

import pandas as pd

from flows.settings import params_folder
from footfall import events, opening
from footfall.errors import UsageProblem
from footfall.params import Data
from footfall.series import site_of

SUFFIXES = (".events.csv", ".events.ics")


def file_of(market: str) -> Path | None:
    """The file of events beside a market's; of two nobody could say which counts."""
    paths = [path for suffix in SUFFIXES if (path := params_folder() / f"{market}{suffix}").exists()]
    if len(paths) > 1:
        raise UsageProblem(f"{' and '.join(path.name for path in paths)}: two files of events; keep one of them")
    return paths[0] if paths else None


def read_file(path: Path, data: Data) -> pd.DataFrame:
    """All events of a file, columns `footfall.events.COLUMNS`."""
    return events.read_events(path.read_bytes(), path.name, data.timezone, of_one_place=is_one_place(data))


def is_one_place(data: Data) -> bool:
    """Whether a market has no sites."""
    return data.series is None and not site_of(data.location)


def closed_sites(data: Data, known: pd.DataFrame | None, table: pd.DataFrame) -> pd.DataFrame:
    """The table of a market of several sites, each shut on the days on which an event closes it.

    Of one place, see `footfall.events.closed_by`.
    """
    if known is None or is_one_place(data) or "open" not in table:
        return table
    spans = {str(each): events.closing(events.of_site(known, site_of(each))) for each in table["location"].unique()}
    return opening.shut_on(table, {location: own for location, own in spans.items() if own})


def of_the_place(data: Data, known: pd.DataFrame | None) -> dict[str, Any]:
    """What predict.ipynb is told of the place, the events among its closures: what the owner says of days."""
    place = events.closed_by(data, known).of_the_place()
    if known is not None and len(known):
        place["closures"] = {**place["closures"], "events": known[events.NOTEBOOK_COLUMNS].to_numpy().tolist()}
    return place
