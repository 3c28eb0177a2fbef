"""Which series of a snapshot a market forecasts."""

import numpy as np
import pandas as pd
import pytest

from footfall.errors import DataProblem, UsageProblem
from footfall.selection import select, without_forecast


def table(**values):
    """A series table of counts: ``Baixa=range(60)`` are sixty days of PT-11/Baixa."""
    parts = [
        pd.DataFrame(
            {
                "location": f"PT-11/{site}",
                "category": "count",
                "date": pd.date_range("2026-01-01", periods=len(counts)),
                "value": [float(n) for n in counts],
            }
        )
        for site, counts in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


DAYS = [100 + n % 7 for n in range(60)]
SITES = table(Baixa=DAYS, Foz=DAYS, Nova=DAYS[:9])


def test_all_are_those_at_the_location_and_below_it():
    chosen = select(SITES, "PT-11", "count", "all", 28)
    assert [*chosen.series] == [("PT-11/Baixa", "count"), ("PT-11/Foz", "count")]
    assert set(chosen.rows) == {*chosen.series, ("PT-11/Nova", "count")}
    assert chosen.refused[("PT-11/Nova", "count")].startswith("9 days from 2026-01-01")
    assert chosen.through == pd.Timestamp("2026-03-01") and not chosen.objection()


def test_below_a_country_lie_its_regions_too():
    cafe = ["PT/Café", "PT/Café-Bar", "PT/Café/Terrace"]
    places = ["PT", "PT-11", "PT-11/Baixa", "PT-11/Baixa-Chiado", "PT-13", *cafe, "PT/Lisbon/Amadora", "ES", "ES-MD"]
    one = table(Baixa=DAYS)
    both = pd.concat([one.assign(location=place) for place in places], ignore_index=True)

    def chosen(location):
        return [place for place, _ in select(both, location, "count", "all", 0).rows]

    assert chosen("PT") == sorted(places[:-2])
    assert chosen("PT-11") == places[1:4]
    assert chosen("PT-11/Baixa") == ["PT-11/Baixa"]
    assert chosen("PT/Café") == ["PT/Café", "PT/Café/Terrace"]


def test_a_market_of_one_is_that_one_whatever_else_there_is():
    chosen = select(SITES, "PT-11/Foz", "count", None, 28)
    assert [*chosen.rows] == [("PT-11/Foz", "count")]
    assert select(SITES, "PT-11/Nova", "count", None, 28).objection().startswith("9 days")
    with pytest.raises(DataProblem, match="no published value for PT-11/Gaia count"):
        select(SITES, "PT-11/Gaia", "count", None, 28)
    every = r"Its sites: PT-11/Baixa, PT-11/Foz, PT-11/Nova\. .* or write data\.series: all"
    with pytest.raises(DataProblem, match=every):
        select(SITES, "PT-11", "count", None, 28)


def test_where_none_is_fit_each_reason_is_told():
    objection = select(SITES, "PT-11", "count", "all", 500).objection()
    assert objection.startswith("none of 3 series is fit:\nPT-11/Baixa count: 60 days")


def test_countries_categories_and_length_narrow_it_down():
    other = SITES.assign(location=SITES["location"].str.replace("PT-11", "ES"))
    both = pd.concat([SITES, other]).sort_values(["location", "date"], ignore_index=True)
    assert len(select(both, "PT", "count", {}, 0).rows) == 6
    assert {key[0][:2] for key in select(both, "PT", "count", {"countries": ["ES"]}, 0).rows} == {"ES"}
    assert len(select(both, "PT", "count", {"at_least": 10}, 0).rows) == 4
    with pytest.raises(DataProblem, match=r"no series for data.series.*it has 6, such as ES/Baixa count"):
        select(both, "PT", "count", {"categories": ["parks"]}, 0)


def test_the_one_to_draw_is_called_by_its_location():
    chosen = select(SITES, "PT-11", "count", "all", 0)
    assert chosen.shown("") == ("PT-11/Baixa", "count")
    assert chosen.shown("PT-11/Foz") == chosen.shown("PT-11/Foz count") == ("PT-11/Foz", "count")
    with pytest.raises(UsageProblem, match="'Gaia' is none of the 3 series, such as PT-11/Baixa count"):
        chosen.shown("Gaia")


@pytest.mark.parametrize("rest", [[0, 1], [0, 1, 2, 3, 4]])
def test_weekdays_without_rows_are_days_of_rest_and_not_missing(rest):
    on = SITES["location"] == "PT-11/Foz"
    is_at_rest = on & SITES["date"].dt.dayofweek.isin(rest)
    assert select(SITES[~is_at_rest], "PT-11", "count", "all", 35).refused.keys() == {("PT-11/Nova", "count")}
    but_once = is_at_rest & (SITES["date"] != SITES.loc[is_at_rest, "date"].iloc[-1])
    assert select(SITES[~but_once], "PT-11/Foz", "count", None, 35).refused == {}
    blank = SITES.assign(value=SITES["value"].mask(is_at_rest))
    assert "has a value: if it is shut then, say closed" in select(blank, "PT-11/Foz", "count", None, 35).objection()


@pytest.mark.parametrize("absent", ["rows", "values"])
def test_of_a_weekday_that_is_always_blank_no_number_is_forecast_and_one_without_rows_is_shut(absent):
    monday = SITES["date"].dt.dayofweek.eq(0) & SITES["location"].eq("PT-11/Baixa")
    figures = SITES[~monday] if absent == "rows" else SITES.assign(value=SITES["value"].mask(monday))
    chosen = select(figures, "PT-11", "count", "all", 28)
    refused = chosen.refused.get(("PT-11/Baixa", "count"), "")
    assert refused.startswith("no Monday has a value: if it is shut then, say closed") == (absent == "values")
    assert ("PT-11/Foz", "count") in chosen.series


@pytest.mark.parametrize("every", [2, 3])
def test_rows_that_are_absent_on_all_weekdays_alike_are_missing(every):
    own = SITES[SITES["location"] == "PT-11/Foz"]
    weeks = (own["date"] - own["date"].iloc[0]).dt.days // 7
    some = select(own[weeks % every == 0], "PT-11/Foz", "count", None, 35)
    assert "of the days have no value, and at most 20% may be missing" in some.objection()


def test_of_each_kind_of_reason_the_newest_is_told():
    reasons = ["", "stale: its last day is 2026-03-01", "stale: its last day is 2026-10-09", "unfit: 9 days\nand more"]
    accounts = pd.DataFrame({"location": [f"PT-11/{site}" for site in "ABCD"], "category": "count", "reason": reasons})
    accounts["status"] = np.where(accounts["reason"] == "", "published", "refused")
    assert without_forecast(accounts) == (
        "no forecast of 3 of 4 series, such as C count: stale: its last day is 2026-10-09 (and 1 more) · "
        "D count: unfit: 9 days"
    )
    assert without_forecast(accounts[:1]) == ""
