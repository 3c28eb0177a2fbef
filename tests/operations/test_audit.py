"""The record, read again, by the commands a reviewer uses."""

import datetime as dt
import json
import re
import shutil
import subprocess
import uuid

import nbformat
import pytest
from conftest import footfall, typical
from mlflow_records import model
from small_notebook import write

from flows.notebook.execute import run_notebook
from flows.operations import audit
from flows.record.files import digests
from flows.record.folder import claim, is_committed, not_begun
from flows.record.owner import read_owner, write_owner
from flows.record.record import differences, read_record
from flows.settings import ROOT, home
from flows.storage import forecasts
from footfall.digest import sha256_of
from footfall.errors import DataProblem, EnvironmentProblem, UsageProblem


@pytest.fixture(scope="module")
def published(first_run):
    """The manifest of the sample's forecast."""
    from flows.storage import bucket, forecasts

    return forecasts.latest(bucket.connect("footfall"), "sample").manifest


def test_a_forecast_leads_back_to_everything_it_came_from(published):
    from flows.champion import registry

    done = footfall("trace", "sample", "2022-10-13")
    assert done.exit_code == 0, done.output
    about = published["about"]
    for what, which in {
        "forecast": "gs://footfall/sample/forecasts/2022-10-13/",
        "predicted in": f"/runs/{about['record']}",
        "commit": r"[0-9a-f]{40}|unknown",
        "notebook": "sha256 [0-9a-f]{64}",
        "lock": "sha256 [0-9a-f]{64}",
        "parameters": "as_of=2022-10-13, category=retail_and_recreation",
        "model": f"{about['model_version']}, sha256 {about['model_sha256']}",
        "the gate said": "beats seasonal naive",
        "trained in": "/runs/" + registry.version_of("sample", about["model_version"].split("/")[1]).run_id,
        "trained by": "train.ipynb, sha256 [0-9a-f]{64}",
        "snapshot": f"gs://footfall/snapshots/{about['snapshot']}.parquet",
        "source": "sample, through 2022-10-10",
    }.items():
        assert re.search(rf"^{what} +.*{which}", done.output, re.MULTILINE), what


def test_a_champion_of_a_changed_notebook_and_changed_code_is_called_one(servers, bucket, tmp_path):
    from flows.champion import ledger, registry
    from flows.record import mlflow_runs

    market, folder = f"m{uuid.uuid4().hex[:8]}", tmp_path / "run"
    claim(folder, write(tmp_path, "1"), {"market": market, "snapshot": "a" * 64}, "train")
    owner = read_owner(folder)
    write_owner(folder, owner.model_copy(update={"revision": owner.revision | {"dirty": True, "modified": True}}))
    record = run_notebook(folder, {"number": 7}, print)
    run = mlflow_runs.deliver(folder)
    version = registry.register(market, run, model(tmp_path), {"gate": "beats it"})
    gate = {"passed": True, "reason": "beats it", "figures": {"challenger": {"WIS": 1.0}, "naive": {"WIS": 2.0}}}
    ledger.promote(bucket, market, version, None, dt.date(2022, 10, 13), gate, run)
    steps = dict(audit.champion(bucket.name, market, None))
    assert steps["trained on"] == f"snapshot {'a' * 64}, commit {record.commit} with changes"
    assert steps["trained by"] == f"train.ipynb, sha256 {record.template}, modified"


def test_a_day_without_forecast_is_told(published):
    done = footfall("trace", "sample", "2022-10-01")
    assert done.exit_code == 2 and "no forecast of sample stands on 2022-10-01" in done.output


def test_in_use_was_what_readers_saw_last(bucket):
    assert audit.in_use(bucket, "m", None) is None
    made = {}
    for day, version, show in ((1, "1", True), (2, "1", True), (2, "2", True), (2, "1", True), (4, "2", False)):
        about = {"model_version": f"m/{version}"}
        done = forecasts.publish(bucket, "m", dt.date(2022, 10, day), {"x": version.encode()}, about, show)
        made[day, version] = done.url.removeprefix(f"gs://{bucket.name}/")
    assert audit.in_use(bucket, "m", "2022-09-30") is None
    assert audit.in_use(bucket, "m", "2022-10-01") == made[1, "1"]
    for on in ("2022-10-02", "2022-10-05", None):
        assert audit.in_use(bucket, "m", on) == made[2, "1"], "rolled back on the 2nd, and the 4th was only stored"


def test_runs_are_listed_newest_first(published):
    done = footfall("runs", "--market", "sample", "--notebook", "predict", "--outcome", "succeeded")
    assert done.exit_code == 0 and published["about"]["record"] in done.output
    times = re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) +predict +sample +2022-10-13 +succeeded", done.output, re.M)
    assert times and times == sorted(times, reverse=True)
    assert "no such run on record" in footfall("runs", "--since", "2999-01-01").output


