"""The seasonal naive says the same weekday's last known value, whatever is missing."""

import numpy as np
import pandas as pd
import pytest
from estimators import check_every_spelling, check_typical
from figures import retail
from sktime.forecasting.naive import NaiveForecaster

from footfall.models import SeasonalNaive, bring_up_to, fit, predict

AHEAD = pd.date_range("2022-10-14", periods=16)


@pytest.mark.long
@pytest.mark.parametrize("check", [check_typical, pytest.param(check_every_spelling, marks=pytest.mark.soak)])
def test_sktime_accepts_it_as_a_forecaster(check):
    check(SeasonalNaive)


def test_where_nothing_is_missing_it_says_what_sktime_s_says():
    y = retail()
    for days in (7, 30, len(y)):
        theirs = fit(NaiveForecaster(strategy="last", sp=7), y[-days:])
        np.testing.assert_array_equal(predict(fit(SeasonalNaive(), y[-days:]), AHEAD), predict(theirs, AHEAD))


def test_a_day_that_was_shut_is_passed_over():
    y = retail().mask(lambda y: y.index.isin(pd.to_datetime(["2022-10-10", "2022-10-03", "2022-10-13"])))
    said = predict(fit(SeasonalNaive(), y), AHEAD)
    assert said["2022-10-17"] == y["2022-09-26"] and said["2022-10-20"] == y["2022-10-06"]
    assert said["2022-10-14"] == y["2022-10-07"]


def test_a_weekday_never_open_is_like_the_mean_of_the_last_of_those_that_were():
    """Of no level that was left years ago."""
    y = retail().mask(lambda y: y.index.dayofweek == 0)
    for model in (fit(SeasonalNaive(), y), bring_up_to(fit(SeasonalNaive(), y[:100]), y)):
        assert np.isclose(predict(model, AHEAD)["2022-10-17"], y[-7:].mean()) and y[-7:].count() == 6


def test_a_series_without_a_single_value_is_said_to_be_nothing():
    assert predict(fit(SeasonalNaive(), retail() * np.nan), AHEAD).eq(0).all()
