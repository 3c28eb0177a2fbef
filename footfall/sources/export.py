"""One export of a till or a counter as typed rows: whose, of which day, how many, and on which line that stands."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from footfall.params import Columns, Data
from footfall.sources import cells, integrity, names
from footfall.sources.business_day import day_of_business, follow_each_other, is_of_business
from footfall.sources.fault import Empty, Fault, Unreadable, counted
from footfall.sources.rows import TOTAL, RawRows, read_rows
from footfall.sources.saft import AuditFile, read_saft
from footfall.units import unit_of

FIRST_DAY = pd.Timestamp("1990-01-01")
MIDNIGHT = "00:00"
TIMES = ("%H", "%I", "%X", "%c")  # in how dates are written, where they say a time
MOSTLY = 0.9  # of the days, on which a total is the sum of the others
FEW = 0.1  # of the rows; where more are called a total, it is what they are of
PERIODS = {"D": "day", "W": "week", "M": "month", "Y": "year"}
FEWEST_ALIKE = 3  # lines of a weekday, of fewer of which nobody can tell whether it ever has a part of the day
MONTHS, SWAPPED = 12, 5  # of a year; dates, and texts, that are so by no chance
NAMELESS = "dates and numbers alone name no site (data.files: sites); put it into a folder that is called as its site"
BEFORE = "hours before {} are taken for the night before their date, as the rows' order does not tell of which they are"
AFTER = "; if they are of the night after it, export the rows in the order of time"
ROW = ["line", "column", "site", "moment", "day", "value"]


@dataclass
class Export:
    """What one file gave: rows of (line, column, site, moment, day, value), what is wrong and what is odd."""

    name: str
    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ROW))
    header: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_empty: bool = False  # which of several is no fault: nothing was sold
    saved: int = 0  # when the file was
    holds: str = "days"  # or hours, or orders, which are summed
    audit: AuditFile | None = None
    site: str | None = None  # the one of all its rows, where files are sites

    def age(self) -> tuple[pd.Timestamp, int, str]:
        """By which the newer of two exports is known: it goes further, else was saved later."""
        return (self.rows["moment"].max() if len(self.rows) else pd.Timestamp.min, self.saved, self.name)


def read_export(path: Path, data: Data, not_after: dt.date, site: str | None = None) -> Export:
    """One file, by what it is; what is wrong in it is among its faults.

    Parameters
    ----------
    path : Path
        A CSV file, a workbook, Parquet or SAF-T.
    data : Data
        How the market's file says it is to be read.
    not_after : date
        The day that is not over yet; later ones are blank, or wrong.
    site : str, optional
        The site of all its rows; None where columns name it, or there is none.
    """
    export = Export(path.name, saved=path.stat().st_mtime_ns, site=site)
    try:
        if site is not None and (rule := names.objection(site) if site else NAMELESS):
            raise Unreadable(Fault(1, 0, path.name, rule))
        is_xml = integrity.kind_of(path) == integrity.XML
        if data.format == "saft" and not is_xml:
            rule = f"{integrity.kind_of(path)}, and data.format is saft, which is XML: leave it out"
            raise Unreadable(Fault(1, 0, path.name, rule))
        if data.format == "table" and is_xml:
            raise Unreadable(Fault(1, 0, path.name, "an XML file, and data.format is table; of SAF-T it is saft"))
        _audit_file(export, path, data) if is_xml else _table(export, path, data)
        _check(export, data, not_after)
    except Unreadable as stop:
        export.faults += stop.faults
        export.is_empty = isinstance(stop, Empty)
    return export


def _audit_file(export: Export, path: Path, data: Data) -> None:
    by_entry = data.day_starts != MIDNIGHT or data.rows_timezone not in (None, data.timezone)
    value, site = data.columns.value, data.columns.site
    rows, export.audit = read_saft(path, value if isinstance(value, str) else None, by_entry, site)
    columns, form = Columns(date="date", value="value", site="site" if site else None), "%Y-%m-%dT%H:%M:%S"
    export.holds = "orders"
    _fill(export, rows, data.model_copy(update={"columns": columns, "dates": form, "decimal": "."}))


def _table(export: Export, path: Path, data: Data) -> None:
    if data.columns.site and isinstance(data.columns.value, list):
        rule = "either a column names the site (columns.site), or each site has a column (columns.value: [A, B])"
        rule += "; columns that are summed are columns.parts"
        raise Unreadable(Fault(1, data.columns.site, data.columns.site, rule))
    export.holds = data.rows if data.columns.values else "orders"
    _fill(export, read_rows(path, data.columns.wanted), data)


def _fill(export: Export, rows: RawRows, data: Data) -> None:
    export.name, export.header, columns = rows.name, rows.header, data.columns
    export.faults += rows.faults
    export.notes += rows.notes
    frame = rows.cells.assign(line=rows.lines)
    others = [columns.date, *filter(None, [columns.site, columns.hour]), "line"]
    parts = [frame[others].assign(cell=frame[name], column=name) for name in columns.values]
    parts = parts or [frame.assign(cell=1.0, column="")]  # of orders, which are counted
    table = pd.concat([part[~_is_empty(part, columns)] for part in parts], ignore_index=True)
    table["moment"] = cells.moments(table[columns.date], data.dates, data.timezone, data.rows_timezone)
    table["site"] = _sites(table, columns, export.site)
    table["value"] = cells.numbers(table["cell"], data.decimal)
    table = _without_totals(table, table["line"].isin(rows.totals), columns.date, export)
    _refuse_swapped(table, columns.date, export)
    export.rows, faults = _of_days(table, data, export)
    export.faults += faults


def _sites(table: pd.DataFrame, columns: Columns, of_file: str | None) -> pd.Series:
    if columns.site:
        return cells.texts(table[columns.site])
    return table["column"] if isinstance(columns.value, list) else pd.Series(of_file or "", index=table.index)


def _is_empty(part: pd.DataFrame, columns: Columns) -> pd.Series:
    """Rows with neither a day nor a value: blank but for what a sheet's formulas or borders left."""
    no_day = cells.is_blank(part[columns.date])
    return no_day & (cells.is_blank(part["cell"]) | part["column"].eq(""))


