"""What the gate lets through, and what it says."""

import numpy as np
import pandas as pd
import pytest

from footfall.evaluation.gate import by_weather, gaining, judge

NAIVE = {"MAE": 4.0, "WIS": 3.0}
COLUMNS = ["MAE", "MASE", "WIS", "cover50", "cover80", "cover90", "cover95", "forecasts"]


def decide(scores, challenger, naive, champion=None, margin=0.02, proven=True):
    standing = {None: ""}.get(champion, "proven" if proven else "unproven")
    return judge(scores, challenger, naive, standing, margin, 249, 249)


def scores(**rows: dict) -> pd.DataFrame:
    whole = {name: dict.fromkeys(COLUMNS, 0.8) | row for name, row in {"naive": NAIVE, **rows}.items()}
    return pd.DataFrame.from_dict(whole, orient="index")


def test_a_better_challenger_passes():
    decision = decide(scores(calendar={"MAE": 3.0, "WIS": 2.0}), "calendar", "naive")
    assert decision.passed
    assert decision.reason == "calendar beats naive, WIS 2.00 against 3.00; there was no champion to beat"
    assert decision.figures["challenger"]["WIS"] == 2.0
    assert (decision.standing, decision.candidate) == ("proven", "calendar")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"MAE": 3.0, "WIS": 2.95}, "calendar is not 2% better than naive: WIS 2.95 against 3.00"),
        ({"MAE": 4.1, "WIS": 2.0}, "calendar loses to naive: MAE 4.10 against 4.00"),
        ({"MAE": np.nan, "WIS": 2.0}, "the challenger calendar has no score"),
        ({"MAE": 3.0, "WIS": np.nan}, "the challenger calendar has no score"),
        ({"cover80": 0.55}, "the 80 % range of calendar holds 55% of the days, not 60% to 98%"),
        ({"cover80": 1.0}, "the 80 % range of calendar holds 100% of the days, not 60% to 98%"),
    ],
)
def test_a_challenger_no_better_than_the_naive_is_turned_away(row, reason):
    champion = {"MAE": 9.0, "WIS": 9.0}
    decision = decide(scores(calendar=row, champion=champion), "calendar", "naive", "champion")
    assert (decision.passed, decision.reason, decision.standing) == (False, reason, "")


@pytest.mark.parametrize(
    ("row", "candidate"),
    [
        ({"MAE": 3.0, "WIS": 2.95}, "calendar"),
        ({"MAE": 4.1, "WIS": 2.0}, "naive"),
        ({"MAE": 3.9, "WIS": 3.1}, "naive"),
        ({"MAE": np.nan, "WIS": 2.0}, "naive"),
        ({"MAE": 3.0, "WIS": 2.0, "cover80": 0.55}, "naive"),
    ],
)
def test_a_market_without_a_champion_gets_the_best_that_is_known(row, candidate):
    table = scores(calendar=row, champion={"MAE": 9.0, "WIS": 9.0})
    for decision in (decide(table, "calendar", "naive"), decide(table, "calendar", "naive", "champion", proven=False)):
        assert (decision.passed, decision.standing, decision.candidate) == (True, "unproven", candidate)
        assert decision.reason.endswith(f"; {candidate} is used, nothing better is known yet")
        assert decision.figures["challenger"] == table.loc[candidate].to_dict()


def test_what_is_proven_takes_the_place_of_what_was_only_known():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": 3.5, "WIS": 2.99})
    decision = decide(table, "calendar", "naive", "champion", proven=False)
    assert (decision.passed, decision.standing) == (True, "proven")


@pytest.mark.parametrize(("error", "candidate"), [(3.9, "steady"), (4.1, "naive"), (np.nan, "naive")])
def test_a_young_series_gets_no_verdict(error, candidate):
    decision = judge(scores(steady={"MAE": error, "WIS": 2.0}), "steady", "naive", "", 0.02, 40, 249)
    assert (decision.passed, decision.standing, decision.candidate) == (True, "young", candidate)
    assert decision.reason == f"young: 40 days known, a verdict takes 249; {candidate} is used until then"


def test_the_naive_does_not_beat_itself():
    champion = {"MAE": 9.0, "WIS": 9.0}
    assert not decide(scores(champion=champion), "naive", "naive", "champion").passed


def test_the_margin_is_the_caller_s():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": 9.0, "WIS": 9.0})
    assert decide(table, "calendar", "naive", "champion", margin=0.3).passed
    assert not decide(table, "calendar", "naive", "champion", margin=0.4).passed


def test_the_champion_stays_where_it_is_better():
    table = scores(ETS={"MAE": 3.5, "WIS": 2.5}, champion={"MAE": 3.0, "WIS": 2.0})
    decision = decide(table, "ETS", "naive", "champion")
    assert not decision.passed
    assert decision.reason.endswith("but not the champion, WIS 2.50 against 2.00")
    equal = scores(ETS={"MAE": 2.5, "WIS": 2.0}, champion={"MAE": 3.0, "WIS": 2.0})
    assert not decide(equal, "ETS", "naive", "champion").passed, "as good is not better"


def test_a_better_recipe_follows_the_champion():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": 3.5, "WIS": 2.5})
    decision = decide(table, "calendar", "naive", "champion")
    assert decision.passed and decision.reason.endswith(", and the champion, WIS 2.00 against 2.50")


def test_the_champion_s_own_recipe_is_refreshed():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": 3.0, "WIS": 2.0})
    decision = decide(table, "calendar", "naive", "champion")
    assert decision.passed
    assert "refreshed on newer data" in decision.reason


