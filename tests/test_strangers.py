"""What strangers write stays text: in pages, calendars, tables, notes, terminals; and no door stands open beside.

Who may do what, and what each key reaches: `resources/security.md`.
"""

import base64
import datetime as dt
import io
import re
import stat
import struct
import subprocess
import sys
import zipfile
from importlib.metadata import version
from types import SimpleNamespace

import mistune
import nbformat
import openpyxl
import pages
import pandas as pd
import pytest
from bad_data import REPORT, sample, to_bytes, zipped
from bs4 import BeautifulSoup
from icalendar import Calendar
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement
from packaging.version import Version

from flows.champion import card
from flows.cli import terminal
from flows.record import banner, mlflow_fields
from flows.record.diff import write_changes
from flows.record.html import write_html
from flows.record.record import Cell, Progress, Record
from flows.settings import ROOT
from footfall.errors import DataProblem, UsageProblem
from footfall.events import read_events
from footfall.market_file import read_market
from footfall.page.about import About
from footfall.page.index import Site, index, weeks_of
from footfall.params import Data
from footfall.sources.carris import read_carris
from footfall.sources.fault import Fault
from footfall.sources.google.read import read_google
from footfall.sources.table import read_table

HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an attribute": "\" onmouseover=alert(1) x='",
    "a picture": '<img src="https://example.org/x.png" onerror=alert(1)>',
    "a link": "[here](javascript:alert(1)) ![x](https://example.org/x.png) <https://example.org>",
    "a formula": "=cmd|'/C calc'!A0",
    "a template": "{{ 7 * 7 }} {amount} %s {0.__class__}",
    "an escape": "\x1b[2J\x1b]0;owned\x07 \x9b31m \r\x08",
    "a line turned around": "\u202etxt.exe\u2066",
    "a calendar's line": "x\r\nEND:VEVENT\r\nBEGIN:VALARM\r\nACTION:PROCEDURE",
    "a header's line": "x\r\nBcc: all@example.org",
    "a huge field": "x" * 1_000_000,
}
LIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
each = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
together = " ".join(text[:3000] for text in HOSTILE.values())  # for what takes seconds to draw


