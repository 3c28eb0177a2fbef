"""The schedule on a real Prefect server: late runs, runs that died, and what the same file for ten days leads to."""

import asyncio
import datetime as dt
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from zoneinfo import ZoneInfo

import pytest
from conftest import crown, footfall, open_causes
from deployments import deployment, missed
from receiver import Receiver
from small_notebook import write

from flows.notebook.execute import run_notebook
from flows.record.folder import claim
from flows.settings import OWN_PREFECT, home, notebooks_folder, params_folder
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.errors import StaleSource

LISBON = ZoneInfo("Europe/Lisbon")
TODAY = dt.datetime.now(LISBON).date()
PREDICT = [sys.executable, "-u", "-m", "flows.cli.main", "predict", "sample"]


@pytest.fixture(autouse=True)
def nothing_stays_scheduled(client):
    """What was due on days that are over would be late for ever, and the server busy with telling so."""
    yield
    for one in client.read_deployments():
        client.delete_deployment(one.id)


def perform(run):
    """What the worker's process does with a flow run; the state it ends in."""
    from prefect.flow_engine import run_flow

    from flows.predict import predict

    return asyncio.run(run_flow(predict, flow_run=run, parameters=run.parameters, return_type="state"))


def test_of_seven_missed_days_the_newest_runs_once_and_the_others_are_told_once(client, live):
    runs = missed(client, deployment(client, live), 7)
    assert len(runs) == 7 and all(run.auto_scheduled for run in runs)
    states = [perform(run) for run in runs]
    assert [state.name for state in states] == ["Missed"] * 6 + ["Failed"], "its source is stale, but it was run"
    assert all(state.is_completed() for state in states[:6])
    first, last = (runs[n].expected_start_time.astimezone(LISBON).date() for n in (0, 5))
    assert f"footfall backfill {live} --from {first} --to {last}" in states[0].message
    told = {one["cause"]: one["sentence"] for one in open_causes(live)}
    assert told["missed day"] == states[0].message and "stale source" in told, "the sample ended in 2022"
    days = {run.expected_start_time.astimezone(LISBON).date() for run in runs}
    folders = [path for path in (home() / "runs").glob(f"*-predict-{live}-*")]
    assert len(folders) == 1, "what was left out executed nothing"
    assert f'"as_of": "{max(days)}"' in (folders[0] / "owner.json").read_text(), "it stands on the day it was due"


def test_a_run_that_a_person_asks_for_is_never_left_out(client, live):
    identity = deployment(client, live)
    missed(client, identity, 3)
    assert perform(client.create_flow_run_from_deployment(identity)).name == "Failed"


def test_a_market_whose_clock_stands_still_has_missed_nothing(client):
    runs = missed(client, deployment(client, "sample"), 3)
    assert [perform(run).name for run in runs[:2]] == ["Missed"] * 2
    assert "missed day" not in [one["cause"] for one in open_causes("sample")]


def test_the_days_of_a_market_are_its_own_whatever_the_zone_of_its_schedule(client, live):
    from flows.orchestration import schedule

    deployment(client, live, cron="0 18 * * *")  # in Lisbon, where Auckland has the morning after
    text = "data: {source: sample, location: PT, timezone: Pacific/Auckland}\n"
    (params_folder() / f"{live}.yaml").write_text(text)
    assert [day.day for day in schedule.days(live, dt.date(2026, 11, 20), dt.date(2026, 11, 26))] == [*range(20, 27)]


def left_behind(client, run):
    """As a worker and its flow leave a run that are both killed: Running, its process gone."""
    from prefect.states import Running

    client.set_flow_run_state(run.id, Running(), force=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    client.request("PATCH", f"/flow_runs/{run.id}", json={"infrastructure_pid": str(gone.pid)}).raise_for_status()


def end_of_owner(folder):
    """Say that the process that owns a folder, which is this one, is gone."""
    owner = folder / "owner.json"
    owner.write_text(owner.read_text().replace(f'"pid": {os.getpid()}', '"pid": 999999999'))


def runs_of(client, identity):
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId

    mine = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[identity]))
    return [run for run in client.read_flow_runs(flow_run_filter=mine) if not run.auto_scheduled]


def test_a_run_that_died_with_its_worker_is_ended_and_run_once_more(client, live):
    from flows.orchestration import reaper

    identity = deployment(client, live)
    first = client.create_flow_run_from_deployment(identity)
    left_behind(client, first)
    (told,) = reaper.reap()
    assert "ended without a word" in told and "run once more" in told
    assert client.read_flow_run(first.id).state.is_crashed()
    assert reaper.reap() == []
    (again,) = [run for run in runs_of(client, identity) if run.id != first.id]
    assert again.state.is_scheduled() and again.parameters == {"market": live}
    left_behind(client, again)
    assert "run once more" not in reaper.reap()[0], "twice is enough"
    assert len(runs_of(client, identity)) == 2


