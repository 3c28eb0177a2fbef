"""The table of scores: what a row says, that none sees the future, and that none is ever lost."""

import numpy as np
import pandas as pd
import pytest
from figures import SAMPLE, retail, tabulated
from sktime.forecasting.naive import NaiveForecaster

from footfall.evaluation import review, scores
from footfall.evaluation.backtest import backtest
from footfall.evaluation.metrics import coverage, wis
from footfall.quantiles import LEVELS, QUANTILES
from footfall.series import DAY

LAG = 3
ORIGINS = pd.date_range("2022-09-20", periods=8)
KEY = ("PT", "retail_and_recreation")
PUBLISHED = pd.read_parquet(SAMPLE / "forecasts.parquet")


def published(origins=ORIGINS, horizon=7, levels=LEVELS):
    """Forecasts of `origins` in hubverse columns: the mean is the day of the month, the range ten wide."""
    facts = {"location": "PT", "target": "retail_and_recreation", "model_version": "sample/1", "snapshot": "ab12"}
    tables = []
    for origin in origins:
        days = pd.date_range(origin, periods=horizon + 1)[1:]
        mean = pd.Series(days.day.astype(float), index=days)
        ranges = pd.DataFrame(mean.to_numpy()[:, None] + 10 * (np.array(LEVELS) - 0.5), index=days, columns=QUANTILES)
        tables.append(tabulated(mean, ranges, list(levels), origin_date=f"{origin:%Y-%m-%d}", **facts))
    return pd.concat(tables, ignore_index=True)


def scored(as_of="2022-10-13", **forecasts):
    return scores.score(published(**forecasts), retail()[: pd.Timestamp(as_of) - LAG * DAY], LAG, "PT", {})


def test_a_row_says_what_was_said_and_what_happened():
    table, y = scored(), retail()
    assert len(table) == len(ORIGINS) * 7 and not table.isna().any(axis=None)
    row = table.set_index(scores.DATES).loc[("2022-09-20", "2022-09-23")]
    assert (row["horizon"], row["length"], row["kind"], row["model_version"]) == (3, 7, "ordinary", "sample/1")
    assert (row["mean"], row["low"], row["high"], row["actual"]) == (23, 19, 27, y["2022-09-23"])
    assert row["error"] == 23 - y["2022-09-23"]
    assert row["usual"] == y[pd.date_range(end="2022-09-16", periods=6, freq="7D")].median()
    far = table.set_index(scores.DATES).loc[("2022-09-20", "2022-09-25"), "usual"]
    assert far == y[pd.date_range(end="2022-09-11", periods=6, freq="7D")].median(), "the 18th was not yet published"
    assert table.set_index("target_end_date")["kind"]["2022-10-04":"2022-10-04"].unique() == "eve"


def test_a_day_with_an_event_was_no_usual_one_once_it_was_entered_as_on_the_page():
    def usual(site, entered):
        fair = {"events": [["2022-09-02", "2022-09-16", "Fair", "busier", site, entered]]}
        table = scores.score(published(), retail(), LAG, "PT", fair).set_index(scores.DATES)
        return table.loc[("2022-09-20", "2022-09-23"), "usual"]

    assert usual("", "2022-09-20") == usual("", "2022-09-01") != scored().set_index(scores.DATES)["usual"].iloc[2]
    assert usual("", "2022-09-21") == usual("Baixa", "2022-09-01")


def test_of_a_late_source_nothing_counts_that_the_forecast_did_not_have():
    late, y = {"2022-09-23": "2022-09-13", "2022-09-24": "2022-09-21"}, retail()  # a week late; in time
    forecasts = published(pd.DatetimeIndex([*late]))
    told = forecasts.assign(data_through=forecasts["origin_date"].map(late))
    table = scores.score(told, y, LAG, "PT", {})
    on_page = pd.concat(
        scores.score(forecasts[forecasts["origin_date"] == day], y.where((y.index <= through) | (y.index > day)),
                     LAG, "PT", {})
        for day, through in late.items()
    )  # fmt: skip
    words = [*scores.DATES, "usual", "said", "naive_error"]
    assert table[words].equals(on_page[words].reset_index(drop=True))
    errors = table.set_index(scores.DATES)["naive_error"]
    assert errors["2022-09-23", "2022-09-30"] == round(y["2022-09-09"] - y["2022-09-30"], 4)
    assert errors["2022-09-24", "2022-09-30"] == round(y["2022-09-16"] - y["2022-09-30"], 4)
    younger = scores.score_all(told, {KEY: y["2022-09-14":]}, LAG, {})
    assert {*younger["origin_date"]} == {"2022-09-24"}, "of what the other knew nothing is left"


