"""The rows of several reports as one series table: places get their locations, repeats go, gaps are noted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from footfall.series import DAY
from footfall.sources.fault import Broken, Fault, safe, shown
from footfall.sources.google.columns import APART, CATEGORIES, FIGURES, SUFFIX


def locate(reports: Sequence[Sequence[pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of all reports with their locations and the number of their file, and the places that they name."""
    parts = [part.assign(file=i) for i, rows in enumerate(reports) for part in rows]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["place", "line", "date", "file"])
    codes, keys = pd.factorize(rows["place"])
    places = _places(list(keys))
    locations, unique = pd.factorize(places["location"], sort=True)
    return rows.assign(location=pd.Categorical.from_codes(locations[codes], unique)), places


def _places(keys: Sequence[str]) -> pd.DataFrame:
    """Each place as the reports spell it: its country, names and code, and the location it is in the table.

    A place that some rows give a code and some do not (files of before July 2020 have none) is one place with a code.
    A code that two places share, or a place with two codes, would mix up series: there the names are taken.
    """
    split = [key.split(APART) for key in keys]
    names = ["/".join(filter(None, [*parts[:3], "metro" if parts[3] else "", parts[3]])) for parts in split]
    codes = [parts[4] if any(parts[1:3]) and not parts[3] else "" for parts in split]
    places = pd.DataFrame({"names": [APART.join(parts[:4]) for parts in split], "name": names, "code": codes})
    coded = places[places["code"] != ""].drop_duplicates(["name", "code"])
    single = coded[~coded.duplicated("name", keep=False) & ~coded.duplicated("code", keep=False)]
    location = places["name"].map(dict(zip(single["name"], single["code"], strict=True))).fillna(places["name"])
    return places.assign(country=[parts[0] for parts in split], location=location.astype("str"))


def names(places: pd.DataFrame) -> dict[str, str]:
    """What the places that are called by their code are called in words."""
    coded = places[places["location"] != places["name"]]
    return dict(zip(coded["location"], coded["name"], strict=True))


def ambiguous(places: pd.DataFrame, file: str) -> list[str]:
    """Problems: different places that would get one location."""
    distinct = places.drop_duplicates("names")
    rule = "two places are spelled like this, one of them with a / of its own; their series cannot be told apart"
    names = distinct.loc[distinct.duplicated("name"), "name"]
    return [Fault(1, "sub_region_1", name, rule).at(file) for name in names]


def unite(rows: pd.DataFrame, files: list[str]) -> tuple[pd.DataFrame, list[str], list[Broken]]:
    """The rows sorted and without repeats; a note on repeats, and what is wrong where repeats say something else."""
    rows = rows.sort_values(["location", "date"], kind="stable", ignore_index=True)
    repeated = rows.duplicated(["location", "date"])
    if not repeated.any():
        return rows, [], []
    pairs = rows[repeated].merge(rows[~repeated], on=["location", "date"], suffixes=("", "_1"))
    pairs = pairs.sort_values(["file", "line"])
    first, again = pairs[[f"{name}_1" for name in FIGURES]].to_numpy(), pairs[FIGURES].to_numpy()
    differs = (first != again) & ~(np.isnan(first) & np.isnan(again))
    same = pairs[~differs.any(axis=1)]
    contradictory = np.flatnonzero(differs.any(axis=1))
    faults = [_contradiction(pairs.iloc[i], FIGURES[differs[i].argmax()], files) for i in contradictory]
    return rows[~repeated].reset_index(drop=True), _repeats(same, files), faults


def _contradiction(pair: pd.Series, column: str, files: list[str]) -> Broken:
    first = f"{safe(files[pair['file_1']], 120)}:{pair['line_1']}"
    detail = f"{first} has {shown(pair[f'{column}_1'])} "
    rule = "for the same place and day; one of the two rows must go"
    return files[pair["file"]], [], [Fault(pair["line"], column, shown(pair[column]), rule, detail)]


def _repeats(pairs: pd.DataFrame, files: list[str]) -> list[str]:
    if pairs.empty:
        return []
    pair = pairs.iloc[0]
    again, first = (f"{safe(files[pair[f'file{n}']], 120)}:{pair[f'line{n}']}" for n in ("", "_1"))
    return [f"duplicate rows with the same values: {len(pairs)} left out; first {again}, which repeats {first}"]


def unused_codes(places: pd.DataFrame) -> list[str]:
    """A note: places that have an ISO code and are not called by it."""
    named = places[(places["code"] != "") & (places["location"] == places["name"])].sort_values(["code", "name"])
    first = ", ".join(f"{place.code} of {safe(place.name)}" for place in named.head(2).itertuples())
    return [f"ISO codes that are not of one place alone, names are used instead: {first} …"] if first else []


def gaps(table: pd.DataFrame) -> list[str]:
    """A note: days that locations lack between their first and their last."""
    dates = table.groupby("location", observed=True)["date"]
    missing = (dates.max() - dates.min()).dt.days + 1 - dates.count()
    holed = missing[missing > 0]
    if holed.empty:
        return []
    days = table.loc[table["location"] == holed.index[0], "date"]
    end = days[days.diff() > DAY].iloc[0]
    start = days[days < end].iloc[-1]
    where = f"{safe(holed.index[0])} {start + DAY:%F} to {end - DAY:%F}"
    return [f"gaps: {len(holed)} of {len(missing)} locations lack {holed.sum()} days within their range; first {where}"]


def empty_categories(table: pd.DataFrame) -> list[str]:
    """Notes: categories that are blank everywhere."""
    return [f"category empty: {name} has no value" for name in CATEGORIES if table[name + SUFFIX].isna().all()]


def to_series(table: pd.DataFrame) -> pd.DataFrame:
    """One row per location, category and day, in this order; `table` is sorted by location and day.

    Words are categories, as in `footfall.series.read_snapshot`: each is held once.
    """
    codes = np.tile(table["location"].cat.codes.to_numpy().astype(np.int64), len(CATEGORIES))
    categories = np.repeat(np.arange(len(CATEGORIES)), len(table))
    order = np.argsort(codes * len(CATEGORIES) + categories, kind="stable")
    columns = {
        "location": pd.Categorical.from_codes(codes[order], table["location"].cat.categories),
        "category": pd.Categorical.from_codes(categories[order], CATEGORIES),
        "date": np.tile(table["date"].to_numpy(), len(CATEGORIES))[order],
        "value": table[FIGURES].to_numpy().ravel(order="F")[order],
    }
    return pd.DataFrame(columns)
