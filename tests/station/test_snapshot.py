"""What a run stands on is compared with what was published, as long as that can be read."""

import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import crown, footfall, market, typical
from figures import SAMPLE

from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.digest import sha256
from footfall.errors import DataProblem


def predict(name, day):
    return footfall("predict", name, "--as-of", day)


@pytest.mark.soak
@pytest.mark.parametrize("lost", ["the snapshot", "the manifest", "a file"])
def test_what_was_lost_of_the_latest_set_stops_no_later_day(lost, first_run, tmp_path, monkeypatch):
    name = market(monkeypatch, tmp_path, f"lost{uuid.uuid4().hex[:6]}", "data: {source: sample}\n")
    crown(name, tmp_path)
    assert predict(name, "2022-10-13").exit_code == 0
    bucket = storage.connect("footfall")
    latest = forecasts.latest(bucket, name)
    manifest, snapshot = latest.pointer["manifest"], f"snapshots/{latest.manifest['about']['snapshot']}.parquet"
    calendar = manifest.replace("manifest.json", "week.ics")
    path = {"the snapshot": snapshot, "the manifest": manifest, "a file": calendar}[lost]
    content = storage.read(bucket, path)
    bucket.blob(path).delete()
    try:
        done = predict(name, "2022-10-14")
        assert done.exit_code == 0, done.output
        assert ("the source is not compared with what was published" in done.output) == (lost != "a file"), lost
        assert forecasts.latest(bucket, name).pointer["as_of"] == "2022-10-14"
    finally:
        storage.create(bucket, path, content)  # other tests read the same snapshot


VACATION = ["2025-08-04", "2025-08-24"]
SHUT = {
    "absent: closed": {"absent": "closed"},
    "absent: unknown": {"absent": "unknown"},
    "closed": {"closed": {"weekdays": ["sunday"], "from_to": [VACATION]}},
    "events": {},
}


@pytest.mark.parametrize("step", typical([1, 3], 3))  # days; each third is of every weekday
@pytest.mark.parametrize("said", SHUT)
def test_a_day_of_the_past_sees_what_its_own_file_had_about_a_vacation_and_days_of_rest(
    said, step, monkeypatch, tmp_path
):
    from flows.sources.events import closed_sites
    from flows.sources.reading import read_source
    from flows.station.run import Run
    from flows.station.snapshot import _visible
    from footfall import events
    from footfall.params import Data, Market

    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "home"))
    days = pd.date_range("2025-06-02", "2025-10-31")
    rows = pd.DataFrame({"date": days.repeat(2), "site": ["Baixa", "Foz"] * len(days)}).assign(n=30)
    away = rows["date"].between(*VACATION) & (rows["site"] == "Foz")
    rows = rows[~away & (rows["date"].dt.dayofweek != 6)].astype({"n": "Int64"})
    rows.loc[rows["date"].dt.day == 13, "n"] = None  # a Wednesday, and in September a Saturday
    columns = {"site": "site", "value": "n"}
    data = Data(source="x", unit="counts", columns=columns, location="PT-11", series="all", **SHUT[said])
    known = pd.DataFrame([[*VACATION, "Foz", "away", "closed", "2025-07-01"]], columns=events.COLUMNS)

    def seen(file, day):
        file.to_csv(tmp_path / "till.csv", index=False)
        own = data.model_copy(update={"source": str(tmp_path / "till.csv"), "as_of": str(day.date())})
        run = Run("predict", Market(name="two", data=own), tmp_path, events=known if said == "events" else None)
        return _visible(closed_sites(own, run.events, read_source(own).series), run)

    for day in pd.date_range("2025-07-28", "2025-09-14", freq=f"{step}D"):
        cut = seen(rows[rows["date"] < day], day)
        pd.testing.assert_frame_equal(seen(rows, day), cut)
        assert cut["value"].notna()[cut["location"].ne(cut["location"].shift(-1))].all()


@pytest.mark.soak  # beside what nobody is told of a day of the past, in test_notify.py
def test_nothing_is_said_on_the_page_by_a_run_that_is_not_of_today(first_run, tmp_path, monkeypatch):
    name = market(monkeypatch, tmp_path, f"live{uuid.uuid4().hex[:6]}", "data: {source: sample}\n")
    crown(name, tmp_path)
    place = storage.connect("footfall")

    def page(*words):
        done = footfall("predict", name, *words)
        return done.exit_code, b'role="alert"' in storage.read(place, f"{name}/index.html")

    assert page("--as-of", "2022-10-20") == (0, False)
    assert page("--as-of", "2022-10-22", "--set", "data.stale_after=1") == (3, False), "not what the market's file says"
    assert page("--as-of", "2022-10-19", "--set", "data.stale_after=1") == (3, False), "an older day than the page's"
    assert page("--as-of", "2022-11-20") == (3, True)


def test_where_other_series_are_chosen_than_were_published_nothing_is_compared(servers, monkeypatch, tmp_path):
    from flows.station import snapshot
    from flows.station.run import Run
    from footfall import series
    from footfall.params import Data, Market

    table = series.read_snapshot(SAMPLE / "snapshot.parquet")
    was, now = (table[table["category"] == category] for category in ("parks", "residential"))
    monkeypatch.setattr(snapshot, "_published", lambda market: series.to_parquet(was))
    data = Data(source="sample", as_of="2022-10-13", series={"countries": ["PT"], "categories": ["residential"]})
    run = Run("predict", Market(name="many", data=data), tmp_path)
    assert snapshot._revisions(snapshot.selected(run, now), run) == []
    less = now.assign(value=now["value"] - 5)
    monkeypatch.setattr(snapshot, "_published", lambda market: series.to_parquet(now))
    with pytest.raises(DataProblem, match="accept_revisions"):
        snapshot._revisions(snapshot.selected(run, less), run)
    assert "revised" not in run.facts
    run.market = Market(name="many", data=data.model_copy(update={"accept_revisions": True}))
    (sentence,) = snapshot._revisions(snapshot.selected(run, less), run)
    assert "history rewritten" in sentence and run.facts["revised"] == sentence[:250]


