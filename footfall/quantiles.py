"""The quantiles of a published forecast, and what their columns are called."""

import numpy as np

LEVELS = np.round(np.arange(0.05, 0.96, 0.05), 2)
TAILS = np.array([0.025, 0.975])  # told in a backtest, and not published


def column(level: float) -> str:
    """What the column of a quantile is called: ``q05``, ``q97.5``."""
    return f"q{100 * level:02g}"


QUANTILES = [column(level) for level in LEVELS]
