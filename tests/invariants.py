"""The seven things that hold after every fault, checked over a footfall home, its MLflow, its bucket and the processes.

    check(HOME)                         after anything that went wrong; raises AssertionError, naming which and where

Call it when no run is going on. What it needs of MLflow and the bucket it reads through the real clients.
"""

import json
import os
import re
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import nbformat
import psutil

from flows.record.folder import unfinished
from flows.record.record import Record, differences, read_record

CANARY = "canary-4f1c9a7e"  # conftest.py puts it into the environment as part of a password
AFTER = "it failed after its notebook"
STATUS = {"succeeded": "FINISHED", "interrupted": "KILLED"}
RUN = re.compile(r"\d{8}T\d{6}-\w+-.*-[0-9a-f]{8}")


def check(home, market=None, acknowledged="", settled=True, canary=CANARY):
    """All but I5, which has to run something; I1 and I4 only for a `market` that has published.

    Parameters
    ----------
    home : Path
        A FOOTFALL_HOME.
    market : str, optional
        A market with a champion and a forecast.
    acknowledged : str
        ISO day of the last forecast that was said to be published.
    settled : bool
        Whether a run has started since the last death; before that its record is still to be written.
    canary : str
        A secret in the environment of the flows.
    """
    no_kernel_is_left(home)
    every_run_has_one_true_record(home, settled)
    if settled:
        no_run_stays_running(home)
    if market:
        readers_see_one_whole_set(market, acknowledged)
        the_champion_is_whole(market)
    the_canary_is_nowhere(home, canary)


def readers_see_one_whole_set(market, acknowledged=""):
    """I1."""
    from flows.storage import bucket, forecasts

    latest = forecasts.latest(
        bucket.connect(os.environ["FOOTFALL_BUCKET"]), market
    )  # it checks every sha256 on its way
    assert latest and set(latest.files) >= {"forecast.csv", "forecast.parquet"}, f"I1: {market} has no whole set"
    assert latest.pointer["as_of"] >= acknowledged, f"I1: {latest.pointer['as_of']} is older than {acknowledged}"


def every_run_has_one_true_record(home, settled=True):
    """I2, on disk and in MLflow."""
    known = _runs_in_mlflow() if settled else {}
    for owner in (home / "runs").glob("*/owner.json"):
        folder = owner.parent
        if not (folder / "record.json").exists():
            assert not settled, f"I2: {folder.name} has no record"
            continue
        record = read_record(folder)
        assert differences(folder) == [], f"I2: {folder.name} is not as its record says"
        the_notebook_says_what_the_record_says(folder, record)
        if (folder / "delivered").exists() and settled:
            there = known.get(folder.name, [])
            assert len(there) == 1, f"I2: {folder.name} has {len(there)} runs in MLflow"
            status, tags = there[0].info.status, there[0].data.tags
            assert tags["outcome"] == record.outcome, f"I2: {folder.name}"
            stopped_after = record.outcome == "succeeded" and tags["summary"].startswith(AFTER)
            ends = ("FAILED", "KILLED") if stopped_after else (STATUS.get(record.outcome, "FAILED"),)
            assert status in ends, f"I2: {folder.name}"


def the_notebook_says_what_the_record_says(folder, record):
    """The executed notebook and its page tell the outcome and the cells of the record, and what ran shows it."""
    book = nbformat.read(folder / f"{record.notebook}.ipynb", as_version=4)
    nbformat.validate(book)
    page = (folder / f"{record.notebook}.html").read_text()
    banner, code = (
        book.cells[0].source,
        [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()],
    )
    assert f"{record.notebook} {record.outcome}" in banner and f"{record.notebook} {record.outcome}" in page, (
        folder.name
    )
    assert [cell.metadata["footfall"]["status"] for cell in code] == [cell.status for cell in record.cells], folder.name
    assert ("Stopped here" in page) == (record.stopped_at is not None), folder.name
    stopped = record.stopped_at or len(record.cells) + 1
    for cell, told in zip(code, record.cells, strict=True):
        assert (told.status == "not run") == (told.number > stopped) or record.stopped_at is None, folder.name
        if told.status == "not run":
            assert not cell.outputs and cell.execution_count is None, f"I2: {folder.name}: cell {told.number} did run"
    if record.outcome == "succeeded":
        assert {cell.status for cell in record.cells} == {"succeeded"}, folder.name
        assert all(cell.execution_count for cell in code), f"I2: {folder.name}: a cell never ran"


