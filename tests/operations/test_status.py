"""`footfall status` and `footfall doctor`: what they say on real servers, and that they notice what is wrong."""

import datetime as dt
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from conftest import footfall
from deployments import deployment
from invariants import CANARY
from proxy import Proxy
from small_notebook import write

from flows.record.folder import claim
from flows.record.owner import read_owner, write_owner
from flows.record.process import this_process
from flows.settings import params_folder
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall import events
from footfall.digest import sha256


def said(lines):
    return {line.about: (line.says, line.mend) for line in lines}


def screen(market):
    from flows.operations import status

    return said(line for _, lines in status.screens(storage.connect("footfall"), market) for line in lines)


def test_a_market_on_one_screen(first_run):
    done = footfall("status", "sample")
    assert done.exit_code == 0 and len(done.output.splitlines()) <= 24
    for line in ("data +2022-10-10, 3 days before 2022-10-13", "forecast +as of 2022-10-13", "skill +no reviews yet",
                 r"champion +sample/\d+, since 2022-10-13, 0 days old; "):  # fmt: skip
        assert re.search(line, done.output), done.output
    assert re.search("^sample$", footfall("status").output, re.MULTILINE)
    assert footfall("status", "smple").exit_code == 2


@pytest.mark.parametrize(("reason", "trains"), [("newer than the champion: it begins", True), ("unfit: 9 days", False)])
def test_a_training_is_advised_where_it_helps(reason, trains):
    from flows.operations import status

    sentence = f"no forecast of 1 of 2 series, such as Alfama count: {reason}"
    cause = {"cause": "sites without a forecast", "market": "shops", "since": "2026-05-09T08:00", "sentence": sentence}
    assert ("footfall train shops" in status._open(cause).mend) == trains


def test_a_market_without_anything_is_told_how_to_begin(live):
    lines = screen(live)
    assert lines["forecast"] == ("none yet", f"footfall run {live}")
    assert lines["champion"] == ("none yet", f"footfall train {live}")
    says, mend = lines["next"]
    assert says == "nothing is scheduled in Europe/Lisbon" and mend.startswith("footfall up"), (
        "the zones are those of its start"
    )
    (params_folder() / f"{live}.yaml").write_text("data: {source: sample, location: PT, as_of: 2022-10-13}\n")
    assert screen(live)["next"] == ("nothing is scheduled", ""), "its clock stands still"


def test_a_market_whose_file_cannot_be_read_hides_no_other(servers, tmp_path, monkeypatch):
    from flows.operations import doctor, status

    (tmp_path / "torn.yaml").write_text("data: [")
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    (line,) = status.screen(storage.connect("footfall"), "torn", [])
    assert line.about == "file" and "torn.yaml" in line.says and "correct it" in line.mend
    assert "torn.yaml" in doctor.markets().says and doctor.markets().mend
    (tmp_path / "torn.yaml").write_text("data: {source: sample}\n")
    assert doctor.markets() == doctor.Finding("markets", f"1 in {tmp_path}")


def test_all_that_there_is_something_to_say_of_is_listed_also_without_forecast_or_champion(
    client, servers, tmp_path, monkeypatch
):
    from flows.orchestration import alerts

    still = 'data: {source: sample, as_of: "2022-10-13"}\n'
    due, shared = "data: {source: sample}\n", "data: {source: sample, timezone: America/Denver}\n"
    files = {"torn": "data: [", "failing": still, "nothing": still, "due": due, "shared": shared}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    zone = {"timezone": "America/Denver"}
    made = [deployment(client, "due"), deployment(client, "all", station="daily", parameters=zone)]
    alerts.open("failing", "failure of train", "figures.csv: no such file")
    done = footfall("status").output
    for each in made:
        client.delete_deployment(each)
    alerts.close("failing", "failure of train")
    assert [line for line in done.splitlines() if line[0] != " "] == [
        "due",
        "failing",
        "shared",
        "torn",
        "all markets",
    ]
    assert "figures.csv: no such file" in done and "torn.yaml" in done and done.count(" alerts ") == 1
    (tmp_path / "torn.yaml").unlink()
    lines = footfall("status").output.splitlines()
    assert lines[0] == "all markets" and "footfall run sample" in lines[1] and any(" alerts " in line for line in lines)


