"""An event that comes again is foreseen, and an odd day of the past spoils no day after it."""

import time

import numpy as np
import pandas as pd
import pytest

from footfall.calendar import kinds
from footfall.champion import Champion, learned
from footfall.evaluation.rolling import roll
from footfall.events import NOTEBOOK_COLUMNS, known
from footfall.forecasting import forecast_all
from footfall.models import (
    Boosted,
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    Panel,
    SeasonalNaive,
    WeekdaySmoother,
    fit,
    predict,
)
from footfall.models.event_effects import effects, masked, put_on, table_without_events, without_events
from footfall.models.weather import Weather, WithWeather
from footfall.opening import odd_days
from footfall.quantiles import LEVELS
from footfall.selection import select

KEY, TODAY = ("PT-11/Foz", "count"), pd.Timestamp("2025-06-30")
COLUMNS = ["from", "to", "site", "what", "effect", "entered"]
RECIPE = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
STEADY = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
FACTS = {"model_version": "m/1", "snapshot": "ab12"}
CORPUS_CHRISTI = "2025-06-19"
CONCERT, TIMES = ("2025-04-10", "2025-05-22", "2025-07-03"), 1.8  # Thursdays; the last is to come
ROWS = [[day, day, "Concert in the square", "busier", "", ""] for day in CONCERT]
PIPE = ["2025-06-26", "2025-06-27", "Burst pipe", "unknown", "", ""]


def guests(times=(), seed=3):
    """A place's figures up to the day before the last, on some days so many times what they would be."""
    day = pd.date_range(end=TODAY - pd.Timedelta(days=1), periods=400, name="date")
    usual = 120 * (1 + 0.3 * np.sin(day.dayofweek)) * np.exp(np.random.default_rng(seed).normal(0, 0.05, len(day)))
    y = pd.Series(usual, day, name="count")
    for days, factor in times:
        y[days] *= factor
    return y


def rows_of(y):
    return y.rename("value").reset_index().assign(location=KEY[0], category=KEY[1])


def chosen(y, closures=None, fewest=0):
    selection = select(rows_of(y), "PT-11", "count", "all", fewest)
    assert not selection.objection()
    masked, told = without_events(selection, closures or {}), table_without_events(rows_of(y), closures or {})
    of_table = select(told, "PT-11", "count", "all", 0).series[KEY].reindex(masked.series[KEY].index)
    pd.testing.assert_series_equal(masked.series[KEY], of_table, check_freq=False)
    return masked


def trained(y, closures, recipe=RECIPE):
    """A champion of a month before."""
    selection = chosen(y[:"2025-05-31"], closures)
    past = roll(selection.series, {"calendar": recipe, "seasonal naive": SeasonalNaive()}, 80, 7, 1)
    accounts = past.accounts("calendar", "seasonal naive", "calendar")
    about = {"location": "PT-11", "category": "count", "series": 1, "candidate": "calendar",
             "data_through": f"{selection.through:%F}", "lag": 1, "horizon": 7}  # fmt: skip
    model = learned(recipe, selection.series, many=True)
    return Champion(model, past.residuals("calendar", "seasonal naive", accounts), about, accounts)


@pytest.fixture(scope="module")
def champion():
    """Trained when the concert had been on twice."""
    return trained(guests([(list(CONCERT[:2]), TIMES)]), {"events": ROWS[:2]})


def forecast(champion, y, events):
    days = pd.date_range(TODAY, periods=8)[1:]
    closures = {"events": events} if events else {}
    return forecast_all(champion, chosen(y), days, 1, LEVELS, closures, 60, **FACTS).series[KEY]


def rain():
    """Of a place where it rains on one day in three, foreseen as it comes, for a week, on each day of its figures."""
    issued, lead = guests().index.repeat(8), np.tile(range(8), 400)
    fell = np.random.default_rng(4).gamma(0.3, 9.0, 407)[np.arange(400).repeat(8) + lead]
    about = {"issued": issued, "date": issued + pd.to_timedelta(lead, "D"), "lead": lead}
    return Weather(pd.DataFrame(about | {"rain_mm": fell, "temperature": 15.0}))


