"""The backtest of a market: of each of its series alone, and of all of them together.

A market of one series is the market of many that has one: what is pooled of it is its own.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.calendar import country_of
from footfall.evaluation.backtest import Windows, backtest, comparable, last_origins, leaderboard, windows
from footfall.evaluation.intervals import with_quantiles
from footfall.evaluation.metrics import interval_scores, naive_error
from footfall.models import of_country
from footfall.quantiles import QUANTILES
from footfall.selection import Key
from footfall.units import unit

RESIDUALS = ["location", "category", "origin", "date", "horizon", "mean", "actual"]
SERIES = ["location", "category"]


class Rolling(NamedTuple):
    """What all candidates would have said of a market's series, and how far off they were.

    Attributes
    ----------
    origins : DatetimeIndex
        The latest days that any of the series could be forecast from.
    windows : Windows
        Spans of them.
    tables : dict of Key to DataFrame
        A backtest table with quantiles of each series, as `footfall.evaluation.backtest.backtest` has it.
    scores : DataFrame
        A row per ``window`` (choice, verdict), ``candidate`` and series: the columns of
        `footfall.evaluation.backtest.leaderboard`, and ``scale``, the unit of its MASE.
    """

    origins: pd.DatetimeIndex
    windows: Windows
    tables: dict[Key, pd.DataFrame]
    scores: pd.DataFrame

    def of(self, key: Key, window: str) -> pd.DataFrame:
        """The backtest table of one series over the ``selection`` or the ``report``."""
        table = self.tables[key]
        return table[table["origin"].isin(getattr(self.windows, window))]

    def leaderboard(self, window: str) -> pd.DataFrame:
        """Every candidate's scores, best first: the mean over all series, each in units of its own scale.

        Parameters
        ----------
        window : str
            ``selection`` or ``report``.

        Returns
        -------
        DataFrame, indexed by candidate
            As that of one series; of many, MAE and WIS are in the unit of a series of mean scale, ``days`` are those
            of all.
        """
        rows = self.scores[self.scores["window"] == window]
        weight = rows.groupby(SERIES)["scale"].first()
        weight = (weight.mean() / weight).reindex(pd.MultiIndex.from_frame(rows[SERIES])).to_numpy()
        rows = rows.assign(MAE=rows["MAE"] * weight, WIS=rows["WIS"] * weight)
        by_candidate = rows.drop(columns=["window", *SERIES, "scale"]).groupby("candidate", sort=False)
        board = by_candidate.mean().assign(days=by_candidate["days"].sum())
        return board.sort_values("WIS", kind="stable")

    def by_series(self, candidate: str, naive: str) -> pd.DataFrame:
        """A candidate's scores of each series over the report, and what is left of the naive's error in both windows.

        Returns
        -------
        DataFrame, indexed by series
            ``days, MAE, MASE, WIS, cover80``; ``ratio``, its MAE to the naive's; ``loses``, where the naive erred
            less in both. The worst ratio first.
        """
        own, other = (self._of(name) for name in (candidate, naive))
        ratio = (own["MAE"] / other["MAE"]).unstack("window")
        report = own.xs("report", level="window")[["days", "MAE", "MASE", "WIS", "cover80"]]
        table = report.assign(ratio=ratio["report"], loses=ratio.min(axis=1) > 1)
        return table.sort_values("ratio", ascending=False, kind="stable")

    def _of(self, candidate: str) -> pd.DataFrame:
        return self.scores[self.scores["candidate"] == candidate].set_index([*SERIES, "window"])

    def accounts(self, candidate: str, naive: str, name: str) -> pd.DataFrame:
        """What a champion's folder keeps of each series, and who speaks for it.

        The naive does where the candidate erred more than it in both windows: choice and verdict share no day.

        Parameters
        ----------
        candidate, naive : str
            Candidates of the backtest.
        name : str
            What the first is called outside of it.

        Returns
        -------
        DataFrame
            ``location, category, status`` (published, fell back, young), ``candidate, reason``, over the report
            ``days, MAE, MASE, WIS, cover80, ratio``; sorted by the first two.
        """
        table = self.by_series(candidate, naive).reindex(pd.MultiIndex.from_tuples(sorted(self.tables), names=SERIES))
        back, young = table.pop("loses").eq(True), table["ratio"].isna()
        ratio = table["ratio"].map("{:.2f}".format)
        table.insert(0, "status", np.select([back, young], ["fell back", "young"], "published"))
        table.insert(1, "candidate", np.where(back, naive, name))
        table.insert(2, "reason", np.where(back, f"{name} erred " + ratio + f" times as much as {naive}", ""))
        return table.reset_index()

    def wis_by_origin(self, window: str) -> pd.DataFrame:
        """Mean WIS of each candidate on each origin, over all series in units of their own scale."""
        scale = self.scores.groupby(SERIES)["scale"].first()
        parts = []
        for key in self.tables:
            scored = comparable(self.of(key, window))
            if len(scored):
                score = interval_scores(scored) * (scale.mean() / scale[key])
                parts.append(scored.assign(score=score).pivot_table("score", "origin", "candidate"))
        return pd.concat(parts).groupby(level=0).mean()

    def residuals(self, candidate: str, naive: str, accounts: pd.DataFrame) -> pd.DataFrame:
        """What was said by who speaks for each series, and what happened: a row per series, origin and day."""
        back = accounts.set_index(SERIES)["status"].eq("fell back")
        parts = [
            table[table["candidate"] == (naive if back[key] else candidate)].assign(location=key[0], category=key[1])
            for key, table in self.tables.items()
        ]
        return pd.concat(parts, ignore_index=True)[RESIDUALS]


def roll(
    series: Mapping[Key, pd.Series], candidates: dict[str, BaseForecaster], days: int, horizon: int, lag: int
) -> Rolling:
    """Forecast every series of a market from its latest days, as `footfall.evaluation.backtest.backtest` does.

    Parameters
    ----------
    series : mapping of Key to Series
        From `footfall.selection.select`.
    candidates : dict of str to BaseForecaster
        Left as they are; the special days are those of each series' country.
    days, horizon, lag : int
        Origins of a series at most, days to forecast from each, days between a day and its publication.
    """
    own = {key: last_origins(y, days, horizon, lag) for key, y in series.items()}
    origins = max(own.values(), key=lambda these: (len(these), these[-1]))
    spans = windows(origins, horizon)
    tables = {key: _table(y, candidates, own[key], horizon, lag, country_of(key[0])) for key, y in series.items()}
    return Rolling(origins, spans, tables, _scores(series, tables, spans))


def _table(
    y: pd.Series, candidates: dict[str, BaseForecaster], origins: pd.DatetimeIndex, horizon: int, lag: int, country: str
) -> pd.DataFrame:
    table = backtest({name: of_country(each, country) for name, each in candidates.items()}, y, origins, horizon, lag)
    return with_quantiles(table, country, lag, unit(y).floor)


def _scores(series: Mapping[Key, pd.Series], tables: Mapping[Key, pd.DataFrame], spans: Windows) -> pd.DataFrame:
    boards = []
    for window in ("selection", "report"):
        for key, table in tables.items():
            rows = table[table["origin"].isin(getattr(spans, window))]
            if len(tables) > 1 and not rows[["actual", *QUANTILES]].notna().all(axis=1).any():
                continue  # too young for a range in this window
            board = leaderboard(rows, series[key]).reset_index()
            scale = naive_error(series[key][: rows["origin"].min()])
            boards.append(board.assign(window=window, location=key[0], category=key[1], scale=scale))
    return pd.concat(boards, ignore_index=True)
