"""A market's source: fetched and read, once for all that runs together."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.settings import home, today
from flows.sources import download
from footfall.params import Data
from footfall.sources.carris import read_carris
from footfall.sources.google.read import read_google
from footfall.sources.hystreet import read_hystreet
from footfall.sources.reading import Reading
from footfall.sources.table import read_table

_held: ContextVar[dict[str, Reading]] = ContextVar("_held")


@contextmanager
def one_reading() -> Iterator[None]:
    """Whatever runs within reads each source once: days that are caught up on all stand on the same figures."""
    token = _held.set({})
    try:
        yield
    finally:
        _held.reset(token)


def read_source(data: Data) -> Reading:
    """The figures of a market's source as it is now, with what a reader should know about them."""
    kinds, read = FORMATS[data.format or USUAL[data.unit]]
    held = _held.get({})
    key = data.model_dump_json(exclude={"as_of", "lag", "name", "measure", "credit", "stale_after", "accept_revisions"})
    if key not in held:
        with tempfile.TemporaryDirectory() as scratch:
            path = download.fetch(data.source, Path(scratch), kinds=kinds, kept_in=home() / "downloads")
            held[key] = read(path, data)
    return held[key]


def day_of_business(data: Data) -> dt.date:
    """The day of business that is not over: where the market is, and when its days start."""
    hour, minute = map(int, data.day_starts.split(":"))
    return (dt.datetime.now(ZoneInfo(data.timezone)) - dt.timedelta(hours=hour, minutes=minute)).date()


def _google(path: Path, data: Data) -> Reading:
    return read_google(path, data.wanted(), not_after=today(data.timezone))


def _table(path: Path, data: Data) -> Reading:
    return read_table(path, data, day_of_business(data))


def _carris(path: Path, data: Data) -> Reading:
    return read_carris(path, data, day_of_business(data))


def _hystreet(path: Path, data: Data) -> Reading:
    return read_hystreet(path, data, day_of_business(data))


Format = tuple[dict[str, str], Callable[[Path, Data], Reading]]  # what a download may be, and who reads it
FORMATS: dict[str, Format] = {
    "google": (download.SUFFIXES, _google),
    "table": (download.EXPORTS, _table),
    "saft": (download.EXPORTS, _table),
    "carris": (download.ANSWERS, _carris),
    "hystreet": (download.TEXTS, _hystreet),
}
USUAL = {"percent": "google", "counts": "table"}  # where a market's file does not say; SAF-T is told by the file itself
