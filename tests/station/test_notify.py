"""A word each morning: a real receiver, the page's words, once a day or when the picture changes; no secret told."""

import datetime as dt
import json
import subprocess
import sys
import uuid

import pytest
from conftest import crown, footfall, market, open_causes, typical
from invariants import the_canary_is_nowhere
from receiver import Receiver

from flows.settings import home, params_folder
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.errors import UsageProblem
from footfall.market_file import read_market

TEXT = "data: {{source: sample, as_of: '{day}'}}\nnotify: {{address_from: TASCA_ADDRESS, language: pt{more}}}\n"


@pytest.fixture
def receiver(monkeypatch):
    with Receiver() as one:
        monkeypatch.setenv("TASCA_ADDRESS", one.url)
        yield one


@pytest.fixture
def tasca(first_run, tmp_path, monkeypatch):
    """A market with a champion; called with a day, what predicting on it said."""
    name = market(monkeypatch, tmp_path, f"tasca{uuid.uuid4().hex[:6]}", "data: {source: sample}\n")
    crown(name, tmp_path)

    def predict(day, more="", *words):
        market(monkeypatch, tmp_path, name, TEXT.format(day=day, more=more))
        done = footfall("predict", name, *words)
        assert done.exit_code == 0, done.output
        return done.output

    predict.name = name
    return predict


def test_the_week_is_told_once_in_the_readers_language_with_the_way_to_the_page(tasca, receiver, monkeypatch):
    monkeypatch.delenv("TASCA_ADDRESS", raising=False)
    assert "TASCA_ADDRESS is not set" in tasca("2022-10-13")
    monkeypatch.setenv("TASCA_ADDRESS", "json://127.0.0.1:9/canary-77c0")
    said = tasca("2022-10-13")
    assert "TASCA_ADDRESS: nothing could be sent" in said and "canary-" not in said
    assert forecasts.pointer(storage.connect("footfall"), tasca.name)["as_of"] == "2022-10-13"
    ((cause, sentence),) = [(one["cause"], one["sentence"]) for one in open_causes(tasca.name)]
    assert cause == "word not sent" and "nothing could be sent" in sentence, "the newest reason"
    monkeypatch.setenv("TASCA_ADDRESS", receiver.url)
    assert "the week was told" in tasca("2022-10-13")
    ((subject, text),) = receiver.told
    assert open_causes(tasca.name) == []
    assert "Portugal" in subject and "sexta-feira, 14 de outubro" in text.lower()
    assert text.splitlines()[-1].endswith(f"/{tasca.name}/index.html")
    assert "nothing new to tell" in tasca("2022-10-13") and len(receiver.told) == 1
    for canary in ("canary-5d1f", "canary-77c0"):  # the address of the one who is told, and of one where nobody is
        the_canary_is_nowhere(home(), canary)


def test_where_the_market_s_file_is_spoiled_after_publishing_the_word_is_sent_all_the_same(
    tasca, receiver, tmp_path, monkeypatch
):
    import flows.predict as station

    market(monkeypatch, tmp_path, tasca.name, TEXT.format(day="2022-10-13", more=""))
    publish, spoiled = station.publish, f"{tasca.name}.yaml: line 2, column 7: expected ',' or '}}', but got ':'"

    def spoiling(run, show):
        published = publish(run, show)
        (tmp_path / f"{tasca.name}.yaml").write_text("data: {source: sample\nnotify: [")
        return published

    monkeypatch.setattr(station, "publish", spoiling)
    done = footfall("predict", tasca.name)
    assert done.exit_code == 0 and done.output.count(f"spoiled  {spoiled}") == 1, done.output
    assert forecasts.pointer(storage.connect("footfall"), tasca.name)["as_of"] == "2022-10-13"
    assert len(receiver.told) == 1 and not open_causes(tasca.name)


def test_where_there_are_too_many_places_for_words_that_is_said(tmp_path, servers):
    from flows.station.notify import _send_if_news
    from flows.station.run import Run

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "words.json").write_text('{"days": {}, "messages": {}}')
    with pytest.raises(UsageProblem, match=r"of more than 100 places .*; take notify out of sample\.yaml"):
        _send_if_news(Run("predict", read_market(params_folder(), "sample"), tmp_path))


