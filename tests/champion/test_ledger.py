"""The ledger: one order of champions, whoever writes at once, whoever is killed between, whoever alters it."""

import datetime as dt
import itertools
import json
import os
import random
import re
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import conftest
import pytest
from conftest import footfall, poison, typical
from mlflow_records import model, readable, training
from proxy import Proxy

from flows.settings import home
from flows.storage import bucket, forecasts
from footfall.digest import sha256
from footfall.errors import Conflict, DataProblem, EnvironmentProblem, GateClosed, UsageProblem

DAY = dt.date(2022, 10, 13)
NAIVE = {"WIS": 4.0, "MAE": 4.2}


@pytest.fixture
def ledger(servers):
    from flows.champion import ledger

    return ledger


@pytest.fixture
def place(servers):
    name = f"ledger-{uuid.uuid4().hex[:8]}"
    (home() / "bucket" / name).mkdir()
    return bucket.connect(name)


def gate(wis, **naive):
    figures = {"challenger": {"WIS": wis}, "naive": NAIVE | naive}
    return {"passed": True, "reason": f"WIS {wis} against 4.0", "figures": figures}


@pytest.fixture
def versions(ledger, tmp_path, monkeypatch):
    """A market of its own in the registry, and as many versions as are asked for."""
    from flows.champion import registry
    from flows.record import mlflow_runs

    market, numbers, run = f"m{uuid.uuid4().hex[:8]}", itertools.count(), training(mlflow_runs, tmp_path)
    conftest.market(monkeypatch, tmp_path, market, "data: {source: sample}\n")

    def more():
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return registry.register(market, run, readable(model(folder), folder.name), {})

    return market, more


def test_of_a_training_of_the_past_is_said_whose_today_it_is(ledger, place, versions):
    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    _, said = ledger.promote(place, market, more(), None, DAY - dt.timedelta(days=18), gate(2.9), "run")
    assert said == f"version 2 is champion as of {DAY - dt.timedelta(days=18)}; version 1 remains today's"


def test_a_promotion_is_an_entry_and_the_alias_follows(ledger, place, versions):
    from flows.champion import registry

    market, more = versions
    assert ledger.champion(place, market) is None
    first, said = ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    assert said == "version 1 is champion" and (first.number, first.was, first.before) == (1, None, "")
    second, _ = ledger.promote(place, market, more(), "1", DAY, gate(2.9), "run")
    assert (second.number, second.was) == (2, "1") and registry.alias(market) == "2"
    assert [one.version for one in ledger.entries(place, market)] == ["1", "2"]
    assert json.loads(bucket.read(place, f"ledger/{market}/000002.json"))["why"] == "WIS 2.9 against 4.0"


def test_a_day_has_the_champion_of_that_day(ledger, place, versions):
    from flows.champion import registry

    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    ledger.promote(place, market, more(), "1", DAY + dt.timedelta(30), gate(2.9), "run")
    past, _ = ledger.promote(place, market, more(), None, DAY - dt.timedelta(30), gate(2.0), "run")
    on = {days: ledger.champion(place, market, DAY + dt.timedelta(days)) for days in (-31, -30, -1, 0, 29, 30)}
    assert [one and one.version for one in on.values()] == [None, "3", "3", "1", "1", "2"]
    assert past.number == 3 and registry.alias(market) == "2", "a past that is caught up on takes nothing from today"


def test_of_two_that_beat_the_same_champion_the_better_stays(ledger, place, versions):
    market, more = versions
    one, two, three, four = more(), more(), more(), more()
    ledger.promote(place, market, one, None, DAY, gate(3.0), "run")
    assert "came meanwhile" in ledger.promote(place, market, two, None, DAY, gate(3.1), "run")[1]
    assert ledger.promote(place, market, three, None, DAY, gate(2.8), "run")[0].was == one
    elsewhere = gate(2.0, WIS=3.9)  # judged on other days: its figures do not compare
    assert ledger.promote(place, market, four, None, DAY, elsewhere, "run")[0] is None
    assert ledger.champion(place, market).version == three


