"""What a day's prediction of many series costs, phase by phase: CPU, and the most memory that its process took.

python -m benchmarks.day DATA --places 4000

Places of nations.csv.gz and regions.csv.gz that have all six categories, copied until there are as many. The champion
is the calendar, its past errors those of the naive; notebook and servers aside.
"""

import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from benchmarks.many import FILES, LAST, read
from footfall import forecast
from footfall.champion import read_champion, write_champion
from footfall.forecasting import forecast_all
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, WeekdaySmoother
from footfall.page.about import About
from footfall.page.pages import write_pages
from footfall.quantiles import LEVELS
from footfall.selection import select
from footfall.series import DAY, SERIES, WEEK, read_snapshot, to_parquet, visible

TRAINED = LAST - 20 * DAY  # the day that the champion was trained through
CALENDAR = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()


def main(
    data: Annotated[Path, typer.Argument(help="Folder of nations.csv.gz and regions.csv.gz.")], places: int = 4000
) -> None:
    """Lay down a snapshot and a champion of so many places, forecast a week of them, and print what each phase took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        with ProcessPoolExecutor(1) as other:  # whose memory is not that of the day
            count = other.submit(_lay_down, out, data, places).result()
        (out / "forecast").mkdir()
        with _timed("series from the snapshot", count):
            chosen = select(visible(read_snapshot(out / "snapshot.parquet"), LAST + DAY, 1), "PT", "", {}, 0)
        with _timed("champion", count):
            champion = read_champion(out / "champion")
        days, facts = pd.date_range(LAST + 2 * DAY, periods=WEEK), {"model_version": "many/1", "snapshot": "ab" * 32}
        with _timed("points, ranges, checks and table", count):
            made = forecast_all(champion, chosen, days, 1, LEVELS, {}, 30, **facts)
        with _timed("table as files", count):
            forecast.write_forecast(made.tables(), out)
        with _timed("index, and what it says of a day", count):
            write_pages(made, 1, "", out, About())


def _lay_down(out: Path, data: Path, places: int) -> int:
    """Write a snapshot and a champion; how many series they are of."""
    table = pd.concat([read(data / name) for name in FILES])
    table = table[table["date"] <= LAST]
    late = table[(table["date"] > LAST - WEEK * DAY) & table["value"].notna()]
    full = late.groupby("location")["category"].nunique().loc[lambda count: count == count.max()].index
    some = table[table["location"].isin(full)].astype({"location": "str", "category": "str"})
    copies = [some.assign(location=some["location"] + f"/{copy}") for copy in range(-(-places // len(full)))]
    every = pd.concat(copies)
    every = every[every["location"].isin(every["location"].unique()[:places])]
    every = every.sort_values([*SERIES, "date"], ignore_index=True)
    (out / "snapshot.parquet").write_bytes(to_parquet(every))
    ahead = every.assign(mean=every.groupby(SERIES)["value"].shift(WEEK)).rename(columns={"value": "actual"})
    ahead = ahead[ahead["date"].between(TRAINED - 60 * DAY, TRAINED)]
    errors = pd.concat([ahead.assign(horizon=h, origin=ahead["date"] - h * DAY) for h in range(1, WEEK + 1)])
    errors = errors.sort_values([*SERIES, "origin", "date"], ignore_index=True)
    accounts = every[SERIES].drop_duplicates().assign(candidate="calendar", status="published", reason="")
    about = {"location": "PT", "category": "", "series": len(accounts), "data_through": f"{TRAINED:%F}"}
    write_champion(out / "champion", CALENDAR, errors[[*SERIES, "origin", "date", "horizon", "mean", "actual"]],
                   about, accounts)  # fmt: skip
    return len(accounts)


@contextmanager
def _timed(what: str, count: int) -> Iterator[None]:
    began = time.process_time()
    yield
    taken, most = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"| {what} | {1000 * taken / count:.2f} ms | {taken:.1f} s | {most:.2f} GB at most so far |", flush=True)


if __name__ == "__main__":
    typer.run(main)
