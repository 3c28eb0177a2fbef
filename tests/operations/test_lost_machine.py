"""A machine is lost with its disk: a new one with the same environment goes on, and says what was lost."""

import os
import shutil
import subprocess
import sys
import time
import uuid

import pytest
from conftest import crown, market

from flows.storage import bucket, forecasts

pytestmark = [pytest.mark.kernel, pytest.mark.soak]


def predict(name, home, day):
    env = os.environ | {"FOOTFALL_HOME": str(home)}
    words = [sys.executable, "-u", "-m", "flows.cli.main", "predict", name, "--as-of", day]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)


def test_a_new_machine_goes_on_and_says_what_was_lost(first_run, client, tmp_path, monkeypatch):
    from prefect.states import Crashed

    from flows.record.mlflow_runs import MlflowClient, search

    name = market(monkeypatch, tmp_path, f"lost{uuid.uuid4().hex[:6]}", "data: {source: sample}\n")
    crown(name, tmp_path / "model")
    lost = predict(name, tmp_path / "first", "2022-10-13")
    while not list((tmp_path / "first" / "runs").glob("*/progress.json")) and lost.poll() is None:
        time.sleep(0.05)
    lost.kill()
    lost.wait()
    shutil.rmtree(tmp_path / "first")
    ((_, run),) = search("predict", f"tags.market = '{name}'")
    assert run.info.status == "RUNNING"
    flow_run = run.data.tags["prefect_flow_run"]
    client.set_flow_run_state(flow_run, Crashed(message="no sign of life"), force=True)  # as the automation does
    new = predict(name, tmp_path / "second", "2022-10-13")
    said, _ = new.communicate()
    assert new.returncode == 0, said
    assert f"{run.data.tags['folder']}: it ended elsewhere and left no record" in said
    assert forecasts.latest(bucket.connect("footfall"), name).pointer["as_of"] == "2022-10-13"
    ended = MlflowClient().get_run(run.info.run_id)
    assert (ended.info.status, ended.data.tags["outcome"]) == ("KILLED", "interrupted")
