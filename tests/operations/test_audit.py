"""The record, read again, by the commands a reviewer uses."""

import datetime as dt
import json
import re
import shutil
import subprocess
import time
import uuid
from pathlib import Path

import nbformat
import pandas as pd
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
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.digest import sha256, sha256_of
from footfall.errors import DataProblem, EnvironmentProblem, UsageProblem
from footfall.params import Limits


@pytest.fixture(scope="module")
def published(first_run):
    """The manifest of the sample's forecast."""
    from flows.storage import bucket, forecasts

    return forecasts.latest(bucket.connect("footfall"), "sample").manifest


def test_a_forecast_leads_back_to_everything_it_came_from(published):
    from mlflow import MlflowClient

    done = footfall("trace", "sample", "2022-10-13")
    assert done.exit_code == 0, done.output
    about = published["about"]
    version = MlflowClient().get_model_version("sample", about["model_version"].split("/")[1])
    for what, which in {
        "forecast": "gs://footfall/sample/forecasts/2022-10-13/",
        "predicted in": f"/runs/{about['record']}",
        "commit": r"[0-9a-f]{40}|unknown",
        "notebook": "sha256 [0-9a-f]{64}",
        "lock": "sha256 [0-9a-f]{64}",
        "parameters": "as_of=2022-10-13, category=retail_and_recreation",
        "model": f"{about['model_version']}, sha256 {about['model_sha256']}",
        "the gate said": "beats seasonal naive",
        "trained in": "/runs/" + version.run_id,
        "trained by": "train.ipynb, sha256 [0-9a-f]{64}",
        "snapshot": f"gs://footfall/snapshots/{about['snapshot']}.parquet",
        "source": "sample, through 2022-10-10",
    }.items():
        assert re.search(rf"^{what} +.*{which}", done.output, re.MULTILINE), what


def test_of_two_forecasts_of_a_day_it_is_said_which_one_is_in_force(published):
    from flows.storage.bucket import connect

    store, market = connect("footfall"), f"m{uuid.uuid4().hex[:8]}"
    for content in (b"1", b"2", b"3", b"1"):
        shown = content != b"3"
        made = forecasts.publish(store, market, dt.date(2022, 10, 13), {"x": content}, published["about"], shown)
    told = [which for what, which in audit.trace("footfall", market, "2022-10-13") if what == "forecast"]
    assert [which.partition(", ")[2] for which in told] == ["in force", "replaced", "replaced"]
    assert told[0].startswith(f"{made.url}/")
    forecasts.publish(store, market, dt.date(2022, 10, 14), {"x": b"4"}, published["about"], False)
    made = forecasts.publish(store, market, dt.date(2022, 10, 13), {"x": b"5"}, published["about"], True)
    told = [which for what, which in audit.trace("footfall", market, "2022-10-13") if what == "forecast"]
    assert [which.startswith(f"{made.url}/") for which in told if ", in force" in which] == [True]


def test_a_runs_description_leads_to_its_own_page_and_not_to_that_of_the_latest(published):
    from flows.record import mlflow_runs

    run = published["about"]["record"]
    note = mlflow_runs.get(run).data.tags["mlflow.note.content"]
    assert f"/runs/{run}/artifacts/out/forecast/index.html?" in note and "sample/index.html" not in note


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


def test_in_use_was_what_readers_saw_last(servers, bucket):
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


def test_a_champion_that_was_promoted_as_of_a_day_afterwards_is_told_from_what_readers_saw(servers, bucket):
    from flows.champion import entries

    def promote(version, day, was):
        entry = {"action": "promotion", "version": version, "as_of": dt.date(2022, 10, day), "why": "better",
                 "gate": {}, "run": "r", "sha256": version * 64, "was": was}  # fmt: skip
        return entries.append(bucket, "m", lambda _: entry)

    promote("1", 1, None)
    about = {"model_version": "m/1", "snapshot": "a" * 64, "record": "r", "source": "s", "data_through": "2022-09-30"}
    forecasts.publish(bucket, "m", dt.date(2022, 10, 3), {"x": b"1"}, about)
    assert "shown" not in dict(audit.champion(bucket.name, "m", dt.date(2022, 10, 3)))
    promote("2", 2, "1")
    steps = dict(audit.champion(bucket.name, "m", dt.date(2022, 10, 3)))
    assert steps["champion"] == "m/2" and "model" in steps
    assert steps["shown"].startswith("what readers saw was by m/1; m/2 became champion later, at 2")


