"""What shows a run has limits of its own, of time and of size, and says what it left out."""

import copy
import errno
import re
import time

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from small_notebook import write

from flows.notebook.execute import run_notebook
from flows.record.diff import _data, _forecast, _model, write_changes
from flows.record.excerpt import excerpt
from flows.record.folder import claim
from flows.record.html import or_why_not, write_html

LINES = "for i in range(100_000): print('line', i, number)"
HTML = "from IPython.display import HTML; HTML(f'<p>figures {number}</p>' * 4_000_000)"
DISPLAYS = "from IPython.display import display\nfor i in range(3000): display(f'{i} of {number}')"


@pytest.mark.kernel
@pytest.mark.soak
@pytest.mark.parametrize(
    ("cell", "left_out", "kept"),
    [
        (LINES, "99,801 lines left out", "line 50000 1"),
        (HTML, "64,000,000 characters of text/html left out", "figures 1</p>"),
        (DISPLAYS, "2,960 outputs left out", "1500 of 1"),
    ],
)
def test_a_chatty_notebook_is_shown_in_the_time_and_room_of_any(cell, left_out, kept, tmp_path):
    for number in (1, 2):
        folder = tmp_path / "runs" / str(number)
        claim(folder, write(tmp_path, cell), {"market": "m", "as_of": "2022-10-13"})
        began = time.monotonic()
        record = run_notebook(folder, {"number": number}, print)
        assert record.outcome == "succeeded" and time.monotonic() - began < 2 * record.seconds, record
    for name in ("small.html", "changes.html"):
        page = (folder / name).read_text()
        assert left_out in page and len(page) < 200_000, name
    assert kept in (tmp_path / "runs" / "1" / "small.ipynb").read_text(), "the executed notebook has all"


def shown(*outputs):
    return excerpt(new_notebook(cells=[new_code_cell("", outputs=list(outputs))]))


def table(size):
    return new_output("display_data", data={"text/html": "x" * size, "text/plain": "a table"})


def test_what_a_person_looks_at_is_left_alone():
    figure = new_output("display_data", data={"image/png": "AA=="})
    outputs = [new_output("stream", text="a\nb\n"), table(6000), figure]
    assert shown(*copy.deepcopy(outputs)).cells[0].outputs == outputs


def test_a_change_in_what_is_left_out_is_seen():
    lines = [f"line {i}" for i in range(1000)]
    one, other = (shown(new_output("stream", text="\n".join([*lines[:500], word, *lines[500:]]))) for word in "ab")
    assert one.cells[0].outputs[0].text.splitlines()[:100] == lines[:100]
    assert one.cells[0].outputs[0].text.splitlines()[101:] == lines[-100:]
    assert one.cells[0].outputs != other.cells[0].outputs


def test_what_was_printed_is_one_text_however_it_came():
    parts = [new_output("stream", text=text) for text in ("a", "b\n", "c\n")]
    outputs = shown(*parts, new_output("stream", name="stderr", text="d")).cells[0].outputs
    assert [output.text for output in outputs] == ["ab\nc\n", "d"]


def test_one_line_and_an_error_have_an_end_too():
    line = shown(new_output("stream", text="x" * 1_000_000)).cells[0].outputs[0].text
    assert "980,000 characters left out" in line and len(line) < 21_000
    error = shown(new_output("error", ename="E", evalue="y" * 100_000, traceback=["z" * 100_000])).cells[0].outputs[0]
    assert len(error.evalue) + len(error.traceback[0]) < 41_000


@pytest.mark.parametrize(
    "markup", ["<div>" * 2000 + "</div>" * 2000, "<b>" * 15_000, f"<p {' '.join(f'a{i}=1' for i in range(5000))}>x"]
)
def test_markup_that_takes_the_square_of_its_size_is_left_out(markup):
    output = shown(new_output("display_data", data={"text/html": markup, "text/plain": "a table"})).cells[0].outputs[0]
    assert f"{len(markup):,} characters of text/html left out" in output.data["text/plain"]


def test_markup_of_a_table_is_shown():
    row = "<tr>" + "<td>1<br>2</td>" * 8 + "</tr>"
    output = new_output("display_data", data={"text/html": f"<table>{row * 300}</table>", "text/plain": "a table"})
    assert shown(copy.deepcopy(output)).cells[0].outputs == [output]


