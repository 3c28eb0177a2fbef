"""The image at work, on this machine: the same forecast as outside, MLflow as Cloud Run runs it, and then the whole."""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import HOMES, emulator_command, free_port
from containers import IMAGE, ROOT, STARTED, Container, Machines, build, call, latest, postgres, prefect, status, until
from receiver import Receiver
from terraform_root import Terraform, mirror
from test_identity import Gate
from test_terraform import opened

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(7200),  # an image is built first
    pytest.mark.skipif(not shutil.which("podman"), reason="no podman here: make cloud installs it"),
]
WORDS = {"mlflow": "word-of-mlflow", "prefect": "word-of-prefect"}
AUTH = "footfall:word-of-the-server"
NEXT = "localhost/footfall:next"  # the release after
OLD = """
import sys
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config, create_sqlalchemy_engine_with_retry
from mlflow.store.tracking.dbmodels.initial_models import Base
url = sys.argv[1]
Base.metadata.create_all(create_sqlalchemy_engine_with_retry(url))
config = _get_alembic_config(url)
scripts = ScriptDirectory.from_config(config)
before = scripts.get_revision(scripts.get_current_head()).down_revision
command.upgrade(config, before)
print(before, scripts.get_current_head())
"""  # MLflow's tables as they were one revision ago
SCHEMA = "SELECT version_num FROM alembic_version UNION ALL SELECT name FROM registered_models"


@pytest.fixture(scope="session")
def image():
    """The commit that the image was built from."""
    return build()


@pytest.fixture(autouse=True)
def none_is_left():
    yield
    while STARTED:
        STARTED.pop().stop()


@pytest.fixture
def volume(tmp_path):
    return home_of_the_user(tmp_path / "home")


@pytest.fixture
def objects(emulator):
    """The folder with the bucket's objects, and what leads to the bucket."""
    folder = emulator.root / "footfall"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return SimpleNamespace(folder=folder, named={"FOOTFALL_BUCKET": "footfall", "STORAGE_EMULATOR_HOST": emulator.url})


def published(objects):
    """The digest of the sample's newest set, and its tables; then they are gone, for the next to publish."""
    pointer = latest(objects.folder, "sample")
    folder = (objects.folder / pointer["manifest"]).parent
    tables = {name: (folder / name).read_bytes() for name in ("forecast.csv", "forecast.parquet")}
    shutil.rmtree(objects.folder)
    objects.folder.mkdir()
    return pointer["digest"], tables


def test_a_run_in_the_image_comes_to_the_forecast_that_it_comes_to_outside(image, objects, volume, tmp_path):
    container = Container(tmp_path, "sample", "footfall", "run", "sample", volume=volume, **objects.named)
    assert container.wait() == 0, container.text()
    inside = published(objects)
    record = json.loads(next(volume.glob("runs/*predict*/record.json")).read_text())
    assert record["commit"] == image.removesuffix("-dirty") and record["dirty"] == image.endswith("-dirty")
    elsewhere = {name: value for name, value in os.environ.items() if name not in HOMES}
    elsewhere |= objects.named | {"FOOTFALL_HOME": str(tmp_path / "outside")}
    call(sys.executable, "-m", "flows.cli.main", "run", "sample", env=elsewhere, cwd=ROOT)
    assert published(objects) == inside


def test_the_image_runs_as_nobody_on_a_root_that_it_cannot_write_to(image, tmp_path):
    words = "exec 2> /dev/null; id -u; touch /app/x || touch /x || echo refused; ls /app; find /app/flows -name '*.pyc'"
    container = Container(tmp_path, "shell", "sh", "-c", words)
    assert container.wait() == 0
    lines = container.text().splitlines()
    assert lines[0] == "10001" and "refused" in lines and any(line.endswith(".pyc") for line in lines)
    assert not {"tests", ".git", "deploy"} & set(lines)


def mlflow(folder, port, host, **variables):
    return Container(folder, "mlflow", "mlflow", memory="1g", PORT=port, MLFLOW_SERVER_ALLOWED_HOSTS=host, **variables)


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    """What Terraform's own tests planned."""
    return Terraform(tmp_path_factory.mktemp("terraform"), mirror(tmp_path_factory.mktemp("mirror"))).test()[2]


@pytest.fixture(scope="module")
def hosts(plans):
    """The names that MLflow answers under, as Terraform has them."""
    (service,) = [change for change in plans["as_it_is"]["resource_changes"]
                  if change["address"] == "google_cloud_run_v2_service.mlflow"]  # fmt: skip
    (container,) = service["change"]["after"]["template"][0]["containers"]
    (value,) = [variable["value"] for variable in container["env"] if variable["name"] == "MLFLOW_SERVER_ALLOWED_HOSTS"]
    return value


