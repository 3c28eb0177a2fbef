"""The bundled Portuguese sample, retail and recreation, as one daily series."""

from pathlib import Path

import pandas as pd

SAMPLE = Path(__file__).parent.parent / "resources" / "sample"


def retail() -> pd.Series:
    """Percent change from baseline, 2021-06-20 … 2022-10-13, no gaps."""
    table = pd.concat(pd.read_csv(path, parse_dates=["date"]) for path in sorted(SAMPLE.glob("*.csv")))
    column = "retail_and_recreation_percent_change_from_baseline"
    return table.set_index("date")[column].astype(float).asfreq("D").rename("retail_and_recreation")
