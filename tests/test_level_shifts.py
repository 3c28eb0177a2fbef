"""A step is found on its day with its size, and neither a season, a holiday nor a closed month is taken for one."""

import numpy as np
import pandas as pd
import pytest
from figures import SAMPLE, retail

from footfall.level_shifts import CLEAR, FIRST, HELD, LEAST, LOWEST, latest_shift, level_shifts
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, WeekdaySmoother, fit, predict
from footfall.series import read_snapshot
from footfall.units import unit

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


def by_definition(y):
    """The same, a frame for each sentence of it: sixteen times as slow."""
    of, known = unit(y), y.dropna()
    level = np.log(np.maximum(of.share(known, of.level(known)), LOWEST))
    level -= level.groupby(level.index.dayofweek).transform("median")
    week = max(1, int((y.notna().groupby(y.index.dayofweek).mean() > 0.5).sum()))
    weekly = level.rolling(week).median()
    before = pd.concat([weekly.shift(1 + k * week) for k in range(HELD)], axis=1)
    after = pd.concat([weekly.shift(1 - week * (k + 1)) for k in range(HELD)], axis=1)
    shift = after.mean(axis=1) - before.mean(axis=1)
    after["at once"] = level.rolling(FIRST).median().shift(1 - FIRST)
    apart = np.maximum(after.min(axis=1) - before.max(axis=1), before.min(axis=1) - after.max(axis=1))
    whole = before.notna().all(axis=1) & after.notna().all(axis=1)
    at = np.flatnonzero(whole & (apart > CLEAR * np.log(LEAST)) & (shift.abs() > np.log(LEAST)))
    groups = np.split(at, np.flatnonzero(np.diff(at) > HELD * week) + 1) if len(at) else []
    jump = level.diff().abs().to_numpy()
    return np.exp(shift.iloc[[group[np.argmax(jump[group])] for group in groups]])


def any_series(seed):
    """Of any length up to a year: with steps, blanks, months shut and weekdays that are never open; of both units."""
    draw = np.random.default_rng(seed)
    y = pd.Series(1.0, pd.date_range("2024-01-01", periods=draw.integers(0, 400)), name="count")
    for _ in range(draw.integers(0, 4) if len(y) else 0):
        y.iloc[draw.integers(0, len(y)) :] *= draw.choice([0.2, 0.6, 1.7, 3.0])
    y *= 80 * np.exp(draw.normal(0, draw.choice([0.02, 0.3]), len(y)))
    shut = draw.random(len(y)) < draw.choice([0, 0.1, 0.9])
    shut |= np.isin(y.index.dayofweek, draw.integers(0, 7, draw.integers(0, 5)))
    y = y.round(draw.integers(0, 3)).mask(shut)
    return y if draw.random() < 0.7 else (y - 100).clip(-100).rename("parks")


def test_steps_are_those_of_their_definition_and_few_series_have_none():
    every = [any_series(seed) for seed in range(60)]
    for y in every:
        steps = by_definition(y)
        pd.testing.assert_series_equal(level_shifts(y), steps, check_freq=False)
        of_late = steps[y.index[-1] - pd.Timedelta(days=42) :] if len(y) else steps
        last = latest_shift(y, 42) if len(y) else None
        assert last == ((of_late.index[-1], of_late.iloc[-1]) if len(of_late) else None)
    assert sum(len(level_shifts(y)) > 0 for y in every) > 20
