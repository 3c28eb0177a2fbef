"""nbconvert: an executed notebook as one self-contained, sanitised HTML page that asks no other host for anything."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import bleach
import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from flows.record.excerpt import excerpt

STYLE = """
:root{color-scheme:light;font:16px/1.55 system-ui,sans-serif;color:#1c2430;background:#fff}
body{max-width:60rem;margin:0 auto;padding:1.5rem}
h1,h2,h3{line-height:1.25;margin:1.6em 0 .5em} h1{margin-top:.4em}
a{color:#0b5fa5} img{max-width:100%;height:auto} .anchor-link,.jp-InputPrompt:empty,.jp-OutputPrompt:empty{display:none}
pre,code{font:13px/1.5 ui-monospace,Menlo,Consolas,monospace} pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.prompt,.jp-InputPrompt,.jp-OutputPrompt{color:#6b7782;font:12px/1.4 ui-monospace,monospace;margin-top:.8rem}
div.highlight{background:#f5f7f9;border-left:3px solid #c9d3dd;padding:.55rem .8rem}
.output_subarea,.jp-OutputArea-output{margin:.5rem 0;overflow-x:auto}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #e3e8ed} thead th{border-bottom:2px solid #b9c4cf}
.output_error pre,.output_stderr pre,.ansi-red-fg{color:#a4161a}
blockquote{margin:.8rem 0;padding:.6rem 1rem;border-left:5px solid #5b7c99;background:#f2f5f8}
tbody th{white-space:nowrap} details.code summary{color:#55636f;font-size:13px;cursor:pointer;padding:.3rem 0}
@media print{details.code:not([open]){display:none}}
@media(max-width:40rem){body{padding:1rem}table{font-size:12px}th,td{padding:.2rem .4rem}}
blockquote p{margin:.2rem 0} #Stopped-here{color:#a4161a} label{cursor:pointer}
.alert-danger blockquote,#Stopped-here+blockquote{border-color:#a4161a;background:#fcecec}
.alert-danger blockquote>p:first-child{color:#a4161a} .alert-success blockquote{border-color:#1d6b3a;background:#edf6f0}
#stop{position:absolute;width:1px;height:1px;border:0;padding:0;opacity:0}
"""
JUMP = {  # MLflow's frame follows no link, not even within the page; but whoever clicks a label is taken to its field
    r'(<a href="#Stopped-here">)(In cell .*?)(</a>)': r'\1<label for="stop">\2</label>\3',
    r'(<h3 id="Stopped-here">)': r'\1<input id="stop" readonly tabindex="-1" aria-hidden="true">',
}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{title}</title>
<style>{style}</style></head><body>
{body}
</body></html>
"""
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


def _clean(text: object) -> str:
    """As nbconvert's own filter, but for paragraphs and headings, which that one shows as tags."""
    return str(bleach.clean(str(text), tags=TAGS, attributes=ATTRIBUTES))


def write_html(notebook: Path, page: Path) -> None:
    """Write the page of an executed notebook beside it; the notebook's name becomes the browser's title."""
    book = excerpt(nbformat.read(notebook, as_version=4))
    subjects = titles(book)
    for index, cell in enumerate(book.cells):
        for output in cell.get("outputs", []):
            _prepare(output, subjects.get(index, ""))
    body, _ = _exporter().from_notebook_node(book)
    for link, label in JUMP.items():
        body = re.sub(link, label, body)
    style = STYLE + HtmlFormatter(style="friendly").get_style_defs(".highlight")
    write_page(page, html.escape(notebook.stem), body, style)


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
