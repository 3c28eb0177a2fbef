"""The champion's folder: a forecaster, the errors of its backtest, and what is known about both.

A champion of one series is kept fitted, so that it forecasts wherever it is loaded. That of a market of many is kept as
recipe, with its trees and the day it was fitted through: its series take no room. Either is fitted again to a snapshot
before it speaks, so that figures corrected since, and events entered since, count as they stand now.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.calendar import Country, country_of
from footfall.errors import DataProblem, UnreadableModel
from footfall.evaluation.gate import ORDINARY, without_weather
from footfall.evaluation.intervals import quantiles
from footfall.models import OrdinaryNaive, SeasonalNaive, fit, of_country, predict, saving
from footfall.models.updating import Values, follows
from footfall.opening import said
from footfall.selection import Key
from footfall.series import DAY, SERIES, WEEK, read_snapshot
from footfall.units import unit_of

ISO = "%Y-%m-%d"

UNREADABLE = (
    "put back what it needs, or if that has moved say so in MOVED of footfall/models/saving.py; else train another, "
    "which this one does not stop (footfall train), or go back to one that can be read (footfall rollback)"
)
FALLBACK = "seasonal naive"  # is not beaten on a series of many by the champion, which does not speak for it
FALLBACKS = (FALLBACK, FALLBACK + ORDINARY)  # who then does; the former in champions that were saved before the latter


class Champion(NamedTuple):
    """What a folder holds.

    Attributes
    ----------
    forecaster : BaseForecaster
        Fitted to its one series; of a market of many unfitted, see `speaker`.
    residuals : DataFrame
        Its backtest errors, a row per series, origin and day, `footfall.evaluation.rolling.RESIDUALS`.
    about : dict
        What is known of both.
    series : DataFrame
        A row per series, from `footfall.evaluation.rolling.Rolling.accounts`.
    """

    forecaster: BaseForecaster
    residuals: pd.DataFrame
    about: dict[str, Any]
    series: pd.DataFrame = pd.DataFrame(columns=["location", "category", "candidate"])

    @property
    def speakers(self) -> dict[Key, str]:
        """Who speaks for each series that it knows."""
        return dict(self.series.set_index(SERIES)["candidate"])

    def speaker(self, y: Values, country: Country, candidate: str) -> BaseForecaster:
        """The forecaster of a series, or a batch, as it was on the day of the training, or who speaks in its place.

        Parameters
        ----------
        y : Series or DataFrame
            What is visible.
        country : str or Countries
            Where it is, ISO 3166 code; or each of a batch.
        candidate : str
            Who speaks for it, from `series`: the champion, the naive, or of a champion with weather the same without.
        """
        through, of_one = self.about["data_through"], not self.about.get("series")
        is_there = f"{y.index[0]:{ISO}}" <= self.about.get("fitted_from", "")  # all that it was fitted to
        if of_one and not (is_there and "shut" in self.about):  # older ones lack their trees
            return self.forecaster
        if of_one and not follows(self.forecaster) and through <= f"{y.index[-1]:{ISO}}":
            return self.forecaster  # which is fitted to all days as it is brought up to them
        fallbacks = dict(zip(FALLBACKS, (SeasonalNaive(), OrdinaryNaive(country)), strict=True))
        recipe = fallbacks[candidate] if candidate in fallbacks else of_country(self.forecaster, country)
        if candidate == without_weather(own := self.about["candidate"]) != own:
            recipe = recipe.forecaster  # what the weather is put on top of
        return fit(recipe, y[:through])


def learned(recipe: BaseForecaster, series: Mapping[Key, pd.Series], many: bool) -> BaseForecaster:
    """What a champion's folder holds of a recipe: fitted to its one series; of many itself, its trees grown."""
    newest = max(series.values(), key=lambda y: (y.index[-1], len(y)))
    fitted = fit(recipe, newest)  # of many for its trees alone, which its panel keeps
    return recipe.clone() if many else fitted


