"""One candidate tried, without editing anything and without a server."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import footfall

from flows.authoring import candidates
from flows.settings import params_folder
from footfall.champion import read_champion
from footfall.errors import DataProblem
from footfall.evaluation.backtest import last_origins, windows
from footfall.market_file import read_market


def test_the_one_tried_stands_beside_the_naive_and_the_champions_recipe(monkeypatch):
    monkeypatch.setattr(candidates, "TRIAL", 28)
    monkeypatch.setattr(candidates, "champions_recipe", lambda *_: "calendar")
    told = footfall("try", "calendar")
    assert told.exit_code == 0, told.output
    first, second = told.output.splitlines()[1:3]
    assert first.startswith("calendar  (the champion's recipe)  ← tried") and second.startswith("seasonal naive")


def test_a_candidate_that_is_not_in_the_notebook_is_refused():
    told = footfall("try", "crystal ball")
    assert told.exit_code == 2 and "it has 'seasonal naive', 'seasonal naive, ordinary days', 'ETS" in told.output


def test_a_recipe_that_the_notebook_has_no_more_is_left_out(monkeypatch):
    monkeypatch.setattr(candidates, "TRIAL", 28)
    monkeypatch.setattr(candidates, "champions_recipe", lambda *_: "calendar v1")
    told = footfall("try", "calendar")
    assert told.exit_code == 0, told.output
    assert "The champion's recipe, calendar v1, is no candidate of train.ipynb any more." in told.output


def test_of_a_champion_with_weather_its_recipe_without_it_stands_beside(monkeypatch):
    monkeypatch.setattr(candidates, "TRIAL", 28)
    monkeypatch.setattr(candidates, "champions_recipe", lambda *_: "calendar, weather")
    told = footfall("try", "seasonal naive")
    assert told.exit_code == 0, told.output
    assert "calendar  (the champion's recipe, without its weather)" in told.output and "any more" not in told.output


@pytest.fixture
def till(tmp_path, monkeypatch):
    """A market of so many days, or of these figures."""

    def written(days, y=None, more=""):
        y = pd.Series([100 + n % 7 for n in range(days)], pd.date_range("2025-01-01", periods=days)) if y is None else y
        y.rename("value").rename_axis("date").to_csv(tmp_path / "till.csv")
        data = f"{{source: till.csv, unit: counts, columns: {{value: value}}{more}}}"
        (tmp_path / "till.yaml").write_text(f"data: {data}")
        monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))

    return written


@pytest.mark.parametrize("days", [28, 81])
def test_of_too_few_days_to_choose_and_judge_on_others_that_is_said(till, days):
    till(days)
    told = footfall("try", "steady", "--market", "till")
    assert told.exit_code == 3 and f"till has {days} days, too few to choose on some" in told.output, told.output


def test_as_many_days_as_it_takes_are_enough(till):
    till(82)
    told = footfall("try", "seasonal naive", "--market", "till")
    assert told.exit_code == 0, told.output


def test_days_that_may_not_be_forecast_from_are_left_out_of_a_trial(till):
    till(200)
    told = footfall("try", "seasonal naive", "--market", "till", "--set", "explore.fit_from=90")
    assert told.exit_code == 0, told.output


@pytest.mark.parametrize(("known", "as_of"), [(300, ""), (260, ", as_of: '2025-09-18'")])
def test_a_trial_is_on_days_of_choice_and_nothing_moves_it_that_came_after_them(till, known, as_of):
    days = pd.date_range("2025-01-01", periods=300)
    y = pd.Series(np.random.default_rng(0).integers(80, 120, 300), days)
    spans = windows(last_origins(y[:known], 182, 7, 1), 7, 1)

    def told(figures):
        till(300, figures, as_of)
        return candidates.trial(read_market(params_folder(), "till"), "seasonal naive", [])

    first = told(y)
    assert first.equals(told(y.where(days <= spans.report[0], 3 * y))), "the verdict's days ahead begin after that one"
    assert not first.equals(told(y.where(days < spans.report[0], 3 * y))), "which is the last of the choice's"
    assert first["forecasts"].item() == 7 * len(spans.selection)


def predicted(runs, name, candidate):
    place = runs / name / "in" / "champion"
    place.mkdir(parents=True)
    (place / "about.json").write_text(json.dumps({"candidate": candidate}))


def test_the_champions_recipe_is_that_of_the_newest_prediction(tmp_path):
    assert candidates.champions_recipe(tmp_path, "sample") is None
    predicted(tmp_path, "20221001T060000-predict-sample-0123abcd", "old")
    predicted(tmp_path, "20221002T060000-predict-sample-0123abcd", "new")
    assert candidates.champions_recipe(tmp_path, "sample") == "new"


def test_the_champions_recipe_is_of_no_market_whose_name_only_begins_or_ends_alike(tmp_path):
    predicted(tmp_path, "20221002T060000-predict-sample-parks-0123abcd", "of another")
    predicted(tmp_path, "20221002T060000-predict-x-predict-sample-0123abcd", "of another")
    assert candidates.champions_recipe(tmp_path, "sample") is None


def test_a_missing_champion_names_the_notebook_that_writes_one(tmp_path):
    with pytest.raises(DataProblem, match=r"run train\.ipynb first"):
        read_champion(tmp_path)
