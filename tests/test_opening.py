"""Which days a place was shut on, which it will be, and that nothing more is taken for shut than that."""

import numpy as np
import pandas as pd
import pytest

from footfall import opening
from footfall.events import among
from footfall.params import Data
from footfall.series import pick, rows_of, shut_of
from footfall.sources.days import to_series

HOUSE = "PT-11/Baixa"
DAYS = pd.date_range("2024-01-01", "2025-11-30")
COMING = pd.date_range("2025-12-01", "2026-01-11")


def table(values, category="count", location=HOUSE, **columns):
    return pd.DataFrame({"location": location, "category": category, "date": values.index, "value": values, **columns})


def reasons(series, location, category, *days_and_closures):
    return opening.foreseen(rows_of(series, location, category), location, category, *days_and_closures)


def covers(days=DAYS):
    return pd.Series(np.random.default_rng(1).integers(80, 120, len(days)).astype(float), index=days)


def mondays(values):
    return values.index.dayofweek == 0


@pytest.mark.parametrize("how", ["zero", "absent", "said"])
def test_a_weekday_that_was_never_open_will_be_shut(how):
    values = covers()
    if how == "absent":
        figures = table(values[~mondays(values)])
    elif how == "zero":
        figures = table(values.mask(mondays(values), 0.0))
    else:
        figures = table(values.mask(mondays(values)), open=np.where(mondays(values), "no", "yes"))
    foreseen = reasons(figures, HOUSE, "count", COMING)
    assert set(COMING[foreseen == "weekday"].dayofweek) == {0} and (foreseen == "weekday").sum() == 6
    assert (foreseen[COMING.dayofweek != 0] == "").all()
    assert opening.shut_weekdays(rows_of(figures, HOUSE, "count"), "count", {}) == ["monday"]
    y = pick(figures, HOUSE, "count")
    assert y[mondays(y)].isna().all() and y[~mondays(y)].notna().all()


def test_a_weekday_is_shut_if_it_is_said_to_be_and_although_an_event_opened_it():
    values = covers()
    fair = DAYS[mondays(values)][-2]
    rows = rows_of(table(values.where(~mondays(values) | (fair == DAYS), 0.0)), HOUSE, "count")
    event = {"events": [[f"{fair:%F}", f"{fair:%F}", "fair", "busier"]]}
    assert opening.shut_weekdays(rows, "count", {}) == []
    assert opening.shut_weekdays(rows, "count", event | {"weekdays": ["sunday"]}) == ["monday", "sunday"]


def test_the_same_of_percent_where_nobody_is_a_hundred_less():
    values = covers() - 100
    foreseen = reasons(table(values.mask(mondays(values), -100.0), "parks", "PT"), "PT", "parks", COMING)
    assert set(COMING[foreseen == "weekday"].dayofweek) == {0}


def test_a_blank_is_not_known_to_be_shut():
    figures = table(covers().mask(DAYS.dayofweek == 0))
    assert (reasons(figures, HOUSE, "count", COMING) == "").all()
    assert not shut_of(rows_of(figures, HOUSE, "count"), "count").any()


def test_a_gap_of_the_source_shuts_no_weekday():
    values = covers()
    figures = table(values.drop(values.index[-40:-1]))
    assert (reasons(figures, HOUSE, "count", COMING) == "").all()


@pytest.mark.parametrize("how", ["absent", "zero"])
@pytest.mark.parametrize("weeks", [3, 8])
def test_the_day_of_rest_is_remembered_over_a_closure_of_weeks(weeks, how):
    last = pd.Timestamp("2025-11-05")
    values = covers(pd.date_range("2024-01-01", "2025-11-30"))
    rests = mondays(values) | values.index.isin(pd.date_range(end=last, periods=7 * weeks))
    for since in range(15):
        figures = table(values[~rests] if how == "absent" else values.mask(rests, 0.0))
        figures = figures[figures["date"] <= last + pd.Timedelta(days=1 + since)]
        coming = pd.date_range(figures["date"].iloc[-1] + pd.Timedelta(days=1), periods=7)
        foreseen = reasons(figures, HOUSE, "count", coming)
        assert (foreseen[coming.dayofweek == 0] == "weekday").all() and (foreseen != "").sum() == 1


