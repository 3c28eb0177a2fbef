"""Every name in the bucket but those of the files in a set, which who writes them names; and where they are found.

    <market>/latest.json                        which forecast set readers see
    <market>/forecasts/<as_of>/<digest>/        manifest.json, and the files it lists
    <market>/index.html, forecast.csv, *.ics    those of the latest set, at addresses that stay
    <market>/sites/<slug>/                      the same of each of several places
    <market>/scores.parquet                     how good the forecasts were
    <market>/told.json                          what its owner was told last
    <market>/events.json                        when each of its owner's events was first seen
    <market>/weather/<as_of>.json               which weather a day's first run kept
    snapshots/<sha256>.parquet, .json           what forecasts were made from, and where that came from
    ledger/<market>/<number>.json               who is champion since when, and why; six digits
    ledger/<number>.json                        the same of all markets in one chain, as it was: read, never written
    doctor/<hex>.json                           a probe, which does not stay

What is called otherwise is somebody else's: it is passed over, and `footfall doctor` names it.
"""

import datetime as dt
import os
import re
import uuid
from pathlib import Path

from flows.settings import bucket_is_ours, bucket_name, home, pages_bucket
from footfall.market_file import FOLDERS, NAME

LEDGER, SNAPSHOTS, PROBES = FOLDERS  # beside one of each market

ENTRIES = f"{LEDGER}/"  # what the names of all entries begin with
PAGE = "index.html"
SHOWN_FILE = r"(sites/[a-z0-9-]+/)?(forecast\.csv|[a-z-]+\.ics|index\.html)"  # at addresses that stay
SCORES = "scores.parquet"
MANIFEST = "manifest.json"
MARKET = rf"(?!({'|'.join(FOLDERS)})/){NAME.pattern}"
SET = rf"{MARKET}/forecasts/(?P<day>\d{{4}}-\d\d-\d\d)/[0-9a-f]{{16}}"
ENTRY = rf"{LEDGER}/({MARKET}/)?\d{{6}}\.json"
OURS = (
    rf"{MARKET}/((latest|told|events|weather/\d{{4}}-\d\d-\d\d)\.json|scores\.parquet|{SHOWN_FILE})|{SET}/.+"
    rf"|{ENTRY}|{SNAPSHOTS}/[0-9a-f]{{64}}\.(parquet|json)"
)


def pointer(market: str) -> str:
    """Which forecast set of a market readers see."""
    return f"{market}/latest.json"


def shown(market: str, file: str) -> str:
    """A file of the latest set, one that `is_shown`, at the address that stays."""
    return f"{market}/{file}"


def is_shown(file: str) -> bool:
    """Whether a file of a set is for people or calendars, which keep its address."""
    return re.fullmatch(SHOWN_FILE, file) is not None


def sites(market: str) -> str:
    """What the names of all that is shown of a market's sites begin with."""
    return f"{market}/sites/"


def scores(market: str) -> str:
    """How good a market's forecasts were."""
    return f"{market}/{SCORES}"


def weather(market: str, day: dt.date | str) -> str:
    """Which weather the first run of a market's day kept."""
    return f"{market}/weather/{day}.json"


def events(market: str) -> str:
    """When each of the events of a market's owner was first seen."""
    return f"{market}/events.json"


def told(market: str) -> str:
    """What a market's owner was told last."""
    return f"{market}/told.json"


def forecasts(market: str, day: dt.date | str | None = None) -> str:
    """What the names of all forecast sets of a market begin with, or of those of a day."""
    return f"{market}/forecasts/{day}/" if day is not None else f"{market}/forecasts/"


def forecast_set(market: str, day: dt.date | str, digest: str) -> str:
    """The folder of a forecast set."""
    return f"{forecasts(market, day)}{digest}"


def manifest(folder: str) -> str:
    """The manifest of the set in a folder."""
    return f"{folder}/{MANIFEST}"


def manifests(market: str) -> str:
    """The manifests of all forecast sets of a market, as a pattern that the storage knows."""
    return manifest(forecast_set(market, "*", "*"))


def set_of(name: str) -> str:
    """The folder of the set that an object is in."""
    return name.rpartition("/")[0]


def day_of(name: str) -> str | None:
    """The day of the set whose manifest is called so; None if it is nobody's manifest."""
    match = re.fullmatch(rf"{SET}/{MANIFEST}", name)
    return match["day"] if match else None


def snapshot(sha256: str) -> str:
    """What forecasts were made from."""
    return f"{SNAPSHOTS}/{sha256}.parquet"


def origin(sha256: str) -> str:
    """Where a snapshot came from."""
    return f"{SNAPSHOTS}/{sha256}.json"


def entries(market: str) -> str:
    """What the names of all entries of a market begin with."""
    return f"{LEDGER}/{market}/"


def entry(market: str, number: int) -> str:
    """An entry of a market's ledger."""
    return f"{entries(market)}{number:06}.json"


def common_entry(number: int) -> str:
    """An entry of the chain that all markets had in common."""
    return f"{LEDGER}/{number:06}.json"


def is_entry(name: str) -> bool:
    """Whether an object under ``ledger/`` is one of ours."""
    return re.fullmatch(ENTRY, name) is not None


def is_ours(name: str) -> bool:
    """Whether an object is called as ours are."""
    return re.fullmatch(OURS, name) is not None


def is_made_again(name: str) -> bool:
    """Whether the run of a day makes an object again, byte for byte: its set, and what leads readers there."""
    return re.fullmatch(rf"{SET}/.+|{MARKET}/(latest\.json|{SHOWN_FILE})", name) is not None


def probe() -> str:
    """An object to try permissions on."""
    return f"{PROBES}/{uuid.uuid4().hex}.json"


def on_disk() -> str:
    """Where the objects lie as files, in brackets, if they lie in our home."""
    return f"(on this disk: {_near(home() / 'bucket')})" if bucket_is_ours() else ""


def url(name: str) -> str:
    """Where browsers find what is shown: in the bucket of pages where there is one; the other is closed to them."""
    bucket = next(iter(pages_bucket()), bucket_name())
    open_to_all = os.environ.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com")
    return f"{os.environ.get('FOOTFALL_PAGES_URL') or open_to_all}/{bucket}/{name}"


def for_people(name: str) -> str:
    """Where people find what is shown: a path, if it lies in our home."""
    return _near(home() / "bucket" / bucket_name() / name) if bucket_is_ours() else url(name)


def _near(path: Path) -> str:
    """The path as it is typed from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
