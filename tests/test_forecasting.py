"""The coming days of a market's series: those of one as they were, those of many each by itself, all accounted for."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import typical
from figures import SAMPLE, retail
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sktime.forecasting.compose import EnsembleForecaster
from sktime.forecasting.theta import ThetaForecaster

from flows.storage import layout
from footfall.calendar import country_of
from footfall.champion import FALLBACK, FALLBACKS, Champion, learned, read_champion, write_champion
from footfall.errors import DataProblem
from footfall.evaluation import intervals
from footfall.evaluation.backtest import tabulate
from footfall.evaluation.rolling import REMEMBERED, roll
from footfall.forecasting import forecast_all
from footfall.models import (
    ETS,
    Boosted,
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    Panel,
    SeasonalNaive,
    WeekdaySmoother,
)
from footfall.page.about import About
from footfall.page.pages import write_pages
from footfall.quantiles import LEVELS
from footfall.selection import Selection, select
from footfall.series import Rows, read_snapshot
from footfall.units import unit

RECIPE = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
FACTS = {"model_version": "m/1", "snapshot": "ab12"}
TODAY = pd.Timestamp("2025-06-30")
LONG = REMEMBERED + 13  # days of a series that share a batch 13 days after the training


def house(site, size, days=300, end=TODAY, seed=0):
    """The rows of a place that is shut on Mondays."""
    day = pd.date_range(end=end - pd.Timedelta(days=1), periods=days)
    guests = np.random.default_rng(seed).poisson(size * (1 + 0.3 * np.sin(day.dayofweek)), days).astype(float)
    rows = pd.DataFrame({"location": f"PT-11/{site}", "category": "count", "date": day, "value": guests})
    return rows[rows["date"].dt.dayofweek != 0]


def chosen(*houses):
    return select(pd.concat(houses, ignore_index=True), "PT-11", "count", "all", 0)


def rolled(selection):
    return roll(selection.series, {"calendar": RECIPE, FALLBACK: SeasonalNaive()}, 80, 7, 1)


def champion_of(selection, many=True, past=None):
    past = past or rolled(selection)
    accounts = past.accounts("calendar", FALLBACK, "calendar")
    about = {"location": "PT-11", "category": "count", "series": len(accounts) if many else None,
             "candidate": "calendar", "fitted_from": f"{min(y.index[0] for y in selection.series.values()):%F}",
             "data_through": f"{selection.through:%F}", "lag": 1, "horizon": 7, "shut": ["monday"]}  # fmt: skip
    model = learned(RECIPE, selection.series, many)
    return Champion(model, past.residuals("calendar", FALLBACK, accounts), about, accounts)


def forecasts(champion, selection, today=TODAY, closures=None, horizon=7):
    days = pd.date_range(today, periods=horizon + 1)[1:]
    return forecast_all(champion, selection, days, 1, LEVELS, closures or {}, 14, **FACTS)


@pytest.fixture(scope="module")
def houses():
    return [house("Baixa", 40), house("São João%2FSé", 900, seed=1), house("Foz", 200, days=90, seed=2)]


@pytest.fixture(scope="module")
def champion(houses):
    return champion_of(chosen(*houses))


def test_each_series_of_many_is_forecast_as_it_would_be_alone(champion, houses):
    made, accounts, _ = forecasts(champion, chosen(*houses))
    alone = forecasts(champion, chosen(houses[1])).series
    key = ("PT-11/São João%2FSé", "count")
    pd.testing.assert_frame_equal(made[key].table, alone[key].table)
    assert accounts["status"].isin(["published", "fell back", "young"]).all() and len(made) == len(accounts) == 3
    assert all(each.outlook["closed"].eq("weekday").sum() == 1 for each in made.values()), "each is shut on its Mondays"


RECIPES = {
    "calendar": RECIPE,
    "boosted": Boosted("PT", Panel(read_snapshot(SAMPLE / "snapshot.parquet")), trees=5),
    "without trees": Boosted("PT", trees=0),
    "both scales": EnsembleForecaster([("log", RECIPE), ("raw", KindOfDay("PT") * WeekdaySmoother())]),
    "ETS": ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
    FALLBACK: SeasonalNaive(),
}


@pytest.mark.long
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("name", typical(list(RECIPES), "calendar", "both scales", "without trees", FALLBACK))
def test_long_series_share_a_batch_whatever_days_they_keep_and_say_what_they_would_alone(name, data):
    category = data.draw(st.sampled_from(["parks", "count"]))
    some = st.lists(st.integers(60, 481), max_size=2)
    lengths = [481, data.draw(st.integers(LONG, 474)), *data.draw(some)]  # two that are long and begin apart
    countries = data.draw(st.sampled_from(["PT", "PT DE", "BR PT-11 DE"])).split()  # with days of their own
    series = {
        (f"{countries[at % len(countries)]}/X{at}", category): _begun(length, category, at)
        for at, length in enumerate(lengths)
    }
    origins, through = pd.date_range("2022-07-01", "2022-09-22"), pd.Timestamp("2022-09-30")
    tables = [
        tabulate(np.zeros((len(origins), 7)), y, origins).assign(location=key[0], category=key[1])
        for key, y in series.items()
    ]
    accounts = pd.DataFrame(list(series), columns=["location", "category"]).assign(candidate=name)
    about = {"candidate": name, "series": 9, "data_through": f"{through:%F}"}
    champion = Champion(RECIPES[name], pd.concat(tables), about, accounts)
    days = pd.date_range("2022-10-14", periods=7)

    def made(some):
        rows = {key: Rows.of(y.rename("value").rename_axis("date").reset_index()) for key, y in some.items()}
        return forecast_all(champion, Selection(some, rows, {}), days, 0, LEVELS, {}, 14, **FACTS).series

    together = made(series)
    assert len({id(together[key].batch) for key, y in series.items() if len(y) >= LONG}) == 1
    for key, y in series.items():
        alone, own = made({key: y})[key], together[key]
        for numbers in ("mean", "ranges", "parts"):
            np.testing.assert_allclose(getattr(own, numbers), getattr(alone, numbers), rtol=1e-9, atol=1e-9)
        pd.testing.assert_frame_equal(own.errors, alone.errors, rtol=1e-9, atol=1e-9)
        pd.testing.assert_series_equal(own.y, y)


def _begun(length, category, number):
    """One that is so long, has gaps, and its own size."""
    rng = np.random.default_rng(number + length)
    y = retail()[-length:] * rng.uniform(0.3, 1) + rng.normal(size=length).round(1)
    y = (y + 101) * rng.uniform(0.1, 30) if category == "count" else y.clip(lower=-99)
    y = y.mask(rng.random(length) < 0.05 * (number % 2))
    y.iloc[0] = y.iloc[-1] = 5.0
    return y.rename(category)


def test_what_a_champion_learned_comes_back_from_its_folder(champion, houses, tmp_path):
    write_champion(tmp_path, *champion)
    made = forecasts(champion, chosen(*houses)).series
    again = forecasts(read_champion(tmp_path), chosen(*houses)).series
    for key, each in made.items():
        pd.testing.assert_frame_equal(each.table, again[key].table)


def test_the_range_that_is_made_step_by_step_is_the_one_that_is_published(champion, houses):
    for (location, _), one in forecasts(champion, chosen(*houses)).series.items():
        steps = intervals.step_by_step(one.errors, one.week, TODAY, country_of(location), 1, one.late, unit(one.y))
        np.testing.assert_allclose(steps.iloc[-1], one.ranges.iloc[0][["q10", "q90"]], rtol=1e-9)


def test_a_later_day_moves_the_state_and_not_what_was_learned(champion, houses):
    later = TODAY + pd.Timedelta(days=2)  # a Monday is between
    rows = [house("Baixa", 40, days=302, end=later)]
    trained = champion.speaker(chosen(*rows).series["PT-11/Baixa", "count"], "PT", "calendar")
    assert trained.cutoff[-1] == pd.Timestamp(champion.about["data_through"])
    made = forecasts(champion, chosen(*rows), later).series
    assert made["PT-11/Baixa", "count"].y.index[-1] == later - pd.Timedelta(days=1)


@pytest.fixture(scope="module")
def alone(houses):
    """The champion of a market of one series, and what it was trained on."""
    selection = chosen(houses[0])
    return champion_of(selection, many=False), selection


def test_what_is_corrected_and_what_is_entered_after_the_training_moves_one_series_as_it_moves_many(alone, houses):
    one, selection = alone
    many = champion_of(selection)
    ((key, before),) = forecasts(one, selection).series.items()
    last = TODAY - pd.Timedelta(days=4)  # trained on already
    burst = {"events": [[f"{last:%F}", f"{TODAY:%F}", "burst pipe", "quieter", "", ""]]}
    first = f"{houses[0]['date'].min():%F}"
    opened = {"events": [*burst["events"], [first, first, "opening party", "busier", "", ""]]}
    corrected = houses[0].assign(value=houses[0]["value"].where(houses[0]["date"] < last, 4.0))
    for told in ((selection, burst), (selection, opened), (chosen(corrected), None)):
        (own,), (other,) = (forecasts(each, told[0], closures=told[1]).series.values() for each in (one, many))
        pd.testing.assert_frame_equal(own.mean.to_frame(), other.mean.to_frame())
        assert not np.allclose(own.mean, before.mean)


def test_a_source_that_keeps_but_the_last_weeks_takes_nothing_from_what_was_learned(alone, houses):
    one, selection = alone
    short = chosen(houses[0][houses[0]["date"] >= TODAY - pd.Timedelta(days=60)])
    (y,) = short.series.values()
    assert one.speaker(y, "PT", "calendar") is one.forecaster
    assert one.speaker(*selection.series.values(), "PT", "calendar") is not one.forecaster
    older = one._replace(about={name: fact for name, fact in one.about.items() if name != "shut"})
    assert older.speaker(*selection.series.values(), "PT", "calendar") is one.forecaster, "its trees it may not have"


def test_one_that_is_fitted_to_all_days_in_any_case_is_not_fitted_to_those_of_its_training_before(houses, monkeypatch):
    monkeypatch.setitem(globals(), "RECIPE", ThetaForecaster(sp=7, deseasonalize_model="additive"))
    selection = chosen(houses[0])
    past = rolled(selection)
    one, many = (champion_of(selection, is_of_many, past) for is_of_many in (False, True))
    (y,) = selection.series.values()
    assert one.speaker(y, "PT", "calendar") is one.forecaster
    corrected = chosen(houses[0].assign(value=houses[0]["value"].where(houses[0]["date"] < y.index[-3], 4.0)))
    taken_back = chosen(houses[0][houses[0]["date"] < y.index[-3]])  # days that it was trained on
    for told in (selection, corrected, taken_back):
        (own,), (other,) = (forecasts(each, told).series.values() for each in (one, many))
        pd.testing.assert_frame_equal(own.table, other.table)


def test_a_day_has_the_same_range_however_few_days_are_asked_for(alone):
    one, selection = alone
    (whole,) = forecasts(one, selection).series.values()
    for horizon in (1, 3):
        (few,) = forecasts(one, selection, horizon=horizon).series.values()
        pd.testing.assert_frame_equal(few.ranges, whole.ranges[:horizon])
        assert len(few.mean) == len(few.outlook) == horizon
        steps = intervals.step_by_step(few.errors, few.week, TODAY, "PT", 1, few.late, unit(few.y))
        np.testing.assert_allclose(steps.iloc[-1], few.ranges.iloc[0][["q10", "q90"]], rtol=1e-9)


def test_one_that_stopped_and_one_that_is_new_are_refused_and_the_others_go_on(champion, houses):
    stopped = houses[0][houses[0]["date"] < TODAY - pd.Timedelta(days=20)]
    made, accounts, _ = forecasts(champion, chosen(stopped, *houses[1:], house("Nova", 50)))
    reasons = accounts.set_index("location")["reason"]
    assert reasons["PT-11/Baixa"].startswith("stale: its last day is 2025-06-0")
    assert reasons["PT-11/Nova"].startswith("newer than the champion: its figures begin on 2024-09-0")
    known = accounts.set_index("location")["days_known"]
    assert known["PT-11/Baixa"] == stopped["value"].count() and known["PT-11/Nova"] > 200, "of the refused, too"
    assert accounts["status"].tolist().count("refused") == 2 and len(made) == 2 and len(accounts) == 4


def test_one_that_is_silent_while_it_is_said_to_be_shut_goes_on_and_its_page_misses_nothing(champion, houses, tmp_path):
    days = pd.date_range(TODAY + pd.Timedelta(days=30), periods=7)
    shut = {"from_to": [[f"{TODAY:%F}", f"{days[0] - pd.Timedelta(days=1):%F}"]]}
    made = forecast_all(champion, chosen(*houses), days, 1, LEVELS, shut, 14, **FACTS)
    assert set(made.accounts["status"]) == {"published", "young"}
    (tmp_path / "forecast").mkdir()
    write_pages(made, 1, "", tmp_path, About())
    assert not any("stand still" in page.read_text() for page in tmp_path.rglob("sites/*/index.html"))
    with pytest.raises(DataProblem, match="stale: its last day"):
        forecast_all(champion, chosen(*houses), days, 1, LEVELS, {}, 14, **FACTS)


def test_a_till_that_sends_noughts_for_weeks_is_not_forecast_unless_it_is_said_to_be_shut(champion, houses, alone):
    days = pd.date_range(end=TODAY - pd.Timedelta(days=1), periods=40)
    noughts = houses[0].assign(value=houses[0]["value"].mask(houses[0]["date"].isin(days), 0.0))
    made, accounts, _ = forecasts(champion, chosen(noughts, *houses[1:]))
    assert len(made) == 2 and accounts.set_index("location")["reason"]["PT-11/Baixa"] == (
        "empty: nobody came after 2025-05-20, through 2025-06-29; if it is shut, say until when, else look at its till"
    )
    assert forecasts(alone[0], chosen(noughts)).series, "of the only one of a market the page says so"
    event = [f"{days[0]:%F}", f"{days[20]:%F}", "painting", "closed", "Baixa", f"{days[0]:%F}"]
    for shut in {"from_to": [[f"{days[0]:%F}", f"{days[20]:%F}"]]}, {"events": [event]}:
        assert len(forecasts(champion, chosen(noughts, *houses[1:]), closures=shut).series) == 3


def test_one_whose_earlier_figures_are_gone_is_refused_and_the_others_go_on(champion, houses):
    later = TODAY + pd.Timedelta(days=35)
    *rest, lost = (house(site, 50, 335, later) for site in ("São João%2FSé", "Foz", "Baixa"))
    for days, reason in (30, "newer than the champion: its figures begin on 2025-07-0"), (20, "unfit: 20 days from "):
        new_till = lost[lost["date"] >= later - pd.Timedelta(days=days)]
        made, accounts, _ = forecasts(champion, chosen(new_till, *rest), later)
        assert accounts.set_index("location")["reason"]["PT-11/Baixa"].startswith(reason) and len(made) == 2


def test_of_one_that_no_training_takes_in_it_is_said_why(champion, houses):
    stuck = house("Nova", 50).assign(value=50.0)
    reasons = forecasts(champion, chosen(stuck, *houses)).accounts.set_index("location")["reason"]
    assert reasons["PT-11/Nova"] == "unfit: the last two weeks are one and the same value: the source may be stuck"


def test_figures_that_are_as_late_as_their_lag_have_not_stopped(champion, houses):
    late = chosen(*(rows[rows["date"] <= TODAY - pd.Timedelta(days=9)] for rows in houses))
    made = forecast_all(champion, late, pd.date_range(TODAY, periods=8)[1:], 9, LEVELS, {}, 6, **FACTS)
    assert set(made.accounts["status"]) == {"published", "young"}


def on(rows, days, value):
    """The rows, and on some days more so many guests."""
    more = pd.DataFrame({"date": days, "location": rows["location"].iloc[0], "category": "count", "value": value})
    return pd.concat([rows, more]).sort_values("date")


def test_figures_are_not_late_on_days_when_their_place_is_shut(champion, houses):
    days = pd.date_range(TODAY + pd.Timedelta(days=2), periods=7)  # from a Wednesday

    def made(closures, *rows):
        return forecast_all(champion, chosen(*rows), days, 1, LEVELS, closures, 60, **FACTS).series.values()

    rests, opens = houses[0], on(houses[1], [TODAY - pd.Timedelta(days=7)], 800.0)
    silent, late = made({}, rests, opens)
    assert silent.batch is late.batch and (silent.late, late.late) == (0, 1), "of one Monday's figures are missed"
    assert (silent.was_shut, late.was_shut) == (1, 0)
    pd.testing.assert_frame_equal(late.ranges, *(one.ranges for one in made({}, opens)))
    for last, closures in ("2025-06-29", {}), ("2025-06-08", {"from_to": [["2025-06-09", "2025-06-30"]]}):
        rows = rests[rests["date"] <= last]
        (absent,), (nought,) = made(closures, rows), made(closures, on(rows, pd.date_range(last, TODAY)[1:], 0.0))
        assert absent.y.index[-1] < nought.y.index[-1] and absent.late == nought.late == 0
        pd.testing.assert_frame_equal(absent.ranges, nought.ranges)


def test_the_first_of_many_is_new_and_another_is_drawn_in_its_place(champion, houses):
    selection = chosen(house("Alfama", 50), *houses)
    made, drawn = forecasts(champion, selection), selection.shown("")
    assert drawn == ("PT-11/Alfama", "count") and drawn not in made.series
    assert made.shown(drawn) == ("PT-11/Baixa", "count") and made.shown(key := ("PT-11/Foz", "count")) == key


def test_where_none_can_be_forecast_nothing_is(champion):
    with pytest.raises(DataProblem, match="none of 2 series can be forecast:\nPT-11/A count: newer than the champion"):
        forecasts(champion, chosen(house("A", 50), house("B", 50)))


def test_who_falls_back_is_spoken_for_by_the_naive(champion, houses):
    back = champion.series.assign(candidate=FALLBACK)
    made = forecasts(champion._replace(series=back), chosen(houses[0])).series
    mean = made["PT-11/Baixa", "count"].mean
    assert mean.iloc[1] == houses[0].set_index("date")["value"][mean.index[1] - pd.Timedelta(days=7)]


def test_in_its_place_no_holiday_is_taken_for_an_ordinary_day():
    rows = house("Baixa", 40, end=pd.Timestamp("2026-12-10"))
    rows.loc[rows["date"] == "2026-12-08", "value"] = 1.0
    champion = champion_of(chosen(rows))
    spoken = (champion._replace(series=champion.series.assign(candidate=name)) for name in FALLBACKS)
    of_each = [forecasts(each, chosen(rows), pd.Timestamp("2026-12-10")) for each in spoken]
    former, said = (made.series["PT-11/Baixa", "count"].mean["2026-12-15"] for made in of_each)
    usual = rows.set_index("date")["value"]
    assert former == 1.0 and said == usual["2026-11-24"], "1 December is a holiday as 8 December is"


def test_where_most_days_have_nobody_part_of_a_guest_is_not_far_busier():
    """Two of three ordinary days were then as usual to the guest, and any more of it was far from that."""
    counter = house("Quiosque", 3).assign(value=lambda rows: rows["value"] * (np.arange(len(rows)) % 5 == 0))
    days = forecasts(champion_of(chosen(counter)), chosen(counter)).series["PT-11/Quiosque", "count"].outlook
    days = days[days["word"] != "closed"]
    assert (days["usual"] == 0).all() and days["mean"].between(0.01, 1).all(), "what this test is of"
    assert (days["spread"] == 100).all() and not days["word"].str.contains("clearly|far").any(), days["word"]


def test_several_places_have_an_index_and_a_page_each(champion, houses, tmp_path):
    made = forecasts(champion, chosen(*houses, house("Nova", 50)))
    (tmp_path / "forecast").mkdir()
    held = {"through": "2025-06-29", "28": {"days": 28, "range_held": 0.8, "right": 0.7}}
    (tmp_path / "track.json").write_text(json.dumps({"PT-11/Foz count": held}))
    write_pages(made, 1, tmp_path / "track.json", tmp_path, About("Tasca", {"pt": "clientes"}))
    of_each = {path.parent.name: path.read_text() for path in (tmp_path / "forecast" / "sites").glob("*/index.html")}
    assert [slug for slug, page in of_each.items() if "80% did end inside" in page] == ["foz"]
    files = {
        path.relative_to(tmp_path / "forecast").as_posix()
        for path in (tmp_path / "forecast").rglob("*")
        if path.is_file()
    }
    slugs = {file.split("/")[1] for file in files if file.startswith("sites/")}
    assert slugs == {"baixa", "sao-joao-se", "foz"} and {f"sites/{slug}/week.ics" for slug in slugs} <= files
    words = json.loads((tmp_path / "words.json").read_text())
    told = words["messages"]["en"]["text"].splitlines()
    assert told[0].startswith("Baixa: ") and "Nova: No forecast." in told and len(words["days"]) == 28
    index = (tmp_path / "forecast" / "index.html").read_text()
    assert index.count("sites/sao-joao-se/index.html") and "São João/Sé" in index and "Nova" in index
    ways = set(re.findall(r'href="([a-z./_-]+)"', index))
    assert len(ways) == 3 and all((tmp_path / "forecast" / way).exists() for way in ways), "Nova has no page yet"
    assert '<html lang="pt-PT">' in index
    page = tmp_path / "forecast" / "sites" / "sao-joao-se" / "index.html"
    assert "São João/Sé, Tasca" in page.read_text()
    own = made.series["PT-11/São João%2FSé", "count"].table.to_csv(index=False, lineterminator="\n").encode()
    assert page.with_name("forecast.csv").read_bytes() == own
    links = set(re.findall(r'href="([a-z./_-]+)"', page.read_text()))
    assert "../../index.html" in links and all((page.parent / link).exists() for link in links)
    own = {f"sites/sao-joao-se/{link}" for link in links - {"../../index.html"}}
    assert own and all(layout.is_shown(file) for file in own), "what a page leads to lies beside it where it is put up"


def test_a_newcomer_takes_no_address_away(champion, houses, tmp_path):
    (tmp_path / "forecast").mkdir()
    write_pages(forecasts(champion, chosen(*houses, house("FOZ", 50, days=40))), 1, "", tmp_path, About())
    assert "FOZ" in (tmp_path / "forecast" / "index.html").read_text()
    assert "Foz" in (tmp_path / "forecast" / "sites" / "foz" / "index.html").read_text(), "though FOZ sorts before it"


def test_of_more_places_than_have_a_page_each_the_index_alone_is_drawn(champion, houses, tmp_path, monkeypatch):
    made = forecasts(champion, chosen(*houses))
    for most, pages in ((3, 3), (2, 0)):
        monkeypatch.setattr("footfall.page.pages.DRAWN", most)
        (tmp_path / str(most) / "forecast").mkdir(parents=True)
        write_pages(made, 1, "", tmp_path / str(most), About())
        assert len([*tmp_path.glob(f"{most}/forecast/sites/*/index.html")]) == pages
        assert (tmp_path / str(most) / "forecast" / "index.html").read_text().count("<a href=") == pages


@pytest.mark.parametrize("standing", ["proven", "unproven", "young"])
def test_a_page_of_many_says_that_nothing_better_is_known_where_the_naive_speaks_and_nowhere_else(
    champion, houses, tmp_path, standing
):
    back = champion.series["location"] == "PT-11/Baixa"
    series = champion.series.assign(candidate=champion.series["candidate"].mask(back, FALLBACK))
    series["status"] = series["status"].mask(back, "fell back")
    (tmp_path / "forecast").mkdir()
    made = forecasts(champion._replace(series=series), chosen(*houses))
    write_pages(made, 1, "", tmp_path, About(standing=standing))
    pages = {path.parent.name: path.read_text() for path in tmp_path.rglob("sites/*/index.html")}
    nothing_better = {slug for slug, page in pages.items() if "known yet to be better" in page}
    young = {slug for slug, page in pages.items() if "Young: " in page}
    expected = (set(), set(pages)) if standing == "young" else ({"baixa"}, {"foz"})
    assert (nothing_better, young) == expected and len(pages) == 3


def test_a_region_is_called_by_its_name_on_the_index_and_on_its_page(tmp_path):
    table = pd.concat([
        pd.DataFrame({"location": place, "category": category, "date": retail().index, "value": retail().to_numpy()})
        for place in ("BE-BRU", "CH-AG") for category in ("parks", "workplaces")
    ])  # fmt: skip
    selection = select(table, "BE", "parks", {"countries": ["BE", "CH"]}, 0)
    made = forecasts(champion_of(selection), selection, retail().index[-1])
    (tmp_path / "forecast").mkdir()
    write_pages(made, 1, "", tmp_path, About(names={"BE-BRU": "BE/Brussels", "CH-AG": "CH/Somewhere"}))
    index = (tmp_path / "forecast" / "index.html").read_text()
    assert "Brussels, Belgium · parks and beaches" in index and "Aargau, Switzerland · workplaces" in index
    assert '<html lang="en">' in index and "BE-BRU" not in index, "of several countries none chooses the language"
    assert "Brussels, Belgien" in (tmp_path / "forecast" / "sites" / "be-bru-parks" / "index.html").read_text()
    german = "Brussels, Belgien · Parks und Strände"
    assert f'<span lang="de">{german}</span>' in index
    told = json.loads((tmp_path / "words.json").read_text())["messages"]
    assert f"{german}: " in told["de"]["text"] and "parks and beaches" not in told["de"]["text"]
    assert told["fr"]["subject"].startswith("Affluence\u00a0: Brussels, Belgique · parcs et plages, ")


def test_one_series_has_its_page_where_it_was(tmp_path):
    table = pd.DataFrame({"location": "PT", "category": "retail_and_recreation", "date": retail().index,
                          "value": retail().to_numpy()})  # fmt: skip
    selection = select(table, "PT", "retail_and_recreation", None, 0)
    about = {"location": "PT", "category": "retail_and_recreation", "series": None, "lag": 3, "horizon": 7,
             "data_through": f"{selection.through:%F}"}  # fmt: skip
    past = roll(selection.series, {"calendar": RECIPE, FALLBACK: SeasonalNaive()}, 80, 7, 3)
    accounts = past.accounts("calendar", FALLBACK, "calendar")
    model = learned(RECIPE, selection.series, many=False)
    one = Champion(model, past.residuals("calendar", FALLBACK, accounts), about, accounts)
    days = pd.date_range(selection.through + pd.Timedelta(days=4), periods=7)
    made = forecast_all(one, selection, days, 3, LEVELS, {}, 14, **FACTS)
    (tmp_path / "forecast").mkdir()
    held = {"through": "2022-10-10", "28": {"days": 28, "range_held": 0.8, "right": 0.7}}
    (tmp_path / "track.json").write_text(json.dumps({"PT retail_and_recreation": held}))
    write_pages(made, 3, tmp_path / "track.json", tmp_path, About())
    assert "80% did end inside" in (tmp_path / "forecast" / "index.html").read_text()
    assert not (tmp_path / "forecast" / "sites").exists() and (tmp_path / "forecast" / "week.ics").exists()
