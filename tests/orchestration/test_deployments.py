"""A market is one file: what is deployed for it is made from that file."""

from ruamel.yaml import YAML

from flows.orchestration.deployments import prefect_file, unreadable
from flows.settings import ROOT


def deployed(tmp_path, monkeypatch, **markets):
    for name, text in markets.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "home"))
    written = YAML(typ="safe", pure=True).load(ROOT / "prefect.yaml")["deployments"]
    deployments = YAML(typ="safe", pure=True).load(prefect_file())["deployments"]
    assert deployments[: len(written)] == written, "what is written in prefect.yaml stays as it is"
    return deployments[len(written) :]


def test_a_market_gets_its_stations_by_the_hours_of_its_own_zone(tmp_path, monkeypatch):
    house = "data: {source: till.csv, unit: counts, location: PT-20, timezone: Atlantic/Azores}\n"
    train, predict, review = deployed(tmp_path, monkeypatch, tasca=house)
    assert [entry["entrypoint"] for entry in (train, predict, review)] == [
        f"flows/{station}.py:{station}" for station in ("train", "predict", "review")
    ]
    assert train["schedules"] == [{"cron": "0 5 1 * *", "timezone": "Atlantic/Azores"}]
    assert predict["schedules"] == [{"cron": "0 6 * * *", "timezone": "Atlantic/Azores"}]
    assert {entry["parameters"]["market"] for entry in (train, predict, review)} == {"tasca"}


def test_a_market_whose_clock_stands_still_has_no_schedule(tmp_path, monkeypatch):
    entries = deployed(tmp_path, monkeypatch, past='data: {source: sample, as_of: "2022-10-13"}\n')
    assert len(entries) == 3 and not any(entry["schedules"] for entry in entries)


def test_one_that_is_written_in_prefect_yaml_is_not_deployed_twice(tmp_path, monkeypatch):
    assert deployed(tmp_path, monkeypatch, sample="data: {source: sample}\n") == []


def test_a_file_that_cannot_be_read_keeps_no_other_market_from_its_deployments(tmp_path, monkeypatch):
    broken, sound = "data: {source: sample, lag: soon}\n", 'data: {source: sample, as_of: "2022-10-13"}\n'
    entries = deployed(tmp_path, monkeypatch, broken=broken, sound=sound)
    assert {entry["name"] for entry in entries} == {"sound"}
    assert list(unreadable()) == ["broken"] and "lag" in unreadable()["broken"]
