"""Figures that look alike: one style, one function per question."""

from io import BytesIO
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from PIL import Image

from footfall.quantiles import COVERAGES, HIGH, LOW, column, ends
from footfall.series import DAY, WEEK
from footfall.units import unit, unit_of

INK, BLUE, PALE, RED, ORANGE = "#1c2430", "#1f6aa5", "#b9d3e8", "#c1442d", "#d98200"
STYLE: Any = {
    "figure.figsize": (9, 3.4), "figure.dpi": 144, "savefig.bbox": None, "figure.constrained_layout.use": True,
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#8894a0",
    "axes.labelcolor": INK, "axes.titlesize": 11, "axes.titlelocation": "left", "axes.grid": True,
    "grid.color": "#e6eaee", "axes.axisbelow": True, "legend.frameon": False,
}  # fmt: skip
styled = rc_context(STYLE)  # draws in the house's style, and leaves everybody else's as it is


def png(figure: Figure) -> bytes:
    """The figure as a PNG of 256 colours: a third of the bytes, and the eye sees no difference.

    The record of a run keeps a picture three times, in the notebook, on its page and by itself, and its notebook's own.
    """
    if isinstance(figure, Chart):
        return figure.png()
    full = BytesIO()
    figure.savefig(full, format="png", dpi=144)
    return _in_few_colours(Image.open(full))


class Chart(Figure):
    """A figure that a notebook shows, as the cell's value, in the bytes that :func:`png` gives.

    A notebook that imports pyplot shows it as that does, in more bytes; what is kept is the same.
    """

    _pixels, _drawn = b"", b""

    def png(self) -> bytes:
        """Its bytes; where it looks as it did when it was shown, the same."""
        canvas = FigureCanvasAgg(self)  # straight to its pixels, which savefig puts into a file that is read again
        for _ in range(1 if self._drawn else 2):  # first for its layout, from then on to see whether it has changed
            canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        if (content := pixels.tobytes()) != self._pixels:
            self._pixels, self._drawn = content, _in_few_colours(Image.fromarray(pixels))
        return self._drawn

    _repr_png_ = png


def _in_few_colours(picture: Image.Image) -> bytes:
    content = BytesIO()
    picture.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE).save(content, "png", optimize=True)
    return content.getvalue()


def _canvas(title: str, axis: str) -> tuple[Chart, Axes]:
    figure = Chart()
    axes = figure.subplots()
    axes.set(title=title, ylabel=axis)
    return figure, axes


def _date(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]


@styled
def level(y: pd.Series) -> Figure:
    """The whole series, and its mean over four weeks."""
    figure, axes = _canvas(f"{y.name}, daily and as a four-week mean", unit(y).says)
    axes.plot(y.index, y, color=PALE, linewidth=0.9)
    axes.plot(y.index, y.rolling(4 * WEEK, min_periods=2 * WEEK).mean(), color=BLUE, linewidth=2)
    axes.axhline(0, color=INK, linewidth=0.7)
    _date(axes)
    return figure


@styled
def weekdays(y: pd.Series) -> Figure:
    """Spread of each weekday over the last eight weeks, ordinary days and special ones alike."""
    figure, axes = _canvas("the last eight weeks by weekday", unit(y).says)
    recent = y.tail(8 * WEEK).dropna()
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    spread = [recent[recent.index.dayofweek == day] for day in range(WEEK)]
    axes.boxplot(spread, tick_labels=names, medianprops={"color": BLUE})
    return figure


@styled
def errors(table: pd.DataFrame, names: list[str], y: pd.Series) -> Figure:
    """Mean absolute error by horizon, for some candidates of a series' backtest table, in colours and markers."""
    figure, axes = _canvas("mean absolute error by horizon", unit(y).says)
    error = (table["mean"] - table["actual"]).abs().groupby([table["candidate"], table["horizon"]]).mean()
    for name, marker in zip(names, cycle("os^vDPX*<>dp"), strict=False):
        axes.plot(error[name].index, error[name], marker=marker, label=name)
    axes.set(xlabel="days ahead", ylim=(0, None))
    figure.legend(loc="outside right upper")
    return figure


