"""Parameters: those of a market's file and of the notebooks' parameter cells, as one set of typed models.

A market's file has the sections ``data``, ``explore``, ``train``, ``predict`` and ``review``; a notebook's parameters
are its section, the series it works on, and the files that the flow laid down for it; ``notify`` says who is told,
``weather`` where it is asked for, and ``limits`` what a run may take of its machine. Fields and defaults of
``ExploreParams`` and its sisters equal the notebooks' parameters cells; a test says so.
"""

import datetime as dt
import re
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from footfall.quantiles import HIGH, LEVELS, LOW
from footfall.units import COUNT

OBEYED = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what terminals and lines of text obey
PLAIN, PLAIN_RULE = (
    f"[^{OBEYED}]{{0,300}}",
    "up to 300 characters of plain text in one line, without control characters",
)
FARTHEST = 28  # days ahead, and days that figures may be late
FEWEST_ORIGINS = 60  # of a backtest; of fewer, the ranges would lack errors to go by
FEWEST_ERRORS = 20  # of one horizon, below which all horizons are pooled
MORNING = "06:00"  # when the day's runs begin, see prefect.yaml
LIVE = ("carris", "hystreet")  # formats of sources that go on: today is in them, half over
COVER = (0.6, 0.98)  # band for the share of days inside the 80 % range: of a challenger, and of what was published


