"""What the scores are made to say: the report card, decay, the track record."""

import numpy as np
import pandas as pd
import pytest

from footfall.evaluation import review
from footfall.evaluation.scores import TYPES
from footfall.params import ReviewSettings

END = pd.Timestamp("2022-10-10")


def drift(scores):
    return review.drift(scores, **ReviewSettings().model_dump())


def table(days=120, error=1.0, naive=2.0, held=0.8, **columns):
    """Scores of `days` up to the end, two horizons each."""
    day = np.repeat(pd.date_range(end=END, periods=days), 2)
    rows = pd.DataFrame({"target_end_date": day.strftime("%Y-%m-%d"), "horizon": np.tile([1, 2], days)})
    rows["origin_date"] = (day - pd.to_timedelta(rows["horizon"], unit="D").array).strftime("%Y-%m-%d")
    rows["location"], rows["target"] = "PT", "retail_and_recreation"
    plain = {"length": 2, "kind": "ordinary", "mean": 10.0, "low": 5.0, "high": 15.0, "usual": 8.0, "actual": 11.0,
             "error": error, "naive_error": naive, "WIS": 0.7, "covered50": 0.5, "covered80": held,
             "covered90": 1.0, "said": "usual", "model_version": "m/1"}  # fmt: skip
    return rows.assign(**{**plain, **columns})[list(TYPES)].astype(TYPES)


def test_the_report_card_has_a_row_for_every_window_horizon_and_kind():
    rows = table(kind=np.where(np.arange(240) == 239, "holiday", "ordinary"))
    card = review.report_card(rows, "2022-10-13").set_index(["window", "by", "of"])
    parts = [("all", ""), ("horizon", "1"), ("horizon", "2"), ("kind", "holiday"), ("kind", "ordinary")]
    assert card.loc[7].index.tolist() == parts
    assert card.loc[(7, "all", ""), ["days", "forecasts"]].tolist() == [7, 14]
    assert card.loc[(90, "horizon", "1"), "days"] == 90
    assert card.loc[(28, "all", ""), ["MAE", "naive_MAE", "skill", "WIS"]].tolist() == pytest.approx([1, 2, 0.5, 0.7])
    assert card.loc[(28, "kind", "holiday"), "forecasts"] == 1


def test_the_windows_end_with_the_last_day_known_by_as_of():
    rows = table()
    week = review.last_days(rows, "2022-09-15", 7)["target_end_date"]
    assert (week.min(), week.max()) == ("2022-09-09", "2022-09-15")
    assert review.last_days(rows, "2022-10-13", 1)["target_end_date"].unique().tolist() == ["2022-10-10"]


def test_good_forecasts_have_not_decayed():
    decay = drift(table())
    assert not decay.decayed and decay.since is None
    good = "within its band: skill 0.50, the 80 % range held 80% of the days"
    assert decay.reason == f"{good}; over the 42 days to 2022-10-10"
    assert decay.figures == {"skill": 0.5, "cover80": 0.8, "days": 42, "forecasts": 84}


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("error", 4.0, "skill is -1.00, and must be -0.20 or more"),
        ("covered80", 0.0, "the 80 % range held 0% of the days, and must hold 60% to 98%"),
        ("covered80", 1.0, "the 80 % range held 100% of the days"),
    ],
)
def test_forecasts_that_leave_their_band_have_decayed(column, value, says):
    decay = drift(table(**{column: value}))
    assert decay.decayed and says in decay.reason


def test_since_is_the_first_day_outside():
    rows = table()
    day = pd.to_datetime(rows["target_end_date"])
    rows.loc[day > "2022-09-20", "error"] = 5.0
    decay = drift(rows)
    assert decay.decayed
    before = drift(rows[day < decay.since])
    assert not before.decayed and drift(rows[day <= decay.since]).decayed
    assert drift(table(error=9.0)).since == "2022-07-14", "the first day that is judged, the 32nd"


def test_a_large_house_counts_as_much_as_a_small_one():
    big = table(error=900.0, naive=1000.0, location="PT-11/Big")
    small = table(error=4.0, naive=2.0, location="PT-11/Small")
    both = pd.concat([big, small])
    assert review.accuracy(both)["skill"] == pytest.approx(-0.45) and drift(both).decayed


