"""What a stranger's export seems to hold: its columns by what stands in them, and every way in which they can be read.

Nothing is decided here where two readings fit: both are handed back, and whoever asked chooses.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from footfall.params import Columns
from footfall.sources import cells, integrity
from footfall.sources.business_day import is_of_business
from footfall.sources.fault import Fault, Unreadable
from footfall.sources.rows import DIGIT, collect, first_line, top
from footfall.sources.sheets import Record, sheets

DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
        "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y")  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S%z", "T%H:%M:%S.%f", "T%H:%M:%S.%f%z",
         " %H:%M:%S%z", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")  # fmt: skip
MARKS = "-/.:T"  # between the numbers of a form
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\d).*|\d{8}([ T].*)?|\d{1,2}[ -][A-Za-zç]{3,9}\.?[ -]\d{4}.*")
HOUR_WORDS = re.compile(r"(?i)hour|hora|heure|stunde|uhrzeit|time|tempo")
PARTS = re.compile(r"(?i)(year|month|day|week|weekday|ano|m[eê]s|dia|semana|jahr|monat|tag|woche)")
NUMBERING = re.compile(r"(?i)(id|n[ºo.]?|#)")  # of lines, or of orders; where a row is a day, a count like others
BESIDE = (
    r"(name|nome|nombre|nom|member|type|tipo|period|per[íi]odo|id|code|c[óo]digo|n[ºor]?|number|d[aeo]|del?|du|\d+)"
)
WITHIN = (
    r"waiter|waitress|server|staff|employee|shift|meal|daypart|empregad[oa]|funcion[áa]ri[oa]|turno|refei[çc][ãa]o|"
    r"camarer[oa]|emplead[oa]|serveu(r|se)|employée?|équipe|kellner(in)?|bedienung|mitarbeiter(in)?|schicht|mahlzeit"
)  # words for what is told apart within one place; a service may be the evening's or the bar's
PLACE = (
    r"site|shop|store|place|location|branch|outlet|venue|restaurant|café|loja|local|filial|estabelecimento|restaurante|"
    r"tienda|sucursal|magasin|établissement|lieu|laden|filiale|standort"
)
PARTS_OF_A_DAY = re.compile(
    r"(?i)am|pm|breakfast|brunch|lunch|dinner|supper|morning|afternoon|evening|night|"
    r"pequeno-almoço|almoço|lanche|jantar|ceia|manhã|tarde|noite|desayuno|almuerzo|comida|merienda|cena|mañana|noche|"
    r"petit-déjeuner|déjeuner|dîner|matin|midi|après-midi|soir|"
    r"frühstück|mittag|mittagessen|abend|abendessen|morgen|vormittag|nachmittag|nacht"
)
MOSTLY = 0.95  # share of the cells; the others are told with their places when the file is read
NUMBERS = 0.5  # share of the cells of a column of numbers: one of seven may say "closed"
QUARTER = 15  # minutes; rows of a counter are of whole ones, and orders are not
FEW = 60  # cells that decide whether a form is worth trying on all
MOST_SITES = 500
OFTEN = 7  # rows of a site, of which each day has one
SLIPS = 0.05  # share of rows on a day that others have too; fewer may be slips, and no site is taken unasked
NIGHT_ENDS = 5  # o'clock
LONGEST = 10  # hours from a day's first booking to its last


@dataclass
class Sketch:
    """The columns of an export by what stands in them."""

    cells: pd.DataFrame = field(default_factory=pd.DataFrame)
    dates: dict[str, list[str]] = field(default_factory=dict)  # with every form that fits
    hours: list[str] = field(default_factory=list)
    numbers: dict[str, list[str]] = field(default_factory=dict)  # with every decimal mark that fits
    names: list[str] = field(default_factory=list)
    is_saft: bool = False


def sniff(path: Path, given: Sequence[str] = (), has_counts: bool = False) -> Sketch:
    """Look at a file; SAF-T needs no look, its fields have names.

    Parameters
    ----------
    path : Path
        The file.
    given : sequence of str
        Names of columns that somebody said, by which the line of names is known.
    has_counts : bool
        Whether those of the counts are among them; else no name may stand for two columns with figures.

    Raises
    ------
    Unreadable
        If it is no table, or has no line of names above a line with a date.
    """
    if integrity.kind_of(path) == integrity.XML:
        return Sketch(is_saft=True)
    candidates = [(sheet, *first) for sheet in sheets(path) if (first := _header(top(sheet), given))]
    if not candidates:
        rule = "no table: no line of names of columns that has a date beneath it, as 2025-02-01; export it as one, or "
        raise Unreadable(Fault(1, 0, ", ".join(first_line(path)), f"{rule}name the column of dates: --date"))
    sheet, line, header = max(candidates, key=lambda each: (set(given) <= set(each[2]), sum(map(bool, each[2]))))
    figures = set() if has_counts else _with_figures(header, [row for at, row in top(sheet) if at > line])
    names = [name for name in dict.fromkeys(header) if name and (header.count(name) == 1 or name in figures)]
    sketch = Sketch(collect(sheet, line, header, names).cells)
    for name in names:
        _sort_in(sketch, name)
    return sketch


def _header(lines: list[Record], given: Sequence[str]) -> tuple[int, list[str]] | None:
    """The first line with the names that were given; else that of nothing but names with most rows of dates beneath.

    A letterhead has a line with a date, too.
    """
    named = [(line, [str(cell if cell is not None else "").strip() for cell in cells]) for line, cells in lines]
    if given and (found := next((each for each in named if set(given) <= set(each[1])), None)):
        return found
    rows = [_rows_beneath(lines[at:]) for at in range(len(lines))]
    return named[rows.index(max(rows))] if any(rows) else None


def _with_figures(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> set[str]:
    """The names with a digit in a cell beneath."""
    return {name for row in rows for name, cell in zip(header, row, strict=False) if DIGIT.search(str(cell))}


def _rows_beneath(lines: list[Record]) -> int:
    """How many lines beneath the first are rows of it: with a date where the next has one, and no more cells."""
    header, *rows = [cells for _, cells in lines]
    if not _written(header) or any(map(_is_date, header)) or not rows:
        return 0
    at = [number for number, cell in enumerate(rows[0]) if _is_date(cell)]
    fitting = [row for row in rows if _written(row) <= _written(header)]
    return bool(at) + sum(any(_is_date(row[number]) for number in at if number < len(row)) for row in fitting)


def _written(cells: Sequence[Any]) -> int:
    return sum(bool(str(cell if cell is not None else "").strip()) for cell in cells)


def _is_date(cell: Any) -> bool:
    return isinstance(cell, dt.date) or bool(DATE.fullmatch(str(cell).strip()))


def _sort_in(sketch: Sketch, name: str) -> None:
    column = sketch.cells[name]
    column = column[~cells.is_blank(column)]
    if column.empty:
        return
    if forms := forms_of(column):
        sketch.dates[name] = forms
    elif _are_hours(name, column):
        sketch.hours.append(name)
    elif decimals := _decimals(column):
        sketch.numbers[name] = decimals
    elif column.astype(str).nunique() <= MOST_SITES:
        sketch.names.append(name)


def forms_of(column: pd.Series) -> list[str]:
    """Every form that fits the dates of a column, ISO's where a workbook holds dates; none without dates."""
    if column.map(lambda cell: isinstance(cell, dt.date)).mean() >= MOSTLY:
        return [DAYS[0]]
    unique = pd.Series(cells.texts(column).unique())
    if not unique.map(lambda text: bool(DATE.fullmatch(text))).mean() >= MOSTLY:
        return []
    most = {mark: max(text.upper().count(mark) for text in unique[:FEW]) for mark in MARKS}
    forms = (day + time for day in DAYS for time in TIMES)
    shares = {form: _share(unique[:FEW], form) for form in forms if _its_marks_are_there(form, most)}
    shares = {form: _share(unique, form) for form, share in shares.items() if share >= MOSTLY}
    return [form for form, share in shares.items() if share == max(shares.values()) >= MOSTLY]


