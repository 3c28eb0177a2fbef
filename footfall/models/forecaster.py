"""What our own forecasters share: their tags, and checks that cost less than the work itself."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from footfall.models.transforms import dated, day_by_day

# The default of sktime 1.3, taken early as its own warning at every construction and clone advises: forecasters keep
# what they need of the data, not a second copy of it. (A warnings filter does not last: sktime resets it.)
BaseForecaster._config = {**BaseForecaster._config, "remember_data": False}


class SeriesForecaster(BaseForecaster):
    """A forecaster of one series, or of each of a batch by itself, that bears gaps and follows new days.

    What is dated is taken as it is, see `footfall.models.transforms.dated`.
    """

    _tags: ClassVar = {
        "authors": "footfall",
        "maintainers": "footfall",
        "capability:exogenous": False,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:multivariate": True,
        "capability:update": True,
        "requires-fh-in-fit": False,
        "y_inner_mtype": ["pd.Series", "pd.DataFrame"],
    }

    _name: Any = None

    def fit(self, y: Any, X: None = None, fh: Any = None) -> Any:
        """As sktime does; a day that is skipped has no value."""
        return super().fit(day_by_day(y), X, fh)

    def update(self, y: Any, X: None = None, update_params: bool = True) -> Any:
        """As sktime does, with the days after the last one that is known; those told again change nothing.

        Its own hands over whatever it is given, and each day moves the state on by a weekday.
        """
        self.check_is_fitted()
        new = day_by_day(y, self.cutoff)
        return super().update(new, X, update_params) if new is None or len(new) else self

    def _check_X_y(self, X: Any = None, y: Any = None, **options: Any) -> Any:
        """As sktime does, at once for what is dated: see `footfall.models.transforms.SeriesTransformer`."""
        if X is not None or (values := dated(y)) is None:
            return super()._check_X_y(X, y, **options)
        mtype = "pd.Series" if values.ndim == 1 else "pd.DataFrame"
        self._y_metadata = {"mtype": mtype, "scitype": "Series"}
        return None, values

    def _set_cutoff_from_y(self, y: Any) -> None:
        """As sktime does, at once for what is dated; of anything else, or of no day, the end is sktime's to find."""
        if dated(y) is None or y.empty:
            super()._set_cutoff_from_y(y)
        else:
            self._set_cutoff(y.index[-1:])

    @property
    def names(self) -> Any:
        """What the series that it was fitted to is called, or each of the batch."""
        return self._name

    def _predict(self, fh: ForecastingHorizon, X: None) -> Any:
        """What `forecasts` says after no new day, as the series or the batch that it continues."""
        is_batch, days = isinstance(self.names, pd.Index), fh.to_absolute_index(self.cutoff)
        none = pd.DataFrame(columns=self.names, dtype=float) if is_batch else pd.Series(dtype=float)
        ahead = fh.to_relative(self.cutoff).to_numpy().astype(int)
        values = self.forecasts(none, np.zeros(1, int), ahead)[0]
        return pd.DataFrame(values, days, self.names) if is_batch else pd.Series(values, days, name=self.names)


def names_of(y: pd.Series | pd.DataFrame) -> Any:
    """What a series is called, or each of a batch."""
    return y.name if isinstance(y, pd.Series) else y.columns


def series_of(y: pd.DataFrame, name: Any) -> pd.Series:
    """One of a batch from its own first day on, named by its category."""
    own = y[name].rename(name[-1] if isinstance(name, tuple) else name)
    return own[own.first_valid_index() :]
