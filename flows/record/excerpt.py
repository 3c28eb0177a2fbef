"""What of a notebook's outputs is shown: as much as a person looks at. The executed notebook itself keeps them whole.

Rendering and comparing take time and room that grow with what a cell has shown, in places with its square, and begin
when every limit of the run has ended; so they have limits of their own, and say what they left out.
"""

from itertools import groupby
from typing import Any

from nbformat.v4 import new_output

from footfall.digest import sha256

LINES, OUTPUTS = 200, 40  # of one text, and of one cell
CHARACTERS = {  # of one output, and of all of a notebook; markup takes most time: it is parsed, sanitised, written anew
    "text": (20_000, 400_000),
    "markup": (60_000, 200_000),
    "image": (2_000_000, 10_000_000),
}
WHERE = "left out here, the executed notebook has all"


def excerpt(book: Any) -> Any:
    """Cut the outputs of a notebook, in place, to what is shown of it."""
    room = {kind: in_all for kind, (_, in_all) in CHARACTERS.items()}
    for cell in book.cells:
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
        output.evalue = _short_text(output.evalue, room)
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
    fits = len(content) <= min(CHARACTERS[kind][0], room[kind])
    room[kind] -= len(content) if fits else 0
    return fits


def _short_text(text: str, room: dict[str, int]) -> str:
    lines, most = text.split("\n"), min(CHARACTERS["text"][0], room["text"])
    omitted = "\n".join(lines[LINES // 2 : len(lines) - LINES // 2])
    text = "\n".join(_ends(lines, LINES, [_note(f"{len(lines) - LINES:,} lines", omitted)]))
    text = str(_ends(text, most, f"\n{_note(f'{len(text) - most:,} characters', text)}\n"))
    room["text"] = max(0, room["text"] - len(text))
    return text