def _runs_in_mlflow():
    """Every run of every notebook, by its folder; page by page, or the asking would make the server grow."""
    from mlflow import MlflowClient

    found, client, token = {}, MlflowClient(), None
    experiments = [one.experiment_id for one in client.search_experiments() if one.name != "Default"]
    while token != "":
        page = client.search_runs(experiments, "", max_results=50, page_token=token)
        for run in page:
            found.setdefault(run.data.tags.get("folder", ""), []).append(run)
        token = page.token or ""
    return found


def no_kernel_is_left(home, seconds=5):
    """I3: no process works in the folder of a run, and none bears the mark of a kernel whose owner is gone."""
    until = time.monotonic() + seconds
    while (left := _kernels(home)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left, f"I3: alive {seconds} s after the end: {left}"


def _kernels(home):
    found, ours = [], os.readlink("/proc/self/ns/pid")  # in a container beside us the mark names a process of its own
    for process in psutil.process_iter():
        try:
            mark = process.environ().get("FOOTFALL_KERNEL", "")
            orphan = mark and not psutil.pid_exists(int(mark.partition("-")[0]))
            orphan = orphan and os.readlink(f"/proc/{process.pid}/ns/pid") == ours
            at_work = Path(process.cwd()).is_relative_to(home / "runs")
            if (orphan or at_work) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {' '.join(process.cmdline())[:80]}")
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            continue
    return found


def the_champion_is_whole(market):
    """I4: it loads, its hash matches, its gate passed, and the ledger, where there is one, says the same."""
    from mlflow import MlflowClient

    from flows.champion import registry
    from flows.record import mlflow_runs
    from flows.storage import bucket
    from footfall.champion import read_champion

    version = MlflowClient().get_model_version(market, _champion(market))
    with tempfile.TemporaryDirectory() as scratch:
        registry.lay_down(market, version.version, Path(scratch))  # compares the sha256
        read_champion(Path(scratch) / "champion")
        training = mlflow_runs.fetch(version.run_id, Path(scratch) / "run")
        gate = json.loads((training / "out" / "gate.json").read_text())
    assert gate["passed"] and version.tags["gate"] == gate["reason"], f"I4: {market}/{version.version}"
    if find_spec("flows.champion.ledger"):
        from flows.champion import ledger

        entry = ledger.champion(bucket.connect(os.environ["FOOTFALL_BUCKET"]), market)
        assert entry and str(entry.version) == version.version, (
            f"I4: the ledger has {entry}, the alias {version.version}"
        )
        assert entry.sha256 == version.tags["sha256"], f"I4: {market}/{version.version}"


def _champion(market):
    from flows.record import mlflow_runs

    return str(mlflow_runs.MlflowClient().get_model_version_by_alias(market, "champion").version)


def running_again_leaves_the_same_bytes(home, again):
    """I5: `again` runs the same market and day once more, and gives its exit code; what was published is as it was."""

    def objects():
        return {path: path.read_bytes() for path in (home / "bucket").glob("*/*/forecasts/**/*") if path.is_file()}

    before = objects()
    assert before, "I5: nothing was published"
    assert again() == 0, "I5: it does not run again"
    assert objects() == before, "I5: other bytes"


def no_run_stays_running(home):
    """I6."""
    assert not list(unfinished(home / "runs")), "I6: a dead run waits although another one has started"
    for name, runs in _runs_in_mlflow().items():
        if RUN.fullmatch(name):
            assert not [run for run in runs if run.info.status == "RUNNING"], f"I6: {name} is RUNNING in MLflow"


def the_canary_is_nowhere(home, canary=CANARY):
    """I7: in no notebook, log, database, artifact, bucket object or anything else under the home, as raw bytes."""
    for path in home.rglob("*"):
        if path.is_file() and path.stat().st_size < 200_000_000:
            assert canary.encode() not in path.read_bytes(), f"I7: {path.relative_to(home)} holds the secret"


def states(home, folder_name):
    """What record, MLflow and Prefect say of a run, in a line: for the table of ways of dying."""
    from prefect.client.orchestration import get_client

    folder = home / "runs" / folder_name
    record: Record = read_record(folder)
    (run,) = _runs_in_mlflow()[folder_name]
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(record.tags["prefect_flow_run"]).state.name
    return record, run.info.status, state
