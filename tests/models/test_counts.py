"""Guests are forecast as well as percentages: on their own level, over closed days, and never below none."""

import numpy as np
import pandas as pd
import pytest
from figures import parts_of, retail
from sktime.forecasting.compose import EnsembleForecaster
from sktime.forecasting.theta import ThetaForecaster

from footfall.evaluation.backtest import backtest, last_origins
from footfall.evaluation.intervals import quantiles, with_quantiles
from footfall.models import (
    ETS,
    Boosted,
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    Panel,
    SeasonalNaive,
    WeekdaySmoother,
    bring_up_to,
    contributions,
    fit,
    predict,
)
from footfall.models.features import Front
from footfall.models.saving import load, save
from footfall.quantiles import QUANTILES
from footfall.units import COUNTS, unit

CALENDAR = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
STEADY = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
CANDIDATES = {
    "seasonal naive": SeasonalNaive(),
    "ETS": ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
    "Theta": ThetaForecaster(sp=7, deseasonalize_model="additive"),
    "calendar": CALENDAR,
    "steady": STEADY,
    "boosted": Boosted("PT", trees=20, rows_per_tree=50, calendar=STEADY),
    "both scales": EnsembleForecaster([("log", CALENDAR), ("raw", KindOfDay("PT") * WeekdaySmoother())]),
}
each = pytest.mark.parametrize("name", CANDIDATES)
COMING = pd.date_range("2022-10-14", periods=14)


def guests(usual: float = 150.0) -> pd.Series:
    """A house shut on Mondays and for two weeks of August; `usual` guests at the baseline of the sample."""
    y = ((retail() + 100) * usual / 100).rename("count")
    on_holiday = (y.index >= "2022-08-08") & (y.index <= "2022-08-21")
    return y.mask((y.index.dayofweek == 0) | on_holiday)


@pytest.mark.long
@each
@pytest.mark.parametrize("usual", [3.0, 150.0, 40_000.0])
def test_the_open_days_are_like_open_days_were(name, usual):
    y = guests(usual)
    said = predict(fit(CANDIDATES[name], y), COMING)
    assert np.isfinite(said).all()
    assert said[said.index.dayofweek != 0].between(0.8 * y.min(), 1.2 * y.max()).all()


@pytest.mark.long
@each
def test_ten_times_the_guests_are_ten_times_the_forecast(name):
    said, tenfold = (predict(fit(CANDIDATES[name], guests(usual)), COMING) for usual in (150.0, 1500.0))
    np.testing.assert_allclose(tenfold, 10 * said, rtol=2e-2 if name in ("ETS", "Theta") else 1e-9)


@pytest.mark.long
@each
def test_nobody_is_the_least_there_can_be(name):
    y = (guests() - guests().tail(60).quantile(0.3)).clip(lower=0)
    said = predict(fit(CANDIDATES[name], y), COMING[:7])
    assert said.ge(0).all()
    table = with_quantiles(backtest({name: SeasonalNaive()}, y, last_origins(y, 30, 7), 7, 0), "PT", 0, COUNTS)
    live = quantiles(table, said, pd.Timestamp("2022-10-13"), "PT", 0, unit=COUNTS)
    assert live["q05"].ge(0).all() and table["q05"].min() == 0


@pytest.mark.parametrize("origin", ["2022-04-30", "2022-08-10", "2022-10-10", "2022-10-13"])
def test_without_trees_boosted_is_the_calendar(origin):
    y = guests()[:origin]
    days = pd.date_range(origin, periods=8)[1:]
    month_before = y[: pd.Timestamp(origin).replace(day=1) - pd.Timedelta(days=1)]
    expected, bare = bring_up_to(fit(STEADY, month_before), y), fit(Boosted("PT", trees=0, calendar=STEADY), y)
    np.testing.assert_allclose(predict(bare, days), predict(expected, days), rtol=1e-12)
    parts = parts_of(bare, days).drop(columns="learned")
    np.testing.assert_allclose(parts, parts_of(expected, days)[list(parts)], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["calendar", "boosted", "ETS"])
def test_the_parts_add_up_to_the_guests(name):
    y = guests()
    model = fit(CANDIDATES[name], y)
    parts, logarithms = parts_of(model, COMING), contributions.in_logarithms(model)
    np.testing.assert_allclose(contributions.total(parts, logarithms, unit(y)), predict(model, COMING))
    if logarithms:
        np.testing.assert_allclose(np.exp(parts.sum(axis=1)), predict(model, COMING))


def test_the_level_is_learned_in_fit_and_comes_back_with_the_champion(tmp_path):
    y = guests()
    save(fit(CALENDAR, y[:-30]), tmp_path / "model.zip")
    level = load(tmp_path / "model.zip").steps_[0][1]
    assert (level.unit_, level.level_) == ("counts", y[:-30].median())
    assert bring_up_to(load(tmp_path / "model.zip"), y).steps_[0][1].level_ == level.level_


def test_a_panel_of_counts_learns_from_all_sites_of_their_open_days():
    y = guests()
    rows = pd.DataFrame({"category": "count", "date": y.index, "value": y.fillna(0).to_numpy()})
    table = pd.concat([rows.assign(location=f"PT-11/Site {number}") for number in range(3)])
    front = Front.of(STEADY, "PT")
    sites = Panel(table).training_set(front)
    alone = Panel(table[table["location"] == "PT-11/Site 1"]).training_set(front)
    assert len(sites.error) == 3 * len(alone.error)
    assert not np.isin(pd.DatetimeIndex(sites.day).dayofweek, [0]).any()


def test_closed_days_have_no_part_in_ranges_and_none_is_infinite():
    y = guests()
    recipes = {name: CANDIDATES[name] for name in ("calendar", "boosted", "seasonal naive")}
    table = with_quantiles(backtest(recipes, y, last_origins(y, 60, 7), 7, 0), "PT", 0, COUNTS)
    assert table.loc[table["date"].dt.dayofweek == 0, "actual"].isna().all()
    last = table[table["origin"] == table["origin"].max()]
    assert np.isfinite(last[QUANTILES]).all().all()


def test_a_range_holds_as_much_on_the_busiest_weekday_as_on_the_others():
    """A restaurant's Saturday is off by more guests than its Monday."""
    days = pd.date_range("2024-01-01", periods=430)
    usual = 100 + 50 * np.maximum(days.dayofweek - 3, 0)
    y = pd.Series(usual * np.random.default_rng(3).normal(1, 0.12, len(days)), days, name="count")
    recipe = {"steady": LogLevel() * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)}
    table = with_quantiles(backtest(recipe, y, last_origins(y, 300, 7), 7, 0), "PT", 0, COUNTS).dropna()
    inside = table["actual"].between(table["q10"], table["q90"])
    assert inside.groupby(table["date"].dt.dayofweek).mean().between(0.7, 0.9).all()
