"""Two live markets, from their files, day by day: each sees what was published by then, with all that goes wrong."""

import datetime as dt
import io
import uuid
from types import SimpleNamespace

import live
import pandas as pd
import pytest
from conftest import footfall
from invariants import check
from live import LINES, PLACES

from flows.settings import ROOT, home
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.errors import DataProblem, EnvironmentProblem
from footfall.market_file import read_market
from footfall.series import visible

START = dt.date(2025, 9, 6)
DAY = dt.timedelta(days=1)


def renamed(documents, old="qty", new="quantity"):
    for document in documents:
        for entry in document["data"].values():
            entry[new] = entry.pop(old)
    return documents


def without(documents, day, lines):
    for document in documents:
        if document["properties"]["line_id"] in lines:
            document["data"].pop(str(day), None)
    return documents


def revised(documents, day):
    for document in documents:
        if str(day) in document["data"]:
            document["data"][str(day)]["qty"] += 3
    return documents


def fewer(rows, gone):
    return [row for row in rows if not gone(row)]


LISBOA = {  # what the source does on a day, and what it has published by then
    "late": lambda day: live.as_json(without(without(live.carris(day), day, LINES), day - DAY, LINES)),
    "revised": lambda day: live.as_json(revised(live.carris(day), day - 3 * DAY)),
    "missing": lambda day: live.as_json(without(live.carris(day), day - 4 * DAY, LINES)),
    "doubled": lambda day: live.as_json((documents := live.carris(day)) + documents[:5]),
    "partial": lambda day: live.as_json(without(live.carris(day), day - DAY, LINES[:10])),
    "shape": lambda day: live.as_json(renamed(live.carris(day))),
}
ZUERICH = {
    "late": lambda day: live.as_csv(fewer(live.hystreet(day), lambda row: row[0] >= live.hours(day - DAY)[0])),
    "revised": lambda day: live.as_csv(
        [(at, place, number + (at == live.hours(day - 3 * DAY)[12])) for at, place, number in live.hystreet(day)]
    ),
    "missing": lambda day: live.as_csv(fewer(live.hystreet(day), lambda row: row[0] in live.hours(day - 4 * DAY))),
    "doubled": lambda day: live.as_csv((rows := live.hystreet(day)) + rows[-300:-200]),
    "partial": lambda day: live.as_csv(fewer(live.hystreet(day), lambda row: row[0] in live.hours(day - DAY)[20:])),
    "shape": lambda day: live.as_csv(live.hystreet(day), ["time", *live.HEADER[1:]]),
}
MARKETS = {
    "lisboa": SimpleNamespace(
        does=LISBOA, path="v2/metrics/demand/by_line", says="gone is qty; new is quantity",
        morning=lambda day: live.as_json(live.carris(day)), truth=lambda day: sum(live.rides(day).values()),
        location="PT-11",
    ),
    "zuerich": SimpleNamespace(
        does=ZUERICH, path="hystreet_fussgaengerfrequenzen_seit2021.csv", says="gone is timestamp; new is time",
        morning=lambda day: live.as_csv(live.hystreet(day)), location=f"CH-ZH/{PLACES[0]}",
        truth=lambda day: sum(number for _, place, number in live.walkers(day) if place == PLACES[0]),
    ),
}  # fmt: skip
ANSWERS = {"429 once": [429], "500 once": [500, 503], "cut once": ["cut"],
           "429": [429] * 4, "500": [500] * 4, "cut": ["cut"] * 4}  # fmt: skip
REFUSED = {"shape": 3, "429": 4, "500": 4, "cut": 4}
SIXTY = {4: "late", 8: "revised", 12: "missing", 16: "doubled", 20: "partial", 24: "shape", 25: "shape", 28: "429 once",
         31: "429", 34: "500 once", 37: "500", 40: "cut once", 43: "cut", 46: "late", 47: "late", 50: "partial",
         54: "revised", 57: "missing"}  # fmt: skip
FEW = {0: "429 once", 1: "shape"}


@pytest.fixture(params=MARKETS)
def city(request, tmp_path, monkeypatch):
    """One of the two, on its own file but for the address of its source."""
    it, name = MARKETS[request.param], f"{request.param}{uuid.uuid4().hex[:6]}"
    with live.Server() as source:
        text = (ROOT / "params" / f"{request.param}.yaml").read_text()
        (line,) = [line for line in text.splitlines() if line.startswith("  source: ")]
        (tmp_path / f"{name}.yaml").write_text(text.replace(line, f"  source: {source.url(it.path)}"))
        monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
        yield SimpleNamespace(name=name, source=source, folder=tmp_path, **vars(it))