@pytest.fixture(scope="module", params=["calendar", "steady", "boosted", "steady, weather"])
def speaker(request):
    """A champion of each kind, trained before anything was on."""
    recipes = {
        "calendar": RECIPE,
        "steady": STEADY,
        "boosted": Boosted("PT", Panel(rows_of(guests(seed=11))), trees=40, rows_per_tree=50, calendar=STEADY),
        "steady, weather": WithWeather("PT", STEADY, rain(), lag=1),
    }
    return trained(guests(), {}, recipes[request.param])


@pytest.mark.parametrize("times", [0.5, 1.5])
@pytest.mark.parametrize("days", [CONCERT, ("2025-04-12", "2025-05-24", "2025-07-05")])  # Saturdays
def test_an_event_seen_twice_before_is_foreseen_with_half_the_error_at_most(speaker, days, times):
    error, plain = [], []
    for seed in range(3):
        y = guests([(list(days[:2]), times)], seed)
        actual = 120 * (1 + 0.3 * np.sin(pd.Timestamp(days[2]).dayofweek)) * times
        rows = [[day, day, "Market", "unknown", "", ""] for day in days]
        error.append(abs(forecast(speaker, y, rows).mean[days[2]] / actual - 1))
        plain.append(abs(forecast(speaker, y, rows[:2]).mean[days[2]] / actual - 1))
    assert np.mean(error) < np.mean(plain) / 2 and np.mean(error) < 0.2


def test_an_event_is_measured_against_days_that_were_not_odd_themselves():
    days = pd.DatetimeIndex(["2025-07-03"])

    def effect(*others, told=()):
        y = guests([(["2025-06-05"], TIMES), *others])
        rows = [(day, day, "Concert", "busier") for day in ("2025-06-05", "2025-07-03")]
        return effects(y, [*rows, *told], days, "PT").iloc[0]

    assert effect() > 0.2
    assert effect(([CORPUS_CHRISTI], 5.0)) == pytest.approx(effect(([CORPUS_CHRISTI], 0.2)), abs=1e-12)
    other = [("2025-05-29", "2025-05-29", "Other", "unknown")]
    assert effect((["2025-05-29"], 5.0), told=other) == pytest.approx(effect(told=other), abs=1e-12)


def test_what_is_published_of_an_event_adds_up_is_wider_and_moves_no_other_day(champion):
    y = guests([(list(CONCERT[:2]), TIMES)])
    with_it, without = forecast(champion, y, ROWS), forecast(champion, y, ROWS[:2])
    others = with_it.mean.index != CONCERT[2]
    pd.testing.assert_series_equal(with_it.mean[others], without.mean[others])
    pd.testing.assert_frame_equal(with_it.ranges[others], without.ranges[others])
    assert with_it.parts["event"].ne(0).sum() == 1 and with_it.parts.loc[CONCERT[2], "event"] > 0.3
    width = [each.ranges.loc[CONCERT[2], "q90"] - each.ranges.loc[CONCERT[2], "q10"] for each in (with_it, without)]
    assert width[0] / width[1] == pytest.approx(2 * with_it.mean[CONCERT[2]] / without.mean[CONCERT[2]])
    (reason,) = [each for each in with_it.outlook.loc[CONCERT[2], "reasons"] if "event" in each]
    assert reason == "event busier: Concert in the square" and with_it.outlook.loc[CONCERT[2], "towards"] == "busier"


def test_on_a_special_day_too_a_new_event_widens_the_range_and_one_that_is_the_days_own_does_not():
    y, eve = guests()[:"2025-06-12"], "2025-06-18"  # of Corpus Christi
    days = pd.date_range("2025-06-13", periods=7)
    mean, narrow = np.full((7, 1), 100.0), np.tile(np.linspace(80, 120, len(LEVELS))[:, None], (7, 1, 1))

    def widths(*dates):
        events = [[date, date, "Procession", "busier"] for date in dates]
        lifted, ranges, _ = put_on(mean, narrow, {}, True, y.to_frame(), days, [events], "PT")
        return dict(zip(days.strftime("%F"), np.ptp(ranges / lifted[:, None], axis=1)[:, 0], strict=True))

    wide = dict.fromkeys(days.strftime("%F"), pytest.approx(0.4)) | {eve: pytest.approx(0.8)}
    assert widths(eve) == widths(eve, "2026-06-03") == wide, "one that is entered for two years was on in neither"
    assert widths("2024-05-29", eve)[eve] == pytest.approx(0.4), "the eve before, which holds the procession"


