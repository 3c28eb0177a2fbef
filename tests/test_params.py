import inspect
import json
from pathlib import Path

import nbformat
import pytest

from footfall import params

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["explore", "train", "predict", "review"])
def test_the_model_equals_the_parameters_cell(name):
    cell = next(
        c
        for c in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4).cells
        if "parameters" in c.metadata.get("tags", [])
    )
    namespace: dict = {}
    exec(cell.source, namespace)
    del namespace["__builtins__"]
    model = getattr(params, f"{name.capitalize()}Params")
    assert json.loads(model().model_dump_json()) == namespace


def test_nothing_but_literals_reaches_a_notebook():
    kinds = (str, int, float, bool, list)
    for _, model in inspect.getmembers(params, inspect.isclass):
        if issubclass(model, params.Series) and model is not params.Series:
            assert all(isinstance(value, kinds) for value in model().model_dump(mode="json").values())
