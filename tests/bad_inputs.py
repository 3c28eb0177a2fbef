"""Every bad input of every list, given to the command line as a person would: its exit code, and what it says.

    python tests/bad_inputs.py          writes resources/bad-inputs.md anew

What sources, markets' files, settings and events can hold is in the modules ``bad_data``, ``bad_parameters``,
``bad_tills`` and ``bad_events``; here is the rest, and how each is given. None of them needs a server.
"""

import datetime as dt
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import bad_data
import bad_events
import bad_parameters
import bad_tills
from typer.testing import CliRunner

from flows.cli.main import app
from flows.settings import ROOT
from flows.sources import reading
from footfall.errors import Problem
from footfall.events import read_events
from footfall.sources.weather import read_weather

PAGE = ROOT / "resources" / "bad-inputs.md"
TODAY = dt.date(2026, 11, 26)  # as these readers are told, whose sentences name it
INTRODUCTION = """# Bad inputs

What people and their files get wrong, the exit code, and what is said. This page is made by
[bad_inputs.py](../tests/bad_inputs.py), and a test makes it again. The codes: 2, what was typed or set; 3, figures;
4, this machine and what it talks to. Those of 5, somebody else wrote first, and 6, no model may speak, need servers:
[test_bucket.py](../tests/storage/test_bucket.py), [test_cli.py](../tests/cli/test_cli.py). 1 is an error in a
notebook's code, and 0 also a training whose challenger was not promoted. A run that had begun says besides:
*Nothing was published; the latest forecast remains 2022-10-13.*
"""
Said = tuple[int, str]  # the exit code, and the words
GOOGLES = "data: {source: %s, location: PT}\n"
COVERS = "data: {source: %s, unit: counts, columns: {value: covers}}\n"


class Input(NamedTuple):
    """What is wrong, and who says so, given a folder to write files in."""

    what: str
    say: Callable[[Path], Said]


def command(*words: str, **environment: str) -> Callable[[Path], Said]:
    """A command of the line."""

    def say(folder: Path) -> Said:
        with patch.dict(os.environ, environment):
            done = CliRunner().invoke(app, list(words))
        assert isinstance(done.exception, SystemExit), done.exception  # and no traceback
        return done.exit_code, done.output

    return say


def source(write: Callable[[Path], Path], market: str = GOOGLES) -> Callable[[Path], Said]:
    """A market's source: `try` reads it whole, and needs no server."""

    def say(folder: Path) -> Said:
        path = write(folder)
        (folder / "m.yaml").write_text(market.replace("%s", path.name))
        return command("try", "seasonal naive", "--market", "m", FOOTFALL_PARAMS=str(folder))(folder)

    return say


def text(content: str | bytes, name: str = "till.csv", market: str = COVERS) -> Callable[[Path], Said]:
    """As `source`, of a file with this in it."""
    return source(bad_data.file(content if isinstance(content, bytes) else content.encode(), name), market)


def reader(read: Callable[[], object]) -> Callable[[Path], Said]:
    """What a run reads besides, once it has begun."""

    def say(folder: Path) -> Said:
        try:
            read()
        except Problem as problem:
            return problem.exit_code, f"{type(problem).__name__}  {problem}"
        return 0, ""

    return say


def typed() -> Iterator[Input]:
    """Words of the command line."""
    names = [name for name in bad_parameters.NAMES if not name.startswith("-")]
    for words in [*WORDS, *(["run", name] for name in [*names, *bad_parameters.TAKEN[:1]])]:
        yield Input(" ".join(["footfall", *map(_quoted, words)]), command(*words))


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w./:=%@-]+", word) else f"'{ascii(word)[1:-1]}'"


