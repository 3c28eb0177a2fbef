"""The record and the registry, on a real MLflow server."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest
from mlflow_records import model, training
from proxy import Proxy
from small_notebook import PARENT, write

from flows.notebook.execute import run_notebook
from flows.record.files import content_digest
from flows.record.folder import claim, last_good, not_begun, standing, unfinished
from flows.record.record import differences
from flows.settings import ROOT, home
from footfall.errors import DataProblem, EnvironmentProblem

pytestmark = pytest.mark.usefixtures("servers")


@pytest.fixture
def record(servers):
    from flows.record import mlflow_runs

    return mlflow_runs


@pytest.fixture
def registry(servers):
    from flows.champion import registry

    return registry


def kept_run(record, folder, *cells):
    claim(folder / "run", write(folder, *cells), {"market": "m", "as_of": "2022-10-13"})
    record.start(folder / "run")
    kept = run_notebook(folder / "run", {"number": 1}, print)
    return record.deliver(folder / "run"), kept


def test_a_good_run_is_finished_and_holds_everything(record, tmp_path):
    write_out = "import json, pathlib; pathlib.Path('out/metrics.json').write_text(json.dumps({'MAE': 1.5}))"
    run, kept = kept_run(record, tmp_path, write_out)
    there = record.MlflowClient().get_run(run)
    assert there.info.status == "FINISHED" and there.data.metrics == {"MAE": 1.5, "seconds": kept.seconds}
    assert there.data.params == {"number": "1"}
    took = there.info.end_time - there.info.start_time
    assert took == pytest.approx(kept.seconds * 1000, abs=2), "not until it was delivered, by a clock that may be set"
    assert there.data.tags["outcome"] == "succeeded" and there.data.tags["commit"] == kept.commit
    names = {item.path for item in record.MlflowClient().list_artifacts(run)}
    assert names == {"small.ipynb", "small.html", "changes.html", "record.json", "template", "out"}


def test_a_parameter_that_is_cut_says_so(record, tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": "m"})
    run_notebook(tmp_path / "run", {"number": 1, "closures": ["2022-12-24"] * 99}, print)
    params = record.get(record.deliver(tmp_path / "run")).data.params
    assert params["number"] == "1" and len(params["closures"]) == 250
    assert params["closures"].endswith("… (record.json has all)")


def test_mlflows_own_page_says_which_notebook_which_commit_and_who(record, tmp_path):
    run, kept = kept_run(record, tmp_path, "1 / 0")
    tags = record.MlflowClient().get_run(run).data.tags
    assert (tags["mlflow.source.name"], tags["mlflow.source.type"]) == ("notebooks/small.ipynb", "NOTEBOOK")
    commit = tags.get("mlflow.source.git.commit", "unknown")  # as where there is no git
    assert (commit, tags["mlflow.user"]) == (kept.commit, tmp_path.owner())


def test_the_model_that_a_run_worked_with_is_its_input(record, registry, tmp_path):
    market = f"m{uuid.uuid4().hex[:8]}"
    version = registry.register(market, training(record, tmp_path), model(tmp_path), {})
    source = record.MlflowClient().get_model_version(market, version).source

    def inputs(name, number):
        claim(tmp_path / name, write(tmp_path, "1"), {"snapshot": "0" * 64, "model_version": f"{market}/{number}"})
        run_notebook(tmp_path / name, {"number": 1}, print)
        for _ in range(2):  # of a reply that was lost, too, there is one
            run = record.deliver(tmp_path / name)
        address = f"{os.environ['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/get?run_id={run}"
        with urllib.request.urlopen(address) as answer:
            return json.load(answer)["run"]["inputs"]

    assert [f"models:/{one['model_id']}" for one in inputs("with", version)["model_inputs"]] == [source]
    gone = inputs("gone", "99")
    assert "model_inputs" not in gone and len(gone["dataset_inputs"]) == 1


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('{"MAE": 1.5, "WIS": null, "skill": NaN, "days": {"Monday": 1}, "text": "x"}', {"MAE": 1.5}),
        ('{"MAE": 1.', {}),
        ("[1, 2]", {}),
        ('{"MAE (Sé/Baixa)": 2, "..": 3, "": 4, "huge": 1' + "0" * 400 + "}", {"MAE _Sé/Baixa_": 2}),
    ],
)
def test_what_is_no_number_is_no_metric_and_keeps_no_record_back(record, tmp_path, written, shown):
    run, kept = kept_run(record, tmp_path, f"open('out/metrics.json', 'w').write({written!r})")
    assert record.MlflowClient().get_run(run).data.metrics == shown | {"seconds": kept.seconds}


@pytest.mark.parametrize(
    ("cell", "outcome"), [("1 / 0", "failed"), ("import os; os.kill(os.getpid(), 9)", "kernel died")]
)
def test_a_bad_run_is_failed_and_says_where_and_why(record, tmp_path, cell, outcome):
    run, kept = kept_run(record, tmp_path, cell, "'after'")
    there = record.MlflowClient().get_run(run)
    assert there.info.status == "FAILED" and there.data.tags["outcome"] == outcome
    assert there.data.tags["stopped_at"] == "3" and f"{outcome} in cell 3" in there.data.tags["mlflow.note.content"]
    sentence, links = there.data.tags["mlflow.note.content"].split("\n\n")
    assert sentence == there.data.tags["summary"] and "](" not in sentence and links.startswith("[the notebook](")
    page = record.download_artifacts(run_id=run, artifact_path="small.html", dst_path=str(tmp_path))
    assert "Stopped here" in open(page).read()


def test_a_run_that_never_began_leaves_a_record(record, tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": "m"})
    run = record.start(tmp_path / "run")
    not_begun(tmp_path / "run", DataProblem("x.csv:3:date: y — no day"))
    assert record.deliver(tmp_path / "run") == run
    assert "x.csv:3:date: y — no day" in record.MlflowClient().get_run(run).data.tags["mlflow.note.content"]


def test_a_version_is_nobodys_champion_until_the_alias_points_to_it(record, registry, tmp_path):
    run = training(record, tmp_path)
    assert registry.alias("one") is None
    version = registry.register("one", run, model(tmp_path), {"gate": "passed"})
    assert registry.alias("one") is None
    assert record.MlflowClient().get_run(run).info.status == "RUNNING"
    registry.point("one", version)
    assert registry.alias("one") == version == "1"
    assert registry.lay_down("one", version, tmp_path / "in") == content_digest(tmp_path / "model")
    assert (tmp_path / "in" / "champion" / "forecaster.zip").read_text() == "weights"


def test_a_version_has_no_tags_of_the_champion_that_it_was_compared_with(record, tmp_path):
    from flows.station.artifacts import _summary
    from flows.station.champion import register
    from flows.station.run import Run
    from footfall.params import Market

    market, other = f"m{uuid.uuid4().hex[:8]}", {"model_version": "m/1", "model_sha256": "0" * 64}
    data = {"source": "sample", "as_of": "2022-10-13"}
    run = Run(
        "train", Market(name=market, data=data), tmp_path, training(record, tmp_path), facts={"snapshot": "1" * 64}
    )
    (tmp_path / "out").mkdir()
    shutil.move(model(tmp_path), tmp_path / "out" / "model")
    (tmp_path / "out" / "gate.json").write_text('{"reason": "it beats it"}')
    run.facts |= {"data_through": "2022-10-10"}
    assert "model" not in _summary(run, "link", "") and "compared" not in _summary(run, "link", "")
    run.facts |= other
    assert "- compared with: m/1" in _summary(run, "link", "")
    version = record.MlflowClient().get_model_version(market, register.fn(run))
    assert version.tags["gate"] == "it beats it" and version.tags["snapshot"] == "1" * 64
    assert not other.keys() & version.tags.keys()
    run.facts["model_sha256"] = content_digest(tmp_path / "out" / "model")
    assert register.fn(run) is None, "byte for byte the one it was given"


def test_a_tampered_model_is_refused(record, registry, tmp_path):
    version = registry.register("two", training(record, tmp_path), model(tmp_path, "weights of two"), {})
    stored = next(p for p in (home() / "artifacts").rglob("forecaster.zip") if p.read_bytes() == b"weights of two")
    stored.write_text("weights of twX")
    with pytest.raises(EnvironmentProblem, match="model two version 1 is not what was registered"):
        registry.lay_down("two", version, tmp_path / "in")


def test_a_model_without_artifacts_cannot_be_laid_down(record, registry, tmp_path):
    version = registry.register("three", training(record, tmp_path), model(tmp_path, "weights of three"), {})
    stored = next(p for p in (home() / "artifacts").rglob("forecaster.zip") if p.read_bytes() == b"weights of three")
    stored.unlink()
    with pytest.raises(EnvironmentProblem, match="model three version 1"):
        registry.lay_down("three", version, tmp_path / "in")


def test_a_model_whose_folder_is_gone_cannot_be_laid_down(record, registry, tmp_path):
    run = training(record, tmp_path)
    version = registry.register("four", run, model(tmp_path, "weights of four"), {})
    stored = next(p for p in (home() / "artifacts").rglob("forecaster.zip") if p.read_bytes() == b"weights of four")
    shutil.rmtree(stored.parent)
    copies = rf"model four version 1 cannot be fetched, neither as models:/four/1 nor as out/model of run {run}\. "
    with pytest.raises(EnvironmentProblem, match=rf"{copies}.* footfall rollback four "):
        registry.lay_down("four", version, tmp_path / "in")


@pytest.mark.parametrize(("market", "harm"), [("five", "folder gone"), ("six", "file gone"), ("seven", "file altered")])
def test_a_model_that_is_not_whole_comes_from_the_record_of_its_training(record, registry, tmp_path, market, harm):
    run, ours = training(record, tmp_path), model(tmp_path, f"weights of {market}")
    record.MlflowClient().log_artifacts(run, str(ours), "out/model")
    version = registry.register(market, run, ours, {})
    stored = [path for path in (home() / "artifacts").rglob("forecaster.zip") if market.encode() in path.read_bytes()]
    (logged,), (kept,) = ([path for path in stored if ("models" in path.parts) == is_logged] for is_logged in (1, 0))
    if harm == "folder gone":
        shutil.rmtree(logged.parent)
    elif harm == "file gone":
        logged.unlink()
    else:
        logged.write_text("others")
    assert registry.lay_down(market, version, tmp_path / "in") == content_digest(ours)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["champion"]
    kept.write_text("others")
    with pytest.raises(EnvironmentProblem, match=f"model {market} version 1 is not what was registered"):
        registry.lay_down(market, version, tmp_path / "again")


def test_the_record_in_mlflow_is_the_record_on_disk(record, tmp_path):
    run, kept = kept_run(record, tmp_path, "1")
    there = record.download_artifacts(run_id=run, artifact_path="record.json", dst_path=str(tmp_path))
    assert json.loads(open(there).read()) == json.loads(kept.model_dump_json())


def test_a_run_whose_process_was_killed_is_on_record_after_the_next_start(record, tmp_path):
    slow = "open('out/pid', 'w').write('x')", "import time; time.sleep(600)", "'after'"
    runs, template = tmp_path / "runs", write(tmp_path, *slow)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(template), str(runs / "one")], cwd=ROOT / "tests")
    while not (runs / "one" / "out" / "pid").exists():
        time.sleep(0.05)
    assert record.deliver_waiting(runs) == [], "it is alive"
    run = record.start(runs / "one")
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    assert record.deliver_waiting(runs) == ["delivered the record of one: interrupted"]
    there = record.MlflowClient().get_run(run)
    assert there.info.status == "KILLED" and there.data.tags["stopped_at"] == "4"
    assert "ended without a word" in there.data.tags["reason"]
    assert record.deliver_waiting(runs) == [] and differences(runs / "one") == []


def disown(folder):
    """As if the process that claimed it had died."""
    owner = folder / "owner.json"
    owner.write_text(owner.read_text().replace(f'"pid": {os.getpid()}', '"pid": 999999999'))


def test_one_bad_folder_keeps_no_other_waiting(record, tmp_path):
    runs, template = tmp_path / "runs", write(tmp_path, "1")
    for name in ("1-torn", "2-bare", "3-whole"):
        claim(runs / name, template, {"market": "m"})
        disown(runs / name)
    (runs / "1-torn" / "owner.json").write_text("")  # the machine stopped before it was on disk
    (runs / "2-bare" / "template" / "small.ipynb").unlink()
    torn, bare, whole = record.deliver_waiting(runs)
    assert torn == "delivered the record of 1-torn: interrupted"
    assert bare.startswith("the record of 2-bare waits: ")
    assert whole == "delivered the record of 3-whole: interrupted"
    assert differences(runs / "1-torn") == [] and list(unfinished(runs)) == [runs / "2-bare"]


@pytest.mark.parametrize("share", [0, 0.5])
def test_where_the_machine_stopped_before_a_note_was_on_the_disk_the_record_is_delivered_all_the_same(
    record, tmp_path, share
):
    folder = tmp_path / "runs" / f"torn-{uuid.uuid4().hex[:8]}"
    claim(folder, write(tmp_path, "1"), {"market": "m"})
    run = record.start(folder)
    run_notebook(folder, {"number": 1}, print)
    disown(folder)
    (folder / "mlflow").write_text(run[: int(share * len(run))])
    assert record.deliver_waiting(tmp_path / "runs") == [f"delivered the record of {folder.name}: succeeded"]
    assert (
        len(record.search("small", f"tags.folder = '{folder.name}'")) == 1
        and record.deliver_waiting(folder.parent) == []
    )


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_torn_record_is_told_in_a_sentence_and_waits_no_more(record, tmp_path, share):
    kept = b'{"notebook": "small", "outcome": "succeeded"}'
    claim(tmp_path / "runs" / "one", write(tmp_path, "1"), {"market": "m"})
    run = record.start(tmp_path / "runs" / "one")
    disown(tmp_path / "runs" / "one")
    (tmp_path / "runs" / "one" / "record.json").write_bytes(kept[: int(share * len(kept))])
    assert record.deliver_waiting(tmp_path / "runs") == ["delivered the record of one: interrupted"]
    there = record.MlflowClient().get_run(run)
    assert there.info.status == "KILLED" and "Its record was not whole" in there.data.tags["summary"]
    assert record.deliver_waiting(tmp_path / "runs") == [] and differences(tmp_path / "runs" / "one") == []


def test_the_record_of_another_version_is_not_called_torn(record, tmp_path):
    folder = tmp_path / "runs" / "one"
    claim(folder, write(tmp_path, "1"), {"market": "m"})
    disown(folder)
    (folder / "record.json").write_text('{"notebook": "small", "outcome": "postponed"}')
    (sentence,) = record.deliver_waiting(tmp_path / "runs")
    assert sentence.startswith("the record of one waits: ") and "postponed" in (folder / "record.json").read_text()


def test_a_record_waits_for_mlflow_and_is_delivered_once(record, tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    claim(runs / "one", write(tmp_path, "1"), {"market": "m"})
    run_notebook(runs / "one", {"number": 1}, print)
    disown(runs / "one")
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        began = time.monotonic()
        with pytest.raises(EnvironmentProblem, match=r"MLflow at http://127\.0\.0\.1:9 did not do its part"):
            record.deliver(runs / "one")
        assert time.monotonic() - began < 60
    assert record.deliver_waiting(runs) == ["delivered the record of one: succeeded"]
    assert record.deliver_waiting(runs) == []
    tags = record.get((runs / "one" / "delivered").read_text()).data.tags
    for told in ("summary", "mlflow.note.content"):
        assert (
            tags[told].startswith("its record came late, and nothing came of it: ") and "; succeeded in" in tags[told]
        )
    assert "decided" not in tags


MOST = 32 << 20  # bytes of a request, as Cloud Run takes them


def waiting(runs, folder, name, cell):
    claim(runs / name, write(folder, cell), {"market": "m"})
    run_notebook(runs / name, {"number": 1}, print)
    disown(runs / name)


def test_a_file_that_is_too_large_keeps_no_other_record_waiting(record, servers, tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    waiting(runs, tmp_path, "1", f"open('out/large', 'wb').write(bytes({MOST + 1}))")
    waiting(runs, tmp_path, "2", "1")
    with Proxy(servers["MLFLOW_TRACKING_URI"], MOST) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        first, second = record.deliver_waiting(runs)
    assert "the record of 1 waits" in first and "out/large" in first and "when it answers" not in first
    assert second == "delivered the record of 2: succeeded"


TABLE = f"""
import pandas, footfall.forecast
sites = ["caf\u00e9, the first" * 100] * {MOST // 2000}
rows = pandas.DataFrame({{"site": sites, "date": pandas.Timestamp("2022-10-13"), "value": 0.1}})
footfall.forecast.write_forecast([rows, rows], "out")
"""


def test_a_table_that_is_too_large_is_kept_once_and_whole_again_when_fetched(record, servers, tmp_path, monkeypatch):
    with Proxy(servers["MLFLOW_TRACKING_URI"], MOST) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        run, _ = kept_run(record, tmp_path, TABLE)
        assert (tmp_path / "run" / "out" / "forecast" / "forecast.csv").stat().st_size > MOST
        (file,) = record.MlflowClient().list_artifacts(run, "out/forecast")
        assert file.path == "out/forecast/forecast.parquet"
        assert "forecast.csv" in record.get(run).data.tags["mlflow.note.content"]
        assert differences(record.fetch(run, tmp_path / "fetched")) == []


def test_a_reply_that_was_cut_midway_is_asked_for_again(record, registry, servers, tmp_path, monkeypatch):
    """Each kind of request once: of the run, its files, going up and coming down, its figures, and of a model."""
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        kinds = ("runs/create", "runs/get", "PUT .*record.json", "GET .*record.json", "runs/log-batch", "runs/update",
                 "runs/search", "logged-models", "registered-models/create", "model-versions/create",
                 "GET .*forecaster")  # fmt: skip
        for kind in kinds:
            proxy.add("cut", kind)
        run, _ = kept_run(record, tmp_path, "1")
        assert differences(record.fetch(run, tmp_path / "fetched")) == []
        assert [found.info.run_id for _, found in record.search("small", f"tags.folder = 'run' and run_id = '{run}'")]
        market = f"m{uuid.uuid4().hex[:8]}"
        version = registry.register(market, training(record, tmp_path), model(tmp_path), {})
        registry.lay_down(market, version, tmp_path / "in")
        assert not proxy._faults, "each was met"


def test_a_reply_that_is_cut_each_time_is_told_of(record, servers, monkeypatch):
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("cut", "experiments/search", times=99)
        with pytest.raises(record.Away, match=f"MLflow at {proxy.url} did not do its part"):
            record.ask()
        assert len(proxy.requests) == 3


def test_a_notebook_has_a_list_before_its_first_run(record):
    client, name = record.MlflowClient(), f"n{uuid.uuid4().hex[:8]}"
    address = record.lists([name])[name]
    experiment = client.get_experiment_by_name(name)
    assert f"/experiments/{experiment.experiment_id}/runs?" in address
    assert "mlflow.sharedViewState.runs" in experiment.tags and record.lists([name])[name] == address
    client.delete_experiment(experiment.experiment_id)


def test_links_lead_to_where_a_browser_finds_mlflow(record, tmp_path, monkeypatch):
    run, _ = kept_run(record, tmp_path, "1")
    monkeypatch.setenv("MLFLOW_UI_URL", "http://localhost:5999")
    assert record.link(run).startswith("http://localhost:5999/#/experiments/")
    assert record.lists(["small"])["small"].startswith("http://localhost:5999/#/experiments/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(EnvironmentProblem, match=r"MLflow at http://127\.0\.0\.1:9 did not"):
        record.ask()


def test_changes_are_told_against_mlflow_where_the_disk_has_no_good_run(record, tmp_path):
    def ran(name, cell):
        claim(tmp_path / name, write(tmp_path, cell), {"market": "far", "as_of": "2022-10-13"})
        run_notebook(tmp_path / name, {"number": 1}, print)
        record.deliver(tmp_path / name)
        return (tmp_path / name / "changes.html").read_text()

    assert "no earlier good run" in ran("one/20221013T060000-small-far-00000001", "2 + 2")
    record.bring_back(tmp_path / "two", "small", "far")
    folder, tags = last_good(tmp_path / "two", "small", "far")
    assert folder.name == "20221013T060000-small-far-00000001" and tags["market"] == "far"
    assert differences(folder) == [] and not list(unfinished(tmp_path / "two"))
    page = ran("two/20221014T060000-small-far-00000002", "2 + 3")
    assert "no earlier good run" not in page and "2 + 2" in page
    record.bring_back(tmp_path / "two", "small", "elsewhere")
    assert last_good(tmp_path / "two", "small", "elsewhere") is None


def test_of_what_mlflow_keeps_the_run_of_the_day_before_is_brought_back_and_not_the_one_that_ran_last(record, tmp_path):
    market = f"m{uuid.uuid4().hex[:8]}"
    for hour, day in enumerate(("2022-10-12", "2022-10-14", "2022-09-01"), 1):
        folder = tmp_path / "one" / f"20221101T0{hour}0000-small-{market}-0"
        claim(folder, write(tmp_path, "1"), {"market": market, "as_of": day})
        run_notebook(folder, {"number": 1}, print)
        record.deliver(folder)
    for day, brought in {"2022-08-01": None, "2022-10-13": "2022-10-12", "2022-10-15": "2022-10-14"}.items():
        before = standing({"as_of": day}, "~")
        record.bring_back(tmp_path / day, "small", market, before)
        good = last_good(tmp_path / day, "small", market, before)
        assert (good and good[1]["as_of"]) == brought


def test_a_run_on_record_opens_in_a_folder_named_from_here(record, tmp_path, monkeypatch):
    from flows.operations.audit import bundle

    run, _ = kept_run(record, tmp_path, "2 + 2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(tmp_path))  # MLflow alone vouches for no notebook
    assert bundle(run, Path("opened")).exists() and differences(tmp_path / "opened") == []


@pytest.mark.parametrize("name", ["../../precious", "HERE/precious", "..", ".part"])
def test_a_folders_name_that_mlflow_says_leads_nowhere_else(record, tmp_path, name):
    name = name.replace("HERE", str(tmp_path))
    market = f"m{uuid.uuid4().hex[:8]}"
    claim(tmp_path / "one" / "run", write(tmp_path, "1"), {"market": market})
    not_begun(tmp_path / "one" / "run", KeyboardInterrupt())
    run = record.deliver(tmp_path / "one" / "run")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    record.tag(run, {"folder": name, "outcome": "succeeded"})
    with pytest.raises(DataProblem, match=rf"{run}: its tag folder, '{re.escape(name)}'"):
        record.bring_back(tmp_path / "two", "small", market)
    assert (tmp_path / "precious" / "file").read_text() == "mine" and not (tmp_path / "two").exists()


def test_what_mlflow_keeps_can_be_checked_and_every_flipped_byte_is_named(record, tmp_path):
    run, _ = kept_run(record, tmp_path, "open('out/forecast.csv', 'w').write('1,2,3')")
    folder = record.fetch(run, tmp_path / "fetched")
    assert differences(folder) == []
    for name in ("template/small.ipynb", "out/forecast.csv", "small.ipynb", "small.html"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:] if len(whole) > 20 else b"1,2,4")
        assert differences(folder) == [f"{name}: altered"]
        (folder / name).write_bytes(whole)
    (folder / "out" / "forecast.csv").unlink()
    assert differences(folder) == ["out/forecast.csv: missing"]


def test_a_list_of_runs_begins_with_what_each_came_to_and_says_what_it_is_of(record):
    record.lists(["review", "whatif"])
    for name, key in (("review", "metrics.`skill`"), ("whatif", "metrics.`mean`")):
        tags = record.MlflowClient().get_experiment_by_name(name).tags
        view = json.loads(tags[record.VIEW])
        assert view["columnOrder"] == view["selectedColumns"] and view["columnOrder"][0] == "tags.`summary`"
        assert key in view["columnOrder"] and tags["mlflow.note.content"] == record.DOES[name]
