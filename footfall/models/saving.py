"""A fitted forecaster as a file: equal forecasters, equal bytes."""

import enum
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
from sktime.base import load as load_sktime
from sktime.forecasting.base import BaseForecaster


def save(forecaster: BaseForecaster, path: str | Path) -> None:
    """Write a forecaster in sktime's own saved form, a zip; equal forecasters give equal bytes.

    Members are those of `BaseForecaster.save`, but dated alike, so that the file's sha256 names the model.

    Parameters
    ----------
    path : str or Path
        File to write, ending in ``.zip``.
    """
    with zipfile.ZipFile(path, "w") as file:
        for name, member in (("_metadata", type(forecaster)), ("_obj", forecaster)):
            file.writestr(zipfile.ZipInfo(name), _pickled(member))


def _pickled(member: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(member)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """Forgets what pandas happened to have cached in its dates, which it would otherwise pickle with them.

    Members of an enum go by value, as by default in all our Pythons but 3.11.2, Debian 12's, which would name them.
    """

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, enum.Enum):
            return type(obj), (obj.value,)
        if isinstance(obj, pd.arrays.DatetimeArray):
            getattr(obj, "_cache", {}).clear()
        return NotImplemented


def load(path: str | Path) -> BaseForecaster:
    """The forecaster in a file that `save` wrote. Unpickles: only for files whose sha256 is known."""
    return load_sktime(Path(path))