SPAN = ["--from", "2022-05-01", "--to", "2022-05-02"]
WORDS = [
    ["--version"],
    ["run"],
    ["run", "sample", "portugal"],
    ["run", "sample", "--asof", "2022-10-13"],
    ["run", "sample", "--as-of"],
    ["run", "portugla"],
    ["run", "sample.yaml"],
    ["run", "params/sample.yaml"],
    ["predict", "sample", "--as-of", "2022-02-30"],
    ["predict", "sample", "--as-of", "13/10/2022"],
    ["predict", "sample", "--as-of", "yesterday"],
    ["predict", "sample", "--set", "data.source"],
    ["predict", "sample", "--set", "source=x.csv"],
    ["predict", "sample", "--set", "predict.horizon=[7"],
    ["predict", "sample", "--set", "data.source=https://me:word@example.org/x.zip"],
    ["try", "seasonal naive", "--set", "data.source=nowhere.csv"],
    ["try", "seasonal naive", "--set", "data.source=file:///etc/passwd"],
    ["try", "seasonal naive", "--set", "data.source=http://example.org/x.zip"],
    ["try", "seasonal naive", "--set", "data.source=ftp://example.org/x.zip"],
    ["try", "seasonal naive", "--set", "data.source=."],
    ["try", "seasonal naive", "--set", "data.location=PT-11"],
    ["try", "seasonal naive", "--set", "data.category=cinemas"],
    ["try", "seasnal naive"],
    ["backtest", "sample", "--from", "2022-04-31", "--to", "2022-05-01"],
    ["backtest", "sample", "--from", "2022-05-02", "--to", "2022-05-01"],
    ["backtest", "sample", *SPAN, "--horizon", "0"],
    ["backtest", "sample", *SPAN, "--lag", "soon"],
    ["backtest", "sample", *SPAN, "--candidate", "seasnal naive"],
    ["backtest", "sample", "--from", "2019-05-01", "--to", "2019-05-02", "--candidate", "seasonal naive"],
    ["backtest", "sample", "--from", "2022-12-01", "--to", "2022-12-02", "--candidate", "seasonal naive"],
    ["backfill", "sample", "--from", "2022-05-02", "--to", "2022-05-01"],
    ["backfill", "sample", "--from", "1/5/2022", "--to", "2/5/2022"],
    ["rollback", "sample"],
    ["trace", "sample"],
    ["trace", "sample", "13-10-2022"],
    ["champion", "sample", "--on", "2022-02-30"],
    ["runs", "--since", "2022-13-45"],
    ["runs", "--outcome", "died"],
    ["runs", "--notebook", "forecast"],
    ["whatif", "sample"],
    ["whatif", "sample", "--event", "2022-10-14=louder"],
    ["whatif", "sample", "--rain", "2022-10-14=0", "--rain", "2022-10-14=9"],
    ["whatif", "sample", "--rain", "2022-10-14=much"],
    ["notebooks", "chek"],
]


def settings() -> Iterator[Input]:
    """What `--set` cannot take, and what a market's file cannot hold."""
    for what, (keys, _) in bad_parameters.BAD.items():
        ((key, value),) = keys.items()
        yield Input(what, command("predict", "sample", "--set", f"{key}={bad_parameters.as_yaml(value)}"))
    for what, (content, _) in bad_parameters.FILES.items():
        yield Input(f"m.yaml: {what}", text("", "till.csv", content))


def googles() -> Iterator[Input]:
    """Google's files: the sample's, with one thing wrong."""
    for what, case in bad_data.CASES.items():
        if case.refused:
            yield Input(what, source(case.write))


def tills() -> Iterator[Input]:
    """Exports of tills and counters."""
    for content, _ in bad_tills.FILES:
        yield Input(f"a file of {_shown(content)}", text(content))
    for name, _ in bad_tills.SITES:
        rows = f"date,site,n\n2025-12-30,{name},1\n2025-12-31,{name},1\n"
        yield Input(f"a site called {_shown(name)}", text(rows, market=SITES))
    for what, words in TILLS.items():
        yield Input(what, text(*words))


def _shown(content: str | bytes) -> str:
    return ascii(content[:50]).lstrip("b") if content else "nothing"


def _besides(key: str) -> str:
    """The market of a till, with one key more."""
    return COVERS.replace("}}", f"}}, {key}}}")


