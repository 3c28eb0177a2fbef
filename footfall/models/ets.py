"""sktime's exponential smoothing, made to follow new days."""

from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.exp_smoothing import ExponentialSmoothing

from footfall.models.smoother import State, WeekdaySmoother
from footfall.series import WEEK

TINY = 1e-12  # in place of nothing, where the level follows a surprise all the way


class ETS(ExponentialSmoothing):
    """sktime's `ExponentialSmoothing`, whose stock `update` keeps the stale state, made to follow new days.

    With ``update_params=False`` the fitted gains and first state are held and the smoother runs over all days seen.
    Takes the parameters of its parent.
    """

    _cur_y: pd.Series
    _fitted_forecaster: Any

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "ETS":
        seen = y.combine_first(self._cur_y).asfreq(self._cur_y.index.freq)
        if update_params:
            self._fit(seen, None, self._fh)
        else:
            same = self.clone().set_params(**_as_fitted(self._fitted_forecaster.params)).fit(seen)
            self._cur_y, self._fitted_forecaster = seen, same._fitted_forecaster
        return self

    @property
    def additive_week(self) -> bool:
        """Whether it is what `WeekdaySmoother` can follow in its place: a damped slope and a week, both added."""
        kind = self.trend, self.damped_trend, self.seasonal, self.sp, self.use_boxcox
        return kind == ("add", True, "add", WEEK, None)

    def forecasts(self, y: pd.Series, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`; of an `additive_week`.

        As statsmodels does, a forecast takes the season of the last day's weekday as it was before that day.
        """
        smoother, state = _smoother(self._fitted_forecaster.params)
        values = np.concatenate([self._cur_y.to_numpy(float), y.to_numpy(float)])
        path, days = smoother.follow(state, values), len(self._cur_y) + known
        level, slope, coming = path.after(days)
        coming[:, -1] -= smoother.season * (1 - smoother.level) * np.array(path.surprise)[days - 1]
        return np.asarray(np.add(*smoother.carry_on(level, slope, coming, ahead)))


def _smoother(params: dict[str, Any]) -> tuple[WeekdaySmoother, State]:
    """The fitted gains and first state, as `WeekdaySmoother` takes them."""
    level, trend, season = (params[f"smoothing_{name}"] for name in ("level", "trend", "seasonal"))
    gains = {"level": level, "trend": level * trend, "season": season / max(1 - level, TINY)}
    first = params["initial_level"], params["initial_trend"], tuple(params["initial_seasons"])
    return WeekdaySmoother(**gains, damping=params["damping_trend"]), first


def _as_fitted(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters that make `ExponentialSmoothing` estimate nothing: gains and first state as fitted."""
    gains = (
        "smoothing_level",
        "smoothing_trend",
        "smoothing_seasonal",
        "damping_trend",
        "initial_level",
        "initial_trend",
    )
    fitted = {name: params[name] for name in gains if pd.notna(params[name])}
    if len(params["initial_seasons"]):
        fitted["initial_seasonal"] = params["initial_seasons"]
    return {**fitted, "optimized": False, "initialization_method": "known"}
