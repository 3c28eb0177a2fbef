"""The forecasters follow new days, and come back from their file as they were."""

import hashlib
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimators import check_every_spelling, check_typical
from figures import retail
from sktime.datatypes._dtypekind import DtypeKind
from sktime.forecasting.compose import EnsembleForecaster
from sktime.forecasting.ets import AutoETS
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.sarimax import SARIMAX
from sktime.forecasting.theta import ThetaForecaster

from footfall.models.boosted import Boosted, Panel
from footfall.models.ets import ETS
from footfall.models.naive import SeasonalNaive
from footfall.models.saving import save
from footfall.models.smoother import WeekdaySmoother, first_state
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import bring_up_to, fit, follows, forecasts, predict, with_panel, without_gaps

A_WEEK = np.arange(1, 8)  # days ahead
CANDIDATES = {
    "seasonal naive": SeasonalNaive(),
    "sktime's naive": NaiveForecaster(strategy="last", sp=7),
    "ETS": ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
    "Theta": ThetaForecaster(sp=7, deseasonalize_model="additive"),
    "calendar": LogLevel() * KindOfDay(country="PT") * LastYearsTurn() * WeekdaySmoother(),
    "both scales": EnsembleForecaster(
        [
            ("log", LogLevel() * KindOfDay(country="PT") * LastYearsTurn() * WeekdaySmoother()),
            ("raw", KindOfDay(country="PT") * LastYearsTurn(step=1.0) * WeekdaySmoother()),
        ]
    ),
    "boosted": Boosted("PT", trees=20, rows_per_tree=50),
    "ETS on the log level": LogLevel() * ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
    "ARIMA on the log level": LogLevel() * SARIMAX(order=(1, 0, 0), seasonal_order=(0, 1, 1, 7)),
}
AT_ONCE = ["seasonal naive", "ETS", "calendar", "boosted", "both scales", "ETS on the log level"]
slowest = {"ARIMA on the log level": pytest.mark.soak}
every = [pytest.param(model, id=name, marks=slowest.get(name, ())) for name, model in CANDIDATES.items()]
each = pytest.mark.parametrize("forecaster", every)


def week_after(y: pd.Series) -> pd.DatetimeIndex:
    return pd.date_range(y.index[-1], periods=8)[1:]


@pytest.mark.long
@each
def test_a_day_more_of_data_moves_the_forecast(forecaster):
    y = retail()
    y.iloc[-1] += 30
    old = fit(forecaster, y[:-1])
    new = bring_up_to(old, y)
    assert list(predict(new, week_after(y)).index) == list(week_after(y))
    moved = (predict(new, week_after(y)) - predict(old, week_after(y))).abs()
    assert moved.max() > 1
    assert old.cutoff[-1] == y.index[-2]  # the argument is left as it was


@pytest.mark.long
@pytest.mark.parametrize("holes", [[], [-17, -10, -3]], ids=["whole", "one weekday shut"])
@pytest.mark.parametrize("forecaster", [model for model in every if follows(*model.values)])
def test_following_day_by_day_ends_where_one_leap_does(forecaster, holes):
    y = retail()
    y.iloc[holes] = np.nan
    leap = bring_up_to(fit(forecaster, y[:-5]), y)
    walk = fit(forecaster, y[:-5])
    for days in range(4, -1, -1):
        walk = bring_up_to(walk, y[: len(y) - days])
    np.testing.assert_allclose(predict(walk, week_after(y)), predict(leap, week_after(y)))


@pytest.mark.long
@pytest.mark.parametrize("holes", [[], [-40, -26, -19, -12, -5, -4, -3]], ids=["whole", "holed"])
@pytest.mark.parametrize("forecaster", [CANDIDATES[name] for name in AT_ONCE], ids=AT_ONCE)
def test_many_days_at_once_are_those_days_one_by_one(forecaster, holes):
    y = retail()
    y.iloc[holes] = np.nan
    fitted, ends = fit(forecaster, y[:-30]), y.index[-31:]
    one_by_one, walk = [], fitted
    for day in y.index[-31:]:
        walk = bring_up_to(walk, y[:day])
        one_by_one.append(predict(walk, pd.date_range(day, periods=11)[1:]))
    at_once = forecasts(fitted, y, ends, np.arange(1, 11))
    np.testing.assert_allclose(at_once, one_by_one, rtol=0, atol=1e-9)
    np.testing.assert_allclose(forecasts(fitted, y, ends, np.arange(4, 11)), at_once[:, 3:], rtol=0, atol=1e-9)
    assert fitted.cutoff[-1] == y.index[-31]


