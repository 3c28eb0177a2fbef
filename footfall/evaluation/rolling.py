"""The backtest of a market: of each of its series alone, and of all of them together.

Series of one calendar, unit and span go through the models and the ranges together, as a frame of days by series. A
market of one series is the market of many that has one: what is pooled of it is its own. Where there is a scheduler,
see `footfall.evaluation.workers`, each such frame is a shard, to the same numbers.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.calendar import Country, common, country_of, of_some
from footfall.errors import DataProblem, UnreadableModel
from footfall.evaluation import backtest, gate, intervals, workers
from footfall.evaluation.metrics import complete, naive_error, scores_of
from footfall.models import OrdinaryNaive, SeasonalNaive, at_once, of_country
from footfall.models.saving import refuse_own_of_notebook
from footfall.params import fewest_origins
from footfall.selection import Key
from footfall.series import DAY, SERIES, WEEK
from footfall.units import unit, unit_of

RESIDUALS = ["location", "category", "origin", "date", "horizon", "mean", "actual"]
WINDOWS = ("selection", "report")
LOOPED = 100  # series of a market, above which candidates that take one after the other are left out
TOGETHER = 100  # series whose ranges are in memory at once
REMEMBERED = 400  # days before that of a training, beyond which none moves what a model says: weather's are the most
YEARS_AHEAD = 1  # of which it is asked whether series of one batch keep the same special days
MOST = 1000  # series of a batch
Backtested: TypeAlias = "tuple[list[BatchBacktest], list[tuple[pd.DataFrame, pd.DataFrame]]]"  # see `_scores`
DIED = "the worker that was to backtest it died each time"


class Batch(NamedTuple):
    """Series of one unit and span.

    Attributes
    ----------
    country : str or Countries
        One whose special days all of them keep, or that of each.
    y : DataFrame
        Days × series, its columns their keys.
    origins : DatetimeIndex
        The latest days that these could be forecast from.
    """

    country: Country
    y: pd.DataFrame
    origins: pd.DatetimeIndex


class BatchBacktest(NamedTuple):
    """What each candidate said of the series of a batch: its attributes, and these.

    Attributes
    ----------
    means : dict of str to ndarray
        Of each candidate, shape (n_origins, horizon, n_series).
    actual : ndarray
        What happened, of the same shape.
    """

    country: Country
    y: pd.DataFrame
    origins: pd.DatetimeIndex
    means: dict[str, np.ndarray]
    actual: np.ndarray

    def table(self, candidate: str, at: int, lag: int) -> pd.DataFrame:
        """What a candidate said of one of the series, with its ranges, and what happened: a row per origin and day."""
        table = backtest.tabulate(self.means[candidate][..., at], self.y.iloc[:, at], self.origins)
        ranges = self.quantiles(candidate, slice(at, at + 1), lag).reshape(len(table), -1)
        return table.join(pd.DataFrame(ranges, columns=intervals.COLUMNS)).assign(candidate=candidate)

    def residuals(self, speakers: pd.Series) -> pd.DataFrame:
        """What was said of each of the series by the candidate that speaks for it, and what happened."""
        each = enumerate(speakers[self.y.columns])
        means = np.stack([self.means[candidate][..., at] for at, candidate in each], axis=-1)
        horizon, (origins, ahead, series) = np.arange(1, means.shape[1] + 1), means.shape
        columns = {
            name: pd.array([key[at] for key in self.y], dtype="str").repeat(origins * ahead)
            for at, name in enumerate(SERIES)
        }
        origin = self.origins.repeat(ahead)
        days = {"origin": origin, "date": origin + np.tile(horizon, origins) * DAY}
        columns |= {name: np.tile(of_one, series) for name, of_one in days.items()}
        columns["horizon"] = np.tile(horizon, origins * series)
        columns |= {"mean": means.transpose(2, 0, 1).ravel(), "actual": self.actual.transpose(2, 0, 1).ravel()}
        return pd.DataFrame(columns)[RESIDUALS]

    def quantiles(self, candidate: str, some: slice, lag: int) -> np.ndarray:
        """A candidate's ranges of some of the series, shape (n_origins, horizon, n_levels, n_some)."""
        means, actual = self.means[candidate][..., some], self.actual[..., some]
        return intervals.of_backtest(means, actual, self.origins, of_some(self.country, some), lag, unit(self.y))