def test_the_doctor_names_the_variables_that_markets_ask_for_and_that_are_not_set(tmp_path, monkeypatch):
    from flows.operations import doctor

    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    asked = "weather: {latitude: 38.7, longitude: -9.1}\nnotify: {address_from: TASCA_ADDRESS}\n"
    (tmp_path / "tasca.yaml").write_text(f"data: {{source: sample}}\n{asked}")
    (tmp_path / "torn.yaml").write_text("data: [")
    for variable in ("OPEN_METEO_KEY", "TASCA_ADDRESS"):
        monkeypatch.delenv(variable, raising=False)
    assert doctor.variables().says == "not set: TASCA_ADDRESS of tasca, OPEN_METEO_KEY of tasca"
    assert "where the worker runs" in doctor.variables().mend
    monkeypatch.setenv("OPEN_METEO_KEY", "k")
    monkeypatch.setenv("TASCA_ADDRESS", "mailto://a:b@c")
    assert doctor.variables() == doctor.Finding("variables", "2 asked for, all set")


def publish(market, *days):
    for day in days:
        about = {"data_through": str(day - dt.timedelta(days=2)), "source": "sample", "model_version": "m/1"}
        forecasts.publish(storage.connect("footfall"), market, day, {"forecast.csv": b"1\n"}, about)


def test_missed_days_are_listed_with_the_command_that_makes_up_for_them(client, live):
    today = dt.datetime.now().astimezone().date()
    ago = {number: today - dt.timedelta(days=number) for number in range(10)}
    publish(live, ago[9], ago[8], ago[4], ago[1])
    assert "missed" not in screen(live), "nothing is scheduled"
    deployment(client, live)
    told, mend = screen(live)["missed"]
    assert told == f"5 scheduled days without a forecast: {ago[7]} … {ago[5]}, {ago[3]} … {ago[2]}"
    assert mend == f"footfall backfill {live} --from {ago[7]} --to {ago[2]}"
    publish(live, *(ago[number] for number in (7, 6, 5, 3)))
    assert screen(live)["missed"][0] == f"1 scheduled day without a forecast: {ago[2]}"
    publish(live, ago[2])
    assert "missed" not in screen(live)


def test_of_missed_days_the_last_five_stretches_are_named(client, live):
    today = dt.datetime.now().astimezone().date()
    ago = {number: today - dt.timedelta(days=number) for number in range(14)}
    deployment(client, live)
    publish(live, *(ago[number] for number in (11, 9, 7, 5, 3, 1)))
    five = ", ".join(str(ago[number]) for number in (10, 8, 6, 4, 2))
    assert screen(live)["missed"][0] == f"5 scheduled days without a forecast: {five}"
    publish(live, ago[13])
    assert screen(live)["missed"][0] == f"6 scheduled days without a forecast: earlier ones, {five}"


def test_a_run_that_is_late_is_wrong_and_one_that_is_to_come_is_not(client, live):
    from prefect.states import Scheduled

    made, now = deployment(client, live), dt.datetime.now(dt.UTC)
    client.create_flow_run_from_deployment(made, state=Scheduled(scheduled_time=now + dt.timedelta(hours=5)))
    says, mend = screen(live)["next predict"]
    assert says.endswith(", scheduled") and not mend
    late = Scheduled(name="Late", scheduled_time=now - dt.timedelta(hours=1))
    client.create_flow_run_from_deployment(made, state=late)
    from flows.operations import status

    (line,) = [each for each in status.screen(storage.connect("footfall"), live, []) if each.says.endswith(", late")]
    assert line.about == "next predict" and line.mend.startswith("footfall up starts a worker")


