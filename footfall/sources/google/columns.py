"""Google's columns: the header, and the rows of a block as dates, numbers and places that keep the rules.

Strict where a lenient reader would guess: `NA` is a country, `1,5` and `−5` are no numbers, 2020-02-30 is no day.
"""

import csv
import datetime as dt
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv

from footfall.sources import names
from footfall.sources.cells import OTHER_MINUSES
from footfall.sources.fault import OWN, Fault, Unreadable
from footfall.sources.google.csv_lines import Block, look
from footfall.sources.integrity import UTF8_BOM

SUFFIX = "_percent_change_from_baseline"
CATEGORIES = ["grocery_and_pharmacy", "parks", "residential", "retail_and_recreation", "transit_stations", "workplaces"]
FIGURES = [category + SUFFIX for category in CATEGORIES]
PLACE = ["country_region_code", "sub_region_1", "sub_region_2", "metro_area", "iso_3166_2_code"]
NAMES = ["country_region", "sub_region_1", "sub_region_2", "metro_area"]
REQUIRED = ["country_region_code", "country_region", "sub_region_1", "sub_region_2", "date", *FIGURES]
OPTIONAL = ["metro_area", "iso_3166_2_code"]  # files of before July 2020 lack them
UNREAD = ["census_fips_code", "place_id"]

FIRST_DAY = dt.date(2020, 2, 15)  # Google's first
LEAST, MOST = -100, 5000  # the most in the figures of 47 countries is 703, parks in Croatia in summer
MOST_COLUMNS = 1000  # Google's files have 15; a pattern repeats no more
NUMBER = r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$"
APART = "\x1f"  # between the parts of a place; it cannot be in a name, which has no control characters

Breach = tuple[int, str, str]  # position of the row, column, the rule that is broken


def read_header(line: bytes) -> list[str]:
    """The columns that the first line of a file names.

    Raises
    ------
    Unreadable
        If one is missing or there twice, they are not separated by commas, or no report has as many.
    """
    line = line.removeprefix(UTF8_BOM)
    if fault := look(1, line):
        raise Unreadable(fault)
    header = next(csv.reader([line.decode()]), [])
    if len(header) < 2:
        separator = next((f"by {mark!r}" for mark in (";", "\t", "|") if mark in line.decode()), "at all")
        raise Unreadable(Fault(1, 0, line, f"the columns of a report are separated by commas, not {separator}; {OWN}"))
    if len(header) > MOST_COLUMNS:
        rule = f"more than {MOST_COLUMNS:,} columns, and no report has as many: fetch it again"
        raise Unreadable(Fault(1, MOST_COLUMNS, header[MOST_COLUMNS], rule))
    rule = "a duplicate header; remove one of the two columns"
    faults = [Fault(1, name, name, rule) for i, name in enumerate(header) if name in header[:i]]
    missing = [name for name in REQUIRED if name not in header]
    if len(missing) > len(REQUIRED) / 2:
        rule = f"these are not the columns of Google's reports, {len(missing)} of which are missing; {OWN}"
        raise Unreadable(Fault(1, 0, line, rule))
    faults += [Fault(1, name, "", "this column is missing; fetch it again, or add it") for name in missing]
    if faults:
        raise Unreadable(*faults)
    return header


def parse(block: Block, header: list[str]) -> arrow.Table:
    """Lines that are sound as text, column by column, with the number of each."""
    columns = [*REQUIRED, *OPTIONAL]
    table = arrow.csv.read_csv(
        arrow.BufferReader(block.body),
        arrow.csv.ReadOptions(column_names=header),
        arrow.csv.ParseOptions(ignore_empty_lines=False),
        arrow.csv.ConvertOptions(
            include_columns=columns, include_missing_columns=True, column_types=dict.fromkeys(columns, arrow.string())
        ),
    )
    texts = {name: pc.fill_null(table[name], "") for name in columns}
    return arrow.table({**texts, "line": block.numbers})


def of_countries(table: arrow.Table, countries: Sequence[str]) -> tuple[arrow.Table, set[str], list[Fault]]:
    """The rows of some countries, the codes of all there are, and those that are no codes."""
    codes = table["country_region_code"]
    wrong = np.flatnonzero(pc.invert(pc.match_substring_regex(codes, "^[A-Z]{2}$")).to_numpy())
    faults = _faults(table, [(int(i), "country_region_code", "a country code is two capitals: PT") for i in wrong])
    wanted = pc.is_in(codes, arrow.array(list(countries), arrow.string()))
    return table.filter(wanted), set(pc.unique(codes).to_pylist()), faults


