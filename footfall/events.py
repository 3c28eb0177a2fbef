"""What the owner knows of days: closures, concerts, a burst pipe; read from a file beside the market's, as they stood.

A table of events has the columns ``from``, ``to`` (both days included), ``site`` (blank: every site), ``what`` (the
owner's words), ``effect`` and ``entered``, the day from which it is known: nothing that stands before it may use it.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from footfall.digest import sha256
from footfall.errors import DataProblem, listed
from footfall.opening import CLOSED, odd_days
from footfall.params import Data
from footfall.series import site_of
from footfall.sources import names
from footfall.sources.fault import Fault, by_rule, safe
from footfall.typical import FEWEST_WEEKS, LATELY

COLUMNS = ["from", "to", "site", "what", "effect", "entered"]
NOTEBOOK_COLUMNS = ["from", "to", "what", "effect", "site", "entered"]  # as a notebook gets them
EFFECTS = (CLOSED, "busier", "quieter", "unknown")
LONGEST_EVENT, LONGEST_CLOSURE = 366, 3660  # days; a place may be shut for good, which ten years are
LONGEST = 100  # characters of the owner's words
ONCE = ("DTSTART", "DTEND", "DURATION", "SUMMARY", "LOCATION", "CREATED", "LAST-MODIFIED")  # of a calendar's entry
NIGHT = dt.timedelta(hours=6)  # of a day, that belong to the evening before
Row = tuple[int, dict[str, str]]  # a line, or the number of an entry; and its cells


def read_events(content: bytes, file: str, zone: str = "UTC", *, of_one_place: bool = False) -> pd.DataFrame:
    """Read and check a file of events.

    Parameters
    ----------
    content : bytes
        A CSV file with the columns of a table of events, separated by commas or semicolons; or a calendar: SUMMARY
        is ``what``, LOCATION the ``site``, one of CATEGORIES the ``effect``, and ``entered`` the later of CREATED and
        LAST-MODIFIED: an entry that was changed was not known before as it is.
    file : str
        Its name; one that ends in ``.ics`` is a calendar's.
    zone : str
        Where the place is: whose days a calendar's moments are of.
    of_one_place : bool, default=False
        Whether where a calendar's entry takes place is an address, and no site.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, all text, sorted and unique; days as ISO days, ``entered`` blank where it is not said.

    Raises
    ------
    DataProblem
        Says every rule that is broken in one line, with the row, how often, and where next.
    """
    is_calendar = file.lower().endswith(".ics")
    rows = list(_of_calendar(content, file, zone) if is_calendar else _of_csv(content, file))
    if is_calendar and of_one_place:
        rows = [(line, row | {"site": ""}) for line, row in rows]
    faults = [fault for line, row in rows for fault in _faults(line, row)]
    if faults:
        raise DataProblem(listed(by_rule([(file, COLUMNS, faults)])))
    table = pd.DataFrame([row for _, row in rows], columns=COLUMNS, dtype="str")
    table["to"] = table["to"].where(table["to"] != "", table["from"])
    return table.drop_duplicates().sort_values(COLUMNS, ignore_index=True)


def key(event: Any) -> str:
    """What an event is known by: all of it but when it was entered, for one that was changed is another."""
    return sha256("\n".join(event[column] for column in COLUMNS[:-1]).encode())[:16]


def known(events: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """The events that were entered by the end of `as_of`; one that does not say when is not known."""
    entered = events["entered"]
    return events[(entered != "") & (entered <= str(as_of))].reset_index(drop=True)


def of_site(events: pd.DataFrame, site: str) -> pd.DataFrame:
    """The events of a site: its own, by its name however it is typed, and those of every site."""
    own = {"", names.spelling(site)}
    return events[events["site"].map(names.spelling).isin(own)].reset_index(drop=True)


def of_no_site(events: pd.DataFrame, sites: Iterable[str]) -> list[str]:
    """The sites that events name and that none of a market's is called, however it is typed."""
    own = {"", *map(names.spelling, sites)}
    return [str(site) for site in events["site"].unique() if names.spelling(str(site)) not in own]


