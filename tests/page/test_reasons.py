"""Why a day is as it will be: the weather's reasons, in every language, and whose weather it is."""

import pandas as pd
import pytest
from figures import outlook_of
from pages import house, written

from footfall.page.reasons import because, closed_because, shared_reasons
from footfall.page.translations import languages

DAY = pd.Timestamp("2026-11-27")
ENGLISH, PORTUGUESE = (next(each for each in languages("counts") if each.short == tag) for tag in ("en", "pt"))


@pytest.mark.parametrize("unit", ["percent", "counts"])
def test_the_weather_is_a_reason_in_every_language_whichever_way_it_moves_the_day(unit):
    for reason in ("rain", "dry", "temperature"):
        said = [because(DAY, [f"{reason} {way}"], "PT", each) for each in languages(unit) for way in ("up", "down")]
        assert len(set(said)) == len(languages(unit)) and not any(reason == words for words in said)
    assert {"rain is expected", "está prevista chuva"} <= {
        because(DAY, ["rain down"], "PT", each) for each in languages(unit)
    }


@pytest.mark.parametrize(
    ("day", "reason", "says"),
    [
        ("2022-06-17", "bridge", "between a holiday (Corpus Christi) and the weekend"),  # the holiday is the day before
        ("2022-10-31", "bridge", "between a holiday (All Saints' Day) and the weekend"),
        ("2022-03-01", "holiday", "Carnival"),  # no public one
        ("2022-02-28", "eve", "the day before a holiday, Carnival"),
        ("2022-03-02", "holiday", "public holiday"),  # of which we have no name
    ],
)
def test_a_day_by_a_holiday_names_it(day, reason, says):
    assert because(pd.Timestamp(day), [reason], "PT", ENGLISH) == says


def test_a_day_shut_in_past_years_that_has_no_name_is_told_by_our_own_or_by_its_date():
    assert closed_because(DAY, "holiday", "PT", ENGLISH) == "closed on this day in past years (27 November)"
    assert "(o dia a seguir ao Ano Novo)" in closed_because(pd.Timestamp("2027-01-02"), "holiday", "PT", PORTUGUESE)


def test_only_what_explains_every_day_is_said_once():
    days = pd.DataFrame({"reasons": [["rain up", "eve"], ["rain up"], ["level", "rain up"]]})
    assert shared_reasons(days) == ["rain up"] and shared_reasons(days[:0]) == []


def test_the_page_says_whose_weather_it_is_only_where_it_counts(tmp_path):
    given = house()
    wet = given | {"about": given["about"]._replace(weather=True)}
    pages = [written(tmp_path / name, each)["index.html"].decode() for name, each in (("dry", given), ("wet", wet))]
    assert ["Of the weather we know nothing." in each for each in pages] == [True, False]
    assert [each.count('href="https://open-meteo.com/"') for each in pages] == [0, 5]


@pytest.mark.parametrize(("lately", "way"), [(1.3, ["trend up"]), (0.7, []), (float("nan"), [])])
def test_the_last_days_are_a_reason_only_where_they_were_on_that_side(lately, way):
    """Of a house that was shut for a week nothing is said of them."""
    given = house()
    y, parts = given["y"].copy(), given["parts"].assign(weekday=0.0, turn=0.0)
    y[-7:] *= lately
    table = given["table"].assign(value=given["table"]["value"] * 1.4)
    days = outlook_of(table, y, parts, True, given["closed"])
    told = days.loc[(days["towards"] == "busier") & (days["kind"] == "ordinary"), "reasons"]
    assert len(told) > 3 and all(reasons == way for reasons in told)


def test_of_a_day_whose_parts_are_not_known_no_reason_is_claimed(tmp_path):
    """As where the naive speaks: far busier than usual, and what played a part was nothing out of the ordinary."""
    given = house()
    lifted = given | {"table": given["table"].assign(value=given["table"]["value"] * 2)}
    html = written(tmp_path, lifted)["index.html"].decode()
    assert "ar busier than usual" in html and "What plays a part" not in html
