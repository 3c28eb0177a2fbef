"""The coming days of a market's series, from a champion and what was published: all that their forecasts consist of.

Series of one unit, span and speaker are forecast, ranged, tabulated and checked together, as in the backtest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall import events, forecast, opening
from footfall.calendar import Country
from footfall.champion import Champion
from footfall.errors import DataProblem, listed
from footfall.evaluation import backtest, intervals
from footfall.evaluation.rolling import batched
from footfall.models import bring_up_to, contributions, event_effects, predict
from footfall.models.forecaster import series_of
from footfall.models.updating import Values
from footfall.models.weather import as_of, without_rain
from footfall.outlook import outlook
from footfall.quantiles import LEVELS, QUANTILES
from footfall.selection import NEWER, Key, Selection, none_of
from footfall.series import DAY, SERIES, WEEK, by_series, site_of, unfit
from footfall.units import unit

TABULATED = 1000  # series whose published rows are in memory at once
EMPTY = 28  # days without anybody, none of them said to be closed, beyond which a till is not believed
MORE = "train with more days, train.backtest_days"
ACCOUNT = [*SERIES, "status", "model", "reason", "days_known", "MAE", "MASE", "cover80"]


class Asked(NamedTuple):
    """Which days are asked for, at which quantiles, days between a day and its publication, and facts for every row.

    Besides, what the market's file and its owner's events say of days.
    """

    days: pd.DatetimeIndex
    lag: int
    levels: list[float]
    facts: dict[str, str]
    closures: dict[str, Any]


class Closures(NamedTuple):
    """Why each place of a batch is shut, days × series; its days without figures as it was shut; its owner's events."""

    why: pd.DataFrame
    past: np.ndarray
    events: list[Sequence[Sequence[str]]]


@dataclass(frozen=True)
class BatchForecast:
    """Series of one unit, span and speaker, their coming days, and what these were made of.

    Attributes
    ----------
    y : DataFrame
        What was known, days × series, columns (location, category).
    mean : DataFrame
        In the unit of the series, coming days × series.
    week : DataFrame
        The same before events move it, of a whole week where fewer days are asked for: what ranges go by.
    origins : DatetimeIndex
        Of the backtest, and the days since.
    means, actual : ndarray, shape (n_origins, horizon, n_series)
        What the speaker said on each of them, and what happened.
    late : ndarray of int, shape (n_series,)
        Days on which each place was open that its newest figures are older than they usually are.
    ranges : ndarray, shape (n_days, n_levels, n_series)
        The quantiles of each day, levels `footfall.quantiles.LEVELS`.
    parts : dict of str to ndarray, shape (n_days, n_series)
        What each day adds up from; `logarithms` says in which scale.
    closed : Closures
        What is known of them.
    numbers : ndarray, shape (n_series, n_days, 1 + n_levels)
        What is published, before it is rounded.
    asked : Asked
        The days and levels that these are of.
    """

    y: pd.DataFrame
    mean: pd.DataFrame
    week: pd.DataFrame
    origins: pd.DatetimeIndex
    means: np.ndarray
    actual: np.ndarray
    late: np.ndarray
    ranges: np.ndarray
    parts: dict[str, np.ndarray]
    logarithms: bool
    closed: Closures
    numbers: np.ndarray
    asked: Asked

    @cached_property
    def shut(self) -> np.ndarray:
        """Whether each place is shut, shape (n_series, n_days)."""
        return np.asarray(self.closed.why.to_numpy().T != "")

    def table(self, some: slice = slice(None)) -> pd.DataFrame:
        """What is published of its series, or of some of them."""
        return _tabulated(self.numbers[some], [*self.y.columns[some]], self.shut[some], self.asked)

    @cached_property
    def days_known(self) -> np.ndarray:
        """Days with a value, of each series."""
        return np.asarray(self.y.count())

    @cached_property
    def outlook(self) -> pd.DataFrame:
        """The table as people read it, see `footfall.outlook.outlook`."""
        return outlook(self.table(), self.y, self.parts, self.logarithms, self.closed.why, self.closed.events)