def among(closures: dict[str, Any], site: str) -> dict[str, Any]:
    """What a market's file says of days, with the events of one site alone, those that close it among its closures.

    Parameters
    ----------
    closures : dict
        As in `footfall.opening.foreseen`; its ``events`` are rows of `NOTEBOOK_COLUMNS`.
    site : str
        Its name; nothing for a place without sites.
    """
    if not closures.get("events"):
        return closures
    own = in_closures(closures, site)
    its_events = own[NOTEBOOK_COLUMNS[:4]].to_numpy().tolist()
    return closures | {"events": its_events, "from_to": [*closures.get("from_to", []), *closing(own)]}


def in_closures(closures: dict[str, Any], site: str) -> pd.DataFrame:
    """The events of one site among what a market's file says of days, `NOTEBOOK_COLUMNS`; parameters as in `among`."""
    return of_site(pd.DataFrame(closures.get("events", []), columns=NOTEBOOK_COLUMNS, dtype="str"), site)


def closing(events: pd.DataFrame) -> list[list[str]]:
    """The first and last days of those that close a place, as ``closed.from_to`` of a market's file has them."""
    closed = events[events["effect"] == CLOSED]
    return [list(pair) for pair in zip(closed["from"], closed["to"], strict=True)]


def closed_by(data: Data, known: pd.DataFrame | None) -> Data:
    """A market's data; a day that one of its events closes is closed as one of the market's file is."""
    if known is None:
        return data
    spans = [*data.closed.from_to, *closing(of_site(known, site_of(data.location)))]
    return data.model_copy(update={"closed": data.closed.model_copy(update={"from_to": spans})})


def without_odd_days(y: pd.Series, events: Sequence[Sequence[str]]) -> pd.Series:
    """A series, blank on the days of some events, rows of (from, to, what, effect): what is usual leaves them out.

    Unless too few of a weekday would be left: with music on every Friday that is what Fridays are.
    """
    if not len(events):
        return y
    blank = y.mask(y.index.isin(odd_days(events)))
    left = blank.tail(LATELY).notna().groupby(blank.index[-LATELY:].dayofweek).sum()
    return blank.where(~y.index.dayofweek.isin(left.index[left < FEWEST_WEEKS]), y)


def on(day: pd.Timestamp, events: Sequence[Sequence[str]]) -> list[str]:
    """The reasons that events give for an open day, ``event busier: a concert``; rows of (from, to, what, effect)."""
    told = [f"event {effect}: {what}" for first, last, what, effect in events
            if first <= f"{day:%F}" <= last and effect != CLOSED]  # fmt: skip
    return [*dict.fromkeys(told)]  # one may be entered for all sites and for one


def _of_csv(content: bytes, file: str) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataProblem(f"{safe(file, 120)}: not written in UTF-8. Save it as CSV in UTF-8.") from None
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    try:
        yield from _lines(reader, file)
    except csv.Error as error:  # a field without end, a lone carriage return
        where = f"{safe(file, 120)}:{reader.line_num}"
        raise DataProblem(f"{where}: no line of a CSV file ({error}). Correct it, or save it anew.") from None


def _lines(reader: Any, file: str) -> Iterator[Row]:
    header = [name.strip().lower() for name in next(reader, [])]
    if missing := [name for name in COLUMNS if header.count(name) != 1]:
        rule = f"missing or twice in the first line, which has the columns {','.join(COLUMNS)}"
        raise DataProblem(f"{safe(file, 120)}:1: {', '.join(missing)} — {rule}")
    rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    rule = f"more fields than the first line's {len(header)}; a text with a separator in it stands in quotes"
    longer = [(line, cells[len(header)]) for line, cells in rows if len(cells) > len(header)]
    if longer:
        faults = [Fault(line, len(header), cell, rule) for line, cell in longer]
        raise DataProblem(listed(by_rule([(file, header, faults)])))
    for line, cells in rows:
        yield line, _row(header, cells)


def _row(header: list[str], cells: list[str]) -> dict[str, str]:
    row = {name: " ".join(cell.split()) for name, cell in zip(header, cells, strict=False)}
    return {name: row.get(name, "") for name in COLUMNS}


