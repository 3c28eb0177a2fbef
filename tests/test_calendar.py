"""What the calendar says about a day."""

import pandas as pd
import pytest

from footfall.calendar import ORDINARY, country_of, kinds, special


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


@pytest.mark.parametrize("country", ["GR", "CY", "RO", "BG", "RS"])
def test_the_orthodox_keep_their_own_easter(country):
    assert kind("2022-04-24", country) == "Easter" and kind("2022-04-17", country) != "Easter"


@pytest.mark.parametrize("country", ["PT", "DE", "US", "LB", "XX"])
def test_all_others_keep_the_western_easter(country):
    assert kind("2022-04-17", country) == "Easter"


def test_days_may_come_in_any_order_and_number():
    days = pd.DatetimeIndex(["2022-12-25", "2021-06-10", "2022-12-24"])
    assert kinds(days, "PT").tolist() == ["25 December", "holiday", "24 December"]
    assert kinds(days[:0], "PT").empty


def test_special_is_anything_but_ordinary():
    assert special(pd.DatetimeIndex(["2022-06-16", "2022-06-21"]), "PT").tolist() == [True, False]


@pytest.mark.parametrize("location", ["PT", "PT-11", "PT/Lisbon/Amadora"])
def test_the_country_is_the_first_two_letters(location):
    assert country_of(location) == "PT"
