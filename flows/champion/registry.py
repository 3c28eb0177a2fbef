"""MLflow's registry: the models that were put before a gate, byte for byte as their notebooks wrote them.

A market's registered model is named after it; its alias ``champion`` names the model in use, as the ledger says.
"""

import contextlib
import json
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

from flows.record.files import content_digest
from flows.record.mlflow_runs import answering, get, passing_over

# isort: split
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from footfall.errors import EnvironmentProblem

CHAMPION = "champion"
OF_SOURCE = ("mlflow.source", "mlflow.user")  # tags of a run; its model would have the path of the program that ran
NEEDS = [
    f"{name}=={version(name)}"
    for name in ("footfall", "pandas", "pyarrow", "sktime", "statsmodels", "holidays", "lightgbm")
]


def remedy(market: str) -> str:
    """What to do about a model that is not whole."""
    back = f"footfall rollback {market} --to VERSION --reason …"
    return f"Go back to one that is whole, {back}, or restore what is missing."


@answering()
def register(market: str, run: str, model: Path, tags: dict[str, str], given: str | None = None) -> str | None:
    """Put a model folder that a notebook wrote into the registry, as a new version that is nobody's champion yet.

    Returns
    -------
    str or None
        The version's number; None if it is byte for byte the model that the training was `given`, by its sha256.
    """
    if given == content_digest(model):
        return None
    import mlflow.pyfunc  # a second's import that only a training needs

    from flows.champion import card  # as is sktime, which it brings

    about, training = json.loads((model / "about.json").read_text()), get(run)
    source = {name: value for name, value in training.data.tags.items() if name.startswith(OF_SOURCE)}
    mlflow.start_run(run_id=run)
    try:
        with warnings.catch_warnings():  # a model of many has no example, see `card`
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            logged = mlflow.pyfunc.log_model(
                name="model", loader_module=card.loader(about), data_path=str(model), pip_requirements=NEEDS,
                signature=card.signature(about), input_example=card.example(about), metadata=about,
                tags=source,
            )  # fmt: skip
    finally:
        mlflow.end_run(training.info.status)  # the run ends with its record, not here
    client, facts = MlflowClient(), {**tags, "sha256": content_digest(model)}
    _describe_registered_model(client, market, card.of_market(market, about))
    description = card.of_version(about, tags.get("gate", ""))
    version = client.create_model_version(
        market, logged.model_uri, run, facts, description=description, model_id=logged.model_id
    )
    return str(version.version)


def _describe_registered_model(client: MlflowClient, market: str, description: str) -> None:
    """Create it with its description; one that is there keeps what it has, unless that is nothing."""
    with passing_over("RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model(market, description=description)
        return
    if not client.get_registered_model(market).description:
        client.update_registered_model(market, description)


def point(market: str, number: str) -> None:
    """Let the alias name this version; which one it shall be, the ledger says.

    Raises
    ------
    EnvironmentProblem
        If the registry has no such version any more.
    """
    with answering(), passing_over("RESOURCE_DOES_NOT_EXIST"):
        return MlflowClient().set_registered_model_alias(market, CHAMPION, number)
    raise _gone(market, number)


def _gone(market: str, number: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"model {market} version {number} is no longer in MLflow's registry. {remedy(market)}")


def alias(market: str) -> str | None:
    """The version that the alias names, or None where there is no alias."""
    with answering(), passing_over("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
        return str(MlflowClient().get_model_version_by_alias(market, CHAMPION).version)
    return None


def lay_down(market: str, number: str, folder: Path) -> str:
    """Put a version's model into `folder`, as the notebook that made it wrote it, and give its digest.

    Raises
    ------
    EnvironmentProblem
        If the registry's artifacts are missing, or are not those that were registered.
    """
    registered, digest = None, ""
    with answering(), passing_over("RESOURCE_DOES_NOT_EXIST"):
        registered = MlflowClient().get_model_version(market, number)
    if registered is None:
        raise _gone(market, number)
    folder.mkdir(parents=True, exist_ok=True)
    of_training = f"runs:/{registered.run_id}/out/model"  # its record has the same bytes
    for copy, within in ((f"models:/{market}/{number}", "data/model"), (of_training, "")):
        with tempfile.TemporaryDirectory(dir=folder) as scratch, contextlib.suppress(MlflowException, OSError):
            model = Path(scratch) / "whole"
            shutil.move(Path(download_artifacts(artifact_uri=copy, dst_path=scratch)) / within, model)
            digest = content_digest(model)
            if digest == registered.tags.get("sha256"):
                model.rename(folder / "champion")
                return digest
    what = f"model {market} version {number}"  # MLflow's own words name scratch folders
    if digest:
        raise EnvironmentProblem(f"{what} is not what was registered (sha256 {digest}). {remedy(market)}")
    where = f"neither as models:/{market}/{number} nor as out/model of run {registered.run_id}"
    raise EnvironmentProblem(f"{what} cannot be fetched, {where}. If MLflow was away, run again. {remedy(market)}")
