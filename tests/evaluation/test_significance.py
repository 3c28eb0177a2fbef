"""Where candidates err, and how sure a lead is."""

import numpy as np
import pandas as pd
import pytest

from footfall.evaluation.metrics import interval_scores
from footfall.evaluation.significance import advantage, by_kind, in_words
from footfall.quantiles import LEVELS, QUANTILES
from footfall.series import WEEK

DAYS = {"2 January": 1, "bridge": 1, "holiday": 1, "ordinary": 97}  # a Tuesday of Carnival, its Monday


def table(off, spread=1.0):
    """A backtest of candidates that are `off` by so much on each of a hundred days, one a day ahead."""
    days, rows = pd.date_range("2022-01-01", periods=100), []
    for name, error in off.items():
        mean = np.broadcast_to(error, 100)
        ranges = dict(zip(QUANTILES, mean + spread * (np.array(LEVELS)[:, None] - 0.5), strict=True))
        table = pd.DataFrame({"candidate": name, "origin": days, "date": days + pd.Timedelta(days=1), "mean": mean})
        rows.append(table.assign(actual=0.0, **ranges))
    return pd.concat(rows, ignore_index=True)


def scores(off):
    """Mean WIS of each candidate on each day."""
    rows = table(off)
    return rows.assign(score=interval_scores(rows)).pivot_table("score", "origin", "candidate")


def test_errors_are_told_apart_by_kind_of_day():
    errors = by_kind(table({"one": 2.0, "other": -3.0}), "PT")
    assert errors.loc["one", "holiday"] == 2 and errors.loc["other", "ordinary"] == 3
    assert errors.loc["days"].to_dict() == DAYS
    assert errors.loc["days"].sum() == 100


def test_a_steady_lead_is_sure_and_a_matter_of_luck_is_not():
    steady = advantage(scores({"one": 1.0, "other": 2.0}), "one", "other")
    assert steady["low"] == pytest.approx(steady["saved"]) and steady["low"] > 0
    luck = np.random.default_rng(3).normal(size=100)
    unsure, again = (
        advantage(scores({"one": np.abs(luck), "other": np.abs(np.roll(luck, 1))}), "one", "other") for _ in range(2)
    )
    assert unsure["low"] < 0 < unsure["high"] and unsure == again


def test_neighbouring_origins_are_drawn_together():
    """Errors that come in long waves leave less certainty than the same errors in disorder."""
    waves = 1 + np.sin(np.arange(100) / 8)
    rough = np.random.default_rng(0).permutation(waves)
    widths = [advantage(scores({"one": 0.0, "other": off}), "one", "other") for off in (waves, rough)]
    assert widths[0]["high"] - widths[0]["low"] > 1.5 * (widths[1]["high"] - widths[1]["low"])


@pytest.mark.parametrize("count", [56, 58, 70])
def test_the_interval_lies_around_its_estimate_wherever_the_lead_was_won(count):
    naive = np.ones(count)
    naive[[0, 1, 2, -3, -2, -1]] = 10.0  # at both ends
    lead = advantage(pd.DataFrame({"one": 0.0, "naive": naive}), "one", "naive")
    assert lead["low"] < lead["saved"] < lead["high"] and lead["of"] == naive.mean()


@pytest.mark.parametrize("count", [56, 58, 118])
def test_nine_of_ten_intervals_hold_a_lead_that_is_luck_however_few_the_blocks(count):
    """Of origins that share days, as those of a week ahead do; so few blocks hold a little less than they say."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(500):
        saved = np.convolve(rng.normal(size=count + WEEK - 1), np.ones(WEEK), "valid")
        lead = advantage(pd.DataFrame({"one": 0.0, "naive": saved}), "one", "naive")
        held += lead["low"] <= 0 <= lead["high"]
    assert 0.84 <= held / 500 <= 0.94


@pytest.mark.parametrize("count", [1, 15, 55])
def test_of_fewer_than_eight_weeks_no_interval_is_told(count):
    lead = advantage(pd.DataFrame({"one": np.arange(count) / count, "naive": 3.0}), "one", "naive")
    assert set(lead) == {"saved", "of"} and in_words(lead).endswith(" of the naive's 3.00; too few origins for a CI")


def test_a_lead_is_told_as_what_it_is():
    lead = {"saved": 1.04, "of": 4.08, "low": 0.48, "high": 1.79}
    assert in_words(lead) == "WIS lower by 1.04 of the naive's 4.08, 90 % CI 0.48 to 1.79"
