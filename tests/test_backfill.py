"""Days that were missed are walked as of their own day, and take nothing from the present."""

import gc
import os
import subprocess
import sys

import psutil
import pytest
from conftest import footfall, open_causes

from flows.machine import give_back_memory
from flows.settings import ROOT
from flows.storage import bucket, forecasts


def test_a_past_that_is_caught_up_on_takes_nothing_from_today(first_run, few_candidates):
    import datetime as dt

    from flows.champion import ledger, registry
    from flows.orchestration import alerts

    place = bucket.connect("footfall")
    latest, champion = forecasts.pointer(place, "sample"), registry.alias("sample")
    alerts.open("sample", "missed day", "2022-10-12 has no forecast.")
    opened = open_causes("sample")
    asked = ["backfill", "sample", "--from", "2022-10-11", "--to", "2022-10-12", "--set", "train.backtest_days=66"]
    done = footfall(*asked)
    assert done.exit_code == 0, done.output
    assert done.output.count("stored, not shown") == 2 and "forecasts of a day became known" not in done.output
    assert forecasts.pointer(place, "sample") == latest and registry.alias("sample") == champion
    own = ledger.champion(place, "sample", dt.date(2022, 10, 12))
    assert str(own.as_of) == "2022-10-11" and own.version != champion, "trained as of the first day, used on both"
    stored = [forecasts.sets_of_day(place, "sample", day) for day in ("2022-10-11", "2022-10-12")]
    assert [len(sets) for sets in stored] == [1, 1]
    assert "missed day" in [one["cause"] for one in opened] and open_causes("sample") == opened
    alerts.close("sample", "missed day")
    told = footfall("champion", "sample", "--on", "2022-10-12").output
    assert f"sample/{own.version}, sha256" in told and "forecasts/" not in told, "nobody had a forecast by then"
    assert footfall("trace", "sample", "2022-10-12").output.count("stored and never shown") == 1
    assert "never shown" not in footfall("champion", "sample").output
    again = footfall(*asked)
    assert again.exit_code == 0 and again.output.count("has a forecast already") == 2


def test_a_walk_tells_which_days_came_to_nothing_and_goes_on(first_run):
    done = footfall("backfill", "sample", "--from", "2020-03-01", "--to", "2020-03-02")
    assert done.exit_code == 3
    assert done.output.count("DataProblem: sample: nothing was published by 2020-03-0") == 2
    assert "2 of 2 days came to nothing" in done.output


def test_a_walk_leaves_nothing_of_a_day_in_memory(first_run):
    from bs4 import Tag

    gc.disable()  # else it depends on chance what is left when it is looked for
    try:
        footfall("backfill", "sample", "--from", "2020-03-01", "--to", "2020-03-01")
        left = sum(isinstance(found, Tag) for found in gc.get_objects())
    finally:
        gc.enable()
    assert left == 0, "parts of the pages of runs, which nbconvert takes apart into objects in circles"


def test_memory_that_is_done_with_is_given_back():
    def held():
        return psutil.Process().memory_info().rss

    blocks = [bytearray(5000) for _ in range(10_000)]
    last, before = blocks[-1], held()  # what lies below the last one the C library would keep
    blocks.clear()
    give_back_memory()
    assert held() < before - 40_000_000 and last


def test_arrow_takes_its_memory_where_it_can_be_given_back():
    asked = "import flows.backfill, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    env = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    assert subprocess.check_output([sys.executable, "-c", asked], cwd=ROOT, env=env, text=True) == "system\n"


@pytest.mark.soak
def test_a_walk_without_a_champion_goes_on_with_the_best_that_is_known(live, few_candidates):
    import datetime as dt

    from flows.champion import ledger

    strict = ["--set", "train.margin=0.9", "--set", "train.backtest_days=66"]
    done = footfall("backfill", live, "--from", "2022-09-28", "--to", "2022-09-28", *strict)
    assert done.exit_code == 0, done.output
    entry = ledger.champion(bucket.connect("footfall"), live, dt.date(2022, 9, 28))
    assert entry.gate["standing"] == "unproven" and "is not 90% better than seasonal naive" in entry.why
    assert entry.why.endswith("nothing better is known yet")
