"""Alerts: real server, real automation, real notification block, and a receiver on this machine."""

import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import bad_data
import pytest
from conftest import crown, footfall, open_causes
from mlflow_records import model, training
from receiver import Receiver

from flows.settings import OWN_PREFECT, home
from flows.storage import bucket as storage
from footfall.errors import EnvironmentProblem, Interrupted


@pytest.fixture(scope="module")
def receiver(servers):
    from flows.orchestration import automations

    with Receiver() as one, pytest.MonkeyPatch.context() as patch:
        patch.setenv(automations.SETTING, one.url)
        automations.arrange()
        yield one
        patch.delenv(automations.SETTING)
        automations.arrange()


def test_a_cause_is_told_once_until_it_is_closed(receiver):
    from flows.orchestration import alerts

    assert alerts.open("once", "stale source", "The last day is 2022-10-13.")
    assert [alerts.open("once", "stale source", f"Still, on day {day}.") for day in range(9)] == [False] * 9
    assert receiver.wait("once", 1) == ["stale source"]
    assert ("Footfall once: stale source", "The last day is 2022-10-13.") in receiver.told
    assert [one["cause"] for one in open_causes("once")] == ["stale source"]
    alerts.close("once", "stale source", "never opened")
    assert open_causes("once") == []
    assert alerts.open("once", "stale source", "Again.")
    assert receiver.wait("once", 2) == ["stale source"] * 2
    alerts.close("once", "stale source")


def test_what_a_source_says_is_no_markup_in_a_mail_or_a_chat(receiver):
    from flows.orchestration import alerts

    alerts.tell("markup", "news", "tasca.csv:3: <a href=x>here</a> <https://x.example|y> [here](x)")
    assert receiver.wait("markup", 1) == ["news"]
    assert [text for title, text in receiver.told if "markup" in title] == [
        "tasca.csv:3: ‹a href=x›here‹/a› ‹https://x.example|y› (here)(x)"
    ]


def test_while_days_of_the_past_are_walked_nothing_is_opened_and_nothing_closed(receiver):
    from flows.orchestration import alerts

    assert alerts.open("past", "missed day", "2022-10-12 has no forecast.")
    with alerts.muted():
        assert not alerts.open("past", "stale source", "The last day is 2022-10-13.")
        alerts.close("past", "missed day")
    assert [one["cause"] for one in open_causes("past")] == ["missed day"]
    alerts.close("past", "missed day")
    assert open_causes("past") == []


def test_of_four_runs_that_meet_a_cause_at_once_one_tells_it(receiver):
    from flows.orchestration import alerts

    with ThreadPoolExecutor(4) as crowd:
        told = list(crowd.map(lambda number: alerts.open("crowd", "decay", f"from {number}"), range(4)))
    assert told.count(True) == 1
    assert receiver.wait("crowd", 1) == ["decay"]
    alerts.close("crowd", "decay")


@pytest.mark.parametrize("who", ["the next", "the one in its place"])
def test_a_cause_that_was_not_told_for_a_kill_is_told_by_the_next_and_once(who, receiver, monkeypatch):
    from prefect import flow, tags

    from flows.orchestration import alerts
    from flows.orchestration.client import AGAIN

    name = who.replace(" ", "_")

    killed = """
import os, sys
from flows.orchestration import alerts
alerts._emit = lambda *_: os.kill(os.getpid(), 9)
alerts.open(sys.argv[1], "failure of predict", "The disk is full.", "OSError")
"""

    @flow
    def fails():
        return alerts.open(name, "failure of predict", "The disk is full.", "OSError")

    assert subprocess.run([sys.executable, "-c", killed, name], check=False).returncode == -9
    assert not fails(), "another may be at it"
    if who == "the next":
        monkeypatch.setattr(alerts, "TELLING", -alerts.TELLING)
    with tags(*[AGAIN] * (who != "the next")):
        assert [fails() for _ in range(3)] == [True, False, False]
    assert receiver.wait(name, 1) == ["failure of predict"]
    alerts.close(name, "failure of predict")


def test_a_cause_is_told_again_when_something_else_is_to_be_done(receiver):
    from flows.orchestration import alerts

    assert alerts.open("other", "failure of predict", "MLflow is away; run again.", "EnvironmentProblem")
    assert not alerts.open("other", "failure of predict", "MLflow is still away.", "EnvironmentProblem")
    assert alerts.open("other", "failure of predict", "Its history was rewritten.", "DataProblem")
    assert receiver.wait("other", 2) == ["failure of predict"] * 2
    assert [one["sentence"] for one in open_causes("other")] == ["Its history was rewritten."]
    assert not alerts.open("other", "failure of predict", "A column is gone.", "DataProblem")
    assert [one["sentence"] for one in open_causes("other")] == ["A column is gone."], "what is to be done now"
    alerts.close("other", "failure of predict")


