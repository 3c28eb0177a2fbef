"""The ground: where this project's folders are, and what the environment says; asked anew each time."""

import datetime as dt
import os
import shlex
from pathlib import Path
from zoneinfo import ZoneInfo

from footfall.params import Data

ROOT = Path(__file__).resolve().parent.parent
POOL = "forecasting"  # Prefect's work pool
LISBON = "Europe/Lisbon"  # where days begin, unless a market says otherwise
OWN_PREFECT = "FOOTFALL_OWN_PREFECT"  # set to the address of the Prefect server where it is one of ours
OWN_BUCKET = "FOOTFALL_OWN_BUCKET"  # set to the address of the bucket's emulator where its objects lie in our home


def today(zone: str = LISBON, moment: dt.datetime | None = None) -> dt.date:
    """Today in a zone, whatever the machine's; or the day there at a moment with a zone."""
    return (moment or dt.datetime.now(dt.UTC)).astimezone(ZoneInfo(zone)).date()


def day_of(data: Data, due: dt.datetime | None = None) -> dt.date:
    """The day a market stands on: its own ``as_of``, else the one its run was `due` on, else today in its zone."""
    return dt.date.fromisoformat(data.as_of) if data.as_of else today(data.timezone, due)


def home() -> Path:
    """Where runs leave what they leave on this machine."""
    return Path(os.environ.get("FOOTFALL_HOME") or ROOT / ".footfall").resolve()


def make_home() -> Path:
    """Make that folder, for nobody else on this machine: databases, records and secrets that servers keep lie in it."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.environ.get("FOOTFALL_HOME"):  # a notebook may have made our own, and as the umask says
        home().chmod(0o700)
    return home()


def moved() -> str:
    """How to go on with another home, and with all that lies in this one; its objects have extended attributes."""
    if not home().exists():
        return "set FOOTFALL_HOME to a folder on another disk"
    return f"end footfall up, cp -a {shlex.quote(str(home()))} to another disk and set FOOTFALL_HOME to the copy"


def params_folder() -> Path:
    """Where the markets' files are."""
    return Path(os.environ.get("FOOTFALL_PARAMS") or ROOT / "params")


def notebooks_folder() -> Path:
    """Where the notebooks are that production runs."""
    return Path(os.environ.get("FOOTFALL_NOTEBOOKS") or ROOT / "notebooks")


def notebook_of(station: str) -> Path:
    """The notebook that a station runs; whatif has predict's, and records of its own."""
    return notebooks_folder() / f"{'predict' if station == 'whatif' else station}.ipynb"


def bucket_name() -> str:
    """The bucket that everything goes to."""
    return os.environ.get("FOOTFALL_BUCKET") or "footfall"


def built_from() -> str:
    """The commit this container's image was built from, with ``-dirty`` if files differed; empty outside of one."""
    return os.environ.get("FOOTFALL_COMMIT", "")


def image() -> dict[str, str]:
    """The image that this container runs, by its digest, as a tag; none where whoever started it did not say."""
    return {"image": os.environ["FOOTFALL_IMAGE"]} if os.environ.get("FOOTFALL_IMAGE") else {}


def pages_bucket() -> list[str]:
    """The bucket for what people read, where it is another than the one that everything goes to; else none."""
    return [os.environ["FOOTFALL_PAGES"]] if os.environ.get("FOOTFALL_PAGES") else []


def prefect_is_ours() -> bool:
    """Whether the Prefect server was started here, and all that it knows of runs on this machine.

    An address on this machine says nothing of that: it may be a port that leads to the server in production.
    """
    return bool(os.environ.get(OWN_PREFECT)) and os.environ[OWN_PREFECT] == os.environ.get("PREFECT_API_URL")


def bucket_is_ours() -> bool:
    """Whether the bucket's objects lie as files in our home: an emulator that others started keeps them elsewhere."""
    return bool(os.environ.get(OWN_BUCKET)) and os.environ[OWN_BUCKET] == os.environ.get("STORAGE_EMULATOR_HOST")
