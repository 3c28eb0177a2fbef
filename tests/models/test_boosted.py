"""The boosted forecaster sees no future, follows new days, and learns from other series only what was known."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from figures import SAMPLE, retail
from sktime.utils.estimator_checks import check_estimator

from footfall.models.boosted import Boosted, Panel
from footfall.models.features import FEATURES
from footfall.models.saving import load, save
from footfall.models.training_set import YOUNG, examples
from footfall.models.updating import bring_up_to, fit, predict
from footfall.series import read_snapshot

COMING = pd.date_range("2022-09-11", periods=7)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return read_snapshot(SAMPLE / "snapshot.parquet")


def altered_after(series: pd.DataFrame, day: str) -> pd.DataFrame:
    return series.assign(value=series["value"].mask(series["date"] > day, 77.0))


def test_sktime_accepts_it_as_a_forecaster():
    skip = ["test_class_has_doctest_example", "test_get_test_params_coverage", "test__y_remember_data"]
    check_estimator(Boosted, raise_exceptions=True, verbose=False, tests_to_exclude=skip)


def test_examples_know_nothing_after_their_origin():
    y, day = retail(), pd.Timestamp("2022-09-10")
    other = y.where(y.index <= day, 77.0)
    for one, two in zip(examples(y, "PT").until(day), examples(other, "PT").until(day), strict=True):
        np.testing.assert_array_equal(one, two)
    assert examples(y, "PT").features.shape[1] == len(FEATURES)


def test_later_rows_of_the_panel_change_no_byte_of_the_model(sample, tmp_path):
    y = retail()[:"2022-09-10"]
    for name, panel in {"one.zip": Panel(sample), "two.zip": Panel(altered_after(sample, "2022-09-10"))}.items():
        save(fit(Boosted("PT", panel, trees=20), y), tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_panel_that_peeks_is_found_out(sample, monkeypatch, tmp_path):
    monkeypatch.setattr("footfall.models.training_set.Examples.until", lambda self, day: self)
    with pytest.raises(AssertionError):
        test_later_rows_of_the_panel_change_no_byte_of_the_model(sample, tmp_path)


def test_what_was_learned_comes_back_without_the_panel(sample, tmp_path):
    model = fit(Boosted("PT", Panel(sample), trees=20), retail()[:"2022-09-10"])
    save(model, tmp_path / "model.zip")
    pd.testing.assert_series_equal(predict(load(tmp_path / "model.zip"), COMING), predict(model, COMING))
    assert (tmp_path / "model.zip").stat().st_size < 500_000
    assert not len(pickle.loads(pickle.dumps(Panel(sample))).examples.error)


def test_a_panel_of_regions_alone_learns_from_the_same_few_of_them_and_one_with_a_nation_from_none(sample, monkeypatch):
    monkeypatch.setattr("footfall.models.boosted.REGIONS", 4)
    regions = pd.concat([sample.assign(location=f"PT-{number:02}") for number in range(3)], ignore_index=True)
    learned = Panel(regions).examples
    assert len(learned.error) == pytest.approx(4 * len(examples(retail(), "PT").error), rel=0.02)
    for one, two in zip(learned, Panel(regions.sample(frac=1, random_state=1)).examples, strict=True):
        np.testing.assert_array_equal(one, two)
    among = Panel(pd.concat([sample, regions])).examples
    np.testing.assert_array_equal(among.error, Panel(sample).examples.error)


def test_a_panel_is_never_copied(sample):
    panel = Panel(sample)
    assert copy.deepcopy(panel) is panel and Boosted("PT", panel).clone().panel is panel


def test_new_days_move_the_forecast_and_leave_the_trees(sample):
    y = retail()[:"2022-09-10"]
    y.iloc[-1] += 30
    old = fit(Boosted("PT", Panel(sample), trees=20), y[:-1])
    new = bring_up_to(old, y)
    assert new.booster_ == old.booster_
    assert (predict(new, COMING) - predict(old, COMING)).abs().max() > 1


def test_other_series_teach_something(sample):
    y = retail()[:"2022-09-10"]
    alone, among = fit(Boosted("PT"), y), fit(Boosted("PT", Panel(sample)), y)
    assert not np.allclose(predict(alone, COMING), predict(among, COMING))


def test_a_young_series_is_smoothed_and_not_corrected():
    y = retail()[: YOUNG // 2]
    model = fit(Boosted("XX"), y)
    assert model.booster_ == ""
    assert predict(model, pd.date_range(y.index[-1], periods=8)[1:]).between(-60, 80).all()
