"""Why a day is forecast as it is: the parts a forecast adds up from, in the model's own scale."""

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel, as_in, logarithm_of_level
from footfall.models.updating import OneByOne, predict, steps
from footfall.units import PERCENT, UNITS, Unit

NAMES = {KindOfDay: "kind of day", LastYearsTurn: "last year's turn"}


def parts(forecaster: BaseForecaster, days: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """What the forecast of each day is the sum of.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted, to one series or to a batch. One that does not know its parts has a single one, ``level``.
    days : DatetimeIndex
        Days after the last one it knows.

    Returns
    -------
    dict of str to ndarray, shape (n_days, n_series)
        ``level``, ``weekday``, ``kind of day``, ``last year's turn`` and, of a boosted one, ``learned``: logarithms of
        the level where the forecaster works on those, so that 0.01 is a hundredth more, and of counts the logarithm of
        the number itself is their sum; else in the unit of the series. `total` makes the forecast of their sum. Last
        year's turn counts from the last day known.
    """
    if isinstance(forecaster, OneByOne):
        each = [parts(one, days) for one in forecaster.fitted_.values()]
        return {name: np.concatenate([of_one[name] for of_one in each], axis=1) for name in each[0]}
    ahead = ((days - forecaster.cutoff[-1]).days).to_numpy()
    if isinstance(steps(forecaster)[-1], WeekdaySmoother):
        table = _of_steps(forecaster, days, ahead)
    elif hasattr(forecaster, "parts"):
        table = forecaster.parts(ahead)
    else:
        table = {"level": predict(forecaster, days).to_numpy()}
    return {name: values.reshape(len(days), -1) for name, values in table.items()}


def _of_steps(forecaster: BaseForecaster, days: pd.DatetimeIndex, ahead: np.ndarray) -> dict[str, np.ndarray]:
    *transformers, smoother = steps(forecaster)
    table: dict[str, np.ndarray] = smoother.parts(ahead)
    for step in transformers:
        if type(step) in NAMES:
            table[NAMES[type(step)]] = as_in(table["level"], step.on(days))
        if isinstance(step, LastYearsTurn):
            turn = step.on(forecaster.cutoff)[0]
            table["level"] = table["level"] + turn
            table["last year's turn"] = table["last year's turn"] - turn
        if isinstance(step, LogLevel):
            table["level"] = table["level"] + logarithm_of_level(UNITS[step.unit_], step.level_)
    return table


def in_logarithms(forecaster: BaseForecaster) -> bool:
    """Whether the parts are logarithms of the level, rather than in the unit of the series."""
    if isinstance(steps(forecaster)[-1], WeekdaySmoother):
        return any(isinstance(step, LogLevel) for step in steps(forecaster))
    return hasattr(forecaster, "parts")  # of any other there is one part: the forecast itself


def total(table: dict[str, np.ndarray], logarithms: bool, unit: Unit = PERCENT) -> np.ndarray:
    """The forecast, in the unit of the series, that the parts add up to; of the same shape as each of them."""
    added = sum(table[name] for name in table)
    return np.asarray(unit.of_logarithm(added, 1.0) if logarithms else added)