SITES = "data: {source: %s, unit: counts, location: PT-11, columns: {value: n, site: site}}\n"
HOURS = "data: {source: %s, unit: counts, rows: hours, columns: {value: n, hour: hour}}\n"
AUDIT = "data: {source: %s, unit: counts}\n"
FORTY = [TODAY - dt.timedelta(days=day) for day in range(40, 0, -1)]
TILLS = {
    "dates that are written otherwise": ("date,covers\n30/12/2025,210\n31/12/2025,3\n",),
    "a day that is none": ("date,covers\n2025-02-30,210\n",),
    "a decimal comma": ('date,covers\n2025-12-30,"12,5"\n',),
    "a word for a number": ("date,covers\n2025-12-30,closed\n",),
    "a column of another name": ("date,guests\n2025-12-30,210\n",),
    "more fields than the header's": ("date,covers\n2025-12-30,210,5\n",),
    "a day that comes yet": ("date,covers\n2026-11-24,210\n2026-12-25,4\n",),
    "a day that is said twice, and otherwise": ("date,covers\n2025-12-31,5\n2025-12-31,6\n",),
    "one rule, broken on 5,000 lines": ("date,covers\n" + "2025-12-31,x\n" * 5000,),
    "forty days in all": ("date,covers\n" + "".join(f"{day:%F},{50 + day.day}\n" for day in FORTY),),
    "five days in all": ("date,covers\n" + "".join(f"2026-11-{day},5\n" for day in range(20, 25)),),
    "an hour that is none": ("date,hour,n\n2025-12-31,25:00,5\n", "till.csv", HOURS),
    "an hour of the morning or the evening": ("date,hour,n\n2025-12-31,7:00 - 8:00 pm,5\n", "till.csv", HOURS),
    "a closure that ends first": ("", "till.csv", _besides('closed: {from_to: [["2026-08-20", "2026-08-01"]]}')),
    "a form of dates that is none": ("date,covers\n2025-12-31,5\n", "till.csv", _besides("dates: DD/MM/YY")),
    "a zone that is none": ("", "till.csv", _besides("timezone: Lisbon")),
    "a category of Google's beside counts": ("", "till.csv", _besides("category: parks")),
    "a table that is called SAF-T": ("date,covers\n2025-12-31,5\n", "till.csv", _besides("format: saft")),
    "a table that is taken for Google's": ("date,covers\n2025-12-31,5\n", "till.csv", GOOGLES),
    "SAF-T without an invoice": ('<?xml version="1.0"?><AuditFile/>', "saft.xml", AUDIT),
    "SAF-T, cut": ('<?xml version="1.0"?><AuditFile><Invoice>', "saft.xml", AUDIT),
    "SAF-T with entities": ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "">]><AuditFile/>', "saft.xml", AUDIT),
    "SAF-T of which lines are to be counted": ('<?xml version="1.0"?><AuditFile/>', "saft.xml"),
    "Carris, an error": ('{"message": "Not found"}', "rides.json", _besides("format: carris")),
    "Carris, cut": ('[{"line_id": "1", "operational_date": "2025-', "rides.json", _besides("format: carris")),
    "hystreet, of another form": ("time,count\n2025-12-31,5\n", "street.csv", _besides("format: hystreet")),
}  # fmt: skip


def new() -> Iterator[Input]:
    """`footfall new`."""
    for what, (content, *words) in NEW.items():

        def say(folder: Path, content: str = content, words: list[str] = words) -> Said:
            (folder / "till.csv").write_text(content)
            return command("new", *words, FOOTFALL_PARAMS=str(folder))(folder)

        yield Input(what, say)


ROWS = "date,covers\n" + "".join(f"2025-12-{day},{day}\n" for day in range(10, 31))
AMERICAN = "date,covers\n" + "".join(f"{day}/1/2025,{day}\n" for day in range(1, 13))
SHOP = ["shop", "till.csv", "--location", "PT"]
NEW = {
    "no such file": (ROWS, "shop", "nowhere.csv", "--location", "PT"),
    "a name that is taken": (ROWS, "ledger", "till.csv", "--location", "PT"),
    "not said where it is": (ROWS, "shop", "till.csv"),
    "a country's name for its code": (ROWS, "shop", "till.csv", "--location", "Portugal"),
    "a column that is not there": (ROWS, *SHOP, "--value", "guests"),
    "a zone that is none": (ROWS, *SHOP, "--timezone", "Lisbon"),
    "a mark that stands before no decimals": (ROWS, *SHOP, "--decimal", ";"),
    "a form of dates that is none": (ROWS, *SHOP, "--dates", "DD-MM-YYYY"),
    "an hour at which no day starts": (ROWS, *SHOP, "--day-starts", "5"),
    "a site that is not there": (ROWS, *SHOP, "--site-name", "Porto"),
    "dates that can be read in two ways": (AMERICAN, *SHOP),
    "no table": ("hello\nworld\n", *SHOP),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\n", *SHOP),
}


