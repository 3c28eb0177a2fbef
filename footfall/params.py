"""Parameters: a market's YAML and the notebooks' parameter cells, as one set of typed models.

A market's file has the sections ``data``, ``explore``, ``train``, ``predict`` and ``review``; a notebook's parameters
are its section, the series it works on, and the files that the flow laid down for it; ``limits`` says what a run may
take of its machine. Fields and defaults of ``ExploreParams`` and its sisters equal the notebooks' parameters cells;
a test says so.
"""

import datetime as dt
import difflib
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from footfall.problems import UsageProblem, listed

PLACE = re.compile(r"[A-Z]{2}([-/][^\x00-\x1f\\]+)?")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
LEVELS = [round(0.05 * k, 2) for k in range(1, 20)]


def _iso_text(value: object) -> object:
    return value.isoformat() if type(value) is dt.date else value  # YAML turns an unquoted date into one


def _iso_day(value: str) -> str:
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError(f"{value!r} is no day of the calendar; write it as '2022-10-13'") from None


def _place(value: str) -> str:
    if not PLACE.fullmatch(value) or ".." in value:
        raise ValueError("a location is an ISO 3166 code, PT or PT-11, or names joined by /, as in PT/Lisbon/Amadora")
    return value


def _levels(value: list[float]) -> list[float]:
    if value != sorted(set(value)) or not {0.1, 0.5, 0.9} <= set(value) <= set(LEVELS):
        raise ValueError("quantiles must rise, be multiples of 0.05 between 0 and 1, and hold 0.1, 0.5 and 0.9")
    return value


