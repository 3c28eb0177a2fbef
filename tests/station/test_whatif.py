"""A champion that takes in the weather, and what might be: both on record, and the published forecast stays."""

import json
import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import footfall, market

from flows.champion import ledger, registry
from flows.record import mlflow_runs
from flows.settings import home
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from footfall.champion import read_champion, write_champion
from footfall.digest import sha256
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, WeekdaySmoother, fit
from footfall.models.transforms import median_of_near_weekdays
from footfall.models.weather import Weather, WithWeather
from footfall.series import DAY, pick, read_snapshot

DAYS, AS_OF, WET = pd.date_range("2021-06-20", "2022-10-27"), pd.Timestamp("2022-10-13"), pd.Timestamp("2022-10-15")
MARKET = "data: {source: sample, as_of: '2022-10-13'}\nweather: {latitude: 38.7, longitude: -9.1}\n"


def history(y):
    """It rained whenever fewer came than around that day; as it was issued on each day for it and five more."""
    fewer = (y - median_of_near_weekdays(y.to_numpy(), np.ones(len(y), bool)) < -2).reindex(DAYS, fill_value=False)
    rain = pd.DataFrame({"date": DAYS, "rain_mm": np.where(fewer | (DAYS == WET), 10.0, 0.0), "temperature": 15.0})
    return pd.concat([rain.assign(lead=lead, issued=DAYS - lead * DAY) for lead in range(6)], ignore_index=True)


@pytest.fixture
def tasca(first_run, tmp_path, monkeypatch):
    """A market whose champion takes in the weather; the weather of its day, not yet kept in the bucket."""
    name, bucket = market(monkeypatch, tmp_path, f"wet{uuid.uuid4().hex[:6]}", MARKET), storage.connect("footfall")
    first = ledger.entries(bucket, "sample")[0]
    registry.lay_down("sample", first.version, tmp_path)
    sample = read_champion(tmp_path / "champion")
    y = pick(read_snapshot("resources/sample/snapshot.parquet"), "PT", "retail_and_recreation")
    issued, about = history(y), sample.about | {"candidate": "calendar, weather"}
    recipe = LogLevel() * KindOfDay("PT") * LastYearsTurn() * WeekdaySmoother()
    known = Weather(issued[issued["issued"] <= AS_OF - 40 * DAY])
    fitted = fit(WithWeather("PT", recipe, known, about["lag"]), y[: about["data_through"]])
    write_champion(tmp_path / "wet" / "model", fitted, sample.residuals, about)
    version = registry.register(name, first.run, tmp_path / "wet" / "model", {})
    ledger.promote(bucket, name, version, None, first.as_of, first.gate, first.run)
    today = issued[
        (issued["issued"] == AS_OF) | (issued["date"].between(AS_OF - 14 * DAY, AS_OF) & issued["lead"].eq(0))
    ]
    return name, bucket, today.assign(issued="2022-10-13", date=today["date"].dt.strftime("%F"))


def keep(bucket, name, table):
    content = table.to_parquet(index=False)
    forecasts.keep_snapshot(bucket, content, {})
    storage.keep_first(bucket, layout.weather(name, AS_OF.date()), storage.as_json({"sha256": sha256(content)}))
    return sha256(content)


def published(bucket, name):
    latest = forecasts.latest(bucket, name)
    rows = pd.read_csv(pd.io.common.BytesIO(latest.files["forecast.csv"]))
    means = rows[rows["output_type"] == "mean"].set_index("target_end_date")["value"]
    return latest, means


