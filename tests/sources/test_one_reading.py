"""Days that are caught up on stand on the same figures, whatever their owner entered meanwhile."""

import pytest
from live import Server

from flows.sources.reading import one_reading, read_source
from footfall.params import Data


@pytest.fixture
def till(tmp_path, monkeypatch):
    """A till whose export is another one each time that it is asked."""
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    with Server() as server:
        server.body = b"date,covers\n2025-01-06,10\n2025-01-08,12\n"
        yield server


def of(till, **more):
    return Data.model_validate(
        {"source": till.url("till.csv"), "unit": "counts", "columns": {"value": "covers"}} | more
    )


def test_a_day_that_is_shut_meanwhile_is_read_from_the_same_figures(till):
    with one_reading():
        before = read_source(of(till)).series
        till.body = b"date,covers\n2025-01-06,99\n2025-01-08,99\n"
        after = read_source(of(till, closed={"dates": ["2025-01-07"]})).series
    assert before["value"].tolist() == [10, 12] and after["value"].tolist()[::2] == [10, 12]
    assert after["open"].tolist() == ["yes", "no", "yes"] and len(till.asked) == 1
    assert read_source(of(till)).series["value"].tolist() == [99, 99], "anew, once that is over"


def test_what_is_read_alike_is_read_once(till):
    with one_reading():
        first = read_source(of(till))
        assert read_source(of(till, as_of="2025-01-08", name="Tasca")) is first