@pytest.mark.skipif(not shutil.which("terraform"), reason="no Terraform here")
def test_mlflow_takes_its_port_and_its_two_names_and_ends_when_told(image, hosts, tmp_path):
    port = free_port()
    server = mlflow(tmp_path, port, hosts, MLFLOW_BACKEND_STORE_URI="sqlite:////tmp/mlflow.db")
    search = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search?max_results=1"
    until(lambda: status(f"http://127.0.0.1:{port}/health") == 200, server)
    assert status(search, Host="mlflow-123456789012.europe-southwest1.run.app") == 200
    assert status(search, Host="mlflow-abc-no.a.run.app") == 200, "as gcloud's proxy asks"
    assert status(search, Host="elsewhere.example.org") == 403
    code, seconds = server.stop()
    assert seconds < 10, server.text()[-2000:]


GROUP = ("backtests-1", "backtests-2")
ADDRESSES = {"machine": "10.20.0.5", GROUP[0]: "10.20.0.6", GROUP[1]: "10.20.0.7", "another": "10.20.0.8"}
SHOPS = """
data: {source: /var/lib/footfall/shops.csv, unit: counts, columns: {site: shop, value: guests},
  location: PT-11, series: all, as_of: 2026-07-01}
train: {backtest_days: 60}
"""


@pytest.fixture
def doors(plans):
    """Which of the machines Terraform lets come to which, and by which ports."""
    lines = opened(plans["backtests_go_to_a_group_by_choice"])
    rules = [rule.groups() for line in lines if (rule := re.fullmatch(r"(.+) -> (\w+) (\S+)", line))]
    return {(source, target): ports for sources, whom, ports in rules
            for source, target in itertools.permutations(ADDRESSES, 2)
            if kinds((source, target)) in itertools.product(sources.split(" and "), [whom])}  # fmt: skip


def kinds(pair):
    """Of which kind two machines are: what the group shares is fetched from whoever of it came to have it first."""
    return tuple(name.split("-")[0] for name in pair)