def test_a_set_that_was_stored_for_an_older_day_replaces_none_that_readers_saw(bucket):
    from flows.champion import ledger

    about = {"model_version": "m/1"}
    for day, figures in ((1, b"1"), (2, b"2"), (1, b"revised")):
        forecasts.publish(bucket, "m", dt.date(2022, 10, day), {"x": figures}, about)
    folder = ledger.in_force(bucket, "m", "2022-10-01", forecasts.sets(bucket, "m")["2022-10-01"])
    assert forecasts.stored(bucket, folder).files == {"x": b"1"}


@pytest.fixture
def walk(published):
    """A market whose 1st and 3rd of October were shown, and whose 2nd was filled later; its bucket and what was made.

    A run that was killed before its note, and one after it, published the 3rd: the tag of the second was once "false".
    """
    from flows.record.mlflow_runs import MlflowClient
    from flows.storage.bucket import connect

    store, market, client = connect("footfall"), f"m{uuid.uuid4().hex[:8]}", MlflowClient()
    origin = {"source": "another market's", "data_through": "2022-09-01", "retrieved_at": "2022-10-02T06:00:00+00:00"}
    forecasts.keep_snapshot(store, market.encode(), origin)
    digest = sha256(market.encode())
    about = published["about"] | {"snapshot": digest, "events": digest, "weather": "without"}
    made = {}
    for day in (1, 3, 2):
        files = {"forecast.parquet": b"%d" % day}
        made[day] = forecasts.publish(store, market, dt.date(2022, 10, day), files, about, show=day != 2)
        if day > 1:
            tags = {"market": market, "published": "false", "forecast": made[day].url}
            client.create_run(client.get_experiment_by_name("predict").experiment_id, tags=tags)
    return store, market, made


def way_back(market, day):
    """What trace says of the one forecast of a day of October."""
    return dict(audit.trace("footfall", market, f"2022-10-{day:02}"))


def test_what_readers_see_is_not_called_unseen_and_what_fills_a_gap_was_no_days_forecast(walk):
    store, market, made = walk
    assert [way_back(market, day)["forecast"].endswith("never shown") for day in (1, 2, 3)] == [False, True, False]
    assert made[1].url.endswith(audit.in_use(store, market, "2022-10-02"))
    assert made[3].url.endswith(audit.in_use(store, market, "2022-10-03"))


def test_the_way_back_names_all_that_a_forecast_was_made_from_as_its_own_manifest_says(walk):
    steps = way_back(walk[1], 1)
    assert steps["source"] == "sample, through 2022-10-10, fetched 2022-10-02T06:00:00+00:00"
    assert steps["events"] == steps["snapshot"] and steps["events"].endswith(".parquet")
    assert steps["weather"] == "without"


def test_where_mlflow_has_lost_the_runs_the_bucket_still_says_what_a_forecast_came_from(
    walk, published, tmp_path, monkeypatch
):
    whole = way_back(walk[1], 1)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/empty.db")
    steps = way_back(walk[1], 1)
    assert steps["predicted in"].startswith(f"run {published['about']['record']}: MLflow at sqlite")
    assert "not found" in steps["predicted in"] and "not found" in steps["trained in"]
    for what in ("model", "the gate said", "snapshot", "source"):
        assert steps[what] == whole[what] and whole[what]


def test_a_broken_ledger_is_said_beside_the_model_and_hides_nothing_else(bucket):
    storage.create(bucket, "ledger/m/000001.json", b"{}")
    ((what, which),) = audit._trained_by(bucket, "m", "1")
    assert what == "model" and which.startswith("m/1: ") and "not an entry of the ledger, or altered" in which


def test_a_changed_byte_in_an_older_forecast_or_in_its_snapshot_is_named_on_its_way_back(walk):
    store, market, made = walk
    folder = made[1].url.removeprefix("gs://footfall/")
    table, snapshot = (
        store.blob(f"{name}.parquet") for name in (f"{folder}/forecast", f"snapshots/{sha256(market.encode())}")
    )
    table.upload_from_string(b"forged")
    snapshot.upload_from_string(b"forged")
    steps = way_back(market, 1)
    assert "forecast.parquet: altered since it was published" in steps["forecast"]
    assert f"{snapshot.name}: altered since" in steps["snapshot"]
    table.delete()
    snapshot.delete()
    steps = way_back(market, 1)
    assert f"{table.name}: " in steps["forecast"] and f", gs://footfall/{snapshot.name}: " in steps["snapshot"]


