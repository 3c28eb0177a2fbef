"""A market's source: fetched and read, once for all that runs together."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.settings import home, today
from flows.sources import download
from footfall.params import Data
from footfall.sources.carris import read_carris
from footfall.sources.google.read import read_google
from footfall.sources.hystreet import read_hystreet
from footfall.sources.reading import Reading
from footfall.sources.table import read_table


class Held(NamedTuple):
    """What was fetched, by source, in a folder of its own; and the last reading, by all that it obeyed."""

    folder: Path
    files: dict[str, Path]
    last: dict[str, Reading]


_held: ContextVar[Held | None] = ContextVar("_held", default=None)


@contextmanager
def one_reading() -> Iterator[None]:
    """Whatever runs within fetches each source once: days that are caught up on all stand on the same figures.

    It is read again only for what makes it read otherwise, as closed days do that an owner entered meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        token = _held.set(Held(Path(folder), {}, {}))
        try:
            yield
        finally:
            _held.reset(token)


def read_source(data: Data) -> Reading:
    """The figures of a market's source as it is now, with what a reader should know about them."""
    held = _held.get()
    if held is None:
        with one_reading():
            return read_source(data)
    kinds, read = FORMATS[data.format or USUAL[data.unit]]
    if data.source not in held.files:
        folder = held.folder / str(len(held.files))
        held.files[data.source] = download.fetch(data.source, folder, kinds=kinds, kept_in=home() / "downloads")
    key = data.model_dump_json(exclude={"as_of", "lag", "name", "measure", "credit", "stale_after", "accept_revisions"})
    if key not in held.last:
        held.last.clear()
        held.last[key] = read(held.files[data.source], data, day_of_business(data))
    return held.last[key]


def day_of_business(data: Data) -> dt.date:
    """The day of business that is not over: where the market is, and when its days start."""
    hour, minute = map(int, data.day_starts.split(":"))
    return (dt.datetime.now(ZoneInfo(data.timezone)) - dt.timedelta(hours=hour, minutes=minute)).date()


def _google(path: Path, data: Data, _: dt.date) -> Reading:
    return read_google(path, data.wanted(), not_after=today(data.timezone))


Format = tuple[dict[str, str], Callable[[Path, Data, dt.date], Reading]]  # what a download may be, and who reads it
FORMATS: dict[str, Format] = {
    "google": (download.SUFFIXES, _google),
    "table": (download.EXPORTS, read_table),
    "saft": (download.EXPORTS, read_table),
    "carris": (download.ANSWERS, read_carris),
    "hystreet": (download.TEXTS, read_hystreet),
}
USUAL = {"percent": "google", "counts": "table"}  # where a market's file does not say; SAF-T is told by the file itself