@dataclass(frozen=True)
class SeriesForecast:
    """One series of a batch."""

    batch: BatchForecast
    at: int

    @property
    def y(self) -> pd.Series:
        """What was known of it, named by its category."""
        return series_of(self.batch.y, self.batch.y.columns[self.at])

    @property
    def days_known(self) -> int:
        """Days with a value."""
        return int(self.batch.days_known[self.at])

    @property
    def was_shut(self) -> int:
        """Days since its last one on which it was shut, of which no figures are missed."""
        return int(self.batch.closed.past[self.at])

    @property
    def mean(self) -> pd.Series:
        """In its own unit, by day."""
        return self.batch.mean.iloc[:, self.at].rename("mean")

    @property
    def week(self) -> pd.Series:
        """Its mean as the ranges go by it: before events move it, and of a whole week at least."""
        return self.batch.week.iloc[:, self.at].rename("mean")

    @property
    def errors(self) -> pd.DataFrame:
        """What was said of it in the backtest and since, and what happened if known: a row per origin and day."""
        means, actual = self.batch.means[..., self.at], self.batch.actual[..., self.at]
        table = backtest.tabulate(means, self.batch.y.iloc[:, self.at], self.batch.origins)
        return table.assign(actual=actual.ravel()).dropna(subset="mean")

    @property
    def late(self) -> int:
        """Days on which it was open that its newest figures are older than they usually are."""
        return int(self.batch.late[self.at])

    @property
    def ranges(self) -> pd.DataFrame:
        """The quantiles of each day."""
        return pd.DataFrame(self.batch.ranges[..., self.at], self.batch.mean.index, QUANTILES)

    @property
    def parts(self) -> pd.DataFrame:
        """What each day adds up from, see `footfall.models.contributions.parts`."""
        parts = {name: values[:, self.at] for name, values in self.batch.parts.items()}
        return pd.DataFrame(parts, self.batch.mean.index)

    @property
    def table(self) -> pd.DataFrame:
        """What is published of it."""
        return self.batch.table(slice(self.at, self.at + 1))

    @property
    def outlook(self) -> pd.DataFrame:
        """The same as people read it, see `footfall.outlook.outlook`."""
        each = len(self.batch.mean)
        return self.batch.outlook.iloc[self.at * each : (self.at + 1) * each]


class MarketForecast(NamedTuple):
    """The coming days of a market.

    Attributes
    ----------
    series : dict of Key to SeriesForecast
        Those that could be forecast, sorted.
    accounts : DataFrame
        A row for every series of the selection: ``location, category, status`` (published, fell back, young, refused),
        ``model, reason, days_known``, and of its backtest ``MAE, MASE, cover80``.
    asked : Asked
        The days and levels that they are of.
    """

    series: dict[Key, SeriesForecast]
    accounts: pd.DataFrame
    asked: Asked

    @property
    def table(self) -> pd.DataFrame:
        """What is published, of all."""
        return pd.concat([*self.tables()], ignore_index=True)

    def tables(self) -> Iterator[pd.DataFrame]:
        """The same, some series after the other: of thousands it would take most of the memory."""
        is_told = any(one.batch.shut[one.at].any() for one in self.series.values())
        for start in range(0, len(self.series), TABULATED):
            some = dict(islice(self.series.items(), start, start + TABULATED))
            numbers = np.stack([one.batch.numbers[one.at] for one in some.values()])
            closed = np.stack([one.batch.shut[one.at] for one in some.values()])
            table = _tabulated(numbers, [*some], closed, self.asked)
            yield table.assign(open="yes") if is_told and "open" not in table else table

    def shown(self, key: Key) -> Key:
        """The series that is drawn: this one, or where that could not be forecast the first that was."""
        return key if key in self.series else next(iter(self.series))


