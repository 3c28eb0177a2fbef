"""sktime's exponential smoothing, made to follow new days."""

from typing import Any

import pandas as pd
from sktime.forecasting.exp_smoothing import ExponentialSmoothing


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