def _its_marks_are_there(form: str, most: dict[str, int]) -> bool:
    """Whether any text may be of this form: to try all 204 of them takes most of the time that a file takes."""
    between = re.sub("%.", "", form)
    return all(between.count(mark) <= there for mark, there in most.items())


def _share(texts: pd.Series, form: str) -> float:
    days = pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form)
    return float((days.dt.year.between(1990, 2100)).mean())


def _are_hours(name: str, column: pd.Series) -> bool:
    clock = column.map(lambda cell: isinstance(cell, dt.time)) | cells.texts(column).str.contains(":", regex=False)
    are_hours = cells.hours(column).notna() | cells.texts(column).str.fullmatch(cells.HOUR)  # also those refused later
    return are_hours.mean() >= MOSTLY and (clock.mean() >= MOSTLY or bool(HOUR_WORDS.search(name)))


def _decimals(column: pd.Series) -> list[str]:
    """The decimal marks by which a column is of numbers; one, where they make no difference."""
    read = {mark: cells.numbers(column, mark) for mark in (".", ",")}
    best = max(values.notna().mean() for values in read.values())
    fitting = [mark for mark, values in read.items() if values.notna().mean() == best >= NUMBERS]
    return fitting[:1] if len(fitting) > 1 and read["."].equals(read[","]) else fitting


