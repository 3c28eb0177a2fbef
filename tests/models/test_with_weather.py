"""What rain does to a day is learned from a year of it, and no forecast knows weather that was issued after it."""

import copy

import numpy as np
import pandas as pd
import pytest

from footfall.champion import FALLBACK, Champion, learned, read_champion, write_champion
from footfall.evaluation.backtest import means
from footfall.evaluation.gate import by_weather
from footfall.evaluation.rolling import roll
from footfall.forecasting import forecast_all
from footfall.models import (
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    SeasonalNaive,
    WeekdaySmoother,
    bring_up_to,
    fit,
    of_country,
    predict,
)
from footfall.models.contributions import in_logarithms, parts, total
from footfall.models.saving import load, save
from footfall.models.weather import BY_LEAD, Weather, WithWeather, as_of, shrunken_slopes, with_weather
from footfall.page.about import About
from footfall.page.pages import write_pages
from footfall.quantiles import LEVELS
from footfall.selection import select
from footfall.series import DAY
from footfall.sources.weather import COLUMNS
from footfall.units import COUNTS

PLAIN = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
DAYS = pd.date_range("2023-01-01", "2025-03-31")
WETTEST, HORIZON = -0.3, 7  # what ten millimetres do, as logarithm


def rains(seed=1):
    random = np.random.default_rng(seed)
    return pd.Series(np.where(random.random(len(DAYS)) < 0.3, random.gamma(1.0, 6.0, len(DAYS)), 0.0), DAYS)


def guests(rain, effect=WETTEST, seed=2):
    noise = np.random.default_rng(seed).normal(0, 0.05, len(DAYS))
    level = 120 * (1 + 0.3 * np.sin(DAYS.dayofweek)) * np.exp(effect * np.minimum(rain, 10) / 10 + noise)
    return pd.Series(level, DAYS, name="count")


def issued(rain, leads=range(HORIZON + 1), wrong=0.0):
    """As issued on every day for itself and those after it; the farther ahead, the more of it is chance."""
    random, tables = np.random.default_rng(3), []
    for lead in leads:
        chance = random.random(len(rain)) < wrong * lead
        foreseen = np.where(chance, random.permutation(rain), rain)
        issue = (rain.index - lead * DAY).astype("str")
        row = {"issued": issue, "date": rain.index.astype("str"), "lead": lead, "rain_mm": foreseen}
        tables.append(pd.DataFrame(row).assign(temperature=15.0))
    return pd.concat(tables, ignore_index=True)


def wet(table, forecaster=PLAIN, lag=0):
    return WithWeather("PT", forecaster, Weather(table), lag)


def errors(forecaster, y, origins, lag=0):
    """By origin and day ahead, as a share of what happened."""
    said = means(forecaster, y, origins, HORIZON, lag)
    days = origins.to_numpy()[:, None] + np.arange(1, HORIZON + 1) * np.timedelta64(1, "D")
    return np.abs(said / y[days.ravel()].to_numpy().reshape(days.shape) - 1)


ORIGINS = pd.date_range("2024-10-01", "2025-03-20", freq="3D")


def test_a_place_that_rain_empties_is_foreseen_better_on_wet_days_and_the_less_the_farther_ahead():
    rain = rains()
    y = guests(rain)
    plain, own = (errors(model, y, ORIGINS) for model in (PLAIN, wet(issued(rain, wrong=0.05))))
    days = ORIGINS.to_numpy()[:, None] + np.arange(1, HORIZON + 1) * np.timedelta64(1, "D")
    is_wet = rain[days.ravel()].to_numpy().reshape(days.shape) > 5
    ratio = own.mean(axis=0) / plain.mean(axis=0)
    assert own[is_wet].mean() < 0.75 * plain[is_wet].mean()
    assert ratio[0] < 0.75 and ratio[0] < ratio[4] < 0.95
    np.testing.assert_allclose(ratio[5:], 1, rtol=1e-9)


