"""Intervals come from past errors only, and widen where the calendar is special."""

import numpy as np
import pandas as pd
import pytest
from figures import retail

from footfall.calendar import special
from footfall.evaluation.backtest import backtest, last_origins, leaderboard, windows, youngest
from footfall.evaluation.intervals import FEWEST_POOLED, PRIOR_WIDTH, quantiles, step_by_step, with_quantiles
from footfall.evaluation.metrics import coverage
from footfall.models import ETS, KindOfDay, LastYearsTurn, LogLevel, SeasonalNaive, WeekdaySmoother, fit, predict
from footfall.quantiles import QUANTILES
from footfall.units import COUNTS

COLUMNS = ["origin", "date", "horizon", "mean", "actual"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    y = retail()
    return backtest({"naive": SeasonalNaive()}, y, last_origins(y, 100, 7), 7, 3)


def live(table: pd.DataFrame, origin: pd.Timestamp, lag: int = 3) -> pd.DataFrame:
    mean = table[table["origin"] == origin].set_index("date")["mean"]
    return quantiles(table[COLUMNS], mean, origin, "PT", lag)


def test_live_and_backtest_say_the_same(table):
    origin = table["origin"].max()
    backtested = with_quantiles(table, "PT", 3)
    backtested = backtested[backtested["origin"] == origin].set_index("date")[QUANTILES]
    pd.testing.assert_frame_equal(live(table, origin), backtested, check_freq=False)


def test_no_interval_knows_an_error_after_the_lag(table):
    origin = pd.Timestamp("2022-09-20")
    newer = table["date"] > origin - pd.Timedelta(days=3)
    changed = table.assign(actual=table["actual"].mask(newer, -99))
    assert live(table, origin).to_numpy().tobytes() == live(changed, origin).to_numpy().tobytes()
    assert not live(changed, origin, lag=0).equals(live(table, origin, lag=0))  # with less lag it would


def test_quantiles_are_in_order_and_never_below_nobody(table):
    deep = table.assign(mean=table["mean"] - 100, actual=table["actual"] - 100)
    values = with_quantiles(deep, "PT", 3)[QUANTILES].dropna().to_numpy()
    assert (np.diff(values, axis=1) >= 0).all()
    assert values.min() == -100


def test_special_days_are_thrice_as_wide(table):
    origin = table["origin"].max()
    days = pd.DatetimeIndex(["2022-10-07", "2022-10-08"])
    mean = pd.Series(0.0, index=days)
    assert origin >= days[0] - pd.Timedelta(days=1)
    ordinary = quantiles(table[COLUMNS], mean, days[0] - pd.Timedelta(days=1), "PT", 3).iloc[0]
    holiday = quantiles(
        table[COLUMNS].assign(origin=table["origin"] - pd.Timedelta(days=2)),
        mean.set_axis(days - pd.Timedelta(days=2)),
        pd.Timestamp("2022-10-04"),
        "PT",
        3,
    ).iloc[0]
    width = lambda row: row["q90"] - row["q10"]  # noqa: E731
    assert origin >= days[0] - pd.Timedelta(days=1)
    assert 2.5 < width(holiday) / width(ordinary) < 3.7


def test_newer_errors_count_more():
    day = pd.date_range("2022-01-03", periods=200)
    errors = pd.DataFrame({"origin": day - pd.Timedelta(days=1), "date": day, "horizon": 1, "mean": 0.0})
    errors["actual"] = np.where(np.arange(200) < 100, 20.0, 1.0) * np.where(np.arange(200) % 2, 1, -1)
    mean = pd.Series([0.0], index=[day[-1] + pd.Timedelta(days=1)])
    assert quantiles(errors, mean, day[-1], "XX", 0)["q75"].iloc[0] < 5
    older = errors.assign(actual=errors["actual"].to_numpy()[::-1])
    assert quantiles(older, mean, day[-1], "XX", 0)["q75"].iloc[0] > 15


def test_few_errors_give_no_interval(table):
    first = table["origin"].min()
    backtested = with_quantiles(table, "PT", 3)
    assert backtested.loc[backtested["origin"] == first, QUANTILES].isna().all().all()
    with pytest.raises(ValueError, match=f"fewer than {FEWEST_POOLED} errors"):
        live(table, first)


def test_of_a_young_series_an_ordinary_day_is_as_unsure_as_its_ordinary_days_were():
    day = pd.date_range("2022-11-26", periods=18)  # with two holidays, their eves and bridges
    table = pd.DataFrame({"origin": day - pd.Timedelta(days=1), "date": day, "horizon": 1, "mean": 0.0})
    mean = pd.Series([0.0], day[-1:] + pd.Timedelta(days=1))
    wider = np.where(special(day, "PT"), PRIOR_WIDTH, 1.0)
    of_both = quantiles(table.assign(actual=wider), mean, day[-1], "PT", 0)
    pd.testing.assert_frame_equal(of_both, quantiles(table.assign(actual=1.0), mean, day[-1], "XX", 0))


def above(*means):
    """How far the range reaches above each day's mean, in guests, where a hundred were foreseen so far."""
    day, of_days = pd.date_range("2022-01-03", periods=200), range(1, len(means) + 1)
    facts = {"date": day, "mean": 100.0, "actual": np.where(np.arange(200) % 2, 109.0, 91.0)}
    table = pd.concat([pd.DataFrame(facts | {"origin": day - pd.Timedelta(days=n), "horizon": n}) for n in of_days])
    mean = pd.Series(means, pd.date_range(day[-1], periods=len(means) + 1)[1:])
    return (quantiles(table, mean, day[-1], "XX", 0, unit=COUNTS)["q90"] - mean).to_numpy()


def test_a_day_of_hardly_anybody_is_as_unsure_as_one_of_a_quarter_of_its_week():
    quarter, week = 600 / 27, [100.0] * 6  # a quarter of the mean of the seven
    nobody, few, more = (above(*week, last)[-1] for last in (1.0, quarter, 2 * quarter))
    assert nobody == pytest.approx(few) and few < more


def test_whether_a_day_is_a_large_one_its_forecasts_first_week_says():
    usual, rising = above(*[100.0] * 14), above(*[100.0] * 7, *[300.0] * 7)
    np.testing.assert_allclose(rising[:7], usual[:7])
    assert (rising[7:] > usual[7:]).all()


@pytest.mark.long
def test_intervals_cover_what_they_say():
    day = pd.date_range("2021-01-01", periods=1000)
    noise = np.random.default_rng(0).normal(size=1000)
    table = pd.DataFrame({"candidate": "one", "origin": day - pd.Timedelta(days=1), "date": day, "horizon": 1})
    table = with_quantiles(table.assign(mean=0.0, actual=noise), "XX", 0)
    assert coverage(table, 0.8) == pytest.approx(0.8, abs=0.04)
    assert coverage(table, 0.5) == pytest.approx(0.5, abs=0.04)
    assert coverage(table, 0.95) == pytest.approx(0.95, abs=0.02)
    whole = table[table["q05"].notna()]
    assert (whole["q2.5"] <= whole["q05"]).all() and (whole["q95"] <= whole["q97.5"]).all()


def test_late_figures_make_a_day_as_unsure_as_one_that_much_farther_ahead(table):
    origin, width = table["origin"].max(), lambda ranges: (ranges["q90"] - ranges["q10"]).to_numpy()
    mean = pd.Series(0.0, index=pd.date_range("2022-10-17", periods=7)).rename("mean")  # ordinary days
    eve = mean.index[0] - pd.Timedelta(days=1)
    usual, late, later = (width(quantiles(table[COLUMNS], mean, eve, "PT", 3, late)) for late in (0, 3, 30))
    assert origin < mean.index[0]
    np.testing.assert_allclose(late[:4], usual[3:])
    assert (np.diff([usual, late, later], axis=0) >= 0).all() and later[-1] > late[-1]


@pytest.mark.parametrize("day", ["2022-10-04", "2022-10-05"])  # an ordinary day, and a holiday
def test_a_range_made_step_by_step_is_the_one_that_is_published(table, day):
    mean, eve = pd.Series([7.0], index=[pd.Timestamp(day)]), pd.Timestamp(day) - pd.Timedelta(days=1)
    made, published = (of(table[COLUMNS], mean, eve, "PT", 3, late=2) for of in (step_by_step, quantiles))
    assert made.iloc[-1].tolist() == published[["q10", "q90"]].iloc[0].tolist()
    expected, size, share, recent, _ = made["low"]
    assert made["low"].iloc[-1] == pytest.approx(expected + size * share * recent)


@pytest.mark.long
def test_the_few_errors_of_a_young_series_are_pooled_and_its_ranges_hold():
    y, held = retail(), []
    steady = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
    for start in range(0, len(y) - 60, 14):
        young, coming = y[start : start + 35], y[start + 35 : start + 42]
        table = backtest({"steady": steady}, young, last_origins(young, 182, 7), 7, 0)
        mean = predict(fit(steady, young), pd.DatetimeIndex(coming.index))
        ranges = quantiles(table, mean, young.index[-1], "PT", 0)
        assert np.isfinite(ranges).all().all() and (np.diff(ranges, axis=1) >= 0).all()
        held += [coming.between(ranges["q10"], ranges["q90"]).mean()]
    assert 0.7 < np.mean(held) < 0.9


@pytest.mark.parametrize(("lag", "horizon"), [(0, 7), (1, 7), (3, 7), (1, 14), (3, 28)])
def test_the_youngest_series_there_may_be_has_a_leaderboard(lag, horizon):
    y = retail()[-youngest(lag, horizon) :].rename("count") + 100
    y = y.mask(y.index.dayofweek == 0)
    origins = last_origins(y, 182, horizon, lag)
    candidates = {"naive": SeasonalNaive(), "ETS": ETS(trend="add", damped_trend=True, seasonal="add", sp=7)}
    table = with_quantiles(backtest(candidates, y, origins, horizon, lag), "PT", lag, COUNTS)
    for part in windows(origins, horizon, lag):
        assert leaderboard(table[table["origin"].isin(part)], y)["cover80"].between(0, 1).all()
