"""What speaks against training on a series, in one sentence each."""

import numpy as np
import pandas as pd

from footfall.series import unfit


def covers(days, **options):
    index = pd.date_range("2025-09-01", periods=days)
    return pd.Series(
        np.random.default_rng(1).integers(80, 120, days).astype(float), index=index, name="count", **options
    )


def test_a_place_that_was_never_open_is_refused_as_such():
    assert unfit(covers(100) * np.nan, 28) == ["none of its 100 days was open: all are without a value, or nobody came"]


def test_a_closed_day_is_not_a_missing_one():
    y = covers(60)
    closed = pd.Series(y.index.dayofweek < 3, index=y.index)
    assert unfit(y.mask(closed), 28, closed) == []
    assert unfit(y.mask(y.index.day % 9 < 3), 28) == [
        "37% of the days have no value, and at most 20% may be missing; if it was shut on them, say so: absent: closed"
    ]


def test_a_weekday_that_never_has_a_value_is_not_known_and_one_that_had_a_single_one_is():
    y = covers(60)
    blank = y.mask(y.index.dayofweek < 2)
    assert unfit(blank, 28) == [
        "no Monday or Tuesday has a value: if it is shut then, say closed: {weekdays: [monday, tuesday]}, or write 0; "
        "else export it"
    ]
    mondays = y.mask(y.index.dayofweek == 0)
    assert unfit(mondays, 28)[0].startswith("no Monday has a value")
    assert unfit(mondays, 28, pd.Series(y.index.dayofweek == 0, index=y.index)) == []
    mondays[y.index[7]] = 90
    assert unfit(mondays, 28) == []
    assert unfit(covers(60).mask(y.index.dayofweek == 0).rename("parks"), 28) == [], "blank for privacy"


def test_a_few_blanks_of_a_weekday_that_is_mostly_shut_are_gaps():
    y = covers(364)
    mondays = y.index[y.index.dayofweek == 0]
    shut = pd.Series(y.index.isin(mondays[:-4]), index=y.index)
    assert unfit(y.mask(y.index.dayofweek == 0), 28, shut) == []
    shut[mondays[20:]] = False
    assert unfit(y.mask(y.index.dayofweek == 0), 28, shut)[0].startswith("no Monday has a value")


def test_a_place_open_at_weekends_needs_more_than_four_of_them():
    y = covers(28)
    closed = pd.Series(y.index.dayofweek < 5, index=y.index)
    assert unfit(y.mask(closed), 28, closed) == ["8 days with a value, and at least 14 are needed"]


def test_twenty_days_are_too_few():
    assert unfit(covers(20), 28) == ["20 days from 2025-09-01 to 2025-09-20, and at least 28 are needed"]