def test_a_run_that_is_going_on_is_listed_as_running(servers, tmp_path):
    from flows.record import mlflow_runs

    market = f"m{uuid.uuid4().hex[:8]}"
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": market})
    run = mlflow_runs.start(tmp_path / "run")
    assert [line["run"] for line in audit.runs(market, None, "running", None)] == [run]
    assert audit.runs(market, None, "succeeded", None) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["verify", "nobody"], "no run 'nobody' on record; footfall runs lists those there are"),
        (["replay", "nobody"], "no run 'nobody' on record"),
    ],
)
def test_what_cannot_be_asked_for_is_told(words, says, published):
    done = footfall(*words)
    assert done.exit_code == 2 and says in done.output, done.output


@pytest.mark.long
def test_a_replay_that_ends_elsewhere_says_where(tmp_path):
    seen = f"open({str(tmp_path / 'seen')!r}, 'x')"  # a second time it is there already
    claim(tmp_path / "run", write(tmp_path, seen, "1 / 0"), {"market": "m"})
    run_notebook(tmp_path / "run", {"number": 7}, print)
    found = audit.replay(str(tmp_path / "run"), tmp_path / "scratch", print)
    assert found[0] == "it failed in cell 4: ZeroDivisionError: division by zero."
    assert found[1].startswith("now it failed in cell 3: FileExistsError: ")
    record = read_record(tmp_path / "run").model_copy(update={"commit": "0123456789" * 4})
    (tmp_path / "run" / "record.json").write_text(record.model_dump_json())
    with pytest.raises(EnvironmentProblem, match=r"at commit 0123.* comes to something else \(it failed in cell 4"):
        audit.replay(str(tmp_path / "run"), tmp_path / "another", print)


def test_what_never_began_its_notebook_is_not_repeated(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": "m"})
    not_begun(tmp_path / "run", DataProblem("till.csv:3: no number"))
    done = footfall("replay", str(tmp_path / "run"))
    assert done.exit_code == 2 and "never began" in done.output and "till.csv:3: no number" in done.output, done.output


@pytest.mark.long
def test_a_record_of_other_code_says_which_commit_can_replay_it(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "import footfall.results"), {"market": "m"})
    here = run_notebook(tmp_path / "run", {"number": 7}, print)
    past = here.model_copy(update={"outcome": "succeeded", "reason": "", "error_type": "", "commit": "0123456789" * 4})
    (tmp_path / "run" / "record.json").write_text(past.model_dump_json())
    done = footfall("replay", str(tmp_path / "run"))
    assert done.exit_code == 4 and "No module named 'footfall.results'" in done.output, done.output
    told = " ".join(done.output.split())
    assert (
        f"made at commit {past.commit}" in told and f"git worktree add ../footfall-0123456789 {past.commit} &&" in told
    )
    (tmp_path / "run" / "record.json").write_text(here.model_dump_json())
    assert audit.replay(str(tmp_path / "run"), tmp_path / "scratch", print) == [], "it could not import then either"


def test_a_published_forecast_verifies_and_repeats_to_the_same_bytes(published, monkeypatch):
    run = published["about"]["record"]
    assert "files are as they were written" in footfall("verify", run).output
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "C")
    done = footfall("replay", run)
    assert done.exit_code == 0 and "the replay wrote the same bytes" in done.output, done.output


def test_a_failed_run_opens_where_it_stopped_with_all_that_it_needs(tmp_path):
    claim(tmp_path / "run", write(tmp_path, "'before'", "1 / 0", "'after'"), {"market": "m"})
    (tmp_path / "run" / "in").mkdir()
    (tmp_path / "run" / "in" / "snapshot.parquet").write_bytes(b"figures")
    run_notebook(tmp_path / "run", {"number": 7}, print)
    place = audit.bundle(str(tmp_path / "run"), tmp_path / "opened")
    title, stop = (c for c in nbformat.read(place, 4).cells if c.cell_type == "markdown" and c.source.startswith("# "))
    assert title.metadata["jp-MarkdownHeadingCollapsed"] and stop.source.startswith("# Stopped here")
    assert (place.parent / "in" / "snapshot.parquet").read_bytes() == b"figures"
    assert differences(tmp_path / "run") == []
    with pytest.raises(UsageProblem, match="is not empty"):
        audit.bundle(str(tmp_path / "run"), tmp_path / "opened")


FILES = ("in/champion/forecaster.zip", "in/snapshot.parquet", "out/forecast/forecast.csv", "predict.ipynb")


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_found_and_named(published, name):
    run = published["about"]["record"]
    (stored,) = (home() / "artifacts").glob(f"*/{run}/artifacts/{name}")
    whole = stored.read_bytes()
    try:
        stored.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])
        done = footfall("verify", run)
        assert done.exit_code == 3 and f"{name}: altered" in done.output
        assert footfall("replay", run).exit_code == 3
    finally:
        stored.write_bytes(whole)


def noting(path):
    """A line of code that leaves a file where it ran."""
    return f"open({str(path)!r}, 'w').close()"


def put_into(notebook, code):
    book = nbformat.read(notebook, 4)
    book.cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(book, notebook)


def another_notebook(folder, code, record):
    put_into(folder / "template" / "predict.ipynb", code)
    put_into(folder / "predict.ipynb", code)


