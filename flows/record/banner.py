"""The truth on an executed notebook: how the run ended, where it stopped, and what did not run.

Papermill's own word is not used: it calls the cells of a dead kernel completed.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell

from flows.record import html
from flows.record.record import Cell, Course, Record, Status


def as_far_as_it_came(template: Path, folder: Path) -> Any:
    """The notebook as far as it came; the template, emptied, if it never began."""
    running = folder / "running.ipynb"
    book = nbformat.read(running if running.exists() else template, as_version=4)
    book.cells = [cell for cell in book.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])]
    for cell in book.cells if not running.exists() else []:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return book


def cells(executed: Any, course: Course) -> list[Cell]:
    """How each code cell ended, by the course of the run."""
    return [
        Cell(number=number, title=title, status=_status(index, course), seconds=course.seconds.get(index))
        for number, (index, title) in enumerate(html.titles(executed).items(), start=1)
    ]


def _status(index: int, course: Course) -> Status:
    if index in course.seconds:
        return "succeeded"
    return "failed" if index == course.running else "not run"


def stamped(executed: Any, record: Record, course: Course) -> Any:
    """The notebook with the truth on it: a banner on top, the cell where it stopped, the cells that did not run."""
    for index, cell in enumerate(executed.cells):
        if cell.cell_type == "code":
            cell.metadata["footfall"] = {"status": _status(index, course)}
        cell.metadata.pop("papermill", None)
    executed.metadata["footfall"] = {"outcome": record.outcome, "reason": record.reason}
    executed.metadata.pop("papermill", None)
    if course.running is not None:
        executed.cells.insert(course.running + 1, new_markdown_cell("*The cells below did not run.*"))
        here = f"### Stopped here\n\n> **{record.outcome}** — {_quoted(record.reason)}"
        executed.cells.insert(course.running, new_markdown_cell(here))
    executed.cells.insert(0, new_markdown_cell(_banner(record)))
    for number, cell in enumerate(executed.cells):
        cell["id"] = f"cell-{number}"  # as given they are random, and older notebooks have none
    return executed


def _banner(record: Record) -> str:
    on = ("market", "as_of", "data_through", "model_version")
    about = " · ".join(f"{name.replace('_', ' ')} {record.tags[name]}" for name in on if name in record.tags)
    template = " · this notebook differs from the committed one" if record.modified else ""
    code = f"commit `{record.commit[:10]}`{' with changes' if record.dirty else ''}{template}"
    line = f"> **{record.notebook} {record.outcome}** after {record.seconds:.0f} s · {about} · {code}"
    if record.outcome == "succeeded":
        return line
    where = f" [In cell {record.stopped_at}.](#Stopped-here)" if record.stopped_at else ""
    return f"{line}\n>\n> {_quoted(record.reason)}{where}"


def _quoted(reason: str) -> str:
    return "`" + " ".join(reason.replace("`", "'").split())[:500] + "`"
