"""The published table: one row per day and number, in hubverse columns, and the checks it must pass.

``origin_date`` is the day the run stood on, ``target_end_date`` the day forecast, ``horizon`` the days between them,
``output_type`` ``mean`` or ``quantile`` and ``output_type_id`` its level. Values are in the source's unit (percent
change from baseline) with two decimals. Every row names the model and the snapshot it came from, none names the run:
the same inputs give the same bytes.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from footfall.errors import DataProblem, listed
from footfall.quantiles import column
from footfall.series import FLOOR

COLUMNS = ["origin_date", "target_end_date", "horizon", "location", "target", "output_type", "output_type_id", "value",
           "model_version", "snapshot"]  # fmt: skip
FAR = 3.0  # spans of the series' own range beyond which a value is absurd


def tabulate(mean: pd.Series, quantiles: pd.DataFrame, levels: list[float], **facts: str) -> pd.DataFrame:
    """The forecast table.

    Parameters
    ----------
    mean : Series
        Mean forecast, indexed by day.
    quantiles : DataFrame
        Indexed alike; columns ``q05`` … ``q95``.
    levels : list of float
        The quantiles to publish.
    **facts : str
        ``origin_date``, ``location``, ``target``, ``model_version``, ``snapshot``: the same in every row.

    Returns
    -------
    DataFrame, shape (n_days * (1 + n_levels), 10)
        Sorted by day; the mean first, then the quantiles.
    """
    columns = {column(level): f"{level:g}" for level in levels}
    wide = pd.concat([mean.rename("mean"), quantiles[list(columns)].rename(columns=columns)], axis=1)
    long = wide.rename_axis("target_end_date").reset_index().melt("target_end_date", var_name="output_type_id")
    long["value"] = long["value"].astype(float).round(2) + 0.0  # + 0.0: no negative nought in a published file
    long["output_type"] = np.where(long["output_type_id"] == "mean", "mean", "quantile")
    long["output_type_id"] = long["output_type_id"].where(long["output_type_id"] != "mean", "")
    long = long.assign(**facts)
    long["horizon"] = (long["target_end_date"] - pd.to_datetime(long["origin_date"])).dt.days
    long["target_end_date"] = long["target_end_date"].dt.strftime("%Y-%m-%d")
    return long.sort_values(["horizon", "output_type"], kind="stable")[COLUMNS].reset_index(drop=True)


def check(forecast: pd.DataFrame, y: pd.Series, horizon: int, levels: list[float]) -> None:
    """Stop a forecast that must not be published.

    Parameters
    ----------
    forecast : DataFrame
        From `tabulate`.
    y : Series
        The series it continues.
    horizon : int
        Days it must hold.
    levels : list of float
        Quantiles it must hold.

    Raises
    ------
    DataProblem
        Names every check that failed, and the first day it failed on.
    """
    wide = forecast.pivot_table("value", "target_end_date", "output_type_id", dropna=False)
    days = pd.to_datetime(wide.index)
    origin = pd.Timestamp(forecast["origin_date"].iloc[0])
    expected = pd.date_range(origin + pd.Timedelta(days=1), periods=horizon)
    values = wide.reindex(columns=["", *(f"{level:g}" for level in levels)]).to_numpy(float)
    spread = FAR * (y.max() - y.min())
    broken = {
        f"not the {horizon} days after {origin:%Y-%m-%d}": [not days.equals(expected)],
        "a value is missing or not finite": ~np.isfinite(values).all(axis=1),
        "quantiles are not in order": (np.diff(values[:, 1:], axis=1) < 0).any(axis=1),
        "below -100 %, which no visit count can reach": (values < FLOOR).any(axis=1),
        "absurd: further from the series than three times its own range":
            ((values > y.max() + spread) | (values < y.min() - spread)).any(axis=1),
        "the same value every day, as the series never had":
            [bool(horizon > 1 and np.ptp(values[:, 0]) == 0 and y.tail(28).std() > 0)],
    }  # fmt: skip
    found = [f"{wide.index[int(np.argmax(where))]}: {what}" for what, where in broken.items() if np.any(where)]
    if found:
        raise DataProblem("the forecast may not be published:\n" + listed(found))


def write_forecast(forecast: pd.DataFrame, out: str | Path) -> None:
    """Write the table to ``<out>/forecast/`` as Parquet and as CSV, the same rows."""
    folder = Path(out) / "forecast"
    folder.mkdir(parents=True, exist_ok=True)
    forecast.to_parquet(folder / "forecast.parquet", index=False)
    forecast.to_csv(folder / "forecast.csv", index=False, lineterminator="\n")


def read_forecast(out: str | Path) -> pd.DataFrame:
    """The table that `write_forecast` wrote."""
    return pd.read_parquet(Path(out) / "forecast" / "forecast.parquet")


def week(forecast: pd.DataFrame) -> pd.DataFrame:
    """The forecast as people read it: one row per day with its weekday, what is expected, and the 80 % range."""
    wide = forecast.pivot(index="target_end_date", columns="output_type_id", values="value")
    days = pd.to_datetime(wide.index)
    return pd.DataFrame({
        "date": wide.index,
        "weekday": days.day_name(),
        "expected": wide[""].round(1).to_numpy(),
        "low": wide["0.1"].round(1).to_numpy(),
        "high": wide["0.9"].round(1).to_numpy(),
    })  # fmt: skip
