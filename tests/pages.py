"""Published pages of the bundled sample, without the days of backtest behind their ranges."""

import json

import numpy as np
import pandas as pd
from figures import outlook_of, parts_of, retail, tabulated

from footfall.forecast import write_forecast
from footfall.models.contributions import in_logarithms
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import fit, predict
from footfall.opening import WEEKDAYS, foreseen
from footfall.page import page
from footfall.page.about import About
from footfall.series import rows_of
from footfall.units import COUNT

LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
OFF = dict(zip(LEVELS, (-5, -4, -2, 0, 2, 4, 5), strict=True))
TRACK = {"through": "2022-09-28", "28": {"days": 28, "range_held": 0.79, "right": 0.714}, "90": {}}


def model():
    """What speaks on 1 October 2022."""
    return fit(LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother(), retail()[:"2022-09-28"])


def inputs(model, lift=0.0, location="PT", track=TRACK, **facts):
    """What a page is made of as of 1 October 2022, with the holiday of the 5th among its days."""
    days = pd.date_range("2022-10-02", periods=7)
    mean = predict(model, days) + lift
    quantiles = pd.DataFrame({f"q{100 * level:02.0f}": mean + off for level, off in OFF.items()})
    facts = {"origin_date": "2022-10-01", "target": "retail_and_recreation", "model_version": "portugal/3"} | facts
    table = tabulated(mean, quantiles, LEVELS, location=location, snapshot="5a" * 32, **facts)
    record = page.Track.model_validate(track) if track else None
    return {"table": table, "y": retail()[:"2022-09-28"], "parts": parts_of(model, days),
            "logarithms": in_logarithms(model), "lag": 3, "track": record}  # fmt: skip


def written(out, inputs):
    """The files of a published set, as predict.ipynb writes them."""
    write_forecast([inputs["table"]], out)
    facts = [inputs[name] for name in ("table", "y", "parts", "logarithms")]
    days = outlook_of(*facts, inputs.get("closed"), inputs.get("events", ()))
    about, folder = inputs.get("about", About()), out / "forecast"
    words = page.write_page(inputs["table"], inputs["y"], days, inputs["lag"], inputs["track"], folder, about,
                            inputs.get("closures", {}))  # fmt: skip
    (out / "words.json").write_text(json.dumps(words))
    return {path.name: path.read_bytes() for path in (out / "forecast").iterdir()}


def house(
    typical=140.0,
    shut=("monday",),
    closures=None,
    days_known=800,
    location="PT-11",
    name="Tasca da Esquina",
    origin="2026-10-08",
    horizon=7,
    **about,
):
    """What a page is made of, of a house of one's own, which counts its guests and is shut on some weekdays."""
    through, rng = pd.Timestamp(origin) - pd.Timedelta(days=1), np.random.default_rng(7)
    index = pd.date_range(end=through, periods=days_known)
    by_weekday = typical * np.array([0.6, 0.7, 0.75, 0.85, 1.15, 1.4, 1.0])
    noise = 1 + rng.normal(0, 0.12, days_known)
    y = pd.Series(by_weekday[index.dayofweek] * noise, index=index, name=COUNT).clip(lower=0)
    y = (y.round() if typical > 10 else y.round(1)).mask(index.dayofweek.isin([WEEKDAYS.index(day) for day in shut]))
    coming = pd.date_range(origin, periods=horizon + 1)[1:]
    rows = y.to_frame("value").assign(location=location, category=COUNT, open=y.isna().map({True: "no", False: "yes"}))
    series = rows.rename_axis("date").reset_index()
    closed = foreseen(rows_of(series, location, COUNT), location, COUNT, coming, closures)
    mean = pd.Series(by_weekday[coming.dayofweek] * np.linspace(0.97, 1.12, horizon), index=coming)
    shares = {f"q{100 * level:02.0f}": mean * (1 + off / 25) for level, off in OFF.items()}
    facts = {"origin_date": origin, "target": COUNT, "model_version": "tasca/3", "snapshot": "5a" * 32}
    table = tabulated(mean, pd.DataFrame(shares), LEVELS, closed, location=location, **facts)
    parts_ = pd.DataFrame({"level": np.log(mean)}, index=coming)
    about = About(name, **({"measure": {"pt": "clientes", "en": "guests"}, "credit": "Figures: the till."} | about))
    return {"table": table, "y": y, "parts": parts_, "logarithms": True, "lag": 1, "track": None,
            "about": about, "closed": closed, "closures": closures or {}}  # fmt: skip
