"""Published pages of the bundled sample, without the days of backtest behind their ranges."""

import pandas as pd
from figures import retail

from footfall.forecast import tabulate, write_forecast
from footfall.models.contributions import in_logarithms, parts
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import fit, predict
from footfall.page import page

LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
OFF = dict(zip(LEVELS, (-5, -4, -2, 0, 2, 4, 5), strict=True))
TRACK = {"through": "2022-09-28", "28": {"days": 28, "range_held": 0.79, "right": 0.714}, "90": {}}


def model():
    """What speaks on 1 October 2022."""
    return fit(LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother(), retail()[:"2022-09-28"])


def inputs(model, lift=0.0, location="PT", track=TRACK, **facts):
    """What `write_page` is given as of 1 October 2022, with the holiday of the 5th among its days."""
    days = pd.date_range("2022-10-02", periods=7)
    mean = predict(model, days) + lift
    quantiles = pd.DataFrame({f"q{100 * level:02.0f}": mean + off for level, off in OFF.items()})
    facts = {"origin_date": "2022-10-01", "target": "retail_and_recreation", "model_version": "portugal/3"} | facts
    table = tabulate(mean, quantiles, LEVELS, location=location, snapshot="5a" * 32, **facts)
    record = page.Track.model_validate(track) if track else None
    return {"table": table, "y": retail()[:"2022-09-28"], "parts": parts(model, days),
            "logarithms": in_logarithms(model), "lag": 3, "track": record}  # fmt: skip


def written(out, inputs):
    """The files of a published set, as predict.ipynb writes them."""
    write_forecast(inputs["table"], out)
    page.write_page(**inputs, out=out)
    return {path.name: path.read_bytes() for path in (out / "forecast").iterdir()}
