"""What of a record's code may be run, where nobody but MLflow says that it was: who can write there can forge both."""

import ast
import re
from pathlib import Path
from typing import Any

import nbformat

from flows.champion.entries import entries
from flows.record.files import content_digest, template_of
from flows.record.folder import deepen, is_committed
from flows.record.record import read_record
from flows.settings import notebook_of
from flows.storage import bucket as storage
from footfall.digest import sha256_of

TABLE = r"(in/[\w.]+)?"
PLACES = {  # where a flow lays down what a notebook's parameters name, in the run's own folder
    "champion": "(in/champion)?", "out": "out",
    "snapshot": TABLE, "weather": TABLE, "track": TABLE, "forecasts": TABLE, "scores": TABLE,
}  # fmt: skip


def unproved_code(folder: Path) -> list[str]:
    """What of a run's folder would run here and is vouched for by nothing but its record, and what to do about each.

    Its notebook must be that of a commit in the history of the code here, or the one that lies here; as it was
    executed, it must have the same code; its parameters must lead to what lies in the folder; and a model in it must be
    one that the market's ledger names.
    """
    record, template = read_record(folder), template_of(folder)
    here, executed, champion = notebook_of(template.stem), folder / f"{template.stem}.ipynb", folder / "in" / "champion"
    problems = []
    is_here = here.exists() and sha256_of(here) == sha256_of(template)
    if not is_here and not is_committed(template, here.name, record.commit):
        other = f"not {here.name} of commit {record.commit}, or that is no commit in the history of the code here"
        advice = f"nor {here}; {deepen()}git pull, or, once you have read it, put it there"
        problems.append(f"template/{template.name}: {other}, {advice}")
    if _code(executed) != _code(template):
        problems.append(f"{executed.name}: its code is not that of its template; look who writes to MLflow")
    for name, value in [*record.parameters.items(), *_injected(executed)]:
        if name in PLACES and not re.fullmatch(PLACES[name], str(value)):
            problems.append(f"{name} is {value!r}, where no flow has laid it; look who writes to MLflow")
    if champion.exists() and content_digest(champion) not in _promoted(record.tags.get("market", "")):
        advice = "look who writes to MLflow; footfall champion MARKET says which models are right"
        problems.append(f"in/champion: no model that the market's ledger names; {advice}")
    return problems


def _promoted(market: str) -> set[str]:
    """The sha256 of every model that a market's ledger names, each entry proved."""
    return {entry.sha256 for entry in entries(storage.connect(), market)}


def _code(notebook: Path) -> list[str]:
    """The code of a notebook, without the cell that a run's parameters were put into, if it holds nothing else."""
    return [cell.source for cell in _cells(notebook) if _literals(cell) is None]


def _injected(notebook: Path) -> list[tuple[str, Any]]:
    """The parameters of its run, as the executed notebook has them."""
    return [pair for cell in _cells(notebook) for pair in _literals(cell) or []]


def _cells(notebook: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]


def _literals(cell: nbformat.NotebookNode) -> list[tuple[str, Any]] | None:
    """The literals that a cell of parameters gives names to; None for any other cell, and where it does more."""
    if "injected-parameters" not in cell.metadata.get("tags", []):
        return None
    try:
        statements: list[Any] = ast.parse(cell.source).body
        return [(target.id, ast.literal_eval(each.value)) for each in statements for target in each.targets]
    except (SyntaxError, ValueError, AttributeError):  # no name is given to anything, or not to a literal
        return None
