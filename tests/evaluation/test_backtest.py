"""Rolling origins see no future, and their scores are those of the literature."""

import io
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figures import retail
from sktime.forecasting.naive import NaiveForecaster

from footfall.evaluation.backtest import (
    backtest,
    comparable,
    last_origins,
    leaderboard,
    means_since,
    windows,
)
from footfall.evaluation.intervals import with_quantiles
from footfall.evaluation.metrics import coverage, mae, naive_error, wis
from footfall.models.ets import ETS
from footfall.models.naive import SeasonalNaive
from footfall.models.saving import save
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import bring_up_to, fit, predict
from footfall.quantiles import LEVELS, QUANTILES
from footfall.units import COUNTS

NAIVE = NaiveForecaster(strategy="last", sp=7)
DAY = pd.Timedelta(days=1)
CALENDAR = LogLevel() * KindOfDay(country="PT") * LastYearsTurn() * WeekdaySmoother()
DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[2] / "../shared/data"))


def changed_after(y: pd.Series, day: str) -> pd.Series:
    """The same series up to a day, and nonsense after it."""
    return y.where(y.index <= day, 7 * np.sin(np.arange(len(y))) - 50)


def forecasts(y: pd.Series, prepare=lambda y: y) -> bytes:
    origins = pd.DatetimeIndex(["2022-08-30", "2022-09-05"])  # fitted on the first, another month on the second
    ets = ETS(trend="add", damped_trend=True, seasonal="add", sp=7)
    table = backtest({"naive": NAIVE, "ETS": ets, "calendar": CALENDAR}, prepare(y), origins, 7, lag=3)
    return table["mean"].to_numpy().tobytes()


@pytest.mark.long
def test_no_forecast_knows_a_day_after_the_lag():
    y = retail()["2021-06-20":]
    said, first = forecasts(y), slice(0, 56)  # the first origin's week
    assert said[first] != forecasts(changed_after(y, "2022-08-20"))[first]  # it does read the past
    assert said[first] == forecasts(changed_after(y, "2022-08-27"))[first]
    assert said == forecasts(changed_after(y, "2022-09-02"))


@pytest.mark.long
def test_the_leak_test_finds_a_leak():
    y = retail()

    def centred(y):
        return y.rolling(7, center=True, min_periods=1).mean()

    assert forecasts(y, centred) != forecasts(changed_after(y, "2022-09-02"), centred)


