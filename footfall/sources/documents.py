"""The documents of audit files, SAF-T: of whom they are, and each of them once, however many files have it.

Every till of a place exports its own file, and a month may be exported twice, by which days would be lost or counted
again; and a document that was cancelled later counts for nothing, whichever file still has it as it was.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.series import DAY
from footfall.sources.export import Export
from footfall.sources.fault import counted, safe, some
from footfall.sources.saft import COMPANY, ESTABLISHMENT, NAME

LEFT_OUT = {"A": "cancelled", "F": "replaced by an invoice"}
NUMBERING = r"^\S* (.*)/"  # a document's series, such as "FS A", in "501234567 FS A/12 2025-12-31T20:30:00"
AGO, OFTEN = pd.Timedelta(days=28), 14  # since when a till may lag, and days before on which it was in use


def one_company(folder: str, exports: Sequence[Export], data: Data) -> list[str]:
    """A note where documents of several establishments are taken as one place.

    Raises
    ------
    DataProblem
        If they are of several companies, which neither files nor a field of the header tell apart as sites.
    """
    if data.files == "sites":
        return []
    headers = [export.audit.header for export in exports if export.audit]
    companies, establishments = (
        sorted({header[field] for header in headers if header.get(field)}) for field in (COMPANY, ESTABLISHMENT)
    )
    if len(companies) > 1 and data.columns.site not in (COMPANY, NAME):
        how = f"keep one's, or make each a site: columns: {{site: {COMPANY}}}, or footfall new --site {COMPANY}"
        raise DataProblem(f"{safe(folder, 120)}: audit files of several companies, {some(companies)}; {how}")
    if len(establishments) > 1 and data.columns.site is None:
        how = f"a site each: columns: {{site: {ESTABLISHMENT}}}, or footfall new --site {ESTABLISHMENT}"
        return [f"the establishments {some(establishments)} are taken for one place; {how}"]
    return []


def each_document_once(rows: pd.DataFrame, exports: Sequence[Export]) -> tuple[pd.DataFrame, list[str]]:
    """Rows of audit files without documents that are there again, or do not count as they stand last; and notes.

    What is left of all audit files is one export: none takes the place of another.
    """
    audits = {file: export.audit.documents for file, export in enumerate(exports) if export.audit}
    if not audits:
        return rows, []
    documents = rows.join(pd.concat(audits, names=["file", "line"]), on=["file", "line"])
    is_one = documents["document"].notna()
    documents = documents[is_one].sort_values(["since", "rank", "line"])
    last = documents.drop_duplicates("document", keep="last")
    out = last["status"].map(LEFT_OUT)
    kept = rows[~is_one | rows.index.isin(last.index[out.isna()])]
    kept = kept.assign(rank=kept["rank"].mask(is_one, documents["rank"].max())).reset_index(drop=True)
    again = documents.loc[documents.duplicated("document"), "document"].nunique()
    times = {"exported more than once, taken once, as last said": again}
    times |= {f"{why}, left out": int(out.eq(why).sum()) for why in LEFT_OUT.values()}
    notes = [f"{what}: {counted(number, 'document')}" for what, number in times.items() if number]
    lagging = [note for _, own in last[out.isna()].groupby("site") for note in _tills_that_lag(own)]
    return kept, [*notes, *lagging]


def _tills_that_lag(documents: pd.DataFrame) -> Iterator[str]:
    """A note on each series of numbers that ends well before the others, as of a till whose export is not there yet."""
    series = documents["document"].str.extract(NUMBERING, expand=False)
    days = documents.assign(series=series)[["series", "day"]].drop_duplicates().sort_values("day")
    first, newest = days.groupby("series")["day"].min(), days["day"].max()
    for name, own in days.groupby("series")["day"]:
        end = own.max()
        lately = own[own > end - AGO]
        is_late = len(lately) >= OFTEN and max(lately.diff().max(), DAY) <= newest - end <= AGO
        if is_late and not first.gt(end).any():  # one that begins later is the same till's, of a new year
            since = f"no document {safe(name)}/… since {end:%F}, while others go on to {newest:%F}"
            yield f"{since}: if an export of that till is missing, these days are too small"
