"""What names things by what they hold."""

import hashlib
from pathlib import Path


def sha256(content: bytes) -> str:
    """Hexadecimal digest that names snapshots, models and forecasts by what they hold."""
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: str | Path) -> str:
    """Digest of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
