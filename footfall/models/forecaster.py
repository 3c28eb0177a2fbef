"""What our own forecasters of one daily series share: their tags, and checks that cost less than the work itself."""

from typing import Any, ClassVar

import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.models.transforms import dated_series

# The default of sktime 1.3, taken early as its own warning at every construction and clone advises: forecasters keep
# what they need of the data, not a second copy of it. (A warnings filter does not last: sktime resets it.)
BaseForecaster._config = {**BaseForecaster._config, "remember_data": False}


class SeriesForecaster(BaseForecaster):
    """A forecaster of one series that bears gaps and follows new days; a dated series is taken as it is."""

    _tags: ClassVar = {
        "authors": "footfall",
        "maintainers": "footfall",
        "capability:exogenous": False,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "requires-fh-in-fit": False,
        "y_inner_mtype": "pd.Series",
    }

    def _check_X_y(self, X: Any = None, y: Any = None, **options: Any) -> Any:
        """As sktime does, at once for a dated series: see `footfall.models.transforms.SeriesTransformer`."""
        if X is not None or (series := dated_series(y)) is None:
            return super()._check_X_y(X, y, **options)
        self._y_metadata = {"mtype": "pd.Series", "scitype": "Series"}
        return None, series

    def _set_cutoff_from_y(self, y: pd.Series) -> None:
        """As sktime does, at once for a dated series; of many series, or of none, the end is sktime's to find."""
        if dated_series(y) is None or y.empty:
            super()._set_cutoff_from_y(y)
        else:
            self._set_cutoff(y.index[-1:])
