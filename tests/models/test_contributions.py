"""The parts of a forecast add up to it."""

import numpy as np
import pandas as pd
import pytest
from figures import parts_of, retail
from sktime.forecasting.naive import NaiveForecaster

from footfall.models.boosted import Boosted
from footfall.models.contributions import in_logarithms, parts, total
from footfall.models.ets import ETS
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import bring_up_to, fit, predict

CALENDAR = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
ETS_CALENDAR = LogLevel() * KindOfDay("PT") * ETS(trend="add", damped_trend=True, seasonal="add", sp=7)
RAW = KindOfDay("PT") * LastYearsTurn(step=1.0) * WeekdaySmoother()
DAYS = pd.date_range("2022-10-03", periods=7)  # with the holiday of 5 October and its eve


@pytest.mark.parametrize(
    "forecaster",
    [CALENDAR, ETS_CALENDAR, RAW, WeekdaySmoother(), Boosted("PT"), NaiveForecaster(strategy="last", sp=7)],
)
def test_parts_add_up_to_the_forecast(forecaster):
    y = retail()
    known = bring_up_to(fit(forecaster, y[:"2022-09-20"]), y[:"2022-09-29"])
    np.testing.assert_allclose(total(parts(known, DAYS), in_logarithms(known))[:, 0], predict(known, DAYS))


@pytest.mark.parametrize("forecaster", [CALENDAR, Boosted("PT")])
def test_a_holiday_is_a_part(forecaster):
    known = fit(forecaster, retail()[:"2022-09-29"])
    found = parts_of(known, DAYS)
    assert found.loc["2022-10-05", "kind of day"] != 0 and found.loc["2022-10-06", "kind of day"] == 0
    assert found["weekday"].abs().max() > 0


def test_last_years_turn_counts_from_the_last_day_known():
    found = parts_of(fit(CALENDAR, retail()[:"2022-10-02"]), DAYS)
    assert found["last year's turn"].abs().iloc[0] <= 0.4 * 0.01 + 1e-12
