"""What has not changed is not fetched again, and what is kept is only used while it is whole."""

import pytest
from live import Server

from flows.sources.download import ANSWERS, DownloadLimits, fetch
from footfall.errors import DataProblem, EnvironmentProblem

QUICK = DownloadLimits(seconds=10, size=1_000_000, attempts=3, pause=0.01)


@pytest.fixture
def source():
    with Server() as server:
        server.body = b'[{"line": 1}]'
        yield server


@pytest.fixture
def get(source, tmp_path):
    def get(address="by_line"):
        return fetch(source.url(address), tmp_path / "scratch", QUICK, ANSWERS, tmp_path / "kept").read_bytes()

    return get


def test_what_has_not_changed_is_taken_from_here_and_what_has_from_there(source, get):
    assert (get(), get()) == (source.body, source.body) and source.answered == [200, 304]
    source.body = b'[{"line": 2}]'
    assert (get(), get()) == (source.body, source.body) and source.answered == [200, 304, 200, 304]
    assert source.sent == 2 * len(source.body)


def test_another_address_is_another_memory(source, get):
    assert get() == get("by_line?since=2024") and source.answered == [200, 200]


@pytest.mark.parametrize("harm", [lambda file: file.write_bytes(b"[]"), lambda file: file.unlink()])
def test_what_is_no_longer_whole_is_fetched_anew(harm, source, get, tmp_path):
    get()
    (kept,) = (tmp_path / "kept").glob("*/by_line.json")
    harm(kept)
    assert get() == source.body and source.answered == [200, 200]


def test_nothing_that_was_cut_is_kept_and_what_was_kept_before_stays(source, get):
    get()
    whole, source.body = source.body, b'[{"line": 3}, {"line": 4}]'
    source.answers = ["cut"] * 3
    with pytest.raises(EnvironmentProblem, match="tried 3 times"):
        get()
    source.body = whole
    assert get() == whole and source.answered[-1] == 304


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again_and_then_named(status, source, get):
    source.answers = [status]
    assert get() == source.body
    source.answers = [status] * 3
    with pytest.raises(EnvironmentProblem, match=rf"the server answered {status} \(tried 3 times\)"):
        get()


def test_a_server_that_says_unchanged_without_being_asked_is_not_believed(source, get):
    source.answers = [304]
    with pytest.raises(EnvironmentProblem, match="answered 304"):
        get()


def test_a_page_in_place_of_an_answer_is_neither_taken_nor_kept(source, get, tmp_path):
    source.body = b"<!DOCTYPE html><title>Sorry</title>"
    with pytest.raises(DataProblem, match="this is a web page, not a JSON file"):
        get()
    assert not list(tmp_path.glob("kept/*/*"))
