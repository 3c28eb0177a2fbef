"""A scenario is of the published days, and says what it supposes."""

import pandas as pd
import pytest

from footfall.errors import UsageProblem
from footfall.events import COLUMNS
from footfall.scenario import Scenario

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
