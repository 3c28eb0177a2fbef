"""What a leaderboard leaves out: on which days the candidates err, and how sure it is that one is the better."""

import numpy as np
import pandas as pd

from footfall.calendar import kinds
from footfall.evaluation.backtest import comparable
from footfall.evaluation.metrics import interval_scores

BLOCK = 14  # origins that are drawn together: the errors of neighbouring ones are much alike


def by_kind(table: pd.DataFrame, country: str) -> pd.DataFrame:
    """Mean absolute error by kind of day.

    Parameters
    ----------
    table : DataFrame
        Backtest table with quantiles, see `footfall.evaluation.backtest`.
    country : str
        ISO 3166 code of two letters: whose kinds of day.

    Returns
    -------
    DataFrame, indexed by candidate
        A column per kind of day, in the unit of the series, and in the last row ``days``, how many were scored.
    """
    same = comparable(table)
    same = same.assign(kind=kinds(pd.DatetimeIndex(same["date"]), country).to_numpy())
    same["error"] = (same["mean"] - same["actual"]).abs()
    found = same.pivot_table("error", "candidate", "kind").rename_axis(columns=None)
    days = same.groupby("kind")["date"].nunique()
    return pd.concat([found, days.to_frame("days").T])


def advantage(table: pd.DataFrame, one: str, other: str, draws: int = 2000) -> dict[str, float]:
    """How much smaller one candidate's WIS is than another's, and between which values it may lie by chance.

    Returns
    -------
    dict
        ``saved``, and ``low`` and ``high``, between which it lies in nine of ten redraws of the origins, a fortnight
        at a time; in the unit of the series. Seeded: equal tables, equal figures.

    References
    ----------
    Künsch (1989), The jackknife and the bootstrap for general stationary observations, section 2.3.
    """
    same = comparable(table)
    score = same.assign(score=interval_scores(same)).pivot_table("score", "origin", "candidate")
    saved = (score[other] - score[one]).to_numpy()
    length = min(BLOCK, len(saved))
    blocks = np.lib.stride_tricks.sliding_window_view(saved, length)
    drawn = np.random.default_rng(0).integers(len(blocks), size=(draws, -(-len(saved) // length)))
    means = blocks[drawn].reshape(draws, -1)[:, : len(saved)].mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95])
    return {"saved": float(saved.mean()), "low": float(low), "high": float(high)}
