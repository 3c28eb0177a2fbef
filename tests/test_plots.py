"""What the notebooks' figures show."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from figures import retail
from IPython.core.formatters import PNGFormatter
from PIL import Image, ImageChops

from footfall import plots
from footfall.outputs import keep
from footfall.series import DAY


def backtest(origins, horizon):
    """A backtest table of one candidate that is right, with a range ten wide."""
    y = retail()
    days = [(origin, origin + ahead * DAY, ahead) for origin in origins for ahead in range(1, horizon + 1)]
    table = pd.DataFrame(days, columns=["origin", "date", "horizon"])
    table["mean"] = y.reindex(table["date"]).to_numpy()
    return table.assign(q10=table["mean"] - 5, q90=table["mean"] + 5, actual=table["mean"])


def drawn(figure):
    """The days and values of each forecast, and of what happened."""
    *forecasts, happened = [line.get_xydata() for line in figure.axes[0].lines]
    return forecasts, happened


@pytest.mark.parametrize(("horizon", "apart"), [(1, 1), (7, 7), (14, 11)])
def test_ten_origins_are_drawn_one_after_the_other_beside_what_happened(horizon, apart):
    table = backtest(pd.date_range("2022-06-01", periods=100), horizon)
    forecasts, happened = drawn(plots.origins(retail(), table))
    assert len(forecasts) == 10 and all(len(line) == horizon for line in forecasts)
    starts = [line[0, 0] for line in forecasts]
    assert np.diff(starts).tolist() == [apart] * 9
    newest = table[table["origin"] == table["origin"].max()]
    assert forecasts[-1][:, 1].tolist() == newest["mean"].tolist()
    actual = dict(happened)
    assert all(actual[day] == value for line in forecasts for day, value in line)
    assert len(plots.origins(retail(), table).axes[0].collections) == 10, "a range each"


def test_of_fewer_origins_all_are_drawn():
    forecasts, _ = drawn(plots.origins(retail(), backtest(pd.date_range("2022-09-01", periods=4), 7)))
    assert len(forecasts) == 4


def test_an_origin_without_a_range_is_not_drawn():
    table = backtest(pd.date_range("2022-06-01", periods=100), 7)
    ranged = table["origin"] > "2022-09-01"
    forecasts, _ = drawn(plots.origins(retail(), table.assign(q10=table["q10"].where(ranged))))
    starts = [pd.Timestamp("1970-01-01") + line[0, 0] * DAY for line in forecasts]
    assert min(starts) > pd.Timestamp("2022-09-02")


def test_the_same_forecasts_give_the_same_picture(tmp_path):
    table = backtest(pd.date_range("2022-06-01", periods=100), 7)
    for name in ("one", "other"):
        keep(tmp_path / name, origins=plots.origins(retail(), table))
    assert (tmp_path / "one" / "origins.png").read_bytes() == (tmp_path / "other" / "origins.png").read_bytes()


def test_a_record_keeps_the_picture_that_the_notebook_shows_in_few_colours_that_look_the_same(tmp_path):
    figure = plots.origins(retail(), backtest(pd.date_range("2022-06-01", periods=100), 7))
    keep(tmp_path, origins=figure)
    kept = (tmp_path / "origins.png").read_bytes()
    assert PNGFormatter()(figure) == kept
    full = BytesIO()
    figure.savefig(full, format="png", dpi=144)
    assert len(kept) < len(full.getvalue()) / 2
    off = ImageChops.difference(Image.open(full).convert("RGB"), Image.open(BytesIO(kept)).convert("RGB"))
    assert max(high for _, high in off.getextrema()) < 16, "of 255 a channel"


def test_a_picture_is_drawn_once_unless_it_was_changed():
    figure = plots.level(retail())
    shown = PNGFormatter()(figure)
    assert plots.png(figure) is shown
    for change in (
        lambda axes: axes.set_title("another"),
        lambda axes: axes.lines[0].set_ydata(axes.lines[0].get_ydata() * 0),
        lambda axes: axes.axhline(5),
        lambda axes: axes.yaxis.label.set_text("another"),
        lambda axes: axes.figure.draw_without_rendering() or axes.set_title("a third"),
    ):
        change(figure.axes[0])
        before, shown = shown, plots.png(figure)
        assert shown != before and plots.png(figure) is shown


def test_candidates_are_told_apart_without_colour_and_the_axis_says_the_unit():
    y = retail()
    table = backtest(y.index[-20:-10], 7)
    names = [f"candidate {n}" for n in range(12)]
    figure = plots.errors(pd.concat([table.assign(candidate=name) for name in names]), names, y)
    (axes,) = figure.axes
    assert len({line.get_marker() for line in axes.lines}) == 12
    assert axes.get_ylabel() == "% change from baseline" and axes.get_legend() is None and len(figure.legends) == 1


def test_what_fell_outside_is_told_without_colour():
    rows = {"horizon": 1, "target": "count", "mean": 5.0, "low": 4.0, "high": 6.0, "actual": 5.0}
    scores = pd.DataFrame([rows] * 3).assign(
        target_end_date=["2026-10-01", "2026-10-02", "2026-10-03"], covered80=[1, 0, 1]
    )
    (axes,) = plots.hindsight(scores, 3).axes
    happened, outside = axes.lines[-2:]
    assert happened.get_marker() != outside.get_marker() and len(happened.get_xdata()) == 2
    assert axes.get_ylabel() == "counted a day"
    assert plots.hindsight(scores[:0], 3).axes