@pytest.mark.parametrize(("weeks", "expected"), [(5, {""}), (6, {"", "weekday"})])
def test_a_weekday_is_taken_for_shut_after_six_weeks_without_it(weeks, expected):
    values = covers()
    of_late = mondays(values) & (values.index > values.index[-1] - pd.Timedelta(weeks=weeks))
    assert set(reasons(table(values.mask(of_late, 0.0)), HOUSE, "count", COMING)) == expected


def test_a_place_open_at_weekends_alone_is_shut_on_the_other_days():
    values = covers()
    foreseen = reasons(table(values[values.index.dayofweek >= 5]), HOUSE, "count", COMING)
    assert ((foreseen == "weekday") == (COMING.dayofweek < 5)).all()


@pytest.mark.parametrize(("years", "expected"), [([2024], ""), ([2024, 2025], "holiday")])
def test_a_holiday_is_shut_when_it_was_twice_before(years, expected):
    days = pd.date_range("2024-01-01", "2025-12-20")
    closed = days.isin([pd.Timestamp(year, 5, 1) for year in years])
    figures = table(covers(days).mask(closed, 0.0))
    foreseen = reasons(figures, HOUSE, "count", pd.date_range("2026-04-24", "2026-05-03"))
    assert foreseen["2026-05-01"] == expected and (foreseen.drop(pd.Timestamp("2026-05-01")) == "").all()


@pytest.mark.parametrize(
    ("shut", "day", "expected"),
    [(["2025-02-17", "2026-02-16"], "2027-02-15", "holiday"), (["2021-02-15", "2022-02-21"], "2023-02-20", "holiday"),
     (["2026-02-16", "2027-02-15"], "2028-02-15", "")],
)  # fmt: skip
def test_where_two_holidays_fall_on_one_day_each_is_still_itself(shut, day, expected):
    """Susan B. Anthony Day, 15 February, was Washington's Birthday in 2021 too, and will be in 2027."""
    days = pd.date_range("2020-03-01", pd.Timestamp(day) - pd.Timedelta(days=2))
    house = table(covers(days).mask(days.isin(pd.to_datetime(shut)), 0.0), location="US-NY/Diner")
    assert reasons(house, "US-NY/Diner", "count", pd.DatetimeIndex([day])).tolist() == [expected]


def test_a_holiday_that_fell_on_the_day_of_rest_says_nothing_of_itself():
    values = covers().mask(DAYS.dayofweek == 5, 0.0)  # 25 April 2026 is a Saturday, 1 June 2024 was one
    values[pd.Timestamp("2024-10-05")] = 0.0  # a Saturday
    values[pd.Timestamp("2025-10-05")] = 0.0  # a Sunday, otherwise open
    foreseen = reasons(table(values), HOUSE, "count", pd.date_range("2026-10-05", periods=1))
    assert foreseen.tolist() == [""], "shut once on a day that is otherwise open"


@pytest.mark.parametrize("how", ["absent", "zero"])
def test_a_holiday_within_a_longer_closure_says_nothing_of_itself(how):
    days = pd.date_range("2022-01-01", "2026-07-31")
    rebuilt = days.isin(pd.date_range("2024-11-15", "2026-02-10"))
    vacation = days.isin([*pd.date_range("2022-08-01", "2022-08-21"), *pd.date_range("2024-08-01", "2024-08-21")])
    labour = days.isin(pd.to_datetime(["2022-05-01", "2024-05-01", "2026-05-01"]))
    closed = rebuilt | vacation | labour
    values = covers(days)
    figures = table(values[~closed] if how == "absent" else values.mask(closed, 0.0))
    foreseen = reasons(figures, HOUSE, "count", pd.date_range("2026-08-01", "2027-07-31"))
    assert foreseen[foreseen != ""].to_dict() == {pd.Timestamp("2027-05-01"): "holiday"}