def _is_no_count(name: str) -> bool:
    return bool(PARTS.fullmatch(name) or NUMBERING.fullmatch(name)) or _is_named(name, WITHIN)


def _is_named(name: str, words: str) -> bool:
    """Whether a column is named by one of the words, with a number or the like beside it: a meal's price is no meal."""
    return bool(re.fullmatch(rf"(?i)[\W_]*({BESIDE}[\W_]+)*({words})\d*([\W_]+{BESIDE})*[\W_]*", name))


def within_a_place(sketch: Sketch) -> list[str]:
    """The columns of waiters, shifts or meals, or of nothing but parts of a day: they name no site."""
    codes = [name for name in sketch.numbers if _comes_again(sketch.cells[name], OFTEN)]
    written = {name: {*cells.texts(sketch.cells[name])} - {""} for name in sketch.names if not _is_named(name, PLACE)}
    parts = [name for name, texts in written.items() if all(map(PARTS_OF_A_DAY.fullmatch, texts))]
    return [name for name in [*sketch.names, *codes] if _is_named(name, WITHIN) or name in parts]


def counts(sketch: Sketch, date: str, are_orders: bool) -> list[str]:
    """The columns of numbers that may be counts; one called N of a file of orders numbers them."""
    others = [name for name in sketch.numbers if name != date and not PARTS.fullmatch(name)]
    numbers = [name for name in others if not _is_flag(sketch, name)]
    return [name for name in numbers if not _is_no_count(name)] or ([] if are_orders else numbers)


def _is_flag(sketch: Sketch, name: str) -> bool:
    """Whether a column of numbers says but yes and no."""
    return set(cells.numbers(sketch.cells[name], sketch.numbers[name][0]).dropna().unique()) <= {0.0, 1.0}


def rows_are(sketch: Sketch, columns: Columns, form: str) -> str:
    """What a row is, by how often each day is there: ``days``, ``hours`` or ``orders``."""
    if repeated(sketch, columns, form) > SLIPS:
        return "orders"
    moments = cells.moments(sketch.cells[columns.date], form, "UTC", None).dropna()
    if columns.hour:
        is_counter = (cells.hours(sketch.cells[columns.hour]).dropna() % QUARTER == 0).all()
    elif (moments == moments.dt.normalize()).all():
        return "days"
    else:
        is_counter = (moments == moments.dt.floor("h")).all() or (
            _is_regular(moments) and _is_watched(sketch, columns, moments)
        )
    return "hours" if is_counter else "orders"


def _is_regular(moments: pd.Series) -> bool:
    """Whether moments are of whole quarters, one as long after the other on most of a day: appointments leave gaps."""
    times = pd.Series(moments.unique()).sort_values()
    steps = times.diff()[times.dt.normalize().eq(times.dt.normalize().shift())]
    return bool((times == times.dt.floor(f"{QUARTER}min")).all() and steps.eq(steps.min()).mean() >= MOSTLY)


