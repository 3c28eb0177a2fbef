"""What the trees are told of a series at an origin: what the calendar pipeline sees there, and what it foresees."""

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from footfall.calendar import KINDS, known_ahead
from footfall.models.smoother import WeekdaySmoother, first_state
from footfall.models.transforms import (
    YEAR,
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    a_year_later,
    cumulated_steps,
    effect_of_each,
    logarithm_of_level,
    median_of_near_weekdays,
)
from footfall.series import WEEK
from footfall.units import unit

WIDER = 4  # how many times larger a step of last year the trees are told of than its turn expects again
HALF_LIFE = 60  # days after which a surprise counts half in the usual error
LEAST_ERROR = 0.005  # of a series, as logarithm of the level: every feature is divided by its usual error


class Front(NamedTuple):
    """The steps of the calendar pipeline: their parameters, and their arithmetic over arrays."""

    log_level: LogLevel
    kind_of_day: KindOfDay
    turn: LastYearsTurn
    smoother: WeekdaySmoother

    @classmethod
    def of(cls, calendar: Any, country: str) -> "Front":
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


class Features:
    """A series as the calendar pipeline sees it, at every origin after the days it was fitted to.

    Parameters
    ----------
    y : Series
        The days seen, named by its category; the last is the last origin.
    country : str
        ISO 3166 code of two letters: whose special days.
    front : Front
        Steps of the pipeline, unfitted; they are left as they are.
    fitted : int
        The first so many days are those the pipeline is fitted to; it is brought up to the origins, which lie after.
    horizon : int
        Days to forecast.
    """

    def __init__(self, y: pd.Series, country: str, front: Front, fitted: int, horizon: int):
        self.front, self.horizon, self.category, self.unit = front, horizon, y.name, unit(y)
        self.against = self.unit.level(y.iloc[:fitted])
        self.days = pd.date_range(y.index[0], periods=len(y) + horizon + 1)
        self.kind = known_ahead(self.days, country)["kind"].to_numpy()
        values = self.to_logarithm(y.to_numpy(float))
        effects = front.kind_of_day.learn(values[:fitted], self.kind[:fitted])
        self.effect = effect_of_each(self.kind, effects)
        ordinary = pd.Series(values - self.effect[: len(y)], index=self.days[: len(y)])
        self.turn = a_year_later(front.turn.path(ordinary), self.days)
        wider = cumulated_steps(ordinary, front.turn.window, WIDER * front.turn.step)
        self.last_year = a_year_later(wider, self.days)
        self.smoothed = ordinary.to_numpy() - self.turn[: len(y)]
        self._follow(max(0, fitted - front.smoother.days), fitted)

    def to_logarithm(self, values: np.ndarray) -> np.ndarray:
        """Values of the series as logarithms of their shares of the level that the first `fitted` days have."""
        return np.asarray(self.front.log_level.to_logarithm(values, self.unit, self.against))

    def _follow(self, start: int, fitted: int) -> None:
        """Level, slope, coming weekdays and surprise at the end of every day from `start`."""
        n = len(self.smoothed)
        self.level, self.slope, self.surprise = np.zeros(n), np.zeros(n), np.zeros(n)
        self.coming = np.zeros((n, WEEK))
        values = self.smoothed[start:]
        states = self.front.smoother.follow(first_state(self.smoothed[start:fitted]), values)
        for day, (level, slope, coming, surprise) in enumerate(states, start):
            self.level[day], self.slope[day], self.surprise[day], self.coming[day] = level, slope, surprise, coming

    def _carried_on(self, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The smoother's level and weekday, each of shape (n_origins, horizon)."""
        ahead = np.arange(1, self.horizon + 1)
        state = self.level[origins], self.slope[origins], self.coming[origins]
        return self.front.smoother.carry_on(*state, ahead)

    def forecast(self, origins: np.ndarray) -> np.ndarray:
        """What the pipeline says, shape (n_origins, horizon), as logarithm of the level."""
        target, (level, weekday) = self._targets(origins), self._carried_on(origins)
        return np.asarray(level + weekday + self.effect[target] + self.turn[target])

    def parts(self, origins: np.ndarray) -> dict[str, np.ndarray]:
        """What a forecast is the sum of, as logarithm of the value; last year's turn counts from the origin."""
        target, turn = self._targets(origins), self.turn[origins][:, None]
        level, weekday = self._carried_on(origins)
        calendar = {"kind of day": self.effect[target], "last year's turn": self.turn[target] - turn}
        return {"level": level + turn + logarithm_of_level(self.unit, self.against), "weekday": weekday, **calendar}

    def usual_error(self, origins: np.ndarray) -> np.ndarray:
        """How far the smoother errs from one day to the next, newer days counting more."""
        size = pd.Series(np.abs(self.surprise))
        if self.unit.baseline is None:  # a day a till is shut is none; a gap in Google's surprises nobody
            size = size.mask(np.isnan(self.smoothed))
        usual = size.ewm(halflife=HALF_LIFE).mean().to_numpy()
        return np.asarray(np.fmax(usual[origins], LEAST_ERROR))

    def _targets(self, origins: np.ndarray) -> np.ndarray:
        return origins[:, None] + np.arange(1, self.horizon + 1)

    def table(self, origins: np.ndarray) -> np.ndarray:
        """What the trees are told, shape (n_origins, horizon, n_features), columns `FEATURES`.

        Everything is known at the origin: values up to it, and the calendar. Rounded, so that the last bit of a
        number, which differs from one processor to the next, grows no other tree.
        """
        origin, target = origins[:, None], self._targets(origins)
        error, (level, season) = self.usual_error(origins)[:, None], self._carried_on(origins)
        in_errors = self._of_the_state(origin, target, season) | self._of_the_year(origin, target)
        in_errors |= self._of_the_weeks(origin, target, level + season)
        columns = dict(self._of_the_day(origin, target)) | {name: values / error for name, values in in_errors.items()}
        columns |= {"usual error": error, "category": np.array(_category_code(self.category))}
        table = np.stack([np.broadcast_to(columns[name], target.shape) for name in FEATURES], axis=2)
        return table.astype(float).round(4)

    def _of_the_day(self, origin: np.ndarray, target: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """The calendar of the day, its neighbours and the week before the origin."""
        code = np.array([KINDS.index(kind) for kind in self.kind])
        special = np.concatenate([[0], np.cumsum(code > 0)])
        yield "ahead", target - origin
        yield "weekday", self.days.dayofweek.to_numpy()[target]
        yield "day of year", self.days.dayofyear.to_numpy()[target]
        yield "day of month", self.days.day.to_numpy()[target]
        yield "kind", code[target]
        yield "kind before", code[target - 1]
        yield "kind after", code[target + 1]
        yield "kind then", code[_same_weekday(origin, target, 0)]
        yield "special lately", special[origin + 1] - special[np.maximum(origin - 6, 0)]
        yield "level", self.level[origin]

    def _of_the_state(self, origin: np.ndarray, target: np.ndarray, season: np.ndarray) -> dict[str, np.ndarray]:
        """The smoother's state, and how the last days surprised it."""
        total = np.concatenate([[0], np.cumsum(self.surprise)])
        back = {f"surprise {k}": self.surprise[np.maximum(origin - k, 0)] for k in range(WEEK)}
        mean = {f"surprise in {k}": (total[origin + 1] - total[np.maximum(origin + 1 - k, 0)]) / k for k in MEANS}
        risen = {f"risen in {k}": self.level[origin] - self.level[np.maximum(origin - k, 0)] for k in RISES}
        return back | mean | risen | {"slope": self.slope[origin], "season": season, "effect": self.effect[target]}

    def _of_the_weeks(self, origin: np.ndarray, target: np.ndarray, carried: np.ndarray) -> dict[str, np.ndarray]:
        """The same weekday in the last four weeks against what the smoother carries on."""
        day = {f"week {k}": _same_weekday(origin, target, k) for k in range(4)}
        return {name: self.smoothed[at] - carried for name, at in day.items()} | {
            f"surprise of {name}": self.surprise[day[name]] for name in ("week 0", "week 1")
        }

    def _of_the_year(self, origin: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        """How last year moved over the same days, and what was odd about the same day."""
        then = target - YEAR
        odd = self.smoothed - median_of_near_weekdays(self.smoothed, np.ones(len(self.smoothed), bool))
        known = (then >= 4 * WEEK) & (then <= origin - 2 * WEEK)
        then = np.clip(then, 0, len(self.smoothed) - 1)
        moved = self.last_year[target] - self.last_year[origin]
        return {
            "last year's movement": np.where(target >= YEAR, moved, np.nan),
            "last year's oddity": np.where(known, odd[then], np.nan),
        }


def _same_weekday(origin: np.ndarray, target: np.ndarray, weeks: int) -> np.ndarray:
    """The last day seen that had the weekday of the target, or some weeks before it."""
    ahead = -(-(target - origin) // WEEK) + weeks  # in weeks, begun ones counted
    return np.asarray(np.maximum(target - ahead * WEEK, 0))


def _category_code(category: object) -> float:
    """A number for each kind of place, the same in every run; a series without a name has none."""
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
