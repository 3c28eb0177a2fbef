"""The record and the registry, on a real MLflow server."""

import json

import pytest
from test_notebook import Number, write

from flows.local import HOME
from flows.notebook import not_begun, run_notebook
from footfall.problems import DataProblem, EnvironmentProblem

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture
def record(servers):
    from flows import record

    return record


def kept_run(record, folder, *cells):
    template = write(folder, *cells)
    run = record.start("small", {"market": "m", "as_of": "2022-10-13"})
    kept = run_notebook(template, Number(), folder / "run", {"market": "m"}, print)
    record.finish(run, kept, folder / "run")
    return run, kept


def test_a_good_run_is_finished_and_holds_everything(record, tmp_path):
    write_out = "import json, pathlib; pathlib.Path('out/metrics.json').write_text(json.dumps({'MAE': 1.5}))"
    run, kept = kept_run(record, tmp_path, write_out)
    there = record.MlflowClient().get_run(run)
    assert there.info.status == "FINISHED" and there.data.metrics == {"MAE": 1.5, "seconds": kept.seconds}
    assert there.data.params == {"number": "1"}
    assert there.data.tags["outcome"] == "succeeded" and there.data.tags["commit"] == kept.commit
    names = {item.path for item in record.MlflowClient().list_artifacts(run)}
    assert names == {"small.ipynb", "small.html", "record.json", "out"}


@pytest.mark.parametrize(
    ("cell", "outcome"), [("1 / 0", "failed"), ("import os; os.kill(os.getpid(), 9)", "kernel died")]
)
def test_a_bad_run_is_failed_and_says_where_and_why(record, tmp_path, cell, outcome):
    run, kept = kept_run(record, tmp_path, cell, "'after'")
    there = record.MlflowClient().get_run(run)
    assert there.info.status == "FAILED" and there.data.tags["outcome"] == outcome
    assert there.data.tags["stopped_at"] == "3" and f"{outcome} in cell 3" in there.data.tags["mlflow.note.content"]
    page = record.download_artifacts(run_id=run, artifact_path="small.html", dst_path=str(tmp_path))
    assert "Stopped here" in open(page).read()


def test_a_run_that_never_began_leaves_a_record(record, tmp_path):
    run = record.start("small", {"market": "m"})
    kept = not_begun(write(tmp_path, "1"), tmp_path / "run", {"market": "m"}, DataProblem("x.csv:3:date: y — no day"))
    record.finish(run, kept, tmp_path / "run")
    assert "x.csv:3:date: y — no day" in record.MlflowClient().get_run(run).data.tags["mlflow.note.content"]


def model(folder, text="weights"):
    (folder / "model").mkdir()
    (folder / "model" / "forecaster.zip").write_text(text)
    return folder / "model"


def test_a_version_is_nobodys_champion_until_it_is_promoted(record, tmp_path):
    run = record.start("train", {"market": "one"})
    assert record.champion("one") is None
    version = record.register("one", run, model(tmp_path), {"gate": "passed"})
    assert record.champion("one") is None
    assert record.MlflowClient().get_run(run).info.status == "RUNNING"
    record.promote("one", version, tmp_path / "proof")
    assert record.champion("one") == version == "1"
    assert record.lay_down("one", version, tmp_path / "in") == record.digest(tmp_path / "model")
    assert (tmp_path / "in" / "champion" / "forecaster.zip").read_text() == "weights"


def test_a_tampered_model_is_refused(record, tmp_path):
    version = record.register("two", record.start("train", {}), model(tmp_path, "weights of two"), {})
    stored = next(p for p in (HOME / "artifacts").rglob("forecaster.zip") if p.read_bytes() == b"weights of two")
    stored.write_text("weights of twX")
    with pytest.raises(EnvironmentProblem, match="model two version 1 is not what was registered"):
        record.promote("two", version, tmp_path / "proof")
    assert record.champion("two") is None


def test_a_model_without_artifacts_cannot_become_champion(record, tmp_path):
    version = record.register("three", record.start("train", {}), model(tmp_path, "weights of three"), {})
    stored = next(p for p in (HOME / "artifacts").rglob("forecaster.zip") if p.read_bytes() == b"weights of three")
    stored.unlink()
    with pytest.raises(EnvironmentProblem, match="model three version 1"):
        record.promote("three", version, tmp_path / "proof")


def test_the_record_in_mlflow_is_the_record_on_disk(record, tmp_path):
    run, kept = kept_run(record, tmp_path, "1")
    there = record.download_artifacts(run_id=run, artifact_path="record.json", dst_path=str(tmp_path))
    assert json.loads(open(there).read()) == json.loads(kept.model_dump_json())