def test_a_house_open_on_one_day_a_week_learns_its_holidays_too():
    saturdays = pd.date_range("2009-01-03", "2027-12-18", freq="7D")
    values = covers(saturdays).drop(pd.to_datetime(["2010-12-25", "2021-12-25"]))
    assert reasons(table(values), HOUSE, "count", pd.DatetimeIndex(["2027-12-25"])).tolist() == ["holiday"]


def test_what_the_owner_says_is_shut():
    closures = {"weekdays": ["tuesday"], "dates": ["2025-12-25"], "from_to": [["2026-01-05", "2026-01-07"]]}
    foreseen = reasons(table(covers()), HOUSE, "count", COMING, closures)
    said = set(COMING[foreseen == "said"].strftime("%m-%d"))
    assert said == {"12-02", "12-09", "12-16", "12-23", "12-30", "01-06", "12-25", "01-05", "01-07"}


def opened_by(*events, **closures):
    """What is said of the days of a house that never opens on Mondays, but once, nor at Christmas."""
    values = covers(pd.date_range("2022-01-01", "2025-11-30"))
    rests = mondays(values) & (values.index != "2025-11-17") | values.index.strftime("%m-%d").isin(["12-25"])
    once = ["2025-11-17", "2025-11-17", "Open for once", "busier"]
    foreseen = reasons(table(values[~rests]), HOUSE, "count", COMING, {"events": [once, *events], **closures})
    return {f"{day:%m-%d}": why for day, why in foreseen[foreseen != ""].items()}


def test_an_event_on_a_day_that_is_never_open_opens_it_and_no_other():
    plain = opened_by()
    assert [*plain] == ["12-01", "12-08", "12-15", "12-22", "12-25", "12-29", "01-05"]
    for day in ("12-08", "12-25"):
        assert opened_by([f"2025-{day}", f"2025-{day}", "Open", "unknown"]) == {d: plain[d] for d in plain if d != day}
    assert opened_by(["2025-12-06", "2025-12-08", "Street fair", "busier"]) == plain, "it is not on a Monday alone"
    said = opened_by(["2025-12-08", "2025-12-08", "Open", "busier"], dates=["2025-12-08"])
    assert said == plain | {"12-08": "said"}


def test_live_music_every_friday_closes_no_friday():
    music = [[f"{day:%F}"] * 2 + ["Music", "busier"] for day in DAYS[DAYS.dayofweek == 4][-20:]]
    figures = table(covers()[lambda values: ~mondays(values)])
    foreseen = reasons(figures, HOUSE, "count", COMING, {"events": music})
    assert set(COMING[foreseen != ""].dayofweek) == {0}
    before = DAYS[DAYS.dayofweek == 4][-21]
    for days in (1, 4 * 7, 5 * 7):  # Good Friday, or a vacation
        is_shut = figures["date"].isin(pd.date_range(end=before, periods=days))
        with_it = figures.assign(value=figures["value"].mask(is_shut, 0.0))
        assert reasons(with_it, HOUSE, "count", COMING, {"events": music}).equals(foreseen), "the week before the first"


def test_music_that_is_entered_for_each_friday_of_a_vacation_closes_no_other_day():
    fridays = [[f"{day:%F}"] * 2 + ["Music", "busier"] for day in DAYS[DAYS.dayofweek == 4][-8:]]
    figures = table(covers().mask(DAYS > "2025-10-12", 0.0))
    assert (reasons(figures, HOUSE, "count", COMING, {"events": fridays}) == "").all()


def test_a_closing_event_is_told_in_its_words():
    events = [["2025-12-02", "2025-12-03", "Painting", "closed"]]
    foreseen = reasons(table(covers()), HOUSE, "count", COMING, {"events": events})
    assert foreseen[foreseen != ""].to_dict() == dict.fromkeys(COMING[1:3], "said: Painting")


