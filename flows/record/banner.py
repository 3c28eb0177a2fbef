"""The truth on an executed notebook: how the run ended, where it stopped, and what did not run.

Papermill's own word is not used: it calls the cells of a dead kernel completed.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell

from flows.record import html
from flows.record.record import Cell, Progress, Record, Status


def executed_so_far(template: Path, running: Path) -> Any:
    """The notebook as far as it came; the template, emptied, if it never began."""
    book = nbformat.read(running if running.exists() else template, as_version=4)
    book.cells = [cell for cell in book.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    for cell in book.cells if not running.exists() else []:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return book


def cells(executed: Any, progress: Progress) -> list[Cell]:
    """How each code cell ended, by the progress of the run."""
    return [
        Cell(number=number, title=title, status=_status(index, progress), seconds=progress.seconds.get(index))
        for number, (index, title) in enumerate(html.titles(executed).items(), start=1)
    ]


def _status(index: int, progress: Progress) -> Status:
    if index in progress.seconds:
        return "succeeded"
    return "failed" if index == progress.running else "not run"


def with_banner(executed: Any, record: Record, progress: Progress) -> Any:
    """The notebook with the truth on it: a banner on top, the cell where it stopped, the cells that did not run."""
    for index, cell in enumerate(executed.cells):
        if cell.cell_type == "code":
            cell.metadata["footfall"] = {"status": _status(index, progress)}
        cell.metadata.pop("papermill", None)
    executed.metadata["footfall"] = {"outcome": record.outcome, "reason": record.reason}
    executed.metadata.pop("papermill", None)
    if progress.running is not None:
        executed.cells.insert(progress.running + 1, new_markdown_cell("*The cells below did not run.*"))
        stop = f"### Stopped here\n\n> **{record.outcome}** — {_quoted(record.reason)}"
        executed.cells.insert(progress.running, new_markdown_cell(stop))
    executed.cells.insert(0, new_markdown_cell(_banner(record)))
    for number, cell in enumerate(executed.cells):
        cell["id"] = f"cell-{number}"  # as given they are random, and older notebooks have none
    return executed


def _banner(record: Record) -> str:
    names = ("market", "scenario", "as_of", "data_through", "model_version")
    facts = " · ".join(f"{name.replace('_', ' ')} {record.tags[name]}" for name in names if name in record.tags)
    template = " · this notebook differs from the committed one" if record.modified else ""
    code = f"commit `{record.commit[:10]}`{' with changes' if record.dirty else ''}{template}"
    line = f"**{record.notebook} {record.outcome}** after {record.seconds:.0f} s · {facts} · {code}"
    if record.outcome == "succeeded":
        return _box("success", f"> ✓ {line}")
    where = f" [In cell {record.stopped_at}.](#Stopped-here)" if record.stopped_at else ""
    return _box("danger", f"> ✗ **FAILED** · {line}\n>\n> {_quoted(record.reason)}{where}")


def _box(kind: str, text: str) -> str:
    """In a colour, which Jupyter gives to alerts and our page too; the words say it without."""
    return f'<div class="alert alert-{kind}">\n\n{text}\n\n</div>'


def _quoted(reason: str) -> str:
    return "`" + " ".join(reason.replace("`", "'").split())[:500] + "`"
