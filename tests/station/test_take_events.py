"""Events as a run knows them: on record, closing days, and none that was entered after the day it stands on."""

import json
import uuid

import pytest
from conftest import crown, footfall, market

from flows.settings import home
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall import events

HEAD = "from,to,site,what,effect,entered\n"
SHUT = "2022-10-15,2022-10-16,,Holidays,closed,2022-10-01\n"
FAIR = "2022-10-14,,,Street fair,busier,{entered}\n"
BLANK = "2022-10-14,,,Concert,busier,\n"


@pytest.fixture
def tasca(first_run, tmp_path, monkeypatch):
    """A market with a champion; called with a file of events, the set that predicting published."""
    name = market(
        monkeypatch, tmp_path, f"events{uuid.uuid4().hex[:6]}", "data: {source: sample, as_of: '2022-10-13'}\n"
    )
    crown(name, tmp_path)

    path = tmp_path / f"{name}.events.csv"

    def predict(text, *words, code=0):
        path.write_text(HEAD + text) if text is not None else path.unlink(missing_ok=True)
        done = footfall("predict", name, *words)
        assert done.exit_code == code, done.output
        return forecasts.latest(storage.connect("footfall"), name) if code == 0 else done.output

    predict.name, predict.path = name, path
    return predict


def test_what_was_entered_by_the_day_is_used_and_on_record_and_nothing_later_changes_a_byte(tasca):
    before = tasca(None)
    later = tasca(FAIR.format(entered="2022-10-14") + SHUT.replace("2022-10-01", "2022-10-14") + BLANK)
    assert later.pointer["digest"] == before.pointer["digest"], "events that were entered, or first seen, afterwards"
    bucket, name = storage.connect("footfall"), f"{tasca.name}/events.json"
    (key,) = seen = json.loads(storage.read(bucket, name))
    assert key == events.key(events.read_events((HEAD + BLANK).encode(), "x.csv").loc[0])
    storage.amend(bucket, name, lambda _: json.dumps({key: "2022-10-12"}).encode())
    known = tasca(FAIR.format(entered="2022-10-13") + SHUT + BLANK)
    assert b"Concert" in known.files["index.html"], "a blank is the day on which a run first saw it"
    assert json.loads(storage.read(bucket, name)) == {key: "2022-10-12"} != seen
    assert known.pointer["digest"] != before.pointer["digest"]
    page = known.files["index.html"].decode()
    assert "Street fair, which you expect to make it busier" in page and "closed, as you said" in page.lower()
    closed = [line.split(",")[1] for line in known.files["forecast.csv"].decode().splitlines() if line.endswith(",no")]
    assert sorted(set(closed)) == ["2022-10-15", "2022-10-16"]
    sha256 = known.manifest["about"]["events"]
    assert storage.read(bucket, f"snapshots/{sha256}.parquet")[:4] == b"PAR1"
    (folder, *_) = sorted(home().glob(f"runs/*-predict-{tasca.name}-*"), reverse=True)
    record = json.loads((folder / "record.json").read_text())
    assert record["inputs"]["events.parquet"] == sha256
    said = " ".join(tasca("2022-10-14,,,Fair,louder,\n", code=3).split())
    assert ".events.csv:2:effect: louder — one of closed, busier, quieter, unknown" in said
    assert forecasts.pointer(bucket, tasca.name) == known.pointer, "what was published stays"


def test_what_if_is_of_the_events_of_the_published_week_and_of_none_that_were_entered_since(tasca):
    for then, since in [(None, SHUT), (SHUT, None)]:
        published = shut(tasca(then).files["forecast.csv"])
        tasca.path.write_text(HEAD + since) if since else tasca.path.unlink()
        said = footfall("whatif", tasca.name, "--closed", "2022-10-18")
        assert said.exit_code == 0, said.output
        folder = max(home().glob(f"runs/*-whatif-{tasca.name}-*"), key=lambda folder: folder.stat().st_mtime)
        assert shut((folder / "out" / "forecast" / "forecast.csv").read_bytes()) == {*published, "2022-10-18"}


def shut(forecast):
    return {line.split(",")[1] for line in forecast.decode().splitlines() if line.endswith(",no")}
