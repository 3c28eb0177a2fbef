"""The backtest of a market: one series is what it was, many are pooled in one unit."""

import numpy as np
import pandas as pd
import pytest
from figures import retail
from lightgbm.basic import LightGBMError
from sklearn.linear_model import Ridge
from sktime.forecasting.compose import make_reduction
from sktime.forecasting.naive import NaiveForecaster

from footfall.errors import DataProblem
from footfall.evaluation import backtest, gate, rolling
from footfall.evaluation.intervals import with_quantiles
from footfall.evaluation.rolling import roll
from footfall.models import ETS, KindOfDay, LastYearsTurn, LogLevel, OrdinaryNaive, SeasonalNaive, WeekdaySmoother
from footfall.params import fewest_origins

CANDIDATES = {
    "calendar": LogLevel() * KindOfDay("XX") * LastYearsTurn() * WeekdaySmoother(),
    "seasonal naive": SeasonalNaive(),
}
NAIVE = "seasonal naive"


def counts(size, days=400, seed=0, weekly=0.3):
    """Guests a day of a house of some size; a larger `weekly` is easier for a model than for the naive."""
    draw, day = np.random.default_rng(seed), pd.date_range("2024-01-01", periods=days)
    noise = np.exp(draw.normal(0, weekly, days))
    return pd.Series(np.round(size * (1 + 0.3 * np.sin(day.dayofweek)) * noise), index=day, name="count", dtype=float)


@pytest.fixture(scope="module")
def houses():
    """A small house and one fifty times as large, in Lisbon and in Berlin, and one that opened two months ago."""
    young = counts(80, seed=3).tail(60)
    return {("PT-11/A", "count"): counts(20), ("DE/B", "count"): counts(1000, seed=1), ("PT-11/C", "count"): young}


@pytest.fixture(scope="module")
def past(houses):
    return roll(houses, CANDIDATES, 90, 7, 1)


def test_of_one_series_it_is_that_series_own_backtest():
    y = retail()
    past = roll({("PT", y.name): y}, CANDIDATES, 70, 7, 3)
    recipe = CANDIDATES["calendar"].clone().set_params(KindOfDay__country="PT")
    origins = backtest.last_origins(y, 70, 7, 3)
    table = backtest.backtest({"calendar": recipe, NAIVE: SeasonalNaive()}, y, origins, 7, 3)
    table = with_quantiles(table, "PT", 3)
    for window, days in zip(("selection", "report"), past.windows[1:], strict=True):
        own = backtest.leaderboard(table[table["origin"].isin(days)], y)
        pd.testing.assert_frame_equal(past.leaderboard(window), own, check_exact=False, rtol=1e-12)


def test_a_large_house_counts_as_much_as_a_small_one(past):
    board = past.leaderboard("report")
    each = past.scores[past.scores["window"] == "report"]
    ratio = each["MAE"] / each["scale"]
    by_hand = ratio.groupby(each["candidate"]).mean() * each.groupby(["location", "category"])["scale"].first().median()
    assert board["MAE"].to_dict() == pytest.approx(by_hand.to_dict())
    assert board["forecasts"].iloc[0] == each.groupby("candidate")["forecasts"].sum().iloc[0]


def test_one_whose_counter_was_stuck_before_does_not_decide_for_all(houses):
    stuck = counts(50, seed=4)
    stuck.iloc[:-100] = 50.0
    stuck.iloc[100] = 51.0
    scores = roll(houses | {("PT-11/D", "count"): stuck}, CANDIDATES, 90, 7, 1).scores
    naive = scores[scores["candidate"] == NAIVE]
    assert (naive["MAE"] / naive["scale"]).between(0.5, 1.5).all(), "each errs by about its scale, not by ten of it"


def test_a_house_whose_weeks_are_all_alike_spoils_no_others_score():
    alike = counts(20)
    alike[:] = 10.0 * (1 + alike.index.dayofweek)
    both = {("PT-11/A", "count"): counts(20), ("PT-11/B", "count"): alike}
    board = roll(both, CANDIDATES, 90, 7, 1).leaderboard("report")
    assert np.isfinite(board).all(axis=None) and board.loc["calendar", "WIS"] < board.loc[NAIVE, "WIS"]
    alone = roll({("PT-11/B", "count"): alike}, CANDIDATES, 90, 7, 1).leaderboard("report")
    assert alone.loc[NAIVE, ["MAE", "WIS"]].tolist() == [0, 0] and alone["MASE"].isna().all()


