"""The boosted forecaster sees no future, follows new days, and learns from other series only what was known."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from estimators import check_every_spelling, check_typical
from figures import SAMPLE, parts_of, retail
from sktime.forecasting.base import BaseForecaster

from footfall.models import Boosted, KindOfDay, LastYearsTurn, LogLevel, Panel, WeekdaySmoother
from footfall.models.features import FEATURES, Features, Front
from footfall.models.saving import load, save
from footfall.models.training_set import FEWEST_DAYS, TrainingSet, training_set
from footfall.models.updating import bring_up_to, fit, forecasts, predict
from footfall.series import read_snapshot

FRONT = Front.of(None, "PT")
COMING = pd.date_range("2022-09-11", periods=7)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return read_snapshot(SAMPLE / "snapshot.parquet")


def rows_of(y: pd.Series) -> TrainingSet:
    return training_set([("PT", y)], FRONT)


def altered_after(series: pd.DataFrame, day: str) -> pd.DataFrame:
    return series.assign(value=series["value"].mask(series["date"] > day, 77.0))


@pytest.mark.long
@pytest.mark.parametrize("check", [check_typical, pytest.param(check_every_spelling, marks=pytest.mark.soak)])
def test_sktime_accepts_it_as_a_forecaster(check):
    check(Boosted)


@pytest.mark.parametrize("y", [retail(), retail().rename("count") + 100], ids=["percent", "counts"])
def test_past_forecasts_know_nothing_after_their_origin(y):
    day = pd.Timestamp("2022-09-10")
    other = y.where(y.index <= day, 770.0)
    assert rows_of(y).until(day).day.max() == day.to_datetime64(), "and all that was known at its end"
    for one, two in zip(rows_of(y).until(day), rows_of(other).until(day), strict=True):
        np.testing.assert_array_equal(one, two)
    assert rows_of(y).features.shape[1] == len(FEATURES)


@pytest.mark.long
def test_later_rows_of_the_panel_change_no_byte_of_the_model(sample, tmp_path):
    y = retail()[:"2022-09-10"]
    for name, panel in {"one.zip": Panel(sample), "two.zip": Panel(altered_after(sample, "2022-09-10"))}.items():
        save(fit(Boosted("PT", panel, trees=20), y), tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_panel_that_peeks_is_found_out(sample, monkeypatch, tmp_path):
    monkeypatch.setattr("footfall.models.training_set.TrainingSet.until", lambda self, day: self)
    with pytest.raises(AssertionError):
        test_later_rows_of_the_panel_change_no_byte_of_the_model(sample, tmp_path)


def test_what_was_learned_comes_back_without_the_panel(sample, tmp_path):
    model = fit(Boosted("PT", Panel(sample), trees=20), retail()[:"2022-09-10"])
    save(model, tmp_path / "model.zip")
    pd.testing.assert_series_equal(predict(load(tmp_path / "model.zip"), COMING), predict(model, COMING))
    assert (tmp_path / "model.zip").stat().st_size < 500_000
    assert not len(pickle.loads(pickle.dumps(Panel(sample))).training_set(FRONT).error)


@pytest.mark.long
def test_a_panel_of_regions_alone_learns_from_the_same_few_of_them_and_one_with_a_nation_from_none(sample, monkeypatch):
    monkeypatch.setattr("footfall.models.boosted.MOST_REGIONS", 4)
    regions = pd.concat([sample.assign(location=f"PT-{number:02}") for number in range(3)], ignore_index=True)
    learned = Panel(regions).training_set(FRONT)
    assert len(learned.error) == pytest.approx(4 * len(rows_of(retail()).error), rel=0.02)
    for one, two in zip(learned, Panel(regions.sample(frac=1, random_state=1)).training_set(FRONT), strict=True):
        np.testing.assert_array_equal(one, two)
    among = Panel(pd.concat([sample, regions])).training_set(FRONT)
    np.testing.assert_array_equal(among.error, Panel(sample).training_set(FRONT).error)


def test_all_sites_of_an_owner_are_learned_from_however_many(monkeypatch):
    monkeypatch.setattr("footfall.models.boosted.MOST_REGIONS", 2)
    y = retail()[:"2021-12-31"] + 100
    site = pd.DataFrame({"category": "count", "date": y.index, "value": y.to_numpy()})
    sites = pd.concat([site.assign(location=f"PT-11/{number}") for number in range(3)], ignore_index=True)
    learned = [len(Panel(rows).training_set(FRONT).error) for rows in (sites, sites[: len(y)])]
    assert learned[0] == 3 * learned[1] > 0


def test_a_panel_keeps_the_trees_of_the_day_that_is_asked_for(sample):
    panel, limits = Panel(sample), (5, 50, 1000)
    early, late = (panel.trees(FRONT, pd.Timestamp(day), *limits) for day in ("2021-09-10", "2022-09-10"))
    kept = panel.keep(FRONT, pd.Timestamp("2021-09-10"), *limits)
    assert kept.trees(FRONT, pd.Timestamp("2022-09-10"), *limits) == early != late


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


def the_calendar(**turn) -> BaseForecaster:
    return LogLevel() * KindOfDay("PT") * LastYearsTurn(**turn) * WeekdaySmoother()


@pytest.mark.parametrize("origin", ["2021-11-03", "2022-01-01", "2022-04-30", "2022-06-17", "2022-10-13"])
def test_without_trees_it_is_the_calendar_of_the_month_before_brought_up_to_the_origin(origin):
    y = retail()[:origin]
    days = pd.date_range(origin, periods=15)[1:]
    month_before = y[: pd.Timestamp(origin).replace(day=1) - pd.Timedelta(days=1)]
    expected = bring_up_to(fit(the_calendar(), month_before), y)
    bare = fit(Boosted("PT", trees=0), y)
    np.testing.assert_allclose(predict(bare, days), predict(expected, days), rtol=0, atol=1e-9)
    parts = parts_of(bare, days).drop(columns="learned")
    np.testing.assert_allclose(parts, parts_of(expected, days)[list(parts)], rtol=0, atol=1e-9)


@pytest.mark.parametrize("first", ["2021-06-20", "2021-07-01", "2021-07-03", "2021-07-27"])
def test_a_place_of_few_weeks_is_the_calendar_of_its_first_four_whatever_day_of_the_month_it_opened(first):
    """Counted in months it would start from a single day."""
    y = retail()[first:][:30]
    days = pd.date_range(y.index[-1], periods=8)[1:]
    month_before = (y.index < y.index[-1].replace(day=1)).sum()
    bare = fit(Boosted("PT", trees=0), y)
    expected = bring_up_to(fit(the_calendar(), y[: max(month_before, 28)]), y)
    np.testing.assert_allclose(predict(bare, days), predict(expected, days), rtol=0, atol=1e-9)


def test_no_day_of_a_place_of_few_weeks_knows_a_later_one():
    y = retail()[:40]
    fitted, ahead = fit(Boosted("PT", trees=0), y[:14]), np.arange(1, 8)
    each = [predict(bring_up_to(fitted, y[:end]), pd.date_range(end, periods=8)[1:]) for end in y.index[13:]]
    np.testing.assert_allclose(forecasts(fitted, y, y.index[13:], ahead), each, rtol=0, atol=1e-9)
    other = forecasts(fitted, y.where(y.index <= y.index[20], 77.0), y.index[13:], ahead)
    np.testing.assert_array_equal(other[:8], forecasts(fitted, y, y.index[13:], ahead)[:8])


OTHERS = {
    "LogLevel__floor": 0.9,
    "KindOfDay__half_life": 50.0,
    "KindOfDay__shrink": 9.0,
    "LastYearsTurn__share": 0.9,
    "LastYearsTurn__window": 21,
    "LastYearsTurn__step": 0.003,
    "WeekdaySmoother__level": 0.5,
    "WeekdaySmoother__season": 0.1,
    "WeekdaySmoother__trend": 0.2,
    "WeekdaySmoother__damping": 0.3,
    "WeekdaySmoother__days": 60,
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_parameter_of_the_calendar_is_followed_by_features_and_forecast(name):
    y, days = retail(), pd.date_range("2022-10-14", periods=7)
    calendar = the_calendar().set_params(**{name: OTHERS[name]})
    bare = fit(Boosted("PT", trees=0, calendar=calendar), y)
    expected = bring_up_to(fit(calendar, y[:"2022-09-30"]), y)
    np.testing.assert_allclose(predict(bare, days), predict(expected, days), rtol=0, atol=1e-9)
    assert (predict(bare, days) - predict(fit(Boosted("PT", trees=0), y), days)).abs().max() > 1e-3
    fronts = Front.of(calendar, "PT"), FRONT
    theirs, usual = (
        Features(y, "PT", front, 400, np.arange(1, 8)).table(np.array([450]), np.array([0])) for front in fronts
    )
    assert not np.array_equal(theirs, usual, equal_nan=True)


@pytest.mark.long
def test_the_panel_learns_from_forecasts_of_the_same_calendar(sample):
    panel, y = Panel(sample), retail()[:"2022-09-10"]
    with_turn, without = (fit(Boosted("PT", panel, 20, calendar=the_calendar(share=s)), y) for s in (0.4, 0.0))
    assert with_turn.booster_ == fit(Boosted("PT", panel, 20), y).booster_ != without.booster_
    assert without.booster_ == fit(Boosted("PT", Panel(sample), 20, calendar=the_calendar(share=0.0)), y).booster_
    assert without.clone().calendar.get_params()["LastYearsTurn__share"] == 0.0


def test_only_the_calendar_is_corrected():
    with pytest.raises(ValueError, match=r"a Boosted corrects .*, not LogLevel \* WeekdaySmoother"):
        fit(Boosted("PT", calendar=LogLevel() * WeekdaySmoother()), retail())


def test_a_young_series_is_smoothed_and_not_corrected():
    y = retail()[: FEWEST_DAYS // 2]
    model = fit(Boosted("XX"), y)
    assert model.booster_ == ""
    assert predict(model, pd.date_range(y.index[-1], periods=8)[1:]).between(-60, 80).all()