def test_an_odd_day_of_the_past_spoils_no_day_after_it(champion):
    sound, odd = guests(), guests([(PIPE[:2], 0.2)])
    expected = forecast(champion, sound.mask(sound.index.isin(pd.DatetimeIndex(PIPE[:2]))), []).mean
    np.testing.assert_allclose(forecast(champion, odd, [PIPE]).mean, expected)
    spoiled = forecast(champion, odd, []).mean
    assert spoiled.loc["2025-07-03":"2025-07-04"].lt(0.7 * expected["2025-07-03":"2025-07-04"]).all()


def test_an_event_entered_afterwards_changes_no_byte(speaker):
    y, entered = guests([(list(CONCERT[:2]), TIMES), (PIPE[:2], 0.2)]), "2025-07-01"
    table = pd.DataFrame([[*row[:2], "", *row[2:4], entered] for row in [*ROWS, PIPE]], columns=COLUMNS)

    def published(as_of):
        rows = known(table, as_of)[NOTEBOOK_COLUMNS].to_numpy().tolist()
        return forecast(speaker, y, rows).table.to_csv()

    assert published("2025-06-30") == forecast(speaker, y, []).table.to_csv()
    assert published("2025-07-01") != published("2025-06-30"), "or nothing would be shown by this"


def test_a_first_event_is_like_others_that_were_to_make_it_busier_and_one_of_unknown_effect_like_none():
    y = guests([(list(CONCERT[:2]), TIMES)])
    day = pd.DatetimeIndex([CONCERT[2]])
    seen = [row[:4] for row in ROWS[:2]]

    def effect(what, word):
        return effects(y, [*seen, [CONCERT[2], CONCERT[2], what, word]], day, "PT").item()

    assert effect("Fair", "busier") == effect(" concert in the SQUARE", "unknown") == pytest.approx(0.47, abs=0.05)
    assert effect("Fair", "quieter") == effect("Fair", "unknown") == effect("Fair", "closed") == 0
    assert effects(y, [["2025-07-03", "2025-07-03", "Fair", "busier"]], day, "PT").item() == 0, "none was ever on"


def blank(*rows):
    days = chosen(guests(), {"events": [[*row, "", ""] for row in rows]}).series[KEY].isna()
    return [f"{day:%F}" for day in days.index[days]]


def test_what_lasts_longer_than_four_weeks_is_how_things_are():
    assert blank(["2025-03-01", "2025-03-29", "Works", "quieter"]) == []
    assert len(blank(["2025-03-01", "2025-03-28", "Works", "quieter"])) == 28, "Carnival among them"


def test_a_special_day_with_an_event_is_left_out_unless_the_same_is_on_then_in_another_year():
    pipe = ["2024-12-19", "2024-12-23", "Burst pipe", "quieter"]
    assert blank(pipe) == [f"2024-12-{day}" for day in range(19, 24)]
    assert blank(["2024-12-30", "2025-01-02", "Burst pipe", "quieter"])[0] == "2024-12-30"
    dinner, next_one = (
        ["2024-12-25", "2024-12-25", "Dinner", "busier"],
        ["2025-12-25", "2025-12-25", "dinner", "busier"],
    )
    assert blank(dinner) == blank(dinner, ["2025-12-24", "2025-12-24", "Dinner", "busier"]) == ["2024-12-25"]
    assert blank(dinner, next_one) == [], "the forecast of Christmas holds the dinner"
    parties = [[f"{year}-12-{day}"] * 2 + ["Party", "busier"] for year, day in ((2024, 20), (2024, 22), (2025, 21))]
    assert blank(*parties[:2]) == ["2024-12-20", "2024-12-22"] and blank(*parties) == []


def test_of_two_holidays_on_a_day_each_is_its_own_in_another_year():
    y = pd.Series(120.0, pd.date_range("2025-01-01", "2027-06-30"), name="count")
    parade = [[f"{year}-05-17"] * 2 + ["Parade", "busier"] for year in (2025, 2026, 2027)]  # of 2027 it is Whit Monday
    for some in (parade[1:], parade):
        assert masked(y.to_frame(), [some], "NO").notna().all(axis=None)
    gala = [["2026-05-25"] * 2 + ["Gala", "busier"], ["2027-05-17"] * 2 + ["Gala", "busier"]]
    assert masked(y.to_frame(), [gala], "NO").notna().all(axis=None), "each Whit Monday"
    assert masked(y.to_frame(), [[parade[1], gala[1]]], "NO").isna().to_numpy().sum() == 2, "of different names"


