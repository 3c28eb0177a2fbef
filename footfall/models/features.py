"""What the trees are told of a series at an origin: what the calendar pipeline sees there, and what it foresees."""

import zlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from footfall.calendar import Country, known_ahead
from footfall.models.smoother import WeekdaySmoother, first_state
from footfall.models.transforms import (
    YEAR,
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    a_year_later,
    as_in,
    cumulated_steps,
    effect_of_each,
    logarithm_of_level,
    median_of_near_weekdays,
)
from footfall.series import WEEK
from footfall.units import unit

WIDER = 4  # how many times larger a step of last year the trees are told of than its turn expects again
HALF_LIFE = 60  # days after which a surprise counts half in the usual error
FEWEST_FITTED = 4 * WEEK  # days that the pipeline starts from, whatever day of the month a place opened
LEAST_ERROR = 0.005  # of a series, as logarithm of the level: every feature is divided by its usual error


class Front(NamedTuple):
    """The steps of the calendar pipeline: their parameters, and their arithmetic over arrays."""

    log_level: LogLevel
    kind_of_day: KindOfDay
    turn: LastYearsTurn
    smoother: WeekdaySmoother

    @classmethod
    def of(cls, calendar: Any, country: Country) -> "Front":
        """The steps of a pipeline, see `footfall.models.boosted.Boosted`; of None, those with the usual parameters.

        Raises
        ------
        ValueError
            If the pipeline has other steps than these.
        """
        if calendar is None:
            return cls(LogLevel(), KindOfDay(country), LastYearsTurn(), WeekdaySmoother())
        steps = [*calendar.named_steps.values()]
        if [type(step) for step in steps] != [*cls.__annotations__.values()]:
            names = " * ".join(type(step).__name__ for step in steps)
            raise ValueError(f"a Boosted corrects LogLevel * KindOfDay * LastYearsTurn * WeekdaySmoother, not {names}")
        return cls(*steps)


def days_fitted(days: pd.DatetimeIndex, origins: np.ndarray) -> np.ndarray:
    """How many days the pipeline is fitted to at each origin: those before its month, or the first four weeks.

    Not up to the origin: the weeks after a holiday are needed to tell what it did.
    """
    before_month = origins + 1 - days.day.to_numpy()[origins]
    return np.asarray(np.maximum(before_month, np.minimum(FEWEST_FITTED, origins + 1)))


