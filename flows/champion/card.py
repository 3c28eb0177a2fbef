"""A model's card in MLflow's registry, for strangers: its signature, an example that runs, descriptions in Markdown."""

from typing import Any

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import AnyType

from footfall.champion import ISO, coming, published
from footfall.quantiles import QUANTILES
from footfall.series import SERIES
from footfall.units import unit_of

MARKET = """\
Forecasts {category} of {location}, day by day: the mean, and the quantiles `q05`, `q10` … `q95`. All figures are in \
the source's unit, {unit.name}, where {unit.floor:g} is nobody.

```python
import mlflow, pandas
model = mlflow.pyfunc.load_model("models:/{market}@champion")
model.predict(pandas.DataFrame({{"date": []}}))              # the coming days
model.predict(pandas.DataFrame({{"date": ["{day}"]}}))  # or others
```

Out comes a row for each day; on four days out of five the figure lies between `q10` and `q90`. A version forecasts \
from the last day of data that it was trained on, which its description names; from a later day, with wider ranges, it \
does with `params={{"origin": …}}`. What is published comes from the same model, first brought up to the newest data: \
`footfall predict {market}`.

As a service, where Footfall is installed: `mlflow models serve -m models:/{market}@champion --env-manager local`, and \
POST `{{"dataframe_records": [{{"date": "{day}"}}]}}` to `/invocations`.

**To go back to an earlier version**: `footfall rollback {market} --reason …`, with `--to VERSION` to a certain one. \
The alias `champion` follows a ledger in the bucket; moved by hand, it is moved back. `footfall champion {market}` \
says which version is in use, and why.
"""

VERSION = """\
*{candidate}*, fitted to {fitted_from} … {data_through}. Forecasts {first} to {last} if asked for nothing else, on \
figures that are published {lag} days late.

{gate}
"""


OF_MANY = """\
Forecasts {count} series of {location}, day by day: the mean, and the quantiles `q05`, `q10` … `q95`, in its unit.

```python
import mlflow, pandas
model = mlflow.pyfunc.load_model("models:/{market}@champion")
model.predict(pandas.read_parquet("snapshot.parquet"))  # date, location, category, value; perhaps open
```

A version holds the recipe, its trees and the errors of its backtest; its series it takes from the rows that it is \
asked with, all of them from their first day on. Out comes a row for each series and coming day; series that it \
was trained without have none. What is published comes from the same model and the \
market's snapshot: `footfall predict {market}`. `series.parquet` among its artifacts says how good it was for each.

**To go back to an earlier version**: `footfall rollback {market} --reason …`, with `--to VERSION` to a certain one.
"""


def loader(about: dict[str, Any]) -> str:
    """The module with MLflow's python function."""
    return "footfall.function_of_many" if about.get("series") else "footfall.champion"


def signature(about: dict[str, Any]) -> ModelSignature:
    """Days in, their means and quantiles out; of many series their rows in, and out which series a day is of.

    Days may be text or timestamps: of MLflow's types only ``any`` lets both pass.
    """
    many = bool(about.get("series"))
    first = "" if many else published(about).strftime(ISO)
    of = [ColSpec(DataType.string, name) for name in SERIES] if many else []
    rows = [*of, ColSpec(DataType.double, "value"), ColSpec(DataType.string, "open", required=False)] if many else []
    forecast = [ColSpec(DataType.double, name) for name in ("mean", *QUANTILES)]
    return ModelSignature(
        inputs=Schema([ColSpec(AnyType(), "date"), *rows]),
        outputs=Schema([*of, ColSpec(DataType.string, "date"), *forecast]),
        params=ParamSchema([ParamSpec("origin", DataType.string, first)]),
    )


def example(about: dict[str, Any]) -> pd.DataFrame | None:
    """The days that a version forecasts if asked for nothing else; one of many series is asked with all their rows."""
    return None if about.get("series") else _coming(about)


def _coming(about: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({"date": coming(about).strftime(ISO)})


def of_market(market: str, about: dict[str, Any]) -> str:
    """What a registered model forecasts, how it is called, and how one goes back to an earlier version."""
    if about.get("series"):
        return OF_MANY.format(market=market, location=about["location"], count=about["series"])
    names = {"category": about["category"].replace("_", " "), "location": about["location"]}
    return MARKET.format(market=market, unit=unit_of(about["category"]), day=_coming(about)["date"].iloc[0], **names)


def of_version(about: dict[str, Any], gate: str) -> str:
    """What a version was fitted to, which days it forecasts, and what the gate said of it."""
    days = _coming(about)["date"]
    return VERSION.format(**about, first=days.iloc[0], last=days.iloc[-1], gate=gate)
