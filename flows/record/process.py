"""A process, noted in a file such that it can be told later, by anyone on this machine, whether it still lives."""

import os

import psutil
from pydantic import BaseModel

from flows.machine import PROC

START = PROC / "sys" / "kernel" / "random" / "boot_id"  # another one after every start of the machine


class Process(BaseModel):
    """A process that is not taken for another one that gets its number later."""

    pid: int
    born: str | float

    def lives(self) -> bool:
        """Whether it is still there; zombies are not."""
        try:
            process = psutil.Process(self.pid)
            now = process.create_time() if isinstance(self.born, float) else _born(self.pid)
            return now == self.born and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return False


def this_process() -> Process:
    """The one that asks."""
    return process(os.getpid())


def process(pid: int) -> Process:
    """The one that has this number now."""
    return Process(pid=pid, born=_born(pid))


def _born(pid: int) -> str | float:
    """When it began: in ticks since the start of the machine, since the time of day is another after the clock is set.

    Where there is no ``/proc``, and in what older versions noted, it is the time of day all the same.
    """
    if not START.exists():
        return float(psutil.Process(pid).create_time())
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()  # its name may hold blanks and brackets
    return f"{START.read_text().strip()} {fields[19]}"
