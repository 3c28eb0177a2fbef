"""MLflow: the record of every notebook run.

An experiment per notebook, a run per execution. What is kept is what lies in the run's folder: nothing here computes.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# the defaults wait for a dead server over four minutes; these for eleven seconds, for a silent one not quite a minute
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "5")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # where there is no git, MLflow fills the screen

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModelInput, Metric, RunTag
from mlflow.exceptions import MlflowException, RestException

from flows.masking import without_passwords
from flows.record import mlflow_fields
from flows.record.cut_replies import ask_again_for_cut_replies
from flows.record.files import replace, template_of
from flows.record.folder import abandoned, standing, unfinished
from flows.record.owner import OWNER, read_owner
from flows.record.record import Record, read_record
from footfall.digest import sha256_of
from footfall.errors import DataProblem, EnvironmentProblem, UsageProblem

STATUS = {"succeeded": "FINISHED", "interrupted": "KILLED"}
KIND = {"mlflow.experimentKind": "custom_model_development"}
REFUSALS = {  # answers that no waiting makes better
    r"error code 40[13]|PERMISSION_DENIED|UNAUTHENTICATED": "It does not let this process in: set "
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_AUTH=google.",
    "error code 413|413 Client Error": "One file is larger than that server takes in one request.",
    "RESOURCE_DOES_NOT_EXIST": "It never had that, or has lost it, as when its database was restored: what was "
    "published stays, and the bucket's ledger knows every champion.",
}
TABLE, SAME = "out/forecast/forecast.csv", "out/forecast/forecast.parquet"  # of the same rows
MOST = 1000  # runs that are looked through for the last good one; MLflow compares no tags by size
LARGEST = 25_000_000  # bytes of a table that is sent in both ways; Cloud Run takes 32 MiB in one request
LIST = "runs"  # name of a shared view: the list of runs with what each came to
VIEW = f"mlflow.sharedViewState.{LIST}"
DIGEST = "record"  # name of the tag with the sha256 of record.json, which itself has that of everything else
METRICS = {"train": ["WIS", "MAE", "cover80"], "predict": ["mean", "width80"], "whatif": ["mean", "width80"],
           "review": ["skill", "MAE", "WIS", "cover80"]}  # fmt: skip
DOES = {
    "explore": "What a market's figures look like.",
    "train": "Candidates put back into the past; what passes the gate becomes champion.",
    "predict": "The champion's forecasts of the coming days, as they are published.",
    "review": "What was published against what happened.",
    "whatif": "The published week beside the same under a supposition; never published.",
}
logging.getLogger("mlflow").setLevel(logging.WARNING)
ask_again_for_cut_replies()


class Away(EnvironmentProblem):
    """MLflow does not answer at all."""


def start(folder: Path) -> str:
    """Open the MLflow run of a claimed folder, and give its id; the folder remembers it."""
    with answering():
        client, owner = MlflowClient(), read_owner(folder)
        notebook, tags = template_of(folder).stem, owner.tags
        number = _experiment(client, notebook)
        title = " ".join(filter(None, [tags.get("market"), tags.get("scenario") or tags.get("as_of")]))
        began = int(owner.started.timestamp() * 1000)
        tags = {**tags, **mlflow_fields.source(folder), "folder": folder.name}
        run = str(client.create_run(number, began, tags, title[: mlflow_fields.SMALL]).info.run_id)
    replace(folder / "mlflow", run)
    return run


def _remove_doubles(client: MlflowClient, run: str, folder: str) -> None:
    """Leave one run of a folder; a second comes of a reply that was lost, or of a death before the id was noted."""
    experiment = client.get_run(run).info.experiment_id
    for other in client.search_runs([experiment], f"tags.folder = '{folder}'"):
        if other.info.run_id != run:
            client.delete_run(other.info.run_id)


def _experiment(client: MlflowClient, notebook: str) -> str:
    """The id of a notebook's experiment, which is made where there is none yet."""
    if experiment := client.get_experiment_by_name(notebook):
        return str(experiment.experiment_id)
    try:
        tags = {**KIND, VIEW: _columns(notebook), "mlflow.note.content": DOES.get(notebook, "")}
        return str(client.create_experiment(notebook, tags=tags))
    except MlflowException as error:  # someone else was first
        experiment = client.get_experiment_by_name(notebook)
        if experiment is None:
            raise error
        return str(experiment.experiment_id)


