"""The house: who may know whom, what is pinned, and that the README's commands exist."""

import ast
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "papermill": {"notebook"},
    "nbconvert": {"report", "changes"},
    "nbdime": {"changes"},
    "mlflow": {"record", "logged", "registry"},
    "google": {"bucket"},
    "google_crc32c": {"bucket"},
    "httpx": {"fetch", "client"},
    "prefect": {
        "station",
        "form",
        "desk",
        "train",
        "predict",
        "review",
        "schedule",
        "alerts",
        "automations",
        "client",
    },
    "apprise": {"automations"},
    "typer": {"cli", "terminal"},
    "playwright": {"picture"},
    "jupytext": {"pairs"},
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(folder):
    return {path.stem: set(imports(path)) for path in sorted((ROOT / folder).glob("*.py"))}


def test_footfall_knows_nobody_here_and_nothing_of_the_world():
    world = {"flows", "socket", "subprocess", "os", "time", "urllib", "http", "requests", "threading", *OUTSIDE}
    for name, known in rooms("footfall").items():
        assert not {one.partition(".")[0] for one in known} & world, name


def test_footfall_reads_no_clock_and_prints_nothing():
    for path in (ROOT / "footfall").glob("*.py"):
        assert not re.search(
            r"\b(print\(|datetime\.now|date\.today|Timestamp\.now|Timestamp\.today)", path.read_text()
        ), path


def test_each_outside_system_has_one_module_that_imports_it():
    for name, known in rooms("flows").items():
        for system in {one.partition(".")[0] for one in known} & set(OUTSIDE):
            assert name in OUTSIDE[system], f"flows/{name}.py imports {system}"


def test_nothing_imports_the_command_line():
    assert not any("flows.cli" in known for folder in ("footfall", "flows") for known in rooms(folder).values())


def test_flows_are_read_in_one_breath():
    for name in ("explore", "train", "predict", "review"):
        assert len((ROOT / "flows" / f"{name}.py").read_text().splitlines()) <= 70, name


def test_one_station_has_one_name_everywhere():
    for name in ("explore", "train", "predict", "review"):
        assert (ROOT / "notebooks" / f"{name}.ipynb").exists() and (ROOT / "flows" / f"{name}.py").exists()
        assert f"class {name.capitalize()}Params" in (ROOT / "footfall" / "params.py").read_text()
        assert re.search(rf"^def {name}\(", (ROOT / "flows" / "cli.py").read_text(), re.M)


LOCK = (ROOT / "requirements.lock").read_text()


@pytest.mark.parametrize("line", re.findall(r"^([\w.-]+)==([\w.]+)(?: ; (.*?))? *\\$", LOCK, re.M))
def test_what_is_installed_is_what_is_locked(line):
    name, locked, only = line
    if name == "rfc3987-syntax" or (only and not Marker(only).evaluate()):
        pytest.skip("not for this machine, or taken out again by the Makefile")
    assert version(name) == locked


def test_one_range_of_python_is_promised_everywhere():
    def said(path, pattern):
        return re.findall(r"3\.\d+", re.search(pattern, (ROOT / path).read_text(), re.M)[0])

    first, beyond = said("pyproject.toml", r"^requires-python.*")
    pythons = [f"3.{minor}" for minor in range(int(first[2:]), int(beyond[2:]))]
    assert said("environment.yml", r"^  - python.*") == [first, beyond]
    assert said(".github/workflows/test.yml", r"python: \[.*\]") == pythons
    assert said("venv.sh", r"case \$version in .*?\)") == pythons
    assert said("venv.sh", r"^for name in .*") == pythons
    assert said("venv.sh", r"Footfall needs .*?,? and here") == pythons
    assert said("README.md", r"with Python .*?,") == said("Makefile", r"only Python .*? and") == [first, pythons[-1]]


def test_the_traps_of_the_stack_are_avoided():
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.M))
    number = {
        name: tuple(map(int, pinned[name].split(".")[:2])) for name in ("pandas", "sktime", "fastapi", "sqlalchemy")
    }
    assert number["pandas"] < (3, 1) and number["sktime"] == (1, 2)
    assert (0, 139) <= number["fastapi"] < (0, 151) and number["sqlalchemy"] < (2, 1)


def test_no_index_host_is_named():
    assert not re.search(r"https?://|index-url|find-links", LOCK)


def test_every_figure_in_the_readme_has_the_command_that_makes_it():
    readme = (ROOT / "README.md").read_text()
    drawn = (ROOT / "flows" / "picture.py").read_text()
    for image in re.findall(r'src="resources/([\w.-]+)"|!\[[^]]*\]\(resources/([\w.-]+)\)', readme):
        assert "".join(image) in drawn, image
    for section in readme.split("\n## "):
        if re.search(r"^\|.*\d\.\d", section, re.M):
            assert re.search(r"`make bench|^    footfall ", section, re.M), section.partition("\n")[0]


def test_the_readme_names_commands_that_exist():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    line = (ROOT / "flows" / "cli.py").read_text()
    commands = {
        "notebooks",
        *re.findall(r"^def (\w+)\(", line, re.M),
        *re.findall(r'^@app.command\("(\w+)"', line, re.M),
    }
    assert set(re.findall(r"`make ([\w-]+)", readme)) <= targets
    assert set(re.findall(r"footfall (\w+)", "\n".join(re.findall(r"`([^`]*)`", readme)))) <= commands
    for link in re.findall(r"\]\(([\w./-]+)\)", readme):
        assert (ROOT / link).exists(), link
