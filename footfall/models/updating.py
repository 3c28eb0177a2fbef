"""What keeps forecasters honest from one day to the next: which are brought up to date, and which fitted anew.

Of one series or of a batch: a frame, days × series, columns (location, category), all of one country, unit and span.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster
from sktime.forecasting.compose import EnsembleForecaster, TransformedTargetForecaster
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.sarimax import SARIMAX

from footfall.calendar import Countries, Country
from footfall.models.boosted import Panel
from footfall.models.ets import ETS
from footfall.models.forecaster import SeriesForecaster, series_of
from footfall.models.transforms import SeriesTransformer
from footfall.series import DAY, WEEK
from footfall.units import unit

Values: TypeAlias = pd.Series | pd.DataFrame  # one daily series, or a batch
Bridge = Callable[[Any], Any]
# Whose own `update` is tested to move the state, beside all of our own.
FOLLOWING = (ETS, NaiveForecaster, SARIMAX)


class OneByOne(BaseForecaster):
    """Forecasters of the series of a batch, each fitted by itself: of a class that cannot take them at once.

    Parameters
    ----------
    forecaster : BaseForecaster
        What each is a fitted copy of.

    Attributes
    ----------
    fitted_ : dict
        The forecaster of each series, by the name of its column.
    """

    def __init__(self, forecaster: BaseForecaster):
        self.forecaster = forecaster
        super().__init__()

    def each(self, do: Callable[[BaseForecaster, Any], BaseForecaster]) -> "OneByOne":
        """The same for what is made of each forecaster and the name of its series."""
        made = OneByOne(self.forecaster)
        made.fitted_ = {name: do(forecaster, name) for name, forecaster in self.fitted_.items()}
        made._set_cutoff(next(iter(made.fitted_.values())).cutoff)
        made._state = "fitted"
        return made


def at_once(forecaster: BaseForecaster) -> bool:
    """Whether a batch is fitted and forecast in one piece; else its series are, one after the other."""
    if isinstance(forecaster, EnsembleForecaster):
        return _plain_mean(forecaster) and all(at_once(member) for _, member in forecaster._forecasters)
    *transformers, last = steps(forecaster)
    return isinstance(last, SeriesForecaster) and all(isinstance(step, SeriesTransformer) for step in transformers)


def fit(forecaster: BaseForecaster, y: Values) -> BaseForecaster:
    """A fitted copy of a forecaster.

    Parameters
    ----------
    forecaster : BaseForecaster
        Any sktime forecaster of one series; it is left as it is, whatever it was fitted to before.
    y : Series or DataFrame
        One daily series, as `footfall.series.pick` gives it, or a batch of them. Gaps are bridged for classes that
        cannot take them.
    """
    recipe = forecaster.forecaster if isinstance(forecaster, OneByOne) else forecaster
    if isinstance(y, pd.Series):
        # `fit` resets the copy, and gives it parts of its own.
        return copy.copy(recipe).fit(_as_it_takes(recipe, y))
    if at_once(recipe):
        return _fitted(recipe.clone(), _as_it_takes(recipe, y))
    unfitted = OneByOne(recipe)
    unfitted.fitted_ = {name: _of_one(recipe, number) for number, name in enumerate(y)}
    return unfitted.each(lambda recipe, name: fit(recipe, series_of(y, name)))


def _of_one(recipe: BaseForecaster, number: int) -> BaseForecaster:
    """The recipe for one series of the batch that it is for: of its countries, that one's."""
    own = {name: of.each[number] for name, of in recipe.get_params().items() if isinstance(of, Countries)}
    return recipe.clone().set_params(**own) if own else recipe


def _fitted(forecaster: BaseForecaster, y: pd.DataFrame) -> BaseForecaster:
    """What sktime's own `fit` does, whose checks look at each column by itself and take ten times as long."""
    if isinstance(forecaster, EnsembleForecaster):
        forecaster.forecasters_ = [(name, _fitted(member.clone(), y)) for name, member in forecaster._forecasters]
    elif isinstance(forecaster, TransformedTargetForecaster):
        *transformers, last = steps(forecaster)
        for step in transformers:
            y = step.fit_transform(y)
        last.fit(y)
    else:
        return forecaster.fit(y)
    return _at_the_end_of(forecaster, y)


def followed(forecaster: BaseForecaster, y: Any) -> BaseForecaster:
    """What sktime's own `update` does with its parameters held, for a batch."""
    if isinstance(forecaster, EnsembleForecaster):
        for _, member in forecaster.forecasters_:
            followed(member, y)
    elif isinstance(forecaster, TransformedTargetForecaster):
        *transformers, last = steps(forecaster)
        for step in transformers:
            y = step.update(y, update_params=False).transform(y)
        last.update(y, update_params=False)
    else:
        return forecaster.update(y, update_params=False)
    return _at_the_end_of(forecaster, y)


