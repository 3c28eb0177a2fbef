"""A market of one's own from a file of its figures: looked at, asked what it does not say, written ready to run."""

import datetime as dt
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
from babel.core import Locale, get_global
from pydantic import ValidationError

from flows.authoring.market_text import market_text
from flows.settings import params_folder
from flows.sources import download
from flows.sources.reading import day_of_business
from footfall import opening
from footfall.calendar import country_of, keeper, regions_with_more
from footfall.errors import DataProblem, Problem, SeveralTills, UsageProblem
from footfall.market_file import check_alike, check_name
from footfall.params import Columns, Data
from footfall.series import DAY, rows_of, site_of
from footfall.sources import cells, sniff, table
from footfall.sources.fault import Unreadable, safe
from footfall.sources.names import spelling
from footfall.sources.reading import Reading
from footfall.sources.sniff import Sketch

CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
NIGHT = 0.005  # share of rows after midnight, from which it matters when a day of business ends
WHERE = "Where is it? The ISO 3166 code of its country or region, whose holidays it keeps, as in PT-11: --location"
DAY_STARTS = "When does a day of business start, as in 05:00: --day-starts"
NONE, EACH = "none", "each"  # of the columns: names the site; of the counts, is one
SEVERAL = "Is each of these columns a site (each), or are they parts of one place's day, summed (none): --site"
SITES, EXPORTS = "sites", "exports"  # what the files of a folder are
FILES = (
    "Is each a site (sites), or are they exports of the same figures, of which the newer is right (exports)? "
    "Tills of one place go into one file: --files"
)
OF_FILES = {
    SITES: "each site is called as its folder, or else its file without dates and numbers",
    EXPORTS: "files are exports of the same figures: of a day that several have, the newer one's count",
}
PORTUGAL = {"PT-20": "Atlantic/Azores", "PT-30": "Atlantic/Madeira"}

Ask = Callable[[str, Sequence[str], str | None], str]  # question, choices, what is taken without an answer


@dataclass
class Answers:
    """What was said beforehand, by options of the command; None and empty: not said."""

    location: str | None = None
    date: str | None = None
    value: list[str] = field(default_factory=list)
    site: str | None = None
    hour: str | None = None
    dates: str | None = None
    decimal: str | None = None
    rows: str | None = None
    day_starts: str | None = None
    timezone: str | None = None
    name: str | None = None
    measure: dict[str, str | list[str]] = field(default_factory=dict)
    site_name: str | None = None
    files: str | None = None


class Draft(NamedTuple):
    """What is to be written: a market's name and file, and what was understood, a line each."""

    market: str
    text: str
    understood: list[str]


def draft(name: str, source: str, answers: Answers, ask: Ask | None) -> Draft:
    """Look at a source and make its market's file; nothing is written yet.

    Parameters
    ----------
    name : str
        The market's name. With several sites, and none of them chosen, it is a market of them all.
    source : str
        A file or folder of exports, an https address, or gs://.
    answers : Answers
        What was said beforehand.
    ask : callable, optional
        Asks a person; None where there is no terminal.

    Raises
    ------
    UsageProblem
        If the file is there already, or what cannot be known was not said.
    DataProblem
        If the source cannot be read as it was understood.
    """
    _refuse_existing(name)
    unasked: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        path = download.fetch(source, Path(scratch), kinds=download.EXPORTS)
        try:
            section, within = _understand(path, _written(source), answers, ask or partial(_note, unasked))
        except Problem:  # it may come of an answer that nobody gave
            if not unasked:
                raise
        if unasked:
            raise UsageProblem("\n".join(unasked))
        reading, data = _read(path, section, ask)
    sites = _sites(reading, answers)
    if data.files == SITES:
        _refuse_months(list(map(site_of, sites)))
    section |= {"location": sites[0]} if len(sites) == 1 else {"series": "all"}
    last = max(_last(reading, location) for location in sites)
    return Draft(name, market_text(name, section, last, data), [*_understood(reading, data, sites, section), *within])


