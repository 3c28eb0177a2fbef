"""Carris Metropolitana's ridership: how many were carried on each line on each operational day, summed over the lines.

Its API has a document a line, ``{"properties": {"line_id": …}, "data": {"2024-01-01": {"qty": …, "day_type": …}}}``;
the same as flat rows, a line and day each, is read too. A ``day_type`` is weekday, Saturday, or Sunday and holiday.
The operational day turns at 04:00 (``data.day_starts``); the one that is not over is there, and left out.
"""

import datetime as dt
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.sources import feed
from footfall.sources.fault import Fault, safe
from footfall.sources.reading import Reading

LARGEST = 400_000_000  # bytes; three years of all lines have about 60 million
DAY_KEYS = ("operational_date", "operational_day", "day", "date")  # of flat rows
USED = ("line_id", "qty", "day_type")
KNOWN = ("properties", "data", "description", "generated_at", "metric", "holiday", "notes", "period", "_id", *DAY_KEYS)
DAYS = 8  # of the same day type, that tell how many lines run
FEWEST_DAYS = 3
MOST_LINES = 0.8  # of those that usually run, below which some of the day is missing


def read_carris(path: Path, data: Data, not_after: dt.date) -> Reading:
    """Read what the API answered.

    Parameters
    ----------
    path : Path
        The answer, JSON.
    data : Data
        What the market's file says.
    not_after : date
        The operational day that is not over: it and later ones are left out.

    Returns
    -------
    Reading
        The series table: passengers a day over all lines, at the market's location. A day on which lines are missing,
        by those that ran on the days of its type before it, is unknown.

    Raises
    ------
    DataProblem
        If the source has changed its shape, which is said, or anything in it is wrong.
    """
    records = list(chain.from_iterable(map(_records, _documents(path))))
    day_key = next((key for key in DAY_KEYS if records and key in records[0]), DAY_KEYS[0])
    seen = chain.from_iterable(dict.fromkeys(map(tuple, records)))
    notes = feed.check_shape(path.name, seen, (*USED, day_key), KNOWN)
    rows, faults = _typed(records, day_key)
    past, repeats = feed.past(rows, ["line_id", "day"], "qty", (path.name, (), faults), not_after)
    # a line of which nothing came in yet may stand there with nought
    by_day = past.assign(carried=past["value"] > 0).groupby("day")
    days = by_day.agg(value=("value", "sum"), lines=("carried", "sum"), type=("day_type", "first"))
    sums = days.reset_index().assign(site="")
    return feed.reading(sums, _is_whole(days).reset_index(drop=True), data, "lines", notes + repeats)


def _documents(path: Path) -> list[dict[str, Any]]:
    if path.stat().st_size > LARGEST:
        raise DataProblem(f"{path.name}: {path.stat().st_size:,} bytes; no answer of the source is that large")
    try:
        content = path.read_bytes()
        documents = json.loads(content, object_pairs_hook=_object)
        if b"\\ud" in content.lower():  # half a letter, which no text may hold, stands in JSON as if it were one
            json.dumps(documents, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise DataProblem(f"{path.name}: cut, or no JSON ({safe(str(error), 120)}). Fetch it again.") from None
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        kind = f"an object of {safe(', '.join(documents))}" if isinstance(documents, dict) else "something else"
        changed = f"the source has changed its shape: {kind}, where a list of lines was"
        raise DataProblem(f"{path.name}: {changed}. Look at what it answers, and run again when it is right.")
    if not documents:
        raise DataProblem(f"{path.name}: no line is in it; the source is empty. Try later.")
    return documents


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {safe(twice)} is there twice")
    return document


def _records(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A document's rows: one a day of its line, or it is one itself."""
    entries, properties = document.get("data"), document.get("properties")
    if not isinstance(entries, dict) or not isinstance(properties, dict):
        yield document
        return
    for day, entry in entries.items():
        yield {**properties, DAY_KEYS[0]: day, **(entry if isinstance(entry, dict) else {"qty": entry})}


def _typed(records: list[dict[str, Any]], day_key: str) -> tuple[pd.DataFrame, list[Fault]]:
    """Rows of (line, line_id, day, day_type, value), and what cannot be read in them; `line` is a record's number."""
    table = pd.DataFrame({key: [record.get(key) for record in records] for key in (*USED, day_key)}, dtype=object)
    written = table[day_key].astype("str")
    days = {text: _day(text) for text in written.unique()}
    rows = pd.DataFrame({"line": np.arange(1, len(table) + 1), "line_id": table["line_id"].astype("str")})
    rows["day"] = pd.DatetimeIndex(written.map(days))
    rows["day_type"] = table["day_type"].astype("str")
    rows["value"] = [_number(qty) for qty in table["qty"]]
    rules = {
        ("line_id", "no line"): table["line_id"].isna(),
        (day_key, "no day, as in 2024-01-31"): rows["day"].isna(),
        ("qty", "no number from 0 on"): ~(rows["value"] >= 0) | np.isinf(rows["value"]),
    }
    return rows, feed.broken(rows, table, rules)


def _number(qty: Any) -> float:
    return float(qty) if type(qty) is float or (type(qty) is int and abs(qty) < 1e15) else np.nan


def _day(text: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(dt.date.fromisoformat(text))
    except ValueError:
        return pd.NaT


def _is_whole(days: pd.DataFrame) -> pd.Series:
    """Of each day, whether as many lines are there as on the days of its type before it; later ones tell nothing."""
    of_type = days.groupby("type")["lines"]
    before = of_type.transform(lambda lines: lines.shift().rolling(DAYS, min_periods=FEWEST_DAYS).median())
    return ~(days["lines"] < MOST_LINES * before)
