"""The review station on real servers: what it adds to runs and table, and when it calls for a training.

Each test has a bucket and a market of its own; what is published there are the bundled forecasts.
"""

import asyncio
import json
import re
import uuid
from datetime import date, timedelta

import pandas as pd
import pytest
from conftest import crown, market, open_causes
from figures import SAMPLE, retail
from mlflow_records import handed_over
from proxy import Proxy

from flows.record.folder import claim
from flows.settings import ROOT, home, params_folder
from flows.storage import bucket, forecasts
from footfall import digest, series
from footfall.errors import EnvironmentProblem
from footfall.evaluation import scores
from footfall.market_file import read_market

FORECASTS = dict(list(pd.read_parquet(SAMPLE / "forecasts.parquet").groupby("origin_date")))


@pytest.fixture
def cafe(servers, tmp_path, monkeypatch):
    """A market of the sample's figures; its name, which is its bucket's too."""
    name = market(monkeypatch, tmp_path, f"cafe-{uuid.uuid4().hex[:8]}", "data: {source: sample}\n")
    (home() / "bucket" / name).mkdir()
    monkeypatch.setenv("FOOTFALL_BUCKET", name)
    return name


def place(cafe):
    return bucket.connect(cafe)


def publish(cafe, first, last, made_by="0" * 32, late=0):
    for day in pd.date_range(first, last):
        figures = series.to_parquet(series.visible(series.read_snapshot(SAMPLE / "snapshot.parquet"), day, 3 + late))
        through = f"{day - (3 + late) * series.DAY:%F}"
        about = {"record": made_by, "snapshot": digest.sha256(figures), "data_through": through}
        forecasts.keep_snapshot(place(cafe), figures, {})
        content = FORECASTS[f"{day:%Y-%m-%d}"].to_parquet(index=False)
        forecasts.publish(place(cafe), cafe, day.date(), {"forecast.parquet": content}, about)


def review(cafe, as_of, **settings):
    from flows.review import review

    asked = {f"review.{name}": value for name, value in settings.items()}
    return asyncio.run(review(cafe, as_of, {"train.backtest_days": 66, **asked}))  # fewer: it trains faster


def stored(cafe):
    return {blob.name: (blob.generation, blob.crc32c) for blob in place(cafe).list_blobs()}


def table(cafe):
    return scores.from_parquet(bucket.read(place(cafe), f"{cafe}/scores.parquet"))


def newest(notebook, cafe):
    from flows.record import mlflow_runs

    return next((run for _, run in mlflow_runs.search(notebook, f"tags.market = '{cafe}'")), None)


def laid_down(cafe):
    folder = home() / "runs" / newest("review", cafe).data.tags["folder"] / "in"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")), folder


def predicted(cafe, tmp_path):
    """A run in MLflow, as a prediction leaves one."""
    from flows.record import mlflow_runs

    claim(tmp_path / "run", ROOT / "notebooks" / "predict.ipynb", {"market": cafe})
    return mlflow_runs.start(tmp_path / "run")


def test_what_became_known_is_scored_once_and_told_to_the_run_that_said_it(cafe, tmp_path):
    from flows.record import mlflow_runs

    made_by = predicted(cafe, tmp_path)
    publish(cafe, "2022-09-20", "2022-09-20", made_by)
    publish(cafe, "2022-09-21", "2022-09-26")  # their run is not there any more
    told = review(cafe, "2022-09-26")
    assert "6 forecasts of a day became known, the last of 2022-09-23" in told and "too early to tell" in told
    assert "no record any more of the forecasts as of 2022-09-21, 2022-09-22" in told
    rows = table(cafe)
    assert rows["origin_date"].tolist() == ["2022-09-20"] * 3 + ["2022-09-21"] * 2 + ["2022-09-22"]
    live = mlflow_runs.get(made_by).data.metrics
    assert live["live_days"] == 3 and live["live_MAE"] == pytest.approx(rows["error"][:3].abs().mean())
    assert live["live_cover80"] == pytest.approx(rows["covered80"][:3].mean()) and "live_WIS" in live
    note = newest("review", cafe).data.tags["mlflow.note.content"]
    assert note.startswith("6 forecasts of a day") and re.search(r"\[the flow run\]\(http.*/runs/flow-run/", note)

    before = stored(cafe)
    assert review(cafe, "2022-09-26").startswith("nothing new became known")
    assert stored(cafe) == before
    assert laid_down(cafe)[0] == ["scores.parquet", "snapshot.parquet"]
    assert table(cafe).equals(rows)


def test_a_forecast_made_from_late_figures_is_scored_by_what_it_had(cafe):
    publish(cafe, "2022-09-20", "2022-09-20", late=7)
    review(cafe, "2022-09-26")
    y, row = retail(), table(cafe).set_index("target_end_date").loc["2022-09-23"]
    assert row["naive_error"] == round(y["2022-09-09"] - y["2022-09-23"], 4), "the 16th was not there yet"


