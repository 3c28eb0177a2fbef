"""What the command line says of what went wrong, and of the forecasts of many places."""

import datetime as dt
import errno
import io

import pandas as pd
import pytest
import typer
from conftest import free_port

from flows.cli import terminal
from flows.settings import home
from flows.storage import forecasts
from footfall.errors import DataProblem, UsageProblem

PROBLEM = DataProblem("till.csv:3: [no] number")


@pytest.fixture
def said(monkeypatch):
    """What is said on a terminal of 120 columns."""
    shown = terminal.Terminal(file=io.StringIO(), width=120, highlight=False, soft_wrap=True, emoji=False)
    monkeypatch.setattr(terminal, "say", shown.print)
    return shown.file.getvalue


def fail(market, error, meanwhile=lambda: None):
    with pytest.raises(typer.Exit) as ended, terminal.plain_words(market):
        meanwhile()
        raise error
    return ended.value.exit_code


def test_what_readers_see_after_something_went_wrong_is_said(bucket, monkeypatch, said):
    monkeypatch.setenv("FOOTFALL_BUCKET", bucket.name)

    def publish():
        forecasts.publish(bucket, "m", dt.date(2022, 10, 13), {"forecast.csv": b"1"}, {"model_version": "m/1"})

    def lose_the_bucket():
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("FOOTFALL_BUCKET_DEADLINE", "0.5")

    assert fail("m", PROBLEM) == 3
    assert said() == f"DataProblem  {PROBLEM}\nNothing was published; no forecast was published yet.\n"
    fail("m", PROBLEM, publish)
    assert said().endswith("The latest forecast is now 2022-10-13.\n")
    fail("m", PROBLEM)
    assert said().endswith("Nothing was published; the latest forecast remains 2022-10-13.\n")
    fail("m", PROBLEM, lose_the_bucket)
    assert said().endswith("could not be asked; what was published before remains.\n")


def test_another_home_is_advised_only_where_this_one_is_in_the_way(said):
    for number, path, is_advised in (
        (errno.EACCES, f"{home()}/runs", True),
        (errno.ENOSPC, "/elsewhere", True),
        (errno.EACCES, "/elsewhere", False),
    ):
        before = said()
        assert fail(None, OSError(number, "of no use", path)) == 4
        assert ("FOOTFALL_HOME" in said().removeprefix(before)) == is_advised, (number, path)


def test_what_is_set_may_hold_an_equals_sign_and_a_query():
    address = "https://example.org/export?day=2022-10-13"
    assert terminal.settings([f"data.source={address}", "data.lag=2"]) == {"data.source": address, "data.lag": 2}


def table(places, low=100.0):
    """A published table of a day of several places."""
    facts = {"target": "count", "origin_date": "2022-10-12", "target_end_date": "2022-10-13", "open": "yes"}
    means = pd.DataFrame({"location": [f"PT-11/{place}" for place in places], "output_type": "mean", "value": low})
    return means.assign(output_type_id="", model_version="m/1", snapshot="5a" * 32, **facts)


def test_of_many_places_the_first_twenty_are_shown_and_the_number_of_the_others(said):
    names = ["[b]Sé[/b]", *(f"Loja {number:02}" for number in range(22))]
    terminal.say(terminal._table(table(names), True))
    first, *rows, last = said().splitlines()
    assert first.split()[:2] == ["23", "places"] and last.strip() == "… and 3 more"
    assert len(rows) == 20 and rows[-1].split() == ["Loja", "19", "100"]
    terminal.say(terminal._table(table(["[b]Sé[/b]"]), True))
    head, only = said().splitlines()[-2:]
    assert head.split()[:2] == ["1", "place"] and only.startswith("[b]Sé[/b] "), "the only one that has a forecast"


def test_what_if_shows_the_places_that_would_change_and_no_other(said):
    names = [f"Loja {number:02}" for number in range(23)]
    published = table(names)
    supposed = published.assign(value=published["value"].where(published.index == 0, 50.0))
    terminal.say(terminal._changed(published, supposed))
    first, *rows, last = said().splitlines()
    assert first.split()[:4] == ["22", "of", "23", "places"] and last.strip() == "… and 2 more"
    assert len(rows) == 40 and "Loja 00" not in said()
    assert (rows[0].split(), rows[1].split()) == (["Loja", "01", "published", "100"], ["what", "if", "50"])


def test_a_day_is_supposed_once():
    with pytest.raises(UsageProblem, match="--rain 2026-12-29 is given more than once"):
        terminal.by_day("--rain", ["2026-12-29=0", "2026-12-29=4"], float)
    assert terminal.by_day("--event", ["2026-12-29=busier: a=b"], str) == {"2026-12-29": "busier: a=b"}