def test_no_fit_knows_a_day_after_its_last(tmp_path):
    y = retail()
    for name, series in {"one": y, "two": changed_after(y, "2022-09-02")}.items():
        save(fit(CALENDAR, series[:"2022-09-02"]), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_days_are_counted_from_the_origin_not_from_the_last_data():
    y = retail()
    table = backtest({"naive": NAIVE}, y, pd.DatetimeIndex(["2022-09-14"]), 7, lag=3)
    assert table["horizon"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert table["date"].iloc[0] == pd.Timestamp("2022-09-15")
    assert table["mean"].tolist() == y["2022-09-08":"2022-09-11"].tolist() + y["2022-09-05":"2022-09-07"].tolist()


def test_what_is_not_published_yet_has_no_actual():
    y = retail()
    table = backtest({"naive": NAIVE}, y, y.index[-3:-2], 7, lag=0)
    assert table["actual"].notna().tolist() == [True, True, False, False, False, False, False]


def test_candidates_are_left_as_they_are():
    backtest({"calendar": CALENDAR}, retail(), pd.DatetimeIndex(["2022-09-14"]), 7, lag=0)
    assert not CALENDAR.is_fitted


def test_windows_part_the_origins():
    origins = last_origins(retail(), 181, 7)
    parts = windows(origins, 7, 0)
    assert [len(part) for part in parts] == [59, 58, 58]
    assert parts.warm_up.append(parts.selection).equals(origins[:117]) and parts.report.equals(origins[-58:])
    assert origins[-1] + pd.Timedelta(days=7) == retail().index[-1]


@pytest.mark.parametrize("horizon", [1, 7, 14])
def test_no_day_is_both_chosen_on_and_judged_on(horizon):
    parts = windows(last_origins(retail(), 181, horizon), horizon, 0)
    last_chosen, first_judged = parts.selection[-1] + horizon * DAY, parts.report[0] + DAY
    assert first_judged - last_chosen == DAY


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    y = retail()
    candidates = {"naive": SeasonalNaive(), "smoother": LogLevel() * WeekdaySmoother()}
    return with_quantiles(backtest(candidates, y, last_origins(y, 60, 7), 7, 3), "PT", 3)


def test_the_better_forecaster_leads(table):
    oracle = table[table["candidate"] == "naive"].assign(candidate="oracle")
    oracle[["mean", *QUANTILES]] = (oracle[["mean", *QUANTILES]].T + oracle["actual"] - oracle["mean"]).T
    scores = leaderboard(pd.concat([table, oracle], ignore_index=True), retail())
    assert scores.index[0] == "oracle"
    assert scores.loc["oracle", "MAE"] == 0
    assert (scores["forecasts"] == scores["forecasts"].iloc[0]).all()
    assert scores["WIS"].is_monotonic_increasing
    scale = naive_error(retail()[: table["origin"].min()])
    np.testing.assert_allclose(scores["MASE"] * scale, scores["MAE"])


def test_where_every_week_is_as_the_one_before_mase_is_unknown_and_nothing_else():
    y = pd.Series(np.tile([10.0, 20, 30, 40, 50, 60, 0], 30), index=pd.date_range("2024-01-01", periods=210))
    y = y.rename("count")
    said = backtest({"naive": SeasonalNaive()}, y, last_origins(y, 60, 7), 7, 3)
    (row,) = leaderboard(with_quantiles(said, "PT", 3, COUNTS), y).to_dict("records")
    assert (row["MAE"], row["WIS"]) == (0, 0) and np.isnan(row["MASE"])


def test_a_day_one_candidate_lacks_counts_for_none(table):
    holed = table.copy()
    at = holed.index[(holed["candidate"] == "naive") & holed["q05"].notna()][0]
    holed.loc[at, "mean"] = np.nan
    assert len(comparable(table)) - len(comparable(holed)) == 2


def test_a_board_without_a_single_day_says_what_to_do(table):
    holed = table.assign(mean=table["mean"].where(table["candidate"] == "naive"))
    with pytest.raises(ValueError, match="give more backtest_days, or leave a candidate out"):
        leaderboard(holed, retail())


def test_scores_by_hand():
    row = pd.DataFrame({"mean": [1.0, 5.0], "actual": [3.0, 4.0]}).join(
        pd.DataFrame([[10 * level for level in LEVELS]] * 2, columns=QUANTILES)
    )
    assert mae(row) == 1.5
    by_hand = [2 * (level - (a < 10 * level)) * (a - 10 * level) for a in (3.0, 4.0) for level in LEVELS]
    assert wis(row) == pytest.approx(np.mean(by_hand))
    assert coverage(row, 0.5) == 1.0
    assert coverage(row.assign(actual=[3.0, 8.0]), 0.5) == 0.5
    with pytest.raises(ValueError, match="for a coverage of 95%"):
        coverage(row, 0.95)


@pytest.mark.long
def test_a_backtest_of_ninety_days_takes_seconds():
    y, began = retail(), time.process_time()
    backtest({"naive": SeasonalNaive(), "calendar": CALENDAR}, y, last_origins(y, 90, 7), 7, 3)
    assert time.process_time() - began < 15


@pytest.mark.skipif(not DATA.exists(), reason="needs the development data, FOOTFALL_DATA or ../shared/data")
@pytest.mark.parametrize(("lag", "most"), [(0, 3.2), (3, 3.7)])
def test_the_calendar_beats_the_naive_on_all_of_portugal(lag, most):
    """Every sixth origin of 2022-04-01 … 2022-10-06, from Google's figures since 2020."""
    origins = pd.date_range("2022-04-01", "2022-10-06", freq="6D")
    table = backtest({"naive": NAIVE, "calendar": CALENDAR}, _portugal(), origins, 7, lag)
    error = {name: mae(rows) for name, rows in table.groupby("candidate")}
    assert error["calendar"] < most
    assert error["calendar"] < 0.8 * error["naive"]


def _portugal() -> pd.Series:
    column = "retail_and_recreation_percent_change_from_baseline"
    with zipfile.ZipFile(DATA / "Region_Mobility_Report_CSVs.zip") as file:
        years = [
            pd.read_csv(io.BytesIO(file.read(n)), low_memory=False) for n in sorted(file.namelist()) if "_PT_" in n
        ]
    table = pd.concat(years)
    nation = table[table[["sub_region_1", "sub_region_2", "metro_area"]].isna().all(axis=1)]
    return nation.assign(date=pd.to_datetime(nation["date"])).set_index("date")[column].astype(float).asfreq("D")


def test_an_equal_recipe_is_asked_once_and_says_the_same(monkeypatch):
    from footfall.evaluation import backtest as module

    calls, means = [], module.means
    monkeypatch.setattr(module, "means", lambda forecaster, *rest: calls.append(1) or means(forecaster, *rest))
    three = {name: NaiveForecaster(strategy="last", sp=sp) for name, sp in (("one", 7), ("same", 7), ("other", 1))}
    y = retail()
    table = backtest(three, y, pd.date_range(y.index[100], periods=3), 7, 0)
    one, same, other = (table[table["candidate"] == name]["mean"].tolist() for name in three)
    assert one == same != other and len(calls) == 2


def test_a_champions_errors_go_on_after_its_training():
    y, trained, today = retail(), pd.Timestamp("2022-09-01"), pd.Timestamp("2022-09-20")
    visible = y[: trained - 3 * DAY]
    champion = fit(CALENDAR, visible)
    means, origins = means_since(champion, y[: today - 3 * DAY], 7, 3)
    assert origins[0] == trained and origins[-1] == today - 4 * DAY
    live = predict(bring_up_to(champion, y[:"2022-09-06"]), pd.date_range("2022-09-10", periods=7))
    np.testing.assert_array_equal(means[origins.get_loc("2022-09-09")], live)
    assert len(means_since(champion, visible, 7, 3)[1]) == 0, "nothing new since its training"