def test_each_keeps_the_special_days_of_its_own_country(houses, past):
    alone = roll({("DE/B", "count"): houses["DE/B", "count"]}, CANDIDATES, 90, 7, 1)
    key = ("DE/B", "count")
    pd.testing.assert_frame_equal(past.of(key, "report"), alone.of(key, "report"))


def test_a_house_shut_all_winter_is_judged_on_its_summers():
    y = counts(80, days=860)
    y[y.index.month.isin([11, 12, 1, 2, 3, 4])] = np.nan
    y = y["2024-05-01":"2026-05-03"]
    past = roll({("PT-11/A", "count"): y}, CANDIDATES, 182, 7, 1)
    assert len(past.origins) == 182 and y.reindex(past.origins).isna().sum() == 3, "from the eves of its opening alone"
    assert all(past.leaderboard(window)["forecasts"].iloc[0] > 50 * 5 for window in ("selection", "report"))
    assert past.days_known == 2 * (184 - 1 + 7) + 3, "with a week before each opening, without each last day"


def test_the_naive_speaks_where_it_was_better_twice(past):
    past.scores.loc[past.scores["location"].eq("DE/B") & past.scores["candidate"].eq("calendar"), "MAE"] *= 9
    accounts = past.accounts("calendar", NAIVE, "calendar").set_index("location")
    assert accounts["status"].to_dict()["DE/B"] == "fell back" and accounts.loc["DE/B", "candidate"] == NAIVE
    assert accounts.loc["PT-11/A", ["status", "candidate"]].tolist() == ["published", "calendar"]
    assert "times as much as seasonal naive" in accounts.loc["DE/B", "reason"]
    for place, speaker in (("DE/B", NAIVE), ("PT-11/A", "calendar")):
        scores = ["MAE", "MASE", "WIS", "cover80"]
        own = past.scores[past.scores["location"].eq(place) & past.scores["candidate"].eq(speaker)]
        own = own.set_index("window").loc["report"]
        assert accounts.loc[place, scores].tolist() == own[scores].tolist(), "they are of who speaks"
    rows = past.residuals("calendar", NAIVE, accounts.reset_index()).groupby("location")
    batch = next(batch for batch in past.batches if ("DE/B", "count") in batch.y)
    naive = batch.means[NAIVE][..., batch.y.columns.get_loc(("DE/B", "count"))]
    assert rows.get_group("DE/B")["mean"].tolist() == naive.ravel().tolist()
    assert len(rows) == 3


def test_in_its_place_speaks_the_naive_of_ordinary_days_with_its_own_errors(houses):
    ordinary = f"{NAIVE}, ordinary days"
    past = roll(houses, CANDIDATES | {ordinary: OrdinaryNaive("XX")}, 90, 7, 1)
    past.scores.loc[past.scores["location"].eq("DE/B") & past.scores["candidate"].eq("calendar"), "MAE"] *= 9
    accounts = past.accounts("calendar", NAIVE, "calendar").set_index("location")
    assert accounts.loc["DE/B", ["status", "candidate"]].tolist() == ["fell back", ordinary]
    assert "times as much as seasonal naive" in accounts.loc["DE/B", "reason"], "the yardstick"
    rows = past.residuals("calendar", NAIVE, accounts.reset_index()).groupby("location").get_group("DE/B")
    batch = next(batch for batch in past.batches if ("DE/B", "count") in batch.y)
    at = batch.y.columns.get_loc(("DE/B", "count"))
    assert rows["mean"].tolist() == batch.means[ordinary][..., at].ravel().tolist()
    assert past.accounts(ordinary, NAIVE, ordinary)["status"].ne("fell back").all(), "none from itself to itself"