def _columns(notebook: str) -> str:
    """The list of runs as a table of contents: name, status, summary, key metrics.

    The summary is plain text: of a description the list shows the raw markdown, cut off.
    """
    metrics = [f"metrics.`{name}`" for name in METRICS.get(notebook, [])]
    columns = ["tags.`summary`", *metrics, "tags.`stopped_at`"]
    return json.dumps({"selectedColumns": columns, "columnOrder": columns, "columnWidths": {columns[0]: 460}})


def lists(notebooks: Iterable[str]) -> dict[str, str]:
    """The addresses of these notebooks' lists of runs; also before the first run of one, so that it can be seen."""
    with answering():
        client = MlflowClient()
        numbers = {name: _experiment(client, name) for name in notebooks}
        for name, number in numbers.items():
            with passing_over("INVALID_PARAMETER_VALUE"):  # one that was deleted
                client.set_experiment_tag(number, VIEW, _columns(name))
        address = f"{_ui()}/#/experiments/%s/runs?{mlflow_fields.VIEW}&viewStateShareKey={LIST}"
        return {name: address % number for name, number in numbers.items()}


@contextmanager
def answering() -> Iterator[None]:
    """MLflow's errors, by the name of the server that they came from."""
    try:
        yield
    except (MlflowException, OSError) as error:
        brief = without_passwords(str(error).partition("\n")[0][:300]) or type(error).__name__
        refused = next((advice for sign, advice in REFUSALS.items() if re.search(sign, brief)), "")
        kind = EnvironmentProblem if refused or isinstance(error, RestException) else Away
        advice = refused or "Run again when it answers."
        raise kind(f"MLflow at {_address()} did not do its part: {brief.rstrip('.')}. {advice}") from None


@contextmanager
def passing_over(*codes: str) -> Iterator[None]:
    """Go on after an answer of MLflow's that has one of these codes, as `contextlib.suppress` does after an error."""
    try:
        yield
    except MlflowException as error:
        if error.error_code not in codes:
            raise


def ask() -> None:
    """Ask MLflow for a list, signed where it wants that; its ``/health`` answers under names that it serves nothing to.

    Raises
    ------
    EnvironmentProblem
        If it does not give one.
    """
    with answering():
        MlflowClient().search_experiments(max_results=1)


def _address() -> str:
    return without_passwords(str(MlflowClient().tracking_uri))


def _ui() -> str:
    """Where a browser finds MLflow, if that is another address than its API's."""
    return os.environ.get("MLFLOW_UI_URL") or _address()


def deliver(folder: Path, late: bool = False) -> str:
    """Carry everything that lies in a run's folder to MLflow, and close the run with the true status; give its id.

    Of one that comes `late` it is said: what follows a record, such as to publish, was not done.

    Raises
    ------
    EnvironmentProblem
        If MLflow does not take it; the folder waits, and the next start delivers it.
    """
    record = read_record(folder)
    run = _noted(folder) or start(folder)
    with answering():
        client = MlflowClient()
        for path in (*(folder / name for name in record.pages), folder / "record.json"):
            client.log_artifact(run, str(path))
        left_out = _left_out(folder)
        for path in sorted(path for part in ("template", "in", "out") for path in (folder / part).rglob("*")):
            if path.is_file() and path != left_out:
                client.log_artifact(run, str(path), str(path.parent.relative_to(folder)))
        if "snapshot" in record.tags:
            client.log_inputs(run, [mlflow_fields.dataset(record)], _input_models(client, record))
        note = f"\n\nNot here for its size: {TABLE}. {SAME} has the same rows." if left_out else ""
        tags = mlflow_fields.tags(record, client.get_run(run), note, late)
        tags.append(RunTag(DIGEST, sha256_of(folder / "record.json")))
        client.log_batch(run, mlflow_fields.metrics(record, folder), mlflow_fields.params(record), tags)
        # whenever it is delivered, and to whatever the clock is set
        ended = record.started.timestamp() + record.seconds
        client.set_terminated(run, STATUS.get(record.outcome, "FAILED"), int(ended * 1000))
        _remove_doubles(client, run, folder.name)
    replace(folder / "delivered", run)
    return run