def forecast_all(
    champion: Champion,
    selection: Selection,
    days: pd.DatetimeIndex,
    lag: int,
    levels: list[float],
    closures: dict[str, Any],
    stale_after: int,
    **facts: str,
) -> MarketForecast:
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

    Raises
    ------
    DataProblem
        If no series can be forecast; of a market of one, with its reason alone.
    """
    asked = Asked(days, lag, levels, facts | {"origin_date": f"{days[0] - DAY:%F}"}, closures)
    speakers, many = champion.speakers, bool(champion.about.get("series"))
    through = pd.Timestamp(champion.about["data_through"])
    refused = dict(selection.refused)
    for key, y in selection.series.items() if many else ():
        its_closures = events.among(closures, site_of(key[0]))
        reason = _is_stale(y, days[0] - DAY, max(stale_after, lag), its_closures) or _is_empty(y, its_closures)
        if not (reason or (key in speakers and y.index[0] <= through)):
            reason = _not_learned(key, selection, champion.about)
        if reason:
            refused[key] = reason
    made: dict[Key, SeriesForecast] = {}
    at, each = by_series(champion.residuals), np.arange(len(champion.residuals))
    errors = {name: champion.residuals[name].to_numpy() for name in ("date", "horizon", "mean", "actual")}
    for country, y, speaker in _batches(selection.series, refused, speakers, through):
        rows = [each[at[key]] for key in y]
        own, series = np.concatenate(rows), np.arange(len(rows)).repeat([*map(len, rows)])
        residuals = pd.DataFrame({name: values[own] for name, values in errors.items()}).assign(series=series)
        closed = _closures(selection, y, asked)
        plain = event_effects.masked(y, closed.events, country)
        # what the forecaster of one was fitted to, the first day too where an event made it blank
        values = plain if many else plain.iloc[:, 0].rename(plain.columns[0][1])
        batch = _forecast(y, values, country, champion.speaker(values, country, speaker), residuals, closed, asked)
        refused |= _refused(batch, asked)
        made |= {key: SeriesForecast(batch, number) for number, key in enumerate(y) if key not in refused}
    if not made:
        raise DataProblem(none_of(refused, "can be forecast"))
    made = dict(sorted(made.items()))
    return MarketForecast(made, _accounts(champion, made, refused, selection), asked)


def _tabulated(numbers: np.ndarray, keys: Sequence[Key], shut: np.ndarray, asked: Asked) -> pd.DataFrame:
    return forecast.tabulate(numbers, asked.days, keys, asked.levels, shut, **asked.facts)


def _is_stale(y: pd.Series, origin: pd.Timestamp, oldest: int, closures: dict[str, Any]) -> str:
    """What is said of a series of many that has stopped; the only one of a market stops its run before."""
    last = y.index[-1]
    is_stale = opening.are_more(last, origin, oldest, closures)
    return f"stale: its last day is {last:%F}, {(origin - last).days} days ago" if is_stale else ""


def _is_empty(y: pd.Series, closures: dict[str, Any]) -> str:
    """What is said of a series of many whose figures go on, and have long been that nobody came.

    Of the only one of a market its page says so.
    """
    if not (opened := opening.empty_since(y, EMPTY, closures)):
        return ""
    days = f"{opened:%F}, through {y.index[-1]:%F}"
    return f"empty: nobody came after {days}; if it is shut, say until when, else look at its till"


def _not_learned(key: Key, selection: Selection, about: dict[str, Any]) -> str:
    """What is said of a series of many that the champion does not know, or of which nothing is left of what it knew."""
    y = selection.series[key]
    reasons = unfit(y, backtest.youngest(about["lag"], about["horizon"]), opening.at_rest(selection.rows[key], key[1]))
    newer = f"{NEWER}: its figures begin on {y.index[0]:%F}, and the next training takes it in"
    return f"unfit: {'; '.join(reasons)}" if reasons else newer


def _batches(
    series: Mapping[Key, pd.Series], refused: Mapping[Key, str], speakers: Mapping[Key, str], through: pd.Timestamp
) -> Iterator[tuple[Country, pd.DataFrame, str]]:
    """Series that are forecast together, with their countries and who speaks for them, trained through a day."""
    by_speaker: dict[str, dict[Key, pd.Series]] = {}
    for key in (key for key in series if key not in refused):
        by_speaker.setdefault(speakers[key], {})[key] = series[key]
    for name, own in by_speaker.items():
        since = (max(y.index[-1] for y in own.values()) - through).days
        for country, y in batched(own, since):
            yield country, y, name


def _closures(selection: Selection, y: pd.DataFrame, asked: Asked) -> Closures:
    own = [events.among(asked.closures, site_of(location)) for location, _ in y]
    since = pd.date_range(y.index[-1] + DAY, asked.days[-1])
    why = opening.of_each([selection.rows[key] for key in y], [*y], since, own)
    past = (why[since < asked.days[0] - asked.lag * DAY] != "").sum(axis=0)
    coming = pd.DataFrame(why, since, y.columns, dtype=object).loc[asked.days]
    return Closures(coming, past, [closures.get("events", ()) for closures in own])


def _forecast(
    y: pd.DataFrame,
    values: Values,
    country: Country,
    trained: BaseForecaster,
    residuals: pd.DataFrame,
    closed: Closures,
    asked: Asked,
) -> BatchForecast:
    """The coming days of a batch.

    `values` are `y` without its events, in the form that `trained` was fitted to; `residuals` say which ``series`` of
    them they are of.
    """
    days, lag, origin = asked.days, asked.lag, asked.days[0] - DAY
    model = as_of(bring_up_to(trained, values), origin)
    means, actual, origins = _means(trained, values, residuals, lag)
    late = (origin - y.index[-1]).days - lag - closed.past
    ahead = pd.date_range(days[0], periods=max(len(days), min(WEEK, means.shape[1])))
    week = predict(model, ahead).to_numpy().reshape(len(ahead), -1)
    ranges = intervals.of_forecasts(means, actual, origins, week, ahead, origin, country, lag, late, unit(y))
    ranges = ranges[: len(days), : len(LEVELS)]
    mean = week[: len(days)]
    parts, logarithms = contributions.parts(model, days), contributions.in_logarithms(model)
    if any(closed.events):
        past = without_rain(model, y)  # else an event on wet days is taken for less than it was
        mean, ranges, parts = event_effects.put_on(mean, ranges, parts, logarithms, past, days, closed.events, country)
    published = ranges[:, [LEVELS.index(level) for level in asked.levels]]
    numbers = np.concatenate([mean[:, None], published], axis=1).transpose(2, 0, 1)
    of_days, of_week = pd.DataFrame(mean, days, y.columns), pd.DataFrame(week, ahead, y.columns)
    return BatchForecast(
        y, of_days, of_week, origins, means, actual, late, ranges, parts, logarithms, closed, numbers, asked
    )


def _means(
    trained: BaseForecaster, values: Values, residuals: pd.DataFrame, lag: int
) -> tuple[np.ndarray, np.ndarray, pd.DatetimeIndex]:
    """What the speaker of a batch said in the backtest and since, what happened, and from which origins."""
    series = residuals["series"].to_numpy()
    (before, happened), earlier, _ = intervals.on_grid(residuals, "mean", "actual", series=series)
    since, later = backtest.means_since(trained, values, before.shape[1], lag)
    means = np.concatenate([before, since.reshape(len(later), *before.shape[1:])])
    actual = np.concatenate([happened, backtest.actual(pd.DataFrame(values), later, before.shape[1])])
    return means, actual, earlier.append(later)


def _refused(batch: BatchForecast, asked: Asked) -> dict[Key, str]:
    """The series of a batch whose forecasts may not be published, and why."""
    total = contributions.total(batch.parts, batch.logarithms, unit(batch.y))
    broken = forecast.objections(batch.table(), batch.y, len(asked.days), asked.levels, total)
    reasons = {key: "the forecast may not be published:\n" + listed(rules) for key, rules in broken.items()}
    few = batch.y.columns[np.isnan(batch.ranges).any(axis=(0, 1))]
    return reasons | dict.fromkeys(few, f"fewer than {intervals.FEWEST_POOLED} of its past errors are known: {MORE}")


def _accounts(
    champion: Champion, made: Mapping[Key, SeriesForecast], refused: Mapping[Key, str], selection: Selection
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {"location": key[0], "category": key[1], "status": "refused", "model": "", "reason": why,
         "days_known": int(selection.series[key].count()) if key in selection.series else 0}
        for key, why in refused.items()
    ]  # fmt: skip
    accounts = champion.series.set_index(SERIES).to_dict("index")
    for key, one in made.items():
        account = accounts.get(key, {})
        facts = {"status": account.get("status", "published"), "reason": account.get("reason", ""),
                 "model": account.get("candidate", "")}  # fmt: skip
        scores = {name: float(account.get(name, np.nan)) for name in ("MAE", "MASE", "cover80")}
        rows.append({"location": key[0], "category": key[1], **facts, "days_known": one.days_known, **scores})
    return pd.DataFrame(rows, columns=ACCOUNT).sort_values(SERIES, kind="stable").reset_index(drop=True)
