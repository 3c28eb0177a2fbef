"""From exports of one's own, of a till or a counter, to the series table: as the market's file says, never guessed."""

import datetime as dt
import unicodedata
from pathlib import Path

from footfall.errors import DataProblem, UsageProblem
from footfall.params import Data
from footfall.series import site_of
from footfall.sources import days, names
from footfall.sources.documents import each_document_once, one_company
from footfall.sources.export import Export, read_export
from footfall.sources.fault import refuse, some
from footfall.sources.oddities import oddities
from footfall.sources.partial import without_partial_days
from footfall.sources.reading import Reading
from footfall.units import unit_of

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".xlsx", ".xlsm", ".xlsb", ".xls", ".parquet", ".xml")


def read_table(path: Path, data: Data, not_after: dt.date) -> Reading:
    """Read a file, or a folder of exports.

    Parameters
    ----------
    path : Path
        A CSV file, an Excel workbook, a Parquet file, a SAF-T (PT) audit file, or a folder of them; where files are
        sites, also of folders of them. Where two exports have the same day, the newer one's is taken, whole.
    data : Data
        What the market's file says of its columns, dates, decimals, hours, zone, sites and closed days.
    not_after : date
        The day of business that is not over: it and later ones are left out.

    Returns
    -------
    Reading
        The series table with ``open``; a site's location is ``PT-11/<site>``.

    Raises
    ------
    DataProblem
        If anything is wrong, with every rule that is broken as ``<file>:<line>:<column>: <value> — <rule>``.
    UsageProblem
        If there is no such file, ``data.dates`` is no form of a date, or ``data.files`` is said of one file.
    """
    wanted, others = _listed(path, data.files == "sites")
    exports = [_read(file, path, data, not_after) for file in wanted]
    empty = [export.name for export in exports if export.is_empty]
    if len(empty) < len(exports):
        exports = [export for export in exports if not export.is_empty]
    refuse((export.name, export.header, export.faults) for export in exports)
    places = one_company(path.name, exports, data)
    rows, documents = each_document_once(days.together(exports), exports)
    if rows.empty:
        rule = f"no row of a day before {not_after}, which is not over"
        raise DataProblem("; ".join([f"{path.name}: {rule}", *documents]))
    rows, spellings = days.name_sites(rows, site_of(data.location))
    rows, overlaps = days.unite(rows, data, exports)
    rows, repeats, contradictions = days.without_repeats(rows, data, exports)
    refuse((exports[file].name, exports[file].header, [fault]) for file, fault in contradictions)
    repeats += days.pasted(rows, exports)
    rows, partial = without_partial_days(rows, data, exports)
    table, refunds = days.sum_up(rows, unit_of(data.category).floor)
    if not table["value"].gt(unit_of(data.category).floor).any():
        rule = f"no day has a value above {unit_of(data.category).floor:g}; is it the right column?"
        raise DataProblem("; ".join([f"{path.name}: {rule}", *partial]))
    left_out = {"passed over": others, "empty": empty}
    notes = [f"{path.name}: {what}: {some(them)}" for what, them in left_out.items() if them]
    notes += [note for export in exports for note in export.notes]
    notes += [*places, *documents, *overlaps, *spellings, *repeats, *partial, *refunds]
    notes += days.never_known(table, data)
    return Reading(days.to_series(table, data), notes + days.absent(table, data) + oddities(table))


def _read(file: Path, source: Path, data: Data, not_after: dt.date) -> Export:
    """One export; where files are sites, that of the folder it lies in, or else of its own name."""
    if data.files != "sites":
        return read_export(file, data, not_after)
    if file == source:
        rule = "data.files: sites names a site by each file of a folder, and this is one file; leave it out"
        raise UsageProblem(f"{source.name}: {rule}")
    folder = file.parent.name if file.parent != source else ""
    site = folder or names.of_file(file.name)
    export = read_export(file, data, not_after, unicodedata.normalize("NFC", site))
    if folder:
        export.name, export.notes = f"{folder}/{export.name}", [f"{folder}: {note}" for note in export.notes]
    return export


def files(path: Path, are_sites: bool = False) -> list[Path]:
    """The exports at a path, by name: the file, or those in the folder; where they are sites, in folders there, too.

    Raises
    ------
    UsageProblem
        If there is nothing.
    DataProblem
        If the folder has no export.
    """
    return _listed(path, are_sites)[0]


def _listed(path: Path, are_sites: bool) -> tuple[list[Path], list[str]]:
    """As `files`; and the names of what else is in the folder."""
    if not path.exists():
        raise UsageProblem(f"{path}: no such file or folder; name an export or a folder of exports")
    if path.is_file():
        return [path], []
    seen = _beside(path)
    if are_sites:
        seen = [file for each in seen for file in (_beside(each) if each.is_dir() else [each])]
    exports = _exports(seen)
    if not exports:
        folders = [f"{file.name}/" for file in seen if file.is_dir() and _exports(_beside(file)) and not are_sites]
        how = "where each is a site, say data.files: sites, or footfall new --files sites"
        beneath = f"; there are some in {some(folders)}: {how}" if folders else ""
        raise DataProblem(f"{path.name}: no export in this folder; it should have files {', '.join(SUFFIXES)}{beneath}")
    taken = {*exports}
    others = [f"{file.relative_to(path)}{'/' if file.is_dir() else ''}" for file in seen if file not in taken]
    return exports, others


def _beside(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.name[0] not in ".~"]


def _exports(files: list[Path]) -> list[Path]:
    return [file for file in files if file.name.lower().endswith(SUFFIXES) and file.is_file()]
