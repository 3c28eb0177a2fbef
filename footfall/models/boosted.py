"""A calendar-aware smoother whose errors are foreseen by boosted trees, learned over many series.

The smoother says what the coming days would be like if the last weeks went on. The trees say how such forecasts have
erred: on this weekday, after such a week, where last year moved like that. One tree learns from all series at once,
because every number it sees is divided by how far the series' own forecasts usually err.
"""

import zlib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import ClassVar

import lightgbm
import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from footfall.calendar import country_of
from footfall.models.features import View
from footfall.models.smoother import WeekdaySmoother
from footfall.models.training_set import Examples, examples, known_days, together

REGIONS = 300  # series of a panel that has no nation: all of them take too long to learn from
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
        return together(examples(y, country_of(location)) for location, y in self._each())

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
        view, last = View(days, self.country, known_days(days), int(max(ahead))), np.array([len(days) - 1])
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


def _foreseen(booster: str, view: View, last: np.ndarray) -> np.ndarray:
    if not booster:
        return np.zeros(view.ahead)
    return np.asarray(_trees(booster).predict(view.features(last)[0])) * view.usual(last)


@lru_cache(maxsize=2)
def _trees(booster: str) -> lightgbm.Booster:
    return lightgbm.Booster(model_str=booster)
