"""A series as the boosted forecaster sees it: smoothed, carried on, and told to the trees in numbers."""

import zlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from footfall.calendar import KINDS, kinds
from footfall.models.smoother import WeekdaySmoother, first_state
from footfall.models.transforms import YEAR, around, effects, path
from footfall.series import WEEK

SMOOTHER = WeekdaySmoother()


class View:
    """A series as the smoother sees it: corrected, followed day by day, carried on.

    Parameters
    ----------
    y : Series
        The days seen; the last is the last origin.
    country : str
        ISO 3166 code of two letters.
    known : int
        The first so many days are those the effects of holidays are learned from; origins lie after them.
    ahead : int
        Days to forecast.
    """

    def __init__(self, y: pd.Series, country: str, known: int, ahead: int):
        self.ahead, self.name = ahead, y.name
        self.days = pd.date_range(y.index[0], periods=len(y) + ahead + 1)
        self.kind = kinds(self.days, country).to_numpy()
        z = self.scaled(y.to_numpy(float))
        found = effects(z[:known], self.kind[:known])
        self.effect = np.array([found.get(kind, 0.0) for kind in self.kind])
        plain = z - self.effect[: len(y)]
        self.turn = 0.4 * self._a_year_later(path(plain, step=0.01))
        self.moved = self._a_year_later(path(plain, step=0.04))
        self.plain = plain - self.turn[: len(y)]
        self._follow(max(0, known - SMOOTHER.days))

    def _a_year_later(self, values: np.ndarray) -> np.ndarray:
        late = np.concatenate([np.zeros(YEAR), values, np.full(self.ahead + 1, values[-1])])
        return late[: len(self.days)]

    @staticmethod
    def scaled(percent: np.ndarray) -> np.ndarray:
        """Percent change as logarithm of the level, at least a fiftieth."""
        return np.log(np.maximum(1 + percent / 100, 0.02))

    def _follow(self, start: int) -> None:
        """Level, slope, coming weekdays and surprise at the end of every day from `start`."""
        n = len(self.plain)
        self.level, self.slope, self.surprise = np.zeros(n), np.zeros(n), np.zeros(n)
        self.coming = np.zeros((n, WEEK))
        plain = self.plain[start:]
        days = SMOOTHER.follow(first_state(plain[: 4 * WEEK]), plain)
        for t, (level, slope, coming, surprise) in enumerate(days, start):
            self.level[t], self.slope[t], self.surprise[t], self.coming[t] = level, slope, surprise, coming

    def _season(self, o: np.ndarray, target: np.ndarray) -> np.ndarray:
        """What the weekday of a day adds, as it was seen at an origin before it."""
        return self.coming[o, (target - o - 1) % WEEK]

    def forecast(self, origins: np.ndarray) -> np.ndarray:
        """What the smoother says, shape (n_origins, ahead), as logarithm of the level."""
        target = self._targets(origins)
        return self._carried_on(origins, target) + self.effect[target] + self.turn[target]

    def parts(self, last: np.ndarray) -> dict[str, np.ndarray]:
        """What `forecast` is the sum of, for one origin; last year's turn is counted from it."""
        target = self._targets(last)[0]
        season = self._season(last, target)
        level = self._carried_on(last, target[None])[0] - season + self.turn[last]
        turn = self.turn[target] - self.turn[last]
        return {"level": level, "weekday": season, "kind of day": self.effect[target], "last year's turn": turn}

    def usual(self, origins: np.ndarray) -> np.ndarray:
        """How far the smoother usually errs from one day to the next, newer days counting more."""
        size = pd.Series(np.abs(self.surprise)).ewm(halflife=60).mean().to_numpy()
        return np.maximum(size[origins], 0.005)

    def _targets(self, origins: np.ndarray) -> np.ndarray:
        return origins[:, None] + np.arange(1, self.ahead + 1)

    def _carried_on(self, origins: np.ndarray, target: np.ndarray) -> np.ndarray:
        slopes = self.slope[origins][:, None] * np.cumsum(SMOOTHER.damping ** np.arange(1, self.ahead + 1))
        return self.level[origins][:, None] + slopes + self._season(origins[:, None], target)

    def features(self, origins: np.ndarray) -> np.ndarray:
        """What the trees are told, shape (n_origins, ahead, n_features), columns `FEATURES`.

        Everything is known at the origin: figures up to it, and the calendar. Rounded, so that the last bit of a
        number, which differs from one processor to the next, grows no other tree.
        """
        o, target = origins[:, None], self._targets(origins)
        usual, carried = self.usual(origins)[:, None], self._carried_on(origins, target)
        told = dict(self._of_the_day(o, target))
        scaled = {**self._of_the_state(o, target), **self._of_the_weeks(o, target, carried),
                  **self._of_the_year(o, target)}  # fmt: skip
        told |= {name: values / usual for name, values in scaled.items()}
        told |= {"usual": usual, "category": np.array(_number(self.name))}
        return np.stack([np.broadcast_to(told[name], target.shape) for name in FEATURES], axis=2).astype(float).round(4)

    def _of_the_day(self, o: np.ndarray, target: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """The calendar of the day, its neighbours and the week before the origin."""
        code = np.array([KINDS.index(kind) for kind in self.kind])
        special = np.concatenate([[0], np.cumsum(code > 0)])
        yield "ahead", target - o
        yield "weekday", self.days.dayofweek.to_numpy()[target]
        yield "day of year", self.days.dayofyear.to_numpy()[target]
        yield "day of month", self.days.day.to_numpy()[target]
        yield "kind", code[target]
        yield "kind before", code[target - 1]
        yield "kind after", code[target + 1]
        yield "kind then", code[self._same_weekday(o, target, 0)]
        yield "special lately", special[o + 1] - special[np.maximum(o - 6, 0)]
        yield "level", self.level[o]

    def _of_the_state(self, o: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        """The smoother's state, and how the last days surprised it."""
        total = np.concatenate([[0], np.cumsum(self.surprise)])
        back = {f"surprise {k}": self.surprise[np.maximum(o - k, 0)] for k in range(WEEK)}
        mean = {f"surprise in {k}": (total[o + 1] - total[np.maximum(o + 1 - k, 0)]) / k for k in (3, 7, 14, 28)}
        risen = {f"risen in {k}": self.level[o] - self.level[np.maximum(o - k, 0)] for k in (7, 14, 28, 56)}
        state = {"slope": self.slope[o], "season": self._season(o, target), "effect": self.effect[target]}
        return back | mean | risen | state

    def _of_the_weeks(self, o: np.ndarray, target: np.ndarray, carried: np.ndarray) -> dict[str, np.ndarray]:
        """The same weekday in the last four weeks against what the smoother carries on."""
        at = {f"week {k}": self._same_weekday(o, target, k) for k in range(4)}
        return {name: self.plain[then] - carried for name, then in at.items()} | {
            f"surprise of {name}": self.surprise[at[name]] for name in ("week 0", "week 1")
        }

    def _of_the_year(self, o: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        """How last year moved over the same days, and what was odd about the same day."""
        then = target - YEAR
        odd = self.plain - around(self.plain, np.ones(len(self.plain), bool))
        known = (then >= 4 * WEEK) & (then <= o - 2 * WEEK)
        then = np.clip(then, 0, len(self.plain) - 1)
        return {
            "last year's movement": np.where(target >= YEAR, self.moved[target] - self.moved[o], np.nan),
            "last year's oddity": np.where(known, odd[then], np.nan),
        }

    def _same_weekday(self, o: np.ndarray, target: np.ndarray, weeks: int) -> np.ndarray:
        """The last day seen that had the weekday of the target, or some weeks before it."""
        return np.maximum(target - -(-(target - o) // WEEK) * WEEK - weeks * WEEK, 0)


def _number(category: object) -> float:
    """A number for each kind of place, the same in every run; a series without a name has none."""
    return float(zlib.crc32(category.encode()) % 1009) if isinstance(category, str) else float("nan")


FEATURES = [
    *("ahead", "weekday", "day of year", "day of month", "kind", "kind before", "kind after", "kind then"),
    *("special lately", "level", "usual", "category"),
    *(f"surprise {k}" for k in range(WEEK)),
    *(f"surprise in {k}" for k in (3, 7, 14, 28)),
    *(f"risen in {k}" for k in (7, 14, 28, 56)),
    *("slope", "season", "effect", "week 0", "week 1", "week 2", "week 3"),
    *("surprise of week 0", "surprise of week 1", "last year's movement", "last year's oddity"),
]