def test_records_that_wait_for_mlflow_are_counted_and_the_oldest_is_named(live, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    assert "records" not in screen(live)
    names = [f"2022101{day}T060000-small-m-0" for day in (3, 4)]
    for name in names:
        claim(tmp_path / "runs" / name, write(tmp_path, "1"), {"market": "m"})
        gone = read_owner(tmp_path / "runs" / name).model_copy(update={"born": "another-start-of-the-machine 42"})
        write_owner(tmp_path / "runs" / name, gone)
    assert screen(live)["records"][0] == f"2 wait for MLflow, the oldest {names[0]}"


def test_a_latest_forecast_that_cannot_be_read_says_how_to_have_another(live):
    store = storage.connect("footfall")
    storage.write(store, f"{live}/latest.json", b"{")
    says, mend = screen(live)["forecast"]
    assert f"{live}/latest.json" in says and mend == f"footfall predict {live}"
    store.delete_blob(f"{live}/latest.json")


def test_a_source_that_stopped_and_an_open_cause_are_wrong(live):
    from flows.orchestration import alerts

    publish(live, dt.date(2022, 10, 13))
    alerts.open(live, "decay", "errs more than the naive for 28 days")
    lines = screen(live)
    assert "stale: sample" in lines["data"][0] and lines["data"][1] and "days old" in lines["forecast"][0]
    assert "errs more than the naive" in lines["decay"][0] and lines["decay"][1] == f"footfall train {live}"
    alerts.close(live, "decay")


def test_a_page_that_a_killed_run_has_not_put_up_is_seen(live):
    store, today = storage.connect("footfall"), dt.datetime.now().astimezone().date()
    about = {"data_through": str(today - dt.timedelta(days=2)), "source": "sample", "model_version": "m/1"}
    for text in (b"<body>calm", b"<body>busy"):
        made = forecasts.publish(store, live, today, {"index.html": text}, about)
        assert screen(live)["page"] == ("not that of the latest forecast", f"footfall predict {live}")
        forecasts.put_up(store, made, {"index.html": text})
        assert "page" not in screen(live)


def test_a_place_that_an_event_has_closed_is_not_stale_meanwhile(live):
    store, today = storage.connect("footfall"), dt.datetime.now().astimezone().date()
    through = today - dt.timedelta(days=20)
    shut = pd.DataFrame([[str(through), str(today), "", "holiday", "closed", str(through)]], columns=events.COLUMNS)
    about = {"data_through": str(through), "source": "sample", "model_version": "m/1"}
    forecasts.publish(store, live, today - dt.timedelta(days=1), {"forecast.csv": b"1\n"}, about)
    assert "stale" in screen(live)["data"][0]
    content = shut.to_parquet(index=False)
    forecasts.keep_snapshot(store, content, {"source": "events"})
    about |= {"events": sha256(content)}
    forecasts.publish(store, live, today, {"forecast.csv": b"1\n"}, about)
    assert screen(live)["data"] == (f"{through}, 20 days before {today}", "")


def test_a_forecast_of_a_later_day_is_not_of_a_negative_age(live):
    from flows.orchestration import alerts

    today = dt.datetime.now().astimezone().date()
    publish(live, today + dt.timedelta(days=2))
    alerts.open(live, "failure of predict", "figures.csv:1: wrong\nfigures.csv:2: wrong\nfigures.csv:3: wrong")
    lines = screen(live)
    assert lines["forecast"][0].endswith(f"2 days after {today}, the market's own day")
    assert lines["failure of predict"][0].endswith("UTC: figures.csv:1: wrong … and 2 more")
    alerts.close(live, "failure of predict")


def test_a_ledger_that_cannot_be_read_hides_nothing_else(live):
    from flows.operations import doctor, status

    store = storage.connect("footfall")
    storage.write(store, f"ledger/{live}/000001.json", b"{}")
    assert doctor.champions().mend == "see the sentence"
    lines = screen(live)
    assert "not an entry of the ledger" in lines["champion"][0] and lines["champion"][1] == "see the sentence"
    assert lines["forecast"][0] == "none yet" and "alerts" in lines and live in status.markets(store, [])
    store.delete_blob(f"ledger/{live}/000001.json")


def test_prefects_pages_ask_the_server_they_came_from(servers):
    with urllib.request.urlopen(servers["PREFECT_API_URL"].removesuffix("/api") + "/ui-settings") as answer:
        assert json.load(answer)["api_url"] == "/api", "4200 may be another's"


@pytest.mark.parametrize("command", ["status", "predict"])
def test_a_prefect_that_is_away_is_named(command, servers):
    away = os.environ | {"PREFECT_API_URL": f"http://reader:{CANARY}@127.0.0.1:9/api"}
    words = [sys.executable, "-m", "flows.cli.main", command, "sample"]
    done = subprocess.run(words, env=away, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "Prefect at http://127.0.0.1:9/api did not do its part: " in done.stdout
    assert "Run again when it answers." in done.stdout and CANARY not in done.stdout + done.stderr


def test_skill_is_of_the_last_28_days(live):
    days = pd.date_range("2022-08-01", "2022-10-13").strftime("%Y-%m-%d")
    errors = [9.0] * (len(days) - 28) + [1.0] * 28
    scores = pd.DataFrame({"target_end_date": days, "error": errors, "naive_error": 4.0, "WIS": 1.0})
    scores = scores.assign(covered50=0.5, covered80=np.tile([1.0, 1, 1, 0], len(days))[: len(days)], covered90=1.0)
    content = io.BytesIO()
    scores.to_parquet(content)
    storage.create(storage.connect("footfall"), f"{live}/scores.parquet", content.getvalue())
    told = "+75% against the seasonal naive, the 80 % range held 75% of the days; 28 days to 2022-10-13, 28 forecasts"
    assert screen(live)["skill"] == (told, "")


def test_an_mlflow_that_is_away_says_nothing_of_any_champion(first_run, monkeypatch):
    from flows.operations import doctor

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (found,) = doctor._each(doctor.champions)
    assert "MLflow at http://127.0.0.1:9" in found.says and found.mend == "see the sentence"


def test_the_doctor_finds_nothing_wrong_here(first_run):
    done = footfall("doctor")
    assert done.exit_code == 0, done.output
    checks = [line.split()[0] for line in done.output.splitlines()]
    assert checks == ["python", "packages", "markets", "variables", "zone", "disk", "tree", "dask", "prefect", "mlflow",
                      "storage", "clock", "champions", "ledger", "alerts"]  # fmt: skip


def test_the_doctor_says_what_is_wrong_with_a_machine_on_which_no_server_is_to_be_had(tmp_path, monkeypatch):
    from flows.local.servers import Host
    from flows.operations import doctor

    here = this_process().model_dump()
    gone = Host(**here, addresses={}, servers={"mlflow": here | {"born": "another-start-of-the-machine 42"}})
    (tmp_path / "servers.json").write_text(gone.model_dump_json())
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "ROOM", shutil.disk_usage(tmp_path).total / 1e9)
    done = footfall("doctor")
    assert done.exit_code == 4 and re.search("! disk .* GB free at", done.output), done.output
    assert f"cp -a {tmp_path} to another disk and set FOOTFALL_HOME to the copy" in done.output
    assert f"mlflow ended; read {tmp_path}/logs/mlflow.log, then footfall up" in done.output
    assert "! servers " in done.output


def test_what_is_somebody_elses_is_named_and_passed_over(first_run, tmp_path, monkeypatch):
    place = storage.connect("footfall")
    foreign = ["ledger/forecast.csv", "ledger/forecasts/2022-10-13/0123456789abcdef/manifest.json",
               "ledger/sample/notes.txt", "snapshots/figures.csv", "sample/forecasts/manifest.json"]  # fmt: skip
    for name in foreign:
        storage.create(place, name, b"of another house")
    shutil.copy(params_folder() / "sample.yaml", tmp_path)
    for name in ("ledger", "My Market"):
        shutil.copy(tmp_path / "sample.yaml", tmp_path / f"{name}.yaml")
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    done = footfall("doctor")
    assert done.exit_code == 0, done.output
    assert f"5 not called as ours, passed over: {', '.join(foreign)}" in done.output, done.output
    assert re.search(r"every chain is whole; entries: .*\d+ of sample", done.output)
    for command in (["status"], ["champion", "sample"], ["forecast", "sample"], ["predict", "sample"]):
        assert footfall(*command).exit_code == 0, command
    assert [storage.read(place, name) for name in foreign] == [b"of another house"] * 5
    place.delete_blobs(foreign)


@pytest.mark.parametrize(
    ("method", "missing"),
    [("POST /upload", "storage.objects.create"), ("DELETE /storage", "storage.objects.delete"), ("GET", "list")],
)
def test_the_doctor_names_the_permission_that_is_missing(method, missing, servers, monkeypatch):
    from flows.operations import doctor

    with Proxy(servers["STORAGE_EMULATOR_HOST"]) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        proxy.add(403, f"^{method}", times=9)
        found = doctor.storage()
    assert missing in found.says and missing in found.mend


def test_the_doctor_sees_a_clock_that_is_wrong_and_a_server_that_is_gone(servers, monkeypatch):
    from flows.operations import doctor

    class Yesterday(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp=None):
            return "Thu, 13 Oct 2022 06:00:00 GMT"

        def log_message(self, *_):
            pass

    other = ThreadingHTTPServer(("127.0.0.1", 0), Yesterday)
    threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{other.server_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found = doctor.clock()
    assert "differs from" in found.says and "NTP" in found.mend
    other.shutdown()
    other.server_close()
    assert "no answer" in doctor.mlflow().says and doctor.mlflow().mend
    monkeypatch.setenv("PREFECT_API_URL", f"http://reader:{CANARY}@127.0.0.1:9/api")
    found = doctor.prefect()
    assert "no answer at http" in found.says and CANARY not in found.says and found.mend


def test_the_doctor_sees_a_package_that_is_not_as_locked(tmp_path, servers, monkeypatch):
    from flows.operations import doctor

    lock = tmp_path / "requirements.lock"
    lock.write_text("pandas==1.0.0 \\\nnot-there==2.0 \\\nappnope==1.0.0 ; sys_platform == 'darwin' \\\n")
    monkeypatch.setattr(doctor, "LOCK", lock)
    assert doctor.packages().says.startswith(
        f"pandas {pd.__version__} instead of 1.0.0; not-there missing instead of 2.0"
    )
    monkeypatch.setattr(doctor, "ROOM", shutil.disk_usage("/").total / 1e9)
    assert doctor.disk().mend
    lock.unlink()
    monkeypatch.setenv("FOOTFALL_BUCKET", "nowhere")
    broken, refused = doctor._each(doctor.packages, doctor.storage)
    assert "FileNotFoundError" in broken.says and "could not be made" in broken.mend
    assert "nowhere" in refused.says and refused.mend == "see the sentence"


def test_the_doctor_sees_a_home_where_others_may_look_in(tmp_path, monkeypatch):
    from flows.operations import doctor

    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    for mode, mend in ((0o755, f"chmod go= {tmp_path}"), (0o750, f"chmod go= {tmp_path}"), (0o700, "")):
        tmp_path.chmod(mode)
        assert doctor.disk().mend == mend
    tmp_path.chmod(0o755)
    monkeypatch.setattr(doctor, "ROOM", 1e6)
    assert doctor.disk().mend.startswith("free some space"), "first what stops every run"
    monkeypatch.undo()
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path))
    monkeypatch.setenv("FOOTFALL_COMMIT", "0" * 40)
    assert not doctor.disk().mend, "a container has nobody else in it"