def test_many_days_at_once_know_no_day_after_their_own():
    y, ends = retail(), retail().index[-30:-20]
    for name in AT_ONCE:
        fitted = fit(CANDIDATES[name], y[:-30])
        same = forecasts(fitted, y.where(y.index <= ends[-1], 77.0), ends, A_WEEK)
        np.testing.assert_array_equal(forecasts(fitted, y, ends, A_WEEK), same)
        before = forecasts(fitted, y.where(y.index < ends[-1], 77.0), ends, A_WEEK)
        np.testing.assert_array_equal(before[:-1], same[:-1])
        assert (before[-1] != same[-1]).any()


@pytest.mark.long
def test_days_that_are_not_asked_for_are_known_and_a_known_future_is_refused():
    y = retail()
    for name in AT_ONCE:
        fitted = fit(CANDIDATES[name], y[:-30])
        np.testing.assert_array_equal(
            forecasts(fitted, y, y.index[-30:], A_WEEK)[::6], forecasts(fitted, y, y.index[-30::6], A_WEEK)
        )
        with pytest.raises(ValueError, match="the series ends on 2022-10-11"):
            forecasts(fit(CANDIDATES[name], y), y, y.index[-3:], A_WEEK)


OUR_OWN = {name: CANDIDATES[name] for name in ("seasonal naive", "calendar", "boosted")}
OUR_OWN["smoother"] = WeekdaySmoother()
our_own = pytest.mark.parametrize("forecaster", OUR_OWN.values(), ids=OUR_OWN)


@our_own
def test_a_day_that_is_told_again_moves_no_forecast(forecaster):
    y = retail()
    for told_again in (y[-1:], y[-10:]):
        fitted = forecaster.clone().fit(y[:-5]).update(y[-5:], update_params=False)
        before = fitted.predict(fh=A_WEEK)
        pd.testing.assert_series_equal(fitted.update(told_again, update_params=False).predict(fh=A_WEEK), before)
        overlapping = forecaster.clone().fit(y[:-5]).update(y[-10:], update_params=False)
        pd.testing.assert_series_equal(overlapping.predict(fh=A_WEEK), before)


@our_own
def test_days_that_are_skipped_are_days_without_a_value(forecaster):
    y = retail()
    hole = y.mask(y.index.isin(y.index[-5:-2]))
    for told in (y[-2:], hole[-5:].dropna()):
        across = forecaster.clone().fit(y[:-5]).update(told, update_params=False)
        whole = forecaster.clone().fit(y[:-5]).update(hole[-5:], update_params=False)
        pd.testing.assert_series_equal(across.predict(fh=A_WEEK), whole.predict(fh=A_WEEK))
    pd.testing.assert_series_equal(
        forecaster.clone().fit(hole.dropna()).predict(fh=A_WEEK), forecaster.clone().fit(hole).predict(fh=A_WEEK)
    )


@our_own
def test_days_that_are_out_of_order_are_refused(forecaster):
    y = retail()
    for mixed in (y.sample(frac=1, random_state=1), y[::-1]):
        with pytest.raises((ValueError, TypeError)):  # of a pipeline sktime's own
            forecaster.clone().fit(mixed)


@our_own
def test_an_index_of_days_is_one_with_a_frequency_and_without(forecaster):
    y = retail()
    expected = forecaster.clone().fit(y).predict(fh=A_WEEK)
    for spelt in (y, y.astype(int), y.to_frame()):
        bare = spelt.set_axis(pd.DatetimeIndex(y.index.to_numpy()))
        said = forecaster.clone().fit(bare[:-5]).update(bare[-5:], update_params=False).predict(fh=A_WEEK)
        followed = forecaster.clone().fit(y[:-5]).update(y[-5:], update_params=False).predict(fh=A_WEEK)
        np.testing.assert_array_equal(said.to_numpy().ravel(), followed)
        said = forecaster.clone().fit(bare).predict(fh=A_WEEK)
        assert list(said.index) == list(expected.index)
        np.testing.assert_array_equal(said.to_numpy().ravel(), expected)


