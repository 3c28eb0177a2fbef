"""Which series of a snapshot a market forecasts: the one at its location and category, or many on the same line."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from footfall.calendar import country_of
from footfall.errors import DataProblem, UsageProblem, listed
from footfall.opening import at_rest
from footfall.series import SERIES, Rows, pick_of, rows_of, site_of, split, unfit

Key = tuple[str, str]  # location and category
NEWER = "newer than the champion"  # how the reason begins of one that a training would take in
Choice = Literal["all"] | dict[str, Any] | None


class Selection(NamedTuple):
    """A market's series, by location and category.

    Attributes
    ----------
    series : dict of Key to Series
        Those that are fit to be forecast, as `footfall.series.pick` gives them, sorted.
    rows : dict of Key to Rows
        The rows of each, as `footfall.series.rows_of` gives them; of the refused, too.
    refused : dict of Key to str
        Why the others are not.
    """

    series: dict[Key, pd.Series]
    rows: dict[Key, Rows]
    refused: dict[Key, str]

    @property
    def through(self) -> pd.Timestamp:
        """The last day that any of those that are fit has a value of."""
        return max(y.index[-1] for y in self.series.values())

    def shown(self, name: str) -> Key:
        """The series that is drawn of many: by its location, with its category after it if need be; else the first.

        Raises
        ------
        UsageProblem
            If none is called so.
        """
        for key in self.series:
            if name in ("", key[0], " ".join(key)):
                return key
        raise UsageProblem(
            f"show: {name!r} is none of the {len(self.series)} series, such as {' '.join(next(iter(self.series)))}"
        )

    def objection(self) -> str:
        """What speaks against the market as a whole; nothing if one of its series is fit."""
        return "" if self.series else none_of(self.refused, "is fit")


def none_of(refused: Mapping[Key, str], what: str) -> str:
    """Why nothing is done with any series of a market: of one its reason alone, of many that none ``is fit``."""
    if len(refused) == 1:
        return next(iter(refused.values()))
    each = [f"{location} {category}: {reason}" for (location, category), reason in refused.items()]
    return f"none of {len(each)} series {what}:\n{listed(each)}"


def without_forecast(accounts: pd.DataFrame) -> str:
    """How many of a market's series have no forecast, and of each kind of reason one; nothing where all have one.

    Parameters
    ----------
    accounts : DataFrame
        See `footfall.forecasting.MarketForecast`.
    """
    refused = accounts[accounts["status"] == "refused"]
    kinds = refused.groupby([reason.partition(":")[0] for reason in refused["reason"]])
    examples = " · ".join(_example(rows) for _, rows in kinds)
    return f"no forecast of {len(refused)} of {len(accounts)} series, such as {examples}" if examples else ""


def _example(refused: pd.DataFrame) -> str:
    """The newest of some that are refused for a kind of reason, which begins with a day where it has one."""
    newest, more = refused.sort_values("reason", kind="stable").iloc[-1], len(refused) - 1
    place, why = site_of(newest["location"]) or newest["location"], newest["reason"].partition("\n")[0]
    return f"{place} {newest['category']}: {why}" + (f" (and {more} more)" if more else "")


def select(table: pd.DataFrame, location: str, category: str, series: Choice, fewest: int) -> Selection:
    """The series that a market forecasts, and why it does not forecast the others that it was asked for.

    Parameters
    ----------
    table : DataFrame
        A series table: what was visible on the day.
    location, category : str
        The market's own.
    series : "all", dict or None
        None: the one at `location` and `category`. ``all``: every one of the category at the location or below it: a
        country's regions, an owner's sites. A dict: ``countries`` (two letters), ``categories``, and ``at_least``, days
        with a value, of those that are to be taken; what is left out restricts nothing.
    fewest : int
        Days that a series must have to be fit, see `footfall.series.unfit`; 0: any that has a value is.

    Raises
    ------
    DataProblem
        If the table has no such series; of a single one, if it has no value.
    """
    if series is None:
        rows = {(location, category): rows_of(table, location, category)}
    else:
        rows = {key: own for key, own in split(table).items() if _is_wanted(key, own, location, category, series)}
    if not rows:
        raise DataProblem(f"the snapshot has no series for data.series: {series}; it has {_places(table)}")
    picked = {key: pick_of(own, key[1]) for key, own in rows.items() if np.isfinite(own.value).any()}
    reasons = {
        key: "; ".join(unfit(y, fewest, at_rest(rows[key], key[1]))) if fewest else "" for key, y in picked.items()
    }
    refused = {key: reasons.get(key, "no value is published") for key in rows if reasons.get(key, "-")}
    return Selection({key: y for key, y in picked.items() if key not in refused}, rows, refused)


def _is_wanted(key: Key, rows: Rows, location: str, category: str, series: Any) -> bool:
    if series == "all":
        is_there = location in (key[0], country_of(key[0])[:2]) or key[0].startswith(f"{location}/")
        return key[1] == category and is_there
    return (
        country_of(key[0])[:2] in series.get("countries", [country_of(key[0])[:2]])
        and key[1] in series.get("categories", [key[1]])
        and np.isfinite(rows.value).sum() >= series.get("at_least", 0)
    )


def _places(table: pd.DataFrame) -> str:
    pairs = table[SERIES].drop_duplicates()
    return f"{len(pairs)}, such as {', '.join(' '.join(pair) for pair in pairs.head(3).itertuples(index=False))}"
