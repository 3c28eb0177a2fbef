"""Which of a market's places have no forecast: said by every run, and an alert while there are any."""

import pandas as pd

from flows.orchestration import alerts
from flows.station.notify import is_of_the_present
from flows.station.run import Run, log, step
from footfall.selection import without_forecast

CAUSE = "sites without a forecast"


@step
def tell_refused(run: Run, show: bool) -> int:
    """Say how many have none, and why the first has; of a forecast that readers have it is an alert, until none is.

    Where few are without one each more or less is told; of many only a number that begins with another digit, since
    there one or the other comes and goes every day.
    """
    accounts = pd.read_parquet(run.folder / "out" / "forecast" / "series.parquet")
    sentence, count = without_forecast(accounts), int(accounts["status"].eq("refused").sum())
    if sentence:
        log().warning(sentence)
    if show and is_of_the_present(run):
        if sentence:
            alerts.open(run.market.name, CAUSE, sentence, f"{count:.0e}")
        else:
            alerts.close(run.market.name, CAUSE)
    return len(accounts)