def _at_the_end_of(forecaster: BaseForecaster, y: pd.DataFrame) -> BaseForecaster:
    forecaster._set_cutoff(y.index[-1:])
    forecaster._state = "fitted"
    return forecaster


def bring_up_to(forecaster: BaseForecaster, y: Values) -> BaseForecaster:
    """A copy of a fitted forecaster that knows `y` and forecasts from its last day.

    What was learned in `fit` is held and only the state moves, where the class is known to do that rightly. Every
    other class, sktime's `AutoETS`, `ARIMA` and `ThetaForecaster` among them, is fitted anew to all of `y`: their
    `update` keeps the stale state, or returns the old forecast under new dates.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted; it is left as it is.
    y : Series or DataFrame
        The whole visible series, the days it was fitted to included; or of a batch, the same series as it has.

    Raises
    ------
    ValueError
        If the forecaster has already seen days after the last of `y`: it would know the future.
    """
    last = forecaster.cutoff[-1]
    if last > y.index[-1]:
        raise ValueError(f"the forecaster was fitted to {last:%Y-%m-%d}, the series ends on {y.index[-1]:%Y-%m-%d}")
    if isinstance(forecaster, OneByOne):
        return forecaster.each(lambda one, name: bring_up_to(one, series_of(y, name)))
    if not follows(forecaster):
        return fit(forecaster, y)
    forecaster = copy.deepcopy(forecaster)
    new_days = _as_it_takes(forecaster, y, _carried)[last:].iloc[1:]
    if not len(new_days):
        return forecaster
    return followed(forecaster, new_days) if y.ndim == 2 else forecaster.update(new_days, update_params=False)


def with_panel(forecaster: BaseForecaster, panel: Panel) -> BaseForecaster:
    """The recipe of a loaded forecaster, unfitted, learning from this panel where it learns from one.

    A saved forecaster leaves the panel it learned from behind: see `footfall.models.boosted.Panel`.
    """
    parameters = forecaster.get_params()
    panels = [name for name, value in parameters.items() if name.split("__")[-1] == "panel" and value is not None]
    return forecaster.clone().set_params(**dict.fromkeys(panels, panel))


def of_country(forecaster: BaseForecaster, country: Country) -> BaseForecaster:
    """The recipe of a forecaster, unfitted, for the special days of a country, ISO 3166 code; or of each of a batch."""
    names = [name for name in forecaster.get_params() if name.split("__")[-1] == "country"]
    return forecaster.clone().set_params(**dict.fromkeys(names, country))


def follows(forecaster: BaseForecaster) -> bool:
    """Whether the class's own ``update(..., update_params=False)`` is known to move its state to the new last day."""
    if isinstance(forecaster, TransformedTargetForecaster):
        *transformers, last = steps(forecaster)
        return follows(last) and all(isinstance(step, SeriesTransformer) for step in transformers)
    if isinstance(forecaster, EnsembleForecaster):
        return all(follows(member) for _, member in forecaster.forecasters_)
    return isinstance(forecaster, SeriesForecaster) or type(forecaster) in FOLLOWING


def predict(forecaster: BaseForecaster, days: pd.DatetimeIndex) -> Any:
    """Mean forecast of some days after the last one the forecaster knows, never below nobody at all.

    A series, or of a batch a frame, days × series.
    """
    ahead = (days - forecaster.cutoff[-1]).days
    days = pd.DatetimeIndex(days, freq="D")
    if isinstance(forecaster, OneByOne):
        return pd.concat({name: predict(one, days) for name, one in forecaster.fitted_.items()}, axis=1)
    if (batch := _batch_names(forecaster)) is not None:
        none = pd.DataFrame(index=forecaster.cutoff[:0], columns=batch, dtype=float)
        mean = forecasts_after(forecaster, none, np.zeros(1, int), ahead.to_numpy())[0]
        return pd.DataFrame(np.maximum(mean, unit(none).floor), days, batch)
    mean = forecaster.predict(fh=ahead)
    return pd.Series(np.maximum(mean.to_numpy(float), unit(mean).floor), index=days, name="mean")