@styled
def fan(y: pd.Series, mean: pd.Series, quantiles: pd.DataFrame) -> Figure:
    """The past four weeks running into the forecast, with its 50, 80 and 90 % ranges."""
    figure, axes = _canvas(f"{y.name}: the past 28 days and the forecast", unit(y).says)
    recent = y.tail(4 * WEEK)
    axes.plot(recent.index, recent, color=INK, linewidth=1.4, marker="o", markersize=3, label="published")
    for coverage, shade in zip(reversed(COVERAGES), (0.18, 0.25, 0.4), strict=True):
        low, high = map(column, ends(coverage))
        axes.fill_between(mean.index, quantiles[low], quantiles[high], color=BLUE, alpha=shade, linewidth=0)
    axes.plot(mean.index, mean, color=BLUE, linewidth=2, marker="o", markersize=4, label="expected")
    axes.axvspan(recent.index[-1], mean.index[0], color="#f0f2f4", zorder=0, label="not published yet")
    axes.legend(loc="lower left", ncols=3)
    _date(axes)
    return figure


@styled
def origins(y: pd.Series, table: pd.DataFrame) -> Figure:
    """The ten newest forecasts of a backtest that follow one on the other, each with its range, and what happened.

    They take turns in two colours, and in dots and squares, that every eye can tell apart.

    Parameters
    ----------
    y : Series
        The series, as published.
    table : DataFrame
        Backtest table with quantiles, of one candidate; of a horizon so long that not so many forecasts follow one on
        the other, neighbours overlap.
    """
    forecasts = _one_after_the_other(table.dropna(subset=[column(LOW), column(HIGH)]))
    figure, axes = _canvas(f"{y.name}: {len(forecasts)} forecasts of the past", unit(y).says)
    for rows, (colour, marker) in zip(forecasts, cycle([(BLUE, "o"), (ORANGE, "s")]), strict=False):
        axes.fill_between(rows["date"], rows[column(LOW)], rows[column(HIGH)], color=colour, alpha=0.22, linewidth=0)
        axes.plot(rows["date"], rows["mean"], color=colour, linewidth=1.6, marker=marker, markersize=3)
    axes.lines[0].set_label("expected, with 80 % range")
    happened = y[forecasts[0]["date"].min() - WEEK * DAY : forecasts[-1]["date"].max()]
    axes.plot(happened.index, happened, color=INK, linewidth=1.1, label="happened")
    figure.legend(loc="outside upper right", ncols=2)
    _date(axes)
    return figure


def _one_after_the_other(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of the ten newest origins that lie a horizon apart, or as far as so many of them can."""
    by_origin = [rows for _, rows in table.groupby("origin")]
    apart = max(1, min(int(table["horizon"].max()), (len(by_origin) - 1) // 9))
    return by_origin[::-apart][:10][::-1]


@styled
def hindsight(scores: pd.DataFrame, days: int) -> Figure:
    """What was said a day ahead, with its 80 % range, and what happened; a red cross where it fell outside.

    Parameters
    ----------
    scores : DataFrame
        A table of scores, see `footfall.evaluation.scores`.
    days : int
        The last days forecast to draw.
    """
    figure, axes = _canvas("what we said 1 day before, and what happened", unit_of(scores["target"].max()).says)
    rows = scores[scores["horizon"] == 1].tail(days)
    day, missed = pd.to_datetime(rows["target_end_date"]), rows["covered80"] == 0
    axes.fill_between(day, rows["low"], rows["high"], color=BLUE, alpha=0.22, linewidth=0, label="80 % range")
    axes.plot(day, rows["mean"], color=BLUE, linewidth=1.6, label="said")
    axes.plot(day[~missed], rows["actual"][~missed], color=INK, linewidth=0, marker="o", markersize=4, label="happened")
    axes.plot(day[missed], rows["actual"][missed], color=RED, linewidth=0, marker="X", markersize=6, label="outside")
    figure.legend(loc="outside upper right", ncols=4)
    _date(axes)
    return figure
