"""What a day is: the market's, not the machine's."""

import datetime as dt
import time

import pytest

from flows.settings import ROOT, bucket_name, day_of, home, notebooks_folder, params_folder, today
from footfall.errors import UsageProblem
from footfall.params import Data

NIGHT = dt.datetime(2022, 7, 1, 23, 30, tzinfo=dt.UTC)


def test_a_setting_that_is_empty_is_none(monkeypatch):
    for name in ("HOME", "PARAMS", "NOTEBOOKS", "BUCKET"):
        monkeypatch.setenv(f"FOOTFALL_{name}", "")
    folders = (home(), params_folder(), notebooks_folder())
    assert folders == (ROOT / ".footfall", ROOT / "params", ROOT / "notebooks") and bucket_name() == "footfall"


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_a_day_begins_in_lisbon_whatever_the_machines_zone(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert today(moment=NIGHT) == today(moment=NIGHT.astimezone()) == dt.date(2022, 7, 2)
    now = dt.datetime.now(dt.UTC)
    assert today() in {today(moment=now - dt.timedelta(minutes=1)), today(moment=now)}
    monkeypatch.undo()
    time.tzset()


def test_a_market_stands_on_its_own_day_else_on_the_one_its_run_was_due_on_else_on_today():
    still, live = Data(source="sample", as_of="2022-10-13"), Data(source="sample")
    far = Data(source="sample", timezone="Pacific/Auckland")
    assert day_of(still, NIGHT) == dt.date(2022, 10, 13)
    assert day_of(live, NIGHT) == dt.date(2022, 7, 2)
    assert day_of(far, NIGHT - dt.timedelta(hours=12)) == dt.date(2022, 7, 1)
    assert day_of(far, NIGHT - dt.timedelta(hours=11)) == dt.date(2022, 7, 2)
    assert day_of(live) == today()


@pytest.mark.parametrize("source", ["gs://figures/a@b.csv", "a@b.csv", "https://example.org/a.zip?day=1"])
def test_an_at_is_a_password_only_in_an_address_that_can_have_one(source):
    from flows.cli import terminal

    assert terminal.settings([f"data.source={source}"]) == {"data.source": source}
    with pytest.raises(UsageProblem, match="no password may be in it"):
        terminal.settings(["data.source=https://me:canary@example.org/a.zip"])
