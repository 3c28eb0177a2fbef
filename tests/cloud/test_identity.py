"""Requests to MLflow are signed with the machine's own identity, and go on after a token has expired."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from proxy import Proxy

from flows.settings import ROOT

SERVERS = Path(__file__).with_name("identity_servers.py")
SOON = 225  # seconds before its end that Google's library renews a token


class Gate:
    """MLflow behind a gate that refuses what is not signed; `seconds` that a token lasts."""

    def __init__(self, seconds, backend):
        command = [sys.executable, str(SERVERS), str(seconds), backend]
        self.log = tempfile.NamedTemporaryFile(suffix=".jsonl")  # a pipe that nobody reads is full after some requests
        self.process = subprocess.Popen(command, stdout=self.log)
        while not (lines := self._lines()):
            assert self.process.poll() is None
            time.sleep(0.05)
        self.addresses = lines[0]

    def _lines(self):
        whole = Path(self.log.name).read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def environment(self, **more):
        named = {"MLFLOW_TRACKING_URI": self.addresses["gate"], "GCE_METADATA_HOST": self.addresses["metadata"],
                 "GCE_METADATA_IP": self.addresses["metadata"]}  # fmt: skip
        without = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
        return {name: value for name, value in os.environ.items() if name not in without} | named | more

    def lines(self):
        """What both servers saw, once they have ended."""
        self.process.terminate()
        self.process.wait()
        return self._lines()[1:]


@pytest.fixture
def gate(servers):
    with contextlib.ExitStack() as stack:

        def before(seconds):
            one = Gate(seconds, servers["MLFLOW_TRACKING_URI"])
            stack.callback(one.process.wait)
            stack.callback(one.process.kill)
            return one

        yield before


def python(text, environment):
    return subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)


ASK = "from flows.record import mlflow_runs; mlflow_runs.ask()"
UNTIL_RENEWED = f"""
{ASK}
from flows.record.identity import _credentials
token = lambda: _credentials(mlflow_runs._address()).token
first = token()
while token() == first:
    mlflow_runs.ask()
"""
SIGNED = {"MLFLOW_TRACKING_AUTH": "google"}


def test_mlflow_finds_the_signature_by_its_entry_point():
    (ours,) = [one for one in entry_points(group="mlflow.request_auth_provider") if one.value.startswith("flows.")]
    assert ours.load()().get_name() == "google"


def test_what_is_not_signed_is_refused_and_the_sentence_says_so(gate):
    server = gate(3600)
    done = python(ASK, server.environment())
    assert done.returncode and "403" in done.stderr and server.addresses["gate"] in done.stderr
    assert {next(iter(line)) for line in server.lines()} == {"refused"}


def test_a_token_is_made_out_to_the_server_used_again_and_renewed_before_it_expires(gate):
    server = gate(SOON + 2)
    done = python(UNTIL_RENEWED, server.environment(**SIGNED))
    assert done.returncode == 0, done.stderr
    lines = server.lines()
    issued = [line["audience"] for line in lines if "issued" in line]
    assert len(issued) >= 2 and set(issued) == {server.addresses["gate"]}
    assert len([line for line in lines if "passed" in line]) > len(issued)
    assert not any("refused" in line for line in lines)


def test_a_server_that_starts_when_it_is_asked_is_waited_for(servers):
    lines = (ROOT / "deploy" / "machine" / "worker.env").read_text().splitlines()
    waits = dict(line.split("=", 1) for line in lines if line.startswith("MLFLOW_HTTP"))
    limit = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    with Proxy(servers["MLFLOW_TRACKING_URI"]) as proxy:
        named = waits | {"MLFLOW_TRACKING_URI": proxy.url, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        for seconds in ("1", waits[limit]):  # with the first it is not waited for: what is named there is what counts
            proxy.add(lambda: time.sleep(2))
            done = python(ASK, os.environ | named | {limit: seconds})
            assert (done.returncode == 0) == (seconds != "1"), done.stderr
            assert seconds != "1" or "MLflow at" in done.stderr, done.stderr
    assert int(waits[limit]) > 60, "a start took one to two minutes here, of three tries"


def test_a_machine_without_an_identity_is_told_so(servers):
    nowhere = {"GCE_METADATA_HOST": "127.0.0.1:9", "GCE_METADATA_IP": "127.0.0.1:9"}
    done = python(ASK, os.environ | {"MLFLOW_TRACKING_URI": servers["MLFLOW_TRACKING_URI"]} | nowhere | SIGNED)
    assert done.returncode and "metadata server" in done.stderr.splitlines()[-1]