def write_champion(
    folder: str | Path,
    forecaster: BaseForecaster,
    residuals: pd.DataFrame,
    about: dict[str, Any],
    series: pd.DataFrame | None = None,
) -> None:
    """Write a forecaster and what belongs to it, see `Champion`; equal fits give equal bytes."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    saving.save(forecaster, path / "forecaster.zip")
    residuals.to_parquet(path / "residuals.parquet", index=False)
    if series is not None:
        series.to_parquet(path / "series.parquet", index=False)
    (path / "about.json").write_text(json.dumps(about, indent=2, sort_keys=True), encoding="utf-8")


def read_champion(folder: str | Path) -> Champion:
    """What `write_champion` wrote, at whatever time. Unpickles: only for folders whose digest is known.

    Raises
    ------
    DataProblem
        If there is none in the folder.
    UnreadableModel
        If the code that is here now makes no forecaster of it.
    """
    path = Path(folder)
    if not (path / "about.json").exists():
        raise DataProblem(f"{folder}: no champion there; run train.ipynb first, which writes one")
    about = json.loads((path / "about.json").read_text(encoding="utf-8"))
    own, accounts = {name: about[name] for name in ("location", "category")}, path / "series.parquet"
    residuals = read_snapshot(path / "residuals.parquet")  # of many they are not held twice
    if "location" not in residuals:  # saved before there were many
        residuals = residuals.assign(**own)
    series = pd.read_parquet(accounts) if accounts.exists() else pd.DataFrame([own | {"candidate": about["candidate"]}])
    try:
        return Champion(saving.load(path / "forecaster.zip"), residuals, about, series)
    except UnreadableModel as problem:
        raise UnreadableModel(f"the champion cannot be read: {problem}\n{UNREADABLE}") from problem


def read_incumbent(folder: str | Path) -> tuple[Champion | None, str]:
    """Today's champion, for a training to compare with, or None where there is none; and why one cannot be read.

    It would else stop the training of the one that replaces it. What asks for what no forecaster needs stops it.
    """
    try:
        return read_champion(folder) if folder else None, ""
    except UnreadableModel as problem:
        return None, str(problem).partition("\n")[0]


def published(about: dict[str, Any]) -> pd.Timestamp:
    """The first day on which the data that a champion was trained on were out; `about` as `read_champion` gives it."""
    return pd.Timestamp(about["data_through"]) + about["lag"] * DAY


def coming(about: dict[str, Any], origin: pd.Timestamp | None = None) -> pd.DatetimeIndex:
    """As many days after an origin as a champion was trained for; after the day its data were out, if left out."""
    return pd.date_range((origin or published(about)) + DAY, periods=about["horizon"])


class PythonFunction(NamedTuple):
    """A champion as MLflow's python function: days in, their means and quantiles out.

    It stands on the last day of data that it was trained on, whatever was published since; ``footfall predict`` is what
    brings it up to date before it forecasts.
    """

    champion: Champion

    def predict(self, model_input: pd.DataFrame | None = None, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Forecast some days, as predict.ipynb does on the day that the champion was trained.

        Of days on which the place is shut it knows the weekdays that were learned then; those are at the floor.

        Parameters
        ----------
        model_input : DataFrame, optional
            Column ``date``: days after the champion's last day of data, as text or timestamps, in any order. Without
            rows: as many days after the origin as the champion was trained for.
        params : dict, optional
            ``origin``, the day the forecast is made on; if left out, the first one on which the champion's data were
            out. The later it is, the older the data are, and the wider the ranges. Days between the data and the
            origin, which are not published yet, are forecast as on the day before each.

        Returns
        -------
        DataFrame, shape (n_days, 21)
            A row for each one of the input, in its order: ``date`` (ISO day), ``mean``, ``q05`` … ``q95``, in the unit
            of the series.

        Raises
        ------
        ValueError
            If the champion is of many series, if there is no column ``date``, if something in it is no day, or one
            that cannot be forecast.
        """
        about = self.champion.about
        if about.get("series"):
            older = f"this champion of {about['series']} series was registered before one could be asked here"
            raise ValueError(f"{older}: train anew, or ask footfall predict")
        origin = origin_of(about, params, published(about))
        days = _days(pd.DataFrame(model_input), origin, about)
        last = max(days.max(), origin + about["horizon"] * DAY)  # ranges go by how large a day is within its week
        table = self._forecast(last, origin).loc[days]
        return table.set_axis(days.strftime(ISO)).rename_axis("date").reset_index()

    def _forecast(self, last: pd.Timestamp, origin: pd.Timestamp) -> pd.DataFrame:
        """Every day after the data up to the last one asked for."""
        forecaster, residuals, about, _ = self.champion
        through, country = pd.Timestamp(about["data_through"]), country_of(about["location"])
        mean = predict(forecaster, pd.date_range(through + DAY, last))
        made_on = (mean.index - DAY).to_series(mean.index).clip(upper=origin)
        lag, unit = about["lag"], unit_of(about["category"])
        ranges = []
        for day, part in mean.groupby(made_on):
            week = mean[part.index[0] : max(part.index[-1], day + min(WEEK, about["horizon"]) * DAY)]
            of_week = quantiles(residuals, week, day, country, lag, (day - through).days - lag, unit)
            ranges.append(of_week.loc[part.index])
        table = pd.concat([mean, pd.concat(ranges)], axis=1)
        table[said(table.index, {"weekdays": about.get("shut", [])})] = unit.floor
        return table


def origin_of(about: dict[str, Any], params: dict[str, Any] | None, otherwise: pd.Timestamp) -> pd.Timestamp:
    """The day a forecast is made on, as `params` say it or else; a ValueError of one before the champion's data."""
    first, text = published(about), (params or {}).get("origin")
    origin = as_days(pd.Series([text]), "origin")[0] if text else otherwise
    if origin < first:
        known = f"this model's data, through {about['data_through']}, were out on {first:{ISO}}"
        advice = "give that day or a later one, or ask a model that was trained earlier"
        raise ValueError(f"origin {origin:{ISO}}: {known}; {advice}")
    return origin


def _days(table: pd.DataFrame, origin: pd.Timestamp, about: dict[str, Any]) -> pd.DatetimeIndex:
    """The days asked for, each of which the champion can forecast."""
    if not len(table):
        return coming(about, origin)
    if "date" not in table:
        columns = ", ".join(map(str, table.columns)) or "none"
        raise ValueError(f"the input has {len(table)} rows and no column date (its columns: {columns}); name it so")
    days = as_days(table["date"].explode(), "date")  # MLflow makes one row of {"date": [...]}
    first, last = pd.Timestamp(about["data_through"]) + DAY, origin + about["horizon"] * DAY
    if len(outside := days[(days < first) | (days > last)]):
        raise ValueError(
            f"date {outside[0]:{ISO}}: this model has data through {about['data_through']}, and looks "
            f"{about['horizon']} days beyond its origin, {origin:{ISO}}; ask for days from {first:{ISO}} to "
            f"{last:{ISO}}, or give a later origin in params"
        )
    return days


def as_days(column: pd.Series, name: str) -> pd.DatetimeIndex:
    """Text or timestamps as days; a ValueError names the first that is none, and the column."""
    days = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    if len(wrong := column[days.isna() | (days != days.dt.normalize())]):
        raise ValueError(f"{name} {wrong.iloc[0]!r} is no day; write it as 2022-10-14")
    return pd.DatetimeIndex(days)


def _load_pyfunc(data_path: str) -> PythonFunction:
    return PythonFunction(read_champion(data_path))