def _of_days(table: pd.DataFrame, data: Data, export: Export) -> tuple[pd.DataFrame, list[Fault]]:
    """The rows with their days of business, and what cannot be read in them."""
    columns, faults = data.columns, []
    table = _without_sum(table, columns, export)
    no_number = table["value"].isna() & ~cells.is_blank(table["cell"])
    closed = f"write {unit_of(data.category).floor:g} where it was closed"
    rule = f"no number with the decimal {data.decimal!r} (data.decimal), nor blank; {closed}"
    faults += _faults(table[no_number], "column", "cell", rule)
    table = _parts_as_one(table, export) if columns.parts else table
    no_moment = table["moment"].isna()
    rule = f"no date written as {data.dates} (data.dates), or no day of the calendar"
    faults += _faults(table[no_moment], columns.date, columns.date, rule)
    days = table["moment"].dt.normalize()
    has_times = data.rows != "days" and any(field in data.dates for field in TIMES)
    if has_times or table["moment"].dropna().ne(days.dropna()).any():  # dates alone are days of business already
        days = day_of_business(table["moment"], data.day_starts)
    if columns.hour:
        minutes = cells.hours(table[columns.hour])
        faults += _faults(table[minutes.isna()], columns.hour, columns.hour, "no hour from 0 to 23, as in 06:00 or 6")
        days = _of_hours(table, minutes, data, export)
    return table.assign(day=days)[ROW], faults


def _without_totals(table: pd.DataFrame, is_total: pd.Series, date: str, export: Export) -> pd.DataFrame:
    """Rows without those that call themselves a total, where they have no day, or are the sum of all others of theirs.

    Or of their week, month or year; others count, as what is sold may be called so, and whole clubs are.
    """
    has_no_day = is_total & table["moment"].isna() & cells.texts(table[date]).str.match(TOTAL)
    _note(export, table[has_no_day], "totals, left out")
    table, is_total = (rows[~has_no_day].reset_index(drop=True) for rows in (table, is_total))
    for letter, period in PERIODS.items() if table.loc[is_total, "moment"].notna().any() else ():
        sums = table.groupby([table["moment"].dt.to_period(letter), is_total])["value"].sum().unstack()
        both = sums.dropna()
        is_sum = np.isclose(both[True], both.get(False, np.nan))
        if len(both) >= MOSTLY * sums[True].notna().sum() and is_sum.mean() >= MOSTLY:
            _note(export, table[is_total], f"totals of a {period}, left out")
            return table[~is_total].reset_index(drop=True)
    if is_total.mean() < FEW:
        _note(export, table[is_total], "called a total, the sum of no day, week, month or year, and counted")
    return table


def _refuse_swapped(table: pd.DataFrame, date: str, export: Export) -> None:
    """A workbook that takes days for months makes dates of those up to the 12th, and leaves the 13th a text."""
    own = table[date].map(lambda cell: isinstance(cell, dt.date)).astype(bool)
    dates, texts = (table.loc[which, "moment"].dropna() for which in (own, ~own))
    if min(dates.nunique(), texts.nunique()) >= SWAPPED and dates.dt.day.max() <= MONTHS < texts.dt.day.min():
        first = table[own].iloc[0]
        ends = "the sheet's dates end with the 12th of a month, its texts begin with the 13th"
        rule = f"{ends}: days were taken for months"
        export.faults.append(Fault(int(first["line"]), date, str(first[date])[:10], f"{rule}; export it again as CSV"))


def _without_sum(table: pd.DataFrame, columns: Columns, export: Export) -> pd.DataFrame:
    """Rows without the last, where it has no day and the sum of those above."""
    is_last = (table["line"] == table["line"].max()) & cells.is_blank(table[columns.date])
    above = table[~is_last].groupby("column")["value"].sum()
    sums = table["column"].map(above).astype(float)
    if not is_last.any() or not np.isclose(table["value"], sums)[is_last].all():
        return table
    export.notes.append(f"{export.name}:{table['line'].max()}: a total, left out")
    return table[~is_last].reset_index(drop=True)


