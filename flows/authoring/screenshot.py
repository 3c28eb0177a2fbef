"""Chromium: the owner's page as a reader sees it, for README and for the page's tests."""

import ctypes
import datetime as dt
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "no Chromium with libatomic, which its driver takes from the machine: apt-get install chromium libatomic1"


def chromium_path() -> str | None:
    """Where this machine's Chromium is, if it has one that can be driven."""
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libatomic.so.1")
        except OSError:
            return None
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser, the machine's own."""
    from playwright.sync_api import sync_playwright  # for developers only; nothing in production draws

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path())
        try:
            yield browser
        finally:
            browser.close()


def draw(page: Path, picture: Path, day: dt.date, locale: str = "en-GB", scheme: str = "light") -> None:
    """The top of a page as it looks on a phone on the day it was made."""
    with chromium() as browser:
        phone = {"viewport": {"width": 400, "height": 860}, "device_scale_factor": 1.5}
        tab = browser.new_page(**phone, locale=locale, color_scheme=scheme)
        tab.clock.set_fixed_time(dt.datetime.combine(day, dt.time(9)))
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=picture)


if __name__ == "__main__":
    sys.exit(None if chromium_path() else ADVICE)
