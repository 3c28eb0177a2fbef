"""A calendar-aware smoother whose errors are foreseen by boosted trees, learned over many series.

The smoother says what the coming days would be like if the last weeks went on. The trees say how such forecasts have
erred: on this weekday, after such a week, where last year moved like that. One tree learns from all series at once,
because every number it sees is divided by how far the series' own forecasts usually err.
"""

import zlib
from collections import defaultdict
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.forecasting.base import ForecastingHorizon

from footfall.calendar import Country, country_of, of_each
from footfall.models.features import Features, Front, days_fitted
from footfall.models.forecaster import SeriesForecaster, names_of, series_of
from footfall.models.smoother import WeekdaySmoother
from footfall.models.training_set import Batches, TrainingSet, training_set
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel, joined
from footfall.series import SERIES, pick
from footfall.units import COUNT, unit

MOST_REGIONS = 300  # series of a panel that has no nation: all of them take too long to learn from
MOST_ROWS = 150_000  # past forecasts to learn from
AT_A_TIME = 250  # series whose features are in memory together
Recipe = tuple[Any, ...]  # what trees are grown by, beside the day
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
    kept : dict, optional
        What a saved one has learned, see `keep`.

    Notes
    -----
    A panel is never copied, and its series are not saved with a model: a loaded one has only the trees of its day.
    """

    def __init__(self, series: pd.DataFrame | None = None, kept: dict[Recipe, str] | None = None):
        self._series = _national_or_drawn(series) if series is not None else None
        self._kept = kept or {}
        self._training_sets: dict[Recipe, TrainingSet] = {}
        self._trees: dict[tuple[Recipe, pd.Timestamp], str] = {}

    def training_set(self, front: Front, most: int = MOST_ROWS) -> TrainingSet:
        """The past forecasts of all its series by one pipeline, with each country's own special days."""
        if (key := _recipe(front, most)) not in self._training_sets:
            self._training_sets[key] = training_set(self._batches, front, most)
        return self._training_sets[key]

    def trees(self, front: Front, day: pd.Timestamp, trees: int, rows_per_tree: int, most: int) -> str:
        """Trees from what was known by the end of a day, see `Boosted`: whichever series they are for, grown once."""
        recipe = _recipe(front, trees, rows_per_tree, most)
        if recipe in self._kept:
            return self._kept[recipe]
        if (recipe, day) not in self._trees:
            self._trees[recipe, day] = _grow(self.training_set(front, most).until(day), trees, rows_per_tree, most)
        return self._trees[recipe, day]

    @property
    def has_grown(self) -> bool:
        """Whether it has given any trees, beside those that it was loaded with."""
        return bool(self._trees)

    def keep(self, front: Front, day: pd.Timestamp | None, *limits: int) -> "Panel":
        """A panel with the trees that `trees` gave for one day, or if none is said the last: it answers with them.

        Whatever day is asked for. So a recipe that is loaded with it fits any series, and learns nothing.
        """
        recipe = _recipe(front, *limits)
        grown = {day: trees for (of, day), trees in self._trees.items() if of == recipe and trees}
        last = day or max(grown, default=None)
        return Panel(kept={recipe: grown[last]} if last in grown else self._kept)

    @cached_property
    def _batches(self) -> Batches:
        """Its series, those of one country, unit and span together."""
        spans = defaultdict(list)
        known = [] if self._series is None else self._series.groupby(SERIES, observed=True)
        for (location, category), rows in known:
            if rows["value"].notna().any():
                y = pick(rows, location, category).astype(float).rename((location, category))
                spans[country_of(location), unit(y), y.index[0], y.index[-1]].append(y)
        return [(key[0], pd.concat(batch, axis=1)) for key, batch in spans.items()]

    @property
    def made_of(self) -> tuple[pd.DataFrame | None, dict[Recipe, str]]:
        """What another of the same answers is made from."""
        return self._series, self._kept

    def __deepcopy__(self, memo: dict[int, Any]) -> "Panel":
        return self

    def __reduce__(self) -> tuple[type["Panel"], tuple[Any, ...]]:
        return Panel, (None, self._kept) if self._kept else ()


def _recipe(front: Front, *limits: int) -> Recipe:
    """The parameters of a pipeline, but for whose special days: a panel's series have each their own."""
    return str([{**step.get_params(), "country": None} for step in front]), *limits


def _national_or_drawn(series: pd.DataFrame) -> pd.DataFrame:
    chosen = series[(series["location"].str.len() == 2) | (series["category"] == COUNT)]
    if len(chosen):
        return chosen
    names = pd.MultiIndex.from_frame(series[SERIES])
    drawn = sorted(names.unique(), key=lambda name: zlib.crc32(" ".join(name).encode()))[:MOST_REGIONS]
    return series[names.isin(drawn)]