def holidays_kept(effect, *events, times=TIMES):
    """Three years and more of a place whose holidays are so many times as busy, and what it is told of some days."""
    random, day = np.random.default_rng(1), pd.date_range("2022-06-01", "2025-08-08", name="date")
    usual = 120 * (1 + 0.3 * np.sin(day.dayofweek)) * np.exp(random.normal(0, 0.03, len(day)))
    y = pd.Series(np.where(kinds(day, "PT") == "holiday", effect * usual, usual), day, name="count")
    y[y.index.isin(pd.DatetimeIndex(events))] *= times
    return y, [[date, date, "Fair", "busier"] for date in events]


@pytest.mark.parametrize("effect", [0.6, 1.5])
@pytest.mark.parametrize(("before", "day"), [(("2023-08-15", "2024-08-15"), "2025-08-15"),  # Assumption
                                             (("2023-08-15", "2024-08-15"), "2025-08-12"),
                                             (("2023-08-08", "2024-08-13"), "2025-08-15")])  # fmt: skip
def test_what_a_holiday_does_and_what_its_event_does_are_told_apart(effect, before, day):
    y, events = holidays_kept(effect, *before, day)
    day = pd.DatetimeIndex([day])
    left = masked(y.to_frame(), [events], "PT").iloc[:, 0].rename("count")
    said = predict(fit(RECIPE, left), pd.date_range(y.index[-1], day[0])[1:])[day].to_numpy()[:, None]
    ranges, week = np.tile(said[:, None], (1, len(LEVELS), 1)), 1 + 0.3 * np.sin(day.dayofweek)
    actual = 120 * week * np.where(kinds(day, "PT") == "holiday", effect, 1.0) * TIMES
    lifted, _, _ = put_on(said, ranges, {}, True, y.to_frame(), day, [events], "PT")
    assert abs(lifted[0, 0] / actual[0] - 1) < 0.16 < 0.4 < abs(said[0, 0] / actual[0] - 1)


def test_an_event_on_every_holiday_and_one_on_the_only_day_of_its_kind_is_what_these_are():
    day = pd.date_range("2022-06-01", "2025-08-15")
    y, events = holidays_kept(0.6, *day[kinds(day, "PT") == "holiday"].strftime("%F"))
    assert abs(effects(y, events, day[-1:], "PT").item()) < 0.05
    y, events = holidays_kept(0.6, "2022-12-25", "2025-08-14")
    coming = pd.DatetimeIndex(["2025-08-14"])
    assert effects(y[:"2023-11-30"], events, coming, "PT").item() == 0, "it was the fair, or Christmas"


def effect_of(y, *events):
    """Of those that are on on 3 July, as number of times."""
    return np.exp(effects(y, events, pd.DatetimeIndex(["2025-07-03"]), "PT").item())


def on(*days, what, effect="busier"):
    return [[day, day, what, effect] for day in days]


def test_what_several_events_do_on_a_day_adds_up():
    shows, works, day = ("2025-03-13", "2025-05-08"), ("2025-04-03", "2025-05-22"), "2025-07-03"
    y = guests([([*shows], 1.8), ([*works], 0.4)])
    concert, roadworks = on(*shows, day, what="Concert"), on(*works, day, what="Roadworks", effect="quieter")
    alone = [effect_of(y, *concert, *roadworks[:2]), effect_of(y, *concert[:2], *roadworks)]
    assert alone[0] > 1.3 and alone[1] < 0.7
    for first, second in (("Concert", "Roadworks"), ("Zumba", "Annoyance")):  # or the alphabet decided
        named = sorted([*on(*shows, day, what=first), *on(*works, day, what=second, effect="quieter")])
        assert effect_of(y, *named) == pytest.approx(alone[0] * alone[1])
    assert effect_of(y, *concert, *concert, *roadworks[:2]) == pytest.approx(alone[0]), "entered twice"
    assert effect_of(y, *concert, *roadworks[:2], *on(day, what="Band")) == pytest.approx(alone[0]), "as busy as that"
    new = effect_of(y, *concert, *roadworks[:2], *on(day, what="Pipe", effect="quieter"))
    assert new == pytest.approx(alone[0] * alone[1]), "as others that were to make it quieter"


