"""A champion of many series as MLflow's python function: the rows of its series in, their coming days out."""

import warnings
from typing import Any, NamedTuple

import pandas as pd

from footfall.champion import ISO, Champion, as_days, coming, origin_of, read_champion
from footfall.forecasting import MarketForecast, forecast_all
from footfall.params import PredictParams
from footfall.quantiles import LEVELS, QUANTILES
from footfall.selection import Key, select
from footfall.series import DAY, KEYS, SERIES, visible


class FunctionOfMany(NamedTuple):
    """A champion of many, brought up to the rows that it is asked with, as predict.ipynb brings it up to a snapshot."""

    champion: Champion

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Forecast every series of a table that can be.

        Parameters
        ----------
        model_input : DataFrame
            A series table, see `footfall.series`: columns ``date``, as text or timestamps, ``location``, ``category``,
            ``value``, and ``open`` where closed days are said, in any order. Of a series its rows from the first of the
            champion's on, so that it is fitted to what it was fitted to.
        params : dict, optional
            ``origin``, the day the forecast is made on; if left out, the one on which the newest row was out.

        Returns
        -------
        DataFrame, shape (n_series * horizon, 23)
            ``location``, ``category``, ``date`` (ISO day), ``mean``, ``q05`` … ``q95``, in the unit of the series. A
            series that cannot be forecast, such as one that the champion was trained without, has no rows. Of one that
            ends before the others a UserWarning is given: its rows may have been cut.

        Raises
        ------
        ValueError
            If a column is missing, a day is none or there twice, rows are fewer than the champion was fitted to, or
            the origin lies before it was trained.
        DataProblem
            If no series can be forecast, with the reasons.
        """
        about, table = self.champion.about, _series_table(pd.DataFrame(model_input))
        origin = origin_of(about, params, table["date"].max() + about["lag"] * DAY)
        first, needed = f"{table['date'].min():{ISO}}", about.get("fitted_from", "")
        are_all = {*self.champion.speakers} <= {*table[SERIES].itertuples(index=False, name=None)}
        if are_all and first > (needed or first):
            advice = f"give each series' rows from its first on, from {needed}"
            raise ValueError(f"the first row is of {first}: the model was fitted to more; {advice}")
        chosen = select(visible(table, origin, about["lag"]), about["location"], about["category"], {}, 0)
        days = coming(about, origin)
        facts = {"model_version": "", "snapshot": ""}  # nothing is published
        made = forecast_all(self.champion, chosen, days, about["lag"], LEVELS, {}, PredictParams().stale_after, **facts)
        _warn_of_cut(made, {key: y.index[-1] for key, y in chosen.series.items()}, about["lag"])
        published = made.table
        of_day = published["value"].to_numpy(float).reshape(-1, 1 + len(LEVELS))
        first = published.iloc[:: of_day.shape[1]]
        keys = first[["location", "target", "target_end_date"]].set_axis([*SERIES, "date"], axis=1)
        return keys.reset_index(drop=True).join(pd.DataFrame(of_day, columns=["mean", *QUANTILES]))


def _warn_of_cut(made: MarketForecast, ends: dict[Key, pd.Timestamp], lag: int) -> None:
    """Say which series end more days before the others than is usual for the source, days shut aside."""
    newest = min(one.late for one in made.series.values())
    stale = made.accounts.loc[made.accounts["reason"].str.startswith("stale"), SERIES]
    cut = [key for key, one in made.series.items() if one.late - newest > lag]
    if cut := [*cut, *stale.itertuples(index=False, name=None)]:
        found = f"{len(cut)} of {len(ends)} series end before the others"
        first = f"{' '.join(cut[0])} on {ends[cut[0]]:{ISO}}, and not on {max(ends.values()):{ISO}}"
        warnings.warn(
            f"{found}, such as {first}: it is forecast from older figures or not at all; give all its rows",
            stacklevel=3,
        )


def _series_table(table: pd.DataFrame) -> pd.DataFrame:
    needed = [*KEYS, "value"]
    if missing := [name for name in needed if name not in table]:
        columns = ", ".join(map(str, table.columns)) or "none"
        raise ValueError(f"the input lacks {', '.join(missing)} (its columns: {columns}); it takes {', '.join(needed)}")
    table = table.assign(date=as_days(table["date"], "date")).sort_values(KEYS, ignore_index=True)
    if (twice := table.duplicated(KEYS)).any():
        location, category, day = table.loc[twice, KEYS].iloc[0]
        found = f"{twice.sum()} rows have a day that is there before, such as {location} {category} {day:{ISO}}"
        raise ValueError(f"{found}; leave one of each")
    return table


def _load_pyfunc(data_path: str) -> FunctionOfMany:
    return FunctionOfMany(read_champion(data_path))
