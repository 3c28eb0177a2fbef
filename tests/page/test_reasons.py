"""Why a day is as it will be: the weather's reasons, in every language, and whose weather it is."""

import pandas as pd
import pytest
from pages import house, written

from footfall.page.reasons import because
from footfall.page.translations import languages

DAY = pd.Timestamp("2026-11-27")


@pytest.mark.parametrize("unit", ["percent", "counts"])
def test_the_weather_is_a_reason_in_every_language_whichever_way_it_moves_the_day(unit):
    for reason in ("rain", "dry", "temperature"):
        said = [because(DAY, [f"{reason} {way}"], "PT", each) for each in languages(unit) for way in ("up", "down")]
        assert len(set(said)) == len(languages(unit)) and not any(reason == words for words in said)
    assert {"rain is expected", "está prevista chuva"} <= {
        because(DAY, ["rain down"], "PT", each) for each in languages(unit)
    }


def test_the_page_says_whose_weather_it_is_only_where_it_counts(tmp_path):
    given = house()
    wet = given | {"about": given["about"]._replace(weather=True)}
    pages = [written(tmp_path / name, each)["index.html"].decode() for name, each in (("dry", given), ("wet", wet))]
    assert ["Of the weather we know nothing." in each for each in pages] == [True, False]
    assert [each.count('href="https://open-meteo.com/"') for each in pages] == [0, 5]