def test_a_run_whose_death_its_worker_has_noticed_is_run_once_more_too(client, live):
    from prefect.states import Crashed

    from flows.orchestration import reaper

    identity = deployment(client, live)
    first = client.create_flow_run_from_deployment(identity)
    client.set_flow_run_state(first.id, Crashed(message="exited with status -9"), force=True)
    (told,) = reaper.reap()
    assert "exited with status -9" in told and "run once more" in told
    assert reaper.reap() == []
    (again,) = [run for run in runs_of(client, identity) if run.id != first.id]
    client.set_flow_run_state(again.id, Crashed(message="exited with status -9"), force=True)
    assert "run once more" not in reaper.reap()[0] and len(runs_of(client, identity)) == 2


def test_where_whoever_finds_a_dead_run_is_stopped_too_the_next_runs_it_once_more(client, live, monkeypatch):
    from flows.orchestration import automations, reaper

    identity = deployment(client, live)
    left_behind(client, client.create_flow_run_from_deployment(identity))
    with Receiver() as receiver, monkeypatch.context() as patch:
        patch.setenv(automations.SETTING, receiver.url)
        automations.arrange()
        with monkeypatch.context() as away:
            away.setattr(reaper, "_run_again", lambda *_: 1 / 0)
            assert reaper.reap() == []
        assert "run once more" in reaper.reap()[0] and reaper.reap() == []
        assert receiver.wait(live, 1) == ["run lost"]
    automations.arrange()
    assert [run.tags for run in runs_of(client, identity)].count([reaper.AGAIN]) == 1


@pytest.mark.parametrize("station", ["predict", "daily"])
def test_a_scheduled_run_that_died_before_it_said_its_day_is_run_as_of_the_day_it_was_due(client, live, station):
    from flows.orchestration import reaper

    given = {"timezone": "Europe/Lisbon"} if station == "daily" else {"market": live}
    identity = deployment(client, live, station=station, parameters=given)
    *_, newest = missed(client, identity, 1)
    left_behind(client, newest)
    assert "run once more" in reaper.reap()[0]
    (again,) = runs_of(client, identity)
    assert again.parameters == {**given, "as_of": str(newest.expected_start_time.astimezone(LISBON).date())}


def test_a_run_that_died_after_it_said_its_day_is_run_as_of_that_day(client, live):
    from flows.orchestration import reaper

    identity = deployment(client, live)
    first = client.create_flow_run_from_deployment(identity)
    left_behind(client, first)
    folder = home() / "runs" / f"20260101T000000-predict-{live}-{str(first.id)[:8]}"
    tags = {"prefect_flow_run": str(first.id), "market": live, "as_of": "2022-10-13"}
    claim(folder, notebooks_folder() / "predict.ipynb", tags)
    end_of_owner(folder)
    assert "run once more" in reaper.reap()[0]
    (again,) = [run for run in runs_of(client, identity) if run.id != first.id]
    assert again.parameters == {"market": live, "as_of": "2022-10-13"}
    shutil.rmtree(folder)


@pytest.mark.parametrize("decided", ["", "published"])
def test_a_run_that_was_killed_after_its_record_failed_in_mlflow_unless_all_was_done(client, live, tmp_path, decided):
    from flows.orchestration import reaper
    from flows.record import mlflow_runs

    run = client.create_flow_run_from_deployment(deployment(client, live))
    left_behind(client, run)
    folder = home() / "runs" / f"20260101T000000-predict-{live}-{str(run.id)[:8]}"
    claim(folder, write(tmp_path, "1"), {"prefect_flow_run": str(run.id), "market": live, "as_of": "2022-10-13"})
    run_notebook(folder, {"number": 1}, print)
    number = mlflow_runs.deliver(folder)
    if decided:
        mlflow_runs.tell(number, decided)
    end_of_owner(folder)
    assert len(reaper.reap()) == 1
    ended = mlflow_runs.get(number)
    assert ended.info.status == ("FINISHED" if decided else "FAILED")
    assert ended.data.tags["summary"].startswith(decided or "it failed after its notebook: its process was killed; ")
    shutil.rmtree(folder)


def test_a_run_that_died_is_not_run_once_more_where_a_newer_one_is_due(client, live):
    from flows.orchestration import reaper

    identity = deployment(client, live)
    older, *_ = missed(client, identity, 2)
    left_behind(client, older)
    assert "run once more" not in reaper.reap()[0]
    assert runs_of(client, identity) == [] and client.read_flow_run(older.id).state.is_crashed()


def test_while_all_is_up_a_run_that_died_is_found_and_told(client, live):
    from flows.cli.operations import look_after
    from flows.orchestration import automations

    run = client.create_flow_run_from_deployment(deployment(client, live))
    left_behind(client, run)
    with Receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv(automations.SETTING, receiver.url)
        automations.arrange()
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
            now = time.monotonic()
            assert look_after({"worker": worker}, now) == now and client.read_flow_run(run.id).state.is_running()
            assert look_after({"worker": worker}, -math.inf) >= now and client.read_flow_run(run.id).state.is_crashed()
            worker.communicate()
        assert receiver.wait(live, 1) == ["run lost"]