def _of_calendar(content: bytes, file: str, zone: str) -> Iterator[Row]:
    import icalendar  # a file of commas does without it, and every run reads its events

    try:
        entries = icalendar.Calendar.from_ical(content).walk("VEVENT")
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise DataProblem(f"{safe(file, 120)}: no calendar ({safe(str(error), 100)}). Export it again.") from None
    for number, entry in enumerate(entries, start=1):
        if str(entry.get("STATUS", "")).upper() == "CANCELLED":
            continue
        if {"RRULE", "RDATE"} & {*entry}:
            raise DataProblem(f"{safe(file, 120)}:{number}: an entry that repeats; write each of its days")
        if twice := [name for name in ONCE if isinstance(entry.get(name), list)]:
            raise DataProblem(f"{safe(file, 120)}:{number}: {', '.join(twice)} is there twice; leave one of them")
        if broken := [name for name, _ in entry.errors if name in ONCE[:3]]:
            rule = "not written as a calendar has it; correct the entry, and export it again"
            raise DataProblem(f"{safe(file, 120)}:{number}: {', '.join(broken)} — {rule}")
        yield number, _entry(entry, zone)


def _entry(entry: Any, zone: str) -> dict[str, str]:
    """A calendar's entry, which has one effect at most."""
    begins, ends = _span(entry, zone)
    entered = [_iso(_moment(entry, name, zone)) for name in ("CREATED", "LAST-MODIFIED")]
    lines = entry.get("CATEGORIES", [])
    words = [str(word).lower() for line in (lines if isinstance(lines, list) else [lines])
             for word in getattr(line, "cats", [])]  # fmt: skip
    return {
        "from": _iso(begins), "to": _iso(ends), "site": _text(entry, "LOCATION"),
        "what": _text(entry, "SUMMARY"), "effect": next((word for word in words if word in EFFECTS), "unknown"),
        "entered": max(entered),
    }  # fmt: skip


def _span(entry: Any, zone: str) -> tuple[dt.date | None, dt.date | None]:
    """An entry's first and last day: its end is the day after its last, or a moment, which may be in the night.

    What is over in the night in which it began is of the evening before.
    """
    begins, ends = (_moment(entry, name, zone) for name in ("DTSTART", "DTEND"))
    lasts = getattr(entry.get("DURATION"), "dt", None)
    with suppress(OverflowError, TypeError):  # beyond all days; a day beside a moment
        if begins and isinstance(lasts, dt.timedelta):
            ends = begins + lasts
        if begins and ends and ends > begins:
            last = ends - (NIGHT if isinstance(ends, dt.datetime) else dt.timedelta(days=1))
            return min(begins, last), last
    return begins, ends or begins


def _moment(entry: Any, name: str, zone: str) -> dt.date | None:
    """A day, or a moment as the clocks of a zone show it; one that says no zone is as it stands."""
    try:
        value = getattr(entry.get(name), "dt", None)
        if isinstance(value, dt.datetime) and value.tzinfo:
            value = value.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except (ValueError, OverflowError):  # written as nothing that is a day
        return None
    return value if isinstance(value, dt.date) else None


def _iso(moment: dt.date | None) -> str:
    return moment.isoformat()[:10] if moment else ""


def _text(entry: Any, name: str) -> str:
    return " ".join(str(entry.get(name, "")).split())


def _faults(line: int, row: dict[str, str]) -> Iterator[Fault]:
    for name in ("from", "to", "entered"):
        if not _is_day(row[name]) and not (name != "from" and row[name] == ""):
            yield Fault(line, name, row[name], "no day of the calendar, as in 2026-12-31")
    if _is_day(row["from"]) and _is_day(row["to"]):
        length = (dt.date.fromisoformat(row["to"]) - dt.date.fromisoformat(row["from"])).days + 1
        if not 1 <= length <= (LONGEST_CLOSURE if row["effect"] == CLOSED else LONGEST_EVENT):
            longest = f"{LONGEST_EVENT} days, one that is closed up to {LONGEST_CLOSURE:,}"
            rule = f"an event has one to {longest}, and its last is not before its first"
            yield Fault(line, "to", row["to"], rule)
    if row["effect"] not in EFFECTS:
        yield Fault(line, "effect", row["effect"], f"one of {', '.join(EFFECTS)}")
    if not row["what"] or len(row["what"]) > LONGEST or names.objection(row["what"]):
        rule = f"up to {LONGEST} characters of plain text that say what it is; no < or >, and no = + - @ at first"
        yield Fault(line, "what", row["what"], rule)
    if row["site"] and names.objection(row["site"]):
        yield Fault(line, "site", row["site"], names.objection(row["site"]))


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