def race(ledger, place, market, numbers, seed):
    """Trainers that all saw the same champion promote at once; what each was told."""
    scores = random.Random(seed).sample(range(100, 390), len(numbers))
    now = ledger.champion(place, market)
    against = now and now.version

    def one(number, score):
        return ledger.promote(bucket.connect(place.name), market, number, against, DAY, gate(score / 100), "run")

    with ThreadPoolExecutor(len(numbers)) as pool:
        told = list(pool.map(one, numbers, scores))
    return numbers[scores.index(min(scores))], told


@pytest.mark.soak  # beside the two above
def test_of_four_trainers_at_once_the_gates_winner_stays(ledger, place, versions):
    from flows.champion import registry

    market, more = versions
    for seed in range(2):
        best, told = race(ledger, place, market, [more() for _ in range(4)], seed)
        written = ledger.entries(place, market)
        assert ledger.champion(place, market).version == best == registry.alias(market)
        assert [entry.number for entry in written] == list(range(1, len(written) + 1))
        assert all(later.was == earlier.version for earlier, later in itertools.pairwise(written))
        assert {entry.number for entry, _ in told if entry} <= {entry.number for entry in written}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_forty_races_of_four_trainers(ledger, place, versions):
    from flows.champion import registry

    market, more = versions
    for seed in range(40):
        best, _ = race(ledger, place, market, [more() for _ in range(4)], seed)
        assert ledger.champion(place, market).version == best == registry.alias(market)
    written = ledger.entries(place, market)
    assert all(later.was == earlier.version for earlier, later in itertools.pairwise(written))


def test_without_the_second_look_a_worse_one_would_win(ledger, place, versions, monkeypatch):
    market, more = versions
    monkeypatch.setattr(ledger, "_beats", lambda ours, theirs: True)
    ledger.promote(place, market, more(), None, DAY, gate(2.0), "run")
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    assert ledger.champion(place, market).version == "2", "this is what the second look is for"


KILLED = """
import datetime as dt, json, os, sys
from flows.champion import ledger, registry
from flows.storage import bucket, forecasts
step, place, market, version, gate, call = sys.argv[1:]
module, name = step.split(".")
module = {"bucket": bucket, "registry": registry}[module]
before = getattr(module, name)
def dies(*words, **named):
    if os.environ["WHEN"] == "after":
        before(*words, **named)
    os.kill(os.getpid(), 9)
setattr(module, name, dies)
if call == "promote":
    ledger.promote(bucket.connect(place), market, version, "1", dt.date(2022, 10, 13), json.loads(gate), "run")
else:
    ledger.rollback(bucket.connect(place), market, "it drifts")
"""


def killed(monkeypatch, when, *words):
    monkeypatch.setenv("WHEN", when)
    assert subprocess.run([sys.executable, "-c", KILLED, *words], check=False).returncode == -9


@pytest.mark.parametrize("when", typical(["before", "after"], "after"))
@pytest.mark.parametrize("step", typical(["registry.lay_down", "bucket.write", "registry.point"], "bucket.write"))
def test_a_kill_between_any_two_steps_leaves_one_champion(ledger, place, versions, step, when, monkeypatch):
    from flows.champion import registry

    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    two = more()
    killed(monkeypatch, when, step, place.name, market, two, json.dumps(gate(2.5)), "promote")
    entered = len(ledger.entries(place, market)) == 2
    assert entered == ((step, when) in {("bucket.write", "after"), ("registry.point", "before"),
                                        ("registry.point", "after")})  # fmt: skip
    ledger.follow(place, market)  # what every station does before it takes the champion
    assert registry.alias(market) == ledger.champion(place, market).version == (two if entered else "1")