def test_a_day_that_the_naive_says_nothing_of_says_nothing_of_skill():
    rows = table()
    rows.loc[[238, 239], ["error", "naive_error"]] = 90.0, np.nan
    assert review.accuracy(rows)["skill"] == 0.5 and drift(rows).figures["skill"] == 0.5


def test_a_few_days_are_not_judged():
    assert drift(table(31, error=9.0)).reason == "too early to tell: 31 of the last 42 days are scored"
    assert drift(table(32, error=9.0)).decayed
    sparse = table(error=9.0)[lambda rows: ~rows["target_end_date"].between("2022-08-31", "2022-10-07")]
    assert drift(sparse).reason == "too early to tell: 4 of the last 42 days are scored", "less than one a week"
    assert drift(table(0)).reason == "too early to tell: 0 of the last 42 days are scored"


@pytest.mark.parametrize("rests", [(6, 0), (0, 1, 2, 3), (0, 1, 2, 3, 4, 6)])
def test_a_house_that_rests_some_days_a_week_is_judged_too(rests):
    bad, early = table(error=9.0), table(28, error=9.0)
    bad, early = (rows[~pd.to_datetime(rows["target_end_date"]).dt.dayofweek.isin(rests)] for rows in (bad, early))
    assert drift(bad).decayed and drift(early).reason.startswith("too early to tell")
    after_months = bad[~pd.to_datetime(bad["target_end_date"]).between("2022-08-30", "2022-10-06")]
    assert drift(after_months).reason.startswith("too early to tell"), "of a few days nothing is said"


def test_a_hole_in_the_days_is_not_a_cause():
    rows = table()
    day = pd.to_datetime(rows["target_end_date"])
    kept = rows[~day.between("2022-09-20", "2022-09-24")]
    assert not drift(kept).decayed and drift(kept).figures["days"] == 37


def test_the_track_record_counts_what_was_told_and_came_true():
    said = np.tile(["usual", "busier", "quieter", "busier"], 60)
    happened = np.tile([0.0, 9.0, 6.0, 7.0], 60)  # usual is 8: right, right, wrong
    track = review.track_record(table(said=said, actual=happened), "2022-10-13")
    assert track["through"] == "2022-10-10"
    assert track["28"] == {"days": 28, "forecasts": 56, "range_held": 0.8, "statements": 42, "right": 0.6667}
    assert track["90"]["days"] == 90


def test_nothing_is_known_of_nothing():
    track = review.track_record(table(0), "2022-10-13")
    assert track["through"] is None and track["28"]["range_held"] is None
    card = review.report_card(table(0), "2022-10-13")
    assert card["forecasts"].tolist() == [0, 0, 0] and review.to_records(card)[0]["skill"] is None


PIPE = {"events": [["2022-10-03", "2022-10-04", "Burst pipe", "unknown", "", ""]]}


def test_days_with_an_event_are_told_apart_and_call_for_no_training():
    day = pd.Series(table()["target_end_date"])
    rows = table(error=np.where(day.isin(["2022-10-03", "2022-10-04"]), 90.0, 1.0))
    judged = review.with_events(rows, PIPE)
    card = review.report_card(judged, "2022-10-13").set_index(["window", "by", "of"])
    assert card.loc[(28, "kind", review.EVENT), ["days", "MAE"]].tolist() == [2, 90.0]
    assert card.loc[(28, "kind", "ordinary"), "MAE"] == 1.0
    assert drift(rows).decayed and not drift(judged[judged["kind"] != review.EVENT]).decayed
    other = {"events": [[*PIPE["events"][0][:4], "Baixa", ""]]}
    assert review.with_events(rows, other).equals(rows) and review.with_events(rows, {}).equals(rows)


def test_what_is_on_each_week_is_no_event_to_the_review():
    rows = table()
    fridays = pd.date_range("2022-07-01", "2022-10-14", freq="W-FRI").strftime("%F")
    music = [[day, day, "Music", "busier", "", ""] for day in fridays]
    assert review.with_events(rows, {"events": music}).equals(rows)
    judged = review.with_events(rows, {"events": [*music[-2:], *PIPE["events"]]})
    days = sorted({*judged.loc[judged["kind"] == review.EVENT, "target_end_date"].astype("str")})
    assert days == ["2022-10-03", "2022-10-04", "2022-10-07"]