def test_young_is_one_of_few_days_and_not_one_that_was_shut_of_late(houses):
    shut = counts(30, seed=4)
    shut.iloc[-40:] = np.nan
    past = roll(houses | {("PT-11/D", "count"): shut}, CANDIDATES, 90, 7, 1)
    accounts = past.accounts("calendar", NAIVE, "calendar").set_index("location")
    assert np.isnan(accounts.loc["PT-11/D", "ratio"]) and accounts.loc["PT-11/C", "ratio"] > 0
    status = accounts["status"].to_dict()
    assert status == dict.fromkeys(["PT-11/A", "DE/B", "PT-11/D"], "published") | {"PT-11/C": "young"}


def test_a_series_that_was_scored_in_one_window_alone_keeps_its_model(houses):
    past = roll(houses, CANDIDATES, 90, 7, 1)
    of, worse = past.scores["location"].eq("DE/B"), past.scores["candidate"].eq("calendar")
    past.scores.loc[of & worse, "MAE"] *= 9
    past.scores.drop(past.scores.index[of & past.scores["window"].ne("report")], inplace=True)
    assert not past.by_series("calendar", NAIVE).loc[("DE/B", "count"), "loses"]


def test_where_the_choice_has_no_day_of_a_series_the_first_that_it_has_is_drawn(houses, past):
    new = counts(20, seed=5).tail(40)
    gone = counts(20, seed=6)[:"2024-09-30"]
    many = {("PT-11/0", "count"): new, ("PT-11/1", "count"): gone} | houses
    rolled = roll(many, CANDIDATES, 90, 7, 1)
    first = ("DE/B", "count")
    assert [rolled.shown(("PT-11/0", "count")), rolled.shown(("PT-11/1", "count"))] == [first, first]
    assert past.shown(("PT-11/A", "count")) == ("PT-11/A", "count") and len(rolled.of(first, "selection"))


def test_a_site_that_is_long_gone_does_not_judge_for_those_that_go_on(houses):
    gone, key = counts(20, seed=6), ("PT-11/C", "count")
    many = {("PT-11/0", "count"): gone.set_axis(gone.index - pd.Timedelta(days=400)), key: houses[key]}
    past = roll(many, CANDIDATES, 90, 7, 1)
    assert past.windows.report[-1] == houses[key].index[-1] - pd.Timedelta(days=7) and past.days_known == 60
    of_living = past.scores[past.scores["location"] == "PT-11/C"]
    assert len(of_living) == len(past.scores) and not past.of(key, "report").empty
    board = past.leaderboard("report")
    assert gate.judge(board, "calendar", NAIVE, "", 0.02, past.days_known, past.needed).standing == "young"
    assert roll(houses | many, CANDIDATES, 90, 7, 1).days_known == 400
    shut = {("PT-11/1", "count"): gone.set_axis(gone.index - pd.Timedelta(days=60))}
    assert roll(many | shut, CANDIDATES, 90, 7, 1).days_known > 60, "one new one does not judge for most"


def test_of_many_those_that_take_one_after_the_other_are_left_out(houses, monkeypatch):
    slow = CANDIDATES | {"ETS": ETS(trend="add", damped_trend=True, seasonal="mul", sp=7)}
    monkeypatch.setattr(rolling, "LOOPED", 2)
    past = roll(houses, slow, 90, 7, 1)
    assert past.left_out == ["ETS"] and set(past.leaderboard("report").index) == set(CANDIDATES)
    with_champion = roll(houses, slow | {"champion": NaiveForecaster(sp=7)}, 90, 7, 1)
    assert with_champion.left_out == ["ETS"] and "champion" in with_champion.leaderboard("report").index


@pytest.mark.parametrize(("horizon", "lag", "days"), [(28, 1, 104), (28, 1, 142), (14, 3, 95), (7, 14, 99)])
def test_there_is_no_age_at_which_a_series_cannot_be_trained_on(horizon, lag, days):
    y = counts(20, days=days)
    y[y.index.dayofweek == 0] = np.nan
    past = roll({("PT-11/A", "count"): y}, {NAIVE: SeasonalNaive()}, 182, horizon, lag)
    assert past.days_known < past.needed and len(past.leaderboard("report"))