def _read(path: Path, section: dict[str, Any], ask: Ask | None) -> tuple[Reading, Data]:
    """The source as it was understood; of files with other figures of the same days it is asked what they are."""
    data = _validated(section)
    try:
        return table.read_table(path, data, day_of_business(data)), data
    except SeveralTills as problem:
        if data.files or data.columns.site or isinstance(data.columns.value, list):
            raise
        question = f"{problem.seen}. {FILES}"
        if not ask:
            raise UsageProblem(f"{question} ({SITES}, {EXPORTS})") from problem
    section |= {"files": ask(question, [SITES, EXPORTS], None)}
    return _read(path, section, ask)


def write(draft: Draft) -> Path:
    """Write the file, only where there is none."""
    path = params_folder() / f"{draft.market}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(draft.text)
    return path


def _written(source: str) -> str:
    """The source as the market's file names it: relative to that file where it lies beside it, else absolute."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:/", source):
        return source
    beside = params_folder() / source
    path = (beside if beside.exists() else Path(source).expanduser()).resolve()
    folder = params_folder().resolve()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _note(unasked: list[str], question: str, choices: Sequence[str], default: str | None) -> str:
    """Nobody is there to ask: questions are collected, so that all are told at once, and go on with any answer."""
    if default is None:
        among = f" ({', '.join(map(safe, choices))})" if choices else ""
        unasked.append(f"{question}{among}")
    return default or (choices[0] if choices else "PT")


def _understand(path: Path, source: str, answers: Answers, ask: Ask) -> tuple[dict[str, Any], list[str]]:
    """The section ``data`` of the market's file, as its keys and values; and which columns might be taken for sites."""
    sketch = _sketch(table.files(path, answers.files == SITES), answers)
    if answers.files == SITES:
        answers = replace(answers, site=answers.site or NONE)
    section: dict[str, Any] = {"source": source, "unit": "counts"} | ({"files": answers.files} if answers.files else {})
    section |= _audit_file(answers, ask) if sketch.is_saft else _table(sketch, answers, ask)
    location = answers.location or ask(WHERE, [], None)
    if not CODE.fullmatch(location):
        raise UsageProblem(f"--location {location}: write an ISO 3166 code, of a country or a region: PT, PT-11")
    section |= {"location": location, "timezone": answers.timezone or _zone(location, ask)}
    section |= {"name": answers.name or "", "measure": answers.measure}
    if sketch.is_saft:
        return section, []
    added_up = [] if answers.rows else list(_added_up(sketch, section))
    return section, added_up + ([] if answers.site else list(_not_sites(sketch, section)))


def _not_sites(sketch: Sketch, section: dict[str, Any]) -> Iterator[str]:
    """A line on each column that tells rows of a day apart, and seems to be of one place: its rows are summed."""
    others = [name for name in sniff.within_a_place(sketch) if name not in section["columns"].values()]
    for name in others if section["rows"] == "orders" else []:
        yield f"{safe(name)} is left out: it seems to be of one place, and is summed; a site each: --site {safe(name)}"


def _added_up(sketch: Sketch, section: dict[str, Any]) -> Iterator[str]:
    """A line on rows of a day or time that others have with other figures: two orders, or a count corrected."""
    columns = Columns.model_construct(**section["columns"])
    rows, number = sniff.contradictory(sketch, columns, section["dates"]) if section["rows"] == "orders" else ("", 0)
    if number:
        time = "day" if rows == "days" else "time"
        yield (
            f"{number:,} rows have the {time} of another one and other figures, and are added up, as orders are; "
            f"if a {time} has but one figure, --rows {rows} names them"
        )


def _sketch(files: Sequence[Path], answers: Answers) -> Sketch:
    """What the newest export looks like; the next one, where that has no row."""
    said = [answers.date, answers.site, answers.hour, *answers.value]
    given = [name for name in said if name not in (None, NONE, EACH) and "," not in name]
    newest, *older = sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)
    try:
        return sniff.sniff(newest, given, bool(answers.value))
    except Unreadable as stop:
        if older:
            return _sketch(older, answers)
        raise DataProblem("\n".join(fault.at(newest.name) for fault in stop.faults)) from stop