def test_where_the_weather_says_nothing_next_to_nothing_is_learned():
    slopes = [fit(wet(issued(rains(seed))), guests(rains(seed + 50))).effects_ for seed in range(8)]
    assert np.abs(slopes).mean() < 0.01 and (np.array(slopes) == 0).mean() > 0.6
    learned = fit(wet(issued(rains())), guests(rains())).effects_
    assert learned[0] == pytest.approx(WETTEST, abs=0.05) and learned[1] == 0


def test_of_less_than_a_year_of_weather_nothing_is_learned_and_of_an_older_one_neither():
    rain = rains()
    y, table = guests(rain), issued(rain)
    assert not fit(wet(table[table["date"] > "2024-04-30"]), y).effects_.any()
    assert fit(wet(table[table["date"] > "2024-03-30"]), y).effects_.any()
    assert not fit(wet(table[table["date"] < "2025-01-01"]), y).effects_.any()
    assert not fit(wet(table), y[-200:]).effects_.any()


LAST = pd.Timestamp("2025-02-01")


def leaky(table, lag=0):
    """The forecast of one day and the errors of a backtest up to it, for comparison byte by byte."""
    y = guests(rains())[: LAST + HORIZON * DAY]
    said = means(wet(table, lag=lag), y, pd.date_range(LAST - 40 * DAY, LAST), HORIZON, lag)
    return said.tobytes()


@pytest.mark.parametrize("lag", [0, 3])
def test_weather_that_was_issued_afterwards_changes_no_byte(lag):
    table = issued(rains())
    later = table["issued"] > f"{LAST:%F}"
    assert later.sum() > 100
    changed = table.assign(rain_mm=table["rain_mm"].where(~later, 9.0))
    assert leaky(changed, lag) == leaky(table, lag) == leaky(table[~later], lag)


def test_weather_that_says_it_was_issued_a_day_earlier_than_it_was_is_found():
    table = issued(rains())
    changed = table.assign(rain_mm=table["rain_mm"].where(table["issued"] <= f"{LAST:%F}", 9.0))
    shifted = [each.assign(issued=(pd.DatetimeIndex(each["issued"]) - DAY).astype("str")) for each in (table, changed)]
    assert leaky(shifted[0]) != leaky(shifted[1]), "the test above would find it"


def test_without_weather_of_the_day_the_forecast_is_made_without_and_with_that_of_yesterday_with_it():
    rain = rains()
    y, coming = guests(rain)[:LAST], pd.date_range(LAST + DAY, periods=HORIZON)
    table = issued(rain)
    known = table[table["issued"] <= f"{LAST:%F}"]
    plain, own = predict(fit(PLAIN, y), coming), predict(fit(wet(known), y), coming)
    assert (own - plain).abs().max() > 5
    yesterdays = predict(fit(wet(known[known["issued"] < f"{LAST:%F}"]), y), coming)
    assert 0 < (yesterdays - plain).abs().max() < (own - plain).abs().max()
    gone = predict(fit(wet(known[known["issued"] < f"{LAST - 20 * DAY:%F}"]), y), coming)
    np.testing.assert_allclose(gone, plain, rtol=1e-12)