def test_a_server_that_is_not_ours_may_know_runs_of_other_machines(client, live, monkeypatch):
    from flows.orchestration import reaper

    run = client.create_flow_run_from_deployment(deployment(client, live))
    left_behind(client, run)
    with monkeypatch.context() as patch:
        patch.delenv(OWN_PREFECT)
        assert reaper.reap() == [], "its process may live where it runs"
    assert len(reaper.reap()) == 1


def test_a_run_of_several_stations_is_known_to_be_dead_by_the_folder_of_one(client, live, monkeypatch):
    """Also where Prefect's server is not ours, and the process that the worker started may be another machine's."""
    from flows.orchestration import reaper

    run = client.create_flow_run_from_deployment(deployment(client, live))
    left_behind(client, run)
    task = {"flow_run_id": str(run.id), "task_key": "predict", "dynamic_key": "0"}
    parent = client.request("POST", "/task_runs/", json=task).json()["id"]
    words = {"flow_id": str(run.flow_id), "parent_task_run_id": parent, "state": {"type": "RUNNING", "name": "Running"}}
    within = client.request("POST", "/flow_runs/", json=words).json()["id"]
    folder = home() / "runs" / f"20260101T000000-predict-{live}-{within[:8]}"
    claim(folder, notebooks_folder() / "explore.ipynb", {"prefect_flow_run": within, "market": live})
    monkeypatch.delenv(OWN_PREFECT)
    assert reaper.reap() == [], "its process lives: it is this one"
    end_of_owner(folder)
    told = reaper.reap()
    assert len(told) == 2 and sum("run once more" in sentence for sentence in told) == 1
    assert client.read_flow_run(run.id).state.is_crashed()
    shutil.rmtree(folder)


def test_a_run_whose_process_lives_is_left_alone(client, live):
    from prefect.states import Running

    from flows.orchestration import reaper

    run = client.create_flow_run_from_deployment(deployment(client, live))
    client.set_flow_run_state(run.id, Running(), force=True)
    assert reaper.reap() == [], "its process may be about to start"
    client.request("PATCH", f"/flow_runs/{run.id}", json={"infrastructure_pid": str(os.getpid())})
    assert reaper.reap() == []
    client.delete_flow_run(run.id)


@pytest.mark.soak  # beside a flow that was killed, in tests/notebook/test_dying.py
def test_a_run_killed_in_its_notebook_does_not_stay_running(client, first_run):
    from flows.orchestration import reaper

    before = set((home() / "runs").iterdir())
    run = subprocess.Popen(PREDICT, stdout=subprocess.PIPE, text=True)
    assert any("predict [2]" in line for line in run.stdout)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    (folder,) = set((home() / "runs").iterdir()) - before
    identity = json.loads((folder / "owner.json").read_text())["tags"]["prefect_flow_run"]
    assert client.read_flow_run(identity).state.is_running()
    assert any("ended without a word" in told for told in reaper.reap())
    assert client.read_flow_run(identity).state.is_crashed()


@pytest.mark.parametrize("last", [21, pytest.param(28, marks=pytest.mark.soak)])
def test_the_same_file_day_after_day_is_said_to_be_stale_once_and_never_relabelled(last, live, first_run, tmp_path):
    from flows.orchestration import automations

    crown(live, tmp_path)
    place = storage.connect("footfall")
    with Receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv(automations.SETTING, receiver.url)
        automations.arrange()
        days = [f"2022-10-{day}" for day in range(19, last + 1)]
        done = [footfall("predict", live, "--as-of", day) for day in days]
        assert [one.exit_code for one in done] == [0, *[StaleSource.exit_code] * (last - 19)], done[0].output
        assert "stale — its last retail_and_recreation of PT is 2022-10-13, 7 days before 2022-10-20" in done[1].output
        assert "the latest forecast remains 2022-10-19" in done[-1].output
        assert receiver.wait(live, 1) == ["stale source"]
    latest = forecasts.latest(place, live)
    assert latest.pointer["as_of"] == "2022-10-19" and latest.manifest["about"]["data_through"] == "2022-10-13"
    assert [one["cause"] for one in open_causes(live)] == ["stale source"]
    page = storage.read(place, f"{live}/index.html").decode()
    assert "There are no figures after 13 October 2022." in page and "stale_after" not in page
    assert "stale" in footfall("forecast", live).output


@pytest.mark.parametrize("station", ["predict", "run"])
def test_a_day_that_is_still_to_come_is_nobodys(station, live):
    today = dt.datetime.now(LISBON).date()
    done = footfall(station, live, "--as-of", str(today + dt.timedelta(days=1)))
    assert done.exit_code == 2, done.output
    assert f"that day is still to come, in Europe/Lisbon it is {today}" in done.output
    done = footfall(station, live, "--as-of", str(today))
    assert done.exit_code == 3 and "stale" in done.output, "the sample ended in 2022, but the day itself is right"