def _audit_file(answers: Answers, ask: Ask) -> dict[str, Any]:
    site = None if answers.site == NONE else answers.site
    named = {"value": answers.value[0] if answers.value else None, "site": site}
    columns = {key: name for key, name in named.items() if name}
    return {"format": "saft", "columns": columns, "day_starts": answers.day_starts or ask(DAY_STARTS, [], "00:00")}


def _table(sketch: Sketch, answers: Answers, ask: Ask) -> dict[str, Any]:
    seen = [*sketch.dates] or [*sketch.cells]
    date = answers.date or sniff.only([*sketch.dates]) or ask("Which column is the date: --date", seen, None)
    given_site = None if answers.site in (NONE, EACH) else answers.site
    _refuse_unknown(sketch, [date, *filter(None, [given_site, answers.hour])])
    dates = answers.dates or _form(sketch, date, ask)
    hour = answers.hour or sniff.only([name for name in sketch.hours if name != date])
    bare = Columns.model_construct(date=date, hour=hour)
    bare = bare.model_copy(update={"site": given_site or sniff.site_column(sketch, bare, dates)})
    rows = answers.rows or sniff.rows_are(sketch, bare, dates)
    orders = rows == "orders" or (not answers.rows and _is_list(sketch, bare, rows))
    values = _values(sketch, bare, answers.value, orders, ask)
    named: dict[str, Any] = {"value": values[0]} if values else {}
    if several := len(values) > 1:
        are_sites = (answers.site or ask(SEVERAL, [EACH, NONE], EACH)) == EACH
        named = {"value" if are_sites else "parts": values}
    columns = Columns.model_construct(date=date, hour=hour, **named)  # checked with the whole
    site = given_site if answers.site or several else _site(sketch, columns, dates, ask)
    columns = columns.model_copy(update={"site": site})
    section: dict[str, Any] = {
        "format": "table",
        "columns": {key: name for key, name in columns.model_dump().items() if name},
        "dates": dates,
        "decimal": answers.decimal or _decimal(sketch, values, ask),
        "rows": answers.rows or ("orders" if not values else sniff.rows_are(sketch, columns, dates)),
    }
    return section | {"day_starts": answers.day_starts or _day_starts(sketch, columns, dates, section["rows"], ask)}


def _refuse_unknown(sketch: Sketch, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in sketch.cells]:
        columns = ", ".join(safe(str(name)) for name in sketch.cells)
        raise UsageProblem(f"no column {missing[0]!r} in the file; it has {columns}")


def _form(sketch: Sketch, date: str, ask: Ask) -> str:
    forms = sketch.dates.get(date) or sniff.forms_of(sketch.cells[date])
    example = next((str(cell) for cell in sketch.cells[date] if cell not in (None, "")), "")
    none_fits = "No form that is known fits: export them as 2025-02-01, or say it"
    known = "More than one form fits, say which" if forms else none_fits
    question = f"How are dates written, {safe(example)!r} for one? {known}: --dates"
    return sniff.only(forms) or ask(question, forms, None)


def _is_list(sketch: Sketch, columns: Columns, rows: str) -> bool:
    """Whether there is nothing to count but rows, as of appointments; a column without a cell may have lost counts."""
    others = [name for name in sketch.cells if name not in (columns.date, columns.hour)]
    is_blank = any(cells.is_blank(sketch.cells[name]).all() for name in others)
    return not others or (rows == "hours" and not sniff.counts(sketch, columns.date, False) and not is_blank)


