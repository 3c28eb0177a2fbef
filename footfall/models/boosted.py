"""A calendar-aware smoother whose errors are foreseen by boosted trees, learned over many series.

The smoother says what the coming days would be like if the last weeks went on. The trees say how such forecasts have
erred: on this weekday, after such a week, where last year moved like that. One tree learns from all series at once,
because every number it sees is divided by how far the series' own forecasts usually err.
"""

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from footfall.calendar import country_of
from footfall.models.features import Features, Front
from footfall.models.forecaster import SeriesForecaster
from footfall.models.smoother import WeekdaySmoother
from footfall.models.training_set import TrainingSet, concatenated, days_before_month, training_set
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.series import pick
from footfall.units import COUNT, unit

MOST_REGIONS = 300  # series of a panel that has no nation: all of them take too long to learn from
LIGHTGBM = {
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
    """The national series of a table, or its regions, or all of counts: what a `Boosted` learns from beside its own.

    Its training set is worked out once for each pipeline. A row knows only days up to its own origin, so those of a
    later day may be there while a forecaster of an earlier one learns: it takes only the ones `until` then.

    Parameters
    ----------
    series : DataFrame, optional
        A series table. Its nations are taken, and all series of counts, an owner's other sites; of a table without
        any, `MOST_REGIONS` series, the same every time.

    Notes
    -----
    A panel is never copied, and its series are not saved with a model: a loaded one is empty.
    """

    def __init__(self, series: pd.DataFrame | None = None):
        self._series = _national_or_drawn(series) if series is not None else None
        self._training_sets: dict[str, TrainingSet] = {}
        self._trees: dict[tuple[Any, ...], str] = {}

    def training_set(self, front: Front) -> TrainingSet:
        """The past forecasts of all its series by one pipeline, with each country's own special days."""
        if (key := _recipe(front)) not in self._training_sets:
            parts = (training_set(y, country_of(location), front) for location, y in self._each())
            self._training_sets[key] = concatenated(parts)
        return self._training_sets[key]

    def trees(self, front: Front, day: pd.Timestamp, *limits: int) -> str:
        """Trees from what was known by the end of a day, see `Boosted`: whichever series they are for, grown once."""
        key = (_recipe(front), day, *limits)
        if key not in self._trees:
            self._trees[key] = _grow(self.training_set(front).until(day), *limits)
        return self._trees[key]

    def _each(self) -> Iterator[tuple[str, pd.Series]]:
        if self._series is None:
            return
        published = self._series.dropna(subset=["value"])[["location", "category"]].drop_duplicates()
        groups = self._series.groupby(["location", "category"])
        for location, category in published.sort_values(["location", "category"]).itertuples(index=False):
            yield location, pick(groups.get_group((location, category)), location, category).astype(float)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Panel":
        return self

    def __reduce__(self) -> tuple[type["Panel"], tuple[()]]:
        return Panel, ()


def _recipe(front: Front) -> str:
    """The parameters of a pipeline, but for whose special days: a panel's series have each their own."""
    return str([{**step.get_params(), "country": None} for step in front])


def _national_or_drawn(series: pd.DataFrame) -> pd.DataFrame:
    chosen = series[(series["location"].str.len() == 2) | (series["category"] == COUNT)]
    if len(chosen):
        return chosen
    name = series["location"] + " " + series["category"]
    return series[name.isin(sorted(name.unique(), key=lambda name: zlib.crc32(name.encode()))[:MOST_REGIONS])]


class Boosted(BaseForecaster):
    """Weekday smoothing behind the calendar front end, corrected by trees that learned from many series.

    Parameters
    ----------
    country : str
        ISO 3166 code of two letters: whose special days.
    panel : Panel, optional
        Further series to learn from.
    trees : int, default=300
        Most trees; one for every `rows_per_tree` past forecasts, if that is fewer.
    rows_per_tree : int, default=500
        Past forecasts that earn a tree: a single short series is hardly corrected.
    most : int, default=150_000
        Past forecasts to learn from; of more, so many are drawn.
    calendar : TransformedTargetForecaster, optional
        The pipeline whose errors are foreseen: ``LogLevel() * KindOfDay(country) * LastYearsTurn() *
        WeekdaySmoother()``, in which any parameter may be another. Without trees, `Boosted` is this pipeline, fitted
        at the end of the month before and brought up to the last day.

    References
    ----------
    Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree.
    """

    _tags: ClassVar = {
        **SeriesForecaster._tags,
        "enforce_index_type": [pd.DatetimeIndex],
        "python_dependencies": "lightgbm",
    }
    calendar: Any = None  # champions that were saved before this was a parameter have none of their own

    def __init__(
        self,
        country: str,
        panel: Panel | None = None,
        trees: int = 300,
        rows_per_tree: int = 500,
        most: int = 150_000,
        calendar: Any = None,
    ):
        self.country = country
        self.panel = panel
        self.trees = trees
        self.rows_per_tree = rows_per_tree
        self.most = most
        self.calendar = calendar
        super().__init__()

    def _fit(self, y: pd.Series, X: None, fh: ForecastingHorizon) -> "Boosted":
        self._seen = y.copy()
        self.booster_ = self._learned(_daily(y)) if self.trees else ""
        return self

    def _learned(self, y: pd.Series) -> str:
        front, limits = Front.of(self.calendar, self.country), (self.trees, self.rows_per_tree, self.most)
        shared = (self.panel or Panel()).trees(front, y.index[-1], *limits)
        return shared or _grow(training_set(y, self.country, front), *limits)

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "Boosted":
        self._seen = y.combine_first(self._seen)
        return self._fit(self._seen, None, self._fh) if update_params else self

    def _predict(self, fh: ForecastingHorizon, X: None) -> pd.Series:
        ahead = fh.to_relative(self.cutoff).to_numpy().astype(int)
        values = unit(self._seen).of_logarithm(self.parts(ahead).sum(axis=1).to_numpy(), 1.0)
        return pd.Series(values, index=fh.to_absolute_index(self.cutoff), name=self._seen.name)

    def forecasts(self, y: pd.Series, known: np.ndarray, horizon: int) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        y, origins = _daily(pd.concat([self._seen, y])), len(self._seen) - 1 + known
        months = y.index[origins].to_period("M")
        parts = [self._parts(y, origins[months == month], horizon) for month in months.unique()]
        return np.concatenate([unit(y).of_logarithm(sum(of_month.values()), 1.0) for of_month in parts])

    def parts(self, ahead: np.ndarray) -> pd.DataFrame:
        """What the forecasts of some days ahead are the sum of, as logarithm of the value; a row per day."""
        y = _daily(self._seen)
        parts = self._parts(y, np.array([len(y) - 1]), int(max(ahead)))
        return pd.DataFrame({name: values[0] for name, values in parts.items()}).iloc[ahead - 1]

    def _parts(self, y: pd.Series, origins: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
        """The same for origins of one month, each part of shape (n_origins, horizon)."""
        y, front = y.iloc[: origins[-1] + 1], Front.of(self.calendar, self.country)
        features = Features(y, self.country, front, days_before_month(y), horizon)
        return {**features.parts(origins), "learned": _foreseen_error(self.booster_, features, origins)}

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Parameters for sktime's own checks."""
        calendar = LogLevel() * KindOfDay("PT") * LastYearsTurn(share=0.3) * WeekdaySmoother()
        return {"country": "PT", "trees": 3, "calendar": calendar}


def _daily(y: pd.Series) -> pd.Series:
    """The series day by day; one that is indexed by anything else counts as days from a Monday on."""
    if isinstance(y.index, pd.DatetimeIndex) and (y.index.freq is None or y.index.freq == "D"):
        return y.asfreq("D")
    return y.set_axis(pd.date_range("2001-01-01", periods=len(y)))


def _grow(rows: TrainingSet, trees: int, rows_per_tree: int, most: int) -> str:
    """Trees in LightGBM's own text; empty where there is too little to learn from."""
    rows = rows.thinned(most)
    trees = min(trees, len(rows.error) // rows_per_tree)
    if trees < 1:
        return ""
    import lightgbm  # as heavy as all else here, and only trees need it

    data = lightgbm.Dataset(rows.features, rows.error, free_raw_data=True)
    return str(lightgbm.train(LIGHTGBM, data, trees).model_to_string())


def _foreseen_error(booster: str, features: Features, origins: np.ndarray) -> np.ndarray:
    """How far the pipeline will err, shape (n_origins, horizon), as logarithm of the level."""
    if not booster:
        return np.zeros((len(origins), features.horizon))
    rows = features.table(origins)
    foreseen = _read(booster).predict(rows.reshape(-1, rows.shape[2])).reshape(rows.shape[:2])
    return np.asarray(foreseen * features.usual_error(origins)[:, None])


@lru_cache(maxsize=2)
def _read(booster: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=booster)