@pytest.mark.skipif(not shutil.which("git"), reason="makes a clone, and there is no git here")
@pytest.mark.parametrize("production", [False, True])
def test_code_that_is_no_commit_is_wrong_in_production_alone(production, tmp_path, monkeypatch):
    from flows.operations import doctor

    monkeypatch.setenv("FOOTFALL_ENV", "production" if production else "")
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert doctor.tree() == doctor.Finding("tree", "as committed")
    (tmp_path / "new.py").touch()
    says, mend = doctor.tree()[1:]
    assert says == "1 file differs from the commit, and records say so: new.py" and bool(mend) == production
    for commit, is_wrong in (("0123456", False), ("0123456-dirty", production)):
        monkeypatch.setenv("FOOTFALL_COMMIT", commit)
        assert doctor.tree()[1] == f"an image, built from {commit}" and bool(doctor.tree().mend) == is_wrong


@pytest.mark.parametrize(("found", "fits"), [("3.10.9", False), ("3.11.2", True), ("3.13.5", True), ("3.14.0", False)])
def test_the_doctor_sees_a_python_that_nothing_is_locked_for(found, fits, monkeypatch):
    from flows.operations import doctor

    monkeypatch.setattr(doctor.platform, "python_version", lambda: found)
    assert doctor.python() == doctor.Finding("python", found, "" if fits else "make -B .venv/ready")


def test_the_doctor_asks_no_git_where_there_is_none(monkeypatch):
    from flows.operations import doctor

    monkeypatch.setenv("PATH", "")
    assert doctor.tree() == doctor.Finding("tree", "no git repository here")
    monkeypatch.setenv("FOOTFALL_ENV", "production")
    assert "run from a clone" in doctor.tree().mend


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("git"), reason="only root can make another user's clone")
def test_the_doctor_knows_another_users_clone_from_none(tmp_path, monkeypatch):
    from flows.operations import doctor

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for path in (tmp_path, tmp_path / ".git"):
        os.chown(path, 12345, 12345)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    told = doctor.tree()
    assert "another user's clone" in told.says and told.mend.endswith(f"--add safe.directory {tmp_path}")


def test_what_is_forgiven_at_home_is_wrong_in_production(servers, monkeypatch):
    from flows.operations import doctor
    from flows.orchestration import automations

    monkeypatch.delenv("FOOTFALL_ALERT_URL", raising=False)
    automations.arrange()
    assert not doctor.alerts().mend
    monkeypatch.setenv("FOOTFALL_ENV", "production")
    assert "FOOTFALL_ALERT_URL" in doctor.alerts().mend
