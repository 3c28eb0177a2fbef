"""What every station does around its notebook, on real servers."""

import asyncio
import os
import uuid

import pytest
from conftest import crown, footfall, market
from proxy import Proxy

from flows.record.folder import claim, not_begun
from flows.record.owner import read_owner
from flows.record.record import read_record
from flows.settings import home, notebooks_folder
from footfall.errors import DataProblem, EnvironmentProblem, Interrupted, Problem, UsageProblem


def test_the_trouble_at_hand_is_the_one_that_is_told(servers):
    """Also where the record of it cannot be delivered, whatever it is that keeps it."""
    from prefect import flow

    from flows.record import mlflow_runs
    from flows.station import run as station

    left = []

    @flow
    def troubled():
        with station.recorded("explore", "sample", None, None) as run:
            run.record = not_begun(run.folder, UsageProblem("the trouble at hand"))
            left.append((run.folder, (run.folder / "record.json").read_text()))
            (run.folder / "record.json").write_text("")
            raise UsageProblem("the trouble at hand")

    with pytest.raises(UsageProblem, match="the trouble at hand"):
        troubled()
    folder, whole = left[0]
    (folder / "record.json").write_text(whole)
    sentence = f"delivered the record of {folder.name}: failed"
    assert sentence in mlflow_runs.deliver_waiting(folder.parent), "although the process that ran it lives on"
    assert read_record(folder).reason == "UsageProblem: the trouble at hand"


def test_a_flow_run_that_failed_leads_to_its_record_from_prefect(client, tmp_path, monkeypatch):
    from flows.explore import explore
    from flows.record import mlflow_runs

    name = market(monkeypatch, tmp_path, f"no_file_{uuid.uuid4().hex[:6]}", "data: {source: no-such.csv}\n")
    with pytest.raises(Problem, match=r"no-such\.csv"):
        asyncio.run(explore(name, "2022-10-13"))
    ((_, run),) = mlflow_runs.search("explore", f"tags.market = '{name}'")
    wanted = {"artifacts": {"flow_run_id": {"any_": [run.data.tags["prefect_flow_run"]]}}}
    shown = {one["key"]: one["data"] for one in client.request("POST", "/artifacts/filter", json=wanted).json()}
    assert run.info.run_id in shown[f"{name}-explore-record".replace("_", "-")]


def test_a_run_whose_publishing_is_refused_failed_in_mlflow_too(first_run, live, tmp_path, monkeypatch):
    from flows.predict import predict
    from flows.record import mlflow_runs

    crown(live, tmp_path)
    with Proxy(os.environ["STORAGE_EMULATOR_HOST"]) as proxy, monkeypatch.context() as through:
        through.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        proxy.add(403, f"POST /upload.*{live}/forecasts", times=50)
        with pytest.raises(EnvironmentProblem, match="not allowed") as refused:
            asyncio.run(predict(live, "2022-10-13"))
    ((_, run),) = mlflow_runs.search("predict", f"tags.market = '{live}'")
    tags, took = run.data.tags, run.info.end_time - run.info.start_time
    assert run.info.status == "FAILED" and took == pytest.approx(run.data.metrics["seconds"] * 1000, abs=10)
    for told in ("summary", "mlflow.note.content"):
        assert tags[told].startswith("it failed after its notebook: ") and "; succeeded in" in tags[told]
    assert str(refused.value)[:60] in tags["summary"] and "decided" not in tags
    assert (tags["outcome"], read_record(home() / "runs" / tags["folder"]).outcome) == ("succeeded", "succeeded")
    asked = ["runs", "--market", live, "--outcome"]
    assert run.info.run_id in footfall(*asked, "failed").output
    assert run.info.run_id not in footfall(*asked, "succeeded").output


@pytest.mark.parametrize(
    ("outcome", "error_type", "problem"),
    [
        ("failed", "DataProblem", DataProblem),
        ("failed", "AssertionError", DataProblem),
        ("failed", "listed", Problem),
        ("failed", "", Problem),
        ("out of memory", "MemoryError", EnvironmentProblem),
        ("interrupted", "", Interrupted),
    ],
)
def test_the_class_of_a_notebooks_error_is_that_of_the_run(outcome, error_type, problem, servers, tmp_path):
    from flows.station import run as station

    claim(tmp_path / "run", notebooks_folder() / "explore.ipynb", {})
    record = not_begun(tmp_path / "run", ValueError("StaleSource: not to be read from the words"))
    raised = station._problem(record.model_copy(update={"outcome": outcome, "error_type": error_type}))
    assert type(raised) is problem and "not to be read from the words" in str(raised)


def test_where_there_is_no_git_the_commit_is_unknown_and_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    claim(tmp_path / "run", notebooks_folder() / "explore.ipynb", {})
    assert read_owner(tmp_path / "run").revision["commit"] == "unknown"
    assert not read_owner(tmp_path / "run").revision["modified"], "that is not known"
