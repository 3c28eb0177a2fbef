"""The record of a run, ``record.json``: what ended how, and the sha256 of everything that belongs to it."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from flows.record.files import digests
from flows.record.owner import OWNER
from footfall.errors import DataProblem
from footfall.params import Limits

Outcome = Literal["succeeded", "failed", "kernel died", "out of memory", "timed out", "interrupted"]
Status = Literal["succeeded", "failed", "not run"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]  # a parameter's is written into a cell as it is
OURS = {"record.json", OWNER, "mlflow", "delivered"}  # in a run's folder beside what its record names
LEFT = re.compile(r"\.[^/]+\.part|\.DS_Store|\.ipynb_checkpoints/[^/]+")


class Ending(NamedTuple):
    """How a run ended: with which outcome, why in words, and the name of the class of the error, if one ended it."""

    outcome: Outcome
    reason: str = ""
    error_type: str = ""


class Cell(BaseModel):
    """One code cell of a run."""

    number: int
    title: str
    status: Status
    seconds: float | None = None


class Record(BaseModel):
    """What happened in one run of one notebook; ``record.json``."""

    notebook: Name
    outcome: Outcome
    reason: str = ""
    error_type: str = ""
    stopped_at: int | None = None
    started: dt.datetime
    seconds: float
    cells: list[Cell]
    parameters: dict[Name, Any]
    limits: Limits = Limits()
    template: str
    modified: bool
    inputs: dict[str, str]
    outputs: dict[str, str]
    pages: dict[str, str] = {}
    commit: str
    dirty: bool
    changed: list[str] = []  # older ones do not name the files
    lock: str
    tags: dict[str, str]


class Progress(BaseModel):
    """What a run was asked, and how far it came: seconds of each cell that ended well, and the one that is running."""

    parameters: dict[str, Any] = {}
    limits: Limits = Limits()
    seconds: dict[int, float] = {}
    running: int | None = None


def describe(record: Record) -> str:
    """How a run went; its name says of which market and day."""
    where = f" in cell {record.stopped_at}" if record.stopped_at else ""
    why = f": {record.reason}" if record.reason else f" in {record.seconds:.0f} s"
    return f"{record.outcome}{where}{why.rstrip('.')}."


def read_record(folder: Path) -> Record:
    """The record of a run.

    Raises
    ------
    DataProblem
        If there is none, or it is not whole.
    """
    try:
        return Record.model_validate_json((folder / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise DataProblem(f"{folder / 'record.json'}: no readable record ({type(error).__name__})") from error


def is_torn(path: Path) -> bool:
    """Whether a file is not even JSON, and so none of another version's either."""
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return True
    return False


def differences(folder: Path) -> list[str]:
    """What in a folder is not as its record says; nothing if every byte is.

    A part of a file, which a kill leaves beside it, is passed over, and what Finder and JupyterLab leave where they
    look: nothing reads or imports it.
    """
    record = read_record(folder)
    pages = {f"{record.notebook}.ipynb", f"{record.notebook}.html", "changes.html"}  # nothing that would be imported
    recorded = {
        **{f"template/{record.notebook}.ipynb": record.template},
        **{f"in/{name}": digest for name, digest in record.inputs.items()},
        **{f"out/{name}": digest for name, digest in record.outputs.items()},
        **{name: digest for name, digest in record.pages.items() if name in pages},
    }
    actual = {name: digest for name, digest in digests(folder).items() if name not in OURS and not LEFT.fullmatch(name)}
    return [
        f"{name}: {'missing' if name not in actual else 'not in the record' if name not in recorded else 'altered'}"
        for name in sorted(recorded.keys() | actual.keys())
        if recorded.get(name) != actual.get(name)
    ]