def is_dead(html, scripts=0):
    """A page runs nothing but its own scripts, asks no other host, and says so itself."""
    page = BeautifulSoup(html, "html.parser")
    (policy,) = page.find_all("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert policy["content"].startswith("default-src 'none'") and "script-src 'unsafe" not in policy["content"]
    assert len(page.find_all("script")) == scripts and ("script-src 'sha256-" in policy["content"]) == bool(scripts)
    for element in page.find_all(True):
        assert not [name for name in element.attrs if name.startswith("on")], element
        assert element.name not in ("iframe", "object", "embed", "form", "base") or element.get("class") == ["switch"]
        for name in ("href", "src"):
            address = element.get(name, "")
            assert not address.startswith(("javascript:", "vbscript:")), element
            assert name == "href" or not address or address.startswith("data:"), element


def test_an_owners_page_index_calendar_and_table_show_it_as_text(tmp_path):
    text = together
    given = pages.house(name=text, location="PT-11/" + text, measure={"en": text}, credit=text, all_places="x.html")
    given["events"] = [["2026-10-08", "2026-10-12", text, "busier"]]
    files = pages.written(tmp_path, given)
    is_dead(files["index.html"].decode(), scripts=1)
    (week,) = weeks_of(pages.outlook_of(given["table"], given["y"], given["parts"], True, given["closed"]), 1)
    made, sites = pd.Timestamp("2026-10-08"), [Site(text, "1", week), Site("Sol", "2", None)]
    html = index(sites, made, made, "count", "PT", About(text, {"pt": text}))
    is_dead(html, scripts=1)
    assert not LIVE.search(html.replace("\n", "")) and not LIVE.search(files["index.html"].decode())
    for name in (name for name in files if name.endswith(".ics")):
        calendar = Calendar.from_ical(files[name])
        assert len(calendar.events) == 7 and {part.name for part in calendar.walk()} == {"VCALENDAR", "VEVENT"}
        assert not LIVE.search(files[name].decode().replace("\r\n", ""))
    table = pd.read_csv(tmp_path / "forecast" / "forecast.csv", dtype=str, keep_default_na=False)
    assert not table.map(lambda cell: cell.startswith(("=", "+", "@", "\t", "\r"))).any(axis=None)
    words = (tmp_path / "words.json").read_text()
    assert "49" not in re.findall(r"\{\{.*?\}\}|49", words)


def test_the_page_of_a_record_and_its_changes_show_it_as_text(tmp_path):
    text = together
    outputs = [
        new_output("stream", text=text),
        new_output("display_data", {"text/html": text, "text/plain": text}),
        new_output("display_data", {"text/markdown": text, "image/svg+xml": f"<svg onload=alert(1)>{text}</svg>"}),
        new_output("display_data", {"application/javascript": "alert(1)", "text/latex": text}),
        new_output("error", ename="E", evalue=text, traceback=[text]),
    ]
    cells = [new_markdown_cell(f"# {text}\n\n{text}"), new_code_cell(f"# {text!r}", outputs=outputs)]
    progress, folder = Progress(running=1), tmp_path / "run"
    folder.mkdir()
    book = banner.with_banner(new_notebook(cells=cells), record(text), progress)
    nbformat.write(book, folder / "small.ipynb")
    write_html(folder / "small.ipynb", folder / "small.html", {"market": text, "as_of": text})
    is_dead((folder / "small.html").read_text())
    before = tmp_path / "before"
    before.mkdir()
    other = new_notebook(cells=[new_markdown_cell("x"), new_markdown_cell("y"), new_code_cell("1")])
    nbformat.write(other, before / "small.ipynb")
    write_changes(
        tmp_path / "changes.html",
        (folder, {"market": text, "as_of": text, "model_version": text}),
        (before, {"as_of": text}),
    )
    is_dead((tmp_path / "changes.html").read_text())


def record(reason):
    cells = [Cell(number=1, title="x", status="failed")]
    facts = {"market": "m", "as_of": "2022-10-13"}
    return Record(notebook="small", outcome="failed", reason=reason[:5000], stopped_at=1, cells=cells, parameters={},
                  started=dt.datetime.now(dt.UTC), seconds=1, template="", modified=False, inputs={}, outputs={},
                  commit="x", dirty=False, lock="", tags=facts)  # fmt: skip


@each
def test_mlflows_notes_have_no_link_picture_or_tag_but_ours(text):
    run = SimpleNamespace(info=SimpleNamespace(experiment_id="1", run_id="2"))
    (note,) = [tag.value for tag in mlflow_fields.tags(record(text), run) if tag.key == "mlflow.note.content"]
    about = {"candidate": text, "location": "PT", "category": "retail_and_recreation", "lag": 3, "horizon": 7,
             "fitted_from": "2021-06-20", "data_through": "2022-10-10"}  # fmt: skip
    rendered = BeautifulSoup(mistune.html(note), "html.parser")
    assert {link["href"][:2] for link in rendered.find_all("a")} <= {"#/", "ht"}
    assert len(rendered.find_all("a")) <= 3 and not rendered.find_all(["img", "script"])
    assert card.of_version(about, "passed")


@each
def test_a_terminal_obeys_only_us(text, monkeypatch):
    from rich.table import Table

    shown = terminal.Terminal(file=io.StringIO(), force_terminal=True, color_system=None, highlight=False)
    table = Table("place")
    table.add_row(terminal.escape(text[:500]))
    shown.print(text[:5000], markup=False)
    shown.print(table)
    terminal.console, console = shown, terminal.console
    try:
        terminal.print_findings([("x", text[:500], text[:500])])
    finally:
        terminal.console = console
    assert not LIVE.search(shown.file.getvalue().replace("\n", ""))
    assert not LIVE.search(Fault(1, text, text, "no number").at(text))


MARKET = "data: {source: sample, %s}\n"


@each
@pytest.mark.parametrize("key", ["name", "credit", "measure", "location"])
def test_a_markets_file_has_no_control_characters_and_nothing_huge(key, text, tmp_path):
    (tmp_path / "m.yaml").write_text(MARKET % "unit: counts")
    value = {"measure": {"en": text}, "location": "PT-11/" + text}.get(key, text)
    if LIVE.search(text) or len(text) > 300:
        with pytest.raises(UsageProblem, match=f"data.{key}") as refused:
            read_market(tmp_path, "m", {f"data.{key}": value})
        assert not LIVE.search(str(refused.value)) and len(str(refused.value)) < 5000
    elif key != "location":
        assert getattr(read_market(tmp_path, "m", {f"data.{key}": value}).data, key) == value


@each
@pytest.mark.parametrize("column", ["what", "site", "effect", "from"])
def test_an_event_says_nothing_but_plain_words(column, text):
    row = {"from": "2026-01-01", "to": "", "site": "", "what": "a concert", "effect": "busier", "entered": ""}
    table = pd.DataFrame([row | {column: text}]).to_csv(index=False).encode()
    try:
        kept = read_events(table, "e.csv")
    except DataProblem as refused:
        assert not LIVE.search(str(refused)) and len(str(refused)) < 1000
    else:
        assert column in ("what", "site") and not set("<>=\\") & set(kept[column][0][:1] + kept[column][0][-1:])


def lying(content, **changes):
    """A zip whose directory and heads say other numbers of its one member than are true."""
    offsets = {"crc": (14, 16), "packed": (18, 20), "unpacked": (22, 24)}
    lie = bytearray(content)
    for name, value in changes.items():
        local, directory = offsets[name]
        for at in (local, content.rindex(b"PK\x01\x02") + directory):
            struct.pack_into("<I", lie, at, value)
    return bytes(lie)


GOOGLES = zipped({REPORT: to_bytes(sample())})
QUINE = base64.b64decode("UEsDBBQAAAAIAAAAAAAAAAAAHgAAAB4AAAAKAAAAci9yLnppcAAA")  # as if it held itself
SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "%s">]><worksheet>&b;</worksheet>' % (b"&a;" * 1000)
PASSWD = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><worksheet>&a;</worksheet>'


