"""What may be published: a forecast that breaks a rule is stopped, and the rule named."""

import numpy as np
import pandas as pd
import pytest
from figures import retail, tabulated

from footfall.errors import DataProblem
from footfall.forecast import check_champion, objections, read_forecast, tabulate, week, write_forecast

LEVELS = [0.1, 0.5, 0.9]
DAYS = pd.date_range("2022-10-14", periods=7)
MEAN = pd.Series([12.0, 15.0, 11.0, 10.0, 9.0, 8.0, 14.0], index=DAYS)
FACTS = {"location": "PT", "target": "retail_and_recreation", "model_version": "sample/1", "snapshot": "ab" * 32}
ABOUT = {"location": "PT", "category": "retail_and_recreation", "horizon": 7, "lag": 3, "data_through": "2022-10-13"}


def forecast(mean=MEAN):
    quantiles = pd.DataFrame({"q10": mean - 4, "q50": mean, "q90": mean + 4})
    return tabulated(mean, quantiles, LEVELS, origin_date="2022-10-13", **FACTS)


def altered(value, day="2022-10-16", number="0.1"):
    table = forecast()
    at = (table["target_end_date"] == day) & (table["output_type_id"] == number)
    return table.assign(value=table["value"].mask(at, value))


def objected(table, y=None, total=MEAN):
    """What speaks against the forecast of a single series."""
    y, key = retail() if y is None else y, (table["location"].iloc[0], table["target"].iloc[0])
    return objections(table, y.to_frame(key), 7, LEVELS, total.to_numpy()[:, None]).get(key, [])


def test_a_sound_forecast_passes():
    assert not objected(forecast())
    low = MEAN.mask(MEAN.index == DAYS[2], -100.0)
    at_the_floor = forecast(low).assign(value=forecast(low)["value"].clip(lower=-100))
    assert not objected(at_the_floor, total=low - 0.004)  # rounded, and nobody is fewer than nobody


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (altered(np.nan), "2022-10-16 q10: nan — missing or not finite"),
        (altered(np.inf, number="0.9"), "2022-10-16 q90: inf — missing or not finite"),
        (forecast().drop(index=5), "2022-10-15 q10: nan — missing or not finite"),
        (altered(99.0, number="0.5"), "2022-10-16 q90: 15 — quantiles are not in order"),
        (altered(14.0), "2022-10-16 q50: 11 — quantiles are not in order"),
        (altered(-100.01), "2022-10-16 q10: -100.01 — below -100, which no visit count can reach"),
        (
            altered(5e3, number="0.9"),
            "2022-10-16 q90: 5000 — absurd: further from the series than 3 times its own range",
        ),
        (altered(20.0, number=""), "2022-10-16 mean: 20 — not what its parts add up to"),
        (forecast(MEAN * 0 + 3), "3 — the same value every day, as the series never had"),
        (forecast(MEAN[:6]), "6 days, 2022-10-14 to 2022-10-19 — not the 7 days after 2022-10-13"),
        (forecast(MEAN.shift(1, "D")), "7 days, 2022-10-15 to 2022-10-21 — not the 7 days after 2022-10-13"),
        (forecast(MEAN.drop(DAYS[3])), "6 days, 2022-10-14 to 2022-10-20 — not the 7 days after 2022-10-13"),
        (pd.concat([forecast(), forecast()[:1]]), "29 rows — 7 days of 4 numbers are needed, each of them once"),
        (forecast().drop(index=5), "27 rows — 7 days of 4 numbers are needed, each of them once"),
    ],
)
def test_a_broken_rule_is_named_with_its_place_and_what_was_seen(table, problem):
    assert problem in objected(table)


def test_every_broken_rule_is_named_and_each_once():
    spoilt = forecast(MEAN - 5e3)
    below, absurd, parts = objected(spoilt)
    assert below.endswith("which no visit count can reach, and 27 more")
    assert absurd.endswith("its own range, and 27 more") and parts.endswith("add up to, and 6 more")


def test_a_forecast_whose_parts_are_unknown_is_stopped():
    assert objected(forecast(), total=MEAN * np.nan) == [
        "2022-10-14 mean: 12 — not what its parts add up to, and 6 more"
    ]


def test_a_series_that_stands_still_may_be_forecast_to():
    y = retail().clip(3, 3).where(lambda y: y.index > y.index[0], 90)
    assert not objected(forecast(MEAN * 0 + 3), y, MEAN * 0 + 3)


@pytest.mark.parametrize(
    ("open_on", "last_week", "is_stuck"),
    [([5], 9.0, False), ([5, 6], 9.0, False), ([4, 5, 6], 3.0, False), ([4, 5, 6], 9.0, True)],
)
def test_the_same_every_day_is_right_of_one_weekday_and_after_a_week_that_was_so(open_on, last_week, is_stuck):
    y = pd.Series(np.arange(60.0), pd.date_range("2025-03-06", "2025-05-04"))
    y.iloc[-7:-3], y.iloc[-3:] = np.nan, [3.0, 3.0, last_week]
    days = pd.date_range("2025-05-05", periods=28)
    facts = {"origin_date": "2025-05-04", "model_version": "sample/1", "snapshot": "ab12"}
    numbers, shut = np.full((1, 28, 4), 3.0), ~days.dayofweek.isin(open_on)
    table = tabulate(numbers, days, [("PT/A", "count")], LEVELS, shut[None], **facts)
    broken = objections(table, y.to_frame(("PT/A", "count")), 28, LEVELS, numbers[0, :, :1])
    assert bool(broken) == is_stuck


