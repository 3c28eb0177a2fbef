"""The champion's folder: a fitted forecaster, the errors of its backtest, and what is known about both."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.errors import DataProblem
from footfall.models import predict, saving


class Champion(NamedTuple):
    """What a folder holds: the forecaster, its backtest errors (a row per origin and day), what is known of both."""

    forecaster: BaseForecaster
    residuals: pd.DataFrame
    about: dict[str, Any]


def write_champion(
    folder: str | Path, forecaster: BaseForecaster, residuals: pd.DataFrame, about: dict[str, Any]
) -> None:
    """Write a fitted forecaster and what belongs to it; equal fits give equal bytes."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    saving.save(forecaster, path / "forecaster.zip")
    residuals.to_parquet(path / "residuals.parquet", index=False)
    (path / "about.json").write_text(json.dumps(about, indent=2, sort_keys=True), encoding="utf-8")


def read_champion(folder: str | Path) -> Champion:
    """What `write_champion` wrote. Unpickles: only for folders whose digest is known.

    Raises
    ------
    DataProblem
        If there is none in the folder.
    """
    path = Path(folder)
    if not (path / "about.json").exists():
        raise DataProblem(f"{folder}: no champion there; run train.ipynb first, which writes one")
    about = json.loads((path / "about.json").read_text(encoding="utf-8"))
    return Champion(saving.load(path / "forecaster.zip"), pd.read_parquet(path / "residuals.parquet"), about)


class PythonFunction(NamedTuple):
    """A champion as MLflow's python function: a table with a column ``date`` in, mean forecasts out."""

    champion: Champion

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.Series:
        """Mean forecast of the days in ``date``, each after the champion's last day of data."""
        return predict(self.champion.forecaster, pd.DatetimeIndex(model_input["date"]))


def _load_pyfunc(data_path: str) -> PythonFunction:
    return PythonFunction(read_champion(data_path))