class Features:
    """A batch of series as the calendar pipeline sees it, at every origin after the days it was fitted to.

    Parameters
    ----------
    y : Series or DataFrame
        The days seen; the last is the last origin. A series named by its category, or a batch of them.
    country : str or Countries
        ISO 3166 code: whose special days; or one for each series.
    front : Front
        Steps of the pipeline, unfitted; they are left as they are.
    fitted : int
        The first so many days are those the pipeline is fitted to, and none after the first origin; it is brought up
        to the origins.
    ahead : ndarray of int
        Days to forecast, counted from the origin.
    """

    def __init__(self, y: pd.Series | pd.DataFrame, country: Country, front: Front, fitted: int, ahead: np.ndarray):
        self.front, self.ahead, self.unit = front, ahead, unit(y)
        table = y.to_frame() if isinstance(y, pd.Series) else y
        self.category = np.array([_category_code(name) for name in table])
        self.against = self.unit.level(table.iloc[:fitted])
        self.days = pd.date_range(y.index[0], periods=len(y) + int(ahead.max()) + 1)
        self.kind = known_ahead(self.days, country)
        values = self.to_logarithm(table.to_numpy(float))
        effects = front.kind_of_day.learn(values[:fitted], self.kind[:fitted])
        effect = as_in(table, effect_of_each(self.kind, effects))
        self.effect = np.broadcast_to(effect, (len(effect), table.shape[1]))
        ordinary = pd.DataFrame(values - self.effect[: len(y)], index=self.days[: len(y)])
        self.turn = a_year_later(front.turn.path(ordinary), self.days)
        wider = cumulated_steps(ordinary, front.turn.window, WIDER * front.turn.step)
        self.last_year = a_year_later(wider, self.days)
        self.smoothed = ordinary.to_numpy() - self.turn[: len(y)]
        self._follow(max(0, fitted - front.smoother.days), fitted)

    def to_logarithm(self, values: np.ndarray) -> np.ndarray:
        """Values of the series as logarithms of their shares of the level that the first `fitted` days have."""
        return np.asarray(self.front.log_level.to_logarithm(values, self.unit, self.against))

    def _follow(self, start: int, fitted: int) -> None:
        """Level, slope, weekdays and surprise at the end of every day from `start`; nought before."""
        single = self.smoothed.shape[1] == 1
        values = self.smoothed[start:, 0] if single else self.smoothed[start:]
        path = self.front.smoother.follow(first_state(values[: fitted - start]), values)
        parts = (np.array(part) for part in (path.level[1:], path.slope[1:], path.weekday, path.surprise))
        before = np.zeros((start, self.smoothed.shape[1]))
        days = (np.concatenate([before, part.reshape(len(part), -1)]) for part in parts)
        self.level, self.slope, self.weekday, self.surprise = days

    def _carried_on(self, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The smoother's level and weekday, each of shape (n_origins, n_ahead, n_series)."""
        coming = self.weekday[origins[:, None] + np.arange(1, WEEK + 1)]
        return self.front.smoother.carry_on(self.level[origins], self.slope[origins], coming, self.ahead)

    def forecast(self, origins: np.ndarray) -> np.ndarray:
        """What the pipeline says, shape (n_origins, n_ahead, n_series), as logarithm of the level."""
        target, (level, weekday) = self.targets(origins), self._carried_on(origins)
        return np.asarray(level + weekday + self.effect[target] + self.turn[target])

    def parts(self, origins: np.ndarray) -> dict[str, np.ndarray]:
        """What a forecast is the sum of, as logarithm of the value; last year's turn counts from the origin."""
        target, turn = self.targets(origins), self.turn[origins][:, None]
        level, weekday = self._carried_on(origins)
        calendar = {"kind of day": self.effect[target], "last year's turn": self.turn[target] - turn}
        return {"level": level + turn + logarithm_of_level(self.unit, self.against), "weekday": weekday, **calendar}

    @cached_property
    def usual_error(self) -> np.ndarray:
        """How far the smoother errs from one day to the next, newer days counting more; shape (n_days, n_series)."""
        begun = np.maximum.accumulate(np.isfinite(self.smoothed), axis=0)  # in a batch some may begin later
        size = pd.DataFrame(np.abs(self.surprise)).where(begun)
        if self.unit.baseline is None:  # a day a till is shut is none; a gap in Google's surprises nobody
            size = size.mask(np.isnan(self.smoothed))
        return np.asarray(np.fmax(size.ewm(halflife=HALF_LIFE).mean().to_numpy(), LEAST_ERROR))

    def targets(self, origins: np.ndarray) -> np.ndarray:
        """The days forecast from each origin, shape (n_origins, n_ahead)."""
        return np.asarray(origins[:, None] + self.ahead)

    def table(self, origins: np.ndarray, series: np.ndarray) -> np.ndarray:
        """What the trees are told of some series, shape (n_series, n_origins, n_ahead, n_features).

        Neighbours are alike, over which trees go a quarter faster.
        """
        mesh = np.broadcast_arrays(origins[:, None], self.targets(origins), series[:, None, None])
        return self.rows(*(part.ravel() for part in mesh)).reshape(*mesh[0].shape, len(FEATURES))

    def rows(self, origin: np.ndarray, target: np.ndarray, series: np.ndarray) -> np.ndarray:
        """What the trees are told of forecasts, shape (n_rows, n_features), columns `FEATURES`.

        Everything is known at the origin: values up to it, and the calendar. Rounded, so that the last bit of a
        number, which differs from one processor to the next, grows no other tree.
        """
        error = self.usual_error[origin, series]
        level, season = self._carried(origin, target, series)
        in_errors = self._of_the_state(origin, target, series, season) | self._of_the_year(origin, target, series)
        in_errors |= self._of_the_weeks(origin, target, series, level + season)
        columns = dict(self._of_the_day(origin, target, series))
        columns |= {"usual error": error, "category": self.category[series]}
        rows = np.empty((len(origin), len(FEATURES)))
        for number, name in enumerate(FEATURES):
            rows[:, number] = in_errors[name] / error if name in in_errors else columns[name]
        return rows.round(4)

    def _of_the_day(
        self, origin: np.ndarray, target: np.ndarray, series: np.ndarray
    ) -> Iterator[tuple[str, np.ndarray]]:
        """The calendar of the day, its neighbours and the week before the origin."""
        kind = as_in(self.effect, self.kind).astype(int)
        special = np.cumsum(np.concatenate([np.zeros_like(kind[:1]), kind > 0]), axis=0)
        kind, special = (np.broadcast_to(days, (len(days), len(self.category))) for days in (kind, special))
        yield "ahead", target - origin
        yield "weekday", self.days.dayofweek.to_numpy()[target]
        yield "day of year", self.days.dayofyear.to_numpy()[target]
        yield "day of month", self.days.day.to_numpy()[target]
        yield "kind", kind[target, series]
        yield "kind before", kind[target - 1, series]
        yield "kind after", kind[target + 1, series]
        yield "kind then", kind[_same_weekday(origin, target, 0), series]
        yield "special lately", special[origin + 1, series] - special[np.maximum(origin - 6, 0), series]
        yield "level", self.level[origin, series]

    def _carried(self, origin: np.ndarray, target: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `_carried_on`, row by row."""
        ahead = target - origin
        level = self.level[origin, series] + self.slope[origin, series] * self.front.smoother.slopes(ahead)
        return level, self.weekday[origin + 1 + (ahead - 1) % WEEK, series]

    def _of_the_state(
        self, origin: np.ndarray, target: np.ndarray, series: np.ndarray, season: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The smoother's state, and how the last days surprised it."""
        total = np.concatenate([np.zeros((1, self.surprise.shape[1])), np.cumsum(self.surprise, axis=0)])
        now, level = total[origin + 1, series], self.level[origin, series]
        back = {f"surprise {k}": self.surprise[np.maximum(origin - k, 0), series] for k in range(WEEK)}
        mean = {f"surprise in {k}": (now - total[np.maximum(origin + 1 - k, 0), series]) / k for k in MEANS}
        risen = {f"risen in {k}": level - self.level[np.maximum(origin - k, 0), series] for k in RISES}
        state = {"slope": self.slope[origin, series], "season": season, "effect": self.effect[target, series]}
        return back | mean | risen | state

    def _of_the_weeks(
        self, origin: np.ndarray, target: np.ndarray, series: np.ndarray, carried: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The same weekday in the last four weeks against what the smoother carries on."""
        day = {f"week {k}": _same_weekday(origin, target, k) for k in range(4)}
        return {name: self.smoothed[at, series] - carried for name, at in day.items()} | {
            f"surprise of {name}": self.surprise[day[name], series] for name in ("week 0", "week 1")
        }

    def _of_the_year(self, origin: np.ndarray, target: np.ndarray, series: np.ndarray) -> dict[str, np.ndarray]:
        """How last year moved over the same days, and what was odd about the same day."""
        then = target - YEAR
        known = (then >= 4 * WEEK) & (then <= origin - 2 * WEEK)
        then = np.clip(then, 0, len(self.smoothed) - 1)
        moved = self.last_year[target, series] - self.last_year[origin, series]
        return {
            "last year's movement": np.where(target >= YEAR, moved, np.nan),
            "last year's oddity": np.where(known, self._odd[then, series], np.nan),
        }

    @cached_property
    def _odd(self) -> np.ndarray:
        return np.asarray(self.smoothed - median_of_near_weekdays(self.smoothed, np.ones(len(self.smoothed), bool)))


def _same_weekday(origin: np.ndarray, target: np.ndarray, weeks: int) -> np.ndarray:
    """The last day seen that had the weekday of the target, or some weeks before it."""
    ahead = -(-(target - origin) // WEEK) + weeks  # in weeks, begun ones counted
    return np.asarray(np.maximum(target - ahead * WEEK, 0))


def _category_code(name: object) -> float:
    """A number for each kind of place, the same in every run; a series without a name has none."""
    category = name[-1] if isinstance(name, tuple) else name
    return float(zlib.crc32(category.encode()) % 1009) if isinstance(category, str) else float("nan")


MEANS, RISES = (3, 7, 14, 28), (7, 14, 28, 56)  # days
FEATURES = [
    *("ahead", "weekday", "day of year", "day of month", "kind", "kind before", "kind after", "kind then"),
    *("special lately", "level", "usual error", "category"),
    *(f"surprise {k}" for k in range(WEEK)),
    *(f"surprise in {k}" for k in MEANS),
    *(f"risen in {k}" for k in RISES),
    *("slope", "season", "effect", "week 0", "week 1", "week 2", "week 3"),
    *("surprise of week 0", "surprise of week 1", "last year's movement", "last year's oddity"),
]
