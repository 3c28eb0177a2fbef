"""What the live sources have in common: they change their shape, say things twice, and have days not known whole."""

import datetime as dt
from collections.abc import Iterable, Mapping

import pandas as pd

from footfall.errors import DataProblem
from footfall.params import Data
from footfall.sources import days
from footfall.sources.fault import Broken, Fault, counted, refuse, safe, shown
from footfall.sources.reading import Reading


def check_shape(file: str, found: Iterable[str], required: Iterable[str], known: Iterable[str]) -> list[str]:
    """Stop at once at a source that has changed its shape, and say what changed.

    Parameters
    ----------
    file : str
        What messages call it.
    found, required, known : iterable of str
        Keys or columns that it has, must have, and has had before.

    Returns
    -------
    list of str
        A note on what is new, where nothing that is required is gone.

    Raises
    ------
    DataProblem
        If something is gone; the message names it, and what is new.
    """
    columns, expected = list(dict.fromkeys(found)), list(required)
    gone = [name for name in expected if name not in columns]
    before = {*expected, *known}
    new = [safe(name) for name in columns if name not in before]
    novelty = f"; new is {', '.join(new[:10])}" if new else ""
    changed = f"{safe(file, 120)}: the source has changed its shape"
    if gone:
        advice = "Read its documentation; until its reader follows, nothing of it is used."
        raise DataProblem(f"{changed}: gone is {', '.join(gone)}{novelty}. {advice}")
    return [f"{changed}{novelty}; nothing that is used is gone"] if new else []


def broken(rows: pd.DataFrame, written: pd.DataFrame, rules: Mapping[tuple[str, str], pd.Series]) -> list[Fault]:
    """The cells that break a rule: `rules` has, of a column of `written` and what it must be, which rows do."""
    return [
        Fault(int(line), column, str(value), rule)
        for (column, rule), are_wrong in rules.items()
        for line, value in zip(rows.loc[are_wrong, "line"], written.loc[are_wrong, column], strict=True)
    ]


def past(
    rows: pd.DataFrame, key: list[str], column: str, broken: Broken, not_after: dt.date
) -> tuple[pd.DataFrame, list[str]]:
    """Rows of days that are over, without those that say the same again; and a note on these.

    Parameters
    ----------
    rows : DataFrame
        Columns of `key`, ``value``, ``day`` and ``line``.
    key : list of str
        What names a row.
    column : str
        Where the source has the value.
    broken : (str, sequence of str, iterable of Fault)
        The file, its columns, and what is wrong in it beside.
    not_after : date
        The day that is not over.

    Raises
    ------
    DataProblem
        If anything is wrong, such as rows that say something else than another of the same key; or if none is left.
    """
    again = rows.duplicated(key)
    pairs = rows[again].merge(rows[~again], on=key, suffixes=("", "_1"))
    same = pairs["value"].eq(pairs["value_1"]) | (pairs["value"].isna() & pairs["value_1"].isna())
    rule = "for the same again; one of the two must go"
    file, header, faults = broken
    contradictions = [
        Fault(pair.line, column, shown(pair.value), rule, f"row {pair.line_1} has {shown(pair.value_1)} ")
        for pair in pairs[~same].itertuples()
    ]
    refuse([(file, header, [*faults, *contradictions])])
    over = rows[~again & (rows["day"] < pd.Timestamp(not_after))]
    if over.empty:
        raise DataProblem(f"{file}: no row of a day before {not_after}, which is not over")
    return over, [f"said again in {counted(same.sum(), 'row')}, left out"] if same.any() else []


def reading(sums: pd.DataFrame, whole: pd.Series, data: Data, why: str, notes: list[str]) -> Reading:
    """The series table of one sum a site and day; a day that is not known whole, or has no row, is unknown.

    Parameters
    ----------
    sums : DataFrame
        Columns ``site``, ``day`` and ``value``.
    whole : Series of bool
        Of each of its rows, whether all of the day is in the sum. A day without anybody is none: the source was down.
    why : str
        What is missing of days that are not whole: ``hours``.
    """
    whole &= sums["value"] > 0
    partial = sums.loc[~whole, "day"]
    note = f"{why} are missing, taken as not known: {counted(len(partial), 'day')}; last {str(partial.max())[:10]}"
    table = days.to_series(sums.assign(value=sums["value"].where(whole)), data.model_copy(update={"absent": "unknown"}))
    return Reading(table, [*notes, *([note] if len(partial) else []), *days.absent(sums, data)])
