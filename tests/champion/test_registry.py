"""What MLflow's registry tells a stranger, and gives who loads or serves a champion knowing nothing of Footfall."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pandas as pd
import pytest
from conftest import crown, free_port, market, wait_for
from mlflow_records import training

from flows.settings import home
from flows.storage import bucket, forecasts
from footfall.quantiles import QUANTILES

pytestmark = pytest.mark.usefixtures("first_run")
ADDRESS = "models:/sample@champion"


@pytest.fixture
def mlflow(servers):
    import mlflow.pyfunc

    return mlflow


def number(text):
    raise AssertionError(f"{text} is no JSON")


def published():
    """The latest forecast of the sample as a table: a row per day, the mean and the quantiles."""
    table = pd.read_parquet(
        io.BytesIO(forecasts.latest(bucket.connect("footfall"), "sample").files["forecast.parquet"])
    )
    names = table["output_type_id"].map(lambda level: f"q{100 * float(level):02.0f}" if level else "mean")
    return table.assign(name=names).pivot(index="target_end_date", columns="name", values="value")


def is_published(predictions):
    table = pd.DataFrame(predictions).set_index("date")
    assert list(table) == ["mean", *QUANTILES]
    pd.testing.assert_frame_equal(table.round(2) + 0.0, published()[list(table)], check_names=False)


def test_who_loads_it_gets_what_was_published_on_its_day(mlflow):
    model = mlflow.pyfunc.load_model(ADDRESS)
    is_published(model.predict(model.input_example))
    is_published(model.predict(pd.DataFrame({"date": []})))
    is_published(model.predict(model.input_example.assign(date=lambda table: pd.to_datetime(table["date"]))))
    assert model.predict(pd.DataFrame({"date": []}), params={"origin": "2022-10-20"})["date"].iloc[0] == "2022-10-21"
    with pytest.raises(ValueError, match="ask for days from 2022-10-11 to 2022-10-20"):
        model.predict(pd.DataFrame({"date": ["2022-10-21"]}))
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['date'\].*extra inputs: \['day'\]"):
        model.predict(pd.DataFrame({"day": ["2022-10-14"]}))


def test_its_signature_says_what_goes_in_and_what_comes_out(mlflow):
    signature = mlflow.models.get_model_info(ADDRESS).signature
    assert signature.inputs.input_names() == ["date"] and signature.outputs.input_names() == [
        "date",
        "mean",
        *QUANTILES,
    ]
    assert [(param.name, param.default) for param in signature.params] == [("origin", "2022-10-13")]


def test_a_stranger_reads_what_it_forecasts_how_it_is_called_and_how_to_go_back(mlflow):
    client = mlflow.MlflowClient()
    said = client.get_registered_model("sample").description
    for words in ("retail and recreation of PT", "unit, percent, where -100 is nobody", f'load_model("{ADDRESS}")',
                  "mlflow models serve", "footfall rollback sample --reason"):  # fmt: skip
        assert words in said
    version = client.get_model_version_by_alias("sample", "champion")
    assert (
        "through" not in version.description and "2022-10-10. Forecasts 2022-10-14 to 2022-10-20" in version.description
    )
    assert version.tags["gate"] in version.description
    exec(said.partition("```python")[2].partition("```")[0], {})  # what it tells to do can be done


def test_of_a_version_that_was_deleted_it_is_said_how_to_go_on(mlflow, tmp_path):
    from flows.champion import registry
    from footfall.errors import EnvironmentProblem

    with pytest.raises(EnvironmentProblem, match=r"no longer in MLflow's registry.*footfall rollback sample --to"):
        registry.lay_down("sample", "999", tmp_path)


def test_what_somebody_wrote_over_the_description_stays(mlflow, tmp_path):
    from flows.champion import registry

    client, name = mlflow.MlflowClient(), f"mine{uuid.uuid4().hex[:6]}"
    client.create_registered_model(name)
    crown(name, tmp_path / "first")
    assert f"models:/{name}@champion" in client.get_registered_model(name).description
    client.update_registered_model(name, "Ours, for the café.")
    (tmp_path / "second").mkdir()
    registry.lay_down(name, "1", tmp_path / "second")
    (tmp_path / "second" / "champion").rename(tmp_path / "second" / "model")
    registry.register(name, client.get_model_version(name, "1").run_id, tmp_path / "second" / "model", {})
    assert client.get_registered_model(name).description == "Ours, for the café."


def test_nothing_of_this_machine_is_told_of_a_model(mlflow, tmp_path):
    client = mlflow.MlflowClient()
    model = client.get_model_version_by_alias("sample", "champion").source.removeprefix("models:/")
    tags = client.get_logged_model(model).tags
    assert (tags["mlflow.source.name"], tags["mlflow.source.type"]) == ("notebooks/train.ipynb", "NOTEBOOK")
    fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=ADDRESS, dst_path=str(tmp_path)))
    kept = json.dumps(tags) + "".join(path.read_text() for path in fetched.glob("*") if path.is_file())
    assert str(home()) not in kept and sys.prefix not in kept and str(Path(__file__).parents[2]) not in kept


def old_version(mlflow, name, run, model):
    """A version as it was registered before versions had a signature, an example and descriptions."""
    from flows.record.files import content_digest

    with mlflow.start_run(run_id=run):
        logged = mlflow.pyfunc.log_model(
            name="model", loader_module="footfall.champion", data_path=str(model), pip_requirements=["pandas"]
        )
    client = mlflow.MlflowClient()
    client.create_registered_model(name)
    facts = {"sha256": content_digest(model)}
    return client.create_model_version(name, logged.model_uri, run, facts, model_id=logged.model_id).version


def test_a_champion_of_before_loads_and_can_be_rolled_back_to(mlflow, servers, tmp_path, monkeypatch):
    from flows.champion import ledger, registry
    from flows.record import mlflow_runs

    place = bucket.connect("footfall")
    name = market(monkeypatch, tmp_path, f"old{uuid.uuid4().hex[:6]}", "data: {source: sample}\n")
    first = ledger.entries(place, "sample")[0]
    registry.lay_down("sample", first.version, tmp_path)
    (tmp_path / "champion").rename(tmp_path / "model")
    run = training(mlflow_runs, tmp_path)
    old = str(old_version(mlflow, name, run, tmp_path / "model"))
    new = registry.register(name, run, tmp_path / "model", {})
    ledger.promote(place, name, old, None, first.as_of, first.gate, run)
    ledger.promote(place, name, new, old, first.as_of, first.gate, run)
    assert registry.alias(name) == new and ledger.rollback(place, name, "to the old one").version == old
    assert registry.alias(name) == old
    is_published(mlflow.pyfunc.load_model(f"models:/{name}@champion").predict(pd.DataFrame({"date": []})))
    assert f"models:/{name}@champion" in mlflow.MlflowClient().get_registered_model(name).description


def test_the_scoring_server_answers_in_strict_json_and_tells_what_is_wrong(mlflow, tmp_path):
    from fastapi.testclient import TestClient
    from mlflow.pyfunc.scoring_server import init

    fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=ADDRESS, dst_path=str(tmp_path)))
    client, headers = TestClient(init(mlflow.pyfunc.load_model(ADDRESS))), {"Content-Type": "application/json"}
    asked = (fetched / "serving_input_example.json").read_text()
    for body in (asked, '{"dataframe_split": {"columns": ["date"], "data": []}}'):
        answer = client.post("/invocations", content=body, headers=headers)
        is_published(json.loads(answer.text, parse_constant=number)["predictions"])
    far = client.post("/invocations", json={"dataframe_records": [{"date": "2022-11-20"}]})
    assert far.status_code == 400 and "or give a later origin in params" in far.json()["stack_trace"]
    later = {"inputs": {"date": ["2022-11-20", "2022-11-21"]}, "params": {"origin": "2022-11-19"}}
    assert len(client.post("/invocations", json=later).json()["predictions"]) == 2


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_mlflow_serves_it(mlflow, tmp_path):
    fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=ADDRESS, dst_path=str(tmp_path)))
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", ADDRESS, "--env-manager", "local"]
    began = time.monotonic()
    found = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # where it looks for uvicorn
    server = subprocess.Popen([*command, "--port", str(port)], env=found, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server)
        print(f"served after {time.monotonic() - began:.0f} s")
        asked = (fetched / "serving_input_example.json").read_bytes()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", asked, headers)
        with urllib.request.urlopen(request) as answer:
            is_published(json.loads(answer.read(), parse_constant=number)["predictions"])
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
