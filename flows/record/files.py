"""Files of a run's folder: written whole, and known by what they hold."""

import os
from pathlib import Path

from footfall.digest import sha256, sha256_of

RUNNING, PROGRESS = "running.ipynb", "progress.json"  # of a run that is going on


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of every file in a folder, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def content_digest(folder: Path) -> str:
    """One sha256 over the names and contents of a folder: the name of a model by what it holds."""
    return sha256("\n".join(f"{name} {digest}" for name, digest in digests(folder).items()).encode())


def template_of(folder: Path) -> Path:
    """The notebook as it was when the run began."""
    return next((folder / "template").glob("*.ipynb"))


def replace(path: Path, text: str, durable: bool = True) -> None:
    """Write a file whole or not at all; a durable one is on the disk itself when this returns, whatever stops then."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    if durable:
        _settle(part)
    os.replace(part, path)
    if durable:
        _settle(path.parent)


def settle(folder: Path) -> None:
    """Have everything that lies in a folder on the disk itself: a loss of power then takes no part of it."""
    for path in (*folder.rglob("*"), folder):
        if path.is_file() or path.is_dir():  # and no pipe, which would be waited for
            _settle(path)


def _settle(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
