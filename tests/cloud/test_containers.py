"""The image at work, on this machine: the same forecast as outside, MLflow as Cloud Run runs it, and then the whole."""

import contextlib
import json
import shutil
from types import SimpleNamespace

import pytest
from conftest import footfall, free_port
from containers import IMAGE, Container, build, latest, postgres, prefect, status, until
from receiver import Receiver
from test_identity import Gate

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(7200),  # an image is built first
    pytest.mark.skipif(not shutil.which("podman"), reason="no podman here: make cloud installs it"),
]
WORDS = {"mlflow": "word-of-mlflow", "prefect": "word-of-prefect"}
AUTH = "footfall:word-of-the-server"
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


@pytest.fixture(scope="session")
def image():
    """The commit that the image was built from."""
    return build()


@pytest.fixture
def volume(tmp_path):
    """A disk for the home of the image's user."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.chown(folder, 10001, 10001)
    return folder


@pytest.fixture
def objects(emulator):
    """The folder with the bucket's objects, and what leads to the bucket."""
    folder = emulator.root / "footfall"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return SimpleNamespace(folder=folder, named={"FOOTFALL_BUCKET": "footfall", "STORAGE_EMULATOR_HOST": emulator.url})


def test_a_run_in_the_image_comes_to_the_forecast_that_it_comes_to_outside(
    image, objects, volume, tmp_path, monkeypatch
):
    container = Container(tmp_path, "sample", "footfall", "run", "sample", volume=volume, **objects.named)
    assert container.wait() == 0, container.text()
    inside = latest(objects.folder, "sample")
    record = json.loads(next(volume.glob("runs/predict*/record.json")).read_text())
    assert record["commit"] == image.removesuffix("-dirty") and record["dirty"] == image.endswith("-dirty")
    shutil.rmtree(objects.folder)
    objects.folder.mkdir()
    for name, value in objects.named.items():
        monkeypatch.setenv(name, value)
    done = footfall("run", "sample")
    assert done.exit_code == 0, done.output
    assert latest(objects.folder, "sample")["digest"] == inside["digest"]


def test_the_image_runs_as_nobody_on_a_root_that_it_cannot_write_to(image, tmp_path):
    words = "id -u; touch /app/x || touch /x || echo refused; ls /app; find /app/flows -name '*.pyc' | head -1"
    container = Container(tmp_path, "shell", "sh", "-c", words)
    assert container.wait() == 0
    lines = container.text().splitlines()
    assert lines[0] == "10001" and "refused" in lines and any(line.endswith(".pyc") for line in lines)
    assert not {"tests", ".git", "deploy"} & set(lines)


def mlflow(folder, port, host, **variables):
    return Container(folder, "mlflow", "mlflow", memory="1g", PORT=port, MLFLOW_SERVER_ALLOWED_HOSTS=host, **variables)


def test_mlflow_takes_its_port_and_one_name_and_ends_when_told(image, tmp_path):
    port, address = free_port(), "mlflow-1.europe-southwest1.run.app"
    server = mlflow(tmp_path, port, address, MLFLOW_BACKEND_STORE_URI="sqlite:////tmp/mlflow.db")
    search = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search?max_results=1"
    until(lambda: status(f"http://127.0.0.1:{port}/health") == 200, server)
    assert status(search, Host=address) == 200 and status(search, Host="elsewhere.example.org") == 403
    code, seconds = server.stop()
    assert seconds < 10, server.text()[-2000:]


@pytest.fixture
def cloud(image, objects, volume, tmp_path):
    """Everything but the worker, as in production: one database, MLflow behind the gate, Prefect with auth."""
    with contextlib.ExitStack() as stack:
        database, mlflow_port, prefect_port = free_port(), free_port(), free_port()
        sql = stack.enter_context(postgres(tmp_path, database, WORDS))
        store = f"postgresql+psycopg://mlflow@127.0.0.1:{database}/mlflow"
        gate = Gate(70, f"http://127.0.0.1:{mlflow_port}")
        stack.callback(gate.process.kill)
        receiver = stack.enter_context(Receiver())
        prefect_url = f"http://127.0.0.1:{prefect_port}/api"
        host = gate.addresses["gate"].removeprefix("http://")
        store_is = {"MLFLOW_BACKEND_STORE_URI": store, "PGPASSWORD": WORDS["mlflow"]}
        signs = {
            "PREFECT_API_URL": prefect_url,
            "PREFECT_API_AUTH_STRING": AUTH,
            "MLFLOW_TRACKING_URI": gate.addresses["gate"],
            "MLFLOW_TRACKING_AUTH": "google",
            "GCE_METADATA_HOST": gate.addresses["metadata"],
            "GCE_METADATA_IP": gate.addresses["metadata"],
            "FOOTFALL_ALERT_URL": f"json{receiver.url.removeprefix('http')}",
            "FOOTFALL_IMAGE": IMAGE,
        }
        keeps = {
            "PREFECT_HOME": "/var/lib/footfall/prefect-server",
            "PREFECT_SERVER_API_AUTH_STRING": AUTH,
            "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@127.0.0.1:{database}/prefect",
            "PGPASSWORD": WORDS["prefect"],
        }
        files = {"volume": artifacts(tmp_path), "MLFLOW_ARTIFACTS_DESTINATION": "/var/lib/footfall/artifacts"}
        yield SimpleNamespace(
            sql=sql,
            store=store_is,
            gate=gate,
            receiver=receiver,
            folder=tmp_path,
            mlflow_url=f"http://127.0.0.1:{mlflow_port}",
            prefect_url=prefect_url,
            mlflow=lambda: mlflow(tmp_path, mlflow_port, host, **store_is, **files),
            prefect=lambda: Container(
                tmp_path, "prefect", "prefect", memory="1500m", volume=volume, PORT=prefect_port, **keeps
            ),
            worker=lambda *command: Container(tmp_path, command[-1], *command, volume=volume, **signs, **objects.named),
        )


