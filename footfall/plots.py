"""Figures that look alike: one style, one function per question."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

INK, BLUE, PALE, RED = "#1c2430", "#1f6aa5", "#b9d3e8", "#c1442d"
STYLE: Any = {
    "figure.figsize": (9, 3.4), "figure.dpi": 144, "savefig.bbox": None, "figure.constrained_layout.use": True,
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#8894a0",
    "axes.labelcolor": INK, "axes.titlesize": 11, "axes.titlelocation": "left", "axes.grid": True,
    "grid.color": "#e6eaee", "axes.axisbelow": True, "legend.frameon": False,
}  # fmt: skip
UNIT = "% change from baseline"
Draw = TypeVar("Draw", bound=Callable[..., Figure])


def styled(draw: Draw) -> Draw:
    """Draw in the house's style, and leave everybody else's as it is."""

    @wraps(draw)
    def drawn(*given: Any, **named: Any) -> Figure:
        with plt.rc_context(STYLE):
            return draw(*given, **named)

    return drawn  # type: ignore[return-value]


def _canvas(title: str, unit: str = UNIT) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots()
    axes.set(title=title, ylabel=unit)
    plt.close(figure)  # shown once, as the cell's value
    return figure, axes


def _date(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))


@styled
def level(y: pd.Series) -> Figure:
    """The whole series, and its mean over four weeks."""
    figure, axes = _canvas(f"{y.name}, daily and as a four-week mean")
    axes.plot(y.index, y, color=PALE, linewidth=0.9)
    axes.plot(y.index, y.rolling(28, min_periods=14).mean(), color=BLUE, linewidth=2)
    axes.axhline(0, color=INK, linewidth=0.7)
    _date(axes)
    return figure


@styled
def weekdays(y: pd.Series) -> Figure:
    """Spread of each weekday over the last eight weeks, ordinary days and special ones alike."""
    figure, axes = _canvas("the last eight weeks by weekday")
    recent = y.tail(56).dropna()
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    spread = [recent[recent.index.dayofweek == day] for day in range(7)]
    axes.boxplot(spread, tick_labels=names, medianprops={"color": BLUE})
    return figure


@styled
def errors(table: pd.DataFrame, names: list[str]) -> Figure:
    """Mean absolute error by horizon, for some candidates of a backtest table."""
    figure, axes = _canvas("mean absolute error by horizon", "percentage points")
    error = (table["mean"] - table["actual"]).abs().groupby([table["candidate"], table["horizon"]]).mean()
    for name in names:
        axes.plot(error[name].index, error[name], marker="o", label=name)
    axes.set(xlabel="days ahead", ylim=(0, None))
    axes.legend()
    return figure


@styled
def fan(y: pd.Series, mean: pd.Series, quantiles: pd.DataFrame, days: int = 28) -> Figure:
    """The past four weeks running into the forecast, with its 50, 80 and 90 % ranges."""
    figure, axes = _canvas(f"{y.name}: the past {days} days and the forecast")
    recent = y.tail(days)
    axes.plot(recent.index, recent, color=INK, linewidth=1.4, marker="o", markersize=3, label="published")
    for low, high, shade in (("q05", "q95", 0.18), ("q10", "q90", 0.25), ("q25", "q75", 0.4)):
        axes.fill_between(mean.index, quantiles[low], quantiles[high], color=BLUE, alpha=shade, linewidth=0)
    axes.plot(mean.index, mean, color=BLUE, linewidth=2, marker="o", markersize=4, label="expected")
    axes.axvspan(recent.index[-1], mean.index[0], color="#f0f2f4", zorder=0, label="not published yet")
    axes.legend(loc="lower left", ncols=3)
    _date(axes)
    return figure


@styled
def hindsight(scores: pd.DataFrame, horizon: int = 1, days: int = 42) -> Figure:
    """What was said some days ahead, with its 80 % range, and what happened; red where it fell outside."""
    figure, axes = _canvas(f"what we said {horizon} day{'s' * (horizon > 1)} before, and what happened")
    said = scores[scores["horizon"] == horizon].tail(days)
    day, missed = pd.to_datetime(said["target_end_date"]), said["covered80"] == 0
    axes.fill_between(day, said["low"], said["high"], color=BLUE, alpha=0.22, linewidth=0, label="80 % range")
    axes.plot(day, said["mean"], color=BLUE, linewidth=1.6, label="said")
    axes.plot(day, said["actual"], color=INK, linewidth=0, marker="o", markersize=4, label="happened")
    axes.plot(day[missed], said["actual"][missed], color=RED, linewidth=0, marker="o", markersize=5, label="outside")
    figure.legend(loc="outside upper right", ncols=4)
    _date(axes)
    return figure