def test_one_of_many_sites_that_left_is_noted_and_stops_no_run_and_half_of_them_do(monkeypatch, tmp_path):
    from flows.station import snapshot
    from flows.station.run import Run
    from footfall import series
    from footfall.params import Data, Market

    figures = series.read_snapshot(SAMPLE / "snapshot.parquet").astype({"location": "str", "category": "str"})
    one = figures[figures["category"] == "parks"].assign(category="count", value=lambda rows: rows["value"] + 101)
    was = pd.concat([one.assign(location=f"PT-11/Rua {number}") for number in range(4)], ignore_index=True)
    monkeypatch.setattr(snapshot, "_published", lambda market: series.to_parquet(was))
    data = Data(source="till.csv", unit="counts", location="PT-11", series="all", as_of="2022-10-13")
    run = Run("predict", Market(name="many", data=data), tmp_path)
    left = "site vanished: Rua 0 had rows in the last snapshot, and none now"
    assert snapshot._revisions(snapshot.selected(run, was[was["location"] > "PT-11/Rua 0"]), run) == [left]
    assert run.facts["revised"] == left
    with pytest.raises(DataProblem, match="site vanished: Rua 0 and 1 more"):
        snapshot._revisions(snapshot.selected(run, was[was["location"] > "PT-11/Rua 1"]), run)


def test_a_kept_snapshot_ends_for_a_market_where_its_own_series_do(servers, bucket, monkeypatch, tmp_path):
    from prefect.logging import disable_run_logger

    from flows.station.run import Run
    from flows.station.snapshot import take_snapshot
    from footfall import series
    from footfall.digest import sha256
    from footfall.params import Data, Market

    monkeypatch.setenv("FOOTFALL_BUCKET", bucket.name)
    content = series.to_parquet(series.read_snapshot(SAMPLE / "snapshot.parquet"))
    others = {"source": "sample", "data_through": "2022-10-01", "retrieved_at": "2022-10-13T06:00:00+00:00"}
    forecasts.keep_snapshot(bucket, content, others)
    run = Run("predict", Market(name="ours", data=Data(source="sample", location="PT", as_of="2022-10-13")), tmp_path)
    with disable_run_logger():
        take_snapshot.fn(run, sha256(content))
    assert run.facts["data_through"] == "2022-10-10", "what had been published by that day, with a lag of three"


@pytest.mark.parametrize(
    ("lag", "as_of", "through"), [(1, "2026-11-02", "2026-10-31"), (3, "2026-10-21", "2026-10-17")]
)
def test_a_kept_snapshot_of_older_code_that_ends_on_a_shut_day_ends_where_the_notebook_s_does(
    servers, bucket, monkeypatch, tmp_path, lag, as_of, through
):
    from prefect.logging import disable_run_logger

    from flows.station.run import Run
    from flows.station.snapshot import selected, take_snapshot
    from footfall import series
    from footfall.digest import sha256
    from footfall.params import Data, Market

    monkeypatch.setenv("FOOTFALL_BUCKET", bucket.name)
    day = pd.date_range("2026-10-05", "2026-11-01")
    table = pd.DataFrame({"location": "PT-11", "category": "count", "date": day, "value": 30.0, "open": "yes"})
    table.loc[table["date"].dt.dayofweek == 6, ["value", "open"]] = [np.nan, "no"]
    content = series.to_parquet(table)
    about = {"source": "till.csv", "data_through": "2026-11-01", "retrieved_at": "2026-11-02T06:00:00+00:00"}
    forecasts.keep_snapshot(bucket, content, about)
    data = Data(source="till.csv", unit="counts", location="PT-11", as_of=as_of, lag=lag)
    run = Run("predict", Market(name="ours", data=data), tmp_path)
    with disable_run_logger():
        take_snapshot.fn(run, sha256(content))
    read = series.visible(series.read_snapshot(tmp_path / "in" / "snapshot.parquet"), data.as_of, data.lag)
    assert run.facts["data_through"] == f"{selected(run, read).through:%F}" == through


@pytest.mark.parametrize(
    ("source", "day"),
    [("https://www.gstatic.com/x.zip", "2026-11-20"), ("sample", ""), ("archive.zip", ""), ("gs://mine/x.zip", "")],
)
def test_figures_were_accessed_when_they_first_came_from_an_address(servers, tmp_path, source, day):
    from flows.station import snapshot
    from flows.station.run import Run
    from footfall.params import Data, Market

    run, content = Run("predict", Market(name="any", data=Data(source=source)), tmp_path), f"{source}".encode()
    run.facts["snapshot"] = sha256(content)
    assert snapshot.accessed(run) == "", "of what is not kept nothing is known"
    for hour in ("2026-11-20T23:00", "2026-11-28T01:00"):
        about = {"source": source, "data_through": "2022-10-13", "retrieved_at": f"{hour}:00+00:00"}
        forecasts.keep_snapshot(storage.connect("footfall"), content, about)
        assert snapshot.accessed(run) == day
