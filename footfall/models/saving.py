"""A fitted forecaster as a file: equal forecasters, equal bytes; and back, from files of years ago too."""

import enum
import io
import pickle
import re
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sktime.base import BaseObject
from sktime.forecasting.base import BaseForecaster

from footfall.errors import DataProblem, UnreadableModel
from footfall.models.boosted import Boosted

MOVED = {  # where champions saved before a move look for a class, and where it is now
    ("footfall.models", "WeekdaySmoother"): "footfall.models.smoother",
    ("footfall.models", "ETS"): "footfall.models.ets",
    ("footfall.transforms", "LogLevel"): "footfall.models.transforms",
    ("footfall.transforms", "KindOfDay"): "footfall.models.transforms",
    ("footfall.transforms", "LastYearsTurn"): "footfall.models.transforms",
    ("footfall.boosted", "Boosted"): "footfall.models.boosted",
    ("footfall.boosted", "Panel"): "footfall.models.boosted",
}
LEFT_OVER = {("scipy.optimize._lbfgsb_py", "LbfgsInvHessProduct")}
# All that a forecaster's file may take from Python itself: values and types, and nothing that acts.
VALUES, TYPES = {"_codecs", "collections", "copyreg", "datetime", "decimal", "zoneinfo"}, {"builtins", "functools"}
# And of packages: the classes of those that models are made of, and the functions by which these put values together;
# of those below only the classes of values, since others read files or take a text for code.
PACKAGES = {"footfall", "lightgbm", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "sktime", "statsmodels"}
MAKES_A_VALUE = re.compile(r"\w*_reconstruct|scalar|_?frombuffer|_new_\w+|_\w*unpickle\w*|__\w+_ctor"
                           r"|_restore_array|py_buffer|type_for_alias")  # fmt: skip

CLASSES = {
    "footfall": r"footfall\.models\.(?!saving\.).+",
    "numpy": r"numpy\.(dtype|ndarray|\w*\d|bool_?|str_|bytes_|object_)|numpy\.random\..+",
    "pandas": r"pandas\.(DataFrame|Series|\w*Index|\w+Dtype|Categorical|Period|Interval)|pandas\.(_libs|arrays)\..+"
              r"|pandas\.core\.(arrays|dtypes|indexes|internals)\..+",
    "pyarrow": r"pyarrow\.lib\.\w+(Array|Scalar|Type)",
    "scipy": r"scipy\.optimize\._optimize\.OptimizeResult|scipy\.(interpolate|sparse|spatial)\..+",
    "sktime": r"sktime\.(?!classification|libs|forecasting\.arima\._pmdarima).+",  # read files, or words as code
}  # fmt: skip
OWN = "{} is the notebook's own; {} a module of footfall/models/, where predict finds it"


def refuse_own_of_notebook(forecaster: BaseForecaster) -> None:
    """Refuse one that `save` would, of a class or function that a notebook's cell defines: no other notebook finds it.

    Raises
    ------
    DataProblem
        It names the class or function; or if it is made of what cannot be saved at all, says so.
    """
    try:
        _pickled(forecaster)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise DataProblem(f"{type(forecaster).__name__} cannot be saved, {type(error).__name__}: {error}") from error


def save(forecaster: BaseForecaster, path: str | Path) -> None:
    """Write a forecaster in sktime's own saved form, a zip; equal forecasters give equal bytes.

    Members are those of `BaseForecaster.save`, but dated alike, so that the file's sha256 names the model.

    Parameters
    ----------
    path : str or Path
        File to write, ending in ``.zip``.

    Raises
    ------
    DataProblem
        If `load` would refuse the file.
    """
    with zipfile.ZipFile(path, "w") as file:
        for name, member in (("_metadata", type(forecaster)), ("_obj", forecaster)):
            file.writestr(zipfile.ZipInfo(name), _pickled(member))
    load(path)  # what cannot be had back is told by the training, not by the next morning's forecast


