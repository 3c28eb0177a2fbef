"""From Google's Community Mobility Reports to the series table: strictly, and saying what is wrong where.

A row of a report is one place on one day, with six percentages. A place is called by its ISO 3166 code (``PT``,
``PT-11``), else by its names (``PT/Lisbon/Amadora``); a metropolitan area is ``BR/metro/<name>``, never its country.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from footfall.errors import DataProblem, UsageProblem, listed
from footfall.sources import integrity
from footfall.sources.fault import Fault, Unreadable, by_rule, safe
from footfall.sources.google import assemble, columns
from footfall.sources.google.archive import Sheet, expect_csv, sheets, too_large
from footfall.sources.google.csv_lines import PATIENCE, Block, blocks, inspect
from footfall.sources.reading import Reading


@dataclass
class _Report:
    """What one sheet gave: its rows, all countries in it, what is wrong and what is odd."""

    name: str
    lines: int = 0
    header: list[str] = field(default_factory=list)
    rows: list[pd.DataFrame] = field(default_factory=list)
    countries: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    def notes(self) -> list[str]:
        new = [name for name in self.header if name not in (*columns.REQUIRED, *columns.OPTIONAL, *columns.UNREAD)]
        return [f"{safe(self.name, 120)}:1: a new column, {safe(name)}, is not read" for name in new]


def read_google(path: Path, countries: Sequence[str], not_after: dt.date) -> Reading:
    """Read the reports of some countries.

    Parameters
    ----------
    path : Path
        A zip in Google's shape, a CSV file (also ``.csv.gz``, also of the whole world), or a folder of CSV files.
    countries : sequence of str
        ISO 3166 codes; rows, files and zip members of others are left alone.
    not_after : date
        The last day a row may have: today.

    Returns
    -------
    Reading
        The series table, value in percent change from baseline, NaN where Google published a blank. A day that a
        report leaves out is no row.

    Raises
    ------
    DataProblem
        If anything is wrong, with every rule that is broken as ``<file>:<line>:<column>: <value> — <rule>``, how
        often and where next. The column is its name, or the number of the field where it has no name.
    UsageProblem
        If there is no such file.
    """
    if not path.exists():
        raise UsageProblem(f"{path}: no such file or folder; name a zip, a CSV file or a folder of CSV files")
    reports = [_read(sheet, countries, columns.row_rules(not_after)) for sheet in _sheets(path, countries)]
    names = [report.name for report in reports]
    rows, places = assemble.locate([report.rows for report in reports])
    table, repeats, contradictions = assemble.unite(rows, names)
    problems = by_rule([*((report.name, report.header, report.faults) for report in reports), *contradictions])
    if problems := problems or assemble.ambiguous(places, path.name) + _absent(path.name, places, reports, countries):
        raise DataProblem(listed(problems))
    notes = [note for report in reports for note in report.notes()] + assemble.unused_codes(places) + repeats
    notes += assemble.gaps(table) + assemble.empty_categories(table)
    return Reading(assemble.to_series(table), notes, assemble.names(places))


def _sheets(path: Path, countries: Sequence[str]) -> list[Sheet]:
    try:
        return sheets(path, countries)
    except Unreadable as stop:
        raise DataProblem(listed(by_rule([(path.name, [], stop.faults)]))) from stop


def _read(sheet: Sheet, countries: Sequence[str], rules: pa.DataFrameSchema) -> _Report:
    report, pieces = _Report(sheet.name), sheet.pieces()
    try:
        beginning = next(pieces, b"")
        expect_csv(beginning[: integrity.HEAD], sheet.name)
        for block in blocks(chain([beginning], pieces)):
            _read_block(report, block, countries, rules)
        if report.lines == 1:
            raise Unreadable(Fault(2, 0, "", "no row beneath the header; fetch it again"))
    except Unreadable as stop:
        report.faults += stop.faults
    except integrity.TooLarge:
        report.faults.append(too_large(report.lines + 1, ""))
    except integrity.DAMAGED as error:  # the checksum comes last: what was read before it is no better than the rest
        report.rows, report.faults = [], [Fault(1, 0, sheet.name, f"damaged or cut ({error}); fetch it again")]
    return report


def _read_block(report: _Report, block: Block, countries: Sequence[str], rules: pa.DataFrameSchema) -> None:
    report.lines += len(block.numbers)
    if not report.header:
        line, _, body = block.body.partition(b"\n")
        report.header, block = columns.read_header(line), Block(body, block.numbers[1:])
    block, faults = inspect(block, len(report.header))
    report.faults += faults
    if block.body:
        table, codes, faults = columns.of_countries(columns.parse(block, report.header), countries)
        report.countries |= codes
        report.faults += faults
        if len(table):
            rows, faults = columns.type_rows(table, rules)
            report.rows.append(rows)
            report.faults += faults
    if len(report.faults) >= PATIENCE:
        raise Unreadable()


def _absent(file: str, places: pd.DataFrame, reports: list[_Report], countries: Sequence[str]) -> list[str]:
    codes = sorted(set().union(*(report.countries for report in reports)))
    rule = f"no row of this country; there are rows of {', '.join(codes[:10])}{' …' if len(codes) > 10 else ''}"
    missing = sorted(set(countries) - set(places["country"]))
    return [Fault(2, "country_region_code", country, rule).at(file) for country in missing]