def test_runs_are_listed_newest_first(published):
    done = footfall("runs", "--market", "sample", "--notebook", "predict", "--outcome", "succeeded")
    assert done.exit_code == 0 and published["about"]["record"] in done.output
    times = re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) +predict +sample +2022-10-13 +succeeded", done.output, re.M)
    assert times and times == sorted(times, reverse=True)
    about, (line, *_) = published["about"], audit.runs("sample", "predict", "succeeded", None)
    assert (line["model"], line["snapshot"]) == (about["model_version"], about["snapshot"][:8])
    assert int(line["seconds"]) > 0
    assert "no such run on record" in footfall("runs", "--since", "2999-01-01").output
    refused = footfall("runs", "--market", "sampel")
    assert refused.exit_code == 2 and "did you mean sample?" in refused.output


def test_a_run_that_is_going_on_is_listed_as_running(servers, tmp_path):
    from flows.record import mlflow_runs

    market = f"m{uuid.uuid4().hex[:8]}"
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": market, "model_version": "m/1"}, "train")
    run = mlflow_runs.start(tmp_path / "run")
    (line,) = audit.runs(market, None, "running", None)
    assert line["run"] == run and line["model"] == "with m/1", "the champion that it is compared with"
    assert audit.runs(market, None, "succeeded", None) == []


