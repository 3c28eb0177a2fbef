"""A champion as MLflow's python function: what may be asked of it, and what comes back."""

import datetime as dt

import pandas as pd
import pytest
from figures import retail

from footfall.champion import Champion, PythonFunction, coming
from footfall.evaluation import intervals
from footfall.evaluation.backtest import backtest, last_origins
from footfall.models import SeasonalNaive, fit, predict
from footfall.quantiles import QUANTILES
from footfall.units import COUNTS

ABOUT = {"location": "PT", "category": "retail_and_recreation", "lag": 3, "horizon": 7, "data_through": "2022-10-10"}


@pytest.fixture(scope="module")
def champion():
    y, recipe = retail()[: ABOUT["data_through"]], SeasonalNaive()
    residuals = backtest({"naive": recipe}, y, last_origins(y, 66, 7), horizon=7, lag=3)
    return Champion(fit(recipe, y), residuals, ABOUT)


@pytest.fixture
def forecast(champion):
    return PythonFunction(champion).predict


def days(*dates):
    return pd.DataFrame({"date": dates})


def test_it_gives_the_mean_and_the_quantiles_that_predict_gives_on_that_day(champion, forecast):
    mean = predict(champion.forecaster, pd.date_range("2022-10-14", "2022-10-20"))
    ranges = intervals.quantiles(champion.residuals, mean, pd.Timestamp("2022-10-13"), "PT", lag=3)
    table = forecast(days(*coming(ABOUT)))
    assert list(table) == ["date", "mean", *QUANTILES]
    assert table["date"].tolist() == [*mean.index.strftime("%Y-%m-%d")]
    assert (table["mean"].to_numpy() == mean).all() and (table[QUANTILES].to_numpy() == ranges).all(axis=None)


@pytest.mark.parametrize("nothing", [None, pd.DataFrame(), days()])
def test_asked_for_nothing_it_forecasts_the_coming_days(nothing, forecast):
    pd.testing.assert_frame_equal(forecast(nothing), forecast(days(*coming(ABOUT))))
    later = forecast(nothing, {"origin": "2022-10-20"})
    assert later["date"].tolist() == [f"2022-10-{day}" for day in range(21, 28)]


def test_days_are_text_or_timestamps_in_any_order_and_as_often_as_asked_for(forecast):
    said = ("2022-10-20", pd.Timestamp("2022-10-14"), dt.date(2022, 10, 15), "2022-10-14T00:00:00Z", "2022-10-15")
    table = forecast(days(*said))
    assert table["date"].tolist() == ["2022-10-20", "2022-10-14", "2022-10-15", "2022-10-14", "2022-10-15"]
    whole = forecast(None).set_index("date")
    pd.testing.assert_frame_equal(table.set_index("date"), whole.loc[table["date"]])
    pd.testing.assert_frame_equal(table, forecast(days([*table["date"]])))  # MLflow makes one row of a list


def test_days_between_the_data_and_the_origin_are_forecast_too_and_no_wider_than_later_ones(forecast):
    table = forecast(days(*pd.date_range("2022-10-11", "2022-10-17")))
    width = (table["q90"] - table["q10"]).to_numpy()
    assert len(table) == 7 and (width[:3] <= width[3] + 0.5).all()


def test_the_older_its_data_are_on_the_day_of_the_forecast_the_wider_are_its_ranges(forecast):
    asked = days("2022-10-20")
    assert forecast(asked)["mean"].equals(forecast(asked, {"origin": "2022-10-19"})["mean"])
    far, near = forecast(days("2022-11-20"), {"origin": "2022-11-19"}), forecast(asked)
    assert (far["q90"] - far["q10"]).item() > (near["q90"] - near["q10"]).item()


@pytest.mark.parametrize(
    ("asked", "origin", "says"),
    [
        (pd.DataFrame({"day": ["2022-10-14"]}), None, r"1 rows and no column date \(its columns: day\); name it so"),
        (days("2022-10-14", "tomorrow"), None, "date 'tomorrow' is no day; write it as 2022-10-14"),
        (days("2022-10-14", None), None, "date .* is no day"),
        (days("2022-10-14T15:00"), None, "is no day"),
        (days("2022-10-14T00:00+02:00"), None, "is no day"),
        (days("2022-10-10"), None, "data through 2022-10-10.*for days from 2022-10-11 to 2022-10-20, or"),
        (days("2022-10-14", "2022-10-21"), None, "date 2022-10-21: this model .* 7 days beyond its origin, 2022-10-13"),
        (days("2022-10-28"), "2022-10-20", "from 2022-10-11 to 2022-10-27"),
        (days("2022-10-14"), "2022-10-12", "origin 2022-10-12: .* through 2022-10-10, were out on 2022-10-13"),
        (days("2022-10-14"), "soon", "origin 'soon' is no day"),
    ],
)  # fmt: skip
def test_what_it_cannot_forecast_is_told_with_what_it_can(asked, origin, says, forecast):
    with pytest.raises(ValueError, match=says):
        forecast(asked, {"origin": origin})


def test_on_a_weekday_that_was_learned_to_be_shut_it_expects_nobody(champion):
    shut = champion._replace(about=ABOUT | {"shut": ["sunday"]})
    closed, others = PythonFunction(shut).predict().set_index("date"), PythonFunction(champion).predict()
    assert (closed.loc["2022-10-16"] == -100).all()
    pd.testing.assert_frame_equal(closed.drop("2022-10-16"), others.set_index("date").drop("2022-10-16"))


@pytest.mark.parametrize("horizon", [1, 7])
def test_of_counts_a_range_is_as_wide_as_predicts_and_grows_with_the_day(horizon):
    """Also one day asked for alone, and days that are not published yet."""
    y, recipe = retail()[: ABOUT["data_through"]].rename("count") + 100, SeasonalNaive()
    y = y.where(y.index.dayofweek != 5, 2 * y)  # Saturdays
    residuals = backtest({"naive": recipe}, y, last_origins(y, 66, horizon), horizon, 3)
    made = Champion(fit(recipe, y), residuals, ABOUT | {"category": "count", "horizon": horizon})
    mean = predict(made.forecaster, pd.date_range("2022-10-14", periods=horizon))
    ranges = intervals.quantiles(residuals, mean, pd.Timestamp("2022-10-13"), "PT", 3, unit=COUNTS)
    table = PythonFunction(made).predict(days("2022-10-14"))
    assert (table[QUANTILES].to_numpy() == ranges[:1]).all(axis=None)
    width = PythonFunction(made).predict(days("2022-10-15", "2022-10-17"), {"origin": "2022-10-20"})
    wide, narrow = (width["q90"] - width["q10"]).tolist()
    assert horizon == 1 or wide > 1.3 * narrow