def test_the_figures_are_those_of_the_backtest():
    table, y = scored(), retail()
    wide = pd.DataFrame({f"q{100 * a:02.0f}": table["mean"] + 10 * (a - 0.5) for a in LEVELS})
    wide = wide.assign(actual=y[pd.to_datetime(table["target_end_date"])].to_numpy())
    assert table["WIS"].mean() == pytest.approx(wis(wide), abs=1e-4)
    assert [table[f"covered{n}"].mean() for n in (50, 80, 90)] == [coverage(wide, n / 100) for n in (50, 80, 90)]


def test_the_naive_is_the_one_that_every_candidate_must_beat():
    naive = NaiveForecaster(strategy="last", sp=7)
    rival = backtest({"naive": naive}, retail(), ORIGINS, 7, LAG)
    expected = (rival["mean"] - rival["actual"]).to_numpy()
    np.testing.assert_allclose(scored()["naive_error"], expected)


def test_only_days_that_were_published_are_scored():
    table = scored("2022-09-26")
    assert table["target_end_date"].max() == "2022-09-23" and table["origin_date"].max() == "2022-09-22"
    assert len(table) == 3 + 2 + 1


def test_no_score_knows_a_later_day():
    y = retail()
    later = y.where(y.index <= "2022-09-27", 99.0)
    now = scores.score(published(), later, LAG, "PT", {})
    then = scores.known_by(scored(), "2022-09-30", LAG)
    assert scores.known_by(now, "2022-09-30", LAG).equals(then) and len(then) > 20
    assert not now.equals(scored())
    for origin in ORIGINS:  # nor what was usual, and the naive, one that was not published by the origin
        known = y.where((y.index <= origin - LAG * DAY) | (y.index > origin), 99.0)
        words = [*scores.DATES, "usual", "said", "naive_error"]
        of_origin = scores.score(published([origin]), known, LAG, "PT", {})
        assert of_origin[words].equals(scored(origins=[origin])[words])


def test_a_blank_day_is_not_scored_and_the_naive_looks_past_it():
    y = retail()
    y["2022-09-16"] = y["2022-09-23"] = np.nan
    table = scores.score(published(), y, LAG, "PT", {}).set_index(scores.DATES)
    assert "2022-09-23" not in table.index.get_level_values(1)
    row = table.loc[("2022-09-24", "2022-09-30")]  # the naive would say the 16th; the 9th is the last that is known
    assert row["naive_error"] == y["2022-09-09"] - y["2022-09-30"]


def test_a_day_said_to_be_closed_that_was_open_is_on_record_and_no_forecast():
    forecasts, shut = published(), "2022-09-24"
    closed = forecasts["target_end_date"] == shut
    forecasts = forecasts.assign(open=np.where(closed, "no", "yes"), value=forecasts["value"].mask(closed, -100.0))
    table = scores.score(forecasts, retail(), LAG, "PT", {})
    on, rest = table["target_end_date"] == shut, scored("2022-12-31")
    blank = ["mean", "low", "high", "error", "WIS", *scores.COVERED]
    assert on.sum() == 4 and table.loc[on, blank].isna().all(axis=None)
    assert table.loc[on, "actual"].notna().all() and set(table.loc[on, "said"]) == {"closed"}
    assert table[~on].equals(rest[~on]), "other days are scored as ever"
    series = {KEY: retail()}
    assert scores.unscored(["2022-09-20"], table, series, 7, 0) == [], "and it is not fetched again"
    card = review.report_card(table, "2022-12-31").query("by == 'all'")
    pd.testing.assert_frame_equal(card, review.report_card(rest[~on], "2022-12-31").query("by == 'all'"))
    assert review.track_record(table, "2022-12-31") == review.track_record(rest[~on], "2022-12-31")
    bands = {"window": 14, "least_skill": -9.0, "least_cover": 0.0, "most_cover": 1.0}
    assert review.drift(table, **bands) == review.drift(rest[~on], **bands)


def test_fewer_quantiles_are_scored_too():
    table = scored(levels=[0.1, 0.5, 0.9])
    assert table["WIS"].notna().all() and table["covered80"].notna().all() and table["covered50"].isna().all()


def test_nothing_published_is_an_empty_table_of_the_same_kind(tmp_path):
    nothing = scores.score(scores.read_forecasts(""), retail(), LAG, "PT", {})
    assert nothing.equals(scores.read_scores("")) and not len(nothing)
    scored().to_parquet(tmp_path / "scores.parquet", index=False)
    assert scores.read_scores(tmp_path / "scores.parquet").equals(scored())


def test_a_folder_of_forecasts_is_one_table(tmp_path):
    for day, table in PUBLISHED.groupby("origin_date"):
        table.to_parquet(tmp_path / f"{day}.parquet", index=False)
    assert scores.read_forecasts(tmp_path).equals(scores.read_forecasts(SAMPLE / "forecasts.parquet"))