def test_failed_runs_are_found_behind_those_that_ended_in_another_way(servers, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    from flows.record import mlflow_runs

    market = f"m{uuid.uuid4().hex[:8]}"
    for number, outcome in enumerate(("failed", "timed out")):
        claim(tmp_path / str(number), write(tmp_path, str(number)), {"market": market, "outcome": outcome})
        MlflowClient().set_terminated(mlflow_runs.start(tmp_path / str(number)), "FAILED")
    monkeypatch.setattr(mlflow_runs.search, "__defaults__", (1,))
    (line,) = audit.runs(market, None, "failed", None)
    assert line["outcome"] == "failed"


def test_when_runs_began_is_told_and_asked_for_by_utc(servers, tmp_path, monkeypatch):
    from flows.record import mlflow_runs

    market, now = f"m{uuid.uuid4().hex[:8]}", dt.datetime.now(dt.UTC)
    claim(tmp_path / "run", write(tmp_path, "1"), {"market": market})
    mlflow_runs.start(tmp_path / "run")
    try:
        monkeypatch.setenv("TZ", "UTC-14" if now.hour >= 10 else "UTC+12")  # where it is another day
        time.tzset()
        (line,) = audit.runs(market, None, None, now.date())
        assert abs(dt.datetime.fromisoformat(line["started (UTC)"] + "+00:00") - now) < dt.timedelta(minutes=5)
        assert audit.runs(market, None, None, now.date() + dt.timedelta(days=1)) == []
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["verify", "nobody"], "no run 'nobody' on record; footfall runs lists those there are"),
        (["replay", "nobody"], "no run 'nobody' on record"),
        (["runs", "--outcome", "lost"], "'lost' is not one of"),
    ],
)
def test_what_cannot_be_asked_for_is_told(words, says, published):
    done = footfall(*words)
    assert done.exit_code == 2 and says in done.output, done.output


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of a run of this home."""
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    return tmp_path / "runs" / "run"


@pytest.mark.long
def test_a_replay_that_ends_elsewhere_says_where(own, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_COMMIT", "a" * 40)  # what is changed here meanwhile is another test's
    seen = f"open({str(tmp_path / 'seen')!r}, 'x')"  # a second time it is there already
    claim(own, write(tmp_path, seen, "1 / 0"), {"market": "m"})
    run_notebook(own, {"number": 7}, print)
    found = audit.replay(str(own), tmp_path / "scratch", print)
    assert found[0] == "it failed in cell 4: ZeroDivisionError: division by zero."
    assert found[1].startswith("now it failed in cell 3: FileExistsError: ")
    record = read_record(own).model_copy(update={"commit": "0123456789" * 4})
    (own / "record.json").write_text(record.model_dump_json())
    with pytest.raises(EnvironmentProblem, match=r"at commit 0123.* comes to something else \(it failed in cell 4"):
        audit.replay(str(own), tmp_path / "another", print)


def test_a_replay_by_a_tree_that_differs_from_its_commit_names_the_files_that_differ(own, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_COMMIT", "0123456789" * 4)
    seen = f"open({str(tmp_path / 'seen')!r}, 'x')"  # a second time it is there already
    claim(own, write(tmp_path, seen, "open('out/answer.txt', 'w').write('7')"), {"market": "m"})
    here = run_notebook(own, {"number": 7}, print, Limits(memory_mb=3000))
    changes = audit.replay(str(own), tmp_path / "same", print)
    assert changes[1].startswith("now it failed") and changes[2] == "answer.txt: was written before, is not now"
    assert read_record(tmp_path / "same" / "again").limits == here.limits
    changed = here.model_copy(update={"dirty": True, "changed": ["footfall/forecast.py"]})
    (own / "record.json").write_text(changed.model_dump_json())
    monkeypatch.chdir(own.parent)
    with pytest.raises(EnvironmentProblem) as told:
        audit.replay("run", tmp_path / "other", print)
    assert str(told.value).endswith(f".venv/bin/footfall replay {own}"), "from another folder"
    made = f"at commit {here.commit} with changes in footfall/forecast.py, and the code here is of that commit"
    assert made in str(told.value)
    assert "make those changes there again, which no record keeps: git worktree add" in str(told.value)


def test_of_tables_that_differ_it_is_said_by_how_much(tmp_path):
    for name, values in {"was": [1.0, None, 3.0], "other": [2.0, None, 3.0], "shorter": [1.0]}.items():
        pd.DataFrame({"a": values, "b": "x"}).to_parquet(tmp_path / f"{name}.parquet")
    was, other, shorter, gone = (tmp_path / f"{name}.parquet" for name in ("was", "other", "shorter", "gone"))
    assert audit._how(was, other) == "1 of 3 rows differ", "what is known of neither is alike"
    assert audit._how(was, shorter) == "had 3 rows, has 1"
    assert (audit._how(was, gone), audit._how(gone, was)) == (
        "was written before, is not now", "is written now, was not before")  # fmt: skip


def test_what_never_began_its_notebook_is_not_repeated(own, tmp_path):
    claim(own, write(tmp_path, "1"), {"market": "m"})
    not_begun(own, DataProblem("till.csv:3: no number"))
    done = footfall("replay", str(own))
    assert done.exit_code == 2 and "never began" in done.output and "till.csv:3: no number" in done.output, done.output


@pytest.mark.long
def test_a_record_of_other_code_says_which_commit_can_replay_it(own, tmp_path):
    claim(own, write(tmp_path, "import footfall.results"), {"market": "m"})
    here = run_notebook(own, {"number": 7}, print)
    past = here.model_copy(update={"outcome": "succeeded", "reason": "", "error_type": "", "commit": "0123456789" * 4})
    (own / "record.json").write_text(past.model_dump_json())
    done = footfall("replay", str(own))
    assert done.exit_code == 4 and "No module named 'footfall.results'" in done.output, done.output
    told = " ".join(done.output.split())
    assert (
        f"made at commit {past.commit}" in told and f"git worktree add ../footfall-0123456789 {past.commit} &&" in told
    )
    (own / "record.json").write_text(here.model_dump_json())
    assert audit.replay(str(own), tmp_path / "scratch", print) == [], "it could not import then either"


def test_a_published_forecast_verifies_and_repeats_to_the_same_bytes(published, monkeypatch):
    run = published["about"]["record"]
    assert "files are as they were written" in footfall("verify", run).output
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "C")
    done = footfall("replay", run)
    assert done.exit_code == 0 and "the replay wrote the same bytes" in done.output, done.output


def test_a_failed_run_opens_where_it_stopped_with_all_that_it_needs(own, tmp_path):
    claim(own, write(tmp_path, "'before'", "1 / 0", "'after'"), {"market": "m"})
    (own / "in").mkdir()
    (own / "in" / "snapshot.parquet").write_bytes(b"figures")
    run_notebook(own, {"number": 7}, print)
    place = audit.bundle(str(own), tmp_path / "opened")
    title, stop = (c for c in nbformat.read(place, 4).cells if c.cell_type == "markdown" and c.source.startswith("# "))
    assert title.metadata["jp-MarkdownHeadingCollapsed"] and stop.source.startswith("# Stopped here")
    assert (place.parent / "in" / "snapshot.parquet").read_bytes() == b"figures"
    (own / ".DS_Store").write_bytes(b"of Finder")
    (own / ".ipynb_checkpoints").mkdir()
    (own / ".ipynb_checkpoints" / "small-checkpoint.ipynb").write_bytes(b"of JupyterLab")
    assert differences(own) == []
    with pytest.raises(UsageProblem, match="is not empty"):
        audit.bundle(str(own), tmp_path / "opened")


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


def test_a_file_that_is_lost_and_a_record_that_was_altered_or_lost_are_named(published):
    run = published["about"]["record"]
    (kept,) = (home() / "artifacts").glob(f"*/{run}/artifacts")

    def said(name, change):
        whole = (kept / name).read_bytes()
        try:
            change(kept / name)
            done = footfall("verify", run)
        finally:
            (kept / name).write_bytes(whole)
        assert done.exit_code == 3 and "Restore what is named" in done.output, done.output
        return " ".join(done.output.split())

    assert "out/forecast/forecast.csv: missing" in said("out/forecast/forecast.csv", Path.unlink)
    assert f"run {run} has no record.json" in said("record.json", Path.unlink)
    longer = lambda path: path.write_text(re.sub(r'"seconds": [\d.]+', '"seconds": 1.0', path.read_text(), count=1))  # noqa: E731
    assert "record.json: altered" in said("record.json", longer)


def test_a_folder_here_and_a_record_from_before_there_was_a_tag_for_it_are_believed_as_they_are(
    own, servers, tmp_path, monkeypatch
):
    from flows.record import mlflow_runs

    claim(own, write(tmp_path, "1"), {"market": "m"})
    run_notebook(own, {"number": 7}, print)
    run = mlflow_runs.deliver(own)
    mlflow_runs.MlflowClient().delete_tag(run, mlflow_runs.DIGEST)
    assert audit.verify(run, tmp_path / "kept")[1] == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/empty.db")
    assert audit.verify(str(own), tmp_path / "kept")[1] == [], "without a word to MLflow"


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


def another_folder_for_the_model(folder, code, record):
    (folder / "in" / "champion").rename(folder / "in" / "other")
    record["parameters"]["champion"] = "in/other"


def another_folder_for_the_model_in_the_notebook(folder, code, record):
    path = folder / "predict.ipynb"
    path.write_text(path.read_text().replace('champion = \\"in/champion\\"', 'champion = \\"in/other\\"'))


def another_folder_to_write_to(folder, code, record):
    record["parameters"]["out"] = str(folder)


def a_module_beside(folder, code, record):
    (folder / "pandas.py").write_text(code)
    record["pages"]["pandas.py"] = ""


def a_hidden_file_beside(folder, code, record):
    (folder / ".pdbrc").write_text(code)


FORGED = {
    another_notebook: "template/predict.ipynb: not predict.ipynb of commit",
    another_executed_notebook: "predict.ipynb: its code is not that of its template",
    code_among_parameters: "predict.ipynb: its code is not that of its template",
    code_as_a_parameters_name: "record.json: no readable record",
    another_model: "in/champion: no model that the market's ledger names",
    another_folder_for_the_model: "champion is 'in/other', where no flow has laid it",
    another_folder_for_the_model_in_the_notebook: "champion is 'in/other', where no flow has laid it",
    another_folder_to_write_to: "out is '/",
    a_hidden_file_beside: ".pdbrc: not in the record",
    a_module_beside: "pandas.py: not in the record",
}


@pytest.mark.parametrize("forge", typical([*FORGED], another_notebook, another_model, another_folder_for_the_model))
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


@pytest.mark.skipif(not shutil.which("git"), reason="asks for a history, and there is no git here")
def test_where_the_history_is_cut_off_it_is_fetched_before_an_older_commit_is_asked_for(tmp_path, monkeypatch):
    from flows.record import folder

    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path / "whole")]
    subprocess.run(["git", "init", "-q", str(tmp_path / "whole")], check=True)
    for message in ("one", "two"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], check=True)
    origin = f"file://{tmp_path}/whole"
    subprocess.run(["git", "clone", "-q", "--depth", "1", origin, str(tmp_path / "shallow")], check=True)
    told = []
    for name in ("whole", "shallow"):
        monkeypatch.setattr(folder, "ROOT", tmp_path / name)
        told.append(folder.deepen())
    assert told == ["", "git fetch --unshallow && "]
