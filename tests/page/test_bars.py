"""The page's bars: all of a week on one scale, from nobody or from a usual day."""

import pandas as pd
import pytest

from footfall.page.bars import bars
from footfall.units import COUNTS, PERCENT


def week(**columns):
    return pd.DataFrame({name: map(float, values) for name, values in columns.items()})


def test_bars_of_counts_begin_at_nobody_and_have_room_for_the_widest_usual_day():
    days = week(mean=[100, 50, "nan"], usual=[40, 50, 60], spread=[20, 150, 20],
                low_value=[84, 21, "nan"], high_value=[105, 63, "nan"])  # fmt: skip
    first, second, closed = bars(days, COUNTS)
    assert closed is None
    assert second.near == pytest.approx((0, 100 / 1.05)), "a share of its usual guests to each side, and never below 0"
    assert first.near == pytest.approx((100 * 32 / 131.25, 100 * 48 / 131.25))
    assert first.span == pytest.approx((64, 80)) and second.span == pytest.approx((16, 48))
    assert (first.height, second.height) == (100, 50)


def test_bars_in_per_cent_have_a_usual_day_in_the_middle_and_room_for_the_lowest():
    days = week(mean=[-30, 10], expected=[-30, 10], low=[-60, 0], high=[-10, 20], spread=[6, 6])
    first, second = bars(days, PERCENT)
    assert first.span == pytest.approx((50 - 50 / 1.05, 50 - 50 / 6.3)) and first.dot < 50 == first.usual < second.dot
    assert first.near == second.near == pytest.approx((50 - 50 / 10.5, 50 + 50 / 10.5))
    assert (first.height, second.height) == pytest.approx((50, 50 / 3)), "upwards or downwards from the middle"


def test_a_week_as_usual_has_low_columns():
    days = week(mean=[1, -2], expected=[1, -2], low=[-9, -9], high=[9, 9], spread=[10, 10])
    assert [bar.height for bar in bars(days, PERCENT)] == [2.5, 5]
