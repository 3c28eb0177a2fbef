"""What of a notebook's outputs is shown: as much as a person looks at. The executed notebook itself keeps them whole.

Rendering and comparing take time and room that grow with what a cell has shown, in places with its square, and begin
when every limit of the run has ended; so they have limits of their own, and say what they left out.
"""

import re
from itertools import groupby
from typing import Any

from nbformat.v4 import new_markdown_cell, new_output

from footfall.digest import sha256

LINES, OUTPUTS, CELLS = 200, 40, 200  # of one text, of one cell, and of a notebook that is compared
OF_CELL = 5 * LINES  # of all that a cell shows, where it is compared
DEEP, WIDE = 200, 100  # tags within each other, attributes of one: sanitising takes their square
CHARACTERS = {  # of one output, and of all of a notebook; markup takes most time: it is parsed, sanitised, written anew
    "code": (20_000, 400_000),
    "text": (20_000, 400_000),
    "markup": (60_000, 200_000),
    "image": (2_000_000, 10_000_000),
}
TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)([^>]*)")
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}  # tags that nothing ends
WHERE = "left out here, the executed notebook has all"


def excerpt(book: Any) -> Any:
    """Cut the code and outputs of a notebook, in place, to what is shown of it."""
    room = {kind: in_all for kind, (_, in_all) in CHARACTERS.items()}
    for cell in book.cells:
        cell.source = _short_text(cell.source, room, "code")
        if outputs := _joined(cell.get("outputs", [])):
            note = new_output("stream", text=f"… {len(outputs) - OUTPUTS:,} outputs {WHERE} …\n")
            cell.outputs = [_short(output, room) for output in _ends(outputs, OUTPUTS, [note])]
    return book


def _joined(outputs: list[Any]) -> list[Any]:
    """The outputs, with what was printed in one piece: a kernel sends it in parts, cut by the clock."""
    joined = []
    for _, parts in groupby(outputs, key=lambda output: output.get("name", id(output))):
        first, *rest = parts
        if rest:
            first.text = "".join(part.text for part in (first, *rest))
        joined.append(first)
    return joined


def ends_of(cells: list[Any]) -> list[Any]:
    """The first and the last cells of a notebook that has too many to be compared, each with every other."""
    return list(_ends(cells, CELLS, [new_markdown_cell(f"… {len(cells) - CELLS:,} cells {WHERE} …")]))


def _ends(items: Any, most: int, note: Any) -> Any:
    """The first and the last of a text or list that is too long, with a note between them."""
    return items if len(items) <= most else items[: most // 2] + note + items[len(items) - most // 2 :]


def _note(amount: str, omitted: str) -> str:
    """What is said in place of what is left out; by the digest a comparison sees whether that changed."""
    return f"… {amount} {WHERE} (sha256 {sha256(omitted.encode('utf-8', 'replace'))[:8]}) …"


def _short(output: Any, room: dict[str, int]) -> Any:
    """An output within its own limit, and within what room the outputs before it have left."""
    if output.output_type == "stream":
        output.text = _short_text(output.text, room)
    elif output.output_type == "error":
        output.ename, output.evalue = (_short_text(text, room) for text in (output.ename, output.evalue))
        output.traceback = [_short_text("\n".join(output.traceback), room)]
    else:
        for mime in [mime for mime in output.data if not _fits(mime, str(output.data[mime]), room)]:
            content = str(output.data.pop(mime))
            output.data["text/plain"] = _note(f"{len(content):,} characters of {mime}", content)
        if "text/plain" in output.data:
            output.data["text/plain"] = _short_text(output.data["text/plain"], room)
    return output


def _fits(mime: str, content: str, room: dict[str, int]) -> bool:
    if mime == "text/plain":
        return True
    kind = "image" if mime in ("image/png", "image/jpeg") else "markup"
    fits = len(content) <= min(CHARACTERS[kind][0], room[kind]) and (kind == "image" or _is_simple(content))
    room[kind] -= len(content) if fits else 0
    return fits


def _is_simple(markup: str) -> bool:
    """Whether no tag of it stands too deep within others, or has too many attributes."""
    depth = deepest = widest = 0
    for ends, name, attributes in TAG.findall(markup):
        depth += -1 if ends else name.lower() not in VOID
        deepest, widest = max(deepest, depth), max(widest, attributes.count("="))
    return deepest <= DEEP and widest <= WIDE


def lines_of(text: str, most: int = OF_CELL) -> str:
    """The first and the last lines of a text that has too many."""
    lines = text.split("\n")
    omitted = "\n".join(lines[most // 2 : len(lines) - most // 2])
    return "\n".join(_ends(lines, most, [_note(f"{len(lines) - most:,} lines", omitted)]))


def _short_text(text: str, room: dict[str, int], kind: str = "text") -> str:
    text, most = lines_of(text, LINES), min(CHARACTERS[kind][0], room[kind])
    text = str(_ends(text, most, f"\n{_note(f'{len(text) - most:,} characters', text)}\n"))
    room[kind] = max(0, room[kind] - len(text))
    return text
