"""nbdime: what is different from the last good run of the same notebook and market, as a page of its own."""

import copy
import datetime as dt
import html
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbconvert.filters import ansi2html
from nbdime.diffing.notebooks import diff_notebooks
from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff

from flows.record.html import PAGE, POLICY, STYLE, titles
from footfall.digest import sha256

COLOURS = ".ansi-green-fg{color:#1d6b3a}.ansi-red-fg{color:#a4161a}.ansi-blue-fg{color:#0b5fa5}"
NOTHING = "Nothing changed."
PLACE = re.compile(r"## (\w+)(?: before)? /cells/(\d+)([^:\s]*):")
WORDS = {"modified": "changed", "replaced": "changed", "inserted": "added", "deleted": "taken away"}


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
    else:
        since = f"<p>Since the last good run, as of {html.escape(before[1].get('as_of', '?'))}.</p>"
        difference = _difference(_bare(before[0]), _bare(now[0]))
        facts = [_data(before[1], now[1]), _model(before[1], now[1]), _forecast(before[0], now[0])]
        said = ", ".join(filter(None, facts))
        sentence = f"{said[:1].upper()}{said[1:]}." if difference else NOTHING
    body = f"<h1>What changed</h1>{since}<blockquote><p>{html.escape(sentence)}</p></blockquote><pre>{difference}</pre>"
    page.write_text(
        PAGE.format(policy=POLICY, title="What changed", style=STYLE + COLOURS, body=body), encoding="utf-8"
    )


def _bare(folder: Path) -> Any:
    """The executed notebook without what differs on every run: banner, ids, metadata, the pixels of figures."""
    (path,) = (one for one in folder.glob("*.ipynb") if one.name != "running.ipynb")
    book = copy.deepcopy(nbformat.read(path, as_version=4))
    book.cells, book.metadata = book.cells[1:], nbformat.from_dict({})
    for cell in book.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
        cell.pop("id", None)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop("text/html", None)  # the same table stands beside it as text
            if "image/png" in data:
                pixels = sha256(data["image/png"].encode())[:8]
                output.data = nbformat.from_dict({"text/plain": f"a figure, its pixels {pixels}"})
    return book


def _difference(before: Any, now: Any) -> str:
    found = diff_notebooks(before, now)
    out = io.StringIO()
    if found:
        pretty_print_notebook_diff("the last good run", "this run", before, found, PrettyPrintConfig(out=out))
    subjects = titles(before)
    told = out.getvalue().split("\n", 3)[-1]  # without the names of the two files
    return str(ansi2html(PLACE.sub(lambda place: _in_words(place, subjects), told)))


def _in_words(place: re.Match[str], subjects: dict[int, str]) -> str:
    """``## modified /cells/2/source:`` as a person would say it."""
    how, index, part = place.groups()
    where = f"{subjects.get(int(index), '')}, {'output' if 'outputs' in part else 'code'}".removeprefix(", ")
    return f"{where} {WORDS.get(how, how)}"


def _data(before: dict[str, str], now: dict[str, str]) -> str:
    if before.get("snapshot") == now.get("snapshot"):
        return "data unchanged"
    days = [dt.date.fromisoformat(tags["data_through"]) for tags in (before, now) if "data_through" in tags]
    gained = (days[1] - days[0]).days if len(days) == 2 else 0
    return f"data {gained:+d} day{'s' if abs(gained) != 1 else ''}" if gained else "data revised"


def _model(before: dict[str, str], now: dict[str, str]) -> str:
    versions = [tags.get("model_version") for tags in (before, now)]
    if versions == [None, None]:
        return ""
    return "model unchanged" if versions[0] == versions[1] else f"model {versions[1]} instead of {versions[0]}"


def _forecast(before: Path, now: Path) -> str:
    """The largest move of the mean on a day that both forecast."""
    tables = [folder / "out" / "forecast" / "forecast.csv" for folder in (before, now)]
    if not all(table.exists() for table in tables):
        return ""
    was, is_now = (_means(pd.read_csv(table)) for table in tables)
    moves = (is_now - was).dropna()
    if moves.empty:
        return "no day in common"
    day = moves.abs().idxmax()
    if abs(moves[day]) < 0.05:
        return "forecast unchanged"
    return f"forecast for {dt.date.fromisoformat(str(day)):%A %d %B} {moves[day]:+.1f} points"


def _means(forecast: pd.DataFrame) -> pd.Series:
    return forecast[forecast["output_type"] == "mean"].set_index("target_end_date")["value"]