def _values(sketch: Sketch, bare: Columns, given: Sequence[str], are_orders: bool, ask: Ask) -> list[str]:
    """The columns of the counts, as they were given, asked for, or the only one that there is; orders need none."""
    numbers = sniff.counts(sketch, bare.date, are_orders)
    numbers = [name for name in numbers if name != bare.site] or numbers
    if not given and (len(numbers) == 1 or (not numbers and are_orders)):
        return numbers
    question = "Which column has the counts (several, with commas between: sites, or parts of a day): --value"
    question += "" if numbers else ", or --rows orders, where each row is one"
    given = given or [ask(question, numbers or [name for name in sketch.cells if name != bare.date], None)]
    names = [name.strip() for each in given for name in ([each] if each in sketch.cells else each.split(","))]
    _refuse_unknown(sketch, names)
    return names


def _site(sketch: Sketch, columns: Columns, form: str, ask: Ask) -> str | None:
    site = sniff.site_column(sketch, columns, form)
    taken = (columns.date, columns.hour, *sniff.within_a_place(sketch))
    others = [name for name in sketch.names if name not in taken]
    names = [name for name in others if not sketch.cells[name].is_unique]  # which numbers of receipts are
    if not site and (not names or sniff.rows_are(sketch, columns, form) != "orders"):
        return None
    question = "Several rows are of one day. Which column names the site, none where all are of one: --site"
    is_slip = sniff.repeated(sketch, columns, form) < sniff.SLIPS
    answer = ask(question, [*dict.fromkeys([*filter(None, [site]), *names]), NONE], None if is_slip else site)
    return None if answer == NONE else answer


def _decimal(sketch: Sketch, values: Sequence[str], ask: Ask) -> str:
    marks = [sketch.numbers.get(name, ["."]) for name in values]
    fitting = sorted(set.intersection(*map(set, marks))) if marks else ["."]
    question = "Which mark stands before decimals, the other being thousands': --decimal"
    return sniff.only(fitting) or ask(question, [".", ","], None)


def _day_starts(sketch: Sketch, columns: Columns, form: str, rows: str, ask: Ask) -> str:
    """Asked only where rows say their time and some are of the night."""
    if rows == "days" or sniff.at_night(sketch, columns, form) < NIGHT:
        return "00:00"
    return ask(f"Some rows are of the night. {DAY_STARTS}", [], None)


def _zone(location: str, ask: Ask) -> str:
    """The zone of a country whose clocks all agree, and of Portugal's mainland and islands."""
    country = location[:2]
    if country == "PT":
        return PORTUGAL.get(location, "Europe/Lisbon")
    zones = sorted(zone for zone, territory in get_global("zone_territories").items() if territory == country)
    clocks = {
        tuple(dt.datetime(2026, month, 1, tzinfo=ZoneInfo(zone)).utcoffset() for month in (1, 7)) for zone in zones
    }
    return zones[0] if len(clocks) == 1 else ask("Which time zone is it in: --timezone", zones, None)


def _validated(section: dict[str, Any]) -> Data:
    try:
        return Data.model_validate(section)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # of keys that do not go together
            raise UsageProblem(first["msg"].removeprefix("Value error, ")) from None
        option = "-".join(str(part) for part in first["loc"]).removeprefix("columns-").replace("_", "-")
        raise UsageProblem(f"--{option} {first['input']} — {first['msg'].removeprefix('Value error, ')}") from None


def _sites(reading: Reading, answers: Answers) -> list[str]:
    """The locations of the market: every site's, or that of the one which was chosen."""
    locations = [str(location) for location in reading.series["location"].unique()]
    if answers.site_name is None:
        return locations
    chosen = [location for location in locations if site_of(location) == answers.site_name]
    if not chosen:
        sites = ", ".join(filter(None, map(site_of, locations))) or "none: no column names the site (--site)"
        raise UsageProblem(f"--site-name {answers.site_name}: no such site; there are {sites}")
    return chosen


