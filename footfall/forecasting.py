"""The coming days of one series, from a champion and what was published: everything that its forecast consists of."""

from typing import Any, NamedTuple

import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall import events, forecast, opening
from footfall.calendar import country_of
from footfall.champion import Champion
from footfall.errors import DataProblem, listed
from footfall.evaluation import backtest, intervals
from footfall.models import bring_up_to, contributions, predict
from footfall.outlook import outlook
from footfall.selection import Key, Selection
from footfall.series import site_of
from footfall.units import unit

ACCOUNT = ("location", "category", "status", "model", "reason", "days_known", "MAE", "MASE", "cover80")


class SeriesForecast(NamedTuple):
    """A series' coming days, and what they were made of.

    Attributes
    ----------
    y : Series
        What was known of it.
    model : BaseForecaster
        Brought up to the last day known.
    mean : Series
        In the unit of the series, by day.
    errors : DataFrame
        The model's, in the backtest and since.
    late : int
        Days that the newest figures are older than they usually are.
    ranges : DataFrame
        The quantiles of each day.
    parts : DataFrame
        What each day adds up from; `logarithms` says in which scale.
    table : DataFrame
        What is published.
    outlook : DataFrame
        The same as people read it, see `footfall.outlook.outlook`.
    """

    y: pd.Series
    model: BaseForecaster
    mean: pd.Series
    errors: pd.DataFrame
    late: int
    ranges: pd.DataFrame
    parts: pd.DataFrame
    logarithms: bool
    table: pd.DataFrame
    outlook: pd.DataFrame


def forecast_all(
    champion: Champion,
    selection: Selection,
    days: pd.DatetimeIndex,
    lag: int,
    levels: list[float],
    closures: dict[str, Any],
    stale_after: int,
    **facts: str,
) -> tuple[dict[Key, SeriesForecast], pd.DataFrame]:
    """Forecast every series of a market that can be, and account for all of them.

    Parameters
    ----------
    champion : Champion
        From `footfall.champion.read_champion`.
    selection : Selection
        The market's series, as they were visible.
    days : DatetimeIndex
        Coming days; the day before the first is the origin.
    lag : int
        Days between a day and its publication.
    levels : list of float
        Quantiles to publish.
    closures : dict
        What the market's file and its owner's events say, see `footfall.events.among`.
    stale_after : int
        Days before the origin that a series' last value may lie.
    **facts : str
        ``model_version`` and ``snapshot``, the same in every row.

    Returns
    -------
    forecasts : dict of Key to SeriesForecast
    accounts : DataFrame
        A row for every series of the selection: ``location, category, status`` (published, fell back, young, refused),
        ``model, reason, days_known``, and of its backtest ``MAE, MASE, cover80``.

    Raises
    ------
    DataProblem
        If no series can be forecast; of a market of one, with its reason alone.
    """
    forecasts, refused = {}, dict(selection.refused)
    for key, y in selection.series.items():
        try:
            _check(champion, key, y, days, lag, stale_after)
            rows = selection.rows[key]
            forecasts[key] = forecast_series(champion, rows, key, y, days, lag, levels, closures, **facts)
        except (DataProblem, ValueError) as problem:
            if len(selection.rows) == 1:
                raise
            refused[key] = str(problem)
    if not forecasts:
        each = [f"{location} {category}: {reason}" for (location, category), reason in refused.items()]
        raise DataProblem(f"none of {len(each)} series can be forecast:\n{listed(each)}")
    return forecasts, _accounts(champion, forecasts, refused)


def forecast_series(
    champion: Champion,
    rows: pd.DataFrame,
    key: Key,
    y: pd.Series,
    days: pd.DatetimeIndex,
    lag: int,
    levels: list[float],
    closures: dict[str, Any],
    **facts: str,
) -> SeriesForecast:
    """Forecast one series, and check what will be published as a suspicious reader would; parameters as above."""
    (location, category), country, origin = key, country_of(key[0]), days[0] - pd.Timedelta(days=1)
    own = events.among(closures, site_of(location))
    closed = opening.foreseen(rows, location, category, days, own)
    trained = champion.speaker(y, location)
    model = bring_up_to(trained, y)
    mean = predict(model, days)
    errors = backtest.extend_residuals(champion.of(location, category), trained, y, lag)
    late = (origin - y.index[-1]).days - lag
    ranges = intervals.quantiles(errors, mean, origin, country, lag, late, unit(y).floor)
    parts, logarithms = contributions.parts(model, days), contributions.in_logarithms(model)
    named = {"origin_date": f"{origin:%F}", "location": location, "target": category}
    table = forecast.tabulate(mean, ranges, levels, closed, **named, **facts)
    forecast.check(table, y, len(days), levels, contributions.total(parts, logarithms, unit(y)))
    said = outlook(table, y, parts, logarithms, closed, own.get("events", ()))
    return SeriesForecast(y, model, mean, errors, late, ranges, parts, logarithms, table, said)


def _check(champion: Champion, key: Key, y: pd.Series, days: pd.DatetimeIndex, lag: int, stale_after: int) -> None:
    """Stop a series of many that has stopped, or that is newer than the champion."""
    if not champion.about.get("series"):
        return
    age = (days[0] - y.index[-1]).days - 1
    if age > max(stale_after, lag):
        raise DataProblem(f"stale: its last day is {y.index[-1]:%F}, {age} days ago")
    if champion.candidate(*key) is None:
        raise DataProblem(f"new: the champion was trained through {champion.about['data_through']} without it")


def _accounts(champion: Champion, forecasts: dict[Key, SeriesForecast], refused: dict[Key, str]) -> pd.DataFrame:
    nothing = {"status": "refused", "model": "", "days_known": 0}
    rows = [nothing | {"location": key[0], "category": key[1], "reason": why} for key, why in refused.items()]
    known = champion.series.set_index(["location", "category"])
    for key, made in forecasts.items():
        of_key = known.loc[key] if key in known.index else pd.Series(dtype=object)
        rows.append(
            {
                "location": key[0], "category": key[1], "status": of_key.get("status", "published"),
                "model": of_key.get("candidate", ""), "reason": of_key.get("reason", ""),
                "days_known": int(made.y.count()),
                **{name: float(of_key.get(name, float("nan"))) for name in ("MAE", "MASE", "cover80")},
            }
        )  # fmt: skip
    table = pd.DataFrame(rows).sort_values(["location", "category"], kind="stable").reset_index(drop=True)
    return table.reindex(columns=[*ACCOUNT])
