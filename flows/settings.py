"""The ground: where this project's folders are, and what the environment says; asked anew each time."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
POOL = "forecasting"  # Prefect's work pool
LISBON = ZoneInfo("Europe/Lisbon")  # where the days of the schedule begin
OWN_PREFECT = "FOOTFALL_OWN_PREFECT"  # set to the address of the Prefect server where it is one of ours


def home() -> Path:
    """Where runs leave what they leave on this machine."""
    return Path(os.environ.get("FOOTFALL_HOME", ROOT / ".footfall")).resolve()


def params_folder() -> Path:
    """Where the markets' files are."""
    return Path(os.environ.get("FOOTFALL_PARAMS", ROOT / "params"))


def notebooks_folder() -> Path:
    """Where the notebooks are that production runs."""
    return Path(os.environ.get("FOOTFALL_NOTEBOOKS", ROOT / "notebooks"))


def bucket_name() -> str:
    """The bucket that everything goes to."""
    return os.environ.get("FOOTFALL_BUCKET", "footfall")


def prefect_is_ours() -> bool:
    """Whether the Prefect server was started here, and all that it knows of runs on this machine.

    An address on this machine says nothing of that: it may be a port that leads to the server in production.
    """
    return bool(os.environ.get(OWN_PREFECT)) and os.environ[OWN_PREFECT] == os.environ.get("PREFECT_API_URL")
