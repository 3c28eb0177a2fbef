"""The units that figures come in: what nobody is, what a level is measured against, and how large values may be.

A series is named by its category, and the category says the unit: ``count`` is counts (guests, covers, receipts),
everything else is Google's percent change from a baseline. Nothing else in the house asks which of the two it is.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

COUNT = "count"  # the category of every series of counts


class Unit(NamedTuple):
    """A unit: its name in a market's file, the value that stands for nobody, and the baseline where it has one."""

    name: str
    floor: float  # nobody came
    says: str  # what its numbers are, as a figure's axis has it
    errors: str  # and what a difference of two of them is
    baseline: float | None  # what stands above the floor at the source's own baseline; None: each series has its own
    power: float  # by which errors grow with the size of a day within its week, as in Taylor's law; 0: they do not
    special: float  # how many times larger errors on special days are thought, before enough of them were seen

    def level(self, values: Any) -> Any:
        """What a series is measured against, above the floor: the source's baseline, else the median of its days.

        Parameters
        ----------
        values : array-like of float
            The series, or a batch of them, one in each column; NaN and days at the floor do not count. Without any day
            above it the level is 1.

        Returns
        -------
        float, or ndarray, shape (n_series,)
            Of a batch a number for each, or one for all.
        """
        if self.baseline is not None:
            return self.baseline
        numbers = np.asarray(values, dtype=float)
        if numbers.ndim == 2:
            return np.array([self.level(column) for column in numbers.T])
        return float(np.median(numbers[numbers > self.floor])) if (numbers > self.floor).any() else 1.0

    def share(self, values: Any, level: float) -> Any:
        """Values, a series, an array or a number, as shares of a level."""
        return 1 + values / 100 if self.baseline is not None else values / level

    def of_logarithm(self, logarithm: Any, level: float) -> Any:
        """Values whose share of the level has this logarithm."""
        return 100 * np.expm1(logarithm) if self.baseline is not None else level * np.exp(logarithm)


PERCENT = Unit("percent", -100.0, "% change from baseline", "percentage points", baseline=100.0, power=0.0, special=3.5)
COUNTS = Unit("counts", 0.0, "counted a day", "counted a day", baseline=None, power=0.75, special=2.0)
UNITS = {unit.name: unit for unit in (PERCENT, COUNTS)}


def unit_of(category: object) -> Unit:
    """The unit of a series, by its category; of one without a name, percent."""
    return COUNTS if category == COUNT else PERCENT


def unit(y: pd.Series | pd.DataFrame) -> Unit:
    """The unit of one daily series, as `footfall.series.pick` names it, or of a batch, columns (location, category)."""
    name = y.name if y.ndim == 1 else y.columns[0]
    return unit_of(name[-1] if isinstance(name, tuple) else name)