# --- growth ---


@pytest.mark.long
def test_day_by_day_grows_to_the_same_bytes_as_at_once():
    table = scores.read_scores("")
    for day in pd.date_range("2022-09-22", "2022-10-13", freq="3D"):
        table = scores.grow(table, scored(day))
    assert scores.to_parquet(table) == scores.to_parquet(scored())


def test_a_row_stays_as_it_was_first_scored():
    first = scored()
    again = first.assign(actual=0.0, error=1.0)
    assert scores.grow(first, again) is first
    assert scores.merge(scores.to_parquet(first), again) == scores.to_parquet(first)
    assert scores.merge(None, first[:0]) is None


def test_an_earlier_review_loses_no_later_row():
    late, early = scored()[30:], scored("2022-09-28")
    merged = scores.from_parquet(scores.merge(scores.to_parquet(late), early))
    assert len(merged) == len(late) + len(
        early[~early.set_index(scores.DATES).index.isin(late.set_index(scores.DATES).index)]
    )
    assert merged.merge(late[scores.DATES]).equals(late.reset_index(drop=True))


def test_an_earlier_review_sees_no_later_row():
    assert scores.known_by(scored(), "2022-09-26", LAG).equals(scored("2022-09-26"))


def test_what_is_unscored_is_what_has_days_that_became_known():
    y, days = retail(), [f"{day:%Y-%m-%d}" for day in ORIGINS]
    today, tomorrow = y[:"2022-09-24"], y[:"2022-09-25"]
    table = scores.score(published(), today, LAG, "PT", {})
    assert scores.unscored(days, scores.read_scores(""), {KEY: today}, 7, 0) == days[:4]
    assert scores.unscored(days, table, {KEY: today}, 7, 0) == []
    assert scores.unscored(days, table, {KEY: tomorrow}, 7, 0) == days[:5]
    assert scores.unscored(days, table, {KEY: tomorrow}, 1, 0) == days[:5]  # a forecast says itself how long it is
    assert scores.unscored(days, scored(), {KEY: y}, 7, 0) == []


def test_a_place_that_had_no_forecast_is_not_asked_for_once_all_its_days_are_over():
    days, other = [f"{day:%Y-%m-%d}" for day in ORIGINS], ("PT-11", KEY[1])
    y = retail()[:"2022-09-29"]
    both = {KEY: y, other: y}
    table = scores.score(published(), y, LAG, "PT", {})
    assert scores.unscored(days, table, both, 7, 0) == days[3:], "those of which a day is to come may be late"
    assert scores.unscored(days, table, both, 7, 2) == days[1:], "and so may those over for no longer than that"
    assert scores.unscored(days, scores.read_scores(""), both, 7, 0) == days


def test_a_place_whose_earlier_figures_are_gone_is_scored_from_then_on():
    y = retail()["2022-09-20":"2022-10-10"]
    table = scores.score_all(published(), {KEY: y}, LAG, {})
    assert sorted(table["origin_date"].unique()) == [f"2022-09-{day}" for day in range(23, 28)]
    assert scores.score_all(published(), {KEY: y[:0]}, LAG, {}).empty


def test_a_revised_figure_is_told():
    table, y = scored(), retail()
    assert scores.revised(table, {KEY: y}) == []
    y["2022-09-24"] += 0.5
    assert len(scores.revised(table, {KEY: y})) == 1
    y = retail()
    y["2022-09-23"] += 2
    (sentence,) = scores.revised(table, {KEY: y})
    assert sentence == f"2022-09-23: {y['2022-09-23'] - 2:g} when it was scored, {y['2022-09-23']:g} now"
    news = scores.news(table, table, [sentence])
    assert news["sentence"].startswith("nothing new became known; revised by the source: 2022-09-23")
    many = scores.news(table, table, [f"day {number}" for number in range(400)])
    assert many["sentence"].endswith("day 397, day 398, day 399 and 397 earlier ones") and len(many["revised"]) == 400


def test_one_forecast_and_several_are_told():
    table = scored()
    assert scores.news(table[1:], table, [])["sentence"].startswith("1 forecast of a day became known, the last of ")
    assert scores.news(table[2:], table, [])["sentence"].startswith("2 forecasts of a day became known")


def test_the_bundled_forecasts_are_whole():
    origins = PUBLISHED["origin_date"].unique().tolist()
    assert origins == [f"{day:%Y-%m-%d}" for day in pd.date_range("2022-09-01", "2022-10-12")]
    assert (PUBLISHED.groupby("origin_date").size() == 7 * 20).all()
    assert (SAMPLE / "forecasts.parquet").stat().st_size < 60_000