class Boosted(SeriesForecaster):
    """Weekday smoothing behind the calendar front end, corrected by trees that learned from many series.

    Parameters
    ----------
    country : str or Countries
        ISO 3166 code: whose special days; or one for each series of a batch.
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
        at the end of the month before, or to the first four weeks of a younger series, and brought up to the last day.

    References
    ----------
    Ke et al. (2017), LightGBM: a highly efficient gradient boosting decision tree.
    """

    _tags: ClassVar = {"enforce_index_type": [pd.DatetimeIndex], "python_dependencies": "lightgbm"}
    calendar: Any = None  # champions that were saved before this was a parameter have none of their own

    def __init__(
        self,
        country: Country,
        panel: Panel | None = None,
        trees: int = 300,
        rows_per_tree: int = 500,
        most: int = MOST_ROWS,
        calendar: Any = None,
    ):
        self.country = country
        self.panel = panel
        self.trees = trees
        self.rows_per_tree = rows_per_tree
        self.most = most
        self.calendar = calendar
        super().__init__()

    def _fit(self, y: Any, X: None, fh: ForecastingHorizon) -> "Boosted":
        self._seen = y.copy()
        self.booster_ = self._learned(_daily(y)) if self.trees else ""
        return self

    def _learned(self, y: Any) -> Any:
        """Trees of the panel, else each series' own."""
        front, most = Front.of(self.calendar, self.country), self.most
        if shared := (self.panel or Panel()).trees(front, y.index[-1], *self._limits):
            return shared
        own = [y] if isinstance(y, pd.Series) else [series_of(y, name) for name in y]
        each = zip(of_each(self.country, len(own)), own, strict=True)
        trees = [_grow(training_set([one], front, most), *self._limits) for one in each]
        return trees[0] if isinstance(y, pd.Series) else trees

    @property
    def names(self) -> Any:
        """What the series that it was fitted to is called, or each of the batch."""
        return names_of(self._seen)

    @property
    def _limits(self) -> tuple[int, int, int]:
        return self.trees, self.rows_per_tree, self.most

    def panel_to_keep(self) -> Panel | None:
        """The panel that is saved with it: without its series, with the trees it gave, see `Panel.keep`."""
        if self.panel is None or not self.panel.has_grown:
            return self.panel
        day = _daily(self._seen).index[-1] if self.is_fitted else None
        return self.panel.keep(Front.of(self.calendar, self.country), day, *self._limits)

    def _update(self, y: Any, X: None = None, update_params: bool = True) -> "Boosted":
        self._seen = joined(self._seen, y)
        return self._fit(self._seen, None, self._fh) if update_params else self

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        y, origins = _daily(joined(self._seen, y) if len(y) else self._seen), len(self._seen) - 1 + known
        fitted = days_fitted(y.index, origins)
        return np.concatenate([self._values(y, origins[fitted == days], ahead) for days in np.unique(fitted)])

    def parts(self, ahead: np.ndarray) -> dict[str, np.ndarray]:
        """What the forecasts of some days ahead are the sum of, as logarithm of the value; (n_days, n_series) each."""
        y = _daily(self._seen)
        parts = self._parts(y, np.array([len(y) - 1]), ahead)
        return {name: np.broadcast_to(values[0], parts["learned"].shape[1:]) for name, values in parts.items()}

    def _values(self, y: Any, origins: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts from origins of as many `days_fitted`, shape (n_origins, n_ahead) or (…, n_series)."""
        values = unit(y).of_logarithm(sum(self._parts(y, origins, ahead).values()), 1.0)
        return np.asarray(values[..., 0] if isinstance(y, pd.Series) else values)

    def _parts(self, y: Any, origins: np.ndarray, ahead: np.ndarray) -> dict[str, np.ndarray]:
        """What they are the sum of, each part of shape (n_origins, n_ahead, n_series)."""
        y, front = y.iloc[: origins[-1] + 1], Front.of(self.calendar, self.country)
        features = Features(y, self.country, front, int(days_fitted(y.index, origins)[0]), ahead)
        return {**features.parts(origins), "learned": _foreseen_error(self.booster_, features, origins)}

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Parameters for sktime's own checks."""
        calendar = LogLevel() * KindOfDay("PT") * LastYearsTurn(share=0.3) * WeekdaySmoother()
        return {"country": "PT", "trees": 3, "calendar": calendar}


def _daily(y: Any) -> Any:
    """The series day by day; one that is indexed by anything else counts as days from a Monday on."""
    if isinstance(y.index, pd.PeriodIndex) and y.index.freq == "D":
        y = y.to_timestamp()
    if isinstance(y.index, pd.DatetimeIndex) and (y.index.freq is None or y.index.freq == "D"):
        return y.asfreq("D")
    return y.set_axis(pd.date_range("2001-01-01", periods=len(y)), axis=0)


def _grow(rows: TrainingSet, trees: int, rows_per_tree: int, most: int) -> str:
    """Trees in LightGBM's own text; empty where there is too little to learn from."""
    rows = rows.thinned(most)
    trees = min(trees, len(rows.error) // rows_per_tree)
    if trees < 1:
        return ""
    import lightgbm  # as heavy as all else here, and only trees need it

    data = lightgbm.Dataset(rows.features, rows.error, free_raw_data=True)
    return str(lightgbm.train(LIGHTGBM, data, trees).model_to_string())


def _foreseen_error(booster: str | list[str], features: Features, origins: np.ndarray) -> np.ndarray:
    """How far the pipeline will err, shape (n_origins, n_ahead, n_series), as logarithm of the level.

    By trees for all series, or by each one's own.
    """
    error = np.zeros((len(origins), len(features.ahead), len(features.category)))
    series = np.arange(error.shape[2])
    parts = -(-len(series) // AT_A_TIME) if isinstance(booster, str) else len(booster)
    texts = [booster] * parts if isinstance(booster, str) else booster
    for trees, some in zip(texts, np.array_split(series, parts), strict=True):
        if trees:
            rows = features.table(origins, some)
            foreseen = _read(trees).predict(rows.reshape(-1, rows.shape[-1]), num_threads=1)
            error[:, :, some] = foreseen.reshape(rows.shape[:-1]).transpose(1, 2, 0)
    return np.asarray(error * features.usual_error[origins][:, None])


@lru_cache(maxsize=2)
def _read(booster: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=booster)
