"""The backtest of the command line: the notebook's own candidates, in the form that judges read."""

import json

import pandas as pd
import pytest
from conftest import footfall
from typer.testing import CliRunner

from flows.authoring import candidates as rehearsal
from flows.cli.main import app
from flows.settings import notebooks_folder, params_folder
from flows.storage import bucket
from footfall.errors import DataProblem, UsageProblem
from footfall.market_file import read_market
from footfall.params import ExploreParams, TrainParams
from footfall.quantiles import QUANTILES

SPAN = ["--from", "2022-09-20", "--to", "2022-09-22"]


def asked(**changed):
    return TrainParams(**{"snapshot": str(notebooks_folder().parent / "resources/sample/snapshot.parquet"), **changed})


def ran(*words):
    return CliRunner().invoke(app, ["backtest", "sample", *SPAN, *words])


def test_the_candidates_are_those_of_the_notebook():
    found = rehearsal.candidates(notebooks_folder() / "train.ipynb", asked())
    assert {"seasonal naive", "calendar", "boosted"} <= set(found)
    assert found["boosted"].country == "PT"


def test_where_there_is_weather_some_are_there_with_it_and_without(tmp_path):
    table = {"issued": ["2022-10-01"], "date": ["2022-10-02"], "lead": [1], "rain_mm": [1.0], "temperature": [20.0]}
    pd.DataFrame(table).to_parquet(tmp_path / "weather.parquet")
    train = notebooks_folder() / "train.ipynb"
    found = rehearsal.candidates(train, asked(weather=str(tmp_path / "weather.parquet")))
    wet = [name for name in found if name.endswith(", weather")]
    assert wet and set(wet).isdisjoint(rehearsal.candidates(train, asked()))
    for name in wet:
        assert found[name].forecaster is found[name.removesuffix(", weather")] and found[name].lag == asked().lag


def test_a_changed_cell_changes_the_candidates(tmp_path):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["location = 'PT'"]}
    last = {"cell_type": "code", "metadata": {"tags": ["candidates"]}, "source": ["candidates = {location: 1}"]}
    after = {"cell_type": "code", "metadata": {}, "source": ["raise ValueError"]}
    (tmp_path / "train.ipynb").write_text(json.dumps({"cells": [cell, last, after]}))
    assert rehearsal.candidates(tmp_path / "train.ipynb", asked(location="DE")) == {"DE": 1}
    (tmp_path / "train.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(UsageProblem, match="no cell tagged"):
        rehearsal.candidates(tmp_path / "train.ipynb", asked())


def test_explore_calls_no_series_fit_that_train_refuses(tmp_path):
    snapshot, out = asked().snapshot, str(tmp_path)

    def says(kind, station, **given):
        try:
            parameters = kind(snapshot=snapshot, out=out, lag=3, **given)
            rehearsal.candidates(notebooks_folder() / f"{station}.ipynb", parameters)
        except DataProblem as problem:
            return str(problem).partition(": ")[2]
        except UsageProblem:  # explore.ipynb came to its end, and has no candidates
            return ""
        return ""

    def both(**given):
        return [says(ExploreParams, "explore", **given), says(TrainParams, "train", **given)]

    assert both(as_of="2021-07-21") == ["29 days from 2021-06-20 to 2021-07-18, and at least 32 are needed"] * 2
    assert both(as_of="2021-07-24") == [""] * 2
    assert (
        both(as_of="2021-07-24", horizon=14)
        == ["32 days from 2021-06-20 to 2021-07-21, and at least 39 are needed"] * 2
    )


@pytest.mark.long
def test_it_writes_what_judges_read(tmp_path):
    done = ran("--candidate", "calendar", "--out", str(tmp_path / "calendar.csv"))
    assert done.exit_code == 0, done.output
    assert "calendar, sample: MAE" in done.output
    table = pd.read_csv(tmp_path / "calendar.csv", parse_dates=["origin", "date"])
    assert list(table.columns) == ["origin", "date", "mean", *QUANTILES]
    assert len(table) == 3 * 7 and table.notna().all(axis=None)
    assert (table["date"] - table["origin"]).dt.days.tolist() == [*range(1, 8)] * 3


def test_a_folder_that_is_not_there_is_told_before_anything_runs(tmp_path):
    done = ran("--candidate", "calendar", "--out", str(tmp_path / "none" / "calendar.csv"))
    assert done.exit_code == 2 and "there is no folder" in done.output and "MAE" not in done.output


def test_unless_told_otherwise_it_asks_the_recipe_of_todays_champion(first_run, monkeypatch):
    from mlflow import MlflowClient

    from flows.champion import ledger

    entry = ledger.champion(bucket.connect("footfall"), "sample")
    fitted = MlflowClient().get_model_version("sample", entry.version).description
    recipe = rehearsal.recipe_of_champion("sample")
    assert recipe in rehearsal.recipes(read_market(params_folder(), "sample"), 7, 3) and fitted.startswith(
        f"{recipe}, fitted"
    )
    monkeypatch.setattr(rehearsal, "recipe_of_champion", lambda market: "seasonal naive")  # as quickly as can be told
    assert "seasonal naive, sample: MAE" in ran().output


def test_a_market_without_a_champion_is_told_how_to_have_one(live):
    done = footfall("backtest", live, *SPAN)
    assert done.exit_code == 2 and f"{live} has no champion yet; train one: footfall train {live}, or" in done.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--candidate", "calender"], "train.ipynb has no candidate 'calender'; it has 'seasonal naive'"),
        (["--from", "2022-09-31"], "is no day of the calendar"),
        (["--from", "2022-09-23"], "lies after --to"),
        (["--candidate", "ETS", "--set", "data.location=PT-11"], "no published value for PT-11"),
        (
            ["--candidate", "steady", "--from", "2021-07-19"],
            "28 days are needed: the first day that can be forecast from is 2021-07-20",
        ),
        (["--candidate", "steady", "--from", "2021-07-20", "--to", "2021-07-22"], "none is known and has a range"),
    ],
)
def test_what_cannot_be_rehearsed_is_told(words, says):
    done = ran(*words)
    assert done.exit_code in (2, 3) and says in done.output, done.output
