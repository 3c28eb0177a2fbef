"""Runs and models for MLflow, and a process that ends without delivering them."""

import os
import shutil
import zipfile
from pathlib import Path

from small_notebook import write

from flows.record.folder import claim
from flows.settings import home

CHAMPIONS = Path(__file__).parent / "fixtures" / "champions"


def training(record, folder):
    claim(folder / "training", write(folder, "1"), {"market": "m"})
    return record.start(folder / "training")


ABOUT = """{"candidate": "calendar", "location": "PT", "category": "retail_and_recreation", "lag": 3, "horizon": 7,
            "fitted_from": "2021-06-20", "data_through": "2022-10-10"}"""


def model(folder, text="weights"):
    (folder / "model").mkdir()
    (folder / "model" / "forecaster.zip").write_text(text)
    (folder / "model" / "about.json").write_text(ABOUT)
    return folder / "model"


def readable(model, text):
    """The same with a forecaster that can be read, unlike that of any other text."""
    shutil.copytree(CHAMPIONS / "calendar", model, dirs_exist_ok=True)
    with zipfile.ZipFile(model / "forecaster.zip", "a") as file:
        file.comment = text.encode()
    return model


def handed_over():
    """As if this process had ended: what it could not deliver is nobody's now, and what it remembers is gone."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()
    for owner in (home() / "runs").glob("*/owner.json"):
        owner.write_text(owner.read_text().replace(f'"pid": {os.getpid()}', '"pid": 999999999'))