def test_a_long_sentence_in_any_script_is_told(receiver):
    from flows.orchestration import alerts

    for name, sentence in {"quotes": '"' * alerts.LONG, "ção": "ção " * 500, "日": "日" * alerts.LONG}.items():
        assert alerts.open("wide", f"failure of {name}", sentence), name
        assert [len(one["sentence"]) for one in open_causes("wide")] == [alerts.KEPT]
        alerts.close("wide", f"failure of {name}")
    assert len(receiver.wait("wide", 3)) == 3
    assert max(len(sentence) for subject, sentence in receiver.told if "wide" in subject) == alerts.LONG


def test_a_champion_of_today_that_making_up_for_the_past_has_found_is_told(receiver, first_run, tmp_path, monkeypatch):
    import asyncio
    import datetime as dt

    from flows import backfill

    async def promoted(market, day, *_):
        if day.day == 13:
            raise Interrupted("Ctrl-C")
        (tmp_path / market).mkdir()
        crown(market, tmp_path / market)
        return "walked"

    async def walk(market, *days):
        return [told async for told in backfill.backfill(market, [dt.date(2022, 10, day) for day in days])]

    monkeypatch.setattr(backfill, "_walk", promoted)
    assert asyncio.run(walk("caught_up", 12)) == ["2022-10-12: walked"]
    assert receiver.wait("caught_up", 1) == ["promotion"]
    with pytest.raises(Interrupted):
        asyncio.run(walk("stopped", 12, 13))
    assert receiver.wait("stopped", 1) == ["promotion"]


