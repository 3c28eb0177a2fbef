"""Where people find the bucket's objects: as files of our home only where they lie there."""

import re

import pytest

from flows.local import servers
from flows.settings import ROOT
from flows.storage import layout

OURS, THEIRS = "http://127.0.0.1:4443", "http://127.0.0.1:9023"


@pytest.fixture
def leads_to(monkeypatch, tmp_path):
    """Sets the environment as it is once our own emulator has started, and the bucket's address to another."""
    (own,) = [server for server in servers._servers() if server.variable == servers.BUCKET]

    def set_environment(address):
        monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
        for name, value in (own.variables(OURS) | {"STORAGE_EMULATOR_HOST": address}).items():
            monkeypatch.setenv(name, value)

    return set_environment


def test_what_our_own_emulator_keeps_is_a_file_on_this_disk(leads_to, tmp_path):
    leads_to(OURS)
    assert str(tmp_path / "bucket") in layout.on_disk()
    assert layout.for_people("sample/index.html") == str(tmp_path / "bucket/footfall/sample/index.html")


def test_what_the_emulator_of_others_keeps_has_an_address_and_no_path_here(leads_to):
    leads_to(THEIRS)
    assert layout.on_disk() == ""
    assert layout.for_people("sample/index.html") == f"{THEIRS}/footfall/sample/index.html"


def test_what_google_keeps_has_an_address(leads_to, monkeypatch):
    leads_to(OURS)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    assert layout.on_disk() == ""
    assert layout.for_people("sample/index.html") == "https://storage.googleapis.com/footfall/sample/index.html"


def test_people_are_led_to_the_bucket_of_pages_where_there_is_one(leads_to, monkeypatch):
    leads_to(OURS)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setenv("FOOTFALL_PAGES", "footfall-pages")
    assert layout.url("sample/index.html") == "https://storage.googleapis.com/footfall-pages/sample/index.html"


def test_where_pages_are_for_some_alone_a_link_leads_to_where_google_asks_who_one_is(leads_to, monkeypatch):
    leads_to(OURS)
    monkeypatch.setenv("FOOTFALL_PAGES", "footfall-pages")
    monkeypatch.setenv("FOOTFALL_PAGES_URL", "https://storage.cloud.google.com")
    assert layout.url("sample/index.html") == "https://storage.cloud.google.com/footfall-pages/sample/index.html"


def test_every_name_in_the_bucket_is_among_the_columns():
    names = re.findall(r"^    (\S.*?)  ", str(layout.__doc__), re.MULTILINE)
    page = (ROOT / "resources" / "columns.md").read_text()
    assert names and not [name for name in names if f"    {name}  " not in page]