@pytest.mark.parametrize("how", ["dates", "from_to", "events"])
@pytest.mark.parametrize("absent", [None, "unknown", "closed"])
def test_days_that_were_shut_by_name_shut_none_of_their_weekday_afterwards(how, absent):
    sundays = DAYS[(DAYS.dayofweek == 6) & (DAYS > "2025-10-01")]
    names = [f"{day:%F}" for day in sundays]
    spans = {"dates": {"dates": names}, "from_to": {"from_to": [[name, name] for name in names]},
             "events": {"events": [[name, name, "Works", "closed", "", name] for name in names]}}  # fmt: skip
    closures = among(spans[how], "")
    closed = {name: closures.get(name, []) for name in ("dates", "from_to")}
    rows = covers().drop(sundays).rename("value").rename_axis("day").reset_index().assign(site="")
    figures = to_series(rows, Data(source="x", unit="counts", format="table", location="PT-11", absent=absent,
                                   closed=closed))  # fmt: skip
    assert (reasons(figures, "PT-11", "count", COMING, closures) == "").all()
    assert opening.shut_weekdays(rows_of(figures, "PT-11", "count"), "count", closures) == []


def test_a_year_of_days_shut_by_name_is_how_things_are():
    """Not learned anew over six weeks once the list ends."""
    days = pd.date_range("2024-01-01", COMING[0] - pd.Timedelta(days=1))
    listed = days[(days.dayofweek == 0) & (days >= COMING[0] - pd.Timedelta(days=364))]
    figures = table(covers(days).drop(listed))
    closed = reasons(figures, HOUSE, "count", COMING, {"dates": [f"{day:%F}" for day in listed]}) == "weekday"
    assert set(COMING[closed].dayofweek) == {0}


def test_days_shut_by_name_that_are_all_of_their_weekday_shut_it():
    values = covers(DAYS[-29:])
    figures = table(values[~mondays(values)])
    dates = [f"{day:%F}" for day in DAYS[-29:] if day.dayofweek == 0]
    assert set(COMING[reasons(figures, HOUSE, "count", COMING, {"dates": dates}) == "weekday"].dayofweek) == {0}


def test_nobody_came_to_a_place_where_few_come_is_no_closing():
    few = pd.Series(np.random.default_rng(1).poisson(1.5, len(DAYS)).astype(float), index=DAYS)
    assert not shut_of(rows_of(table(few), HOUSE, "count"), "count").any()
    euros = pd.Series(0.3, index=DAYS).mask(DAYS.dayofweek == 0, 0.0)
    assert shut_of(rows_of(table(euros), HOUSE, "count"), "count").sum() == (DAYS.dayofweek == 0).sum()


def test_a_series_goes_on_to_its_last_day_that_is_known():
    figures = table(covers().mask(DAYS >= "2025-11-29", 0.0))
    y = pick(figures, HOUSE, "count")
    assert y.index[-1] == DAYS[-1] and y[-2:].isna().all()


def test_a_series_that_was_never_open_has_its_days_and_no_value():
    y = pick(table(covers() * 0.0), HOUSE, "count")
    assert y.index[0] == DAYS[0] and y.index[-1] == DAYS[-1] and y.isna().all()


def test_an_event_shuts_the_days_of_its_site_on_which_nobody_came():
    days = pd.date_range("2026-03-01", "2026-03-05")
    rows = [(place, day, 9.0) for place in ("PT-11/Baixa", "PT-11/Foz") for day in days if day.day != 3]
    table = pd.DataFrame(rows, columns=["location", "date", "value"]).assign(category="count", open="yes")
    table.loc[table["date"].dt.day == 4, ["value", "open"]] = [np.nan, "unknown"]
    shut = opening.shut_on(table, {"PT-11/Foz": [["2026-03-02", "2026-03-09"]]})
    foz, baixa = (shut[shut["location"] == f"PT-11/{site}"] for site in ("Foz", "Baixa"))
    assert foz["open"].tolist() == ["yes", "yes", "no", "no", "yes"] and foz["date"].tolist() == [*days]
    assert foz["value"].isna().tolist() == [False, False, True, True, False]
    assert baixa.reset_index(drop=True).equals(
        table[table["location"] == "PT-11/Baixa"][[*baixa]].reset_index(drop=True)
    )
    assert opening.shut_on(table, {}).equals(table)


def test_how_often_it_was_open_is_counted_by_weekday():
    counted = opening.by_weekday(table(covers()[lambda values: ~mondays(values)]), HOUSE, "count")
    assert counted.loc["Monday"].tolist() == [0, 99, 0, 0] and counted.loc["Sunday", "lately"] == 6
