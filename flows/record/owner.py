"""Who runs what: noted in ``owner.json`` of a run's folder, so that a death without a word is noticed."""

import datetime as dt
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.record.files import replace
from flows.record.process import Process, this_process
from flows.settings import home

OWNER = "owner.json"


class Owner(Process):
    """The process that a run belongs to, what the run can be found by, and the code that it began with."""

    started: dt.datetime
    tags: dict[str, str]
    revision: dict[str, Any] | None = None


def take_ownership(folder: Path, tags: dict[str, str], revision: dict[str, Any]) -> None:
    """Note that this process runs what happens in a folder, from now on."""
    owner = this_process().model_dump() | {"started": dt.datetime.now(dt.UTC), "tags": tags, "revision": revision}
    write_owner(folder, Owner(**owner))


def write_owner(folder: Path, owner: Owner) -> None:
    """Note it in the folder."""
    replace(folder / OWNER, owner.model_dump_json(indent=2))


def is_of_here(folder: Path) -> bool:
    """Whether a folder is one of this home's runs; a copy of another's has its note of an owner, too."""
    return (folder / OWNER).exists() and folder.resolve().parent == home() / "runs"


def read_owner(folder: Path) -> Owner:
    """Who runs it; nobody, and since when is all that is known, where the machine stopped before the note was whole."""
    path = folder / OWNER
    try:
        return Owner.model_validate_json(path.read_bytes())
    except ValidationError:
        begun = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        return Owner(pid=0, born="", started=begun, tags={})
