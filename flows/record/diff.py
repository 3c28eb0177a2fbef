"""nbdime: what is different from the last good run of the same notebook and market, as a page of its own."""

import datetime as dt
import html
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbconvert.filters import ansi2html, strip_ansi
from nbdime.diffing.config import DiffConfig
from nbdime.diffing.generic import diff
from nbdime.diffing.notebooks import compare_cell_approximate, notebook_differs, notebook_predicates
from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff
from nbformat.v4 import new_output

from flows.record.excerpt import ends_of, excerpt, lines_of
from flows.record.files import RUNNING
from flows.record.html import STYLE, title, titles, write_page
from footfall.digest import sha256
from footfall.units import unit_of

COLOURS = ".ansi-green-fg{color:#1d6b3a}.ansi-red-fg{color:#a4161a}.ansi-blue-fg{color:#0b5fa5}"
NOTHING = "Nothing changed."
MOST = 50_000_000  # pairs of letters that are compared: some seconds
OTHER = "So much of the code is another that it is not compared here; both executed notebooks have all of it."
HEAD = re.compile(r"## (\w+)(?: before)? /cells/(\d+)([^:\s]*):")
WORDS = {"modified": "changed", "replaced": "changed", "inserted": "added", "deleted": "taken away"}

# Of two runs the code is mostly the same, and each cell shows one text: which cells and outputs belong together is seen
# at once, where nbdime would ask of each how much it resembles each other.
PAIRED = DiffConfig(predicates=notebook_predicates.copy(), differs=notebook_differs)
PAIRED.predicates["/cells"] = [compare_cell_approximate, lambda before, now: before.source == now.source]
PAIRED.predicates["/cells/*/outputs"] = [lambda before, now: True]


def write_changes(page: Path, now: tuple[Path, dict[str, str]], before: tuple[Path, dict[str, str]] | None) -> None:
    """Write the page.

    Parameters
    ----------
    page : Path
        ``changes.html`` of the run.
    now, before : (Path, dict)
        A run's folder and its tags; `before` is None where there was no good run yet.
    """
    if before is None:
        since, sentence, difference = "", "There is no earlier good run to compare with.", ""
    elif _never_began(now[0]):
        since, sentence, difference = "", "It stopped before its notebook began.", ""
    else:
        since = f"<p>Since the last good run, as of {html.escape(before[1].get('as_of', '?'))}.</p>"
        difference = _difference(_bare(before[0]), _bare(now[0]))
        facts = [_data(before[1], now[1]), _model(before[1], now[1]), _forecast(before[0], now[0])]
        summary = ", ".join(filter(None, facts))
        sentence = f"{summary[:1].upper()}{summary[1:]}." if difference else NOTHING
    body = f"<h1>What changed</h1>{since}<blockquote><p>{html.escape(sentence)}</p></blockquote><pre>{difference}</pre>"
    write_page(page, title("What changed", now[1]), body, STYLE + COLOURS)


def _executed(folder: Path) -> Any:
    (path,) = (path for path in folder.glob("*.ipynb") if path.name != RUNNING)
    return nbformat.read(path, as_version=4)


def _never_began(folder: Path) -> bool:
    """Whether no cell ran: what such a run did not come to is nothing that changed."""
    codes = (cell for cell in _executed(folder).cells if cell.cell_type == "code")
    return all(cell.metadata.get("footfall", {}).get("status") == "not run" for cell in codes)


def _bare(folder: Path) -> Any:
    """The executed notebook without what differs on every run: banner, ids, counts, metadata, the pixels of figures.

    What a cell showed becomes one text: nbdime compares texts line by line, but each output with every other.
    """
    book = excerpt(_executed(folder))
    book.cells, book.metadata = ends_of(book.cells[1:]), nbformat.from_dict({})
    for cell in book.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
        cell.pop("id", None)
        cell.pop("execution_count", None)
        if cell.get("outputs"):
            cell.outputs = [new_output("stream", text=lines_of("\n".join(map(_as_text, cell.outputs))))]
    return book


def _as_text(output: Any) -> str:
    """What an output shows; of a figure, whether it is another one."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return str(strip_ansi(output.traceback[0]))
    if "image/png" in output.data:
        return f"a figure, its pixels {sha256(output.data['image/png'].encode())[:8]}"
    return str(output.data.get("text/plain", ""))  # where it is a table too, the same stands here


def _difference(before: Any, now: Any) -> str:
    if _pairs(before, now) > MOST:
        return OTHER
    changes = diff(before, now, config=PAIRED)
    out = io.StringIO()
    if changes:
        pretty_print_notebook_diff("the last good run", "this run", before, changes, PrettyPrintConfig(out=out))
    subjects = titles(before)
    text = out.getvalue().split("\n", 3)[-1]  # without the names of the two files
    return str(ansi2html(HEAD.sub(lambda head: _in_words(head, subjects), text)))


def _pairs(before: Any, now: Any) -> int:
    """The letters of code that only one has times those that only the other has: nbdime compares each with every."""
    codes = [Counter(cell.source for cell in book.cells) for book in (before, now)]
    gone, come = (sum(map(len, only.elements())) for only in (codes[0] - codes[1], codes[1] - codes[0]))
    return gone * come


def _in_words(head: re.Match[str], subjects: dict[int, str]) -> str:
    """``## modified /cells/2/source:`` as a person would say it."""
    how, index, part = head.groups()
    where = f"{subjects.get(int(index), '')}, {'output' if 'outputs' in part else 'code'}".removeprefix(", ")
    return f"{where} {WORDS.get(how, how)}"


def _data(before: dict[str, str], now: dict[str, str]) -> str:
    if before.get("snapshot") == now.get("snapshot"):
        return "data unchanged"
    days = [dt.date.fromisoformat(tags["data_through"]) for tags in (before, now) if "data_through" in tags]
    gained = (days[1] - days[0]).days if len(days) == 2 else 0
    revised = " and revised" if "revised" in now else ""
    return f"data {gained:+d} day{'s' if abs(gained) != 1 else ''}{revised}" if gained else "data revised"


def _model(before: dict[str, str], now: dict[str, str]) -> str:
    versions = [tags.get("model_version", "none") for tags in (before, now)]
    if versions == ["none", "none"]:
        return ""
    return "model unchanged" if versions[0] == versions[1] else f"model {versions[1]} instead of {versions[0]}"


def _forecast(before: Path, now: Path) -> str:
    """The largest move of the mean on a day that both forecast."""
    tables = [folder / "out" / "forecast" / "forecast.parquet" for folder in (before, now)]
    if not all(table.exists() for table in tables):
        return ""
    old, new = map(_means, tables)
    moves = (new - old).dropna()
    if moves.empty:
        return "no day in common"
    location, target, day = largest = moves.abs().idxmax()
    if abs(moves[largest]) < 0.05:
        return "forecast unchanged"
    whose = f"{location} " if moves.index.get_level_values("location").nunique() > 1 else ""
    return f"forecast for {whose}{dt.date.fromisoformat(day):%A %d %B} {moves[largest]:+.1f} {unit_of(target).errors}"


def _means(table: Path) -> pd.Series:
    keys = ["location", "target", "target_end_date"]
    means = pd.read_parquet(table, columns=[*keys, "value"], filters=[("output_type", "==", "mean")])
    return means.set_index(keys)["value"]
