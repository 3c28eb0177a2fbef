"""Ragged batches of series made from the sample, and candidates to ask them."""

import numpy as np
import pandas as pd
from figures import retail
from hypothesis import strategies as st
from sktime.forecasting.compose import EnsembleForecaster

from footfall.models import Boosted, KindOfDay, LastYearsTurn, LogLevel, OrdinaryNaive, SeasonalNaive, WeekdaySmoother

CALENDAR = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
CANDIDATES = {
    "seasonal naive": SeasonalNaive(),
    "seasonal naive, ordinary days": OrdinaryNaive("PT"),
    "calendar": CALENDAR,
    "boosted": Boosted("PT", trees=5, rows_per_tree=50),
    "without trees": Boosted("PT", trees=0),
    "both scales": EnsembleForecaster([("log", CALENDAR), ("raw", KindOfDay("PT") * WeekdaySmoother())]),
}


@st.composite
def batches(draw) -> pd.DataFrame:
    """Days × series: percent or counts, one column or some, with gaps, closed weekdays, one first open for a month."""
    days, count = draw(st.sampled_from([70, 200, 480])), draw(st.integers(1, 4))
    category = draw(st.sampled_from(["count", "parks"]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    columns = {(f"PT/{number}", category): _ragged(days, category, number, rng) for number in range(count)}
    return pd.DataFrame(columns).rename_axis(columns=["location", "category"]).asfreq("D")


def _ragged(days: int, category: str, number: int, rng: np.random.Generator) -> pd.Series:
    y = retail()[-days:] * rng.uniform(0.3, 1) + rng.normal(size=days).round(1)
    y = (y + 101) * rng.uniform(0.1, 30) if category == "count" else y.clip(lower=-100)
    y = y.mask(rng.random(days) < 0.1 * (number % 2))
    y = y.mask(y.index.dayofweek == 6) if number == 2 else y
    y.iloc[30 : days - 20] = np.nan if number == 3 else y.iloc[30 : days - 20]
    y.iloc[0] = 5.0  # a series begins and ends with a day that is known
    return y