def forecasts(forecaster: BaseForecaster, y: Values, ends: pd.DatetimeIndex, ahead: np.ndarray) -> np.ndarray:
    """What a fitted forecaster says from each of several days, with all that it learned in `fit` held.

    All days in one piece for those that can, our own, pipelines of our own transformers and means of such;
    any other is brought up to one day after the other.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted to no day after the first of `ends`; it is left as it is.
    y : Series or DataFrame
        The whole series, or batch. A forecast knows it up to the day it is made from.
    ends : DatetimeIndex
        The last day that each forecast knows, ascending.
    ahead : ndarray of int
        Which days after each to forecast, from 1.

    Returns
    -------
    ndarray, shape (n_ends, n_ahead), of a batch (n_ends, n_ahead, n_series)
        Never below nobody at all.

    Raises
    ------
    ValueError
        If the forecaster has already seen days after the first of `ends`.
    """
    if isinstance(forecaster, OneByOne):
        each = [forecasts(one, series_of(y, name), ends, ahead) for name, one in forecaster.fitted_.items()]
        return np.stack(each, axis=2)
    if not _answers_at_once(forecaster) or ends[0] < forecaster.cutoff[-1]:
        return np.array([*_one_by_one(forecaster, y, ends, ahead)])
    first, known = forecaster.cutoff[-1] + DAY, (ends - forecaster.cutoff[-1]).days.to_numpy()
    new = _as_it_takes(forecaster, y, _carried).reindex(pd.date_range(first, ends[-1]))
    return np.asarray(np.maximum(forecasts_after(forecaster, new, known, ahead), unit(y).floor))


def _one_by_one(
    forecaster: BaseForecaster, y: Values, ends: pd.DatetimeIndex, ahead: np.ndarray
) -> Iterator[np.ndarray]:
    for end in ends:
        forecaster = bring_up_to(forecaster, y[:end])
        yield predict(forecaster, pd.date_range(end + DAY, periods=ahead.max())).to_numpy()[ahead - 1]


def _answers_at_once(forecaster: BaseForecaster) -> bool:
    """Whether it, or each of its members, can be asked for many days together."""
    if isinstance(forecaster, EnsembleForecaster):
        return _plain_mean(forecaster) and all(_answers_at_once(member) for _, member in forecaster.forecasters_)
    *transformers, last = steps(forecaster)
    able = last.additive_week if isinstance(last, ETS) else hasattr(last, "forecasts")
    return able and all(isinstance(step, SeriesTransformer) for step in transformers)


def _plain_mean(ensemble: EnsembleForecaster) -> bool:
    return bool(ensemble.aggfunc == "mean" and ensemble.weights is None)


def _batch_names(forecaster: BaseForecaster) -> pd.Index | None:
    """The names of the series that it was fitted to, if that was a batch."""
    if isinstance(forecaster, EnsembleForecaster):
        return _batch_names(forecaster.forecasters_[0][1])
    last = steps(forecaster)[-1]
    seen = last.names if isinstance(last, SeriesForecaster) else None
    return seen if isinstance(seen, pd.MultiIndex) else None


def forecasts_after(forecaster: BaseForecaster, new: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Forecasts after so many of the new days each, shape (n_known, n_ahead) or (n_known, n_ahead, n_series)."""
    if isinstance(forecaster, EnsembleForecaster):
        members = [forecasts_after(member, new, known, ahead) for _, member in forecaster.forecasters_]
        return np.asarray(np.mean(members, axis=0))
    *transformers, last = steps(forecaster)
    transformers = copy.deepcopy(transformers) if len(new) else transformers
    for step in transformers if len(new) else []:
        new = step.update(new, update_params=False).transform(new)
    values = last.forecasts(new, known, ahead)
    days = forecaster.cutoff[-1] + (known[:, None] + ahead).ravel() * DAY
    flat = values.reshape(len(days), *values.shape[2:])
    table = pd.Series(flat, days) if flat.ndim == 1 else pd.DataFrame(flat, days, new.columns)
    for step in reversed(transformers):
        table = step.inverse_transform(table)
    return np.asarray(table.to_numpy().reshape(values.shape))


def without_gaps(y: Any) -> Any:
    """The series with its gaps bridged: the same weekday a week before, else a straight line.

    In a batch nothing is put before the first day of a series that begins later than others.
    """
    return y.fillna(y.shift(WEEK)).interpolate(limit_direction="both" if y.ndim == 1 else "forward")


def steps(forecaster: BaseForecaster) -> list[Any]:
    """The steps of a pipeline in their order; of any other forecaster, itself."""
    piped = isinstance(forecaster, TransformedTargetForecaster)
    return [step for _, step in forecaster.steps_] if piped else [forecaster]


def _carried(y: Any) -> Any:
    """The same as each day knew it: of a later value no gap is bridged."""
    return y.fillna(y.shift(WEEK)).ffill()


def _as_it_takes(forecaster: BaseForecaster, y: Any, bridged: Bridge = without_gaps) -> Any:
    """Day by day, its gaps bridged for a class that cannot take them."""
    y = y.asfreq("D")
    return y if all(step.get_tag("capability:missing_values") for step in steps(forecaster)) else bridged(y)
