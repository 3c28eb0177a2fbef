"""What every station does around its notebook, on real servers."""

import pytest

from flows.record.folder import claim, not_begun
from flows.record.owner import read_owner
from flows.record.record import read_record
from flows.settings import notebooks_folder
from footfall.errors import DataProblem, EnvironmentProblem, Interrupted, Problem, UsageProblem


def test_the_trouble_at_hand_is_the_one_that_is_told(servers):
    """Also where the record of it cannot be delivered, whatever it is that keeps it."""
    from prefect import flow

    from flows.record import mlflow_runs
    from flows.station import run as station

    left = []

    @flow
    def troubled():
        with station.recorded("explore", "sample", None, None) as run:
            run.record = not_begun(run.folder, UsageProblem("the trouble at hand"))
            left.append((run.folder, (run.folder / "record.json").read_text()))
            (run.folder / "record.json").write_text("")
            raise UsageProblem("the trouble at hand")

    with pytest.raises(UsageProblem, match="the trouble at hand"):
        troubled()
    folder, whole = left[0]
    (folder / "record.json").write_text(whole)
    sentence = f"delivered the record of {folder.name}: failed"
    assert sentence in mlflow_runs.deliver_waiting(folder.parent), "although the process that ran it lives on"
    assert read_record(folder).reason == "UsageProblem: the trouble at hand"


@pytest.mark.parametrize(
    ("outcome", "error_type", "problem"),
    [
        ("failed", "DataProblem", DataProblem),
        ("failed", "AssertionError", DataProblem),
        ("failed", "listed", Problem),
        ("failed", "", Problem),
        ("out of memory", "MemoryError", EnvironmentProblem),
        ("interrupted", "", Interrupted),
    ],
)
def test_the_class_of_a_notebooks_error_is_that_of_the_run(outcome, error_type, problem, servers, tmp_path):
    from flows.station import run as station

    claim(tmp_path / "run", notebooks_folder() / "explore.ipynb", {})
    record = not_begun(tmp_path / "run", ValueError("StaleSource: not to be read from the words"))
    raised = station._problem(record.model_copy(update={"outcome": outcome, "error_type": error_type}))
    assert type(raised) is problem and "not to be read from the words" in str(raised)


def test_where_there_is_no_git_the_commit_is_unknown_and_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    claim(tmp_path / "run", notebooks_folder() / "explore.ipynb", {})
    assert read_owner(tmp_path / "run").revision["commit"] == "unknown"
    assert not read_owner(tmp_path / "run").revision["modified"], "that is not known"