def workbook(sheet):
    """An Excel file with another sheet than Excel would write."""
    kept, book = io.BytesIO(), openpyxl.Workbook()
    book.active.append(["date", "covers"])
    book.save(kept)
    with zipfile.ZipFile(kept) as archive:
        return zipped({name: sheet if name == SHEET else archive.read(name) for name in archive.namelist()})


LIES = {
    "fewer bytes than there are": ("g.zip", lying(GOOGLES, unpacked=1000), "damaged|cut|Bad CRC"),
    "packed bytes of another file": ("g.zip", lying(GOOGLES, packed=3), "damaged|cut"),
    "another checksum": ("g.zip", lying(GOOGLES, crc=1), "Bad CRC"),
    "a zip in itself": ("g.zip", QUINE, "damaged"),
    "a path out of the folder": ("g.zip", zipped({f"../../{REPORT}": b"x"}), "line|missing|header"),
    "a workbook of a thousand laughs": ("t.xlsx", workbook(LAUGHS), "Entit|read"),
    "a workbook that reads another file": ("t.xlsx", workbook(PASSWD), "Entit|read"),
    "a workbook with a sheet of nothing": ("t.xlsx", workbook(b""), "read|sheet"),
    "a workbook of a million columns": (
        "t.xlsx", workbook(b'<worksheet><sheetData><row r="1"><c r="ZZZZ1"><v>1</v></c></row></sheetData></worksheet>'),
        "read|column",
    ),
    "a Parquet file cut in its foot": ("t.parquet", b"PAR1" + bytes(40) + b"\xff\xff\xff\x7fPAR1", "damaged|read"),
    "JSON without end": ("t.json", b"[" * 100_000, "JSON|read"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_lies_is_refused_in_a_sentence(lie, tmp_path):
    name, content, says = LIES[lie]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataProblem, match=says) as refused:
        if name == "g.zip":
            read_google(tmp_path / name, ("PT",), dt.date(2022, 10, 15))
        else:
            keys = {"format": "carris", "lag": 1} if name == "t.json" else {"columns": {"value": "covers"}}
            read = read_carris if name == "t.json" else read_table
            data = Data.model_validate({"source": name, "unit": "counts", **keys})
            read(tmp_path / name, data, dt.date(2026, 11, 26))
    assert len(str(refused.value)) < 1000 and "root:" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == [name] and not (tmp_path.parent / REPORT).exists()


SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "PREFECT_API_AUTH_STRING", "PREFECT_API_KEY",
           "GOOGLE_APPLICATION_CREDENTIALS", "FOOTFALL_ALERT_URL", "OPEN_METEO_KEY", "TASCA_ADDRESS", "HTTPS_PROXY",
           "NETRC", "AWS_SECRET_ACCESS_KEY", "PREFECT_API_DATABASE_CONNECTION_URL")  # fmt: skip


