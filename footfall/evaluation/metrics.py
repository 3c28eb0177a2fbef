"""How far off forecasts were: of any table with a mean, the quantiles and the actual of a day in every row.

Without the models, so that a review needs none of them.
"""

import numpy as np
import pandas as pd

from footfall.quantiles import LEVELS, QUANTILES, column, ends
from footfall.series import WEEK


def mae(table: pd.DataFrame) -> float:
    """Mean absolute error of the mean forecast, in the unit of the series; NaN without a known actual."""
    return float((table["mean"] - table["actual"]).abs().mean())


def naive_error(y: pd.Series) -> float:
    """Mean absolute change against the same weekday a week before, in the unit of the series: the scale of MASE.

    References
    ----------
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy, section 3.
    """
    return float(y.diff(WEEK).abs().mean())


def wis(table: pd.DataFrame) -> float:
    """Mean weighted interval score of the rows, in the unit of the series."""
    return float(interval_scores(table).mean())


def interval_scores(table: pd.DataFrame) -> pd.Series:
    """Weighted interval score (WIS) of each row: twice the mean quantile loss over all levels that it has.

    Parameters
    ----------
    table : DataFrame
        Columns ``actual`` and `footfall.quantiles.QUANTILES`, in the unit of the series.

    Returns
    -------
    Series
        In the same unit, indexed like `table`; NaN where the actual or every quantile is missing.

    References
    ----------
    Bracher, Ray, Gneiting and Reich (2021), Evaluating epidemic forecasts in an interval format, section 2.2.
    """
    over, levels = table["actual"].to_numpy()[:, None] - table[QUANTILES].to_numpy(), np.array(LEVELS)
    return 2 * pd.DataFrame(np.maximum(levels * over, (levels - 1) * over), index=table.index).mean(axis=1)


def coverage(table: pd.DataFrame, level: float) -> float:
    """Share of days that fell inside the central prediction interval.

    Parameters
    ----------
    table : DataFrame
        Backtest table with quantiles.
    level : float
        Nominal coverage, such as 0.8 for the interval from the 0.10 to the 0.90 quantile.

    Raises
    ------
    ValueError
        If the table lacks the two quantiles of `level`.

    References
    ----------
    Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, section 6.2.
    """
    return float(covered(table, level).mean())


def covered(table: pd.DataFrame, level: float) -> pd.Series:
    """1 where the day fell inside the central interval, 0 where it did not, NaN where one of the three is missing.

    Raises
    ------
    ValueError
        If the table lacks the two quantiles of `level`.
    """
    low, high = map(column, ends(level))
    if not {low, high} <= set(table.columns):
        raise ValueError(
            f"no quantiles {low} and {high} for a coverage of {level:.0%}; there are {', '.join(QUANTILES)}"
        )
    complete = table[["actual", low, high]].notna().all(axis=1)
    return table["actual"].between(table[low], table[high]).astype(float).where(complete)