def trained(machines, folder, **variables):
    """Five shops, each of another age, trained on the machine, with a home and a bucket of its own: what it wrote."""
    folder.mkdir()
    home, bucket, port = home_of_the_user(folder / "home"), folder / "bucket", free_port()
    (bucket / "footfall").mkdir(parents=True)
    draw, tables = np.random.default_rng(0), []
    for number in range(5):
        days = pd.date_range(f"2026-01-{number + 1:02}", "2026-06-30")
        guests = draw.poisson(60 + 15 * np.maximum(days.dayofweek - 2, 0))
        tables.append(pd.DataFrame({"date": days, "shop": f"shop {number}", "guests": guests}))
    pd.concat(tables).to_csv(home / "shops.csv", index=False)
    (home / "shops.yaml").write_text(SHOPS)
    variables |= {"FOOTFALL_PARAMS": "/var/lib/footfall", "FOOTFALL_BUCKET": "footfall",
                  "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}  # fmt: skip
    emulator = machines.inside("machine", *emulator_command(bucket, port))
    server = subprocess.Popen(emulator, stderr=subprocess.DEVNULL)
    try:
        until(lambda: machines.reaches("machine", "127.0.0.1", port))
        words = ["train", "footfall", "train", "shops"]
        training = machines.container("machine", folder, *words, volume=home, **variables)
        assert training.wait() == 0, training.text()
    finally:
        server.kill()
        server.wait()
    return json.loads(next(home.glob("runs/*train*/record.json")).read_text())["outputs"]


@pytest.mark.skipif(not shutil.which("terraform"), reason="no Terraform here")
def test_backtests_go_to_the_group_through_its_doors_alone_and_come_to_the_same_model(image, doors, tmp_path):
    scheduler = {"FOOTFALL_DASK": f"tcp://{ADDRESSES['machine']}:8786"}
    with Machines(ADDRESSES) as machines, contextlib.ExitStack() as stack:
        for pair, ports in doors.items():
            machines.let_in(*pair, ports)
        for name, command in ({"machine": "scheduler"} | dict.fromkeys(GROUP, "backtests")).items():
            one = stack.enter_context(machines.container(name, tmp_path, name, command, **scheduler))
            until(lambda one=one: re.search("Scheduler at|Registered to", one.text()), one)
        assert re.search(r"Memory: +3.60 GiB", one.text()), "of its 4 GB, whatever processors there are"
        assert not any(machines.reaches("another", ADDRESSES[name], port)
                       for name in ("machine", *GROUP) for port in (8786, 8790, 8800))  # fmt: skip
        there = trained(machines, tmp_path / "there", **scheduler)
        came_in = {pair for pair in itertools.permutations(ADDRESSES, 2) if machines.came_in(*pair)}
        assert {*map(kinds, came_in)} == {*map(kinds, doors)}, "none is open that nobody needs"
        assert trained(machines, tmp_path / "here") == there
    assert {"model/forecaster.zip", "model/series.parquet"} < there.keys()


class Cloud:
    """All as in production, on this machine: one database, MLflow behind the gate, Prefect with auth, a worker."""

    def __init__(self, stack, folder, objects):
        self.folder, self.objects = folder, objects
        self.home, self.artifacts = home_of_the_user(folder / "home"), home_of_the_user(folder / "artifacts")
        self.database, self.mlflow_port, self.prefect_port = free_port(), free_port(), free_port()
        self.sql = stack.enter_context(postgres(folder, self.database, WORDS))
        self.mlflow, self.prefect = f"http://127.0.0.1:{self.mlflow_port}", f"http://127.0.0.1:{self.prefect_port}/api"
        self.gate = Gate(70, self.mlflow)
        stack.callback(self.gate.process.kill)
        self.receiver = stack.enter_context(Receiver())
        store = f"postgresql+psycopg://mlflow@127.0.0.1:{self.database}/mlflow"
        self.store = {"MLFLOW_BACKEND_STORE_URI": store, "PGPASSWORD": WORDS["mlflow"] + "\n"}  # as `echo` pipes it

    def mlflow_server(self, image=IMAGE):
        host = self.gate.addresses["gate"].removeprefix("http://")
        return mlflow(self.folder, self.mlflow_port, host, image=image, volume=self.artifacts,
                      MLFLOW_ARTIFACTS_DESTINATION="/var/lib/footfall/artifacts", **self.store)  # fmt: skip

    def prefect_server(self, image=IMAGE):
        variables = {
            "PREFECT_HOME": "/var/lib/footfall/prefect-server",
            "PREFECT_SERVER_API_AUTH_STRING": AUTH,
            "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@127.0.0.1:{self.database}/prefect",
            "PGPASSWORD": WORDS["prefect"],
        }
        return Container(self.folder, "prefect", "prefect", memory="1500m", volume=self.home, image=image,
                         PORT=self.prefect_port, **variables)  # fmt: skip

    def worker(self, *command, image=IMAGE):
        variables = {
            "PREFECT_API_URL": self.prefect,
            "PREFECT_API_AUTH_STRING": AUTH,
            "MLFLOW_TRACKING_URI": self.gate.addresses["gate"],
            "MLFLOW_TRACKING_AUTH": "google",
            "GCE_METADATA_HOST": self.gate.addresses["metadata"],
            "GCE_METADATA_IP": self.gate.addresses["metadata"],
            "FOOTFALL_ALERT_URL": self.receiver.url,
            "FOOTFALL_IMAGE": image,
            "HTTPS_PROXY": "http://127.0.0.1:9",  # so that no source is reached, whatever machine this is
        }
        return Container(self.folder, command[-1], *command, memory="6g", volume=self.home, image=image,
                         **variables, **self.objects.named)  # fmt: skip

    def migrate(self, image=IMAGE):
        job = Container(self.folder, "migrate", "migrate", memory="1g", image=image, **self.store)
        assert job.wait() == 0, job.text()

    @contextlib.contextmanager
    def serving(self, image=IMAGE):
        """MLflow and Prefect, once they answer."""
        with self.mlflow_server(image) as server, self.prefect_server(image) as scheduler:
            until(lambda: status(f"{self.mlflow}/health") == 200, server)
            until(lambda: status(f"{self.prefect}/health") == 200, scheduler)
            yield

    @contextlib.contextmanager
    def working(self, image=IMAGE):
        """A worker, once it waits for runs."""
        with self.worker("worker", image=image) as worker:
            until(lambda: "A worker waits for runs" in worker.text(), worker)
            yield worker

    def run(self, deployment):
        """A deployment's run, as a person at the other end of the tunnel starts it, to its end."""
        person = {"PREFECT_API_URL": self.prefect, "PREFECT_API_AUTH_STRING": AUTH,
                  "PREFECT_HOME": str(self.folder / "person")}  # fmt: skip
        return prefect("deployment", "run", deployment, "--watch", "--watch-interval", "2", **person)

    def runs(self, deployment, worker):
        done = self.run(deployment)
        assert done.returncode == 0 and "Completed" in done.stdout, done.stdout + done.stderr + worker.text()

    def record(self):
        """The record of the newest prediction."""
        return json.loads(max(self.home.glob("runs/*predict*/record.json")).read_text())

    def dump(self):
        for name in WORDS:
            self.sql("pg_dump", "-Fc", "-f", f"{name}.dump", name)

    def lose_and_restore(self):
        for name in WORDS:
            self.sql("psql", "-qc", f"DROP DATABASE {name} WITH (FORCE)", "postgres")
            self.sql("psql", "-qc", f"CREATE DATABASE {name} OWNER {name}", "postgres")
            self.sql("pg_restore", "-d", name, f"{name}.dump")


def home_of_the_user(folder):
    """A disk that belongs to the image's user."""
    folder.mkdir()
    shutil.chown(folder, 10001, 10001)
    return folder


@pytest.fixture
def cloud(image, objects, tmp_path):
    with contextlib.ExitStack() as stack:
        yield Cloud(stack, tmp_path, objects)


@pytest.fixture
def changed(tmp_path):
    """A clone in which a scientist has changed a cell and committed."""
    clone = tmp_path / "clone"
    call("git", "clone", "--quiet", ROOT, clone)
    path = clone / "notebooks" / "predict.ipynb"
    book = nbformat.read(path, 4)
    book.cells[0].source += "\n\nChanged."
    nbformat.write(book, path)
    author = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
    call("git", "-C", clone, *author, "commit", "--quiet", "--all", "--message=A cell is changed")
    return clone


def test_the_whole(cloud, changed):
    # a database of yesterday's is migrated by the job, and keeps what it had
    old = Container(cloud.folder, "old", "python", "-c", OLD, cloud.store["MLFLOW_BACKEND_STORE_URI"], **cloud.store)
    assert old.wait() == 0, old.text()
    yesterdays, todays = old.text().split()
    cloud.sql("psql", "-qc", "INSERT INTO registered_models (name) VALUES ('kept')", "mlflow")
    assert cloud.sql("psql", "-Atc", SCHEMA, "mlflow").split() == [yesterdays, "kept"]
    cloud.migrate()
    assert cloud.sql("psql", "-Atc", SCHEMA, "mlflow").split() == [todays, "kept"]

    with cloud.serving(), cloud.working() as worker:
        assert status(f"{cloud.gate.addresses['gate']}/health") == 403, "unsigned"
        assert status(f"{cloud.prefect}/deployments/name/predict/sample") == 401, "without the auth string"
        cloud.runs("train/sample", worker)
        cloud.runs("predict/sample", worker)
        first = latest(cloud.objects.folder, "sample")
        assert cloud.record()["tags"]["image"] == IMAGE, "the record names its release"

        assert cloud.run("predict/portugal").returncode, "nobody has its zip here"
        assert len(cloud.receiver.wait("portugal", 1)) == 1, "one alert arrives"
        cloud.dump()
        cloud.runs("predict/sample", worker)

    cloud.lose_and_restore()  # a day later
    with cloud.serving(), cloud.working() as worker:
        cloud.runs("predict/sample", worker)
        assert latest(cloud.objects.folder, "sample")["digest"] == first["digest"], "the bucket was right all along"
        examined = cloud.worker("footfall", "doctor")
        examined.wait()
        for check in ("mlflow", "prefect", "champions", "ledger", "packages", "tree"):
            assert check in examined.text()

    # a commit comes into service
    began = time.monotonic()
    commit = build(changed, NEXT)
    built = time.monotonic()
    cloud.migrate(NEXT)
    with cloud.serving(NEXT), cloud.working(NEXT) as worker:
        ready = time.monotonic()
        cloud.runs("predict/sample", worker)
    assert (cloud.record()["commit"], cloud.record()["tags"]["image"]) == (commit, NEXT)
    building, starting, running = built - began, ready - built, time.monotonic() - ready
    print(f"built in {building:.0f} s, in service {starting:.0f} s later, run in {running:.0f} s")

    lines = cloud.gate.lines()
    refused = [line["refused"] for line in lines if "refused" in line]
    assert refused == ["/health"] * 2, "only ours, and doctor's, which looks at the clock of whatever answers"
    assert len([line for line in lines if "issued" in line]) > 1, "tokens of 70 seconds, renewed"
