"""A model's card in MLflow's registry, for strangers: its signature, an example that runs, descriptions in Markdown."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from footfall.champion import ISO, coming, published
from footfall.quantiles import QUANTILES
from footfall.series import SERIES
from footfall.units import unit_of


def loader(about: dict[str, Any]) -> str:
    """The module with MLflow's python function."""
    return "footfall.function_of_many" if about.get("series") else "footfall.champion"


def signature(about: dict[str, Any]) -> ModelSignature:
    """Days in, their means and quantiles out; of many series their rows in, and out which series a day is of.

    Days may be text or timestamps: of MLflow's types only ``any`` lets both pass.
    """
    many = bool(about.get("series"))
    first = "" if many else published(about).strftime(ISO)
    keys = [ColSpec(DataType.string, name) for name in SERIES] if many else []
    rows = [*keys, ColSpec(DataType.double, "value"), ColSpec(DataType.string, "open", required=False)] if many else []
    forecast = [ColSpec(DataType.double, name) for name in ("mean", *QUANTILES)]
    return ModelSignature(
        inputs=Schema([ColSpec(AnyType(), "date"), *rows]),
        outputs=Schema([*keys, ColSpec(DataType.string, "date"), *forecast]),
        params=ParamSchema([ParamSpec("origin", DataType.string, first)]),
    )


def example(about: dict[str, Any]) -> pd.DataFrame | None:
    """The days that a version forecasts if asked for nothing else; one of many series is asked with all their rows."""
    return None if about.get("series") else pd.DataFrame({"date": coming(about).strftime(ISO)})


def of_market(market: str, about: dict[str, Any]) -> str:
    """What a registered model forecasts, how it is called, and how one goes back to an earlier version."""
    if about.get("series"):
        return _text("of_many", market=market, location=about["location"], count=about["series"])
    names = {"category": about["category"].replace("_", " "), "location": about["location"]}
    day, unit = coming(about)[0].strftime(ISO), unit_of(about["category"])
    return _text("of_market", market=market, unit=unit, day=day, **names)


def of_version(about: dict[str, Any], gate: str) -> str:
    """What a version was fitted to, which days it forecasts, and what the gate said of it."""
    days = coming(about).strftime(ISO)
    return _text("of_version", **about, first=days[0], last=days[-1], gate=gate)


def _text(name: str, /, **facts: Any) -> str:
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8").format(**facts)