def _is_watched(sketch: Sketch, columns: Columns, moments: pd.Series) -> bool:
    """Whether somebody counts where nobody comes, or longer than tables are booked: an evening's may have no gap."""
    has_zero = any(cells.numbers(sketch.cells[name], ".").eq(0).any() for name in columns.values)
    of_day = moments.groupby(moments.dt.normalize())
    return has_zero or bool((of_day.max() - of_day.min()).median() > pd.Timedelta(hours=LONGEST))


def repeated(sketch: Sketch, columns: Columns, form: str) -> float:
    """The share of rows whose day, or hour, of a site others have too.

    What is said twice is a slip, thrice orders; and so is what stands directly beneath its like.
    """
    lines, texts = sketch.cells, sketch.cells.astype(str)
    again = lines.duplicated() & texts.ne(texts.shift()).any(axis=1)
    if columns.values and not lines[again].duplicated().any():
        lines = lines[~again]
    moments = cells.moments(lines[columns.date], form, "UTC", None)
    key = [moments, *(lines[name] for name in (columns.site, columns.hour) if name)]
    return float(pd.concat(key, axis=1).dropna(how="any").duplicated(keep=False).mean())


def contradictory(sketch: Sketch, columns: Columns, form: str) -> tuple[str, int]:
    """What rows would be without those whose day or time another has, and how many of these have another figure.

    None where a time is there more than twice, as times of orders are.
    """
    moments = cells.moments(sketch.cells[columns.date], form, "UTC", None)
    key = pd.concat([moments, *(sketch.cells[name] for name in (columns.site, columns.hour) if name)], axis=1)
    again = key.duplicated()
    number = int((again & ~key.join(sketch.cells[columns.values], rsuffix="_").duplicated()).sum())
    if not columns.values or not number or key[again].duplicated().any():
        return "", 0
    rows = rows_are(replace(sketch, cells=sketch.cells[~again]), columns, form)
    return ("", 0) if rows == "orders" else (rows, number)


def site_column(sketch: Sketch, columns: Columns, form: str) -> str | None:
    """The column of names, or of codes, that tells apart rows of the same day, or hour, where nothing else does."""
    bare = columns.model_copy(update={"site": None})
    moments = cells.moments(sketch.cells[columns.date], form, "UTC", None)
    rows = pd.concat([moments.rename("moment"), *(sketch.cells[name] for name in [bare.hour] if name)], axis=1)
    if not rows.duplicated().any():
        return None
    taken = [*columns.values, columns.date]
    codes = [name for name in sketch.numbers if name not in taken and not _is_no_count(name)]
    few = min(OFTEN, max(2, moments.dt.normalize().nunique() / 2))  # names of an export of days come no more often
    often = dict.fromkeys(sketch.names, few) | dict.fromkeys(codes, OFTEN)
    no_site = within_a_place(sketch)
    possible = [
        name for name, times in often.items() if name not in no_site and _comes_again(sketch.cells[name], times)
    ]
    fitting = [name for name in possible if not rows.assign(site=sketch.cells[name]).duplicated().any()]
    told_apart = sketch.cells[fitting]  # a shop's name, its address and its code are one column as good as three
    is_clear = fitting and len(told_apart.drop_duplicates()) == told_apart.nunique(dropna=False).min()
    return fitting[0] if is_clear else None


def _comes_again(column: pd.Series, times: float) -> bool:
    """Whether each of a column's cells is there often, as a shop's code is, and not an order's number or a sum."""
    return bool(column.nunique() <= min(MOST_SITES, len(column) / times))


def at_night(sketch: Sketch, columns: Columns, form: str) -> float:
    """The share of rows between midnight and five, of rows that say their time; none where dates hold their nights."""
    moments = cells.moments(sketch.cells[columns.date], form, "UTC", None)
    if not columns.hour:
        says_time = (moments.dropna() != moments.dropna().dt.normalize()).any()
        return float((moments.dt.hour < NIGHT_ENDS).mean()) if says_time else 0.0
    minutes = cells.hours(sketch.cells[columns.hour])
    sites = sketch.cells[columns.site] if columns.site else pd.Series("", index=minutes.index)
    if is_of_business(moments.dt.normalize(), minutes, sites):
        return 0.0
    return float((minutes < NIGHT_ENDS * 60).mean())


def only(choices: Sequence[str]) -> str | None:
    """The one choice, if it is one."""
    return choices[0] if len(choices) == 1 else None