@pytest.mark.parametrize("note", ["Gas meter read", "Window cleaner"])
def test_a_note_of_unknown_effect_takes_nothing_away(note):
    shows = "2025-03-13", "2025-05-08"
    y, market = guests([([*shows], 1.6)]), on(*shows, "2025-07-03", what="Night market")
    assert effect_of(y, *market) > 1.3
    for days in (["2025-07-03"], [*shows, "2025-07-03"], [*shows]):
        noted = effect_of(y, *sorted([*market, *on(*days, what=note, effect="unknown")]))
        assert noted == pytest.approx(effect_of(y, *market), rel=0.05)
    assert effect_of(y, *market[:2], *on(*shows, "2025-07-03", what=note, effect="unknown")) == 1


def test_of_two_events_on_a_day_what_both_do_counts_once_and_a_site_has_its_own():
    y = guests([(["2025-05-08"], 2.0)])
    rows = [["2025-05-08", "2025-05-08", "Concert", "busier"], ["2025-05-05", "2025-05-11", "Fair", "busier"]]
    coming = [["2025-07-03", "2025-07-03", "Concert", "busier"], ["2025-07-01", "2025-07-07", "Fair", "busier"]]
    concert = effect_of(y, *rows, coming[0])
    assert effect_of(y, *rows, *coming) == pytest.approx(concert, rel=0.05) and concert > 1.45
    assert abs(effect_of(y, *rows, coming[1]) - 1) < 0.1
    only = y.mask((y.index >= "2025-05-05") & (y.index <= "2025-05-11") & (y.index != "2025-05-08"))
    assert effect_of(only, *rows, *coming) == effect_of(only, *rows, coming[0]) > 1.45, "the fair, never without it"
    busy = guests([(["2025-05-08"], 1.5), (pd.date_range("2025-05-05", "2025-05-11"), 1.4)])
    assert effect_of(busy, *rows, *coming) == pytest.approx(1.4 * 1.5, rel=0.2)
    closures = {"events": [[*rows[0], "Baixa", ""]]}
    assert chosen(y, closures).series[KEY].notna().all()
    assert chosen(y, {"events": [[*rows[0], "foz", ""]]}).series[KEY].isna().sum() == 1


def test_what_is_always_on_together_is_counted_once_whoever_its_effect_was_said_of():
    days = "2025-02-06", "2025-03-06", "2025-04-03", "2025-05-08"
    said = [("busier", "unknown"), ("busier", "unknown"), ("unknown", "busier"), ("unknown", "busier")]
    past = [on(day, what=what, effect=effect)[0] for day, both in zip(days, said, strict=True)
            for what, effect in zip(("Concert", "Market"), both, strict=True)]  # fmt: skip
    coming = [*on("2025-07-03", what="Concert"), *on("2025-07-03", what="Market")]
    assert 1.2 < effect_of(guests([([*days], 1.5)]), *past, *coming) < 1.6


def test_a_year_that_is_a_slip_of_the_pen_and_thousands_of_events_cost_no_seconds():
    y, days = guests(), pd.date_range("2016-01-01", periods=3000)
    many = [[f"{day:%F}"] * 2 + [f"event {day.day}", "unknown"] for day in days] + [
        ["9999-12-31"] * 2 + ["Fair", "busier"]
    ]
    masked(y.to_frame(), [many[:1]], "PT")  # the calendar of these years is read once
    since = time.process_time()
    assert odd_days([*many[2:], *many]).equals(days.append(pd.DatetimeIndex(["9999-12-31"])))
    masked(y.to_frame(), [many[-1:]], "PT")
    assert time.process_time() - since < 0.5


def test_no_series_is_refused_for_its_events():
    fair = ["2025-06-12", "2025-06-28", "Fair", "busier", "", ""]
    fridays = [[f"{day:%F}"] * 2 + ["Live music", "busier", "", ""] for day in guests().index if day.dayofweek > 3]
    for events, days in ([fair], 17), (fridays, 0):
        assert chosen(guests(), {"events": events}, fewest=28).series[KEY].isna().sum() == days