@pytest.mark.soak  # beside those of evaluation/test_scores.py, which run always
def test_a_review_of_an_earlier_day_sees_nothing_later_and_loses_nothing(cafe):
    publish(cafe, "2022-09-24", "2022-10-02")
    review(cafe, "2022-10-06")
    later = table(cafe)
    publish(cafe, "2022-09-18", "2022-09-23")  # caught up on afterwards
    review(cafe, "2022-09-29")
    files, folder = laid_down(cafe)
    assert files == [f"forecasts/2022-09-{day}.parquet" for day in range(18, 24)] + [
        "scores.parquet",
        "snapshot.parquet",
    ]
    assert scores.read_scores(folder / "scores.parquet")["target_end_date"].max() == "2022-09-26"
    both = table(cafe)
    assert len(both) == len(later) + 7 + 7 + 6 + 5 + 4 + 3
    assert both.merge(later[scores.DATES]).equals(later)


def test_decay_calls_for_one_training_and_no_second(cafe, few_candidates):
    publish(cafe, "2022-09-01", "2022-10-05")
    asked = {"window": 28, "least_skill": 0.99}
    told = review(cafe, "2022-10-07", **asked)
    assert "skill is" in told and "version 1" in told
    trained = newest("train", cafe)
    assert trained.data.tags["trigger"] == "drift" and trained.data.tags["as_of"] == "2022-10-07"
    review(cafe, "2022-10-08", **asked)
    assert newest("train", cafe).info.run_id == trained.info.run_id
    from flows.station.scores import trained_for

    assert trained_for("drift", cafe, date(2022, 11, 3), 28) == "2022-10-07"
    assert trained_for("drift", cafe, date(2022, 11, 4), 28) is None
    assert trained_for("drift", cafe, date(2022, 10, 6), 28) is None, "a training of a later day is still to come"


def test_a_review_of_a_past_day_says_nothing_of_todays_decay(cafe):
    from flows.orchestration import alerts

    publish(cafe, "2022-09-20", "2022-09-27")
    alerts.open(cafe, "decay", "worse than the naive")
    assert "too early to tell" in review(cafe, "2022-09-26")
    assert [one["cause"] for one in open_causes(cafe)] == ["decay"]
    assert "too early to tell" in review(cafe, "2022-09-27")
    assert open_causes(cafe) == []


@pytest.mark.parametrize(
    ("status", "reason", "open_since", "trigger"),
    [
        ("published", "", True, ""),
        ("young", "", True, "young"),
        ("young", "", False, ""),
        ("refused", "newer than the champion: its figures begin on 2022-09-01", True, "young"),
        ("refused", "unfit: the last two weeks are one and the same value", True, ""),
        ("refused", "stale: its last day is 2022-09-01", True, ""),
    ],
)
def test_a_place_that_grows_beside_proven_ones_calls_for_a_training(
    status, reason, open_since, trigger, first_run, tmp_path, monkeypatch
):
    from flows.champion import ledger
    from flows.station.run import Run
    from flows.station.scores import calls_for_training

    name = market(monkeypatch, tmp_path, f"grows{uuid.uuid4().hex[:6]}", "data: {source: sample, stale_after: 30}\n")
    crown(name, tmp_path)
    current = ledger.champion(place("footfall"), name)
    assert current.gate["standing"] != "young"
    day = current.as_of + timedelta(days=7)
    keys = {"location": ["ES", "PT"], "category": "retail_and_recreation"}
    accounts = pd.DataFrame({**keys, "status": ["published", status], "reason": ["", reason]})
    files = {"forecast.parquet": b"", "series.parquet": accounts.to_parquet(index=False)}
    forecasts.publish(place("footfall"), name, day, files, {"model_version": f"{name}/1"})
    figures = series.read_snapshot(SAMPLE / "snapshot.parquet")
    moved = figures.assign(date=figures["date"] + (pd.Timestamp(day) - figures["date"].max()))
    seen = moved if open_since else series.visible(moved, current.as_of, 3)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "snapshot.parquet").write_bytes(series.to_parquet(seen))
    run = Run("review", read_market(params_folder(), name, as_of=str(day)), tmp_path)
    assert calls_for_training(run, decayed=False) == trigger
    early = Run("review", read_market(params_folder(), name, as_of=str(day - timedelta(days=1))), tmp_path)
    assert calls_for_training(early, decayed=False) == "", "once a week"


def decayed_review(cafe, servers, monkeypatch, refused):
    """A review that finds decay, while MLflow refuses some requests."""
    publish(cafe, "2022-09-01", "2022-10-05")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("reset", refused, times=99)
        return review(cafe, "2022-10-07", window=28, least_skill=0.99)


@pytest.mark.soak
def test_a_training_that_was_not_brought_to_its_end_is_none(cafe, servers, monkeypatch):
    from flows.record import mlflow_runs
    from flows.station.scores import trained_for

    with pytest.raises(EnvironmentProblem, match="MLflow at"):
        decayed_review(cafe, servers, monkeypatch, "POST .*model-versions/create")
    handed_over()
    mlflow_runs.deliver_waiting(home() / "runs")
    trained = newest("train", cafe).data.tags
    assert (trained["trigger"], trained["outcome"]) == ("drift", "succeeded"), "its record was delivered"
    assert trained_for("drift", cafe, date(2022, 10, 8), 28) is None, "so the next review tries again"


