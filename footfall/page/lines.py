"""The forecast where there is little room, in a terminal or in Prefect: a line a day, in English."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from footfall.forecast import week
from footfall.outlook import CLOSED
from footfall.page.about import FINE, About
from footfall.page.translations import ENGLISH, languages
from footfall.series import site_of
from footfall.units import COUNTS, unit_of

LISTED = 100  # series of many
FIGURES = ("expected", "low", "high")


def read_shown(parquet: bytes) -> pd.DataFrame:
    """A published table as far as it is shown here: of several series what is expected, without the ranges.

    Parameters
    ----------
    parquet : bytes
        ``forecast.parquet``. Of 24,000 sites all its rows take 800 MB.
    """
    file, keys = pa.BufferReader(parquet), ["location", "target"]
    named = pq.read_table(file, columns=keys, read_dictionary=keys).unify_dictionaries()
    if len(named.group_by(keys).aggregate([])) <= 1:
        return pd.read_parquet(file)
    every = pq.ParquetFile(file)
    means = [rows.filter(pc.field("output_type") == "mean") for rows in every.iter_batches()]
    return pa.Table.from_batches(means, every.schema_arrow).to_pandas()


def read_accounts(files: Mapping[str, bytes]) -> pd.DataFrame:
    """The account of each series in a published set, see `footfall.forecasting.MarketForecast`; of old sets none."""
    content = files.get("series.parquet")
    return pd.read_parquet(pa.BufferReader(content)) if content else pd.DataFrame({"status": []})


def records(table: pd.DataFrame, many: bool = False) -> list[dict[str, Any]]:
    """`footfall.forecast.week` as records, one decimal; a closed day is said to be ``closed`` and has no numbers.

    Parameters
    ----------
    table : DataFrame
        The published table. Of several series each of the first `LISTED` is one record: its place, and what is expected
        of each day.
    many : bool, default=False
        Whether it is of a market of several, of which but one may have a forecast.
    """
    rows = _places(table).head(LISTED).reset_index().to_dict("records") if many or of_several(table) else _days(table)
    return [{name: round(cell, 1) if isinstance(cell, float) else cell for name, cell in row.items()} for row in rows]


def _days(table: pd.DataFrame) -> list[dict[str, Any]]:
    shut = {*table.loc[table["open"] == "no", "target_end_date"]} if "open" in table else ()
    closed = dict.fromkeys(FIGURES, "") | {"expected": CLOSED}
    return [day | closed if day["date"] in shut else day for day in week(table).to_dict("records")]


def of_several(table: pd.DataFrame) -> bool:
    """Whether a published table is of more than one series."""
    return bool(len(table[["location", "target"]].drop_duplicates()) > 1)


def _places(table: pd.DataFrame) -> pd.DataFrame:
    """What is expected of each day, a row for each series; a closed day is said to be."""
    means = table[table["output_type"] == "mean"]
    is_counted = unit_of(table["target"].iloc[0]) is COUNTS
    place = means["location"].map(lambda location: site_of(location) or location) if is_counted else means["location"]
    if means["target"].nunique() > 1:
        place = place + " " + means["target"]
    expected = means["value"].astype(object)
    if "open" in means:
        expected = expected.mask(means["open"] == "no", CLOSED)
    shown = pd.DataFrame({"place": place, "date": means["target_end_date"], "expected": expected})
    return shown.pivot(index="place", columns="date", values="expected")


def week_of_places(table: pd.DataFrame) -> tuple[list[str], list[tuple[str, ...]]]:
    """The days of several series' forecasts, and for each series its place and what is expected of them."""
    expected, target = _places(table), str(table["target"].iloc[0])
    write = _form([value for value in expected.to_numpy().ravel() if value != CLOSED], target).format
    rows = [(place, *(day if day == CLOSED else write(day) for day in week)) for place, *week in expected.itertuples()]
    return list(expected.columns), rows


def lines(table: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    """Date, weekday, what is expected and the 80 % range of each day of a forecast of one series."""
    days = _days(table)
    write = _form([day["expected"] for day in days if day["expected"] != CLOSED], table["target"].iloc[0]).format
    for day in days:
        if day["expected"] == CLOSED:
            yield day["date"], day["weekday"], CLOSED, ""
        else:
            yield day["date"], day["weekday"], write(day["expected"]), f"{write(day['low'])} … {write(day['high'])}"


def _form(numbers: list[float], target: str) -> str:
    if unit_of(target) is not COUNTS:
        return "{:+.1f}"
    return "{:,.1f}" if max(numbers, default=0) < FINE else "{:,.0f}"


def caption(target: str, measure: Mapping[Any, str]) -> str:
    """What the numbers are: ``guests a day``.

    Parameters
    ----------
    target : str
        The table's.
    measure : mapping of str to str or list of str
        What is counted, by language, see `footfall.page.about.About`.
    """
    if unit_of(target) is not COUNTS:
        return "percent against early 2020"
    english = next(language for language in languages(COUNTS.name) if language.tag == ENGLISH)
    return f"{About(measure=measure).words(target, english)[1]} a day"