def test_a_champion_of_this_series_may_speak():
    check_champion(ABOUT, "PT", "retail_and_recreation", False, retail().index[-1], 7, 3)
    check_champion(ABOUT, "PT", "retail_and_recreation", False, retail().index[-1], 1, 3)


@pytest.mark.parametrize(
    ("about", "rule"),
    [
        ({"location": "ES"}, "it was trained on ES retail_and_recreation; PT retail_and_recreation needs a market"),
        ({"category": "parks"}, "it was trained on PT parks; PT retail_and_recreation needs a market of its own"),
        ({"series": 12}, "it was trained on several series, and the market is of one series now; train first"),
        ({"horizon": 6}, "it was trained for 6 days ahead of figures 3 days late; train with this lag and horizon"),
        ({"lag": 0}, "it was trained for 7 days ahead of figures 0 days late; train with this lag and horizon first"),
        ({"data_through": "2022-10-14"}, "it knows 2022-10-14, which was still to come; train as of this day first"),
    ],
)
def test_a_champion_that_may_not_speak_says_why(about, rule):
    with pytest.raises(DataProblem, match=f"may not speak here:\n{rule}"):
        check_champion(ABOUT | about, "PT", "retail_and_recreation", False, retail().index[-1], 7, 3)


def test_a_market_of_its_own_is_not_to_be_trained_first():
    with pytest.raises(DataProblem) as refused:
        check_champion(
            ABOUT | {"location": "ES", "series": 12}, "PT", "retail_and_recreation", False, retail().index[-1], 7, 3
        )
    assert str(refused.value).endswith(
        ":\nit was trained on ES retail_and_recreation; PT retail_and_recreation needs a market of its own"
    )


def test_the_files_are_as_pandas_writes_them_also_table_by_table(tmp_path):
    values = [1e-7, -0.5, 1e16, 3.0] * 7
    table = forecast().assign(value=values, location=['GR/West, "the" coast', "PT/São\nJoão", "PT", "a'b"] * 7)
    write_forecast((table[at : at + 10] for at in range(0, len(table), 10)), tmp_path)
    pd.testing.assert_frame_equal(read_forecast(tmp_path), table)
    written = (tmp_path / "forecast" / "forecast.csv").read_bytes()
    assert written == table.to_csv(index=False, lineterminator="\n").encode()


def test_the_week_is_read_as_people_read_it(tmp_path):
    write_forecast([forecast()], tmp_path)
    days = week(read_forecast(tmp_path))
    assert days.columns.tolist() == ["date", "weekday", "expected", "low", "high"]
    assert days.iloc[0].tolist() == ["2022-10-14", "Friday", 12.0, 8.0, 16.0] and len(days) == 7


def covers(mean, closed, target="count"):
    quantiles = pd.DataFrame({"q10": mean * 0.8, "q50": mean, "q90": mean * 1.2})
    facts = FACTS | {"location": "PT-11", "target": target, "origin_date": "2022-10-13"}
    return tabulated(mean, quantiles, LEVELS, closed, **facts)


def test_a_closed_day_is_published_at_the_floor_and_said_to_be_closed():
    closed = pd.Series(["", "", "said", "weekday", "", "", ""], index=DAYS)
    y = (retail() + 150).rename("count")
    table = covers(MEAN * 10, closed)
    assert not objected(table, y, MEAN * 10)
    assert table.loc[table["open"] == "no", "target_end_date"].unique().tolist() == ["2022-10-16", "2022-10-17"]
    assert (table.loc[table["open"] == "no", "value"] == 0).all() and (
        table.loc[table["open"] == "yes", "value"] > 0
    ).all()
    spoilt = table.assign(value=table["value"].mask(table["open"] == "no", 3.0))
    assert objected(spoilt, y, MEAN * 10) == ["2022-10-16: 3 — a closed day is published at 0"]


def test_percent_keeps_its_columns_unless_a_day_of_it_is_closed():
    nowhere, somewhere = pd.Series("", index=DAYS), pd.Series(["", "holiday", *[""] * 5], index=DAYS)
    assert "open" not in covers(MEAN, nowhere, "parks") and "open" in covers(MEAN, nowhere)
    table = covers(MEAN, somewhere, "parks")
    assert (table.loc[table["open"] == "no", "value"] == -100).all()


@pytest.mark.parametrize(("scale", "written"), [(0.02, 0.24), (10, 120.0), (1e6, 12_000_000.0)])
def test_counts_have_as_many_decimals_as_their_size_asks_for(scale, written):
    mean = MEAN * scale * (1 + 1e-9)
    table = covers(mean, None)
    assert table.loc[table["output_type"] == "mean", "value"].iloc[0] == written
    assert not objected(table, (retail() + 150).rename("count") * scale, mean)


def test_a_week_that_is_shut_throughout_may_be_published():
    table = covers(MEAN, pd.Series("said", index=DAYS))
    assert not objected(table, (retail() + 150).rename("count"), MEAN)
    assert (table["value"] == 0).all()
