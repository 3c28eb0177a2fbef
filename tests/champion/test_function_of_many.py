"""A champion of many as MLflow's python function: given the rows of a snapshot, it says what predict says of them."""

import numpy as np
import pandas as pd
import pytest

from footfall.champion import FALLBACK, Champion, learned, write_champion
from footfall.errors import DataProblem
from footfall.evaluation.rolling import roll
from footfall.forecasting import forecast_all
from footfall.function_of_many import FunctionOfMany
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, SeasonalNaive, WeekdaySmoother
from footfall.quantiles import LEVELS, QUANTILES
from footfall.selection import select

RECIPE = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
DAYS = pd.date_range(end="2025-06-29", periods=200)
ABOUT = {"location": "PT", "category": "count", "candidate": "calendar", "data_through": "2025-06-29", "lag": 1,
         "horizon": 7, "series": 2, "fitted_from": f"{DAYS[0]:%F}"}  # fmt: skip


def place(name, size):
    guests = np.random.default_rng(size).poisson(size, len(DAYS)).astype(float)
    return pd.DataFrame({"location": f"PT/{name}", "category": "count", "date": DAYS, "value": guests})


ROWS = pd.concat([place("Baixa", 40), place("Foz", 300)], ignore_index=True)


def chosen(rows):
    return select(rows, "PT", "count", "all", 0)


@pytest.fixture(scope="module")
def champion():
    series = chosen(ROWS).series
    past = roll(series, {"calendar": RECIPE, FALLBACK: SeasonalNaive()}, 80, 7, 1)
    accounts = past.accounts("calendar", FALLBACK, "calendar")
    residuals = past.residuals("calendar", FALLBACK, accounts)
    return Champion(learned(RECIPE, series, many=True), residuals, ABOUT, accounts)


def test_it_says_what_predict_says_of_the_same_rows_however_they_come(champion):
    days = pd.date_range("2025-07-01", periods=7)
    made = forecast_all(champion, chosen(ROWS), days, 1, LEVELS, {}, 14, model_version="", snapshot="")
    shuffled = ROWS.sample(frac=1, random_state=0).assign(date=lambda table: table["date"].dt.strftime("%F"))
    told = FunctionOfMany(champion).predict(shuffled)
    assert list(told) == ["location", "category", "date", "mean", *QUANTILES] and len(told) == 14
    mean = made.table[made.table["output_type"] == "mean"]
    assert told["mean"].tolist() == mean["value"].tolist() and told["location"].tolist() == mean["location"].tolist()
    assert told["date"].tolist()[:7] == [f"{day:%F}" for day in days]
    highest = made.table[made.table["output_type_id"] == "0.95"]
    assert told["q95"].tolist() == highest["value"].tolist()


def test_of_a_later_origin_and_of_an_earlier_one_nothing_that_came_after_is_used(champion):
    later = FunctionOfMany(champion).predict(ROWS, {"origin": "2025-07-03"})
    assert later["date"].iloc[0] == "2025-07-04"
    more = pd.concat([ROWS, ROWS.tail(1).assign(date=pd.Timestamp("2025-07-03"), value=9e6)])
    pd.testing.assert_frame_equal(FunctionOfMany(champion).predict(more, {"origin": "2025-07-03"}), later)


def test_a_series_that_it_was_trained_without_has_no_rows(champion):
    told = FunctionOfMany(champion).predict(pd.concat([ROWS, place("Novo", 80)]))
    assert set(told["location"]) == {"PT/Baixa", "PT/Foz"}


@pytest.mark.parametrize("days", [2, 30])
def test_a_series_that_is_cut_short_among_others_is_told(champion, days):
    cut = ROWS[(ROWS["location"] != "PT/Foz") | (ROWS["date"] <= DAYS[-1 - days])]
    words = f"1 of 2 series end before the others, such as PT/Foz count on {DAYS[-1 - days]:%F}, and not on 2025-06-29"
    with pytest.warns(UserWarning, match=words):
        FunctionOfMany(champion).predict(cut)


@pytest.mark.filterwarnings("error::UserWarning")
def test_of_a_day_late_of_a_closure_and_of_a_later_origin_there_is_no_warning(champion):
    short = (ROWS["location"] == "PT/Foz") & (ROWS["date"] > DAYS[-2])
    FunctionOfMany(champion).predict(ROWS[~short])
    FunctionOfMany(champion).predict(ROWS, {"origin": "2025-07-06"})
    rests = (ROWS["location"] == "PT/Foz") & (ROWS["date"].dt.dayofweek >= 5)
    FunctionOfMany(champion).predict(ROWS[~rests])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (ROWS.drop(columns="value"), r"lacks value \(its columns: location, category, date\); it takes location, cat"),
        (pd.concat([ROWS, ROWS.head(3)]), "3 rows have a day that is there before, such as PT/Baixa count 2024-12-"),
        (ROWS.assign(date="soon"), "date 'soon' is no day"),
        (ROWS.assign(location="PT/Novo"), "200 rows have a day that is there before"),
        (ROWS[ROWS["date"] > "2025-06-01"], "first row is of 2025-06-02: .* rows from its first on, from 2024-12-12"),
        (ROWS[ROWS["date"] < "2025-06-01"], "origin 2025-06-01: this model's data, through 2025-06-29, were out on"),
    ],
)  # fmt: skip
def test_what_it_cannot_forecast_is_told(champion, rows, says):
    with pytest.raises(ValueError, match=says):
        FunctionOfMany(champion).predict(rows)


def test_a_series_that_began_later_than_others_is_asked_for_by_itself(champion):
    later = ROWS[(ROWS["location"] == "PT/Foz") & (ROWS["date"] > DAYS[30])]
    assert len(FunctionOfMany(champion).predict(later)) == 7


def test_a_day_before_its_data_were_out_is_none_that_it_can_stand_on(champion):
    with pytest.raises(ValueError, match="origin 2025-06-20: this model's data, through 2025-06-29, were out on"):
        FunctionOfMany(champion).predict(ROWS, {"origin": "2025-06-20"})


def test_where_nothing_can_be_forecast_the_reason_is_told(champion):
    with pytest.raises(DataProblem, match="newer than the champion"):
        FunctionOfMany(champion).predict(place("Novo", 80))


def test_mlflow_loads_it_and_takes_its_rows_by_its_signature(champion, servers, tmp_path):
    import mlflow.pyfunc

    from flows.champion import card

    write_champion(tmp_path / "model", champion.forecaster, champion.residuals, ABOUT, champion.series)
    logged = tmp_path / "logged"
    mlflow.pyfunc.save_model(str(logged), loader_module=card.loader(ABOUT), data_path=str(tmp_path / "model"),
                             pip_requirements=["pandas"], signature=card.signature(ABOUT))  # fmt: skip
    model = mlflow.pyfunc.load_model(str(logged))
    pd.testing.assert_frame_equal(model.predict(ROWS), FunctionOfMany(champion).predict(ROWS))
    said = ROWS.assign(open=np.where(ROWS["date"].dt.dayofweek == 0, "no", "yes"))
    assert model.predict(said)["mean"].eq(0).sum() == 2, "a Monday of each"
