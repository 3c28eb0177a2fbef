"""Who runs what: noted in ``owner.json`` of a run's folder, so that a death without a word is noticed."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ValidationError

from flows.account import replace


class Owner(BaseModel):
    """The process that a run belongs to, what the run can be found by, and the code that it began with."""

    pid: int
    born: float
    started: dt.datetime
    tags: dict[str, str]
    revision: dict[str, Any] = {}

    def lives(self) -> bool:
        """Whether the process is still there; its number may be another's by now."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.born and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def own(folder: Path, tags: dict[str, str], revision: dict[str, Any]) -> None:
    """Note that this process runs what happens in a folder, from now on."""
    born, now = psutil.Process().create_time(), dt.datetime.now(dt.UTC)
    write_owner(folder, Owner(pid=os.getpid(), born=born, started=now, tags=tags, revision=revision))


def write_owner(folder: Path, owner: Owner) -> None:
    """Note it in the folder."""
    replace(folder / "owner.json", owner.model_dump_json(indent=2))


def read_owner(folder: Path) -> Owner:
    """Who runs it; nobody, and since when is all that is known, where the machine stopped before the note was whole."""
    path = folder / "owner.json"
    try:
        return Owner.model_validate_json(path.read_bytes())
    except ValidationError:
        begun = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        return Owner(pid=0, born=0, started=begun, tags={})
