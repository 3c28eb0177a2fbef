"""A market of two shops, of which one's till stops: the other goes on, and whoever looks is told."""

import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import footfall, market, open_causes
from receiver import Receiver

from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.events import COLUMNS
from footfall.page.lines import read_accounts

LAST = pd.Timestamp("2026-05-31")
TODAY = LAST + pd.Timedelta(days=1)
CAUSE = "sites without a forecast"


def export(folder, **last):
    """The counts of shops, each to its own last day."""
    rng, tables = np.random.default_rng(1), []
    for site, end in last.items():
        days = pd.date_range("2025-10-01", end)
        counts = rng.poisson(60 + 15 * np.maximum(days.dayofweek - 2, 0))
        tables.append(pd.DataFrame({"date": days, "shop": site, "guests": counts}))
    pd.concat(tables).to_csv(folder / "shops.csv", index=False)


@pytest.fixture(scope="module")
def shops(servers, thin_notebooks, tmp_path_factory):
    """A market of two with a champion; what `footfall` says to words and the shops' last days, on the day after."""
    folder, name = tmp_path_factory.mktemp("shops"), f"shops{uuid.uuid4().hex[:6]}"
    data = f"source: '{folder}/shops.csv', unit: counts, columns: {{site: shop, value: guests}}, location: PT-11"

    def say(*words, as_of=TODAY, **last):
        if last:
            export(folder, **last)
        more = f"series: all, stale_after: 6, accept_revisions: true, as_of: {as_of:%F}"
        market(patch, folder, name, f"data: {{{data}, {more}}}\ntrain: {{backtest_days: 60}}\n")
        done = footfall(words[0], name, *words[1:])
        assert done.exit_code == 0, done.output
        return done.output

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTFALL_NOTEBOOKS", str(thin_notebooks))
        say.name, say.folder = name, folder
        say("train", Alfama=LAST, Baixa=LAST)
        yield say


def test_a_shop_whose_till_has_stopped_is_missed_until_it_comes_back(shops):
    from flows.operations import status

    said, days = shops("predict", Alfama=LAST - pd.Timedelta(days=22), Baixa=LAST), "its last day is 2026-05-09"
    missing = "no forecast of 1 of 2 series, such as Alfama count: stale: " + days
    assert said.count(missing) == 2, "in the log, and beneath the forecast"
    assert "Baixa" in said and "1 place " in said, "it is told whose the forecast is"
    (cause,) = open_causes(shops.name)
    assert cause["cause"] == CAUSE and cause["sentence"].startswith(missing)
    store = storage.connect("footfall")
    lines = {line.about: line for line in status.screen(store, shops.name, [cause])}
    assert missing in lines[CAUSE].says and lines[CAUSE].mend == "look at their tills", "no training brings it back"
    accounts = read_accounts(forecasts.latest(store, shops.name).files).set_index("location")
    assert accounts.loc["PT-11/Alfama", "days_known"] == 221 and accounts.loc["PT-11/Alfama", "status"] == "refused"
    shops("predict", Alfama=LAST - pd.Timedelta(days=22), Baixa=LAST)
    assert open_causes(shops.name) == [cause], "told once"
    assert "no forecast of" not in shops("predict", Alfama=LAST, Baixa=LAST) and open_causes(shops.name) == []


def test_a_shop_that_left_stops_no_run_and_is_told_once(shops):
    from flows.orchestration import automations

    shops("predict", Alfama=LAST, Baixa=LAST)
    with Receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv(automations.SETTING, receiver.url)
        automations.arrange()
        for _ in range(2):
            shops("predict", "--set", "data.accept_revisions=false", Alfama=LAST)
        assert receiver.wait(shops.name, 1) == ["source revised"]
    (sentence,) = [sentence for subject, sentence in receiver.told if shops.name in subject]
    assert sentence == "site vanished: Baixa had rows in the last snapshot, and none now"


def test_shops_that_an_event_has_shut_since_are_not_stale(shops):
    shut = [f"{LAST + pd.Timedelta(days=1):%F}", "2026-06-18", "", "holiday", "closed", f"{TODAY:%F}"]
    (shops.folder / f"{shops.name}.events.csv").write_text(f"{','.join(COLUMNS)}\n{','.join(shut)}\n")
    said = shops("predict", as_of=pd.Timestamp("2026-06-18"), Alfama=LAST, Baixa=LAST)
    assert "2 places" in said and "stale" not in said
    assert "stale" not in footfall("status", shops.name).output
    pages = forecasts.latest(storage.connect("footfall"), shops.name).files
    assert "stand still" not in pages["sites/alfama/index.html"].decode()


def test_a_shop_that_is_shut_for_good_is_said_once_and_the_other_goes_on(shops):

    later, for_good = LAST + pd.Timedelta(days=150), LAST + pd.DateOffset(years=10)
    shut = [f"{TODAY:%F}", f"{for_good:%F}", "Alfama", "shut for good", "closed", f"{TODAY:%F}"]
    (shops.folder / f"{shops.name}.events.csv").write_text(f"{','.join(COLUMNS)}\n{','.join(shut)}\n")
    said = shops("predict", as_of=later + pd.Timedelta(days=1), Alfama=LAST, Baixa=later)
    assert said.count("closed  closed") == 3, "seven days of Alfama, and of Baixa none"
    assert "no forecast of" not in said and open_causes(shops.name) == []
    assert "stale" not in footfall("status", shops.name).output
    latest = forecasts.latest(storage.connect("footfall"), shops.name).files
    assert set(read_accounts(latest)["status"]) <= {"published", "fell back"}
    page, other = (latest[f"sites/{shop}/index.html"].decode() for shop in ("alfama", "baixa"))
    assert "shut for good" in page and "shut for good" not in other and "stand still" not in page


def test_a_backtest_names_the_shop_it_is_of_and_passes_over_its_events(shops):
    asked = ("backtest", "--from", "2026-05-01", "--to", "2026-05-10", "--candidate", "seasonal naive")
    (shops.folder / f"{shops.name}.events.csv").unlink(missing_ok=True)
    plain = shops(*asked, Alfama=LAST, Baixa=LAST)
    assert f"seasonal naive, {shops.name}, Alfama alone: MAE" in plain and "70 forecasts" in plain
    fair = "2026-05-12,2026-05-12,Alfama,a street fair,busier,2026-05-01"
    (shops.folder / f"{shops.name}.events.csv").write_text(f"{','.join(COLUMNS)}\n{fair}\n")
    assert "64 forecasts" in shops(*asked), "six of the origins said something of the fair"
