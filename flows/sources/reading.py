"""A market's source: fetched and read, once for all that runs together."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from flows.settings import today
from flows.sources import download
from footfall.params import Data
from footfall.sources.google import read

_held: ContextVar[dict[str, read.Reading]] = ContextVar("_held")


@contextmanager
def one_reading() -> Iterator[None]:
    """Whatever runs within reads each source once: days that are caught up on all stand on the same figures."""
    token = _held.set({})
    try:
        yield
    finally:
        _held.reset(token)


def read_source(data: Data) -> read.Reading:
    """The figures of a market's source as it is now, with what a reader should know about them."""
    held = _held.get({})
    key = data.model_dump_json(include={"source", "location", "countries"})
    if key not in held:
        with tempfile.TemporaryDirectory() as scratch:
            path = download.fetch(data.source, Path(scratch))
            held[key] = read.read_google(path, data.wanted(), not_after=today(data.timezone))
    return held[key]
