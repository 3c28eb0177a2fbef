"""Forecasts of common libraries from the same origins, in the peers' own environment; see models.py beside it.

    python peers.py SERIES.csv OUT_FOLDER FIRST LAST LAG HORIZON

SERIES.csv has the columns ``date,value``. Each peer is fitted anew at every origin, which is at least as good as once a
month. A file per peer is written: ``origin,date,mean,milliseconds`` and, where it has intervals, ``q05`` … ``q95``.
"""

import sys
import time
import timeit
from pathlib import Path

import numpy as np
import pandas as pd
from statsforecast import models

WIDTHS = list(range(10, 100, 10))  # central intervals in per cent: their ends are the quantiles 0.05 … 0.95
TIMES = 30
PEERS = {
    "seasonal naive": lambda: models.SeasonalNaive(7),
    "mean of 4 weeks": lambda: models.SeasonalWindowAverage(7, 4),
    "AutoETS": lambda: models.AutoETS(7),
    "AutoCES": lambda: models.AutoCES(7),
    "AutoTheta": lambda: models.AutoTheta(7, decomposition_type="additive"),
    "MSTL": lambda: models.MSTL([7]),
}


def forecast(make, y: pd.Series, origin: pd.Timestamp, lag: int, horizon: int) -> pd.DataFrame:
    """One origin's days, with quantiles where the peer has them."""
    seen = y[: origin - pd.Timedelta(days=lag)].ffill().to_numpy(float)
    try:
        result = make().forecast(y=seen, h=lag + horizon, level=WIDTHS)
    except Exception:  # a peer without intervals
        result = make().forecast(y=seen, h=lag + horizon)
    days = pd.date_range(origin, periods=horizon + 1)[1:]
    table = pd.DataFrame({"origin": origin, "date": days, "mean": np.asarray(result["mean"])[lag:]})
    for width in (w for w in WIDTHS if f"lo-{w}" in result):
        table[f"q{50 - width // 2:02d}"] = np.asarray(result[f"lo-{width}"])[lag:]
        table[f"q{50 + width // 2:02d}"] = np.asarray(result[f"hi-{width}"])[lag:]
    return table.assign(q50=table["mean"]) if "q05" in table else table


def milliseconds(make, y: np.ndarray, horizon: int) -> float:
    """CPU for one fit to the whole series and its forecast, without intervals: the least of many."""
    taken = timeit.repeat(lambda: make().forecast(y=y, h=horizon), timer=time.process_time, repeat=TIMES, number=1)
    return 1000 * min(taken)


def main(series: str, out: str, first: str, last: str, lag: str, horizon: str) -> None:
    """Write every peer's forecasts."""
    y = pd.read_csv(series, parse_dates=["date"]).set_index("date")["value"].asfreq("D")
    for name, make in PEERS.items():
        table = pd.concat([forecast(make, y, origin, int(lag), int(horizon)) for origin in pd.date_range(first, last)])
        table["milliseconds"] = milliseconds(make, y.ffill().to_numpy(float), int(horizon))
        table.to_csv(Path(out) / f"{name}.csv", index=False, date_format="%Y-%m-%d")


if __name__ == "__main__":
    main(*sys.argv[1:])
