"""nbconvert: an executed notebook as one self-contained, sanitised HTML page that asks no other host for anything."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import bleach
import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from flows.record.excerpt import excerpt

FOLDER = Path(__file__).parent
STYLE, PAGE = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.html"))
JUMP = {  # MLflow's frame follows no link, not even within the page; but whoever clicks a label is taken to its field
    r'(<a href="#Stopped-here">)(In cell .*?)(</a>)': r'\1<label for="stop">\2</label>\3',
    r'(<h3 id="Stopped-here">)': r'\1<input id="stop" readonly tabindex="-1" aria-hidden="true">',
}
OUTWARDS = re.compile(r'<a href="\.\./[^"]*">(.*?)</a>', re.DOTALL)  # leads to the repository, which no record has
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FOLDED = (
    "{% extends 'basic/index.html.j2' %}{% block input_group %}<details class='code'"
    "{% if cell.metadata.footfall and cell.metadata.footfall.status == 'failed' %} open{% endif %}>"
    "<summary>code</summary>{{ super() }}</details>{% endblock %}"
)
TAGS = {
    *("p", "br", "hr", "div", "span", "h1", "h2", "h3", "h4", "blockquote", "pre", "code", "ul", "ol", "li"),
    *("a", "b", "i", "em", "strong", "sub", "sup", "abbr"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
ATTRIBUTES = {"*": ["class", "id"], "a": ["href", "title"], "th": ["colspan", "rowspan"], "td": ["colspan", "rowspan"]}


@cache
def _exporter() -> HTMLExporter:
    """Code is folded, but for the cell that failed."""
    return HTMLExporter(template_name="basic", raw_template=FOLDED, sanitize_html=True, filters={"clean_html": _clean})


@lru_cache(maxsize=100)  # two notebooks' texts are those of the market before
def _clean(text: object) -> str:
    """As nbconvert's own filter, but for paragraphs and headings, which that one shows as tags."""
    return str(bleach.clean(str(text), tags=TAGS, attributes=ATTRIBUTES))


def write_html(notebook: Path, page: Path, tags: dict[str, str]) -> None:
    """Write the page of an executed notebook; the browser's title is its name, and what its run's tags say."""
    book = excerpt(nbformat.read(notebook, as_version=4))
    subjects, sentence = titles(book), ""
    for index, cell in enumerate(book.cells):
        if cell.cell_type == "markdown":
            sentence = _first_sentence(cell.source)
        for output in cell.get("outputs", []):
            _prepare(output, ". ".join(filter(None, [subjects.get(index, ""), sentence])))
    body, _ = _exporter().from_notebook_node(book)
    body = OUTWARDS.sub(r"\1", body)
    for link, label in JUMP.items():
        body = re.sub(link, label, body)
    style = STYLE + HtmlFormatter(style="friendly").get_style_defs(".highlight")
    write_page(page, title(notebook.stem, tags), body, style)


def title(what: str, tags: dict[str, str]) -> str:
    """What a page shows, of which market and as of which day, by its run's tags: escaped, for the browser's title."""
    return html.escape(" · ".join([what, *(tags[name] for name in ("market", "as_of") if name in tags)]))


def write_page(page: Path, title: str, body: str, style: str = STYLE) -> None:
    """Write a page that loads nothing."""
    page.write_text(PAGE.format(policy=POLICY, title=title, style=style, body=body), encoding="utf-8")


@contextmanager
def or_why_not(page: Path, title: str) -> Iterator[None]:
    """Where a page cannot be made, one that says why: what was run stays on record, whatever shows it."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        why = html.escape(f"This page could not be made ({type(error).__name__}: {error}).")[:2000]
        body = f"<h1>{html.escape(title)}</h1><p>{why}</p><p>The executed notebook has all.</p>"
        write_page(page, page.stem, body)


def titles(book: Any) -> dict[int, str]:
    """What each code cell is about: the heading it stands under."""
    subjects, heading = {}, ""
    for index, cell in enumerate(book.cells):
        if cell.cell_type == "markdown":
            heading = next((line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")), heading)
        elif cell.cell_type == "code" and cell.source.strip():
            tags = {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", []))
            subjects[index] = "parameters" if tags else heading.partition(":")[0][:60]
    return subjects


def _first_sentence(markdown: str) -> str:
    """What the text says first, its headings aside."""
    text = " ".join(line for line in markdown.splitlines() if not line.startswith("#")).strip()
    text = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text)  # of a link its words
    return re.split(r"(?<=[.:]) ", text, maxsplit=1)[0].replace("*", "").replace("`", "")


def _prepare(output: Any, subject: str) -> None:
    """Take scripts and styles out whole, which the sanitiser would show as text; say what a figure shows."""
    data = output.get("data", {})
    if "text/html" in data:
        soup = BeautifulSoup(data["text/html"], "html.parser")
        for element in soup(["script", "style"]):
            element.decompose()
        data["text/html"] = str(soup)
    if "image/png" in data:
        output.setdefault("metadata", {})["image/png"] = {"alt": f"Figure: {subject}"}