def events() -> Iterator[Input]:
    """An owner's events, beside the market's file."""
    for line in bad_events.LINES:
        yield Input(line, _events((bad_events.HEAD + line).encode()))
    for content, _ in bad_events.FILES:
        yield Input(f"a file of {_shown(content)}", _events(content))
    yield Input("a calendar that is none", _events(b"nothing", "tasca.events.ics"))
    yield Input("a calendar with an event that repeats", _events(REPEATS, "tasca.events.ics"))


def _events(content: bytes, name: str = "tasca.events.csv") -> Callable[[Path], Said]:
    return reader(lambda: read_events(content, name))


REPEATS = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261231\r\nSUMMARY:Market day\r\nRRULE:FREQ=WEEKLY\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def weather() -> Iterator[Input]:
    """What the weather's service may answer; a run goes on without it, and says this."""
    for what, answer in WEATHER.items():
        content = json.dumps(answer).encode() if isinstance(answer, dict) else answer
        yield Input(what, reader(lambda content=content: read_weather(content, 38.72, -9.14, "Europe/Lisbon", TODAY)))


DAILY = {"time": ["2026-11-12"], "precipitation_sum": [0.1], "temperature_2m_max": [17]}
ANSWER = {"latitude": 38.75, "longitude": -9.125, "timezone": "Europe/Lisbon", "daily": DAILY,
          "daily_units": {"precipitation_sum": "mm", "temperature_2m_max": "°C"}}  # fmt: skip
WEATHER = {
    "cut": b'{"latitude": 38',
    "an error": {"error": True, "reason": "limit"},
    "of another place": ANSWER | {"latitude": 41.1},
    "of another zone": ANSWER | {"timezone": "GMT"},
    "of another day": ANSWER | {"daily": DAILY | {"time": ["2026-11-11"]}},
    "in inches": ANSWER | {"daily_units": {"precipitation_sum": "inch", "temperature_2m_max": "°C"}},
    "less rain than none": ANSWER | {"daily": DAILY | {"precipitation_sum": [-1]}},
    "a word for degrees": ANSWER | {"daily": DAILY | {"temperature_2m_max": ["warm"]}},
}


def machine() -> Iterator[Input]:
    """The environment."""
    for what, words in MACHINE.items():
        name, _, value = what.partition("=")
        yield Input(what, command(*words, **{name: value}))


MACHINE = {
    "FOOTFALL_PARAMS=nowhere": ["predict", "sample"],
    "FOOTFALL_NOTEBOOKS=nowhere": ["try", "seasonal naive"],
    "FOOTFALL_HOME=/dev/null/home": ["forecast", "sample"],
    "ALL_PROXY=socks5://127.0.0.1:1080": ["forecast", "sample"],
    "HTTP_PROXY=http://me:word@host:99999": ["forecast", "sample"],
}
SECTIONS = {
    "What is typed": typed, "Settings, and a market's file": settings, "Google's files": googles,
    "Exports of one's own": tills, "A new market, of the file till.csv": new, "Events": events,
    "The weather": weather, "The machine": machine,
}  # fmt: skip


def said(given: Input) -> Said:
    """The exit code and what is said, whatever the day and the folder."""
    today = patch.multiple(reading, today=lambda zone: TODAY, day_of_business=lambda data: TODAY)
    with tempfile.TemporaryDirectory() as scratch, chdir(scratch), today:
        folder = Path(scratch).resolve()
        code, words = given.say(folder)
    return code, _plain(words.replace(f"{folder}/", "").replace(f"{ROOT}/", ""))


def _plain(words: str) -> str:
    """Without the usage and the box that are drawn around a slip of the command line's own."""
    inside = re.findall(r"^│ (.*?) *│$", words, re.MULTILINE)
    return " ".join(inside) if inside else words.strip()


def section(title: str) -> str:
    """Some of them, as a section of the page."""
    lines = [f"## {title}", "", "```text"]
    for given in SECTIONS[title]():
        code, words = said(given)
        lines += [f"[{code}] {given.what}", *(f"    {line}" for line in words.splitlines())]
    return "\n".join([*lines, "```", ""])


if __name__ == "__main__":
    PAGE.write_text("\n".join([INTRODUCTION, *map(section, SECTIONS)]))
