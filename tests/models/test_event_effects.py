"""An event that comes again is foreseen, and an odd day of the past spoils no day after it."""

import numpy as np
import pandas as pd
import pytest

from footfall.champion import Champion, learned
from footfall.evaluation.rolling import roll
from footfall.events import TOLD, known
from footfall.forecasting import forecast_all
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, SeasonalNaive, WeekdaySmoother
from footfall.models.event_effects import effects, put_on, table_without_events, without_events
from footfall.quantiles import LEVELS
from footfall.selection import select

KEY, TODAY = ("PT-11/Foz", "count"), pd.Timestamp("2025-06-30")
COLUMNS = ["from", "to", "site", "what", "effect", "entered"]
RECIPE = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
FACTS = {"model_version": "m/1", "snapshot": "ab12"}
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


def trained(y, closures):
    """A champion of a month before."""
    selection = chosen(y[:"2025-05-31"], closures)
    past = roll(selection.series, {"calendar": RECIPE, "seasonal naive": SeasonalNaive()}, 80, 7, 1)
    accounts = past.accounts("calendar", "seasonal naive", "calendar")
    about = {"location": "PT-11", "category": "count", "series": 1, "candidate": "calendar",
             "data_through": f"{selection.through:%F}", "lag": 1, "horizon": 7}  # fmt: skip
    model = learned(RECIPE, selection.series, many=True)
    return Champion(model, past.residuals("calendar", "seasonal naive", accounts), about, accounts)


@pytest.fixture(scope="module")
def champion():
    """Trained when the concert had been on twice."""
    return trained(guests([(list(CONCERT[:2]), TIMES)]), {"events": ROWS[:2]})


def forecast(champion, y, events):
    days = pd.date_range(TODAY, periods=8)[1:]
    closures = {"events": events} if events else {}
    return forecast_all(champion, chosen(y), days, 1, LEVELS, closures, 60, **FACTS).series[KEY]


def test_an_event_seen_twice_before_is_foreseen_with_half_the_error_at_most(champion):
    error, plain = [], []
    for seed in range(8):
        y = guests([(list(CONCERT[:2]), TIMES)], seed)
        actual = 120 * (1 + 0.3 * np.sin(3)) * TIMES
        error.append(abs(forecast(champion, y, ROWS).mean[CONCERT[2]] / actual - 1))
        plain.append(abs(forecast(champion, y, []).mean[CONCERT[2]] / actual - 1))
    assert np.mean(error) < np.mean(plain) / 2 and np.mean(error) < 0.2


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
        assert (lifted == mean).all(), "what a special day does is not known to come of its event"
        return dict(zip(days.strftime("%F"), np.ptp(ranges[..., 0], axis=1), strict=True))

    assert widths(eve) == dict.fromkeys(days.strftime("%F"), 40.0) | {eve: 80.0}
    assert widths("2024-05-29", eve)[eve] == 40, "the eve before, which holds the procession"


def test_an_odd_day_of_the_past_spoils_no_day_after_it(champion):
    sound, odd = guests(), guests([(PIPE[:2], 0.2)])
    expected = forecast(champion, sound.mask(sound.index.isin(pd.DatetimeIndex(PIPE[:2]))), []).mean
    np.testing.assert_allclose(forecast(champion, odd, [PIPE]).mean, expected)
    spoiled = forecast(champion, odd, []).mean
    assert spoiled.loc["2025-07-03":"2025-07-04"].lt(0.7 * expected["2025-07-03":"2025-07-04"]).all()


def test_an_event_entered_afterwards_changes_no_byte(champion):
    y, entered = guests([(list(CONCERT[:2]), TIMES), (PIPE[:2], 0.2)]), "2025-07-01"
    table = pd.DataFrame([[*row[:2], "", *row[2:4], entered] for row in [*ROWS, PIPE]], columns=COLUMNS)

    def published(as_of):
        rows = known(table, as_of)[TOLD].to_numpy().tolist()
        return forecast(champion, y, rows).table.to_csv()

    assert published("2025-06-30") == forecast(champion, y, []).table.to_csv()
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


def test_on_a_holiday_a_known_event_adds_to_it_and_one_that_was_only_ever_on_such_days_is_the_holidays():
    y = guests([(list(CONCERT[:2]), TIMES)])
    seen, day = [row[:4] for row in ROWS[:2]], pd.DatetimeIndex(["2025-08-15"])
    dinners = [[holiday, holiday, "Dinner", "busier"] for holiday in ("2024-08-15", "2025-06-10", "2025-08-15")]
    assert effects(y, [*seen, ["2025-08-15", "2025-08-15", ROWS[0][2], "busier"]], day, "PT").item() > 0.4
    assert effects(y, [*seen, *dinners], day, "PT").item() == 0


def test_of_two_events_on_a_day_the_shorter_counts_and_a_site_has_its_own():
    y = guests([(["2025-05-08"], 2.0)])
    rows = [["2025-05-08", "2025-05-08", "Concert", "busier"], ["2025-05-05", "2025-05-11", "Fair", "busier"]]
    day = pd.DatetimeIndex(["2025-07-03"])
    coming = [["2025-07-03", "2025-07-03", "Concert", "busier"], ["2025-07-01", "2025-07-07", "Fair", "busier"]]
    both = effects(y, [*rows, *coming], day, "PT").item()
    assert both == effects(y, [*rows, coming[0]], day, "PT").item() > 0.4
    assert abs(effects(y, [*rows, coming[1]], day, "PT").item()) < 0.1
    closures = {"events": [[*rows[0], "Baixa", ""]]}
    assert chosen(y, closures).series[KEY].notna().all()
    assert chosen(y, {"events": [[*rows[0], "foz", ""]]}).series[KEY].isna().sum() == 1


def test_no_series_is_refused_for_its_events():
    fair = ["2025-06-12", "2025-06-28", "Fair", "busier", "", ""]
    fridays = [[f"{day:%F}"] * 2 + ["Live music", "busier", "", ""] for day in guests().index if day.dayofweek > 3]
    for events in ([fair], fridays):
        assert chosen(guests(), {"events": events}, fewest=28).series[KEY].isna().sum() > 10


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