# From the first day; in a young place; and since two holidays, so that no Friday near says what the music adds.
@pytest.mark.parametrize(
    ("first", "music"), [("2024-05-26", "2024-05-31"), ("2025-05-20", "2025-05-23"), ("2024-05-26", "2025-05-09")]
)
def test_what_is_on_every_friday_is_forecast_as_fridays_are_and_a_reason_all_the_same(champion, first, music):
    y, days = guests()[first:], pd.date_range(music, "2025-07-11", freq="W-FRI").drop("2025-06-20")  # but the bridge
    y[y.index.isin(days)] *= TIMES
    events = [[f"{day:%F}", f"{day:%F}", "Live music", "busier", "", ""] for day in days]
    told, plain = forecast(champion, y, events), forecast(champion, y, [])
    pd.testing.assert_frame_equal(told.table, plain.table)
    assert told.outlook.loc["2025-07-04", "reasons"][-1] == "event busier: Live music"
    day = "2025-06-27"
    pipe, burst, unknown = [day, day, "Burst pipe", "quieter", "", ""], y.copy(), y.copy()
    burst[day], unknown[day] = 0.1 * y[day], np.nan
    expected = forecast(champion, unknown, events).mean
    np.testing.assert_allclose(forecast(champion, burst, [pipe, *events]).mean, expected)


def test_a_friday_without_the_music_of_each_friday_has_a_wider_range(champion):
    y, friday = guests(), "2025-07-04"
    days = pd.date_range("2025-02-07", friday, freq="W-FRI")
    y[y.index.isin(days)] *= TIMES
    events = [[f"{day:%F}", f"{day:%F}", "Live music", "busier", "", ""] for day in days]
    told, ended = forecast(champion, y, events), forecast(champion, y, events[:-1])
    pd.testing.assert_series_equal(ended.mean, told.mean)
    wide, narrow = (each.ranges["q90"] - each.ranges["q10"] for each in (ended, told))
    assert (wide / narrow).round(6).to_dict() == dict.fromkeys(told.mean.index, 1.0) | {pd.Timestamp(friday): 2.0}


def test_a_festival_on_a_friday_of_weekly_music_is_an_event_all_the_same():
    days = pd.date_range("2024-10-04", "2025-07-04", freq="W-FRI")
    y = guests([(days[:-1], TIMES), (pd.date_range("2025-04-04", periods=3), 2.0)])
    music = [[f"{day:%F}", f"{day:%F}", "Live music", "busier"] for day in days]
    for length in 1, 3:
        festival = [[f"{day:%F}", f"{day + pd.Timedelta(days=length - 1):%F}", "Festival", "busier"]
                    for day in (pd.Timestamp("2025-04-04"), days[-1])]  # fmt: skip
        told = [*festival, *music]
        blank = masked(y.to_frame(), [told], "PT").iloc[:, 0]
        assert [*blank.index[blank.isna()]] == [*pd.date_range("2025-04-04", periods=length)]
        assert effects(y, told, days[-1:], "PT").item() > 0.3


def test_one_event_of_weeks_is_none_of_each_week():
    first, last = guests().index[[-28, -11]]
    offer = [[f"{first:%F}", f"{last:%F}", "Opening offer", "busier"]]
    assert masked(guests().iloc[-28:].to_frame(), [offer], "PT").isna().to_numpy().sum() == 18


@pytest.fixture(scope="module")
def resting():
    """A house that never opens on Mondays, as its figures are, and its champion."""
    y = guests()
    y = y[y.index.dayofweek != 0]
    return y, trained(y, {})


def test_an_event_on_a_day_of_rest_opens_it_with_a_number_and_a_reason(resting):
    y, champion = resting
    monday = "2025-07-07"
    plain, opened = (
        forecast(champion, y, events) for events in ([], [[monday, monday, "Open today", "busier", "", ""]])
    )
    assert plain.table.set_index("target_end_date")["open"][monday].eq("no").all()
    assert opened.table["open"].eq("yes").all() and 60 < opened.mean[monday] < 200
    day = opened.outlook.loc[monday]
    assert day["closed"] == "" and day["reasons"][-1] == "event busier: Open today" and day["low"] < day["high"]
    others = opened.mean.index != monday
    pd.testing.assert_series_equal(opened.mean[others], plain.mean[others])
