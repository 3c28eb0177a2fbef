"""The deployments, for real: server, `prefect deploy --all`, worker, scheduled parameters, forecast in the bucket."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import invariants
import psutil
import pytest
import yaml
from conftest import HOMES
from deployments import deployment

from flows.settings import POOL, ROOT, home
from flows.storage import bucket, forecasts

pytestmark = pytest.mark.kernel
ABROAD = {"TZ": "Asia/Kolkata", "LC_ALL": "tr_TR.UTF-8", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example.org"}


@pytest.fixture(scope="module")
def up(servers, thin_notebooks):
    """`footfall up` in a process of its own, a guest of the servers that are there, and what it said: in another zone
    and language than ours, and behind a proxy that answers nobody. One of the markets has a schedule of its own."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        deployment(client, "lisboa")
    env = {name: value for name, value in os.environ.items() if name not in HOMES} | ABROAD
    words, env = [sys.executable, "-m", "flows.cli.main", "up"], env | {"FOOTFALL_NOTEBOOKS": str(thin_notebooks)}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("A worker waits"):
                break
        yield process, said
        process.send_signal(signal.SIGINT)
    with get_client(sync_client=True) as client:
        for one in client.read_deployments():  # else every market that other tests make is one of daily/all
            client.delete_deployment(one.id)


@pytest.fixture
def run(up, client):
    """Starts a run of a deployment as a person would, and waits for its end for as long as the worker lives."""
    from prefect.deployments import run_deployment

    def run_to_its_end(deployment, **settings):
        flow_run = run_deployment(deployment, parameters={"market": "sample", "settings": settings}, timeout=0)
        while not flow_run.state.is_final():
            assert up[0].poll() is None, "the worker ended"
            time.sleep(0.5)
            flow_run = client.read_flow_run(flow_run.id)
        return flow_run

    return run_to_its_end


def about(client, things, flow_run):
    """What Prefect keeps of a run: its artifacts, its logs."""
    wanted = {things: {"flow_run_id": {"any_": [str(flow_run.id)]}}}
    return client.request("POST", f"/{things}/filter", json=wanted).json()


def artifacts(client, flow_run):
    return {artifact["key"]: artifact["data"] for artifact in about(client, "artifacts", flow_run)}


def wait_for_line(client, flow_run, pattern):
    """Until a run has logged a line: Prefect sends them in batches, the last of them after the state."""
    while not any(re.search(pattern, line["message"]) for line in about(client, "logs", flow_run)):
        time.sleep(0.5)


@pytest.mark.soak
def test_the_training_deployment_runs_to_completed(first_run, run, client):
    trained = run("train/sample", **{"train.backtest_days": 66})  # fewer: it trains faster
    assert trained.state.is_completed(), trained.state
    assert "sample-leaderboard" in artifacts(client, trained)


def test_a_deployment_runs_to_completed_and_publishes(first_run, run, client):
    from flows.record import mlflow_runs

    before = forecasts.pointer(bucket.connect("footfall"), "sample")
    predicted = run("predict/sample")
    assert predicted.state.is_completed(), predicted.state
    latest = forecasts.latest(bucket.connect("footfall"), "sample")
    assert latest.pointer["as_of"] == "2022-10-13" and "index.html" in latest.files
    assert latest.pointer == before, "the same bytes in every zone and language"

    shown = artifacts(client, predicted)
    ((_, record),) = mlflow_runs.search("predict", f"tags.prefect_flow_run = '{predicted.id}'")
    assert record.info.run_id in shown["sample-predict"] and record.data.tags["forecast"].endswith(
        latest.pointer["digest"]
    )
    assert len(re.findall("2022-10-1[4-9]|2022-10-20", shown["sample-forecast"])) == 7
    wait_for_line(client, predicted, r"predict \[\d+\] .* Forecast")  # progress is in Prefect's log, cell by cell


@pytest.mark.soak  # beside failures that no worker has started, in tests/orchestration/test_alerts.py and test_cli.py
def test_a_failed_run_is_failed_in_prefect_and_in_mlflow(first_run, run, client):
    from flows.record import mlflow_runs

    failed = run("predict/sample", **{"data.source": "nowhere.csv"})
    assert failed.state.is_failed() and "nowhere.csv" in failed.state.message
    ((_, record),) = mlflow_runs.search("predict", f"tags.prefect_flow_run = '{failed.id}'")
    assert record.info.status == "FAILED"
    assert f"/runs/flow-run/{failed.id})" in record.data.tags["mlflow.note.content"], "and from there to Prefect"
    wait_for_line(client, failed, re.escape(f"/runs/{record.info.run_id}?"))  # and back
    invariants.check(home(), market="sample")


def test_the_schedules_keep_clear_of_the_clock_change():
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    scheduled = [(d["entrypoint"], schedule) for d in deployments for schedule in d.get("schedules") or []]
    assert {flow for flow, _ in scheduled} >= {
        "flows/train.py:train",
        "flows/predict.py:predict",
        "flows/review.py:review",
    }
    for flow, schedule in scheduled:
        _, hour, day, *_ = schedule["cron"].split()
        assert schedule["timezone"] == "Europe/Lisbon"
        assert int(hour) >= 4
        assert day == "1" or flow != "flows/train.py:train"
    assert all(d["work_pool"]["name"] == "forecasting" and "concurrency_limit" not in d for d in deployments)
    assert all((ROOT / "params" / f"{d['parameters']['market']}.yaml").exists() for d in deployments)


def test_up_says_where_everything_is_and_stops_cleanly(up, servers, client):
    process, said = up
    pool = client.read_work_pool(POOL)
    assert (pool.type, pool.concurrency_limit) == ("process", 1)
    assert {line.split()[0] for line in said if not line.startswith(" ")} == {"Prefect", "MLflow", "bucket", "A"}, said
    assert servers["MLFLOW_TRACKING_URI"] in "".join(said)
    daily = client.read_deployment_by_name("daily/all")
    assert {entry.parameters["timezone"] for entry in daily.schedules} == {"Europe/Lisbon", "Europe/Zurich"}
    assert not client.read_deployment_by_name("predict/lisboa").schedules, "or it would run twice"
    (worker,) = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGHUP)  # as when its terminal is closed
    assert process.wait() == 0 and not worker.is_running()
    assert urllib.request.urlopen(servers["MLFLOW_TRACKING_URI"] + "/health").status == 200, "a guest stops no server"