def _left_out(folder: Path) -> Path | None:
    """The table as CSV, where it is too large for one request; `fetch` writes it anew."""
    path = folder / TABLE
    return path if (folder / SAME).exists() and path.exists() and path.stat().st_size > LARGEST else None


def _put_back(folder: Path) -> None:
    """Write the table as CSV where it was left out; the record says whether it is the same, byte for byte."""
    if (folder / SAME).exists() and not (folder / TABLE).exists():
        from footfall.forecast import read_forecast, write_csv  # which few who fetch need

        with suppress(OSError, ValueError):  # no Parquet at all: the record says so too
            write_csv(read_forecast(folder / "out"), folder / TABLE)
            if (folder / TABLE).stat().st_size <= LARGEST:  # then it was there, and is lost
                (folder / TABLE).unlink()


def _noted(folder: Path) -> str:
    """The id of its run that a folder remembers; none where it has none, or the machine stopped as it was noted."""
    path = folder / "mlflow"
    run = path.read_text(errors="replace") if path.exists() else ""
    return run if re.fullmatch("[0-9a-f]{32}", run) else ""


def _input_models(client: MlflowClient, record: Record) -> list[LoggedModelInput]:
    """The champion that a run worked with; nothing where there was none, or the registry lacks it or its model."""
    market, slash, number = record.tags.get("model_version", "").partition("/")
    with passing_over("RESOURCE_DOES_NOT_EXIST"):
        kind, _, model = str(client.get_model_version(market, number).source if slash else "").rpartition("/")
        return [LoggedModelInput(model)] if kind == "models:" else []
    return []


def deliver_waiting(runs: Path) -> list[str]:
    """Keep a record of runs that died without a word, and deliver whatever could not be delivered in its time.

    Returns
    -------
    list of str
        One sentence per record: that MLflow has it now, or why it goes on waiting.
    """
    sentences: list[str] = []
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another start is at it
            return sentences
        for folder in unfinished(runs):
            try:
                record = abandoned(folder)
                deliver(folder, late=True)
                sentences.append(f"delivered the record of {folder.name}: {record.outcome}")
            except Away as problem:  # nor will it take the others
                return [*sentences, f"the record of {folder.name} waits: {problem}"]
            except Exception as error:  # one bad folder keeps no other waiting, and stops no start
                sentences.append(f"the record of {folder.name} waits: {type(error).__name__}: {error}")
    return sentences


def open_elsewhere(runs: Path) -> dict[str, str]:
    """The flow runs, by their ids, of runs that MLflow calls running and that have no folder on this disk."""
    tags = {run.info.run_id: run.data.tags for _, run in search(None, "attributes.status = 'RUNNING'")}
    return {
        number: tag["prefect_flow_run"]
        for number, tag in tags.items()
        if "prefect_flow_run" in tag and not (runs / tag.get("folder", "")).exists()
    }


@answering()
def close_lost(run: str) -> str:
    """End a run that ended on another machine and left no record, and say which; a record that comes later stays."""
    client = MlflowClient()
    tags = client.get_run(run).data.tags
    sentence = (
        f"{tags.get('folder', run)}: it ended elsewhere and left no record; if that machine starts again it comes, "
        "if the machine is lost so is the record"
    )
    tag(run, {"outcome": "interrupted", "summary": sentence, "mlflow.note.content": sentence})
    client.set_terminated(run, STATUS["interrupted"])
    return sentence