def another_executed_notebook(folder, code, record):
    put_into(folder / "predict.ipynb", code)


def code_among_parameters(folder, code, record):
    book = nbformat.read(folder / "predict.ipynb", 4)
    (cell,) = [cell for cell in book.cells if "injected-parameters" in cell.metadata.get("tags", [])]
    cell.source += f"\nx = {code}"
    nbformat.write(book, folder / "predict.ipynb")


def code_as_a_parameters_name(folder, code, record):
    record["parameters"][f"{code}; x"] = 1


def another_model(folder, code, record):
    model = folder / "in" / "champion" / "forecaster.zip"
    model.write_bytes(model.read_bytes() + b" ")


def a_module_beside(folder, code, record):
    (folder / "pandas.py").write_text(code)
    record["pages"]["pandas.py"] = ""


FORGED = {
    another_notebook: "template/predict.ipynb: not predict.ipynb of commit",
    another_executed_notebook: "predict.ipynb: its code is not that of its template",
    code_among_parameters: "predict.ipynb: its code is not that of its template",
    code_as_a_parameters_name: "record.json: no readable record",
    another_model: "in/champion: no model that the market's ledger names",
    a_module_beside: "pandas.py: not in the record",
}


@pytest.mark.parametrize("forge", typical([*FORGED], another_notebook, another_model, code_among_parameters))
def test_what_somebody_put_into_mlflow_with_a_record_that_fits_is_not_run(forge, published, tmp_path):
    from flows.record import mlflow_runs

    folder, ran = mlflow_runs.fetch(published["about"]["record"], tmp_path / "forged"), tmp_path / "ran"
    record = json.loads((folder / "record.json").read_text())
    forge(folder, noting(ran), record)
    record["template"] = sha256_of(folder / "template" / "predict.ipynb")
    record["inputs"] = digests(folder / "in")
    record["pages"] = {name: sha256_of(folder / name) for name in record["pages"]}
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "owner.json").write_text("{}")  # it would say that this machine ran it
    client = mlflow_runs.MlflowClient()
    run = client.create_run(
        client.get_experiment_by_name("predict").experiment_id, tags={"folder": "forged"}
    ).info.run_id
    try:
        client.log_artifacts(run, str(folder))
        done = footfall("replay", run)
        assert done.exit_code == 3 and FORGED[forge] in " ".join(done.output.split()), done.output
        with pytest.raises(DataProblem, match=re.escape(FORGED[forge])):
            audit.bundle(run, tmp_path / "opened")
        assert not ran.exists() and not (tmp_path / "opened").exists()
    finally:
        client.delete_run(run)


def test_a_run_of_here_is_opened_from_mlflow_and_one_of_a_changed_notebook_says_what_to_do(
    published, thin_notebooks, tmp_path, monkeypatch
):
    from flows.champion import ledger
    from flows.storage import bucket

    place = audit.bundle(published["about"]["record"], tmp_path / "opened")
    assert place.name == "predict.ipynb" and (place.parent / "in" / "champion" / "about.json").exists()
    training = ledger.champion(bucket.connect("footfall"), "sample").run
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(DataProblem, match=r"template/train\.ipynb: not train\.ipynb of commit.*put it there"):
        audit.bundle(training, tmp_path / "trained")
    monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(thin_notebooks))
    assert audit.bundle(training, tmp_path / "trained").name == "train.ipynb"


def test_what_this_machine_itself_ran_is_repeated_by_its_id_while_its_folder_is_here(servers, tmp_path):
    from flows.record import mlflow_runs

    folder = home() / "runs" / f"20221013T060000-small-m-{uuid.uuid4().hex[:8]}"
    claim(folder, write(tmp_path, "open('out/answer.txt', 'w').write(str(number))"), {"market": "m"})
    run_notebook(folder, {"number": 7}, print)
    run = mlflow_runs.deliver(folder)
    done = footfall("replay", run)
    assert done.exit_code == 0 and "the replay wrote the same bytes" in done.output, done.output
    shutil.rmtree(folder)
    done = footfall("replay", run)
    assert done.exit_code == 3 and "only MLflow says that this was run" in done.output, done.output


@pytest.mark.skipif(not shutil.which("git"), reason="asks for a history, and there is no git here")
def test_a_notebook_is_known_by_the_history_of_the_code_here(tmp_path):
    git = ["git", "-C", str(ROOT)]
    if not (head := subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()):
        pytest.skip("a copy without git")
    whole = subprocess.run([*git, "show", "HEAD:notebooks/explore.ipynb"], capture_output=True).stdout
    path = tmp_path / "any.ipynb"
    path.write_bytes(whole)
    assert is_committed(path, "explore.ipynb", head) and not is_committed(path, "train.ipynb", head)
    for commit in ("0" * 40, "unknown", "--help", "HEAD"):
        assert not is_committed(path, "explore.ipynb", commit)
    path.write_bytes(whole + b" ")
    assert not is_committed(path, "explore.ipynb", head)
