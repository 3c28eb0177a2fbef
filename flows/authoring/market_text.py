"""A market's file as it is written for the first time: every key with what it means beside it."""

import datetime as dt
import json
import re
from typing import Any

from flows.sources.reading import day_of_business
from footfall import opening
from footfall.params import Data

PLAIN = re.compile(r"[a-zA-Z][a-z]{2,}|[A-Z][a-z]+/[A-Z][a-z]+|[A-Z]{2}-\d{2}")  # text that needs no quotes
USUAL = {"decimal": ".", "day_starts": "00:00"}  # need not be said


def market_text(market: str, section: dict[str, Any], last: dt.date, data: Data) -> str:
    """The market's file, commented."""
    lines = [f"# {market}: figures of one's own. What each key means stands beside it.", "data:"]
    lines += [_line(key, value) for key, value in section.items() if value not in ("", {}, USUAL.get(key))]
    lines += [_line("lag", data.lag)]
    if opening.is_stale(data, last, day_of_business(data)):
        lines += [_line("as_of", (last + dt.timedelta(days=1)).isoformat())]
    lines += OPTIONAL
    return "\n".join(lines) + "\n"


COMMENTS = {
    "source": "file, folder (relative ones are looked for beside this file), https or gs://",
    "unit": "how many came, and not percent of a baseline",
    "columns": "as they stand in the first line",
    "dates": "how dates are written; never guessed",
    "rows": "days, or hours or orders, which are summed",
    "files": "sites: by folder, or name without dates and numbers; or exports: the newer one is right",
    "day_starts": "what is earlier belongs to the day before",
    "location": "whose holidays; after a / the site",
    "series": "every site; or leave this line out and name one in location, as in PT-11/Baixa",
    "name": "the page's",
    "lag": "days between a day and its figures; replays and backtests keep to it",
    "as_of": "the figures end the day before; leave this line out once they are up to date (then: today)",
}
OPTIONAL = [
    '  # closed: {weekdays: [monday], dates: ["2026-12-25"], from_to: [["2026-08-01", "2026-08-21"]]}',
    "  # absent: closed    # what a day without a row was; or unknown. Left out: weekdays never open are closed",
]


def _line(key: str, value: Any) -> str:
    """A key and its value, which is written as JSON where YAML may take it for something else."""
    text = f"  {key}: {_value(value)}"
    return f"{text:<40}  # {COMMENTS[key]}" if key in COMMENTS else text


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and PLAIN.fullmatch(value) and value not in ("yes", "true", "false", "off", "null"):
        return value
    return json.dumps(value, ensure_ascii=not str(value).isprintable())
