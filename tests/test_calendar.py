"""What the calendar says about a day."""

import pandas as pd
import pytest

from footfall.calendar import (
    KINDS,
    ORDINARY,
    Countries,
    alike,
    common,
    country_of,
    holiday_names,
    kinds,
    known_ahead,
    special,
)


def kind(day: str, country: str = "PT") -> str:
    return kinds(pd.DatetimeIndex([day]), country).iloc[0]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2022-03-01", "holiday"),  # Carnival, optional by law, taken by most
        ("2022-02-28", "bridge"),
        ("2022-06-16", "holiday"),  # Corpus Christi, a Thursday
        ("2022-06-15", "eve"),
        ("2022-06-17", "bridge"),
        ("2022-06-12", ORDINARY),  # a Sunday is no eve: nobody works on it anyway
        ("2022-05-01", "weekend holiday"),
        ("2021-04-30", ORDINARY),  # a Friday, before 1 May: an evening before a Saturday, as every other
        ("2022-04-17", "Easter"),
        ("2022-12-23", "before Christmas"),
        ("2022-12-25", "25 December"),
        ("2022-12-28", "between the years"),
        ("2023-01-01", "1 January"),
        ("2022-09-14", ORDINARY),
    ],
)
def test_portuguese_days_are_of_their_kind(day, expected):
    assert kind(day) == expected


def test_a_country_without_a_calendar_still_has_a_turn_of_the_year():
    assert kind("2022-12-25", "XX") == "25 December"
    assert kind("2022-06-10", "XX") == ORDINARY


def test_namibia_has_holidays():
    assert kind("2022-03-21", "NA") == "holiday"  # Independence Day


@pytest.mark.parametrize(
    ("day", "country"),
    [("2022-09-10", "KE"), ("2022-09-19", "GB"), ("2022-09-22", "AU")],  # mourning a queen who died on the 8th
)
def test_nobody_knows_of_a_decree_years_before(day, country):
    assert kind(day, country) == ORDINARY


@pytest.mark.parametrize("country", ["GR", "CY", "RO", "BG", "RS", "UA", "ME", "RU"])
def test_the_orthodox_keep_their_own_easter(country):
    assert kind("2022-04-24", country) == "Easter" and kind("2022-04-17", country) != "Easter"


@pytest.mark.parametrize("country", ["PT", "DE", "US", "LB", "AL", "XX"])
def test_all_others_and_who_keeps_both_keep_the_western_easter(country):
    assert kind("2022-04-17", country) == "Easter"


@pytest.mark.parametrize("eid", ["AE عيد الفطر", "ID Hari Raya Idul Fitri", "ES-ML Fiesta del Eid Fitr"])
def test_a_holiday_whose_date_is_not_certain_yet_is_called_as_in_other_years(eid):
    country, _, name = eid.partition(" ")
    for year in (2025, 2033):
        assert name in {*holiday_names(year, country, "public").values()}, year


def test_days_may_come_in_any_order_and_number():
    days = pd.DatetimeIndex(["2022-12-25", "2021-06-10", "2022-12-24"])
    assert kinds(days, "PT").tolist() == ["25 December", "holiday", "24 December"]
    assert kinds(days[:0], "PT").empty


def test_special_is_anything_but_ordinary():
    assert special(pd.DatetimeIndex(["2022-06-16", "2022-06-21"]), "PT").tolist() == [True, False]


def test_of_several_countries_each_keeps_its_own_days():
    days, countries = pd.date_range("2021-12-15", "2022-11-15"), Countries(("PT", "DE", "DE-BY", "DE", "XX"))
    each = known_ahead(days, countries)
    for number, country in enumerate(countries.each):
        assert [KINDS[kind] for kind in each[:, number]] == kinds(days, country).tolist()
    groups = [(some.tolist(), own.tolist()) for some, own in alike(each)]
    assert groups == [(some, each[:, some[0]].tolist()) for some in ([0], [1, 3], [2], [4])]
    assert common(["PT", "PT-XX"], 2021, 2022) == "PT" and common(countries.each, 2021, 2022) == countries


@pytest.mark.parametrize(
    ("location", "country"),
    [("PT", "PT"), ("PT/Lisbon/Amadora", "PT"), ("PT-11", "PT-11"), ("PT-11/Tasca da Esquina", "PT-11")],
)
def test_a_location_is_of_the_country_or_region_before_its_first_name(location, country):
    assert country_of(location) == country


@pytest.mark.parametrize(
    ("day", "region", "elsewhere"),
    [
        ("2023-05-29", "PT-20", "PT-11"),  # the Azores' day
        ("2023-01-06", "DE-BW", "DE-BE"),  # Epiphany
        ("2023-01-30", "NZ-AUK", "NZ-OTA"),  # Auckland Anniversary Day
    ],
)
def test_a_region_keeps_days_of_its_own(day, region, elsewhere):
    assert kind(day, region) == "holiday" and kind(day, elsewhere) == kind(day, region[:2]) == ORDINARY


def test_a_region_keeps_its_country_s_days_and_an_unknown_one_those_alone():
    days = pd.date_range("2022-01-01", "2023-12-31")
    for region in ("PT-99", "PT-Lisbon"):
        assert kinds(days, region).equals(kinds(days, "PT"))
    assert kind("2022-04-25", "PT-11") == "holiday" and kind("2022-06-10", "XX-1") == ORDINARY
    assert kind("2022-04-24", "GR-A") == "Easter"
