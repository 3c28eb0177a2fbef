"""A batch of series is backtested, ranged and scored as its series are one by one."""

import numpy as np
import pandas as pd
import pytest
from batches import CANDIDATES, batches
from conftest import typical
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.evaluation import backtest, intervals
from footfall.evaluation.metrics import complete, naive_error, scores_of
from footfall.models.forecaster import series_of
from footfall.units import unit

pytestmark = pytest.mark.long
few = settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SCORES = ["MAE", "MASE", "WIS", "cover50", "cover80", "cover90", "cover95", "forecasts"]


def actual_of(y: pd.DataFrame, origins: pd.DatetimeIndex, horizon: int) -> np.ndarray:
    days = origins.repeat(horizon) + pd.to_timedelta(np.tile(np.arange(1, horizon + 1), len(origins)), unit="D")
    return y.reindex(days).to_numpy().reshape(len(origins), horizon, -1)


@few
@given(y=batches(), lag=st.sampled_from([0, 3]), count=st.sampled_from([12, 60]))
@pytest.mark.parametrize(
    "name", typical(["seasonal naive", "calendar", "both scales"], "seasonal naive", "both scales")
)
def test_a_batch_is_its_series_one_by_one(name, y, lag, count):
    origins = backtest.last_origins(y, count, 7, lag)
    actual = actual_of(y, origins, 7)
    means = backtest.means(CANDIDATES[name], y, origins, 7, lag)
    ranges = intervals.of_backtest(means, actual, origins, "PT", lag, unit(y))
    scale = np.array([naive_error(y.loc[: origins[0], column]) for column in y])
    scores = scores_of(means, ranges, actual, scale, complete(means, ranges, actual))
    coming = pd.date_range(origins[-1], periods=9)[1:]
    mean = np.zeros((8, y.shape[1]))
    live = intervals.of_forecasts(means, actual, origins, mean, coming, origins[-1], "PT", lag, 1, unit(y))
    for number, column in enumerate(y):
        one = series_of(y, column)
        table = backtest.backtest({name: CANDIDATES[name]}, one, origins, 7, lag)
        table = intervals.with_quantiles(table, "PT", lag, unit(y))
        np.testing.assert_allclose(means[..., number].ravel(), table["mean"], rtol=1e-9, atol=1e-9)
        alone = table[intervals.COLUMNS].to_numpy().reshape(len(origins), 7, -1)
        np.testing.assert_allclose(ranges[..., number], alone, rtol=1e-9, atol=1e-9)
        residuals = table.drop(columns=intervals.COLUMNS)
        if np.isfinite(live[..., number]).all():
            flat = pd.Series(mean[:, number], coming)
            said = intervals.quantiles(residuals, flat, origins[-1], "PT", lag, 1, unit(y))
            np.testing.assert_allclose(live[:, : said.shape[1], number], said, rtol=1e-9, atol=1e-9)
        if scores.table.loc[number, "forecasts"]:
            board = backtest.leaderboard(table, one)[SCORES].iloc[0]
            np.testing.assert_allclose(scores.table.loc[number, SCORES].astype(float), board, rtol=1e-9, atol=1e-9)
            assert np.nanmean(scores.wis[:, number]) > 0