class Rolling(NamedTuple):
    """What all candidates would have said of a market's series, and how far off they were.

    Attributes
    ----------
    origins : DatetimeIndex
        The latest days that any of the series could be forecast from: of those that go on, the longest's.
    windows : Windows
        Spans of them.
    batches : list of BatchBacktest
        All of its series.
    lag : int
        Days between a day and its publication.
    needed : int
        Days of a series that a verdict takes, see `footfall.evaluation.backtest.days_needed`.
    scores : DataFrame
        A row per ``window`` (choice, verdict), ``candidate`` and series: the columns of
        `footfall.evaluation.backtest.leaderboard`, and ``scale``, by which errors of several series are made alike:
        the unit of its MASE, or where that is larger what it would be of the window itself.
    wis : DataFrame
        Mean WIS of each candidate by origin of the report, all series in one unit.
    left_out : list of str
        Candidates that were not asked, because they take one series after the other and there are many; today's
        champion is asked all the same, since no other becomes champion unheard by it.
    dead : set of Key
        Series whose worker died each time it was asked: of these every candidate says what the naive does.
    unread : str
        Why today's champion is none of them: it can no longer be fitted, or brought up to date.
    """

    origins: pd.DatetimeIndex
    windows: backtest.Windows
    batches: list[BatchBacktest]
    lag: int
    needed: int
    scores: pd.DataFrame
    wis: pd.DataFrame
    left_out: list[str]
    dead: set[Key]
    unread: str = ""

    def of(self, key: Key, window: str) -> pd.DataFrame:
        """The backtest table with quantiles of one series over the ``selection`` or the ``report``."""
        batch = next(batch for batch in self.batches if key in batch.y)
        at = batch.y.columns.get_loc(key)
        table = pd.concat([batch.table(name, at, self.lag) for name in batch.means], ignore_index=True)
        return table[table["origin"].isin(getattr(self.windows, window))]

    def shown(self, key: Key) -> Key:
        """The series that is drawn: this one, or where the selection has no day of it the first that it has any of."""
        rows = self.scores[self.scores["window"] == "selection"]
        scored: set[Key] = {*zip(rows["location"], rows["category"], strict=True)}
        return key if key in scored else min(scored)

    @property
    def days_known(self) -> int:
        """Of the longest of those that go on, without days that tell nothing: see `footfall.evaluation.backtest`."""
        return _days_known(self.batches, self.batches[0].actual.shape[1])

    def leaderboard(self, window: str) -> pd.DataFrame:
        """Every candidate's scores, best first: the mean over all series, each in units of its own scale.

        Parameters
        ----------
        window : str
            ``selection`` or ``report``.

        Returns
        -------
        DataFrame, indexed by candidate
            As that of one series; of many, MAE and WIS are in the unit of a series of median scale, ``forecasts``
            those of all.
        """
        rows = self.scores[self.scores["window"] == window]
        weight = _weights(rows).reindex(pd.MultiIndex.from_frame(rows[SERIES])).to_numpy()
        rows = rows.assign(MAE=rows["MAE"] * weight, WIS=rows["WIS"] * weight)
        by_candidate = rows.drop(columns=["window", *SERIES, "scale"]).groupby("candidate", sort=False)
        board = by_candidate.mean().assign(forecasts=by_candidate["forecasts"].sum())
        return board.sort_values("WIS", kind="stable")

    def by_series(self, candidate: str, naive: str) -> pd.DataFrame:
        """A candidate's scores of each series over the report, and what is left of the naive's error in both windows.

        Returns
        -------
        DataFrame, indexed by series
            ``forecasts, MAE, MASE, WIS, cover80``; ``ratio``, its MAE to the naive's; ``loses``, where the naive erred
            less in both. The worst ratio first.
        """
        own, other = (self._of(name) for name in (candidate, naive))
        ratio = (own["MAE"] / other["MAE"]).unstack("window")
        report = own.xs("report", level="window")[["forecasts", "MAE", "MASE", "WIS", "cover80"]]
        table = report.assign(ratio=ratio["report"], loses=(ratio > 1).all(axis=1))
        return table.sort_values("ratio", ascending=False, kind="stable")

    def _of(self, candidate: str) -> pd.DataFrame:
        return self.scores[self.scores["candidate"] == candidate].set_index([*SERIES, "window"])

    def accounts(self, candidate: str, naive: str, name: str) -> pd.DataFrame:
        """What a champion's folder keeps of each series, and who speaks for it.

        A candidate with weather leaves those that gain nothing by it to the one without; a champion that is refreshed
        under that name keeps it for all. The naive speaks, see `footfall.evaluation.gate.spoken`, where that erred
        more than it in both windows, as choice and verdict share no day; and where the worker of it died.

        Parameters
        ----------
        candidate, naive : str
            Candidates of the backtest.
        name : str
            What the first is called outside of it.

        Returns
        -------
        DataFrame
            ``location, category, status`` (published, fell back, young), ``candidate, reason``, over the report
            ``forecasts, MAE, MASE, WIS, cover80, ratio`` of that candidate; sorted by the first two.
        """
        own = self._by_weather(candidate)
        tables = [self.by_series(each, naive).reindex(own.index[own == each]) for each in own.unique()]
        table, names = pd.concat(tables).reindex(own.index), own.replace({candidate: name})
        otherwise = gate.spoken(naive, naive, self.batches[0].means)
        is_dead = own.index.isin(self.dead)
        back, young = (
            (table.pop("loses").eq(True) | is_dead) & own.ne(otherwise),
            own.index.map(self._days()) < self.needed,
        )
        reason = names + " erred " + table["ratio"].map("{:.2f}".format) + f" times as much as {naive}"
        reason = reason.mask(is_dead, DIED)
        table = table.where(~back, self.by_series(otherwise, naive).reindex(own.index))
        table.insert(0, "status", np.select([back, young], ["fell back", "young"], "published"))
        table.insert(1, "candidate", names.mask(back, otherwise))
        table.insert(2, "reason", reason.where(back, ""))
        return table.reset_index()

    def _by_weather(self, candidate: str) -> pd.Series:
        """Of each series the candidate, or its twin without weather where that gains nothing by it; sorted."""
        keys = sorted(key for batch in self.batches for key in batch.y)
        own = pd.Series(candidate, pd.MultiIndex.from_tuples(keys, names=SERIES))
        plain = gate.without_weather(candidate)
        gains = own.index.isin(gate.gaining(self.scores, candidate))
        return own.where(gains, plain) if plain in self.batches[0].means else own

    def _days(self) -> dict[Key, int]:
        """Of each series, from its first that is known."""
        days: dict[Key, int] = {}
        for batch in self.batches:
            first = batch.y.notna().to_numpy().argmax(axis=0)
            days |= dict(zip(batch.y, (len(batch.y) - first).tolist(), strict=True))
        return days

    def residuals(self, candidate: str, naive: str, accounts: pd.DataFrame) -> pd.DataFrame:
        """What was said by who speaks for each series, and what happened: a row per series, origin and day."""
        back = accounts.set_index(SERIES)["status"] == "fell back"
        speakers = self._by_weather(candidate).mask(back, gate.spoken(naive, naive, self.batches[0].means))
        return pd.concat([batch.residuals(speakers) for batch in self.batches], ignore_index=True)


