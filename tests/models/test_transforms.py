"""Log level, kind of day, last year's turn."""

import numpy as np
import pandas as pd
import pytest
from conftest import typical
from figures import retail
from sktime.utils.estimator_checks import check_estimator

from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel, median_of_near_weekdays, shrunken_median

NOT_OURS = ["test_class_has_doctest_example", "test_get_test_params_coverage"]
COUNTED_INDEX = "test_categorical_y_raises_error"  # feeds days numbered from 0, which no calendar knows


@pytest.mark.long
@pytest.mark.parametrize("transformer", typical([LogLevel, KindOfDay, LastYearsTurn], KindOfDay, LastYearsTurn))
def test_sktime_accepts_it_as_a_transformer(transformer):
    skip = [*NOT_OURS] if transformer is LogLevel else [*NOT_OURS, COUNTED_INDEX]
    check_estimator(transformer, raise_exceptions=True, verbose=False, tests_to_exclude=skip)


@pytest.mark.parametrize("transformer", [LogLevel(), KindOfDay("PT"), LastYearsTurn()])
def test_what_is_taken_off_is_put_back(transformer):
    y = retail()
    there = transformer.fit_transform(y)
    assert not np.allclose(there, y)
    np.testing.assert_allclose(transformer.inverse_transform(there), y)


def test_a_level_of_nothing_has_a_logarithm():
    y = pd.Series([-100.0, -95.0, 0.0], index=pd.date_range("2022-01-01", periods=3))
    assert np.isfinite(LogLevel().fit_transform(y)).all()


def test_christmas_is_learned_as_a_fall():
    effects = KindOfDay("PT").fit(LogLevel().fit_transform(retail())).effects_
    assert effects["25 December"] < -0.5
    assert effects["eve"] > 0


def test_a_kind_never_seen_has_no_effect():
    y = retail()["2022-01-10":"2022-02-20"]
    christmas = pd.Series([1.0], index=pd.DatetimeIndex(["2022-12-25"], freq="D"))
    assert KindOfDay("PT").fit(y).transform(christmas).iloc[0] == 1.0


def test_effects_are_held_when_parameters_are():
    y = retail()
    transformer = KindOfDay("PT").fit(y[:"2021-12-20"])
    before = dict(transformer.effects_)
    assert transformer.update(y["2021-12-21":], update_params=False).effects_ == before
    assert transformer.update(y["2021-12-21":], update_params=True).effects_ != before


def test_the_turn_of_an_updated_year_is_that_of_the_whole():
    y = LogLevel().fit_transform(retail())
    days = pd.Series(0.0, index=pd.date_range(y.index[-1], periods=8)[1:])
    parts = LastYearsTurn().fit(y[:100]).update(y[100:], update_params=False)
    pd.testing.assert_series_equal(parts.transform(days), LastYearsTurn().fit(y).transform(days))
    assert LastYearsTurn().fit(y).transform(days).nunique() > 1


def test_a_first_year_has_no_turn():
    y = retail()[:300]
    pd.testing.assert_series_equal(LastYearsTurn().fit_transform(y), y)


def test_near_weekdays_have_the_median_of_the_usable_ones():
    values = np.arange(35.0) ** 2
    usable = np.ones(35, bool)
    assert median_of_near_weekdays(values, usable)[17] == np.median([3.0**2, 10.0**2, 24.0**2, 31.0**2])
    usable[31] = False
    assert median_of_near_weekdays(values, usable)[17] == 10.0**2
    usable[[3, 10, 24]] = False
    assert np.isnan(median_of_near_weekdays(values, usable)[17])


def test_few_departures_are_shrunken_more():
    assert shrunken_median(np.array([1.0]), np.ones(1), 0.5) == pytest.approx(2 / 3)
    assert shrunken_median(np.ones(10), np.ones(10), 0.5) == pytest.approx(20 / 21)
    assert shrunken_median(np.array([0.0, 5.0, 9.0]), np.array([1.0, 1.0, 5.0]), 0) == 9.0


@pytest.mark.parametrize("transformer", [LogLevel(), KindOfDay("PT"), LastYearsTurn()])
@pytest.mark.parametrize("given", [retail(), retail().to_frame("visits")])
def test_a_plain_series_is_taken_as_sktime_takes_it(transformer, given, monkeypatch):
    ours = transformer.fit_transform(given), transformer.inverse_transform(given)
    monkeypatch.setattr("footfall.models.transforms.dated", lambda X: None)
    theirs = transformer.fit_transform(given), transformer.inverse_transform(given)
    for one, other in zip(ours, theirs, strict=True):
        (pd.testing.assert_frame_equal if one.ndim == 2 else pd.testing.assert_series_equal)(one, other)
