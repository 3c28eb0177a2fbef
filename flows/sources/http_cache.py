"""What was last fetched from each address, so that a server that can tell is asked only for what is new."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from footfall.digest import sha256_of

ABOUT = "about.json"
CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}  # what a server says, and is asked with


def conditions(kept: Path) -> dict[str, str]:
    """The headers that ask for what is new; none where nothing is kept, or it is no longer whole."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        about = json.loads((kept / ABOUT).read_text())
        if sha256_of(kept / about["file"]) == about["sha256"]:
            return {str(name): str(value) for name, value in about["conditions"].items() if str(value).isascii()}
    return {}


def recall(kept: Path, folder: Path) -> Path:
    """Lay down what is kept, of which the server says that it is what there is."""
    about = json.loads((kept / ABOUT).read_text())
    return Path(shutil.copy(kept / about["file"], folder))


def remember(kept: Path, path: Path, headers: Mapping[str, str]) -> None:
    """Keep a download in place of the one before, if its server said by what it can tell whether it changed."""
    asked = {CONDITIONS[name]: headers[name] for name in CONDITIONS if headers.get(name, "é").isascii()}
    with suppress(OSError):  # a full disk stops nothing: all is fetched the next time, too
        shutil.rmtree(kept, ignore_errors=True)
        if asked:
            kept.mkdir(parents=True)
            shutil.copy(path, kept)
            about = {"file": path.name, "sha256": sha256_of(path), "conditions": asked}
            (kept / ABOUT).write_text(json.dumps(about))
