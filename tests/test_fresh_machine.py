"""A machine with little on it: a Python that fits is found; what is missing is installed, or named in one sentence."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = f"""#!/bin/sh
[ "$1" != -m ] || {{
    echo "$0 $*" >> did && mkdir -p .venv/bin && cd .venv/bin && ln -s {shutil.which("true")} pip && exec ln -s pip uv
}}
exec {sys.executable} -S "$1" 'import ctypes, os, sys
def gone(name): raise OSError(name)
sys.version_info = VERSION
if not os.path.exists("python%d.%d-venv" % sys.version_info): sys.modules["ensurepip"] = None
if not os.path.exists("libgomp1"): ctypes.CDLL = gone
'"$2"
"""  # this one, as if it were another, and without what lies not there as a file by the name of its package
APT = """#!/bin/sh
echo "apt-get $*" >> did
[ "$1" = update ] || { shift 3 && touch "$@"; }
"""


@pytest.fixture
def make(tmp_path):
    """Make .venv in a clone, on a machine with these Pythons and Debian packages, and nothing else."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "sh", "mkdir", "ln", "touch"):
        (tools / tool).symlink_to(shutil.which(tool))
    for name in ("Makefile", "venv.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def make(pythons, packages="", user=0, apt=APT, **settings):
        stubs = {name: PYTHON.replace("VERSION", str(version)) for name, version in pythons.items()}
        for name, text in (stubs | {"id": f"#!/bin/sh\necho {user}\n", "apt-get": apt}).items():
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        for name in packages.split():
            (tmp_path / name).touch()
        (tmp_path / "did").write_text("")
        done = subprocess.run(
            ["make", "--silent", ".venv/ready", *(f"{name}={value}" for name, value in settings.items())],
            cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) == (tmp_path / ".venv" / "ready").exists()
        return SimpleNamespace(
            did=(tmp_path / "did").read_text().replace(f"{tools}/", "").splitlines(),
            said=[line for line in done.stderr.splitlines() if not line.startswith("make: ***")],
        )

    return make


def refused(done, *words):
    assert not done.did and len(done.said) == 1, done
    for word in words:
        assert word in done.said[0]


@pytest.mark.parametrize("name", ["python3.11", "python3.12", "python3.13", "python3"])
def test_any_python_that_fits_is_taken(make, name):
    done = make({name: (3, int(name[8:] or 13))}, "python3.11-venv python3.12-venv python3.13-venv libgomp1")
    assert done.did == [f"{name} -m venv --clear .venv"] and not done.said


def test_one_with_its_venv_comes_before_one_without(make):
    done = make({"python3.11": (3, 11), "python3": (3, 13)}, "python3.13-venv libgomp1")
    assert done.did == ["python3 -m venv --clear .venv"]


def test_the_python_that_is_named_is_taken(make):
    done = make({"python3.11": (3, 11), "mine": (3, 12)}, "python3.11-venv python3.12-venv libgomp1", PYTHON="mine")
    assert done.did == ["mine -m venv --clear .venv"]


@pytest.mark.parametrize("minor", [9, 10, 14])
def test_where_no_python_fits_one_sentence_says_so(make, minor):
    refused(make({"python3": (3, minor)}), f"here python3 is 3.{minor}: install one", "3.11, 3.12 or 3.13")
    refused(make({}, PYTHON="/my/python"), "here there is no /my/python: install one")


def test_where_there_is_no_python_one_sentence_says_so(make):
    refused(make({}), "here there is no python3: install one")


MISSING = [("python3.11-venv", "libgomp1"), ("libgomp1", "python3.11-venv"), ("", "python3.11-venv libgomp1")]


@pytest.mark.parametrize(("there", "missing"), MISSING)
def test_what_is_missing_is_installed_by_root(make, there, missing):
    done = make({"python3": (3, 11)}, there)
    assert done.did == [
        "apt-get update -qq", f"apt-get install -y -qq {missing}", "python3 -m venv --clear .venv",
    ] and not done.said  # fmt: skip


@pytest.mark.parametrize(("there", "missing"), MISSING)
def test_what_is_missing_is_named_to_others(make, there, missing):
    refused(make({"python3": (3, 11)}, there, user=1000), f"names it: {missing}. ", f"apt-get install -y {missing}'")


def test_what_cannot_be_installed_is_named_too(make):
    done = make({"python3": (3, 11)}, apt="#!/bin/sh\necho no network >&2\nexit 100\n")
    assert not done.did and done.said[0] == "no network" and "install -y python3.11-venv libgomp1'" in done.said[1]
