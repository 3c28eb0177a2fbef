"""MLflow: the record of every notebook run, and the registry of champions.

An experiment per notebook, a run per execution. What is kept is what lies in the run's folder: nothing here computes.
A market's registered model is named after it; its alias ``champion`` is the model in use.
"""

import json
import logging
import os
import shutil
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # the default waits for a dead server over four minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from flows.notebook import Record
from footfall.problems import EnvironmentProblem
from footfall.series import sha256

CHAMPION = "champion"
STATUS = {"succeeded": "FINISHED", "interrupted": "KILLED"}
VIEW = "workflowType=machine_learning"  # MLflow 3 shows every run as a chat unless told so
KIND = {"mlflow.experimentKind": "custom_model_development"}
SMALL = 250
logging.getLogger("mlflow").setLevel(logging.WARNING)
MEND = "Nothing was published; set the alias `champion` to a version that loads, or run the train flow."
NEEDS = [f"{name}=={version(name)}" for name in ("footfall", "pandas", "pyarrow", "sktime", "statsmodels", "holidays")]


def start(notebook: str, tags: dict[str, str]) -> str:
    """Open the MLflow run of a notebook that is about to start, and give its id."""
    client = MlflowClient()
    found = client.get_experiment_by_name(notebook)
    experiment = found.experiment_id if found else _create_experiment(client, notebook)
    title = " ".join(tags[name] for name in ("market", "as_of") if name in tags)
    return str(client.create_run(experiment, tags=tags, run_name=title).info.run_id)


def _create_experiment(client: MlflowClient, notebook: str) -> str:
    try:
        return str(client.create_experiment(notebook, tags=KIND))
    except MlflowException as error:  # someone else was first
        found = client.get_experiment_by_name(notebook)
        if found is None:
            raise error
        return str(found.experiment_id)


def finish(run: str, record: Record, folder: Path) -> None:
    """Carry everything that lies in the run's folder to its MLflow run, and close it with the true status."""
    client = MlflowClient()
    for path in [folder / f"{record.notebook}.{kind}" for kind in ("html", "ipynb")] + [folder / "record.json"]:
        client.log_artifact(run, str(path))
    client.log_artifacts(run, str(folder / "out"), "out")
    client.log_batch(run, _metrics(record, folder), _params(record), _tags(record))
    client.set_terminated(run, STATUS.get(record.outcome, "FAILED"))


def _metrics(record: Record, folder: Path) -> list[Metric]:
    path, now = folder / "out" / "metrics.json", int(time.time() * 1000)
    written = json.loads(path.read_text()) if path.exists() else {}
    return [Metric(name, float(value), now, 0) for name, value in {**written, "seconds": record.seconds}.items()]


def _params(record: Record) -> list[Param]:
    return [Param(name, str(value)[:SMALL]) for name, value in record.parameters.items()]


def _tags(record: Record) -> list[RunTag]:
    facts = {"outcome": record.outcome, "commit": record.commit, "dirty": record.dirty, "template": record.template,
             "snapshot": record.inputs.get("snapshot.parquet", ""), "lock": record.lock,
             "stopped_at": record.stopped_at or "", "reason": record.reason[:SMALL],
             "mlflow.note.content": describe(record)}  # fmt: skip
    return [RunTag(name, str(value)) for name, value in facts.items()]


def describe(record: Record) -> str:
    """What happened, in two sentences."""
    about = f"{record.notebook}.ipynb for {record.tags.get('market', '?')} as of {record.parameters.get('as_of', '?')}"
    if record.outcome == "succeeded":
        return f"{about} ran through in {record.seconds:.0f} s. Read `{record.notebook}.html` among the artifacts."
    where = f" in cell {record.stopped_at}" if record.stopped_at else ""
    return f"{about} {record.outcome}{where}: {record.reason} Read `{record.notebook}.html` among the artifacts."


def tag(run: str, tags: dict[str, str]) -> None:
    """Add to what a finished run can be found by: the forecast that it led to, the version that it made."""
    client = MlflowClient()
    for name, value in tags.items():
        client.set_tag(run, name, value)


def link(run: str) -> str:
    """The address of a run's page."""
    client = MlflowClient()
    experiment = client.get_run(run).info.experiment_id
    return f"{client.tracking_uri}/#/experiments/{experiment}/runs/{run}?{VIEW}"


def register(market: str, run: str, model: Path, tags: dict[str, str]) -> str:
    """Put a model folder that a notebook wrote into the registry, as a new version that is nobody's champion yet.

    Returns
    -------
    str
        The version's number.
    """
    import mlflow.pyfunc  # a second's import that only a training needs

    mlflow.start_run(run_id=run)
    try:
        logged = mlflow.pyfunc.log_model(
            name="model", loader_module="footfall.champion", data_path=str(model), pip_requirements=NEEDS
        )
    finally:
        mlflow.end_run("RUNNING")  # the run ends with its record, not here
    client = MlflowClient()
    try:
        client.create_registered_model(market)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    facts = {**tags, "sha256": digest(model)}
    return str(client.create_model_version(market, logged.model_uri, run, facts, model_id=logged.model_id).version)


def promote(market: str, number: str, folder: Path) -> None:
    """Make a version the champion, once what the registry holds of it proved whole; `folder` takes it for the proof."""
    lay_down(market, number, folder)
    MlflowClient().set_registered_model_alias(market, CHAMPION, number)


def champion(market: str) -> str | None:
    """The version in use, or None where none has passed the gate yet."""
    try:
        return str(MlflowClient().get_model_version_by_alias(market, CHAMPION).version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def lay_down(market: str, number: str, folder: Path) -> str:
    """Put a version's model into `folder`, as the notebook that made it wrote it, and give its digest.

    Raises
    ------
    EnvironmentProblem
        If the registry's artifacts are missing, or are not those that were registered.
    """
    try:
        entry = MlflowClient().get_model_version(market, number)
        whole = Path(download_artifacts(artifact_uri=f"models:/{market}/{number}", dst_path=str(folder / "registry")))
    except (MlflowException, OSError) as error:
        raise EnvironmentProblem(f"model {market} version {number} cannot be fetched: {error}. {MEND}") from error
    shutil.move(whole / "data" / "model", folder / "champion")
    shutil.rmtree(folder / "registry")
    found = digest(folder / "champion")
    if found != entry.tags.get("sha256"):
        raise EnvironmentProblem(f"model {market} version {number} is not what was registered (sha256 {found}). {MEND}")
    return found


def digest(folder: Path) -> str:
    """One sha256 over a folder's names and contents."""
    lines = [f"{p.relative_to(folder)} {sha256(p.read_bytes())}" for p in sorted(folder.rglob("*")) if p.is_file()]
    return sha256("\n".join(lines).encode())