def test_todays_issue_is_what_a_saved_forecaster_goes_by(tmp_path):
    rain = rains()
    y, table = guests(rain), issued(rain)
    trained = fit(wet(table[table["issued"] <= "2025-01-01"]), y[:"2025-01-01"])
    save(trained, tmp_path / "a.zip")
    save(fit(wet(table[table["issued"] <= "2025-01-01"]), y[:"2025-01-01"]), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    today = issued(rain, range(-14, HORIZON + 1))
    today = today[today["issued"] == f"{LAST:%F}"]
    model = bring_up_to(with_weather(load(tmp_path / "a.zip"), Weather(today)), y[:LAST])
    full = bring_up_to(with_weather(trained, Weather(table[table["issued"] <= f"{LAST:%F}"])), y[:LAST])
    coming = pd.date_range(LAST + DAY, periods=HORIZON)
    pd.testing.assert_series_equal(predict(model, coming), predict(full, coming))
    assert with_weather(PLAIN, Weather(today)) is PLAIN and np.isnan(trained.weather.known(LAST, LAST, 1)[1]).all()


def test_where_figures_are_late_the_weather_of_the_day_counts_and_none_after_it():
    rain = rains()
    y, table = guests(rain), issued(rain)
    trained = bring_up_to(fit(wet(table[table["issued"] < f"{LAST:%F}"]), y[:LAST]), y[:LAST])
    today, tomorrow = LAST + 2 * DAY, LAST + 3 * DAY  # of the day before there are no figures
    coming = pd.date_range(tomorrow, periods=HORIZON - 2)

    def said(on, rain_mm):
        new = pd.DataFrame({"issued": f"{on:%F}", "date": coming.astype("str"), "lead": (coming - on).days,
                            "rain_mm": rain_mm, "temperature": 15.0})  # fmt: skip
        return predict(as_of(with_weather(trained, Weather(new)), today), coming)

    assert (said(today, 0.0) > said(today, 10.0)).all()
    pd.testing.assert_series_equal(said(tomorrow, 0.0), said(tomorrow, 10.0))
    assert as_of(PLAIN, today) is PLAIN and trained.lag == 0


def test_a_forecast_of_late_figures_goes_by_the_weather_of_its_own_day_and_its_page_says_whose_it_is(tmp_path):
    rain, through = rains(), f"{LAST - 5 * DAY:%F}"
    y, table = guests(rain), issued(rain)
    recipe = wet(table[table["issued"] <= through], lag=1)
    rows = y.rename("value").rename_axis("date").reset_index().assign(location="PT-11/Foz", category="count")
    trained, known = (
        select(rows[rows["date"] <= day], "PT-11", "count", "all", 0) for day in (through, LAST - 3 * DAY)
    )
    past = roll(trained.series, {"steady": recipe, FALLBACK: SeasonalNaive()}, 80, HORIZON, 1)
    accounts = past.accounts("steady", FALLBACK, "steady")
    about = {"location": "PT-11", "category": "count", "candidate": "steady", "fitted_from": f"{y.index[0]:%F}",
             "data_through": through, "lag": 1, "horizon": HORIZON, "shut": []}  # fmt: skip
    model, residuals = learned(recipe, trained.series, many=False), past.residuals("steady", FALLBACK, accounts)
    coming = pd.date_range(LAST + DAY, periods=HORIZON)

    def said(rain_mm):
        folder = tmp_path / f"{rain_mm}"
        (folder / "forecast").mkdir(parents=True)
        today = {"issued": f"{LAST:%F}", "date": coming.astype("str"), "lead": range(1, HORIZON + 1)}
        own = with_weather(model, Weather(pd.DataFrame(today | {"rain_mm": rain_mm, "temperature": 15.0})))
        champion, facts = Champion(own, residuals, about, accounts), {"model_version": "m/1", "snapshot": "ab12"}
        made = forecast_all(champion, known, coming, 1, LEVELS, {}, 14, **facts)
        write_pages(made, 1, "", folder, About())
        page = (folder / "forecast" / "index.html").read_text()
        (mean,) = (one.mean for one in made.series.values())
        return mean, "Open-Meteo" in page, "Of the weather we know nothing." in page

    dry, wet_one, without = map(said, (0.0, 10.0, np.nan))
    assert (dry[0] > wet_one[0])[:5].all(), "the figures are two days late, the weather is not"
    assert dry[1:] == wet_one[1:] == (True, False) and without[1:] == (False, True)


def test_what_an_event_did_is_learned_without_the_rain_of_its_days():
    rain = rains()
    y, on = guests(rain)[:LAST], rain["2024-09-01":"2025-01-15"]
    on = [*on.index[(on >= 10) & (on.index.month < 12) & (on.index.day > 8)][:4], LAST + 2 * DAY]
    y[on[:-1]] *= np.exp(0.4)
    rows = y.rename("value").rename_axis("date").reset_index().assign(location="PT-11/Foz", category="count")
    known = select(rows, "PT-11", "count", "all", 0)
    events = [[f"{day:%F}", f"{day:%F}", "fair", "busier", "", "2024-01-01"] for day in on]
    about = {"location": "PT-11", "category": "count", "candidate": "steady", "fitted_from": f"{y.index[0]:%F}",
             "data_through": f"{LAST - 7 * DAY:%F}", "lag": 0, "horizon": HORIZON, "shut": []}  # fmt: skip
    past = {key: each[: LAST - 7 * DAY].mask(each.index[:-7].isin(on)) for key, each in known.series.items()}

    def event(recipe):
        rolled = roll(past, {"steady": recipe, FALLBACK: SeasonalNaive()}, 80, HORIZON, 0)
        accounts = rolled.accounts("steady", FALLBACK, "steady")
        residuals = rolled.residuals("steady", FALLBACK, accounts)
        champion = Champion(learned(recipe, past, many=False), residuals, about, accounts)
        coming, facts = pd.date_range(LAST + DAY, periods=HORIZON), {"model_version": "m/1", "snapshot": "ab12"}
        made = forecast_all(champion, known, coming, 0, LEVELS, {"events": events}, 14, **facts)
        return next(iter(made.series.values())).parts["event"].iloc[1]

    table = issued(rain)[lambda table: table["issued"] <= f"{LAST:%F}"]
    shrunken = 0.4 * 4 / 4.5
    assert len(on) == 5 and event(PLAIN) < 0.6 * shrunken, "most of it was rained off"
    assert event(wet(table)) == pytest.approx(shrunken, abs=0.1)


def test_of_several_places_the_weather_speaks_for_the_one_that_gains_by_it(tmp_path):
    rain, through = rains(), LAST - 7 * DAY
    places = {"Foz": guests(rain), "Cave": guests(rain, 0.0, seed=9), "Hall": guests(rain, 0.0, seed=8)}
    rows = pd.concat([
        y[:LAST].rename("value").rename_axis("date").reset_index().assign(location=f"PT-11/{name}", category="count")
        for name, y in places.items()
    ])  # fmt: skip
    known = select(rows, "PT-11", "count", "all", 0)
    trained = {key: y[:through] for key, y in known.series.items()}
    own = wet(issued(rain)[lambda table: table["issued"] <= f"{LAST:%F}"])
    candidates = {FALLBACK: SeasonalNaive(), "steady": PLAIN, "steady, weather": own}
    past = roll(trained, candidates, 90, HORIZON, 0)
    judged = by_weather(past.scores, past.leaderboard("report"), "steady")
    accounts = past.accounts(judged, FALLBACK, judged)
    speakers = accounts.set_index("location")["candidate"].to_dict()
    assert speakers == {"PT-11/Cave": "steady", "PT-11/Foz": "steady, weather", "PT-11/Hall": "steady"}
    residuals = past.residuals(judged, FALLBACK, accounts)
    (batch,) = past.batches
    for at, (location, _) in enumerate(batch.y):
        means = residuals.loc[residuals["location"] == location, "mean"]
        assert means.tolist() == batch.means[speakers[location]][..., at].ravel().tolist(), location

    about = {"location": "PT-11", "category": "count", "candidate": judged, "series": 3, "lag": 0, "horizon": HORIZON,
             "data_through": f"{through:%F}"}  # fmt: skip
    write_champion(tmp_path, learned(own, trained, many=True), residuals, about, accounts)
    champion = read_champion(tmp_path)
    champion = champion._replace(forecaster=with_weather(champion.forecaster, Weather(issued(rain))))
    coming, facts = pd.date_range(LAST + DAY, periods=HORIZON), {"model_version": "m/1", "snapshot": "ab12"}
    made = forecast_all(champion, known, coming, 0, LEVELS, {}, 14, **facts)
    assert dict(made.accounts.set_index("location")["model"]) == speakers
    for key, one in made.series.items():
        alone = fit(of_country(PLAIN, "PT"), trained[key])
        dry = predict(bring_up_to(alone, known.series[key]), coming)
        assert np.allclose(one.mean, dry, rtol=1e-9) == (key[0] != "PT-11/Foz")
        assert ("rain" in one.parts) == (key[0] == "PT-11/Foz"), "only there it is a reason"


def test_the_parts_add_up_and_say_what_the_rain_takes():
    rain = rains()
    rain[LAST + 2 * DAY] = 20.0
    y = guests(rain)[:LAST]
    model, coming = fit(wet(issued(rain)), y), pd.date_range(LAST + DAY, periods=HORIZON)
    each = parts(model, coming)
    assert in_logarithms(model)
    np.testing.assert_allclose(total(each, True, COUNTS)[:, 0], predict(model, coming))
    table = pd.DataFrame({name: values[:, 0] for name, values in each.items()}, coming)
    assert table.loc[LAST + 2 * DAY, "rain"] < -0.15 and table.loc[LAST + 2 * DAY, "dry"] == 0
    assert table["rain"].le(0).all() and table["dry"].ge(0).all()


def test_a_batch_is_its_series_one_by_one():
    rain = rains()
    names = pd.MultiIndex.from_tuples([("PT/a", "count"), ("PT/b", "count")])
    y = pd.concat([guests(rain), guests(rain, 0.2, seed=9)], axis=1).set_axis(names, axis=1)
    y.iloc[100:130, 1] = np.nan
    recipe = of_country(wet(issued(rain), lag=1), "PT")
    batch = means(recipe, y, ORIGINS[-9:], HORIZON, 1)
    for at, name in enumerate(names):
        alone = means(recipe, y[name].rename("count"), ORIGINS[-9:], HORIZON, 1)
        np.testing.assert_allclose(batch[..., at], alone, rtol=1e-9)
    ends = fit(recipe, y)
    coming = pd.date_range(y.index[-1] + DAY, periods=HORIZON)
    np.testing.assert_allclose(total(parts(ends, coming), True, COUNTS), predict(ends, coming))
    assert copy.deepcopy(recipe).weather is recipe.weather


def test_slopes_are_those_of_least_squares_where_they_are_sure():
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 2))
    y = x @ [2.0, 0.0] + random.normal(size=500)
    slope = shrunken_slopes(x, y)
    assert slope[0] == pytest.approx(np.linalg.lstsq(x, y, rcond=None)[0][0], rel=0.01) and abs(slope[1]) < 0.03
    assert not shrunken_slopes(np.zeros((500, 2)), y).any() and len(BY_LEAD) == 6