@pytest.mark.parametrize("forecaster", [WeekdaySmoother(), SeasonalNaive(), CANDIDATES["boosted"]])
def test_a_period_of_a_day_is_that_day(forecaster):
    y = retail()[:"2021-12-22"]  # before days on which the year matters
    y["2021-12-18":"2021-12-19"] = np.nan
    periods = y.to_period("D").dropna()
    said = forecaster.clone().fit(periods[:-5]).update(periods[-6:], update_params=False).predict(fh=A_WEEK)
    expected = forecaster.clone().fit(y[:-7]).update(y[-7:], update_params=False).predict(fh=A_WEEK)
    pd.testing.assert_series_equal(said.to_timestamp(), expected)


def test_sktime_still_keeps_stale_states():
    """When this fails, the class may be listed in `follows`."""
    y = retail()
    y.iloc[-1] += 30
    forecaster = AutoETS(error="add", seasonal="add", sp=7).fit(y[:-1])
    old = forecaster.predict(fh=[2, 3])
    with warnings.catch_warnings(action="ignore"):
        new = forecaster.update(y[-1:], update_params=False).predict(fh=[1, 2])
    np.testing.assert_allclose(old, new)
    assert not follows(forecaster)


def test_ets_holds_its_gains():
    y = retail()
    old = fit(CANDIDATES["ETS"], y[:-30])
    held, new = old._fitted_forecaster.params, bring_up_to(old, y)._fitted_forecaster.params
    assert {key: new[key] for key in held if key.startswith("smoothing")} == {
        key: value for key, value in held.items() if key.startswith("smoothing")
    }


@each
def test_nothing_new_changes_nothing(forecaster):
    y = retail()
    fitted = fit(forecaster, y)
    pd.testing.assert_series_equal(predict(bring_up_to(fitted, y), week_after(y)), predict(fitted, week_after(y)))


@each
def test_a_forecaster_that_knows_the_future_is_refused(forecaster):
    y = retail()
    with pytest.raises(ValueError, match="2022-10-13, the series ends on 2022-10-12"):
        bring_up_to(fit(forecaster, y), y[:-1])


@each
def test_gaps_are_borne(forecaster):
    y = retail()[-120:].copy()
    y.iloc[[3, 40, 41, 42, 43, 44, 45, 46, 47, 48, 100, -3, -2]] = np.nan
    fitted = bring_up_to(fit(forecaster, y[:-10]), y)
    assert np.isfinite(predict(fitted, week_after(y))).all()


def test_nothing_is_put_before_the_first_day_of_one_of_a_batch():
    days = pd.date_range("2022-01-01", periods=20)
    later = pd.DataFrame({"one": 1.0, "two": 2.0}, days).mask(np.arange(20)[:, None] < [0, 9])
    later.iloc[15] = np.nan
    pd.testing.assert_frame_equal(without_gaps(later).isna(), later.isna() & (later.index < days[9])[:, None])


@each
def test_sixty_days_are_enough(forecaster):
    y = retail()[-60:]
    assert predict(fit(forecaster, y), week_after(y)).between(-60, 80).all()


@pytest.mark.long
@each
def test_nobody_is_the_least_there_can_be(forecaster):
    y = (retail() / 5 - 95).clip(lower=-100)
    assert predict(fit(forecaster, y), week_after(y)).between(-100, -80).all()


def test_nobody_is_the_least_there_can_be_of_many_days_at_once_too():
    y = pd.Series(np.linspace(120, 0, 61), pd.date_range("2022-01-01", periods=61), name="count")
    fitted = fit(WeekdaySmoother(level=0.5, trend=0.5, damping=1.0), y[:40])
    made = forecasts(fitted, y, y.index[-10:], A_WEEK)
    assert made.min() == 0 and made.max() > 0


def test_a_country_without_a_calendar_is_forecast():
    y = retail()
    forecaster = LogLevel() * KindOfDay(country="XX") * LastYearsTurn() * WeekdaySmoother()
    assert np.isfinite(predict(fit(forecaster, y), week_after(y))).all()


