"""One series is the batch of one: a batch is fitted, brought up to date and forecast as its series are one by one."""

import numpy as np
import pandas as pd
import pytest
from batches import CALENDAR, CANDIDATES, batches
from figures import SAMPLE, retail
from hypothesis import HealthCheck, given, settings
from sktime.forecasting.theta import ThetaForecaster

from footfall.calendar import Countries
from footfall.models import (
    ETS,
    Boosted,
    KindOfDay,
    LogLevel,
    Panel,
    at_once,
    bring_up_to,
    fit,
    forecasts,
    of_country,
    predict,
)
from footfall.models.features import Front
from footfall.models.forecaster import series_of
from footfall.models.saving import load, save
from footfall.models.training_set import training_set
from footfall.series import read_snapshot

pytestmark = pytest.mark.long
few = settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
AHEAD = np.arange(1, 9)  # days
close = {"rtol": 1e-9, "atol": 1e-9}


@few
@given(y=batches())
@pytest.mark.parametrize("name", CANDIDATES)
def test_a_batch_is_its_series_one_by_one(name, y):
    assert at_once(CANDIDATES[name])
    days = pd.date_range(y.index[-1], periods=11)[1:]
    fitted = fit(CANDIDATES[name], y[:-10])
    followed, many = bring_up_to(fitted, y), forecasts(fitted, y, y.index[-11:], AHEAD)
    assert list(predict(followed, days)) == list(y) and fitted.cutoff[-1] == y.index[-11]
    for number, column in enumerate(y):
        one = series_of(y, column)
        alone = fit(CANDIDATES[name], one[:-10])
        np.testing.assert_allclose(predict(fitted, days)[column], predict(alone, days), **close)
        np.testing.assert_allclose(predict(followed, days)[column], predict(bring_up_to(alone, one), days), **close)
        np.testing.assert_allclose(many[..., number], forecasts(alone, one, one.index[-11:], AHEAD), **close)


@pytest.fixture(scope="module")
def batch() -> pd.DataFrame:
    y = retail()
    columns = {("PT", "parks"): y, ("PT", "grocery"): y / 2 - 3}
    return pd.DataFrame(columns).rename_axis(columns=["location", "category"])


@pytest.mark.parametrize(
    "forecaster",
    [
        ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
        pytest.param(ThetaForecaster(sp=7, deseasonalize_model="additive"), marks=pytest.mark.soak),
    ],
)
def test_what_cannot_take_a_batch_is_asked_series_by_series(forecaster, batch, tmp_path):
    assert not at_once(forecaster)
    fitted, days = fit(forecaster, batch[:-3]), pd.date_range("2022-10-14", periods=7)
    save(fitted, tmp_path / "model.zip")
    for model in (fitted, load(tmp_path / "model.zip")):
        mean, many = predict(bring_up_to(model, batch), days), forecasts(model, batch, batch.index[-3:], AHEAD)
        for number, column in enumerate(batch):
            one = series_of(batch, column)
            alone = fit(forecaster, one[:-3])
            np.testing.assert_array_equal(mean[column], predict(bring_up_to(alone, one), days))
            np.testing.assert_array_equal(many[..., number], forecasts(alone, one, one.index[-3:], AHEAD))


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_batch_comes_back_from_its_file(name, batch, tmp_path):
    days = pd.date_range("2022-10-14", periods=7)
    fitted = fit(CANDIDATES[name], batch)
    save(fitted, tmp_path / "model.zip")
    pd.testing.assert_frame_equal(predict(load(tmp_path / "model.zip"), days), predict(fitted, days))


def test_what_is_fitted_series_by_series_keeps_the_days_of_each_ones_country(batch):
    recipe = LogLevel() * KindOfDay("PT") * ETS(trend="add", damped_trend=True, seasonal="add", sp=7)
    days, y = pd.date_range("2022-10-14", periods=7), batch.set_axis([("ES", "parks"), ("PT", "grocery")], axis=1)
    fitted = fit(of_country(recipe, Countries(("ES", "PT"))), y)
    again = fit(fitted, y)
    for country, name in zip(("ES", "PT"), y, strict=True):
        alone = fit(of_country(recipe, country), series_of(y, name))
        np.testing.assert_allclose(predict(fitted, days)[name], predict(alone, days), **close)
        np.testing.assert_allclose(predict(again, days)[name], predict(alone, days), **close)


def test_a_recipe_serves_many_countries():
    there = of_country(CANDIDATES["both scales"], "DE").get_params()
    assert there["log__KindOfDay__country"] == there["raw__KindOfDay__country"] == "DE"
    assert CALENDAR.get_params()["KindOfDay__country"] == "PT"
    assert of_country(Boosted("PT", calendar=CALENDAR), "DE").get_params()["calendar__KindOfDay__country"] == "DE"


def test_a_loaded_recipe_fits_any_series_to_the_trees_of_its_day(batch, tmp_path):
    panel = Panel(read_snapshot(SAMPLE / "snapshot.parquet"))
    recipe, day = Boosted("PT", panel, trees=20), "2022-09-10"
    trees = fit(recipe, retail()[:day]).booster_
    for name, forecaster in {"fitted": fit(recipe, retail()[:day]), "recipe": recipe}.items():
        save(forecaster, tmp_path / name)
        loaded = load(tmp_path / name)
        later = fit(of_country(loaded, "DE"), batch)
        assert later.booster_ == trees and later.country == "DE"
        assert (tmp_path / name).stat().st_size < 500_000
    assert fit(recipe, batch).booster_ != trees


def test_of_many_past_forecasts_the_drawn_are_the_same_whatever_comes_later(batch):
    front, day = Front.of(None, "PT"), pd.Timestamp("2022-05-20")
    other = batch.copy()
    other[batch.index > day] = 7.0
    other[batch.index > day + pd.Timedelta(days=30)] = np.nan
    whole = training_set([("PT", batch)], front)
    thin = [training_set([("PT", y)], front, 900) for y in (batch, other)]
    assert len(thin[0].error) < 0.6 * len(whole.error)
    for drawn in zip(*(rows.until(day).thinned(900) for rows in (whole, *thin)), strict=True):
        for one in drawn[1:]:
            np.testing.assert_array_equal(one, drawn[0])
