"""The page's figure: four weeks that run into the coming days, on round levels that hold all of them."""

import re

import numpy as np
import pandas as pd

from footfall.page.chart import draw
from footfall.page.translations import languages

PERCENT, COUNTS = (next(each for each in languages(unit) if each.short == "en") for unit in ("percent", "counts"))
COMING = pd.date_range("2026-10-10", periods=7)  # a Saturday, two days after the last that is known


def figure(past, mean, language=PERCENT, wide=10.0):
    """The figure of some levels of the past, up to 7 October 2026, and of what is expected then."""
    y = pd.Series(past, pd.date_range(end="2026-10-07", periods=len(past)), dtype=float)
    days = pd.DataFrame({"mean": mean, "usual": np.add(mean, 3.0)}, COMING)
    offs = {0.05: -wide, 0.1: -wide / 2, 0.25: -1, 0.75: 1, 0.9: wide / 2, 0.95: wide}
    return draw(y, days, pd.DataFrame({level: days["mean"] + off for level, off in offs.items()}), language)


def points(path):
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_four_weeks_run_into_the_coming_days_with_the_days_between_them_marked():
    drawn = figure(np.arange(60) % 7, np.arange(7))
    past, coming = points(drawn["past"]), points(drawn["coming"])
    assert len(past) == 28 and drawn["gap"] == (past[-1][0], coming[0][0])
    assert drawn["dots"] == coming and all(usual[1] < dot[1] for usual, dot in zip(drawn["usual"], coming, strict=True))
    mondays = ["14 Sept", "21 Sept", "28 Sept", "5 Oct", "12 Oct"]
    assert [label for label, _ in drawn["mondays"]] == mondays and drawn["mondays"][-1][1] == coming[2][0]


def test_its_levels_hold_the_widest_range_which_lies_below_the_narrower_ones():
    drawn = figure([0.0] * 28, [0.0] * 7, wide=47)
    assert [drawn["levels"][at][0] for at in (0, -1)] == ["−60%", "+60%"]
    heights = [max(y for _, y in points(shade)) - min(y for _, y in points(shade)) for shade in drawn["shades"]]
    assert heights == sorted(heights, reverse=True) and len(heights) == 3


def test_a_day_between_two_unknown_ones_is_a_dot():
    drawn = figure([*[5.0] * 25, "nan", 5.0, "nan"], [5.0] * 7)
    assert drawn["past"].count("M") == 2 and re.search(r"M[\d. ]+h0$", drawn["past"])


def test_levels_that_are_long_to_write_have_the_room_and_small_ones_their_decimal():
    assert figure([90_000.0] * 28, [9e4] * 7, COUNTS)["left"] > figure([90.0] * 28, [90.0] * 7, COUNTS)["left"] == 40
    small = figure([0.3] * 28, [0.3] * 7, COUNTS._replace(fine=True), wide=0.1)
    assert [label for label, _ in small["levels"]] == ["0", "0.1", "0.2", "0.3", "0.4"]


def test_it_is_told_in_words_too():
    told = figure([*[-20.0] * 20, 8.0], [1.0, 2, 3, 4, 5, 6, 7], PERCENT._replace(words=("visit", "visits")))["alt"]
    assert told == (
        "From 17 September 2026 to 16 October 2026: visits per day, in per cent against early 2020, "
        "between −20% and +8%; the coming days are expected between +1% and +7%."
    )
    assert figure(["nan"] * 28, [1.0] * 7)["alt"] == PERCENT.say("figure unit", measure="")