def artifacts(folder):
    (folder / "artifacts").mkdir(exist_ok=True)
    shutil.chown(folder / "artifacts", 10001, 10001)
    return folder / "artifacts"


def test_the_whole(cloud, objects, volume):
    sign = {
        "PREFECT_API_URL": cloud.prefect_url,
        "PREFECT_API_AUTH_STRING": AUTH,
        "PREFECT_HOME": str(cloud.folder / "person"),
    }

    def run(deployment):
        return prefect("deployment", "run", deployment, "--watch", "--watch-interval", "2", **sign)

    # a database of yesterday's is refused, and migrated by the job
    old = Container(cloud.folder, "old", "python", "-c", OLD, cloud.store["MLFLOW_BACKEND_STORE_URI"], **cloud.store)
    assert old.wait() == 0, old.text()
    refused = cloud.mlflow()
    refused.wait()
    assert "out-of-date database schema" in refused.text()
    job = Container(cloud.folder, "migrate", "migrate", memory="1g", **cloud.store)
    assert job.wait() == 0, job.text()

    with cloud.mlflow() as server, cloud.prefect() as scheduler:
        until(lambda: status(f"{cloud.mlflow_url}/health") == 200, server)
        until(lambda: status(f"{cloud.prefect_url}/health") == 200, scheduler)
        assert status(f"{cloud.gate.addresses['gate']}/health") == 403, "unsigned"
        assert status(f"{cloud.prefect_url}/deployments/name/predict/sample") == 401, "without the auth string"

        with cloud.worker("worker") as worker:
            until(lambda: "A worker waits for runs" in worker.text(), worker)
            for deployment in ("train/sample", "predict/sample"):
                done = run(deployment)
                assert done.returncode == 0 and "Completed" in done.stdout, done.stdout + done.stderr + worker.text()
            first = latest(objects.folder, "sample")
            record = json.loads(max(volume.glob("runs/predict*/record.json")).read_text())
            assert record["tags"]["image"] == IMAGE, "the record names its release"

            failed = prefect("deployment", "run", "predict/portugal", "--watch", **sign)  # nobody has its zip here
            assert failed.returncode
            assert cloud.receiver.wait("portugal", 1), "one alert arrives"

            # the databases as they were a day ago
            for name in ("mlflow", "prefect"):
                cloud.sql("pg_dump", "-Fc", "-f", f"{cloud.folder}/postgres/{name}.dump", name)
            again = run("predict/sample")
            assert again.returncode == 0, again.stdout
        # and a day later they are lost, and restored
    for name in ("mlflow", "prefect"):
        cloud.sql("psql", "-qc", f"DROP DATABASE {name} WITH (FORCE)", "postgres")
        cloud.sql("psql", "-qc", f"CREATE DATABASE {name} OWNER {name}", "postgres")
        cloud.sql("pg_restore", "-d", name, f"{cloud.folder}/postgres/{name}.dump")
    with cloud.mlflow() as server, cloud.prefect() as scheduler:
        until(lambda: status(f"{cloud.mlflow_url}/health") == 200, server)
        until(lambda: status(f"{cloud.prefect_url}/health") == 200, scheduler)
        with cloud.worker("worker") as worker:
            until(lambda: worker.text().count("A worker waits for runs") == 2, worker)
            done = run("predict/sample")
            assert done.returncode == 0 and "Completed" in done.stdout, done.stdout + done.stderr + worker.text()
            assert latest(objects.folder, "sample")["digest"] == first["digest"], "the bucket was right all along"
            examined = cloud.worker("footfall", "doctor")
            examined.wait()
            for check in ("mlflow", "prefect", "champions", "ledger", "packages", "tree"):
                assert check in examined.text()
    lines = cloud.gate.lines()
    refusals = [line for line in lines if "refused" in line]
    assert len(refusals) == 1, "only ours, which was not signed"
    assert len([line for line in lines if "issued" in line]) > 1, "tokens of 70 seconds, renewed"
