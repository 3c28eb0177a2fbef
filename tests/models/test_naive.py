"""The seasonal naive says the same weekday's last known value, whatever is missing."""

import numpy as np
import pandas as pd
import pytest
from estimators import check_every_spelling, check_typical
from figures import retail
from sktime.forecasting.naive import NaiveForecaster

from footfall.calendar import Countries
from footfall.models import OrdinaryNaive, SeasonalNaive, bring_up_to, fit, predict

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


def until(end, first="2021-11-01"):
    """As many as the day of the year says, in Portugal; nobody on 25 December and 1 January."""
    days = pd.date_range(first, end)
    numbers = pd.Series(days.dayofyear.to_numpy(float), days, name="count")
    return numbers.mask(numbers.index.strftime("%m-%d").isin(["12-25", "01-01"]), 1.0)


@pytest.mark.parametrize("last", ["2022-01-04", "2021-12-10"], ids=["fitted to them", "brought up to them"])
def test_where_the_naive_speaks_an_ordinary_day_is_the_last_ordinary_one_and_a_special_day_as_ever(last):
    y, ahead = until("2022-01-04"), pd.date_range("2022-01-05", periods=7)
    said, of_naive = (
        predict(bring_up_to(fit(naive, y[:last]), y), ahead) for naive in (OrdinaryNaive("PT"), SeasonalNaive())
    )
    assert of_naive["2022-01-08"] == 1.0, "the Saturday a week after New Year's Day"
    assert said["2022-01-08"] == y["2021-12-18"] and said["2022-01-10"] == of_naive["2022-01-10"] == y["2022-01-03"]
    before = until("2021-12-31")
    new_year = predict(fit(OrdinaryNaive("PT"), before), pd.date_range("2022-01-01", periods=1))
    assert new_year.tolist() == [1.0], "as on Christmas Day"
    none_ordinary = predict(fit(OrdinaryNaive("PT"), until("2022-01-04", "2021-12-20")), ahead)
    assert none_ordinary["2022-01-08"] == of_naive["2022-01-08"], "of which no other is known"


def test_each_of_a_batch_passes_over_the_special_days_of_its_own_country():
    y = until("2021-12-13")  # its Wednesdays 1 and 8 December are holidays in Portugal
    keys = pd.MultiIndex.from_tuples([("PT", "count"), ("DE", "count")])
    both = pd.concat([y, y], axis=1).set_axis(keys, axis=1)
    said = predict(fit(OrdinaryNaive(Countries(("PT", "DE"))), both), pd.date_range("2021-12-14", periods=2))
    assert said.loc["2021-12-15"].tolist() == [y["2021-11-24"], y["2021-12-08"]]