def roll(
    series: Mapping[Key, pd.Series], candidates: dict[str, BaseForecaster], days: int, horizon: int, lag: int
) -> Rolling:
    """Forecast every series of a market from its latest days, as `footfall.evaluation.backtest.backtest` does.

    Parameters
    ----------
    series : mapping of Key to Series
        From `footfall.selection.select`.
    candidates : dict of str to BaseForecaster
        Left as they are; the special days are those of each series' country.
    days, horizon, lag : int
        Origins of a series at most, days to forecast from each, days between a day and its publication.

    Raises
    ------
    DataProblem
        If a window of series that are too young for a verdict has no day that can be scored, as the first of a place
        that rests two days a week.
    ValueError
        If one of other series has none, or if so few `days` leave choice and verdict none of their own.
    """
    if days < (fewest := fewest_origins(horizon, lag)):
        raise ValueError(
            f"backtest_days is {days}; where horizon is {horizon} and lag {lag} give {fewest} or more, "
            "else choice and verdict would rest on the same days"
        )
    many = len(series) > LOOPED
    left_out = [name for name, each in candidates.items() if many and name != backtest.CHAMPION and not at_once(each)]
    asked = {name: each for name, each in candidates.items() if name not in left_out}
    for candidate in asked.values():
        refuse_own_of_notebook(candidate)
    frames = batched(series, days + horizon + lag)
    batches = [Batch(country, y, backtest.last_origins(y, days, horizon, lag)) for country, y in frames]
    origins = max((batch.origins for batch in _going_on(batches, horizon)), key=lambda these: (len(these), these[-1]))
    spans = backtest.windows(origins, horizon, lag)
    common, dead = (asked, horizon, lag, spans), set[Key]()
    try:
        if workers.scheduler() and len(batches) > 1:
            backtested, dead = _on_workers(batches, *common)
        else:
            backtested = [_backtested(batches, *common)]
    except UnreadableModel as problem:  # it would else stop the training of the one that replaces it
        others = {name: each for name, each in candidates.items() if name != backtest.CHAMPION}
        return roll(series, others, days, horizon, lag)._replace(unread=str(problem))
    told = [batch for some, _ in backtested for batch in some]
    parts = [part for _, of_some in backtested for part in of_some]
    scores = pd.concat([scores for scores, _ in parts], ignore_index=True)
    needed, known = backtest.days_needed(days, horizon), _days_known(batches, horizon)
    if scores["window"].nunique() < len(WINDOWS):
        raise DataProblem(backtest.YOUNG.format(known)) if known < needed else ValueError(backtest.NO_DAY)
    wis = _pooled([wis for _, wis in parts], scores)
    return Rolling(origins, spans, told, lag, needed, scores, wis, left_out, dead)