@pytest.mark.soak  # beside one that was cut short, below
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["bucket.write", "registry.point"])
def test_a_rollback_that_was_killed_is_finished_by_the_next_and_goes_back_no_further(
    ledger, place, versions, step, when, monkeypatch
):
    from flows.champion import registry

    market, more = versions
    for against in (None, "1", "2"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    forecasts.publish(place, market, DAY, {"x": b"3"}, {"model_version": f"{market}/3"})
    killed(monkeypatch, when, step, place.name, market, "", "", "rollback")
    assert (len(ledger.entries(place, market)) == 4) == ((step, when) != ("bucket.write", "before"))
    for _ in range(2):
        entry = ledger.rollback(place, market, "again")
        assert (entry.number, entry.version, registry.alias(market)) == (4, "2", "2")
    forecasts.publish(place, market, DAY, {"x": b"2"}, {"model_version": f"{market}/2"})
    assert ledger.rollback(place, market, "still").version == "1"


def test_a_market_goes_on_from_the_chain_that_all_had_in_common(ledger, place, versions, tmp_path):
    from flows.champion import registry

    market, more = versions
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    before = ""
    for number, entry in enumerate(ledger.entries(place, market), start=1):
        place.blob(f"ledger/{market}/{number:06}.json").delete()
        text = entry.model_copy(update={"before": before}).model_dump_json(indent=2, exclude={"champions"})
        bucket.create(place, f"ledger/{number:06}.json", text.encode())
        before = sha256(text.encode())
    registry.point(market, "1")
    champion = ledger.follow(place, market).champion(DAY)
    assert (champion.version, registry.alias(market), champion.entry) == ("2", "2", "ledger/000002.json")
    assert ledger.lay_down(place, market, champion, tmp_path) == ledger.champion(place, market).sha256
    entry = ledger.rollback(place, market, "it drifts")
    assert (entry.number, entry.version, entry.was, entry.before) == (1, "1", "2", before)
    entry, _ = ledger.promote(place, market, more(), "1", DAY, gate(2.0), "run")
    assert (entry.number, entry.was, len(ledger.entries(place, market))) == (2, "1", 4) and registry.alias(
        market
    ) == "3"


def test_an_altered_entry_is_named_and_no_champion_is_trusted(ledger, place, versions):
    market, more = versions
    for against in (None, "1", "2"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    name = f"ledger/{market}/000002.json"
    whole = bucket.read(place, name)
    altered = whole.replace(b'"why": "WIS 3.0', b'"why": "WIS 2.0')
    assert altered != whole
    bucket.write(place, name, altered, replaces=bucket.state(place, name).generation)
    for ask in (ledger.entries, lambda *market: ledger.rollback(*market, "on whose word?")):
        with pytest.raises(DataProblem, match=r"/000003\.json: does not follow the entry before it"):
            ask(place, market)


def test_a_missing_entry_is_named(ledger, place, versions):
    market, more = versions
    for against in (None, "1", "2"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    place.blob(f"ledger/{market}/000001.json").delete()
    with pytest.raises(DataProblem, match=r"/000002\.json: does not follow"):
        ledger.entries(place, market)


def test_the_newest_entry_is_held_against_the_registry(ledger, place, versions, tmp_path):
    market, more = versions
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    name = f"ledger/{market}/000002.json"
    altered = bucket.read(place, name).replace(b'"version": "2"', b'"version": "1"')
    bucket.write(place, name, altered, replaces=bucket.state(place, name).generation)
    with pytest.raises(DataProblem, match=r"/000002\.json: names another model as version 1"):
        ledger.lay_down(place, market, ledger.follow(place, market).champion(), tmp_path)


def test_what_stops_a_rollback_that_is_done_sends_nobody_back_again(ledger, place, versions):
    market, more = versions
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    forecasts.publish(place, market, DAY, {"x": b"1"}, {"model_version": f"{market}/2"})
    entry = ledger.rollback(place, market, "it drifts")
    with (
        pytest.raises(DataProblem, match=r"the page(.|\n)*the latest forecast have yet to follow"),
        ledger.finishing(place, entry),
    ):
        raise DataProblem("the page")
    forecasts.publish(place, market, DAY, {"x": b"2"}, {"model_version": f"{market}/1"})
    with (
        pytest.raises(DataProblem, match=r"the page\nThe champion has changed already[^;]*$"),
        ledger.finishing(place, entry),
    ):
        raise DataProblem("the page")


def test_a_rollback_to_a_version_that_has_seen_later_days_says_whose_the_latest_forecast_stays(
    ledger, place, versions, monkeypatch
):
    from flows.cli import terminal

    market, more = versions
    for against, as_of in ((None, DAY), ("1", DAY + dt.timedelta(days=7))):
        ledger.promote(place, market, more(), against, as_of, gate(3.0), "run")
    forecasts.publish(place, market, DAY, {"x": b"1"}, {"model_version": f"{market}/1", "snapshot": "5a" * 32})
    ledger.rollback(place, market, "it drifts")
    monkeypatch.setenv("FOOTFALL_BUCKET", place.name)
    monkeypatch.setattr(terminal, "perform", lambda *_: None)
    monkeypatch.setattr(terminal, "show", lambda *_: None)
    done = footfall("rollback", market, "--reason", "forward again", "--to", "2")
    said = f"version 2 has seen days after {DAY}, whose forecast stays version 1's"
    assert done.exit_code == 0 and said in " ".join(done.output.split()), done.output


def test_a_user_without_a_name_may_promote(ledger, place, versions, monkeypatch):
    market, more = versions
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # as a container may run us
    entry, _ = ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    assert entry.who == "user 54321"


def test_going_back_follows_the_promotions(ledger, place, versions):
    from flows.champion import registry

    market, more = versions
    with pytest.raises(UsageProblem, match="never had a champion"):
        ledger.rollback(place, market, "why not")
    for against in (None, "1", "2"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    more()
    assert ledger.rollback(place, market, "it drifts").version == "2"
    entry = ledger.rollback(place, market, "still")
    assert (entry.version, entry.was, entry.action, entry.why) == ("1", "2", "rollback", "still")
    assert registry.alias(market) == "1"
    with pytest.raises(UsageProblem, match=r"no champion before version 1; name one, --to VERSION: 2, 3$"):
        ledger.rollback(place, market, "further")
    with pytest.raises(UsageProblem, match="version 1 is the champion"):
        ledger.rollback(place, market, "here", to="1")
    with pytest.raises(GateClosed, match=r"version 4 of .* never passed its gate; those that did: 1, 2, 3"):
        ledger.rollback(place, market, "untested", to="4")
    assert ledger.rollback(place, market, "forward again", to="3").was == "1"


def test_a_rollback_that_was_cut_short_is_finished_by_the_next_and_goes_back_no_further(
    ledger, place, versions, servers, monkeypatch
):
    from flows.champion import registry

    market, more = versions
    for against in (None, "1", "2"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    forecasts.publish(place, market, DAY, {"x": b"3"}, {"model_version": f"{market}/3"})
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("reset", "POST .*registered-models/alias")
        with pytest.raises(EnvironmentProblem, match=r"changed already: version 2 in place of 3; .* --to 2"):
            ledger.rollback(place, market, "it drifts")
    assert registry.alias(market) == "3"
    for to in (None, "2", None):
        assert ledger.rollback(place, market, "again", to).number == 4, "the forecast is still by version 3"
    assert registry.alias(market) == "2"
    forecasts.publish(place, market, DAY, {"x": b"2"}, {"model_version": f"{market}/2"})
    with pytest.raises(UsageProblem, match="version 2 is the champion"):
        ledger.rollback(place, market, "here", to="2")
    assert ledger.rollback(place, market, "still").version == "1"
    assert ledger.rollback(place, market, "forward again", to="3").number == 6, "another one is another rollback"


def test_a_prediction_that_was_running_undoes_no_rollback(ledger, place, versions, tmp_path, monkeypatch):
    from prefect.logging import disable_run_logger

    from flows.record import mlflow_runs
    from flows.station.publish import publish
    from flows.station.run import Run
    from footfall.params import Market

    market, more = versions
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    through = {"data_through": "2022-09-29"}
    shown = forecasts.publish(place, market, DAY, {"x": b"1"}, {"model_version": f"{market}/1"} | through).pointer
    monkeypatch.setenv("FOOTFALL_BUCKET", place.name)
    (tmp_path / "out" / "forecast").mkdir(parents=True)
    (tmp_path / "out" / "forecast" / "x").write_bytes(b"2")
    data = {"source": "sample", "as_of": str(DAY)}
    kept = mlflow_runs.MlflowClient().create_run("0").info.run_id
    run = Run(
        "predict", Market(name=market, data=data), tmp_path, kept, facts={"model_version": f"{market}/2"} | through
    )
    ledger.rollback(place, market, "it drifts")  # version 2 had left its notebook by then
    with disable_run_logger():
        with pytest.raises(Conflict, match=f"by {market}/2, and the champion is version 1 now; it is stored"):
            publish.fn(run, show=True)
        assert forecasts.pointer(place, market) == shown
        stored = mlflow_runs.get(kept).data.tags
        assert stored["published"] == "false" and f"{market}/forecasts/{DAY}/" in stored["forecast"]
        run.facts["model_version"] = f"{market}/1"
        for what in ("now the latest", "nothing new"):
            assert what in publish.fn(run, show=True).message
            assert mlflow_runs.get(kept).data.tags["published"] == "true", "readers see it, whoever pointed them to it"


def test_a_prediction_that_began_earlier_takes_no_newer_figures_from_readers(
    ledger, place, versions, tmp_path, monkeypatch
):
    from prefect.logging import disable_run_logger

    from flows.record import mlflow_runs
    from flows.station.publish import publish
    from flows.station.run import Run
    from footfall.params import Market

    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    monkeypatch.setenv("FOOTFALL_BUCKET", place.name)
    (tmp_path / "out" / "forecast").mkdir(parents=True)
    (tmp_path / "out" / "forecast" / "x").write_bytes(b"older")
    about = {"model_version": f"{market}/1", "data_through": "2022-09-29"}
    kept = mlflow_runs.MlflowClient().create_run("0").info.run_id
    run = Run("predict", Market(name=market, data={"source": "sample", "as_of": str(DAY)}), tmp_path, kept, facts=about)
    newer = forecasts.publish(place, market, DAY, {"x": b"newer"}, about | {"data_through": "2022-09-30"}).pointer
    with disable_run_logger():
        with pytest.raises(
            Conflict, match="figures through 2022-09-29, and one through 2022-09-30 was shown meanwhile"
        ):
            publish.fn(run, show=True)
        assert forecasts.pointer(place, market) == newer
        run.shown = newer  # it began afterwards: the file was corrected
        assert "now the latest" in publish.fn(run, show=True).message


def test_of_a_single_champion_nobody_is_told_to_name_another(ledger, place, versions):
    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    with pytest.raises(UsageProblem, match=f"no champion before version 1; train another: footfall train {market}$"):
        ledger.rollback(place, market, "it drifts")


def test_a_rollback_carries_over_how_that_champion_stood(ledger, place, versions):
    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0) | {"standing": "young"}, "run")
    ledger.promote(place, market, more(), "1", DAY, gate(2.0) | {"standing": "proven"}, "run")
    assert ledger.rollback(place, market, "it drifts").gate == {"standing": "young"}, "it is trained again each week"


@pytest.mark.parametrize(
    "asks", ["predict: {horizon: 10}", "data: {source: sample, lag: 4}", "data: {source: sample, location: PT-11}"]
)
def test_nobody_goes_back_to_a_champion_that_may_not_speak_here_any_more(ledger, place, versions, tmp_path, asks):
    from flows.champion import registry

    market, more = versions
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    (tmp_path / f"{market}.yaml").write_text(asks if "data" in asks else f"data: {{source: sample}}\n{asks}")
    for to in (None, "1"):
        with pytest.raises(GateClosed, match=rf"version 1 of {market}: (.|\n)*Nothing was changed; name"):
            ledger.rollback(place, market, "worse", to)
    assert registry.alias(market) == ledger.champion(place, market).version == "2"
    assert len(ledger.entries(place, market)) == 2


def test_a_promotion_whose_alias_cannot_follow_is_one_and_says_so(ledger, place, versions, servers, monkeypatch):
    from flows.champion import registry

    market, more = versions
    version = more()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("reset", "POST .*registered-models/alias")
        entry, said = ledger.promote(place, market, version, None, DAY, gate(3.0), "run")
    assert entry.version == "1" and said.startswith("version 1 is champion; the alias in MLflow has yet to follow")
    ledger.follow(place, market)  # what every station does before it takes the champion
    assert registry.alias(market) == "1"


def test_nobody_goes_back_to_a_model_that_is_not_whole(ledger, place, versions):
    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    ledger.promote(place, market, more(), "1", DAY, gate(2.0), "run")
    for path in (home() / "artifacts").rglob("forecaster.zip"):
        if path.read_bytes().endswith(b"0"):
            path.write_text("x")
    with pytest.raises(EnvironmentProblem, match=f"model {market} version 1 is not what was registered"):
        ledger.rollback(place, market, "broken")
    assert ledger.champion(place, market).version == "2"


def test_a_champion_that_is_no_longer_registered_can_be_rolled_back(ledger, place, versions):
    from flows.champion import registry
    from flows.record import mlflow_runs

    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    ledger.promote(place, market, more(), "1", DAY, gate(2.0), "run")
    mlflow_runs.MlflowClient().delete_model_version(market, "2")
    with pytest.raises(EnvironmentProblem, match=rf"version 2 is no longer in .* footfall rollback {market} "):
        ledger.follow(place, market)
    ledger.rollback(place, market, "it was deleted")
    assert registry.alias(market) == ledger.champion(place, market).version == "1"


def test_the_command_says_which_model_was_in_use_on_a_day(first_run):
    done = footfall("champion", "sample")
    assert done.exit_code == 0 and re.search(r"entry \d+ of the ledger: \w+ by", done.output), done.output
    assert "sample/forecasts/2022-10-13/" in done.output and "trained on" in done.output
    before = footfall("champion", "sample", "--on", "2022-10-01")
    assert before.exit_code == 2 and "had no champion on 2022-10-01" in before.output
    assert footfall("champion", "sample", "--on", "yesterday").exit_code == 2


def test_a_poisoned_champion_is_rolled_back_and_the_forecast_of_before_is_back_byte_for_byte(
    first_run, servers, tmp_path, monkeypatch
):
    from flows.champion import ledger
    from flows.cli import terminal

    place, day = bucket.connect("footfall"), dt.date(2022, 10, 13)
    before, good = forecasts.latest(place, "sample"), ledger.champion(place, "sample")
    poisoned = poison(place, "sample", tmp_path)
    done = footfall("predict", "sample")
    assert done.exit_code == 0, done.output
    worse = forecasts.latest(place, "sample")
    assert worse.manifest["about"]["model_version"] == f"sample/{poisoned}" and worse.files != before.files
    asked = ["rollback", "sample", "--reason", "it says the same every day"]
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        through.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        proxy.add("reset", "POST .*runs/create", times=9)
        done = footfall(*asked)
    assert done.exit_code == 4 and "The champion has changed already" in done.output, done.output
    done = footfall(*asked)  # it does what remains
    assert done.exit_code == 0 and "already stored, now the latest" in done.output, done.output
    forecasts.publish(place, "sample", day, worse.files, worse.manifest["about"])  # by a run that was at it meanwhile
    with monkeypatch.context() as late:
        late.setattr(terminal, "perform", lambda *_: None)
        done = footfall(*asked)
    assert done.exit_code == 5 and f"--to {good.version} --reason … finishes it" in done.output, done.output
    assert footfall(*asked).exit_code == 0
    back = forecasts.latest(place, "sample")
    assert back.files == before.files and back.pointer == before.pointer
    entry = ledger.champion(place, "sample")
    assert (entry.action, entry.version, entry.was) == ("rollback", good.version, poisoned)
    assert entry.why == "it says the same every day"
    told = footfall("champion", "sample").output
    assert re.findall(r"forecasts/2022-10-13/(\w+)", told) == [back.pointer["digest"]], "of several, the one in use"
    assert footfall("rollback", "sample", "--reason", "x", "--to", "99").exit_code == 6


def test_where_the_newest_entry_is_lost_the_doctor_says_so_and_the_alias_is_not_moved_in_silence(
    ledger, place, versions, monkeypatch
):
    from flows.champion import registry
    from flows.operations import doctor

    market, more = versions
    monkeypatch.setenv("FOOTFALL_BUCKET", place.name)
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    assert doctor.champions() == ("champions", f"{market}/2", "")
    ledger.rollback(place, market, "it drifts")
    place.blob(f"ledger/{market}/000003.json").delete()
    found = doctor.champions()
    assert f"{market}: MLflow's alias is version 1, the ledger says 2: its newest entry is lost" in found.says
    assert found.mend
    told = []
    ledger.follow(place, market, told.append)
    assert told == ["MLflow's alias was version 1, the ledger says 2: it followed"] and registry.alias(market) == "2"


def forge(market, version, folder):
    """What whoever can write to MLflow can do: another model under a version, and its sha256 where ours stood."""
    from flows.champion import registry
    from flows.record.files import content_digest
    from flows.record.mlflow_runs import MlflowClient

    uri = MlflowClient().get_model_version_download_uri(market, version)
    registry.lay_down(market, version, folder)
    for stored in (home() / "artifacts").rglob("forecaster.zip"):
        if stored.read_bytes() == (folder / "champion" / "forecaster.zip").read_bytes():
            stored.write_bytes(b"whatever acts when it is unpickled")
            digest = content_digest(stored.parent)
    MlflowClient().set_model_version_tag(market, version, "sha256", digest)
    registry.lay_down(market, version, folder / uri.rpartition("/")[2])  # MLflow by itself has nothing to object
    return digest


def test_a_model_that_was_changed_in_mlflow_with_its_tag_is_used_nowhere(
    ledger, place, versions, tmp_path, monkeypatch
):
    from flows.authoring import candidates
    from flows.operations import doctor

    market, more = versions
    for against in (None, "1"):
        ledger.promote(place, market, more(), against, DAY, gate(3.0), "run")
    forge(market, "1", tmp_path / "a")
    with pytest.raises(EnvironmentProblem, match=f"model {market} version 1 is another one in MLflow"):
        ledger.rollback(place, market, "back to what was good")
    assert ledger.champion(place, market).version == "2", "nobody went anywhere"
    forge(market, "2", tmp_path / "b")
    conftest.market(monkeypatch, tmp_path, market, "data: {source: sample}\n")
    monkeypatch.setenv("FOOTFALL_BUCKET", place.name)
    for use in (
        lambda: ledger.lay_down(place, market, ledger.follow(place, market).champion(), tmp_path / "c"),
        lambda: candidates.recipe_of_champion(market),
    ):
        with pytest.raises(
            DataProblem, match=(altered := r"names another model as version 2 .*one of the two was altered")
        ):
            use()
    assert re.search(altered, doctor.champions().says) and doctor.champions().mend


def test_the_doctor_names_every_champion_that_is_lost_and_advises_nothing_while_mlflow_is_away(
    ledger, place, versions, tmp_path, monkeypatch
):
    from flows.operations import doctor
    from flows.record import mlflow_runs

    market, more = versions
    ledger.promote(place, market, more(), None, DAY, gate(3.0), "run")
    mlflow_runs.MlflowClient().delete_model_version(market, "1")
    conftest.market(monkeypatch, tmp_path, "torn", "data: {source: sample}\n")
    bucket.write(place, "ledger/torn/000001.json", b"{}")
    monkeypatch.setenv("FOOTFALL_BUCKET", place.name)
    found = doctor.champions()
    assert market in found.says and "ledger/torn/000001.json" in found.says and found.mend == "see each sentence"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(mlflow_runs.Away, match="Run again when it answers") as away:
        doctor.champions()
    assert "rollback" not in str(away.value)


def test_a_challenger_that_was_changed_in_mlflow_before_its_promotion_is_not_promoted(
    ledger, place, versions, tmp_path
):
    from flows.champion import registry

    market, more = versions
    version = more()
    trained = registry.lay_down(market, version, tmp_path / "trained")
    forge(market, version, tmp_path / "a")
    with pytest.raises(EnvironmentProblem, match=f"{market} version 1 is another one .* than was trained \\({trained}"):
        ledger.promote(place, market, version, None, DAY, gate(3.0), "run", trained)
    assert ledger.champion(place, market) is None