def walk(city, number, troubles):
    """So many days, each of them trained, predicted and reviewed as scheduled; the published days' first forecasts."""
    store, told = storage.connect("footfall"), {}
    for n in range(number):
        day, trouble = START + n * DAY, troubles.get(n, "")
        city.source.body = city.does.get(trouble, city.morning)(day)
        city.source.answers = []
        if n == 0 or day.day == 1:  # on the first of October the source has another shape: who is champion stays it
            assert run("train", city, day).exit_code == (REFUSED[trouble] if trouble == "shape" else 0)
        city.source.answers = list(ANSWERS.get(trouble, []))
        done = run("predict", city, day)
        city.source.answers = []
        before = forecasts.pointer(store, city.name)["as_of"]
        if trouble in REFUSED:
            assert done.exit_code == REFUSED[trouble], done.output
            assert before == str(day - DAY) or (n and before < str(day)), "what was published is not gone"
            assert says(city, trouble) in " ".join(done.output.split())
            continue
        assert (done.exit_code, before) == (0, str(day)), done.output
        content = forecasts.latest_snapshot(store, city.name)
        sees_what_was_published(city, pd.read_parquet(io.BytesIO(content)), day, trouble)
        told[day] = first_day(forecasts.latest(store, city.name))
        if n % 7 == 6:
            assert run("review", city, day).exit_code == 0
    check(home(), city.name, settled=False)
    return told


def run(station, city, day):
    return footfall(station, city.name, "--as-of", str(day))


def sees_what_was_published(city, table, day, trouble):
    values = table[table["location"] == city.location].set_index("date")["value"]
    assert values.index.max() < pd.Timestamp(day), "nothing of the day that is not over"
    known = {"late": day - 2 * DAY, "partial": day - 2 * DAY}.get(trouble, day - DAY)
    assert values.last_valid_index() == pd.Timestamp(known), trouble
    assert values[pd.Timestamp(known)] == city.truth(known), trouble
    if trouble == "missing":
        assert pd.isna(values[pd.Timestamp(day - 4 * DAY)])
    return values


def first_day(shown):
    table = pd.read_parquet(io.BytesIO(shown.files["forecast.parquet"]))
    return float(table[(table["output_type"] == "mean") & (table["horizon"] == 1)]["value"].iloc[0])


@pytest.mark.soak
def test_what_each_of_sixty_days_reads(city, monkeypatch, tmp_path):
    """As the walk, without notebooks: what the source had published by then, and each of its faults by its name."""
    from flows.sources import reading

    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(live, "FIRST", dt.date(2025, 7, 1))
    data, published = read_market(tmp_path, city.name).data, 0
    for n in range(60):
        day, trouble = START + n * DAY, SIXTY.get(n, "")
        monkeypatch.setattr(reading, "day_of_business", lambda _, day=day: day)
        city.source.body, city.source.answers = city.does.get(trouble, city.morning)(day), ANSWERS.get(trouble, [])[:]
        if trouble in REFUSED:
            with pytest.raises(DataProblem if trouble == "shape" else EnvironmentProblem, match=says(city, trouble)):
                reading.read_source(data)
            continue
        table = visible(reading.read_source(data).series, day, data.lag)
        sees_what_was_published(city, table, day, trouble)
        if n % 10 == 9:
            reading.read_source(data)  # again on the same day
        published += 1
    answered = pd.Series(city.source.answered, dtype=object).astype(str).value_counts().to_dict()
    print(f"\n{city.name}: {published} of 60 days read, answers {answered}, {city.source.sent:,} bytes")
    assert (published, answered) == (55, {"200": 57, "304": 6, "429": 5, "500": 5, "503": 1, "cut": 5})


def says(city, trouble):
    return {"shape": city.says, "429": "answered 429", "500": "answered 500"}.get(trouble, "tried 4 times")


@pytest.mark.soak
@pytest.mark.parametrize("city", list(MARKETS), indirect=True)
def test_a_few_days_of_both(city, servers, few_candidates):
    with (city.folder / f"{city.name}.yaml").open("a") as file:
        file.write("train: {backtest_days: 60}\n")
    assert sorted(walk(city, 2, FEW)) == [START]
    page = storage.read(storage.connect("footfall"), f"{city.name}/index.html").decode()
    assert "Source: " in page and "https://" in page.partition("Source: ")[2][:200], "the page credits the source"


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_sixty_days_of_both(city, servers, few_candidates):
    told = walk(city, 60, SIXTY)
    refused = [n for n, trouble in SIXTY.items() if trouble in REFUSED]
    assert len(told) == 60 - len(refused)
    off = pd.Series({day: value - city.truth(day + DAY) for day, value in told.items()}).abs()
    naive = pd.Series({day: city.truth(day - 6 * DAY) - city.truth(day + DAY) for day in told}).abs()
    answers = pd.Series(city.source.answered, dtype=object).astype(str).value_counts().to_dict()
    print(f"\n{city.name}: {len(told)} published, {len(refused)} refused; answers {answers}, {city.source.sent:,} bytes"
          f"; tomorrow's error {off.mean():,.0f}, last week's same day {naive.mean():,.0f}")  # fmt: skip
    assert off.mean() < naive.mean()