def _going_on(batches: Sequence[Batch | BatchBacktest], horizon: int) -> list[Batch | BatchBacktest]:
    """Those with origins among the newest: a site that left long ago decides nothing for the others.

    All, where most have none: a new one does not decide for a chain that is shut for the winter.
    """
    newest = max(batch.origins[-1] for batch in batches)
    living = [batch for batch in batches if batch.origins[-1] >= newest - (WEEK + horizon) * DAY]
    count, of_all = (sum(batch.y.shape[1] for batch in some) for some in (living, batches))
    return living if 2 * count >= of_all else [*batches]


def _days_known(batches: Sequence[Batch | BatchBacktest], horizon: int) -> int:
    return max(backtest.days_known(batch.y, horizon) for batch in _going_on(batches, horizon))


def batched(series: Mapping[Key, pd.Series], days: int) -> Iterator[tuple[Country, pd.DataFrame]]:
    """Series of one unit and span as a frame of days by series; with a country whose days all keep, or that of each.

    Those that end on the same day and are long begin together, blank before their own first day. More than `MOST` are
    several batches.

    Parameters
    ----------
    series : mapping of Key to Series
    days : int
        How many at the end are forecast from: a series is long that has `REMEMBERED` days before them.
    """
    groups: dict[Hashable, dict[Key, pd.Series]] = {}
    for key, y in series.items():
        first, last = y.index[0], y.index[-1]
        begins = first if len(y) < REMEMBERED + days else None
        groups.setdefault((unit_of(key[1]).name, begins, last), {})[key] = y
    for group in groups.values():
        for start in range(0, len(group), MOST):
            y = _side_by_side(dict(islice(group.items(), start, start + MOST)))
            years = y.index[0].year, y.index[-1].year + YEARS_AHEAD
            yield common((country_of(location) for location, _ in y), *years), y


def _side_by_side(series: Mapping[Key, pd.Series]) -> pd.DataFrame:
    index = max((y.index for y in series.values()), key=len)
    values = np.full((len(index), len(series)), np.nan)
    for number, y in enumerate(series.values()):
        values[len(index) - len(y) :, number] = y
    return pd.DataFrame(values, index, pd.MultiIndex.from_tuples(series, names=SERIES))


def _backtested(
    batches: Sequence[Batch], candidates: dict[str, BaseForecaster], horizon: int, lag: int, spans: backtest.Windows
) -> Backtested:
    """What all candidates say of the series of some batches, and how far off they were."""
    return _scored([_asked(batch, candidates, horizon, lag) for batch in batches], spans, lag)


def _asked(batch: Batch, candidates: dict[str, BaseForecaster], horizon: int, lag: int) -> BatchBacktest:
    recipes = {name: of_country(each, batch.country) for name, each in candidates.items()}
    means = backtest.means_of_each(recipes, batch.y, batch.origins, horizon, lag)
    return BatchBacktest(*batch, means, backtest.actual(batch.y, batch.origins, horizon))