def test_rain_that_is_expected_moves_its_day_and_is_said_and_what_if_it_stays_dry_is_never_published(tasca, tmp_path):
    name, bucket, weather = tasca
    assert footfall("predict", name).exit_code == 0
    without, plain = published(bucket, name)
    assert without.manifest["about"]["weather"] == "without", "none was kept, and the day is over"
    kept = keep(bucket, name, weather)
    done = footfall("predict", name, "--set", "predict.horizon=5")  # of which what if has as many
    assert done.exit_code == 0, done.output
    latest, means = published(bucket, name)
    assert latest.manifest["about"]["weather"] == kept
    day, page = f"{WET:%F}", latest.files["index.html"].decode()
    assert means[day] < plain[day] - 1
    assert "rain is expected" in page and "está prevista chuva" in page and "https://open-meteo.com/" in page
    assert "rain is expected" not in without.files["index.html"].decode()
    before = {blob.name: blob.generation for blob in bucket.list_blobs(prefix=f"{name}/")}
    supposed = ["--rain", f"{day}=0", "--event", "2022-10-16=busier: a concert", "--closed", "2022-10-17"]
    said = footfall("whatif", name, *supposed)
    assert said.exit_code == 0, said.output
    assert "2022-10-16 busier: a concert: the number stays, no event of this kind" in said.output
    assert said.output.count("the number stays") == 1
    assert {blob.name: blob.generation for blob in bucket.list_blobs(prefix=f"{name}/")} == before
    (folder,) = home().glob(f"runs/*-whatif-{name}-*")
    record = json.loads((folder / "record.json").read_text())
    words = "closed 2022-10-17; 2022-10-16 busier: a concert; 2022-10-15 0 mm of rain"
    assert record["tags"]["weather"] == record["inputs"]["weather.parquet"] != kept, "the one that was supposed"
    assert record["tags"]["scenario"] == words and record["outcome"] == "succeeded" and record["notebook"] == "whatif"
    (run,) = [run for _, run in mlflow_runs.search("whatif", f"tags.market = '{name}'", most=9)]
    assert run.data.tags["scenario"] == words and run.info.run_name == f"{name} {words}", "as Prefect calls it"
    assert run.data.tags["summary"].startswith(f"what if {words}; succeeded in ")
    assert run.data.tags["mlflow.source.name"] == "notebooks/predict.ipynb", "which it is that was run"
    assert f"scenario {words}" in (folder / "whatif.ipynb").read_text()
    rows = pd.read_csv(folder / "out" / "forecast" / "forecast.csv")
    after = rows[rows["output_type"] == "mean"].set_index("target_end_date")
    assert after.loc[day, "value"] > means[day] + 1 and after.loc["2022-10-17", "open"] == "no"
    (line,) = [line for line in said.output.splitlines() if day in line]
    assert f"{means[day]:+.1f}" in line and f"{after.loc[day, 'value']:+.1f}" in line
    now = ledger.champion(bucket, name)
    another = registry.register(name, now.run, tmp_path / "wet" / "model", {})
    ledger.promote(bucket, name, another, now.version, now.as_of, now.gate, now.run)
    refused = footfall("whatif", name, "--closed", "2022-10-17")
    assert refused.exit_code == 2 and f"the published week is by {name}/{now.version}" in refused.output, refused.output


def test_what_cannot_be_supposed_is_said_before_anything_runs(tasca):
    name, bucket, _ = tasca
    assert "has no published forecast yet" in footfall("whatif", name, "--closed", "2022-10-14").output
    assert not list(home().glob(f"runs/*-whatif-{name}-*"))


def test_a_champion_that_takes_in_the_weather_is_not_judged_on_a_day_without_any(tasca, monkeypatch):
    from flows.station import weather
    from flows.train import was_trained

    name, bucket, _ = tasca
    before = ledger.newest(bucket, name)
    monkeypatch.delenv("OPEN_METEO_KEY", raising=False)
    for since, why in (
        (weather.SINCE, "none of 2022-10-13 is kept, and it is over"),
        (AS_OF.date(), "weather: OPEN_METEO_KEY is not set; the service wants a key for commercial use"),
    ):
        monkeypatch.setattr(weather, "SINCE", since)
        trained = footfall("train", name)
        said = " ".join(trained.output.split())
        assert trained.exit_code == 4 and f"none is to be had ({why}): it stays {name}/" in said, trained.output
    assert ledger.newest(bucket, name) == before
    assert not was_trained(name, AS_OF.date()), "or it would not be tried again on the next day"


def test_a_week_that_was_published_without_weather_is_supposed_without_any(tasca):
    name, bucket, weather = tasca
    assert footfall("predict", name).exit_code == 0
    keep(bucket, name, weather)
    refused = footfall("whatif", name, "--rain", f"{WET:%F}=0")
    assert refused.exit_code == 2 and "was made without weather" in refused.output, "though some is there by now"
    supposed = footfall("whatif", name, "--closed", "2022-10-17")
    assert supposed.exit_code == 0 and "moved too" not in supposed.output, supposed.output
