"""What stands in a cell: a moment, an hour, a number; strictly as the market's file says, and never guessed.

A workbook and a Parquet file hold dates and numbers as such, and they are taken as they are; a text is read by
``data.dates`` and ``data.decimal``. A blank is nothing, and whatever else cannot be read is wrong.
"""

import datetime as dt
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from footfall.errors import UsageProblem

OTHER_MINUSES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
SPACES = re.compile(r"[\s'\u2019]")
NUMBERS = {
    ".": re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|[-+]?\.\d+"),
    ",": re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?|[-+]?,\d+"),
}
CODES = re.compile(r"(?i)^(EUR|USD|GBP|CHF|NZD|AUD|BRL|R\$)|(EUR|USD|GBP|CHF|NZD|AUD|BRL)$")
HOUR = re.compile(r"(\d{1,2})(?:[:hH.](\d{2})?(?::\d{2})?)?\s*([ap]\.?m\.?)?(\s*[-–—].*)?", re.IGNORECASE)
HALF_OF_DAY = re.compile(r"[ap]\.?m\b", re.IGNORECASE)
MOST = 1e12  # of one value


def texts(column: pd.Series) -> pd.Series:
    """Every cell as text, without spaces around it; blank where it holds nothing."""
    return column.where(column.notna(), "").astype(str).str.strip()


def moments(column: pd.Series, form: str, zone: str, rows_zone: str | None) -> pd.Series:
    """The moments of a column of dates, as the clocks of `zone` show them; NaT where a cell is blank or none.

    Parameters
    ----------
    column : Series
        Texts, or a workbook's own dates.
    form : str
        How a text is written, as `datetime.datetime.strptime` takes it; with ``%z`` each says its zone.
    zone, rows_zone : str
        The market's time zone, and that of the rows where it is another; an hour that clocks show twice is the
        first, and one that they leave out the next.

    Raises
    ------
    UsageProblem
        If `form` is none.
    """
    if "%" not in form:
        raise UsageProblem(f"data.dates: {form!r} — write how dates are written as in '%d/%m/%Y' or '%Y-%m-%d %H:%M'")
    codes, unique = pd.factorize(column, use_na_sentinel=False)
    cells = pd.Series(unique, dtype=object)
    own = cells.map(lambda cell: isinstance(cell, dt.date) and cell is not pd.NaT).astype(bool)
    parsed = _parsed(texts(cells).mask(own, ""), form, zone)
    parsed[own] = [_own(cell, zone) for cell in cells[own]]
    is_local = cells.map(lambda cell: getattr(cell, "tzinfo", None) is None).astype(bool) & (own | ("%z" not in form))
    parsed[is_local] = moved(parsed[is_local], rows_zone, zone)
    return pd.Series(parsed.to_numpy()[codes], index=column.index)


def _parsed(texts: pd.Series, form: str, zone: str) -> pd.Series:
    try:
        parsed = pd.to_datetime(texts, format=form, errors="coerce", utc="%z" in form)
    except ValueError as error:
        raise UsageProblem(f"data.dates: {form!r} — {error}") from None
    return (parsed.dt.tz_convert(zone).dt.tz_localize(None) if "%z" in form else parsed).astype("datetime64[us]")


def _own(cell: Any, zone: str) -> Any:
    """The moment of a workbook's or Parquet's own date."""
    moment = pd.Timestamp(cell).as_unit("us")
    return moment.tz_convert(zone).tz_localize(None) if moment.tzinfo else moment


def moved(moments: pd.Series, from_zone: str | None, zone: str) -> pd.Series:
    """Moments as the clocks of another zone show them; days, which are all at midnight, are the same everywhere."""
    if from_zone in (None, zone) or moments.eq(moments.dt.normalize()).all():
        return moments
    first = np.ones(len(moments), dtype=bool)
    aware = moments.dt.tz_localize(from_zone, ambiguous=first, nonexistent="shift_forward")
    return aware.dt.tz_convert(zone).dt.tz_localize(None)


def numbers(column: pd.Series, decimal: str) -> pd.Series:
    """The numbers of a column, NaN where a cell is blank or none; `is_blank` tells which.

    Thousands are separated by the mark that is not the decimal, by spaces or by apostrophes; signs of currencies
    are passed over; a minus may stand behind, or be brackets.
    """
    codes, unique = pd.factorize(column, use_na_sentinel=False)
    return pd.Series(np.array([_number(cell, decimal) for cell in unique], dtype=float)[codes], index=column.index)


def is_blank(column: pd.Series) -> pd.Series:
    """Which cells hold nothing."""
    return column.isna() | column.map(lambda cell: isinstance(cell, str) and not cell.strip())


def _number(cell: Any, decimal: str) -> float:
    if isinstance(cell, bool | np.bool_) or cell is None:
        return np.nan
    if isinstance(cell, str):
        cell = _plain(cell, decimal)
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return np.nan
    return value + 0.0 if abs(value) <= MOST else np.nan


def _plain(text: str, decimal: str) -> str:
    """A number as Python writes it; nothing where it is none."""
    text = CODES.sub("", OTHER_MINUSES.sub("-", SPACES.sub("", text)))
    text = "".join(character for character in text if unicodedata.category(character) != "Sc")
    if text[:1] == "(" and text[-1:] == ")":
        text = "-" + text[1:-1]
    elif text[-1:] == "-":
        text = "-" + text[:-1]
    if not text.isascii() or not NUMBERS[decimal].fullmatch(text):
        return ""
    return text.replace("," if decimal == "." else ".", "").replace(",", ".")


def hours(column: pd.Series) -> pd.Series:
    """The minutes since midnight at which each cell's hour begins, of ``6:00-6:59``, ``06:00``, ``6`` or ``6 pm``.

    NaN where it is none, or can be read in two ways: ``7-8 pm``, whose first may be of the morning; ``0.25``, a quarter
    of a day to a workbook.
    """
    codes, unique = pd.factorize(column, use_na_sentinel=False)
    return pd.Series(np.array([_minutes(cell) for cell in unique], dtype=float)[codes], index=column.index)


def _minutes(cell: Any) -> float:
    if isinstance(cell, dt.time | dt.datetime):
        return cell.hour * 60 + cell.minute
    text = str(int(cell)) if isinstance(cell, float) and cell == cell and cell == int(cell) else str(cell).strip()
    match = HOUR.fullmatch(text)
    if not match or text.startswith("0.") or (not match[3] and HALF_OF_DAY.search(match[4] or "")):
        return np.nan
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        hour = hour % 12 + (12 if match[3][0] in "pP" else 0) if hour <= 12 else 24
    return hour * 60 + minute if hour < 24 and minute < 60 else np.nan