@pytest.mark.parametrize(("days", "horizon", "lag"), [(3, 7, 1), (109, 28, 7)])
def test_a_backtest_whose_choice_and_verdict_would_share_their_days_is_refused(days, horizon, lag):
    with pytest.raises(ValueError, match=rf"backtest_days is {days}; .* {fewest_origins(horizon, lag)} or more"):
        roll({("PT-11/A", "count"): counts(20)}, CANDIDATES, days, horizon, lag)


def test_a_candidate_that_cannot_be_asked_is_named():
    direct = CANDIDATES | {"ridge direct": make_reduction(Ridge(), window_length=14, strategy="direct")}
    with pytest.raises(DataProblem, match="ridge direct"):
        roll({("PT-11/A", "count"): counts(20)}, direct, 90, 7, 1)


class Changed(SeasonalNaive):
    """Stands for one that was saved before its library took another fit."""

    def __init__(self, error: type[Exception] = TypeError, at: str = "_fit"):
        self.error, self.at = error, at
        super().__init__()

    def _fit(self, y, X, fh):
        return self._changed("_fit") or super()._fit(y, X, fh)

    def forecasts(self, y, known, ahead):
        return self._changed("forecasts") or super().forecasts(y, known, ahead)

    def _changed(self, at):
        if self.at == at:
            raise self.error("it takes no fh\nand more")


@pytest.mark.parametrize("at", ["_fit", "forecasts"])
def test_a_champion_that_cannot_be_fitted_any_more_is_compared_with_nothing(houses, at):
    without = roll(houses, CANDIDATES | {"champion": Changed(at=at)}, 90, 7, 1)
    assert without.unread == "the champion cannot be fitted any more: TypeError: it takes no fh"
    alone = roll(houses, CANDIDATES, 90, 7, 1)
    pd.testing.assert_frame_equal(without.scores, alone.scores)
    assert alone.unread == ""


@pytest.mark.parametrize(
    ("name", "error", "stopped", "says"),
    [
        ("champion", MemoryError, MemoryError, "it takes no fh"),
        ("champion", OSError, DataProblem, "candidate 'champion', OSError"),
        ("champion", RuntimeError, DataProblem, "candidate 'champion', RuntimeError"),  # can't start new thread
        ("champion", LightGBMError, DataProblem, "candidate 'champion', LightGBMError"),  # std::bad_alloc
        ("changed", TypeError, DataProblem, "candidate 'changed', TypeError"),
    ],
)
def test_errors_of_the_machine_and_other_candidates_stop_a_training(name, error, stopped, says):
    with pytest.raises(stopped, match=says) as problem:
        roll({("PT-11/A", "count"): counts(20)}, CANDIDATES | {name: Changed(error)}, 90, 7, 1)
    assert problem.type is stopped


def test_where_a_window_has_no_day_to_score_it_says_what_to_do():
    blank = LogLevel() * WeekdaySmoother(level=np.nan)
    with pytest.raises(ValueError, match="give more backtest_days, or leave a candidate out"):
        roll({("PT-11/A", "count"): counts(20)}, CANDIDATES | {"blank": blank}, 90, 7, 1)
    hardly_known = counts(20, days=40)
    hardly_known.iloc[16:-1] = np.nan
    with pytest.raises(DataProblem, match="train again in a week"):
        roll({("PT-11/A", "count"): hardly_known}, CANDIDATES, 90, 7, 1)


def test_a_young_house_that_rests_two_days_a_week_is_told_to_come_back_and_can_then_be_trained():
    y = counts(100, days=35).set_axis(pd.date_range("2024-09-04", periods=35))
    y[y.index.dayofweek.isin([6, 0])] = np.nan
    candidates = CANDIDATES | {"steady": CANDIDATES["calendar"]}
    with pytest.raises(DataProblem, match=r"yet: 28 days .* train again in a week"):
        roll({("PT-11/A", "count"): y[: backtest.youngest(1, 7)]}, candidates, 182, 7, 1)
    assert len(roll({("PT-11/A", "count"): y}, candidates, 182, 7, 1).leaderboard("report"))
