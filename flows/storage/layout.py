"""Where the bucket's objects are found: by browsers, and by people."""

import os
from pathlib import Path

from flows.settings import home


def place() -> str:
    """Where the bucket's objects lie as files, if they lie on this machine."""
    if "STORAGE_EMULATOR_HOST" not in os.environ:
        return ""
    path = home() / "bucket"
    return f"(on this disk: {os.path.relpath(path) if path.is_relative_to(Path.cwd()) else path})"


def address(market: str, name: str) -> str:
    """Where browsers find a file of a market's latest set."""
    host = os.environ.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com")
    return f"{host}/{os.environ.get('FOOTFALL_BUCKET', 'footfall')}/{market}/{name}"


def shown(market: str, name: str) -> str:
    """Where people find it: a path, if the bucket is on this machine."""
    if "STORAGE_EMULATOR_HOST" not in os.environ:
        return address(market, name)
    path = home() / "bucket" / os.environ["FOOTFALL_BUCKET"] / market / name
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