def test_code_and_the_name_of_an_error_have_an_end_too():
    book = new_notebook(cells=[new_code_cell("x = [" + "1, " * 400_000 + "]")])
    assert len(excerpt(book).cells[0].source) < 21_000
    error = shown(new_output("error", ename="E" * 100_000, evalue="", traceback=["z"])).cells[0].outputs[0]
    assert len(error.ename) < 21_000


def compared(folder, *codes):
    """What is said to have changed between two notebooks, cell by cell."""
    for number, cells in enumerate(codes):
        (folder / str(number)).mkdir()
        book = new_notebook(cells=[new_markdown_cell("banner"), *map(new_code_cell, cells)])
        nbformat.write(book, folder / str(number) / "small.ipynb")
    write_changes(folder / "changes.html", (folder / "1", {}), (folder / "0", {}))
    return (folder / "changes.html").read_text()


def test_a_notebook_of_quite_other_code_is_not_compared(tmp_path):
    said = compared(tmp_path, *([f"{word}{i} = {i}" * 20 for i in range(150)] for word in "ab"))
    assert "So much of the code is another" in said and "both executed notebooks have all of it" in said


def test_of_a_thousand_cells_the_first_and_the_last_are_compared(tmp_path):
    said = compared(tmp_path, ["1"] * 1000, ["1"] * 999 + ["1 + 1"])
    assert "1 + 1" in said and "So much" not in said


def test_a_page_that_cannot_be_made_says_why_and_a_full_disk_is_no_page(tmp_path):
    with or_why_not(tmp_path / "small.html", "small failed in cell 3: <b>"):
        raise RecursionError("maximum recursion depth exceeded")
    page = (tmp_path / "small.html").read_text()
    assert "small failed in cell 3: &lt;b&gt;" in page and "RecursionError: maximum recursion" in page
    with pytest.raises(OSError, match="No space left"), or_why_not(tmp_path / "other.html", "x"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_many_outputs_of_a_lawful_size_are_not_shown_without_end():
    book = excerpt(new_notebook(cells=[new_code_cell("", outputs=[table(50_000)]) for _ in range(300)]))
    assert len(nbformat.writes(book)) < 400_000
    assert len(re.findall("50,000 characters of text/html left out", nbformat.writes(book))) == 296


@pytest.mark.parametrize(("target", "unit"), [("count", "counted a day"), ("parks", "percentage points")])
def test_a_forecast_has_moved_by_so_much_of_its_own_unit(target, unit, tmp_path):
    for run, value in {"before": 50.0, "now": 62.0}.items():
        (tmp_path / run / "out" / "forecast").mkdir(parents=True)
        row = {"location": "PT", "target": target, "target_end_date": "2026-12-11", "output_type": "mean"}
        pd.DataFrame([row | {"value": value}]).to_parquet(tmp_path / run / "out" / "forecast" / "forecast.parquet")
    assert _forecast(tmp_path / "before", tmp_path / "now") == f"forecast for Friday 11 December +12.0 {unit}"


def test_what_changed_says_of_figures_that_were_gained_whether_older_ones_were_revised():
    before, now = ({"snapshot": day, "data_through": day} for day in ("2022-10-09", "2022-10-10"))
    assert _data(before, now) == "data +1 day"
    assert _data(before, now | {"revised": "history rewritten: 2 of 142 values"}) == "data +1 day and revised"


def test_a_first_model_is_told_of_without_a_word_of_python():
    assert _model({}, {"model_version": "sample/1"}) == "model sample/1 instead of none"
    assert _model({}, {}) == ""


def test_on_the_page_a_figure_says_what_it_shows_and_no_link_leads_out_of_the_record(tmp_path):
    figure = new_output("display_data", {"image/png": "iVBORw0KGgo="})
    said = '## Look\n\nWhat was "said" & [how](../resources/accuracy.md). And [more](https://example.org).'
    cells = [new_markdown_cell(said), new_code_cell("figure", outputs=[figure])]
    nbformat.write(new_notebook(cells=cells), tmp_path / "small.ipynb")
    write_html(tmp_path / "small.ipynb", tmp_path / "small.html", {"market": "tasca", "as_of": "2026-11-01"})
    page = (tmp_path / "small.html").read_text()
    assert BeautifulSoup(page, "html.parser").title.string == "small · tasca · 2026-11-01"
    assert 'href="../' not in page and "how." in page and 'href="https://example.org"' in page
    assert BeautifulSoup(page, "html.parser").img["alt"] == 'Figure: Look. What was "said" & how.'