def _pickled(member: Any) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(member)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """Forgets what pandas happened to have cached in its dates, which it would otherwise pickle with them.

    Of a panel it keeps the trees that the forecaster has from it, see `Panel.keep`.

    Members of an enum go by value, as by default in all our Pythons but 3.11.2, Debian 12's, which would name them.
    """

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, type | types.FunctionType) and obj.__module__ == "__main__":
            what, to_do = ("class", "move it into") if isinstance(obj, type) else ("function", "write it as a class in")
            raise DataProblem(OWN.format(f"{what} {obj.__name__}", to_do))
        if isinstance(obj, enum.Enum):
            return type(obj), (obj.value,)
        if isinstance(obj, Boosted):
            reduced: Any = obj.__reduce_ex__(pickle.DEFAULT_PROTOCOL)
            make, arguments, state, *_ = reduced
            return make, arguments, state | {"panel": obj.panel_to_keep()}
        if isinstance(obj, pd.arrays.DatetimeArray):
            getattr(obj, "_cache", {}).clear()
        return NotImplemented


def load(path: str | Path) -> BaseForecaster:
    """The forecaster in a file that `save` wrote, at whatever time. Unpickles: only for files whose sha256 is known.

    A parameter that its class was given since has its default.

    Raises
    ------
    DataProblem
        If the file asks for something that no forecaster needs, such as a shell, or another unpickler.
    UnreadableModel
        If it asks for nothing of the kind, and the code that is here now makes no forecaster of it.
    """
    try:
        with zipfile.ZipFile(path) as file:
            forecaster = _Unpickler(io.BytesIO(file.read("_obj"))).load()
        for each in _parts(forecaster):
            _complete(each)
    except (DataProblem, MemoryError, OSError):  # of the machine, which says nothing of the file
        raise
    except Exception as error:  # whatever a class of anybody's, or of a library, makes of a state of long ago
        raise UnreadableModel(f"{type(error).__name__}: {error}") from error
    return forecaster


def _parts(forecaster: BaseForecaster) -> Iterator[BaseObject]:
    """It and all objects of sktime that it is made of, fitted ones too."""
    waiting, seen = [forecaster], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, BaseObject):
            yield value
            waiting += vars(value).values()
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def _complete(part: BaseObject) -> None:
    defaults = type(part).get_param_defaults()
    for name in type(part).get_param_names():
        if hasattr(part, name):
            continue
        if name not in defaults:
            where = f"{type(part).__module__}.{type(part).__qualname__}"
            raise UnreadableModel(f"{where} has a parameter {name} by now, without a default, and was saved without it")
        setattr(part, name, defaults[name])


class Leftover:
    """What a library keeps of how it searched, and no forecast needs: its form changes from one release to the next."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take nothing of it."""


class _Unpickler(pickle.Unpickler):
    """Finds classes where they have moved to, and takes only values, types, and what puts values together."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "getattr"):  # how Python 3.11.2 wrote a member of an enum
            return enum.EnumMeta.__getitem__
        if (module, name) in LEFT_OVER:
            return Leftover
        if module == "__main__":
            raise DataProblem(OWN.format(name, "move it into"))
        try:
            found = super().find_class(MOVED.get((module, name), module), name)
        except (ImportError, AttributeError) as error:
            raise UnreadableModel(f"it needs {module}.{name}, which is not there ({error})") from error
        home = getattr(found, "__module__", None) or module  # of `os.system`, however it was reached, `posix`
        if not _is_harmless(found, home, name):
            needed = "if a candidate of yours needs it, allow it in footfall/models/saving.py"
            raise DataProblem(f"the saved forecaster asks for {module}.{name}, which no forecaster needs; {needed}")
        return found


def _is_harmless(found: Any, home: str, name: str) -> bool:
    """Whether nothing is done by it but to make a value, going by the module it is from, and its name there."""
    package = home.partition(".")[0]
    if package in sys.stdlib_module_names:
        return home in VALUES or (home in TYPES and isinstance(found, type)) or found is types.SimpleNamespace
    if isinstance(found, type):
        return package in PACKAGES and bool(re.fullmatch(CLASSES.get(package, ".*"), f"{home}.{found.__qualname__}"))
    return package in PACKAGES and (isinstance(found, np.ufunc) or bool(MAKES_A_VALUE.fullmatch(name)))