def test_one_wet_day_on_which_hardly_anybody_came_teaches_next_to_nothing():
    rain = rains()
    y = guests(rain)
    learned = fit(wet(issued(rain)), y).effects_[0]
    day = rain["2024-06-01":][lambda fallen: fallen > 9].index[0]
    assert fit(wet(issued(rain)), y.where(y.index != day, y / 100)).effects_[0] == pytest.approx(learned, abs=0.05)


def test_what_was_issued_earlier_counts_as_such_wherever_it_is_added():
    later = Weather(pd.DataFrame([["2026-01-05", "2026-01-06", 1, 9.0, 15.0]], columns=COLUMNS))
    rows = [["2026-01-04", "2026-01-06", 2, 1.0, 15.0], ["2026-01-06", "2026-01-06", 0, 3.0, 15.0]]
    both = later.and_then(Weather(pd.DataFrame(rows, columns=COLUMNS)))
    days = pd.date_range("2026-01-04", "2026-01-06")
    assert [both.known(day, days[-1], 1)[0][0, 0] for day in days] == [0.1, 0.9, 0.3]


def test_a_later_issue_without_a_number_takes_nothing_back():
    rows = [["2026-01-01", "2026-01-03", 2, 5.0, 20.0], ["2026-01-02", "2026-01-03", 1, np.nan, np.nan]]
    day = pd.Timestamp("2026-01-03")
    values, lead = Weather(pd.DataFrame(rows, columns=COLUMNS)).known(day, day, 1)
    assert values[0, 0] == 0.5 and lead[0] == 2
