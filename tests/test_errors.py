"""What errors say: what was seen, of the right class, with a remedy that helps and harms nothing."""

import ast
import errno
import signal
from functools import cache
from types import SimpleNamespace

import pytest

from flows.cli import terminal
from flows.notebook.ending import ending
from flows.record.record import Progress
from flows.settings import ROOT, home
from flows.storage import bucket as storage
from flows.storage import layout
from footfall import errors
from footfall.errors import EnvironmentProblem, Problem

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Problem)]
OURS = {kind.__name__ for kind in KINDS} | {"Away", "Missing", "Unreadable", "Empty", "TooLarge"}
OURS |= {"_Transient", "_Unchanged"}
OTHERS = {"ValueError", "KeyboardInterrupt", "BadZipFile", "Exit", "BadParameter"}  # whoever asks tells of them


@cache
def raised():
    """Every class of error that the code raises by name, and where."""
    found = []
    for path in sorted([*(ROOT / "flows").rglob("*.py"), *(ROOT / "footfall").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                called = node.exc.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if name[:1].isupper() or name.startswith("_T"):
                    found.append((name, f"{path.relative_to(ROOT)}:{node.lineno}", ast.unparse(node)))
    return found


def test_everything_that_is_raised_is_a_problem_of_a_class_that_people_are_told():
    assert {name for name, *_ in raised()} <= OURS | OTHERS, [where for name, where, _ in raised() if name not in OURS]
    assert {kind.exit_code for kind in KINDS} == {1, 2, 3, 4, 5, 6}
    assert [str(kind("one text")) for kind in KINDS] == ["one text"] * len(KINDS), "a backfill sums several up in one"


def test_nobody_is_told_to_remove_anything_but_what_a_run_makes_again():
    advice = [where for _, where, text in raised() if "emove it" in text and "market_text" not in text]
    assert all("authoring/new.py" in where for where in advice), advice  # a market's file that is there already


MADE_AGAIN = {
    layout.pointer("m"): True, layout.shown("m", "index.html"): True, layout.shown("m", "sites/a/week.ics"): True,
    layout.manifest(layout.forecast_set("m", "2022-10-13", "0" * 16)): True,
    layout.forecast_set("m", "2022-10-13", "0" * 16) + "/forecast.csv": True,
    layout.scores("m"): False, layout.told("m"): False, layout.events("m"): False, layout.entry("m", 1): False,
    layout.weather("m", "2022-10-13"): False, layout.snapshot("0" * 64): False, layout.origin("0" * 64): False,
}  # fmt: skip


@pytest.mark.parametrize("name", MADE_AGAIN)
def test_what_only_grows_is_restored_and_never_removed(name):
    assert ("Remove it" in storage.remedy(name)) == MADE_AGAIN[name]
    assert ("Restore it" in storage.remedy(name)) != MADE_AGAIN[name]


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("API request to endpoint /api failed with error code 401 != 200.", "does not let this process in"),
        ("API request to endpoint /api failed with error code 503 != 200.", "Run again when it answers"),
        ("RESOURCE_DOES_NOT_EXIST: Run with id=1 not found", "or has lost it"),
    ],
)
def test_of_mlflow_is_said_what_helps_against_its_answer(said, advice, monkeypatch):
    from mlflow.exceptions import MlflowException

    from flows.record.mlflow_runs import answering

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(EnvironmentProblem, match=f"did not do its part: .*{advice}"), answering():
        raise MlflowException(said)


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "PREFECT_API_AUTH_STRING"), (500, "Its log says why"), (503, "Run again when it answers")],
)
def test_of_prefect_is_said_what_helps_against_its_answer(status, advice):
    import httpx

    from flows.orchestration.client import _advice

    answer = httpx.Response(status, request=httpx.Request("GET", "http://127.0.0.1"))
    assert advice in _advice(httpx.HTTPStatusError("no", request=answer.request, response=answer))


@pytest.mark.parametrize(
    ("error", "of_home"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/data/till.csv"), False),
        (PermissionError(errno.EACCES, "Permission denied", str(home() / "runs")), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), False),
    ],
)
def test_another_home_is_advised_only_where_this_one_is_in_the_way(error, of_home, capsys):
    import typer

    with pytest.raises(typer.Exit) as stopped, terminal.plain_words(None):
        raise error
    said = capsys.readouterr().out
    assert stopped.value.exit_code == 4 and ("FOOTFALL_HOME" in said) == of_home and "footfall doctor" in said
    assert ("cp -a" in said) == of_home, "a home that begins with nothing has no champion"


def test_a_kernel_that_the_machine_killed_is_not_told_to_have_a_larger_limit():
    from nbclient.exceptions import DeadKernelError

    watchdog = SimpleNamespace(late=False, flooded=lambda: False, killed_by_the_machine=lambda: True,
                               at_memory_limit=lambda: False, signal=lambda: signal.SIGKILL.name)  # fmt: skip
    end = ending(DeadKernelError("Kernel died"), Progress(running=3), None, watchdog)
    assert end.outcome == "out of memory" and "The machine, or its container" in end.reason
    assert "was not reached" in end.reason