def bring_back(runs: Path, notebook: str, market: str, before: tuple[str, str] = ("~", "~")) -> None:
    """Put the last good run of a notebook and market on this disk, if MLflow has one; changes are told against it.

    The last that stands `before` another, if that is said, see `flows.record.folder.standing`.
    """
    succeeded = f"tags.market = '{market}' and tags.outcome = 'succeeded' and tags.folder LIKE '%'"  # older: no folder
    stands = [(standing(run.data.tags, run.data.tags["folder"]), run) for _, run in search(notebook, succeeded, MOST)]
    last = max((each for each in stands if each[0] < before), key=lambda each: each[0], default=None)
    if last is None:
        return
    run = last[1]
    name = run.data.tags["folder"]
    if Path(name).name != name or name.startswith("."):  # whoever has a login there could have our files replaced
        raise DataProblem(f"MLflow's run {run.info.run_id}: its tag folder, {name!r}, is not the name of a folder")
    part = runs / ".part" / name
    shutil.rmtree(part, ignore_errors=True)
    fetch(run.info.run_id, part)
    replace(part / "delivered", run.info.run_id)
    part.rename(runs / name)


def fetch(run: str, folder: Path) -> Path:
    """A run's folder as MLflow keeps it, for checking or repeating it anywhere."""
    with answering():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            download_artifacts(run_id=run, dst_path=str(folder))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise UsageProblem(f"no run {run!r} on record; footfall runs lists those there are") from None
            raise
    _put_back(folder)
    (folder / OWNER).unlink(missing_ok=True)  # what this machine itself ran, only this machine says
    return folder  # and not what MLflow calls it: whoever copies it elsewhere must see that it is there already


def get(run: str) -> Any:
    """A run as MLflow knows it."""
    with answering():
        return MlflowClient().get_run(run)


def search(notebook: str | None, filters: str, most: int = 50) -> list[tuple[str, Any]]:
    """The newest runs that fit MLflow's filter, each with its notebook's name; of one notebook or of all."""
    with answering():
        client = MlflowClient()
        names = {found.experiment_id: found.name for found in client.search_experiments() if found.name != "Default"}
        experiments = [number for number, name in names.items() if notebook in (None, name)]
        if not experiments:
            return []
        runs = client.search_runs(experiments, filters, max_results=most, order_by=["attributes.start_time DESC"])
    return [(names[run.info.experiment_id], run) for run in runs]


def tell(run: str, decided: str) -> None:
    """Put what came of a finished run before its summary and its description; tag the run with it."""
    tag(run, {"decided": decided})
    _say_first(run, decided)


@answering()
def fail(run: str, error: BaseException) -> None:
    """Call a run failed whose notebook was none, and say first what stopped it afterwards; when it ended stays."""
    why = str(error).partition("\n")[0][: mlflow_fields.SMALL] or type(error).__name__
    _say_first(run, f"{mlflow_fields.AFTER}: {why}")
    MlflowClient().update_run(run, "FAILED" if isinstance(error, Exception) else STATUS["interrupted"])


def _say_first(run: str, sentence: str) -> None:
    tags = get(run).data.tags
    note = f"{mlflow_fields.as_text(sentence)}; {tags['mlflow.note.content']}"
    tag(run, {"summary": f"{sentence}; {tags['summary']}", "mlflow.note.content": note})


@answering()
def tag(run: str, tags: dict[str, str]) -> None:
    """Add to what a finished run can be found by: the forecast that it led to, the version that it made."""
    for name, value in tags.items():
        MlflowClient().set_tag(run, name, value)


def grade(run: str, metrics: dict[str, float], step: int) -> bool:
    """Add to a finished run how good its forecast turned out to be; False where MLflow has no such run any more."""
    now = int(time.time() * 1000)
    with answering(), passing_over("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "INVALID_STATE"):
        MlflowClient().log_batch(run, [Metric(name, value, now, step) for name, value in metrics.items()])
        return True
    return False


@answering()
def link(run: str) -> str:
    """The address of a run's page."""
    experiment = MlflowClient().get_run(run).info.experiment_id
    return f"{_ui()}/#/experiments/{experiment}/runs/{run}?{mlflow_fields.VIEW}"
