"""Proxies, homes and terminals as people have them: this machine's servers are reached, or a sentence says why not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import typical

from flows.proxies import by_way_of, settle_proxies
from footfall.errors import EnvironmentProblem

pytestmark = pytest.mark.kernel

DEAD = "http://reader:canary-proxy@127.0.0.1:9"
KINDS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PROXIES = [f(kind) for kind in (*KINDS, "NO_PROXY") for f in (str.upper, str.lower)]
ADDRESSES = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "FOOTFALL_BUCKET", "STORAGE_EMULATOR_HOST")


def footfall(*words, without=(), **environment):
    """The command line in a process of its own, with no other proxy than the ones given."""
    ours = {name: value for name, value in os.environ.items() if name not in (*PROXIES, *without)}
    command = [sys.executable, "-m", "flows.cli.main", *words]
    return subprocess.run(command, env=ours | environment, capture_output=True, check=False)


@pytest.mark.soak  # beside the worker of tests/local/test_worker.py, which has such a proxy
@pytest.mark.parametrize(
    "proxies",
    [
        dict.fromkeys(KINDS, DEAD) | {"NO_PROXY": "example.org, .example.net"},
        {"HTTP_PROXY": "nonsense", "NO_PROXY": "*"},
        *({kind: DEAD} for kind in (*KINDS, "http_proxy", "all_proxy")),
        dict.fromkeys(KINDS, DEAD) | {"no_proxy": "example.org"},
        {"HTTP_PROXY": ""},
    ],
    ids=str,
)
def test_this_machines_servers_are_asked_past_every_proxy(proxies, servers):
    for command in (["status", "sample"], ["runs"]):  # the first asks Prefect and the bucket, the second MLflow
        done = footfall(*command, **proxies)
        assert done.returncode == 0, done


UNUSABLE = {
    "socks5://127.0.0.1:1080": r"socks5://127\.0\.0\.1:1080: .*httpx\[socks\]",
    "socks5h://me:canary-proxy@host": r"socks5h://host: .*httpx\[socks\]",
    "socks4://host": "socks4://host: Unknown scheme",
    "http://host:port": "http://host:port: ",
    "me:canary-proxy@host:99999": "http://host:99999: ",
    "http://[host": r"http://\[host: ",
    "http://": "it names no host",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("proxy", UNUSABLE)
def test_a_proxy_that_cannot_be_used_is_named(proxy, kind, monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(kind, proxy)
    with pytest.raises(EnvironmentProblem, match=f"^{kind} is .*{UNUSABLE[proxy]}") as refused:
        settle_proxies()
    assert "canary-proxy" not in str(refused.value)


@pytest.mark.parametrize("command", typical(["predict sample", "forecast sample", "doctor"], "predict sample"))
def test_a_proxy_that_cannot_be_used_stops_before_anything_is_begun(command, tmp_path):
    home = tmp_path / "home"
    done = footfall(*command.split(), without=ADDRESSES, FOOTFALL_HOME=str(home), ALL_PROXY="socks5://127.0.0.1:1080")
    assert done.returncode == 4 and b"Traceback" not in done.stderr, done
    assert b"ALL_PROXY is socks5://127.0.0.1:1080" in done.stdout
    assert home.exists() == (command == "doctor"), "which looks for room in it"


def test_a_proxy_between_us_and_a_source_is_named_with_it(tmp_path, monkeypatch):
    from flows.sources.download import DownloadLimits, fetch

    monkeypatch.setenv("HTTPS_PROXY", DEAD)
    with pytest.raises(
        EnvironmentProblem, match=r"^https://example\.org/x\.zip \(through the proxy http://127"
    ) as seen:
        fetch("https://example.org/x.zip", tmp_path, DownloadLimits(attempts=1))
    assert "canary-proxy" not in str(seen.value) and by_way_of("https://127.0.0.1/") == ""


@pytest.mark.soak  # beside the home of all tests, which is called badly too
@pytest.mark.parametrize("name", [pytest.param("à casa #2? 50%41", id="#?%"), pytest.param("n" * 200, id="long")])
def test_a_home_may_be_called_anything(name, tmp_path):
    done = footfall("explore", "sample", without=ADDRESSES, FOOTFALL_HOME=str(tmp_path / name), HTTP_PROXY=DEAD)
    assert done.returncode == 0, done
    assert "478 days, 0 missing" in done.stdout.decode()
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is left beside it"
    assert {path.name for path in (tmp_path / name).iterdir()} >= {
        "mlflow.db",
        "artifacts",
        "bucket",
        "prefect",
        "runs",
    }


ELSEWHERE = [("Asia/Kolkata", "tr_TR.UTF-8"), ("America/St_Johns", "C"), ("Pacific/Kiritimati", "pt_PT.UTF-8")]


@pytest.mark.soak  # beside the worker of tests/local/test_worker.py, which lives in one of them
@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=str)
def test_the_same_forecast_is_made_in_every_zone_and_language(elsewhere, first_run):
    zone, language = elsewhere
    done = footfall("predict", "sample", TZ=zone, LC_ALL=language, LANG=language)
    assert done.returncode == 0 and b"nothing new: gs://footfall/sample" in done.stdout, done


FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@pytest.mark.soak
@pytest.mark.skipif(FAKETIME is None, reason="no libfaketime, which sets the clock of one process: Debian's faketime")
def test_a_clock_that_is_set_back_an_hour_in_a_run_breaks_nothing(first_run, tmp_path):
    from flows.record.mlflow_runs import search

    (tmp_path / "clock").write_text("+0\n")
    clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(tmp_path / "clock"),
             "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    words = [sys.executable, "-u", "-m", "flows.cli.main", "predict", "sample"]
    run = subprocess.Popen(words, env=os.environ | clock, stdout=subprocess.PIPE, text=True)
    said = [line for line in run.stdout if "predict [1]" not in line or (tmp_path / "clock").write_text("-1h\n")]
    assert run.wait() == 0 and "nothing new: gs://footfall/sample" in "".join(said), said
    (_, newest), *_ = search("predict", "tags.market = 'sample'")
    assert newest.info.status == "FINISHED" and newest.info.start_time <= newest.info.end_time


@pytest.mark.parametrize("encoding", typical(["ascii", "latin-1"], "ascii"))
@pytest.mark.parametrize("command", typical(["forecast sample", "status sample", "--help"], "forecast sample"))
def test_a_terminal_that_lacks_a_letter_is_shown_the_others(command, encoding, first_run):
    done = footfall(*command.split(), PYTHONIOENCODING=encoding)
    assert done.returncode == 0 and not done.stderr, done
    assert (b"predict" if command == "--help" else b"sample") in done.stdout, done.stdout.decode(encoding)