def type_rows(table: arrow.Table, rules: pa.DataFrameSchema) -> tuple[pd.DataFrame, list[Fault]]:
    """Rows of (place, line, date, six values), and what breaks a rule in them; rows without a day are left out."""
    dates, breaches = _dates(table["date"].to_pandas())
    rows = {"place": pc.binary_join_element_wise(*(table[name] for name in PLACE), APART).to_pandas()}
    rows |= {"line": table["line"].to_numpy(), "date": dates}
    for name in FIGURES:
        rows[name], no_numbers = _numbers(table[name])
        breaches += [(i, name, _no_number(table[name][i].as_py())) for i in no_numbers]
    typed = pd.DataFrame(rows)
    faults = _faults(table, breaches + _breaches(rules, typed)) + _misnamed(table)
    return typed[typed["date"].notna()], faults


def row_rules(not_after: dt.date) -> pa.DataFrameSchema:
    """What is true of every row when `not_after` is today."""
    figure = [
        pa.Check.ge(LEAST, error=f"below {LEAST}: there cannot be fewer than no visits"),
        pa.Check.le(MOST, error=f"above {MOST}: no report has such a rise; {OWN}"),
    ]
    day = [
        pa.Check.ge(pd.Timestamp(FIRST_DAY), error=f"before {FIRST_DAY}, the first day of the reports; {OWN}"),
        pa.Check.le(pd.Timestamp(not_after), error=f"a future date: today is {not_after}"),
    ]
    figures = {name: pa.Column(float, figure, nullable=True) for name in FIGURES}
    return pa.DataFrameSchema({"date": pa.Column("datetime64[us]", day, nullable=True), **figures})


NAME = [pa.Check(keeps, element_wise=True, error=rule) for keeps, rule in names.RULES]
ISO = pa.Check.str_matches(r"^([A-Z]{2}-[A-Z0-9]{1,3})?$", error="an ISO 3166-2 code is written like PT-11")
PLACES = pa.DataFrameSchema({**{name: pa.Column(str, NAME) for name in NAMES}, "iso_3166_2_code": pa.Column(str, ISO)})


def _misnamed(table: arrow.Table) -> list[Fault]:
    places = table.group_by([*NAMES, "iso_3166_2_code"], use_threads=False).aggregate([("line", "min")])
    faults = _faults(places.rename_columns({"line_min": "line"}), _breaches(PLACES, places.to_pandas()))
    first = {(fault.column, fault.value): fault for fault in sorted(faults, key=lambda fault: -fault.line)}
    return list(first.values())


def _faults(table: arrow.Table, breaches: list[Breach]) -> list[Fault]:
    return [Fault(table["line"][i].as_py(), name, table[name][i].as_py(), rule) for i, name, rule in breaches]


def _breaches(rules: pa.DataFrameSchema, rows: pd.DataFrame) -> list[Breach]:
    try:
        rules.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        return list(zip(cases["index"].astype(int), cases["column"], cases["check"], strict=True))
    return []


def _dates(texts: pd.Series) -> tuple[np.ndarray, list[Breach]]:
    codes, unique = pd.factorize(texts)
    days = [_day(text) for text in unique]
    dates = np.array(["NaT" if isinstance(day, str) else day for day in days], "datetime64[us]")[codes]
    return dates, [(int(i), "date", str(days[codes[i]])) for i in np.flatnonzero(np.isnat(dates))]


def _day(text: str) -> dt.date | str:
    """The day, or the rule that is broken."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return "a date is written YYYY-MM-DD"
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return "there is no such day in the calendar"


def _numbers(texts: arrow.ChunkedArray) -> tuple[np.ndarray, list[int]]:
    """Values, NaN where the text is blank or no number, and where it is no number."""
    is_number = pc.match_substring_regex(texts, NUMBER)
    values = pc.cast(pc.if_else(is_number, texts, None), arrow.float64()).to_numpy()
    no_number = pc.and_not(pc.not_equal(texts, ""), is_number).to_numpy()
    return values + 0.0, np.flatnonzero(no_number).tolist()  # -0.0 becomes 0.0


def _no_number(text: str) -> str:
    plain = OTHER_MINUSES.sub("-", text.strip()).replace(",", ".")
    if re.fullmatch(NUMBER, plain):
        return f"write {plain}: a minus is -, decimals follow a point, without spaces"
    if re.fullmatch("(?i)[-+]?(inf(inity)?|nan|na|n/a|null|none)", text):
        return "must be a finite number, or blank where nothing was published"
    return f"must be a number from {LEAST} to {MOST} like -12 or 3.5, or blank where nothing was published"