def test_a_champion_that_lost_its_edge_is_not_refreshed():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.99}, champion={"MAE": 3.0, "WIS": 2.99})
    assert not decide(table, "calendar", "naive", "champion").passed


def test_without_a_scale_for_mase_all_else_decides():
    row = {"MAE": 3.0, "WIS": 2.0, "MASE": np.nan}
    assert decide(scores(calendar=row), "calendar", "naive", None).passed
    assert "refreshed" in decide(scores(calendar=row, champion=dict(row)), "calendar", "naive", "champion").reason


def test_an_unscored_champion_is_said():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": np.nan, "WIS": np.nan})
    assert decide(table, "calendar", "naive", "champion").reason == "the champion has no score"


def test_a_row_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        decide(scores(), "calendar", "naive")


def test_a_proven_champion_is_not_replaced_where_there_are_too_few_days_for_a_verdict():
    board = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": 3.5, "WIS": 2.5})
    first, kept = (judge(board, "calendar", "naive", standing, 0.02, 57, 249) for standing in ("young", "proven"))
    assert (first.passed, first.standing) == (True, "young")
    assert (kept.passed, kept.standing) == (False, "") and "stays" in kept.reason
    assert judge(board, "calendar", "naive", "proven", 0.02, 249, 249).passed, "as many as needed are enough"


@pytest.mark.parametrize(("losing", "passed"), [(0.1, True), (0.11, False)])
def test_of_many_series_a_challenger_that_loses_on_too_many_is_turned_away(losing, passed):
    board = scores(calendar={"MAE": 3.0, "WIS": 2.0}, champion={"MAE": 3.5, "WIS": 2.5})
    decision = judge(board, "calendar", "naive", "proven", 0.02, 300, 249, losing, 0.1)
    assert decision.passed == passed
    assert passed or decision.reason == "calendar loses to naive on 11% of the series, 10% may"


def by_series(**wis):
    """A row for each series, window and candidate: `wis` of *steady* without and with weather, over both windows."""
    rows = [("PT-11/" + place, "count", window, name, number)
            for place, windows in wis.items() for window, numbers in zip(("selection", "report"), windows, strict=True)
            for name, number in zip(("steady", "steady, weather"), numbers, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["location", "category", "window", "candidate", "WIS"])


@pytest.mark.parametrize(
    ("selection", "report", "judged"),
    [(1.9, 1.97, "steady, weather"), (1.9, 1.99, "steady"), (1.9, 2.2, "steady"), (2.0, 1.9, "steady")],
)
def test_weather_must_save_a_hundredth_of_its_twin_s_error_on_the_days_of_the_verdict_too(selection, report, judged):
    challenger = "steady, weather"
    table = by_series(inside=[(2.0, 2.1), (2.0, 2.1)], terrace=[(2.0, selection), (2.0, report)])
    board = pd.DataFrame({"WIS": [2.0, 2.0, 3.0]}, ["steady", "steady, weather", "naive"])
    worse = board.assign(WIS=[2.0, 2.01, 3.0])
    assert by_weather(table, worse, challenger) == "steady", "of the others more is lost than one gains"
    assert by_weather(table, board, challenger) == judged and by_weather(table, board, "naive") == "naive"
    assert [*gaining(table, challenger)] == ([("PT-11/terrace", "count")] if "weather" in judged else [])


def test_weather_that_was_not_chosen_is_not_judged_however_well_it_does_on_the_days_of_the_verdict():
    table = by_series(inside=[(2.0, 2.4), (2.0, 2.0)], terrace=[(2.0, 1.9), (2.0, 1.5)])
    board = pd.DataFrame({"WIS": [2.0, 1.75, 3.0]}, ["steady", "steady, weather", "naive"])
    assert len(gaining(table, "steady")) and by_weather(table, board, "steady") == "steady"


def test_a_candidate_that_takes_in_the_weather_and_has_no_twin_is_judged_itself():
    table = by_series(inside=[(2.0, 1.0), (2.0, 1.0)])
    alone = table[table["candidate"] != "steady"]
    assert by_weather(
        alone, pd.DataFrame({"WIS": [1.0]}, ["steady, weather"]), "steady, weather"
    ) == "steady, weather" and not len(gaining(alone, "steady, weather"))


def test_where_the_naive_would_speak_the_one_of_ordinary_days_does_and_the_yardstick_stays():
    """Whatever it scores: what it says of a coming week after a holiday is not in these figures."""
    name = "naive, ordinary days"
    for other, challenger in (({"MAE": 3.9, "WIS": 2.9}, "calendar"), ({"MAE": 4.1, "WIS": 3.1}, "naive")):
        table = scores(calendar={"MAE": 4.2, "WIS": 3.2}, **{name: other})
        for decision in (decide(table, challenger, "naive"), judge(table, challenger, "naive", "", 0.02, 40, 249)):
            assert decision.candidate == name and f"; {name} is used" in decision.reason
            assert decision.figures["naive"]["MAE"] == 4.0 and decision.figures["challenger"]["MAE"] == other["MAE"]


def test_of_a_champion_that_cannot_be_read_the_decision_says_so():
    table = scores(calendar={"MAE": 3.0, "WIS": 2.0})
    decision = judge(table, "calendar", "naive", "", 0.02, 100, 90, unread="the champion cannot be read: no Mine")
    assert decision.passed and decision.standing == "proven"
    assert decision.reason == "the champion cannot be read: no Mine; calendar beats naive, WIS 2.00 against 3.00"