Day = Annotated[str, BeforeValidator(_iso_text), AfterValidator(_iso_day)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Place = Annotated[str, AfterValidator(_place)]
Category = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
Lag = Annotated[int, Field(ge=0, le=28)]
Horizon = Annotated[int, Field(ge=1, le=28)]
Days = Annotated[int, Field(ge=1, le=2000)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Series(Strict):
    """The series a notebook works on, and the day it stands on."""

    location: Place = "PT"
    category: Category = "retail_and_recreation"
    as_of: Day = "2022-10-13"
    lag: Lag = 3


class ExploreSettings(Strict):
    """What may be turned in explore.ipynb."""

    fit_from: Days = 120


class TrainSettings(Strict):
    """What may be turned in train.ipynb."""

    backtest_days: Annotated[int, Field(ge=60, le=1000)] = 182  # of fewer, the ranges would lack errors to go by
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.02


class PredictSettings(Strict):
    """What may be turned in predict.ipynb."""

    horizon: Horizon = 7
    quantiles: Annotated[list[float], AfterValidator(_levels)] = LEVELS


class ReviewSettings(Strict):
    """What may be turned in review.ipynb: when the forecasts count as decayed."""

    window: Days = 42
    least_skill: Annotated[float, Field(ge=-10, le=1)] = -0.2
    least_cover: Share = 0.6
    most_cover: Share = 0.98


class ExploreParams(Series, ExploreSettings):
    """The parameters cell of explore.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    out: str = "../.footfall/lab/explore"


class TrainParams(Series, TrainSettings):
    """The parameters cell of train.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    champion: str = ""
    out: str = "../.footfall/lab/train"
    horizon: Horizon = 7


class PredictParams(Series, PredictSettings):
    """The parameters cell of predict.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    champion: str = "../.footfall/lab/train/model"
    model_version: str = "lab"
    track: str = ""
    out: str = "../.footfall/lab/predict"


class ReviewParams(Series, ReviewSettings):
    """The parameters cell of review.ipynb."""

    snapshot: str = "../resources/sample/snapshot.parquet"
    forecasts: str = "../resources/sample/forecasts.parquet"
    scores: str = ""
    out: str = "../.footfall/lab/review"


class Review(ReviewSettings):
    """What may be turned of the whole station: the notebook's settings, and how the flow acts on its decision."""

    rest: Annotated[int, Field(ge=0, le=2000)] = 28


class Data(Strict):
    """Where a market's figures come from, and which of them it forecasts."""

    source: str
    location: Place = "PT"
    category: Category = "retail_and_recreation"
    lag: Lag = 3
    as_of: Day | None = None
    countries: list[Country] = []
    stale_after: Days = 14
    accept_revisions: bool = False

    def is_stale(self, through: dt.date, on: dt.date) -> bool:
        """Whether a source whose last figures are of one day has stopped, seen from another."""
        return (on - through).days > self.stale_after

    def wanted(self) -> list[str]:
        """The countries to read: those named, else the location's own."""
        return self.countries or [self.location[:2]]


class Limits(Strict):
    """What a run may take of the machine it runs on; where it takes more, it is ended and its record says so."""

    cell_seconds: Annotated[int, Field(ge=1)] = 900
    notebook_seconds: Annotated[int, Field(ge=1)] = 3600
    memory_mb: Annotated[int, Field(ge=64)] = 4096


class Market(Strict):
    """One market, whole: its name and the six sections of its file."""

    name: str
    data: Data
    explore: ExploreSettings = ExploreSettings()
    train: TrainSettings = TrainSettings()
    predict: PredictSettings = PredictSettings()
    review: Review = Review()
    limits: Limits = Limits()

    def series(self) -> dict[str, Any]:
        """The fields of `Series`, for a notebook's parameters."""
        return self.data.model_dump(include={"location", "category", "lag", "as_of"})


def read_market(folder: Path, name: str, settings: dict[str, Any] | None = None) -> Market:
    """A market's parameters, validated whole before anything starts.

    Parameters
    ----------
    folder : Path
        Where the markets' files lie: ``params/``.
    name : str
        The market's name, which is its file's.
    settings : dict, optional
        Dotted keys and the values that replace the file's: ``{"data.source": "sample"}``.

    Raises
    ------
    UsageProblem
        Names the file, the key, what is wrong and, for an unknown key, the nearest right one.
    """
    path = _file(folder, name)
    sections = _read_yaml(path)
    for key, value in (settings or {}).items():
        _set(sections, key, value)
    try:
        return Market.model_validate({"name": name, **sections})
    except ValidationError as error:
        told = [f"{_origin(e, path, settings or {})}: {_sentence(e)}" for e in error.errors()]
        raise UsageProblem(listed(told)) from None


def read_value(text: str) -> Any:
    """The value of ``--set key=value``, read as YAML: a number, a list, a word."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except ValueError:
        return text  # an impossible day, say: its key knows best what is wrong with it
    except YAMLError:
        raise UsageProblem(f"{text!r} is not a value; write a number, a word, or a list like [PT, ES]") from None


def _file(folder: Path, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise UsageProblem(f"{name!r} cannot be a market's name; use small letters, digits, - and _")
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in folder.glob("*.yaml"))
        raise UsageProblem(f"no market {name!r} in {folder.name}/{_near(name, known)}")
    return path


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        sections = YAML(typ="safe", pure=True).load(path)
    except YAMLError as error:
        raise UsageProblem(f"{path.name}: {' '.join(str(error).split())}") from None
    if not isinstance(sections, dict) or "name" in sections:
        known = "data, explore, train, predict, review, limits"
        raise UsageProblem(f"{path.name}: must hold the sections {known}; the name is the file's")
    return sections


def _set(sections: dict[str, Any], key: str, value: Any) -> None:
    section, dot, name = key.partition(".")
    if not dot or not isinstance(sections.setdefault(section, {}), dict):
        raise UsageProblem(f"{key!r}: write section.key=value, as in data.source=sample")
    sections[section][name] = value


def _origin(error: Any, path: Path, settings: dict[str, Any]) -> str:
    """Where a value that cannot be right was written: in the market's file, or beside it."""
    key = [str(part) for part in error["loc"][:2]]
    if key == ["data", "as_of"] and "data.as_of" in settings:
        return "--as-of"
    return "--set" if any(asked.split(".")[: len(key)] == key for asked in settings) else path.name


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{where}: no such key{_near(str(error['loc'][-1]), _keys(error['loc'][:-1]))}"
    return f"{where}: {error['input']!r} — {error['msg'].removeprefix('Value error, ')}"


def _keys(section: tuple[str, ...]) -> list[str]:
    fields = Market.model_fields
    return list(fields[section[0]].annotation.model_fields if section else fields)  # type: ignore[union-attr]


def _near(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" — did you mean {close[0]}?" if close else f" — known are {', '.join(known)}"
