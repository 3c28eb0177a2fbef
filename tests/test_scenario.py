"""A scenario is of the published days, and says what it supposes."""

import pandas as pd
import pytest

from footfall.errors import UsageProblem
from footfall.events import COLUMNS
from footfall.scenario import NEVER, Scenario

PUBLISHED = pd.DataFrame({"target_end_date": ["2026-12-29", "2026-12-30", "2026-12-31"] * 2})
WHOLE = Scenario(["2026-12-31"], {"2026-12-30": "busier: a concert"}, {"2026-12-29": 0.0})


def test_it_says_what_it_supposes():
    assert str(WHOLE) == "closed 2026-12-31; 2026-12-30 busier: a concert; 2026-12-29 0 mm of rain"
    WHOLE.check()
    WHOLE.check_days(PUBLISHED)


@pytest.mark.parametrize(
    ("scenario", "says"),
    [
        (Scenario(), "suppose something"),
        (Scenario(["2027-01-01"]), "2027-01-01 is none of the published days, 2026-12-29 to 2026-12-31"),
        (Scenario(events={"2026-12-30": "louder"}), "'louder' begins with none of closed, busier"),
        (Scenario(rain={"2026-12-30": -1.0}), "-1.0 cannot be"),
        (Scenario(rain={"2026-12-30": float("nan")}), "nan cannot be"),
    ],
)
def test_what_cannot_be_supposed_is_refused(scenario, says):
    with pytest.raises(UsageProblem, match=says):
        scenario.check()
        scenario.check_days(PUBLISHED)


def test_supposed_events_stand_beside_the_known():
    known = pd.DataFrame([["2026-12-30", "2026-12-30", "", "Fair", "quieter", "2026-12-01"]], columns=COLUMNS)
    both = WHOLE.on_events(known, "2026-12-28", "Baixa")
    assert both.iloc[0].tolist() == known.iloc[0].tolist()
    assert both.iloc[1:].to_numpy().tolist() == [
        ["2026-12-31", "2026-12-31", "Baixa", "what if", "closed", "2026-12-28"],
        ["2026-12-30", "2026-12-30", "Baixa", "a concert", "busier", "2026-12-28"],
    ]
    assert len(WHOLE.on_events(None, "2026-12-28", "")) == 2


def test_supposed_rain_falls_on_its_day_alone():
    issued = pd.DataFrame({"date": ["2026-12-29", "2026-12-30"], "rain_mm": [7.0, float("nan")], "lead": [1, 2]})
    after = WHOLE.on_weather(issued)
    assert after["rain_mm"].tolist()[0] == 0.0 and after["rain_mm"].isna().tolist() == [False, True]


def week(*values, site="Baixa"):
    opened = ["yes" if value else "no" for value in values]
    return pd.DataFrame({"location": f"PT-11/{site}", "target": "count", "output_type": "mean", "value": values,
                         "open": opened,
                         "target_end_date": ["2026-12-29", "2026-12-30", "2026-12-31"]})  # fmt: skip


@pytest.mark.parametrize(
    ("weather", "why"),
    [
        (None, "the champion does not look at the weather"),
        (["2026-12-28"], "no weather of that day is known"),
        (["2026-12-29"], "as much is foreseen, no more than 10 mm count, or rain has no effect there or so far ahead"),
    ],
)
def test_what_moves_no_number_is_said_with_its_reason(weather, why):
    before = week(9.0, 8.0, 7.0)
    assert WHOLE.unmoved(before, week(9.0, 8.0, 0.0), weather) == [
        f"2026-12-30 busier: a concert: the number stays, {NEVER}",
        f"2026-12-29 0 mm of rain: the number stays, {why}",
    ]
    assert WHOLE.unmoved(before, week(1.0, 1.0, 1.0), weather) == []
    (closed,) = Scenario(["2026-12-31"]).unmoved(before, before, weather)
    assert closed == "closed 2026-12-31: the number stays, it is closed without that"


def test_a_closed_day_says_that_it_is_closed_and_a_day_that_moved_without_reason_is_named():
    shut = week(0.0, 0.0, 7.0)
    assert WHOLE.unmoved(shut, week(0.0, 0.0, 0.0), ["2026-12-29"]) == [
        "2026-12-30 busier: a concert: the number stays, it is closed without that",
        "2026-12-29 0 mm of rain: the number stays, it is closed without that",
    ]
    (other,) = Scenario(["2026-12-31"]).unmoved(week(9.0, 8.0, 7.0), week(9.0, 4.0, 0.0), None)
    assert other.startswith("2026-12-30 moved too: nothing was supposed of it; the market's file has changed")


def test_of_many_one_site_is_supposed_something_of_and_another_is_named():
    published, here = (
        pd.concat([week(9.0, 8.0, 7.0), week(5.0, 5.0, 5.0, site="Alfama")]),
        WHOLE._replace(site="alfama"),
    )
    here.check_days(published)
    assert str(here).startswith("closed 2026-12-31 at alfama; ") and str(here).endswith("0 mm of rain")
    assert set(here.on_events(None, "2026-12-28", "")["site"]) == {"alfama"}
    with pytest.raises(UsageProblem, match="--site 'Foz' is none of the 2 with a forecast, such as Baixa, Alfama"):
        WHOLE._replace(site="Foz").check_days(published)


def test_of_many_only_the_places_that_differ_are_shown_before_and_after():
    from rich.console import Console

    from flows.cli.terminal import _changed

    published = pd.concat([week(9.0, 8.0, 7.0), week(5.0, 5.0, 5.0, site="Alfama")])
    supposed = pd.concat([week(9.0, 8.0, 7.0), week(5.0, 4.0, 5.0, site="Alfama")])
    with (console := Console(width=200)).capture() as said:
        console.print(_changed(published, supposed))
    head, before, after = (line.split() for line in said.get().splitlines())
    assert head == ["1", "of", "2", "places", "12-29", "12-30", "12-31"]
    assert before == ["Alfama", "published", "5.0", "5.0", "5.0"] and after == ["what", "if", "5.0", "4.0", "5.0"]
