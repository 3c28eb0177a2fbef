"""The bundled Portuguese sample, retail and recreation, as one daily series."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from footfall import forecast, outlook
from footfall.models import contributions
from footfall.quantiles import column

SAMPLE = Path(__file__).parent.parent / "resources" / "sample"


def retail() -> pd.Series:
    """Percent change from baseline, 2021-06-20 … 2022-10-13, no gaps."""
    return _retail().copy()


@cache
def _retail() -> pd.Series:
    table = pd.concat(pd.read_csv(path, parse_dates=["date"]) for path in sorted(SAMPLE.glob("*.csv")))
    column = "retail_and_recreation_percent_change_from_baseline"
    return table.set_index("date")[column].astype(float).asfreq("D").rename("retail_and_recreation")


def parts_of(forecaster, days) -> pd.DataFrame:
    """What the forecasts of a single series add up from, a row per day."""
    parts = contributions.parts(forecaster, days)
    return pd.DataFrame({name: values[:, 0] for name, values in parts.items()}, index=days)


def tabulated(mean, quantiles, levels, closed=None, *, location, target, **facts) -> pd.DataFrame:
    """The table of a single series, from its mean and quantiles by day."""
    shut = np.zeros(len(mean), bool) if closed is None else closed.ne("").to_numpy()
    numbers = np.column_stack([mean, quantiles[[column(level) for level in levels]]])[None]
    return forecast.tabulate(numbers, mean.index, [(location, target)], levels, shut[None], **facts)


def outlook_of(table, y, parts, logarithms, closed=None, owners_events=()) -> pd.DataFrame:
    """The coming days of a single series as people read them."""
    batch = y.to_frame((table["location"].iloc[0], table["target"].iloc[0]))
    closed = pd.Series("", index=parts.index, dtype=object) if closed is None else closed
    arrays = {name: values.to_numpy()[:, None] for name, values in parts.items()}
    return outlook.outlook(table, batch, arrays, logarithms, closed.to_frame(), [owners_events])
