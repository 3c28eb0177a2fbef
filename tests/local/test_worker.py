"""The deployments, for real: server, `prefect deploy --all`, worker, scheduled parameters, forecast in the bucket."""

import asyncio
import re
import time

import invariants
import pytest
import yaml

from flows.local.worker import worker
from flows.settings import ROOT, home
from flows.storage import bucket, forecasts

ROOT = ROOT


@pytest.fixture(scope="module")
def deployed(servers):
    with worker():
        yield


def ran(deployment, **settings):
    """Start a run of a deployment as a person would, and wait for its end."""
    from prefect.deployments import run_deployment

    asked = {"market": "sample", "settings": settings}
    return run_deployment(deployment, parameters=asked, timeout=240, poll_interval=1)


def artifacts(flow_run):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    async def read():
        async with get_client() as client:
            mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
            return await client.read_artifacts(artifact_filter=mine)

    return {artifact.key: artifact for artifact in asyncio.run(read())}


def logs(flow_run, until, seconds=15):
    """What a run logged, once a text is in it: Prefect sends lines in batches, the last of them after the state."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    async def read():
        async with get_client() as client:
            return await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run.id])), limit=200)

    patience = time.monotonic() + seconds
    while (
        until not in (told := "\n".join(line.message for line in asyncio.run(read()))) and time.monotonic() < patience
    ):
        time.sleep(0.5)
    return told


@pytest.mark.timeout(600)
def test_both_deployments_run_to_completed_and_publish(first_run, deployed):
    trained = ran("train/sample", **{"train.backtest_days": 66})  # fewer: it trains faster
    assert trained.state.is_completed(), trained.state
    predicted = ran("predict/sample")
    assert predicted.state.is_completed(), predicted.state
    latest = forecasts.latest(bucket.connect("footfall"), "sample")
    assert latest.pointer["as_of"] == "2022-10-13" and "index.html" in latest.files

    from flows.record import mlflow_runs

    kept = artifacts(predicted)
    ((_, run),) = mlflow_runs.search("predict", f"tags.prefect_flow_run = '{predicted.id}'")
    assert run.info.run_id in kept["record"].data and run.data.tags["forecast"].endswith(latest.pointer["digest"])
    assert len(re.findall("2022-10-1[4-9]|2022-10-20", kept["sample-forecast"].data)) == 7
    assert "sample-leaderboard" in artifacts(trained)
    assert re.search(r"predict \[\d+\] .* Forecast", logs(predicted, "Forecast")), (
        "progress is in Prefect's log, cell by cell"
    )


def test_a_failed_run_is_failed_in_prefect_and_in_mlflow(deployed):
    from prefect.deployments import run_deployment

    from flows.record import mlflow_runs

    bad = {"market": "sample", "settings": {"data.source": "nowhere.csv"}}
    failed = run_deployment("predict/sample", parameters=bad, timeout=120, poll_interval=1)
    assert failed.state.is_failed() and "nowhere.csv" in failed.state.message
    client = mlflow_runs.MlflowClient()
    experiment = client.get_experiment_by_name("predict").experiment_id
    found = client.search_runs([experiment], f"tags.prefect_flow_run = '{failed.id}'")
    assert [run.info.status for run in found] == ["FAILED"]
    assert f"/runs/flow-run/{failed.id})" in found[0].data.tags["mlflow.note.content"], "and from there to Prefect"
    address = f"/runs/{found[0].info.run_id}?"
    assert address in logs(failed, address), "and back"
    invariants.check(home(), market="sample")


def test_the_schedules_keep_clear_of_the_clock_change():
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    scheduled = {d["entrypoint"]: d["schedules"] for d in deployments if d.get("schedules")}
    assert set(scheduled) == {"flows/train.py:train", "flows/predict.py:predict", "flows/review.py:review"}
    for (schedule,) in scheduled.values():
        assert schedule["timezone"] == "Europe/Lisbon"
        assert int(schedule["cron"].split()[1]) >= 4
    assert scheduled["flows/train.py:train"][0]["cron"].split()[2] == "1"
    assert all(d["work_pool"]["name"] == "forecasting" and "concurrency_limit" not in d for d in deployments)
    assert all((ROOT / "params" / f"{d['parameters']['market']}.yaml").exists() for d in deployments)