def fewest_origins(horizon: int, lag: int) -> int:
    """Origins of a backtest with a verdict: the last that is chosen on knows enough errors of the farthest day."""
    last_chosen = FEWEST_ERRORS + horizon + lag  # two thirds of them, see `footfall.evaluation.backtest.windows`
    return max(FEWEST_ORIGINS, -(-3 * last_chosen // 2) + horizon - 1)


def _iso_day(value: str) -> str:
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("this is no day of the calendar; write it as '2022-10-13'") from None


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as Europe, is opened as a file
        raise ValueError("this is no time zone; write one like Europe/Lisbon") from None


def _matching(pattern: str, rule: str) -> AfterValidator:
    """A text of this form, or the rule in words."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _span(value: list[str]) -> list[str]:
    if len(value) != 2 or value[0] > value[1]:
        raise ValueError("a span has two days, of which the second is not before the first")
    return value


def _forms(value: Any) -> Any:
    forms = [value, value] if isinstance(value, str) else value
    is_text = isinstance(forms, list) and all(isinstance(form, str) and re.fullmatch(PLAIN, form) for form in forms)
    if not is_text or len(forms) != 2 or (forms is value and not all(forms)):
        raise ValueError(f"a word, or that of one and that of several, [guest, guests]; {PLAIN_RULE}")
    return value


def _levels(value: list[float]) -> list[float]:
    if value != sorted(set(value)) or not {LOW, 0.5, HIGH} <= set(value) <= set(LEVELS):
        raise ValueError(f"quantiles must rise, be multiples of 0.05 between 0 and 1, and hold {LOW}, 0.5 and {HIGH}")
    return value


Day = Annotated[str, AfterValidator(_iso_day)]
Span = Annotated[list[Day], AfterValidator(_span)]
Country = Annotated[str, _matching(r"[A-Z]{2}", "a country's code is two capitals, as in PT")]
Location = Annotated[str, _matching(
    rf"(?!.*\.\.)[A-Z]{{2}}([-/][^\\{OBEYED}]{{1,300}})?",
    "a location is an ISO 3166 code, PT or PT-11, or names joined by /, as in PT/Lisbon/Amadora",
)]  # fmt: skip
Line = Annotated[str, _matching(f"[^{OBEYED}]*", "text in one line, without control characters")]
Words = Annotated[str, _matching(PLAIN, PLAIN_RULE)]
Forms = Annotated[Any, AfterValidator(_forms)]  # a word, or those of one and of several
Category = Annotated[str, _matching(r"[a-z][a-z_]*", "a category has small letters and _, as in retail_and_recreation")]
Lag = Annotated[int, Field(ge=0, le=FARTHEST)]
Horizon = Annotated[int, Field(ge=1, le=FARTHEST)]
Variable = Annotated[str, _matching(
    r"[A-Z][A-Z0-9_]*|", "the name of a variable of the environment that holds the address, as in TASCA_ADDRESS"
)]  # fmt: skip
Hour = Annotated[str, _matching(r"([01]\d|2[0-3]):[0-5]\d", "a day starts between 00:00 and 23:59, as in 05:00")]
Days = Annotated[int, Field(ge=1, le=2000)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class SeriesChoice(Strict):
    """Which of the series that are read (`Data.wanted`) one market forecasts; what is left out restricts nothing."""

    countries: list[Country] | None = None
    categories: list[Category] | None = None
    at_least: Annotated[int, Field(ge=0)] = 0  # days with a value


class Series(Strict):
    """The series a notebook works on, and the day it stands on."""

    location: Location = "PT"
    category: Category = "retail_and_recreation"
    series: Literal["all"] | dict[str, Any] | None = None
    show: str = ""
    as_of: Day = "2022-10-13"
    lag: Lag = 3


class ExploreSettings(Strict):
    """What may be turned in explore.ipynb."""

    fit_from: Days = 28


class TrainSettings(Strict):
    """What may be turned in train.ipynb."""

    backtest_days: Annotated[int, Field(ge=FEWEST_ORIGINS, le=1000)] = 182
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.02
    most_losing: Share = 0.1


class PredictSettings(Strict):
    """What may be turned in predict.ipynb."""

    horizon: Horizon = 7
    quantiles: Annotated[list[float], AfterValidator(_levels)] = LEVELS


class ReviewSettings(Strict):
    """What may be turned in review.ipynb: when the forecasts count as decayed."""

    window: Days = 42
    least_skill: Annotated[float, Field(ge=-10, le=1)] = -0.2
    least_cover: Share = COVER[0]
    most_cover: Share = COVER[1]


class ExploreParams(Series, ExploreSettings):
    """The parameters cell of explore.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    out: str = "../.footfall/lab/explore"
    horizon: Horizon = 7


class TrainParams(Series, TrainSettings):
    """The parameters cell of train.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    champion: str = ""
    closures: dict[str, Any] = {}
    weather: str = ""
    out: str = "../.footfall/lab/train"
    horizon: Horizon = 7


class PredictParams(Series, PredictSettings):
    """The parameters cell of predict.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    champion: str = "../.footfall/lab/train/model"
    model_version: str = "lab"
    track: str = ""
    weather: str = ""
    out: str = "../.footfall/lab/predict"
    stale_after: Days = 14
    closures: dict[str, Any] = {}
    place: str = ""
    measure: dict[str, str | list[str]] = {}
    credit: str | None = None
    accessed: str = ""


class ReviewParams(Series, ReviewSettings):
    """The parameters cell of review.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    forecasts: str = "../resources/sample/forecasts.parquet"
    scores: str = ""
    closures: dict[str, Any] = {}
    out: str = "../.footfall/lab/review"


class Review(ReviewSettings):
    """What may be turned of the whole station: the notebook's settings, and how the flow acts on its decision."""

    rest: Annotated[int, Field(ge=0, le=2000)] = 28


class Columns(Strict):
    """Where a table of one's own has what: names of its columns, as they stand in its first line."""

    date: str = "date"
    value: str | list[str] | None = None  # several: sites are columns; none: rows are counted
    parts: list[str] = []  # in place of value: summed, as lunch and dinner are, or two doors of one place
    site: str | None = None
    hour: str | None = None

    @model_validator(mode="after")
    def _each_is_one_thing(self) -> "Columns":
        if self.value and self.parts:
            raise ValueError("columns are sites (value) or parts of one's day (parts), not both")
        if twice := sorted({name for name in self.wanted if self.wanted.count(name) > 1}):
            raise ValueError(f"{twice[0]!r} is named twice; a column is one thing")
        return self

    @property
    def values(self) -> list[str]:
        """Those of values: one, one for each site or part of a day, or none where rows are counted."""
        return [self.value] if isinstance(self.value, str) else self.value or self.parts

    @property
    def wanted(self) -> list[str]:
        """All that a table must have, the date's first."""
        return [self.date, *self.values, *filter(None, [self.site, self.hour])]


class Closed(Strict):
    """Days on which a place is shut, as its owner says."""

    weekdays: list[Weekday] = []
    dates: list[Day] = []
    from_to: list[Span] = []  # both days included


class Data(Strict):
    """Where a market's figures come from, what they look like, and which of them it forecasts."""

    source: Line
    unit: Literal["percent", "counts"] = "percent"
    # None: google for percent, else told
    format: Literal["google", "table", "saft", "carris", "hystreet"] | None = None
    columns: Columns = Columns()
    dates: Line = "%Y-%m-%d"
    decimal: Literal[".", ","] = "."
    rows: Literal["days", "hours", "orders"] = "days"
    # what the files of a folder are; None: exports of the same figures, refused where they differ
    files: Literal["sites", "exports"] | None = None
    day_starts: Hour = "00:00"
    timezone: Annotated[str, AfterValidator(_zone)] = "Europe/Lisbon"
    rows_timezone: Annotated[str, AfterValidator(_zone)] | None = None  # None: the market's own
    location: Location = "PT"
    category: Category = "retail_and_recreation"
    series: Literal["all"] | SeriesChoice | None = None  # None: the one at location and category; all: those below it
    show: Line = ""  # of many, which one notebooks draw: "PT-11/Loja" or "PT-11/Loja count"; empty: the first
    name: Words = ""
    measure: dict[Literal["pt", "en", "es", "fr", "de"], Forms] = {}
    closed: Closed = Closed()
    absent: Literal["closed", "unknown"] | None = None  # None: absent rows only tell of weekdays that are never open
    credit: Words | None = None  # None: Google's, where the figures are Google's
    lag: Lag = 3
    as_of: Day | None = None
    countries: list[Country] = []
    stale_after: Days = 14
    accept_revisions: bool = False

    @model_validator(mode="before")
    @classmethod
    def _of_counts(cls, values: Any) -> Any:
        """Counts are of the one category ``count``; their lag is a day, and of days that go on at `MORNING` two."""
        if isinstance(values, dict) and values.get("unit") == "counts":
            return {"category": COUNT, "lag": 1 + (str(values.get("day_starts", "")) > MORNING), **values}
        return values

    @model_validator(mode="after")
    def _unit_fits(self) -> "Data":
        if (self.unit == "counts") != (self.category == COUNT):
            raise ValueError(f"the category of counts is {COUNT!r}, and of nothing else; leave data.category out")
        if self.format in LIVE and (self.unit != "counts" or self.lag < 1):
            raise ValueError(f"{self.format} has today, half over: data.unit is counts, and data.lag at least 1")
        return self

    @model_validator(mode="after")
    def _files_are_ones_own(self) -> "Data":
        if self.files and (self.is_googles() or self.format in LIVE):
            raise ValueError("data.files says what the exports of one's own till are; leave it out")
        if self.files == "sites" and (self.columns.site or isinstance(self.columns.value, list)):
            raise ValueError("sites are files (data.files) or columns (columns.site, or several of value), not both")
        return self

    def of_the_place(self) -> dict[str, Any]:
        """What predict.ipynb is told of the place: when it is shut, its name, what is counted, and by whom."""
        of_others = self.unit == "percent" and not self.is_googles()
        credit = "" if self.credit is None and of_others else self.credit
        closures = self.closed.model_dump(exclude_defaults=True)
        return {"closures": closures, "place": self.name, "measure": self.measure, "credit": credit,
                "stale_after": self.stale_after}  # fmt: skip

    def choice(self) -> Any:
        """Which series, as `footfall.selection.select` is told."""
        return self.series.model_dump(exclude_none=True) if isinstance(self.series, SeriesChoice) else self.series

    def is_googles(self) -> bool:
        """Whether the figures are Google's, as those are that nothing else is said of."""
        return self.format == "google" or (self.format is None and self.unit == "percent")

    def wanted(self) -> list[str]:
        """The countries to read: those named, here or for its series, else the location's own."""
        of_many = (self.series.countries if isinstance(self.series, SeriesChoice) else None) or []
        return self.countries or of_many or [self.location[:2]]


class Notify(Strict):
    """To whom the week is told in words, and when; nobody where no address is named."""

    address_from: Variable = ""
    language: Literal["pt", "en", "es", "fr", "de"] = "en"
    days: list[Weekday] = list(get_args(Weekday))


class Weather(Strict):
    """Where a market's weather is that of: degrees north and east."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Limits(Strict):
    """What a run may take of the machine it runs on; where it takes more, it is ended and its record says so."""

    cell_seconds: Annotated[int, Field(ge=1)] = 900
    notebook_seconds: Annotated[int, Field(ge=1)] = 3600
    memory_mb: Annotated[int, Field(ge=64)] = 4096


class Market(Strict):
    """One market, whole: its name and the sections of its file."""

    name: str
    data: Data
    explore: ExploreSettings = ExploreSettings()
    train: TrainSettings = TrainSettings()
    predict: PredictSettings = PredictSettings()
    review: Review = Review()
    notify: Notify = Notify()
    weather: Weather | None = None
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _backtest_suffices(self) -> "Market":
        horizon, lag = self.predict.horizon, self.data.lag
        if self.train.backtest_days < (fewest := fewest_origins(horizon, lag)):
            where = f"predict.horizon is {horizon} and data.lag {lag}"
            raise ValueError(f"train.backtest_days is at least {fewest} where {where}")
        return self

    def series(self) -> dict[str, Any]:
        """The fields of `Series`, for a notebook's parameters."""
        return self.data.model_dump(include=set(Series.model_fields), exclude_none=True)