def _on_workers(
    batches: Sequence[Batch], candidates: dict[str, BaseForecaster], horizon: int, lag: int, spans: backtest.Windows
) -> tuple[list[Backtested], set[Key]]:
    """The same of each batch, by whichever worker is free; and the series of those that ended every worker."""
    common = candidates, horizon, lag, spans
    answers = workers.on_workers(_backtested, [[batch] for batch in batches], common)
    pairs = [*zip(batches, answers, strict=True)]
    dead = {key for batch, answer in pairs if answer is None for key in batch.y}
    return [_fallen_back(batch, *common) if answer is None else answer for batch, answer in pairs], dead


def _fallen_back(
    batch: Batch, candidates: dict[str, BaseForecaster], horizon: int, lag: int, spans: backtest.Windows
) -> Backtested:
    """The same where the naive speaks for all candidates, see `footfall.evaluation.gate.spoken`."""
    naives = {name: each for name, each in candidates.items() if type(each) in (SeasonalNaive, OrdinaryNaive)}
    told = _asked(batch, naives, horizon, lag)
    speaker = told.means[gate.spoken(next(iter(naives)), next(iter(naives)), naives)]
    return _scored([told._replace(means={name: told.means.get(name, speaker) for name in candidates})], spans, lag)


def _scored(batches: list[BatchBacktest], spans: backtest.Windows, lag: int) -> Backtested:
    pieces = [(batch, slice(at, at + TOGETHER)) for batch in batches for at in range(0, batch.y.shape[1], TOGETHER)]
    with ThreadPoolExecutor(backtest.THREADS) as pool:
        scored = pool.map(lambda piece: [*_scores(piece[0], piece[1], spans, lag)], pieces)
        return batches, [part for of_piece in scored for part in of_piece]


def _scores(
    batch: BatchBacktest, some: slice, spans: backtest.Windows, lag: int
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Scores of all candidates on some series in both windows; and of the report WIS by origin and series."""
    quantiles = {name: batch.quantiles(name, some, lag) for name in batch.means}
    for window in WINDOWS:
        at = batch.origins.isin(getattr(spans, window))
        if at.any():
            yield _of_window(batch, quantiles, window, at, some)


def _of_window(
    batch: BatchBacktest, quantiles: dict[str, np.ndarray], window: str, at: np.ndarray, some: slice
) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys, actual = batch.y.columns[some], batch.actual[at][..., some]
    means = {name: values[at][..., some] for name, values in batch.means.items()}
    counts = np.all([complete(means[name], quantiles[name][at], actual) for name in means], axis=0)
    y, origins = batch.y.iloc[:, some], batch.origins[at]
    scale = naive_error(y[: origins[0]])
    # of one whose counter was stuck until then, whatever it errs now is a multiple of next to nothing
    size = np.fmax(scale, naive_error(y[origins[0] - (WEEK - 1) * DAY : origins[-1] + actual.shape[1] * DAY]))
    tables, wis = [], {}
    for name, mean in means.items():
        scores = scores_of(mean, quantiles[name][at], actual, scale, counts)
        table = pd.concat([keys.to_frame(index=False), scores.table], axis=1)
        tables.append(table.assign(window=window, candidate=name, scale=size))
        wis[name] = pd.DataFrame(scores.wis, index=origins, columns=keys)
    every = pd.concat(tables, ignore_index=True)
    return every[every["forecasts"] > 0], pd.concat(wis, axis=1) if window == "report" else pd.DataFrame()


def _pooled(parts: list[pd.DataFrame], scores: pd.DataFrame) -> pd.DataFrame:
    """Mean WIS by origin and candidate, each series' in the unit of one of median scale."""
    report = scores[scores["window"] == "report"]
    each = pd.concat([part.T for part in parts if len(part)])
    weight = _weights(report).reindex(each.index.droplevel(0)).to_numpy()
    return each.mul(weight, axis=0).groupby(level=0, sort=False).mean().T.dropna(how="all")


def _weights(scores: pd.DataFrame) -> pd.Series:
    """What puts each series' errors in the unit of one of median scale; 1 of one without, see `naive_error`."""
    scale = scores.groupby(SERIES)["scale"].first()
    return (scale.median() / scale).fillna(1.0)