def test_a_steady_week_is_forecast_as_it_is():
    y = pd.Series(np.tile([1.0, 2, 3, 4, 5, 30, 20], 20), index=pd.date_range("2022-01-03", periods=140))
    np.testing.assert_allclose(predict(fit(WeekdaySmoother(), y), week_after(y)), [1, 2, 3, 4, 5, 30, 20])


def test_a_weekday_that_begins_to_open_is_not_like_the_mean_of_all():
    """One in a batch as alone, whatever level was reached by then."""
    index = pd.date_range("2025-01-06", periods=280)
    week = np.array([60.0, 65, 70, 75, 120, 160, 110])[index.dayofweek] + np.arange(280) // 140 * 100
    y = pd.Series(week, index).mask((index.dayofweek == 0) & (index < "2025-09-01"))
    states = [first_state(values) for values in (y.to_numpy(), np.stack([y, y], axis=1))]
    assert states[0][2][0] == states[1][2][0][1] == pytest.approx(60 - 660 / 7)
    assert states[0][0] == states[1][0][0] == 100
    odd = y.where(y.index != "2025-05-05", 5.0)
    for known in y, odd:  # one open day alone, months before, is none of those
        after = predict(fit(WeekdaySmoother(level=0.1, season=0.1, trend=0.0), known), week_after(y))
        assert 150 < after[after.index.dayofweek == 0].item() < 170


@pytest.mark.long
@pytest.mark.parametrize("check", [check_typical, pytest.param(check_every_spelling, marks=pytest.mark.soak)])
def test_sktime_accepts_the_smoother_as_a_forecaster(check):
    check(WeekdaySmoother)


@pytest.mark.long
@each
def test_the_same_fit_saves_the_same_bytes(forecaster, tmp_path):
    y = retail()
    for name in ("one.zip", "two.zip"):
        save(fit(forecaster, y), tmp_path / name)
    assert _sha256(tmp_path / "one.zip") == _sha256(tmp_path / "two.zip")


def test_a_python_that_pickles_enums_by_name_saves_the_same_bytes(monkeypatch, tmp_path):
    forecaster = fit(CANDIDATES["calendar"], retail())
    save(forecaster, tmp_path / "one.zip")
    for reduce in (lambda one, _: (getattr, (type(one), one.name)), lambda one, _: (type(one), (one.value,))):
        monkeypatch.setattr(DtypeKind, "__reduce_ex__", reduce)
        save(forecaster, tmp_path / "two.zip")
        assert _sha256(tmp_path / "one.zip") == _sha256(tmp_path / "two.zip")


@pytest.mark.long
def test_a_fresh_process_loads_the_same_numbers_and_fits_the_same_bytes(tmp_path):
    y = retail()
    save(fit(CANDIDATES["calendar"], y), tmp_path / "model.zip")
    where = {"PYTHONHASHSEED": "7", "PYTHONPATH": f"{Path(__file__).parents[1]}:{Path(__file__).parent}"}
    subprocess.run([sys.executable, "-c", FRESH, str(tmp_path)], check=True, env=where)
    loaded = np.array(json.loads((tmp_path / "forecast.json").read_text()))
    np.testing.assert_array_equal(loaded, predict(fit(CANDIDATES["calendar"], y), week_after(y)))
    assert _sha256(tmp_path / "model.zip") == _sha256(tmp_path / "again.zip")


FRESH = """
import json, sys
from pathlib import Path
from estimators import check_every_spelling, check_typical
from figures import retail
from footfall.models.updating import fit, predict
from footfall.models.saving import load, save
from test_models import CANDIDATES, week_after
here, y = Path(sys.argv[1]), retail()
(here / "forecast.json").write_text(json.dumps(predict(load(here / "model.zip"), week_after(y)).tolist()))
save(fit(CANDIDATES["calendar"], y), here / "again.zip")
"""


@each
def test_no_warning_is_heard(forecaster):
    y = retail()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict(bring_up_to(fit(forecaster, y[:-2]), y), week_after(y))


def test_only_a_recipe_that_learned_from_a_panel_gets_todays():
    today = Panel()
    assert with_panel(Boosted("PT"), today).panel is None
    assert with_panel(Boosted("PT", Panel()), today).panel is today
    assert with_panel(CANDIDATES["calendar"], today) == CANDIDATES["calendar"]


def _sha256(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
