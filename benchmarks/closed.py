"""Days that a place is shut: how many of them were foreseen, and how many were taken for closed that were open.

python -m benchmarks.closed ../shared/data/own

Each day of every file of `benchmarks.own` is foreseen from each of the seven days before it, from what had happened
by then and nothing that an owner says. Weekdays on which a place is mostly shut are counted apart from its holidays.
"""

import sys
from pathlib import Path

import pandas as pd

from benchmarks.many import check
from benchmarks.own import FILES, snapshots
from footfall import opening
from footfall.calendar import country_of, names_of_special_days
from footfall.series import DAY, WEEK, Rows, rows_of, shut_of
from footfall.units import COUNT


def main() -> None:
    """Print the counts of every place, and of all."""
    check(Path(sys.argv[1]), ", ".join(FILES))
    tables = {
        location: _walked(rows_of(snapshot, location, COUNT), location)
        for snapshot in snapshots(Path(sys.argv[1]))
        for location in snapshot["location"].unique()
    }
    tables["all"] = pd.concat(tables.values())
    print(pd.DataFrame({location: _counted(table) for location, table in tables.items()}).to_string(na_rep="-"))


def _walked(rows: Rows, location: str) -> pd.DataFrame:
    """A row per day and origin: whether it was ``shut``, ``foreseen``, and of a weekday mostly shut (``weekly``).

    ``seen``: how often its holiday had been on another weekday before; -1 if it is none.
    """
    shut, origins = shut_of(rows, COUNT), pd.DatetimeIndex(rows.day.astype("datetime64[D]"))[WEEK:-WEEK]
    name = pd.Series(names_of_special_days(shut.index, country_of(location)), shut.index)
    day = pd.DataFrame({"shut": shut, "weekly": shut.groupby(shut.index.dayofweek).transform("mean") > 0.5})
    name = name[name.ne("") & ~day["weekly"]]
    day["seen"] = name.groupby(name).cumcount().reindex(day.index, fill_value=-1)
    why = [
        opening.foreseen(rows.part(slice(seen)), location, COUNT, pd.date_range(origin + DAY, periods=WEEK))
        for seen, origin in enumerate(origins, start=WEEK + 1)
    ]
    return day.join(pd.concat(why).ne("").rename("foreseen"), how="inner")


def _counted(table: pd.DataFrame) -> dict[str, str]:
    """Forecasts of a day, seven a day, by what happened, and how many of those that were shut were foreseen."""
    shut = table[table["shut"]]
    holiday = shut["seen"] >= 0
    kinds = {"weekly": shut["weekly"], "of a holiday seen less than twice": holiday & (shut["seen"] < opening.TWICE),
             "of a holiday seen twice": shut["seen"] >= opening.TWICE, "other": ~shut["weekly"] & ~holiday}  # fmt: skip
    counts = {f"shut, {kind}": f"{(on & shut['foreseen']).sum()} of {on.sum()}" for kind, on in kinds.items()}
    taken = table["foreseen"] & ~table["shut"]
    return counts | {"open, taken for closed": f"{taken.sum()} of {(~table['shut']).sum()}"}


if __name__ == "__main__":
    main()
