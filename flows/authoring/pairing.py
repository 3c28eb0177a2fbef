"""jupytext: the committed notebooks as text, for reviews; and whether what they show is what their code showed.

The notebook is the original, and ``notebooks/text/<name>.py`` is made from it, so that a change reads as such.
A refreshed notebook carries the digest of the code that was executed and of what it showed; once either is another, its
outputs are stale.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from footfall.digest import sha256

EXECUTED = "executed"


def note_code(book: Any) -> None:
    """Say in a notebook that was just executed which code it was, and what that showed."""
    book.metadata[EXECUTED] = _digest(book)


def write_text(path: Path) -> bool:
    """Write a notebook's text form beside it; whether it was another before."""
    text, paired = _text(path), _paired(path)
    if paired.exists() and paired.read_text() == text:
        return False
    paired.parent.mkdir(exist_ok=True)
    paired.write_text(text)
    return True


def out_of_step(paths: list[Path]) -> Iterator[str]:
    """What may not be committed like this, and what mends it."""
    for path in paths:
        book = nbformat.read(path, as_version=4)
        if book.metadata.get(EXECUTED) != _digest(book):
            yield f"{path.name}: its outputs are of other code; run footfall notebooks refresh"
        if not _paired(path).exists() or _paired(path).read_text() != _text(path):
            yield f"{path.name}: text/{_paired(path).name} is of other cells; run footfall notebooks text"


def _digest(book: Any) -> str:
    executed = [(cell.source, cell.outputs) for cell in book.cells if cell.cell_type == "code"]
    return sha256(json.dumps(executed, sort_keys=True).encode())[:16]


def _paired(path: Path) -> Path:
    return path.parent / "text" / f"{path.stem}.py"


def _text(path: Path) -> str:
    import jupytext  # for developers only

    book = nbformat.read(path, as_version=4)
    # neither versions nor kernels: they change without a word being another
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,-all"}
    book.metadata = nbformat.from_dict({"jupytext": filters})
    return str(jupytext.writes(book, fmt="py:percent"))