def _refuse_months(sites: list[str]) -> None:
    """Refuse sites that differ in a month's name alone, or of which each has one: they are a place's files by month."""
    from footfall.page.translations import languages

    forms = [Locale.parse(each.locale).months["format"] for each in languages("counts")]
    short = {spelling(name)[:3] for form in forms for name in form["abbreviated"].values()}
    months, alike = {spelling(name) for form in forms for name in form["wide"].values()} | short, defaultdict(list)
    for site in sites:
        words = re.split(r"[\W\d_]+", spelling(site))
        rest = [word for word in words if word not in months]
        if len(rest) < len(words):
            alike[" ".join(rest)].append(site)
    several = next((names for names in alike.values() if len(names) > 1), [])
    if several or 1 < len(sites) == len(alike):
        one, other, *_ = several or sites
        why = f"{one} and {other} are named after months, and each would be a site"
        raise UsageProblem(f"{why}; give each site a folder of its name, with its files, and say --files sites again")


def _refuse_existing(market: str) -> None:
    check_name(market)
    if (params_folder() / f"{market}.yaml").exists():
        raise UsageProblem(f"{market}.yaml is in {params_folder().name}/ already; remove it, or choose another name")
    check_alike(params_folder(), market)


def _last(reading: Reading, location: str) -> dt.date:
    last: dt.date = _known(reading, location)["date"].max().date()
    return last


def _known(reading: Reading, location: str) -> pd.DataFrame:
    return reading.series[(reading.series["location"] == location) & reading.series["value"].notna()]


def _understood(reading: Reading, data: Data, sites: Sequence[str], section: dict[str, Any]) -> Iterator[str]:
    """What was understood, a line each."""
    columns = ", ".join(f"{key} is {_named(name)}" for key, name in section.get("columns", {}).items())
    counted = "those of SAF-T; documents are counted" if data.format == "saft" and not data.columns.value else ""
    yield f"columns: {'; '.join(filter(None, [columns, counted]))}"
    if isinstance(data.columns.value, list):
        yield "each of these columns is a site; parts of one place's day, to be summed: --site none"
    if data.columns.parts:
        yield "these columns are parts of a day, and summed; each a site: --site each"
    if data.files:
        yield OF_FILES[data.files]
    yield f"dates {data.dates}, decimal {data.decimal}, rows {data.rows}, a day from {data.day_starts}, {data.timezone}"
    yield _holidays(data.location, _last(reading, sites[0]).year)
    for location in sites:
        yield _extent(reading, location, data)
    yield from reading.notes


def _holidays(location: str, year: int) -> str:
    """Whose holidays count, and which regions keep more: with GB's alone Easter Monday is an ordinary day."""
    kept = keeper(country_of(location))
    if not kept:
        return f"no holidays: none are known of {location}"
    more = regions_with_more(kept, year)
    named = f"{', '.join(more[:4])}{' …' if len(more) > 4 else ''}"
    return f"holidays of {kept}{f' alone; its regions keep more: {named} (--location)' if more else ''}"


def _named(columns: str | list[str]) -> str:
    return safe(columns) if isinstance(columns, str) else f"each of {', '.join(map(safe, columns))}"


def _extent(reading: Reading, location: str, data: Data) -> str:
    own = _known(reading, location)
    first, last = own["date"].min(), own["date"].max()
    absent = (last - first).days + 1 - len(own)
    shut = ", ".join(f"{name}s" for name in _shut_weekdays(reading, location, data)) or "no weekday"
    days = f"{len(own):,} days from {first:%Y-%m-%d} to {last:%Y-%m-%d}, {absent:,} without a value"
    return f"{location}: {days}, {own['value'].median():,.10g} on a usual one; {shut} taken for closed"


def _shut_weekdays(reading: Reading, location: str, data: Data) -> list[str]:
    coming = pd.date_range(pd.Timestamp(_last(reading, location)) + DAY, periods=7)
    rows = rows_of(reading.series, location, data.category)
    why = opening.foreseen(rows, location, data.category, coming, data.closed.model_dump())
    return [opening.WEEKDAYS[day.dayofweek].capitalize() for day in coming[why.isin(["weekday", "said"])].sort_values()]