@pytest.mark.parametrize("who", ["the next", "the one in its place", "a station of the one in its place"])
def test_a_week_that_was_not_sent_for_a_kill_is_sent_by_the_next_and_once(who, client, receiver, tmp_path, monkeypatch):
    from prefect import flow
    from prefect.flow_engine import run_flow

    from flows.orchestration.client import AGAIN
    from flows.orchestration.schedule import all_due
    from flows.station import notify
    from flows.station.run import Run

    name = market(monkeypatch, tmp_path, f"tasca{uuid.uuid4().hex[:6]}", TEXT.format(day="2022-10-13", more=""))
    (tmp_path / "out").mkdir()
    words = {"days": {"2022-10-14": "busy"}, "messages": {"pt": {"subject": "Tasca", "text": "sexta-feira"}}}
    (tmp_path / "out" / "words.json").write_text(json.dumps(words))
    killed = """
import os, sys
from pathlib import Path
from flows.settings import params_folder
from flows.station import notify
from flows.station.run import Run
from footfall.market_file import read_market
notify._send = lambda *_: os.kill(os.getpid(), 9)
notify._send_if_news(Run("predict", read_market(params_folder(), sys.argv[1]), Path(sys.argv[2])))
"""
    assert subprocess.run([sys.executable, "-c", killed, name, str(tmp_path)], check=False).returncode == -9
    run = Run("predict", read_market(params_folder(), name), tmp_path)
    assert notify._send_if_news(run) == "nothing new to tell", "another may be at it"
    if who == "the next":
        monkeypatch.setattr(notify, "SENDING", -notify.SENDING)

    @flow
    def station():
        return notify._send_if_news(run)

    @flow
    def daily():
        with all_due(dt.datetime.now(dt.UTC)):
            return station()

    asked, tags = daily if who.startswith("a station") else station, [AGAIN] * (who != "the next")
    told = [run_flow(asked, flow_run=client.create_flow_run(asked, tags=tags)) for _ in range(2)]
    assert told == ["the week was told", "nothing new to tell"]
    assert [subject for subject, _ in receiver.told] == ["Tasca"]
    told = json.loads(storage.read(storage.connect("footfall"), f"{name}/told.json"))
    assert told == {"as_of": "2022-10-13", "days": words["days"]}


@pytest.mark.soak
def test_on_other_days_than_those_named_only_a_changed_picture_is_told(tasca, receiver):
    mondays = ", days: [monday]"
    tasca("2022-10-14", mondays)
    assert len(receiver.told) == 1, "the first week is told on whatever day it is"
    tasca("2022-10-17", mondays)
    assert len(receiver.told) == 2
    bucket, name = storage.connect("footfall"), f"{tasca.name}/told.json"
    told = json.loads(storage.read(bucket, name))
    same = {day: word for day, word in told["days"].items()}
    tasca("2022-10-18", mondays)
    after = json.loads(storage.read(bucket, name))["days"]
    changed = any(after[day] != same[day] for day in same.keys() & after.keys())
    assert len(receiver.told) == 2 + changed
    storage.amend(
        bucket, name, lambda _: json.dumps({"as_of": "2022-10-18", "days": {"2022-10-20": "closed"}}).encode()
    )
    tasca("2022-10-19", mondays)
    assert len(receiver.told) == 3 + changed


@pytest.mark.parametrize("shown", typical([True, False], True))
def test_of_a_day_of_the_past_and_of_one_that_is_not_shown_nobody_is_told(shown, tasca, receiver):
    tasca("2022-10-17", "", "--as-of", "2022-10-14")
    assert receiver.told == []
    if not shown:
        done = footfall("backfill", tasca.name, "--from", "2022-10-16", "--to", "2022-10-16")
        assert done.exit_code == 0, done.output
        assert receiver.told == []


@pytest.mark.soak
def test_an_address_that_is_not_set_is_named_and_the_next_day_is_told_again(tasca, receiver, monkeypatch):
    monkeypatch.delenv("TASCA_ADDRESS")
    assert "TASCA_ADDRESS is not set" in tasca("2022-10-13")
    monkeypatch.setenv("TASCA_ADDRESS", receiver.url)
    tasca("2022-10-13")
    tasca("2022-10-14")
    assert len(receiver.told) == 2


@pytest.mark.parametrize("address", ["mailto://me:canary-1b2c@mail.example.org", "tasca_address", "canary 1"])
def test_the_address_itself_does_not_belong_into_the_file(address, first_run, tmp_path, monkeypatch):
    text = f"data: {{source: sample}}\nnotify: {{address_from: '{address}'}}\n"
    name = market(monkeypatch, tmp_path, f"tasca{uuid.uuid4().hex[:6]}", text)
    done = footfall("predict", name)
    assert done.exit_code == 2 and "the name of a variable of the environment" in " ".join(done.output.split())
    assert "canary-1b2c" not in done.output


def test_of_ten_and_more_the_first_digit_counts_and_how_many_there_are():
    from flows.station.notify import first_digit

    told = [first_digit(number) for number in (9, 10, 14, 15, 19, 20, 29, 99, 100, 199)]
    assert told == ["9", "10", "10", "10", "10", "20", "20", "90", "100", "100"]
