"""A calendar-aware smoother whose errors are foreseen by boosted trees, learned over many series.

The smoother says what the coming days would be like if the last weeks went on. The trees say how such forecasts have
erred: on this weekday, after such a week, where last year moved like that. One tree learns from all series at once,
because every number it sees is divided by how far the series' own forecasts usually err.
"""

import zlib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple

import lightgbm
import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from footfall.calendar import KINDS, country_of, kinds
from footfall.models import WeekdaySmoother, first_state
from footfall.transforms import YEAR, around, effects, path

WEEK = 7
DAY = pd.Timedelta(days=1)
SMOOTHER = WeekdaySmoother()
YOUNG = 120  # days a series must have before the trees learn from its errors
REGIONS = 300  # series of a panel that has no nation: all of them take too long to learn from
LARGEST = 6.0  # usual errors; larger ones count as this
REACH = 10  # days ahead that the trees learn; farther days are corrected as this one
LEARNED = {
    "objective": "l1",
    "learning_rate": 0.03,
    "num_leaves": 31,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 1,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


class Examples(NamedTuple):
    """Past forecasts and how they erred: a row per series, origin and day ahead."""

    features: np.ndarray  # shape (n_rows, n_features)
    error: np.ndarray  # in usual errors of the series
    day: np.ndarray  # the day forecast: an example is known once this day is

    def until(self, day: pd.Timestamp) -> "Examples":
        """Those whose outcome was known by the end of a day."""
        return self._take(self.day <= day.to_datetime64())

    def thinned(self, most: int) -> "Examples":
        """At most so many, drawn with a fixed seed."""
        count = len(self.error)
        drawn = np.random.default_rng(0).permutation(count)[:most]
        return self if count <= most else self._take(np.sort(drawn))

    def _take(self, which: Any) -> "Examples":
        return Examples(*(column[which] for column in self))


class Panel:
    """The national series of a table, or its regions: what a `Boosted` learns from beside its own series.

    Its examples are worked out once. Each knows only days up to its own origin, so those of a later day may be there
    while a forecaster of an earlier one learns: it takes only the ones `until` then.

    Parameters
    ----------
    series : DataFrame, optional
        A series table. Its nations are taken; of a table without any, `REGIONS` series, the same ones every time.

    Notes
    -----
    A panel is never copied, and its figures are not saved with a model: a loaded one is empty.
    """

    def __init__(self, series: pd.DataFrame | None = None):
        self._series = _drawn(series) if series is not None else None
        self._grown: dict[tuple, str] = {}

    @cached_property
    def examples(self) -> Examples:
        """All of them."""
        found = [examples(y, country_of(location)) for location, y in self._each()]
        return Examples(*map(np.concatenate, zip(*[_no_examples(), *found], strict=True)))

    def learned(self, day: pd.Timestamp, *limits: int) -> str:
        """Trees from what was known by the end of a day, see `Boosted`: whichever series they are for, grown once."""
        if (day, *limits) not in self._grown:
            self._grown[day, *limits] = _learn(self.examples.until(day), *limits)
        return self._grown[day, *limits]

    def _each(self) -> Iterator[tuple[str, pd.Series]]:
        if self._series is None:
            return
        published = self._series.dropna(subset=["value"])
        for (location, category), rows in published.groupby(["location", "category"], sort=True):
            yield str(location), rows.set_index("date")["value"].astype(float).asfreq("D").rename(category)

    def __deepcopy__(self, memo: dict) -> "Panel":
        return self

    def __reduce__(self) -> tuple:
        return Panel, ()


def _drawn(series: pd.DataFrame) -> pd.DataFrame:
    nations = series[series["location"].str.len() == 2]
    if len(nations):
        return nations
    place = series["location"] + " " + series["category"]
    return series[place.isin(sorted(place.unique(), key=lambda one: zlib.crc32(one.encode()))[:REGIONS])]


class Boosted(BaseForecaster):
    """Weekday smoothing behind the calendar front end, corrected by trees that learned from many series.

    Parameters
    ----------
    country : str
        ISO 3166 code of two letters: whose special days.
    panel : Panel, optional
        Further series to learn from.
    trees : int, default=300
        Most trees; one for every `rows_per_tree` examples, if that is fewer.
    rows_per_tree : int, default=500
        Examples that earn a tree: a single short series is hardly corrected.
    most : int, default=150_000
        Examples to learn from; of more, so many are drawn.

    References
    ----------
    Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree.
    """

    _tags: ClassVar = {
        **WeekdaySmoother._tags,
        "enforce_index_type": [pd.DatetimeIndex],
        "python_dependencies": "lightgbm",
    }

    def __init__(
        self,
        country: str,
        panel: Panel | None = None,
        trees: int = 300,
        rows_per_tree: int = 500,
        most: int = 150_000,
    ):
        self.country = country
        self.panel = panel
        self.trees = trees
        self.rows_per_tree = rows_per_tree
        self.most = most
        super().__init__()

    def _fit(self, y: pd.Series, X: None, fh: ForecastingHorizon) -> "Boosted":
        self._seen = y.copy()
        self.booster_ = self._learned(_daily(y)) if self.trees else ""
        return self

    def _learned(self, days: pd.Series) -> str:
        shared = (self.panel or Panel()).learned(days.index[-1], self.trees, self.rows_per_tree, self.most)
        return shared or _learn(examples(days, self.country), self.trees, self.rows_per_tree, self.most)

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "Boosted":
        self._seen = y.combine_first(self._seen)
        return self._fit(self._seen, None, self._fh) if update_params else self

    def _predict(self, fh: ForecastingHorizon, X: None) -> pd.Series:
        ahead = fh.to_relative(self.cutoff).to_numpy().astype(int)
        values = 100 * np.expm1(self.parts(ahead).sum(axis=1).to_numpy())
        return pd.Series(values, index=fh.to_absolute_index(self.cutoff), name=self._seen.name)

    def parts(self, ahead: np.ndarray) -> pd.DataFrame:
        """What the forecasts of some days ahead are the sum of, as logarithm of the level; a row per day."""
        days = _daily(self._seen)
        view, last = View(days, self.country, _known(days), int(max(ahead))), np.array([len(days) - 1])
        foreseen = _foreseen(self.booster_, view, last)
        return pd.DataFrame({**view.parts(last), "learned": foreseen}).iloc[ahead - 1]

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> dict:
        """Parameters for sktime's own checks."""
        return {"country": "PT", "trees": 3}


def _daily(y: pd.Series) -> pd.Series:
    """The series day by day; one that is indexed by anything else counts as days from a Monday on."""
    if isinstance(y.index, pd.DatetimeIndex) and (y.index.freq is None or y.index.freq == "D"):
        return y.asfreq("D")
    return y.set_axis(pd.date_range("2001-01-01", periods=len(y)))


def _learn(learned: Examples, trees: int, rows_per_tree: int, most: int) -> str:
    """Trees in LightGBM's own text; empty where there is too little to learn from."""
    learned = learned.thinned(most)
    trees = min(trees, len(learned.error) // rows_per_tree)
    if trees < 1:
        return ""
    data = lightgbm.Dataset(learned.features, learned.error, free_raw_data=True)
    return lightgbm.train(LEARNED, data, trees).model_to_string()


def _foreseen(booster: str, view: "View", last: np.ndarray) -> np.ndarray:
    if not booster:
        return np.zeros(view.ahead)
    return np.asarray(_trees(booster).predict(view.features(last)[0])) * view.usual(last)


@lru_cache(maxsize=2)
def _trees(booster: str) -> lightgbm.Booster:
    return lightgbm.Booster(model_str=booster)


def examples(y: pd.Series, country: str) -> Examples:
    """Every forecast of the past with what it could know, month by month, and how it erred.

    Parameters
    ----------
    y : Series
        One daily series in percent; NaN where nothing was published.
    country : str
        ISO 3166 code of two letters.
    """
    origins = np.arange(YOUNG, len(y) - 1)
    months = (y.index.year * 12 + y.index.month).to_numpy()[origins]
    parts = [_month(y, country, origins[months == month]) for month in np.unique(months)]
    return Examples(*map(np.concatenate, zip(*[_no_examples(), *parts], strict=True)))


def _no_examples() -> Examples:
    return Examples(np.empty((0, len(FEATURES))), np.empty(0), np.empty(0, "datetime64[us]"))


def _month(y: pd.Series, country: str, origins: np.ndarray) -> Examples:
    """A month of origins, with effects of holidays as they were known when it began."""
    seen = y.iloc[: origins[-1] + 1]
    view = View(seen, country, _known(seen), REACH)
    target = origins[:, None] + np.arange(1, REACH + 1)
    actual = view.scaled(np.append(y.to_numpy(float), np.full(REACH, np.nan))[target])
    error = np.clip((actual - view.forecast(origins)) / view.usual(origins)[:, None], -LARGEST, LARGEST)
    day = y.index[0].to_datetime64() + target * np.timedelta64(1, "D")
    known = np.isfinite(error)
    return Examples(view.features(origins)[known], error[known].round(4), day[known].astype("datetime64[us]"))


def _known(y: pd.Series) -> int:
    """Days before the month of the last one: the weeks after a holiday are needed to tell what it did."""
    return len(y) - min(int(y.index[-1].day), len(y) - 1)


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
