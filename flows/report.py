"""nbconvert: an executed notebook as one self-contained, sanitised HTML page that asks no other host for anything."""

import html
from functools import cache
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

STYLE = """
:root{color-scheme:light;font:16px/1.55 system-ui,sans-serif;color:#1c2430;background:#fff}
body{max-width:60rem;margin:0 auto;padding:1.5rem}
h1,h2,h3{line-height:1.25;margin:1.6em 0 .5em} h1{margin-top:.4em}
a{color:#0b5fa5} img{max-width:100%;height:auto} .anchor-link,.jp-InputPrompt:empty,.jp-OutputPrompt:empty{display:none}
pre,code{font:13px/1.5 ui-monospace,Menlo,Consolas,monospace} pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.jp-CodeCell{margin:.8rem 0} .highlight{background:#f5f7f9;border-left:3px solid #c9d3dd;padding:.55rem .8rem}
.jp-OutputArea-output{margin:.5rem 0;overflow-x:auto}
.jp-OutputArea-prompt,.jp-InputPrompt{color:#8894a0;font-size:12px}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #e3e8ed} thead th{border-bottom:2px solid #b9c4cf}
.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"],.ansi-red-fg{color:#a4161a}
blockquote{margin:.8rem 0;padding:.6rem 1rem;border-left:5px solid #5b7c99;background:#f2f5f8}
blockquote p{margin:.2rem 0}
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{title}</title>
<style>{style}</style></head><body>
{body}
</body></html>
"""


@cache
def _exporter() -> HTMLExporter:
    return HTMLExporter(template_name="basic", sanitize_html=True, embed_images=True)


def write_html(notebook: Path, page: Path) -> None:
    """Write the page of an executed notebook beside it; the notebook's name becomes the browser's title."""
    cells = nbformat.read(notebook, as_version=4)
    body, _ = _exporter().from_notebook_node(cells)
    style = STYLE + HtmlFormatter(style="friendly").get_style_defs(".highlight")
    page.write_text(PAGE.format(policy=POLICY, title=html.escape(notebook.stem), style=style, body=body))
