"""A market's file in ``params/``, and what is set beside it, read and validated whole."""

import difflib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from footfall.errors import UsageProblem, listed
from footfall.params import Market
from footfall.sources.fault import safe

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
RULE = "use small letters, digits, - and _, a letter first, 40 at most"
FOLDERS = ("ledger", "snapshots", "doctor")  # the bucket's own, where each market has one too
LONG = 300  # characters of what is wrong, in a sentence about it
LARGEST = 10**15  # of whole numbers; none that is asked for comes near
DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)\d")  # Windows can have no file of this name, whatever follows the dot


def read_market(folder: Path, name: str, settings: dict[str, Any] | None = None, as_of: str | None = None) -> Market:
    """A market's parameters, validated whole before anything starts.

    Parameters
    ----------
    folder : Path
        Where the markets' files lie: ``params/``.
    name : str
        The market's name, which is its file's.
    settings : dict, optional
        Dotted keys and the values that replace the file's: ``{"data.source": "sample"}``.
    as_of : str, optional
        ISO day to stand on, in place of what file and settings say.

    Raises
    ------
    UsageProblem
        Names the file, the key, what is wrong and, for an unknown key, the nearest right one.
    """
    path = _file(folder, name)
    sections = _read_yaml(path)
    for key, value in ((settings or {}) | ({"data.as_of": as_of} if as_of else {})).items():
        _set(sections, key, value)
    try:
        return Market.model_validate({"name": name, **sections})
    except ValidationError as error:
        problems = [f"{_origin(e, path, settings or {}, as_of)}: {_sentence(e)}" for e in error.errors()]
        raise UsageProblem(listed(problems)) from None


class AsWritten(SafeConstructor):
    """Leaves a day, and a number without digits, as the text that it is written as: its key knows what is wrong."""

    def construct_yaml_int(self, node: Any) -> Any:
        """A whole number, or such a text: ``0x_``; also one with more digits than Python would write."""
        with suppress(ValueError):
            number = super().construct_yaml_int(node)
            if abs(number) < LARGEST:
                return number
        return self.construct_scalar(node)


AsWritten.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
AsWritten.add_constructor("tag:yaml.org,2002:int", AsWritten.construct_yaml_int)


def _load(source: Path | str) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = AsWritten
    return yaml.load(source)


def read_value(text: str) -> Any:
    """The value of ``--set key=value``, read as YAML: a number, a list, a word."""
    try:
        return _load(text)
    except (YAMLError, ValueError, RecursionError):
        advice = "write a number, a word, or a list like [PT, ES]"
        raise UsageProblem(f"{safe(repr(text), LONG)} is not a value; {advice}") from None


def read_markets(folder: Path) -> dict[str, Market | UsageProblem]:
    """Every market of a folder by its name; in its place what is wrong with its file, where that cannot be read."""
    found: dict[str, Market | UsageProblem] = {}
    for name in market_names(folder):
        try:
            found[name] = read_market(folder, name)
        except UsageProblem as problem:
            found[name] = problem
    return found


def market_names(folder: Path) -> list[str]:
    """The markets in ``params/``, sorted; a file whose name cannot be a market's is none."""
    return sorted(path.stem for path in folder.glob("*.yaml") if not _objection(path.stem))


def check_name(name: str) -> None:
    """Refuse what cannot be a market's name: a market is a file, a folder in the bucket and a model in the registry.

    Raises
    ------
    UsageProblem
        Says what is wrong with the name.
    """
    if objection := _objection(name):
        raise UsageProblem(f"{safe(repr(name), LONG)} cannot be a market's name: {objection}")


def check_alike(folder: Path, name: str) -> None:
    """Refuse a name that another market's file here has but for - and _: the scheduler's names have only one of them.

    Raises
    ------
    UsageProblem
        Names the other; of two that are there, the later in the alphabet is refused.
    """
    plain = name.replace("_", "-")
    others = [other for other in market_names(folder) if other.replace("_", "-") == plain]
    if (first := min(others, default=name)) != name:
        why = f"{first}.yaml is in {folder.name}/, and two that differ in - and _ alone would share their alerts"
        raise UsageProblem(f"{name!r} cannot be a market's name: {why}; give the market another")


def _objection(name: str) -> str:
    if name in FOLDERS:
        return "a folder of the bucket's own is called so; give the market, and its file in params/, another"
    if name.endswith(".yaml"):
        return f"give the market's name, {safe(Path(name).stem)}, and not its file"
    if DEVICE.fullmatch(name):
        return "on Windows no file can be called so; give the market another"
    return "" if NAME.fullmatch(name) else RULE


def _file(folder: Path, name: str) -> Path:
    check_name(name)
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise UsageProblem(f"no market {name!r} in {folder.name}/{_near(name, market_names(folder))}")
    check_alike(folder, name)
    return path


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        sections = _load(path)
    except (YAMLError, ValueError, RecursionError) as error:
        raise UsageProblem(f"{path.name}: {_unreadable(error)}") from None
    if not isinstance(sections, dict) or "name" in sections:
        expected = ", ".join(key for key in Market.model_fields if key != "name")
        raise UsageProblem(f"{path.name}: must hold the sections {expected}; the name is the file's")
    return sections


def _unreadable(error: Exception) -> str:
    """What is wrong with a file, and where; without the lines that tell programmers how not to be told."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return safe(" ".join(str(error).split()), 2 * LONG)
    line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
    return f"line {line}, column {column}: {safe(str(error.problem), LONG)}. Sections hold keys and plain values."


def _set(sections: dict[str, Any], key: str, value: Any) -> None:
    section, dot, name = key.partition(".")
    held = sections.get(section) or {}  # of a section without keys YAML makes nothing
    if not dot or not isinstance(held, dict):
        raise UsageProblem(f"{safe(repr(key), LONG)}: write section.key=value, as in data.source=sample")
    sections[section] = held | {name: value}


def _origin(error: Any, path: Path, settings: dict[str, Any], as_of: str | None) -> str:
    """Where a value that cannot be right was written: in the market's file, or beside it."""
    key = [str(part) for part in error["loc"][:2]]
    if key == ["data", "as_of"] and as_of:
        return "--as-of"
    return "--set" if any(dotted.split(".")[: len(key)] == key for dotted in settings) else path.name


def _sentence(error: Any) -> str:
    key = safe(".".join(str(part) for part in error["loc"]), LONG)
    if error["type"] == "extra_forbidden":
        return f"{key}: no such key{_near(str(error['loc'][-1]), _keys(error['loc'][:-1]))}"
    if error["type"] == "missing":
        return f"{key}: missing; it has to be said"
    if isinstance(error["input"], dict) and error["type"] == "value_error":  # of the section as a whole
        return f"{key}: {safe(error['msg'].removeprefix('Value error, '), LONG)}"
    in_quotes = "; put it into quotes" if error["type"] == "string_type" else ""
    # it may hold a password
    shown = "an address" if re.search("://|:.*@", str(error["input"])) else repr(error["input"])
    return f"{key}: {safe(shown, LONG)} — {safe(error['msg'].removeprefix('Value error, '), LONG)}{in_quotes}"


def _keys(section: tuple[str, ...]) -> list[str]:
    if not section:
        return list(Market.model_fields)
    annotation: Any = Market.model_fields[section[0]].annotation
    model = next(iter(get_args(annotation)), annotation)  # of one that may be left out, its first
    return list(model.model_fields)


def _near(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(word, words, n=1)
    known = f"known are {', '.join(words)}" if words else "there is none"
    return f" — did you mean {close[0]}?" if close else f" — {known}"