def _parts_as_one(table: pd.DataFrame, export: Export) -> pd.DataFrame:
    """A row for each line, the sum of its columns; not known where one is blank that its weekday has as a rule.

    An order that has nothing of one part is known all the same.
    """
    line, is_blank = table["line"], table["value"].isna()
    alike = is_blank.groupby([table["site"], table["column"], table["moment"].dt.dayofweek])
    never = (alike.transform("mean") >= MOSTLY) & (alike.transform("size") >= FEWEST_ALIKE)
    lacks = (is_blank & ~never & (export.holds != "orders")).groupby(line).transform("any")
    has_none = is_blank.groupby(line).transform("all")
    what = "a part of the day is blank, taken as not known"
    _note(export, table[lacks & ~has_none], what, "; write 0 where nobody came")
    sums = table["value"].groupby(line).transform("sum").mask(lacks | has_none)
    return table.assign(value=sums)[~line.duplicated()].reset_index(drop=True)


def _of_hours(table: pd.DataFrame, minutes: pd.Series, data: Data, export: Export) -> pd.Series:
    """The day of business of rows that say their hour in a column of its own; their moments are set to it."""
    dates = table["moment"].dt.normalize()
    shift = pd.to_timedelta(minutes.fillna(0), unit="m")
    if not is_of_business(dates, minutes, table["site"]):
        if data.day_starts != MIDNIGHT and not follow_each_other(dates, minutes, table["site"]):
            is_night = minutes < cells.hours(pd.Series([data.day_starts]))[0]
            _note(export, table[is_night], BEFORE.format(data.day_starts), AFTER)
        table["moment"] = cells.moved(dates + shift, data.rows_timezone, data.timezone)
        return day_of_business(table["moment"], data.day_starts)
    by_day = [table["site"], dates]
    is_past_midnight = minutes.groupby(by_day).diff().lt(0).groupby(by_day).cummax()
    table["moment"] = dates + shift + pd.to_timedelta(is_past_midnight.astype(int), unit="D")
    if data.day_starts != MIDNIGHT:
        export.notes.append("the hours of each date run on past midnight: its dates are days of business already")
    return dates


def _faults(rows: pd.DataFrame, column: str, value: str, rule: str) -> list[Fault]:
    """One for each row; `column` is a column's name, or ``column`` where each row says it."""
    named = rows["column"] if column == "column" else [column] * len(rows)
    written = cells.texts(rows[value]) if len(rows) else []
    return [Fault(int(line), name, cell, rule) for line, name, cell in zip(rows["line"], named, written, strict=True)]


def _check(export: Export, data: Data, not_after: dt.date) -> None:
    """Rules that rows must keep once they are read; coming days that are blank are left out, and today."""
    rows, today = export.rows, pd.Timestamp(not_after)
    coming = rows["day"] > today
    empty = coming & (rows["value"].isna() | rows["value"].eq(0))
    _note(export, rows[empty], "blank on coming days, left out")
    _note(export, rows[rows["day"] == today], f"{not_after} is not over, left out")
    floor = unit_of(data.category).floor
    below = f"below {floor:g}: fewer than nobody cannot have come; where rows are orders, say so: data.rows"
    is_under = (rows["value"] < floor) & (export.holds == "days")
    export.faults += [
        *_broken(rows[coming & ~empty], data, f"a coming day: {not_after} is not over; mind data.dates"),
        *_broken(rows[rows["day"] < FIRST_DAY], data, f"before {FIRST_DAY:%Y-%m-%d}; mind data.dates"),
        *[Fault(row.line, row.column, f"{row.value:g}", below)
          for row in rows[is_under].itertuples()],
        *_misnamed(rows, data),
    ]  # fmt: skip
    export.rows = rows[(rows["day"] < today) & rows["moment"].notna()]


def _broken(rows: pd.DataFrame, data: Data, rule: str) -> list[Fault]:
    return [Fault(row.line, data.columns.date, str(row.moment.date()), rule) for row in rows.itertuples()]


def _misnamed(rows: pd.DataFrame, data: Data) -> list[Fault]:
    columns = data.columns
    if not columns.site and not isinstance(columns.value, list):
        return []
    first = rows.drop_duplicates("site")
    reasons = [(line, site, names.objection(site)) for line, site in zip(first["line"], first["site"], strict=True)]
    return [Fault(line, columns.site or site, site, rule) for line, site, rule in reasons if rule]


def _note(export: Export, rows: pd.DataFrame, what: str, remedy: str = "") -> None:
    if count := len(np.unique(rows["line"])):
        which = f"{counted(count, 'row')}; first line {rows['line'].min()}"
        export.notes.append(f"{export.name}: {what}: {which}{remedy}")