@pytest.mark.soak
def test_what_cannot_be_shown_keeps_neither_the_alert_nor_the_training(cafe, servers, monkeypatch):
    assert "version 1" in decayed_review(cafe, servers, monkeypatch, "POST .*runs/set-tag")
    assert [one["cause"] for one in open_causes(cafe)] == ["decay"]
    assert newest("train", cafe).data.tags["trigger"] == "drift"


def test_before_anything_was_published_a_review_says_so_in_prefect_too_whatever_the_market_is_called(cafe):
    from prefect.client.orchestration import get_client

    name = cafe.replace("-", "_")
    (params_folder() / f"{cafe}.yaml").rename(params_folder() / f"{name}.yaml")
    told = review(name, "2022-09-26")
    assert told.startswith("nothing new became known") and "0 of the last 42 days are scored" in told
    assert not any("scores" in name for name in stored(cafe))
    with get_client(sync_client=True) as client:
        asked = {"artifacts": {"key": {"any_": [f"{cafe}-review", f"{cafe}-report-card"]}}}
        assert {one["type"] for one in client.request("POST", "/artifacts/filter", json=asked).json()} == {
            "markdown",
            "table",
        }


@pytest.fixture
def track(cafe, tmp_path):
    """What the page as of 2022-09-30 quotes, had it been made in a run of this name."""
    from flows.station import run as station
    from flows.station import scores as handed_in

    def lay_down(name):
        run = station.Run("predict", station.market_as_of(cafe, "2022-09-30", None), tmp_path / name)
        (run.folder / "in").mkdir(parents=True)
        figures = series.visible(series.read_snapshot(SAMPLE / "snapshot.parquet"), "2022-09-30", 3)
        (run.folder / "in" / "snapshot.parquet").write_bytes(series.to_parquet(figures))
        return (run.folder / handed_in.take_track.fn(run)).read_text()

    return lay_down


def test_a_day_that_was_caught_up_on_later_changes_no_track_of_a_day_that_has_a_forecast(cafe, track):
    publish(cafe, "2022-09-22", "2022-09-23")
    first = track("first")
    assert json.loads(first)["PT retail_and_recreation"]["through"] == "2022-09-26", (
        "as of the day before, less the lag"
    )
    publish(cafe, "2022-09-30", "2022-09-30")
    publish(cafe, "2022-09-21", "2022-09-21")
    assert track("again") == first
    figures = series.read_snapshot(SAMPLE / "snapshot.parquet")
    known = {("PT", "retail_and_recreation"): series.pick(figures, "PT", "retail_and_recreation")}
    late = scores.score_all(FORECASTS["2022-09-21"], known, 3, {})
    assert len(late)
    bucket.amend(place(cafe), f"{cafe}/scores.parquet", lambda _: scores.to_parquet(late))
    assert track("reviewed") == first


@pytest.mark.soak
def test_the_page_quotes_the_same_whether_the_review_of_the_day_before_was_made_or_made_up_for(cafe, track):
    publish(cafe, "2022-09-18", "2022-09-27")
    never_reviewed = track("never")
    review(cafe, "2022-09-28")
    reviewed_earlier = track("earlier")
    review(cafe, "2022-09-29")
    in_time = track("in time")
    review(cafe, "2022-09-30")
    assert never_reviewed == reviewed_earlier == in_time == track("later")
    assert '"through": "2022-09-26"' in in_time


def test_of_several_forecasts_of_a_day_the_one_that_was_seen_last_is_scored(cafe):
    from flows.champion.ledger import Entry, in_force

    days = [date(2022, 9, 20), date(2022, 9, 21)]
    for day in days:
        for version in ("1", "2", "1"):  # back again after the second: the pointer knows, the order of storing does not
            forecasts.publish(place(cafe), cafe, day, {"x": version.encode()}, {"model_version": f"{cafe}/{version}"})
    sets = forecasts.sets(place(cafe), cafe)
    first, second = zip(*sets.values(), strict=True)
    assert in_force(place(cafe), cafe, "2022-09-21", sets["2022-09-21"]) == first[1]
    assert in_force(place(cafe), cafe, "2022-09-20", sets["2022-09-20"]) == second[0], "the pointer has left, no ledger"
    facts = {"market": cafe, "was": None, "at": "", "who": "", "why": "", "sha256": "", "run": "", "gate": {}}
    name = f"ledger/{cafe}/000001.json"
    champions = [{"as_of": days[0], "version": "1", "sha256": "", "entry": name}]
    entry = Entry(number=1, action="promotion", version="1", as_of=days[0], before="", champions=champions, **facts)
    bucket.create(place(cafe), name, entry.model_dump_json(indent=2).encode())
    assert in_force(place(cafe), cafe, "2022-09-20", sets["2022-09-20"]) == first[0]