def test_a_promotion_whose_training_was_killed_before_it_was_told_is_told_by_the_next_and_once(receiver, tmp_path):
    from flows.champion import registry
    from flows.orchestration import alerts
    from flows.record import mlflow_runs
    from flows.station.champion import tell_of_what_was_cut_short

    bucket, run = storage.connect("footfall"), training(mlflow_runs, tmp_path)
    version = registry.register("cut_short", run, model(tmp_path), {})
    killed = """
import datetime as dt, json, os, sys
from flows.champion import ledger
from flows.storage import bucket
market, version, run = sys.argv[1:]
gate = {"passed": True, "reason": "it is better", "figures": {}}
ledger.promote(bucket.connect("footfall"), market, version, None, dt.date(2022, 10, 13), gate, run)
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", killed, "cut_short", version, run], check=False).returncode == -9
    with alerts.muted():
        tell_of_what_was_cut_short(bucket, "cut_short")  # by a training of a day of the past
    for _ in range(2):
        tell_of_what_was_cut_short(bucket, "cut_short")
    assert receiver.wait("cut_short", 1) == ["promotion"]
    assert mlflow_runs.get(run).data.tags["decided"] == "version 1 is champion: it is better"


def test_automations_that_are_as_they_should_be_are_left_alone(receiver, monkeypatch):
    from prefect.client.orchestration import get_client

    from flows.orchestration import automations

    def there():
        with get_client(sync_client=True) as client:
            return {one.name: one.id for one in client.read_automations()}

    before = there()
    assert set(before) == set(automations.NAMES)
    automations.arrange()
    assert there() == before
    with monkeypatch.context() as patch:
        patch.delenv(automations.SETTING)
        patch.delenv(OWN_PREFECT)
        automations.arrange()  # by a worker that knows no address, on a server that is not its own
        assert there() == before and automations.sends()


def test_what_is_over_at_once_is_told_each_time(receiver):
    from flows.orchestration import alerts

    for version in ("3", "4"):
        alerts.tell("events", "promotion", f"version {version} is champion")
    with alerts.muted():
        alerts.tell("events", "promotion", "version 2 was champion")
        alerts.tell("events", "run lost", "today's", of_now=True)
    assert sorted(receiver.wait("events", 3)) == ["promotion", "promotion", "run lost"]  # Prefect sends several at once
    assert open_causes("events") == []


def test_a_failure_is_told_once_and_closed_by_a_success(receiver, first_run, tmp_path):
    from flows.orchestration import alerts

    def opened():
        return [one["sentence"] for one in open_causes("sample") if one["cause"] == "failure of predict"]

    alerts.close("sample", "failure of predict")  # whatever failed in other tests
    already = len(receiver.wait("sample", 0))
    bad = f"data.source={bad_data.CASES['empty file'].write(tmp_path)}"
    for _ in range(2):
        assert footfall("predict", "sample", "--set", bad).exit_code == 3
    assert receiver.wait("sample", already + 1)[already:] == ["failure of predict"]
    assert ["report.csv:1:1" in sentence for sentence in opened()] == [True]
    assert footfall("predict", "sample", "--set", "data.location=PT-99").exit_code == 3
    assert len(receiver.wait("sample", already + 2)) == already + 2, "of the same class, and another cause"
    assert ["PT-99" in sentence for sentence in opened()] == [True]
    assert footfall("predict", "sample").exit_code == 0
    assert opened() == []


@pytest.mark.soak
def test_a_run_on_a_day_of_the_past_mends_nothing_of_today(receiver, first_run):
    from flows.orchestration import alerts

    alerts.open("sample", "stale source", "The last day is 2022-10-10.")
    assert footfall("explore", "sample", "--as-of", "2022-10-05").exit_code == 0
    assert "stale source" in [one["cause"] for one in open_causes("sample")]
    assert footfall("explore", "sample").exit_code == 0
    assert "stale source" not in [one["cause"] for one in open_causes("sample")]


def test_a_rollback_or_a_run_on_a_day_of_the_past_shows_no_failure_to_be_gone(first_run):
    import asyncio

    from prefect.client.schemas.objects import FlowRun
    from prefect.states import Completed, Failed

    from flows.orchestration import alerts
    from flows.orchestration.client import AGAIN
    from flows.predict import predict
    from flows.station.station_flow import completed, failed

    def after(**parameters):
        run = FlowRun(flow_id=uuid.uuid4(), parameters={"market": "sample"} | parameters)
        asyncio.run(completed(predict, run, Completed()))
        return "failure of predict" in [one["cause"] for one in open_causes("sample")]

    alerts.open("sample", "failure of predict", "The source is away.")
    assert after(as_of="2022-10-13", snapshot="0" * 64) and after(as_of="2022-10-05")
    assert not after(as_of="2022-10-13")
    again = FlowRun(flow_id=uuid.uuid4(), parameters={"market": "sample", "as_of": "2022-10-13", "snapshot": "0" * 64})
    asyncio.run(failed(predict, again, Failed(message="MLflow is away.")))
    assert "failure of predict" not in [one["cause"] for one in open_causes("sample")], "who asked was told"
    asyncio.run(failed(predict, again.model_copy(update={"tags": [AGAIN]}), Failed(message="MLflow is away.")))
    assert "failure of predict" in [one["cause"] for one in open_causes("sample")], "it was run in place of a dead one"
    alerts.close("sample", "failure of predict")


def test_who_asks_by_hand_for_a_day_to_come_is_told_there_and_nobody_else(receiver, first_run):
    from flows.orchestration import alerts

    alerts.close("sample", "failure of explore")
    assert footfall("explore", "sample", "--as-of", "2099-01-01").exit_code == 2
    assert "failure of explore" not in [one["cause"] for one in open_causes("sample")]


def test_a_failure_on_a_day_of_the_past_is_told_who_asked_and_nobody_else(receiver, first_run):
    from flows.orchestration import alerts

    alerts.close("sample", "failure of explore")
    for words in (["--as-of", "2020-01-01"], ["--set", "data.as_of=2020-01-01"]):
        assert footfall("explore", "sample", *words).exit_code == 3
    assert "failure of explore" not in [one["cause"] for one in open_causes("sample")]


def test_the_address_is_in_no_log_and_no_database(receiver):
    from flows.orchestration import alerts

    alerts.tell("secret", "promotion", "version 1 is champion")
    assert receiver.wait("secret", 1) == ["promotion"]
    for path in (path for path in home().rglob("*") if path.is_file()):
        assert b"canary-" not in path.read_bytes(), path


def test_a_receiver_that_refuses_or_is_gone_stops_nothing_and_gives_nothing_away(receiver):
    from flows.orchestration import alerts, automations

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(automations.SETTING, receiver.url.replace(str(receiver.url.split(":")[2].split("/")[0]), "9"))
        automations.arrange()
        alerts.tell("gone", "promotion", "version 1 is champion")
        time.sleep(2)
    automations.arrange()
    assert b"canary-" not in (home() / "logs" / "prefect.log").read_bytes()
    assert receiver.about("gone") == []


def test_without_an_address_no_automation_sends(servers):
    from prefect.client.orchestration import get_client

    from flows.orchestration import automations

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(automations.SETTING, raising=False)
        automations.arrange()
        with get_client(sync_client=True) as client:
            assert [one.name for one in client.read_automations()] == ["footfall-silence"]
        assert automations.sentence() == "No alerts: set FOOTFALL_ALERT_URL, then footfall up."


@pytest.mark.parametrize(
    ("asked", "becomes"),
    [
        ("https://example.org/hook?sig=a%2Bb", "jsons://example.org/hook?-sig=a%2Bb"),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", None),
        ("mailto://me:secret@mail.example.org?to=you@example.org", None),
    ],
)
def test_an_address_is_a_webhook_or_a_mailbox(asked, becomes, servers, monkeypatch):
    from flows.orchestration import automations

    monkeypatch.setenv(automations.SETTING, asked)
    assert automations.address_in(automations.SETTING) == (becomes or asked)


@pytest.mark.parametrize("asked", ["me@example.net", "nonsense", "https://", "nowhere://canary"])
def test_an_address_that_cannot_be_sent_to_is_refused_without_showing_it(asked, servers, monkeypatch, caplog):
    from flows.orchestration import automations

    monkeypatch.setenv(automations.SETTING, asked)
    with pytest.raises(EnvironmentProblem, match="FOOTFALL_ALERT_URL: not an address") as told:
        automations.address_in(automations.SETTING)
    assert asked not in str(told.value).replace("https://…", "") and asked not in caplog.text


def test_an_alert_that_cannot_be_told_stops_nothing(servers, monkeypatch):
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from flows.orchestration import alerts, reaper

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        assert alerts.open("away", "decay", "worse than the naive") is False
        alerts.tell("away", "promotion", "version 1")
        alerts.close("away", "decay")
        assert reaper.reap() == []
    assert os.environ["PREFECT_API_URL"] and open_causes("away") == []
