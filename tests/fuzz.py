"""Coverage-guided fuzzing of whatever reads strangers' bytes: it is read, or refused as a `Problem`, and nothing else.

    python tests/fuzz.py SECONDS [READER …]     each reader for so long; what is found lies in .fuzz/found

An input that ends otherwise becomes a case of tests/test_fuzzed.py.
"""

import contextlib
import datetime as dt
import gzip
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / ".fuzz")]
TODAY = dt.date(2022, 10, 15)
REPORT = "2022_PT_Region_Mobility_Report.csv"
SHEET = "xl/worksheets/sheet1.xml"


def read(name: str, content: bytes) -> None:
    """Read a stranger's bytes as one of `READERS` does; raises `Problem` where they cannot be read."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        READERS[name](Path(folder), content)


def _google(path: Path) -> None:
    from footfall.sources.google.read import read_google

    read_google(path, ("PT",), TODAY)


def _table(path: Path, **keys: object) -> None:
    from footfall.params import Data
    from footfall.sources.table import read_table

    about = {"source": "x", "unit": "counts", "location": "PT-11", "columns": {"value": "covers"}, **keys}
    read_table(path, Data.model_validate(about), dt.date(2026, 11, 26))


def _put(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of some files."""
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()


def workbook() -> dict[str, bytes]:
    """The files in an Excel workbook of a few days."""
    import openpyxl

    book, kept = openpyxl.Workbook(), io.BytesIO()
    for row in (["date", "covers"], ["2025-12-30", 210], [dt.datetime(2025, 12, 31), 12.5]):
        book.active.append(row)
    book.save(kept)
    with zipfile.ZipFile(kept) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _carris(folder: Path, content: bytes) -> None:
    from footfall.params import Data
    from footfall.sources.carris import read_carris

    data = Data(source="x", unit="counts", format="carris", location="PT-11", lag=1)
    read_carris(_put(folder, "a.json", content), data, dt.date(2026, 11, 26))


def _hystreet(folder: Path, content: bytes) -> None:
    from footfall.params import Data
    from footfall.sources.hystreet import read_hystreet

    data = Data(source="x", unit="counts", format="hystreet", location="CH-ZH/Bahnhofstrasse (Mitte)", lag=1)
    read_hystreet(_put(folder, "a.csv", content), data, dt.date(2026, 11, 26))


def _weather(folder: Path, content: bytes) -> None:
    from footfall.sources.weather import read_weather

    read_weather(content, 38.72, -9.14, "Europe/Lisbon", dt.date(2026, 12, 10))  # its answers begin a fortnight before


def _events(suffix: str) -> Callable[[Path, bytes], None]:
    def read(folder: Path, content: bytes) -> None:
        from footfall.events import read_events

        read_events(content, f"e{suffix}")

    return read


def _market(folder: Path, content: bytes) -> None:
    from footfall.market_file import read_market

    _put(folder, "m.yaml", content)
    read_market(folder, "m")


READERS: dict[str, Callable[[Path, bytes], None]] = {
    "google.csv": lambda folder, content: _google(_put(folder, "report.csv", content)),
    "google.zip": lambda folder, content: _google(_put(folder, "r.zip", content)),
    "google.gz": lambda folder, content: _google(_put(folder, "r.csv.gz", content)),
    "till.csv": lambda folder, content: _table(_put(folder, "t.csv", content)),
    "sites.csv": lambda folder, content: _table(
        _put(folder, "t.csv", content), columns={"value": "covers", "site": "site", "hour": "hour"}, rows="hours"
    ),
    "till.xlsx": lambda folder, content: _table(_put(folder, "t.xlsx", content)),
    "sheet.xml": lambda folder, content: _table(_put(folder, "t.xlsx", zipped(workbook() | {SHEET: content}))),
    "saft.xml": lambda folder, content: _table(_put(folder, "s.xml", content), columns={}),
    "till.parquet": lambda folder, content: _table(_put(folder, "t.parquet", content)),
    "carris.json": _carris,
    "hystreet.csv": _hystreet,
    "weather.json": _weather,
    "events.csv": _events(".csv"),
    "events.ics": _events(".ics"),
    "market.yaml": _market,
}