def test_a_kernel_is_given_no_secret_of_ours(monkeypatch):
    from flows.notebook.forkserver import environment

    for name in SECRETS:
        monkeypatch.setenv(name, "canary-in-the-mine")
    assert "canary" not in repr(environment())


@pytest.mark.kernel
def test_an_error_nobody_foresaw_shows_no_variable_of_the_code():
    """A traceback with the values of variables, as some command lines print, would show passwords."""
    crash = (
        "import flows.cli.main as m, flows.cli.operations as o\n"
        "def broken(*_):\n    password = 'canary-' + 'in-the-mine'\n    raise RuntimeError('unforeseen')\n"
        "m.authoring.terminal.plain_words = broken\n"
        "import sys; sys.argv = ['footfall', 'runs']; m.main()"
    )
    done = subprocess.run([sys.executable, "-c", crash], cwd=ROOT, capture_output=True, text=True)
    assert "RuntimeError: unforeseen" in done.stderr and "canary-in-the-mine" not in done.stdout + done.stderr


def test_what_runs_leave_behind_is_for_nobody_else(tmp_path, monkeypatch):
    from flows.operations import doctor
    from flows.settings import make_home

    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "home"))
    assert stat.S_IMODE(make_home().stat().st_mode) == 0o700 and "may read" not in doctor.disk().says
    make_home().chmod(0o755)
    assert "others on this machine may look in" in doctor.disk().says and doctor.disk().mend.startswith("chmod go= ")


FLOORS = (  # the first versions without a fault that strangers could use here, and which fault that was
    "aiohttp>=3.12.14", "anyio>=4.4", "bleach>=3.3", "certifi>=2024.7.4", "cryptography>=44.0.1", "defusedxml>=0.7.1",
    "filelock>=3.20.1", "flask>=3.1.1", "fonttools>=4.60.2", "gitpython>=3.1.41", "gunicorn>=23", "h11>=0.16",
    "idna>=3.7", "jinja2>=3.1.6", "jupyter-core>=5.8.1", "jupyter-server>=2.14.1", "jupyterlab>=4.4.8", "mako>=1.2.2",
    "mistune>=2.0.3", "mlflow>=3.5", "nbconvert>=6.5.1", "orjson>=3.9.15", "pillow>=11.3", "protobuf>=6.31.1",
    "pyarrow>=14.0.1", "pyasn1>=0.6.2", "pyyaml>=5.4", "requests>=2.32.4", "sqlparse>=0.5.4", "starlette>=0.49.1",
    "tornado>=6.5", "urllib3>=2.6", "virtualenv>=20.26.6", "werkzeug>=3.1.4", "zipp>=3.19.1",
)  # fmt: skip


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/requirements.lock"])
def test_no_dependency_is_as_old_as_a_fault_that_is_known(lock):
    locked = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / lock).read_text(), re.M))
    floors = [Requirement(floor) for floor in FLOORS]
    assert len([floor for floor in floors if floor.name in locked]) > 25
    old = [floor for floor in floors if floor.name in locked and Version(locked[floor.name]) not in floor.specifier]
    assert not old
    assert Version(version("mlflow")) in Requirement("mlflow>=3.5").specifier
