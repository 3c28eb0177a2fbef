"""The command line, on real servers: what it says, its exit code, and that nothing bad is ever published."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import bad_data
import bad_parameters
import invariants
import psutil
import pytest
from conftest import HOMES, crown, footfall, typical
from proxy import Proxy

from flows.settings import home


@pytest.fixture(scope="module")
def trained(first_run):
    return first_run


def objects():
    """Every object in the bucket with the time it was last written."""
    return {path: path.stat().st_mtime_ns for path in (home() / "bucket" / "footfall").rglob("*") if path.is_file()}


def newest(station):
    from flows.record import mlflow_runs

    client = mlflow_runs.MlflowClient()
    experiment = client.get_experiment_by_name(station).experiment_id
    return client.search_runs([experiment], order_by=["attributes.start_time DESC"], max_results=1)[0]


def test_run_trains_predicts_and_shows_the_week(trained):
    assert re.search(r"train \[\d+\] +[\d.]+ s  Candidates", trained)
    assert re.search(r"gate +[\d.]+ s  version \d+ is champion · .*", trained)
    assert re.search(r"publish +[\d.]+ s  published: gs://footfall/sample/forecasts/2022-10-13/[0-9a-f]{16}", trained)
    days = re.findall(r"^2022-10-(\d\d)  (\w+day) +[+-][\d.]+ +[+-][\d.]+ … [+-][\d.]+$", trained, re.MULTILINE)
    assert [day for day, _ in days] == ["14", "15", "16", "17", "18", "19", "20"] and days[0][1] == "Friday"


def test_a_second_run_publishes_nothing_new(trained):
    said, before = [], objects()

    def again():
        done = footfall("run", "sample")
        said.append(done.output)
        return done.exit_code

    invariants.running_again_leaves_the_same_bytes(home(), again)
    assert "nothing new: gs://footfall/sample" in said[0] and "train [" not in said[0]
    assert objects() == before


class Changing(BaseHTTPRequestHandler):
    """The sample's figures, one of them another one at each request."""

    seen = 0

    def do_GET(self):
        Changing.seen += 1
        body = bad_data.to_bytes(bad_data.changed(bad_data.RETAIL, str(-Changing.seen)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def changing():
    """The address of a source that changes while it is read."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Changing) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/report.csv"
        server.shutdown()


@pytest.mark.soak
def test_a_run_trains_and_predicts_on_one_snapshot(live, changing, few_candidates):
    done = footfall("run", live, "--as-of", "2022-10-13", "--set", f"data.source={changing}")
    assert done.exit_code == 0, done.output
    trained, predicted = (newest(station).data.tags for station in ("train", "predict"))
    assert trained["market"] == predicted["market"] == live
    assert trained["snapshot"] == predicted["snapshot"] and Changing.seen == 1


def test_a_tag_that_mlflow_does_not_take_takes_back_no_forecast(trained, servers, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy, monkeypatch.context() as through:
        through.setenv("MLFLOW_TRACKING_URI", proxy.url)
        proxy.add("reset", "POST .*runs/set-tag", times=99)
        done = footfall("predict", "sample")
    assert done.exit_code == 0 and "nothing new: gs://footfall/sample" in done.output, done.output
    assert any("runs/set-tag" in request for request in proxy.requests)


def test_forecast_prints_what_is_published(trained):
    done = footfall("forecast", "sample")
    assert done.exit_code == 0 and "sample as of 2022-10-13, data through 2022-10-10, by sample/" in done.output


def test_of_a_past_day_its_own_forecast_is_printed(trained, live, tmp_path):
    crown(live, tmp_path)
    for day in (14, 13):
        done = footfall("predict", live, "--as-of", f"2022-10-{day}")
        assert done.exit_code == 0 and f"{live} as of 2022-10-{day}, " in done.output, done.output
        days = re.findall(r"^2022-10-(\d\d)  \w+day ", done.output, re.MULTILINE)
        assert [*map(int, days)] == list(range(day + 1, day + 8))
        assert ("The page for people" in done.output) == (day == 14), "of what is not shown there is none"
    assert "the latest forecast remains 2022-10-14" in done.output
    assert f"{live} as of 2022-10-14, " in footfall("forecast", live).output


def test_explore_gives_its_verdict(servers):
    done = footfall("explore", "sample")
    assert done.exit_code == 0 and "PT retail_and_recreation: 478 days, 0 missing, the last 2022-10-10" in done.output


def test_the_record_leads_back_to_what_the_forecast_was_made_from(trained):
    from flows.record import mlflow_runs
    from flows.storage import bucket, forecasts

    latest = forecasts.latest(bucket.connect("footfall"), "sample")
    about = latest.manifest["about"]
    run = mlflow_runs.MlflowClient().get_run(about["record"])
    assert run.data.tags["snapshot"] == about["snapshot"] and run.info.status == "FINISHED"
    assert bucket.read(bucket.connect("footfall"), f"snapshots/{about['snapshot']}.parquet")
    assert (
        latest.files["forecast.csv"].decode().splitlines()[1].endswith(f",{about['model_version']},{about['snapshot']}")
    )


REFUSED = [name for name, case in bad_data.CASES.items() if case.refused]  # each is read in tests/sources too


@pytest.mark.parametrize("what", typical(REFUSED, "empty file", "cut zip", "below -100"))
def test_bad_data_publishes_nothing(what, trained, tmp_path):
    case, before = bad_data.CASES[what], objects()
    done = footfall("predict", "sample", "--set", f"data.source={case.write(tmp_path)}")
    assert done.exit_code == 3, done.output
    told = re.search(case.says.replace("^", "", 1), done.output)
    assert told, done.output
    assert "Nothing was published; the latest forecast remains 2022-10-13." in done.output
    assert objects() == before
    run = newest("predict")
    assert run.info.status == "FAILED" and run.data.tags["reason"].startswith("DataProblem: ")
    note = html.unescape(re.sub(r"\\([\[\]`])", r"\1", run.data.tags["mlflow.note.content"]))  # Markdown of its text
    assert told[0][:60] in note


@pytest.mark.parametrize("what", typical(bad_parameters.BAD, "an unknown key", "a path for a location"))
def test_a_bad_parameter_starts_nothing(what, trained):
    before, last = objects(), newest("predict").info.run_id
    ((key, value),) = bad_parameters.BAD[what][0].items()
    done = footfall("predict", "sample", "--set", f"{key}={bad_parameters.as_yaml(value)}")
    assert done.exit_code == 2, done.output
    assert objects() == before and newest("predict").info.run_id == last


def truncated(folder, days):
    rows = bad_data.sample()
    return bad_data.file([rows[0], *rows[1:][days]])(folder)


def test_a_series_that_is_too_short_is_refused_by_the_training(trained, tmp_path):
    source = truncated(tmp_path, slice(-30, None))
    done = footfall("train", "sample", "--set", f"data.source={source}", "--set", "data.accept_revisions=true")
    assert done.exit_code == 3, done.output
    assert "27 days from" in done.output and "at least 32 are needed" in done.output
    assert newest("train").info.status == "FAILED"


def test_older_figures_than_the_last_are_refused(trained, tmp_path):
    source = truncated(tmp_path, slice(0, -10))
    done = footfall("predict", "sample", "--set", f"data.source={source}")
    assert done.exit_code == 3 and "older than the last snapshot" in done.output
    assert "data.accept_revisions=true" in done.output


def test_rewritten_history_is_refused_unless_accepted(trained, tmp_path):
    source = bad_data.file(bad_data.changed(bad_data.RETAIL, "77"))(tmp_path)
    done = footfall("predict", "sample", "--set", f"data.source={source}")
    assert done.exit_code == 3 and "history rewritten" in done.output


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--as-of", "2022-13-01"], 2, "no day of the calendar"),
        (["--as-of", "2020-01-01"], 3, "sample: nothing was published by 2020-01-01; the first day is 2021-06-20"),
        (["--as-of", "2023-01-01"], 3, "stale — its last retail_and_recreation of PT is 2022-10-13"),
        (["--set", "data.location=PT-11"], 3, "no published value for PT-11"),
        (["--set", "data.category=cinemas"], 3, "Categories of PT: grocery_and_pharmacy"),
        (["--set", "data.category=parks"], 3, "needs a market of its own"),
        (["--set", "predict.horizon=14"], 3, "trained for 7 days ahead of figures 3 days late; train with this"),
        pytest.param(
            *(["--set", "data.lag=2"], 3, "trained for 7 days ahead of figures 3 days late; train with this"),
            marks=pytest.mark.soak,
        ),
        (
            ["--as-of", "2022-08-01"],
            6,
            "no champion as of 2022-08-01; train one: footfall train sample --as-of 2022-08-01",
        ),
        (["--set", "data.source=nowhere.csv"], 2, "nowhere.csv"),
        (["--set", "data.source=file:///etc/passwd"], 2, "file"),
        (["--set", "data.source=http://example.org/x.zip"], 2, "only https is fetched"),
        (["--set", "data.source"], 2, "write section.key=value"),
        (["--set", "data.source=https://me:canary@example.org/x.zip"], 2, "no password may be in it"),
    ],
)
def test_what_cannot_be_forecast_is_told_in_plain_words(words, code, says, trained):
    before = objects()
    done = footfall("predict", "sample", *words)
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert {path for path in objects() if "snapshots" not in str(path)} == {
        p for p in before if "snapshots" not in str(p)
    }


def test_a_market_without_champion_says_how_to_get_one(servers):
    done = footfall("predict", "germany", "--set", "data.source=sample", "--set", "data.location=PT")
    assert done.exit_code == 6 and "footfall train germany" in done.output
    assert "no forecast was published yet" in done.output


def is_in_a_cell(folder):
    """Whether a run has noted in its folder that a cell is running."""
    return any(json.loads(path.read_text()).get("running") is not None for path in folder.glob("*.json"))


@pytest.mark.parametrize("sent", typical([signal.SIGTERM, signal.SIGINT], signal.SIGTERM))
def test_a_run_that_is_told_to_stop_is_on_record_at_once(sent, trained):
    before = set((home() / "runs").iterdir())
    command = [sys.executable, "-u", "-m", "flows.cli.main", "train", "sample"]
    train = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert any("Candidates" in line for line in train.stdout)
    (folder,) = set((home() / "runs").iterdir()) - before
    while not is_in_a_cell(folder):
        time.sleep(0.05)
    train.send_signal(sent)
    printed = train.stdout.read()
    assert train.wait() == 4, printed
    assert "train.ipynb interrupted in cell" in printed and "the latest forecast remains 2022-10-13" in printed
    run = newest("train")
    assert run.info.status == "KILLED" and run.data.tags["outcome"] == "interrupted"
    invariants.check(home(), market="sample", acknowledged="2022-10-13")


@pytest.mark.soak  # beside the test in tests/local/test_worker.py, where others have started the servers
def test_up_starts_everything_and_stops_cleanly(tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in HOMES} | {"FOOTFALL_HOME": str(tmp_path)}
    up = subprocess.Popen([sys.executable, "-m", "flows.cli.main", "up"], env=env, stdout=subprocess.PIPE, text=True)
    said = [up.stdout.readline() for _ in range(9)]
    lists = ["explore:", "train:", "predict:", "review:", "whatif:"]
    assert [line.split()[0] for line in said] == ["Prefect", "MLflow", *lists, "bucket", "A"], said
    family = psutil.Process(up.pid).children(recursive=True)
    assert len(family) >= 4
    up.send_signal(signal.SIGINT)
    assert up.wait() == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive and not (tmp_path / "servers.json").exists()


@pytest.mark.soak
def test_up_ends_with_any_of_its_servers_says_which_and_starts_again(tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in HOMES} | {"FOOTFALL_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "flows.cli.main", "up"]
    leads = {"prefect": "PREFECT_API_URL", "mlflow": "MLFLOW_TRACKING_URI", "bucket": "STORAGE_EMULATOR_HOST"}
    for name in (*leads, ""):
        up = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
        while not (line := up.stdout.readline()).startswith("A worker waits"):
            assert line, f"it does not start after {name}"
        family = psutil.Process(up.pid).children(recursive=True)
        if not name:
            up.send_signal(signal.SIGINT)
            assert up.wait() == 0
            break
        port = urlsplit(json.loads((tmp_path / "servers.json").read_text())["addresses"][leads[name]]).port
        listening = [one for one in psutil.net_connections("tcp") if one.status == "LISTEN"]
        os.kill(next(one.pid for one in listening if one.laddr.port == port), signal.SIGKILL)
        said = up.communicate(timeout=60)[0]
        assert up.returncode == 4 and f"{name} ended; read {tmp_path}/logs/{name}.log, then footfall up" in said
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive and not (tmp_path / "servers.json").exists()


@pytest.mark.soak
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_up_that_is_stopped_while_it_starts_ends_there_and_leaves_nothing(sent, tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in HOMES} | {"FOOTFALL_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "flows.cli.main", "up"]
    up = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True)
    family = psutil.Process(up.pid).children
    while not any("deploy" in child.cmdline() for child in family()):
        assert up.poll() is None
        time.sleep(0.05)
    children = family(recursive=True)
    os.killpg(up.pid, sent)
    said = up.stdout.read()
    assert up.wait() == 130 and "EnvironmentProblem" not in said and "A worker waits" not in said, said
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive and not (tmp_path / "servers.json").exists()


def test_a_home_that_cannot_be_made_is_told_in_plain_words(tmp_path):
    (tmp_path / "file").touch()
    home = os.environ | {"FOOTFALL_HOME": str(tmp_path / "file" / "home")}
    words = [sys.executable, "-m", "flows.cli.main", "forecast", "sample"]
    done = subprocess.run(words, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 4 and "Traceback" not in done.stderr, done.stderr
    assert f"Not a directory: '{tmp_path}/file/home" in done.stdout and "set FOOTFALL_HOME to a folder" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["run"],
        ["train"],
        ["predict"],
        ["explore"],
        ["review"],
        ["backtest"],
        ["forecast"],
        ["champion"],
        ["rollback"],
        ["backfill"],
        ["up"],
        ["notebooks"],
        ["status"],
        ["doctor"],
    ],
)
def test_every_command_explains_itself(command):
    done = footfall(*command, "--help")
    assert done.exit_code == 0 and len(done.output) > 200


@pytest.mark.soak
def test_two_homes_that_start_at_once_have_servers_of_their_own(tmp_path):
    """Both may find the usual port free; the slower one must not send its records to the other's server."""
    script = """from flows.local.servers import servers
with servers() as at: print(at['MLFLOW_TRACKING_URI'], flush=1); input()"""
    homes = [{name: value for name, value in os.environ.items() if name not in HOMES} for _ in range(2)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=home | {"FOOTFALL_HOME": str(tmp_path / str(number))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number, home in enumerate(homes)
    ]
    addresses = [one.stdout.readline().strip() for one in started]
    for one in started:
        one.communicate("\n")
    assert all(addresses) and addresses[0] != addresses[1]
