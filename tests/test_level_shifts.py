"""A step is found on its day with its size, and neither a season, a holiday nor a closed month is taken for one."""

import numpy as np
import pandas as pd
import pytest
from figures import SAMPLE, retail

from footfall.level_shifts import level_shifts
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, WeekdaySmoother, fit, predict
from footfall.series import read_snapshot

MOVED = pd.Timestamp("2022-03-16")


def guests() -> pd.Series:
    y = ((retail() + 100) * 1.5).rename("count")
    return y.mask(y.index.dayofweek == 0)


def spliced(ratio: float) -> pd.Series:
    return guests().where(guests().index < MOVED, guests() * ratio)


@pytest.mark.parametrize("ratio", [0.5, 1.7, 3.0])
def test_a_place_that_moved_is_noticed_on_the_day_and_by_how_much(ratio):
    steps = level_shifts(spliced(ratio))
    assert len(steps) == 1
    assert abs((steps.index[0] - MOVED).days) <= 2 and steps.iloc[0] == pytest.approx(ratio, rel=0.2)


def test_a_place_that_opened_again_on_another_level_is_noticed():
    shut = (guests().index >= "2022-02-01") & (guests().index < MOVED)
    steps = level_shifts(spliced(1.8).mask(shut))
    assert len(steps) == 1 and abs((steps.index[0] - MOVED).days) <= 2


@pytest.mark.parametrize("ratio", [0.85, 1.0, 1.2])
def test_what_seasons_and_holidays_do_is_no_step(ratio):
    august = (guests().index >= "2022-08-01") & (guests().index <= "2022-08-28")
    assert level_shifts(spliced(ratio)).empty and level_shifts(spliced(ratio).mask(august)).empty


def test_two_good_weeks_are_no_step():
    fair = (guests().index >= MOVED) & (guests().index < MOVED + pd.Timedelta(days=14))
    assert level_shifts(guests().mask(fair, guests() * 2)).empty


def test_last_year_s_step_is_not_expected_again():
    y = spliced(2.0)
    twice = pd.concat([y, y.set_axis(y.index + pd.Timedelta(days=69 * 7))]).asfreq("D")[
        : MOVED + pd.Timedelta(days=361)
    ]
    smooth = twice.where(twice.index > MOVED, twice * 2).where(twice.index < y.index[-1], y[-7:].mean())
    calendar = LogLevel() * KindOfDay("XX") * LastYearsTurn() * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
    coming = pd.date_range(smooth.index[-1], periods=8)[1:]
    stepped = smooth.where(smooth.index > MOVED, smooth / 2)
    with_step, without = predict(fit(calendar, stepped), coming), predict(fit(calendar, smooth), coming)
    assert (np.log(with_step / without)).abs().max() < 0.05


def test_no_kind_of_place_of_the_sample_has_one():
    snapshot = read_snapshot(SAMPLE / "snapshot.parquet")
    for category, rows in snapshot.groupby("category"):
        y = rows.set_index("date")["value"].asfreq("D").rename(category)
        if category != "parks":
            assert level_shifts(y).empty