def seeds(name: str) -> list[bytes]:
    """Something sound to begin with."""
    import bad_data
    import pandas as pd

    days = pd.DataFrame({"date": ["2025-12-30", "2025-12-31"], "covers": [210, 12.5]})
    parquet = io.BytesIO()
    days.to_parquet(parquet)
    small = bad_data.to_bytes(bad_data.sample()[:8])
    return {
        "google.csv": [small], "google.zip": [zipped({REPORT: small})], "google.gz": [gzip.compress(small)],
        "till.csv": [b"date,covers\n2025-12-30,210\n2025-12-31;1.250,5\n", b"date;covers\n30.12.2025;1 250,50\n"],
        "sites.csv": [b"date,hour,site,covers\n2025-12-30,13:00,Baixa,2\n2025-12-30,14,S\xc3\xa9,3\n"],
        "till.xlsx": [zipped(workbook())], "sheet.xml": [workbook()[SHEET]],
        "saft.xml": [(
            b'<?xml version="1.0"?><AuditFile xmlns="urn:OECD:StandardAuditFile-Tax:PT_1.04_01"><SourceDocuments>'
            b"<SalesInvoices><Invoice><InvoiceNo>FS A/1</InvoiceNo><DocumentStatus><InvoiceStatus>N</InvoiceStatus>"
            b"</DocumentStatus><InvoiceDate>2025-12-01</InvoiceDate><InvoiceType>FS</InvoiceType><SystemEntryDate>2025-12-01T12:00:00</SystemEntryDate>"
            b"</Invoice></SalesInvoices></SourceDocuments></AuditFile>"
        )],
        "till.parquet": [parquet.getvalue()],
        "carris.json": [
            b'[{"line_id":"1","operational_date":"2025-09-01","day_type":"1","period":"1","holiday":"0","qty":5}]',
            b'[{"properties":{"line_id":"1"},"data":{"2025-09-01":{"qty":5,"day_type":"1"}}}]',
        ],
        "hystreet.csv": [b"timestamp,location_id,location_name,pedestrians_count\n2025-12-30T10:00:00Z,1,Mitte,5\n"],
        "weather.json": [
            b'{"latitude":38.75,"longitude":-9.125,"timezone":"Europe/Lisbon","daily_units":{"time":"iso8601",'
            b'"precipitation_sum":"mm","temperature_2m_max":"\xc2\xb0C"},"daily":{"time":["2026-11-12"],'
            b'"precipitation_sum":[0.1],"temperature_2m_max":[17]}}'
        ],
        "events.csv": [b"from,to,site,what,effect,entered\n2026-12-31,,Baixa,a concert,busier,2026-11-01\n"],
        "events.ics": [
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261231\r\nDTEND:20270103T101500Z\r\nSUMMARY:x\r\n"
            b"CATEGORIES:CLOSED\r\nCREATED:20261120T101500Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        ],
        "market.yaml": [path.read_bytes() for path in (ROOT / "params").glob("*.yaml")],
    }[name]  # fmt: skip


def fuzz(name: str, seconds: str, corpus: str) -> None:
    """One reader, in this process, until it falls or time is over."""
    import atheris

    with atheris.instrument_imports(include=["footfall"], enable_loader_override=False):
        import footfall.events
        import footfall.market_file
        import footfall.sources.carris
        import footfall.sources.google.read
        import footfall.sources.hystreet
        import footfall.sources.table
        import footfall.sources.weather  # noqa: F401
    from footfall.errors import Problem

    def once(content: bytes) -> None:
        with contextlib.suppress(Problem):
            read(name, content)

    found = f"-artifact_prefix={ROOT / '.fuzz' / 'found'}/{name}-"
    limits = ["-timeout=20", "-rss_limit_mb=3000", "-max_len=20000", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], corpus, f"-max_total_time={seconds}", found, *limits], once)
    atheris.Fuzz()


def main(seconds: str, names: list[str]) -> int:
    """Each reader in a process of its own; how many fell."""
    fallen = 0
    (ROOT / ".fuzz" / "found").mkdir(parents=True, exist_ok=True)
    for name in names or READERS:
        with tempfile.TemporaryDirectory() as corpus:
            for number, seed in enumerate(seeds(name)):
                (Path(corpus) / str(number)).write_bytes(seed)
            words = [sys.executable, __file__, "--one", name, seconds, corpus]
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
        lines = done.stderr.splitlines()
        runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "?")
        fallen += done.returncode != 0
        why = "\n".join([line for line in lines if line.strip()][-40:]) if done.returncode else ""
        print(f"{name:<14} {runs:>9} runs  {'FELL' if done.returncode else 'held'}\n{why}".rstrip(), flush=True)
    return fallen


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz(*sys.argv[2:5])
    else:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
