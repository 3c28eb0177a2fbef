"""Each market's chain of entries, and the one that all markets had in common before: nothing but a real emulator."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from proxy import Proxy

from flows.champion import entries as ledger
from flows.storage import bucket as storage
from footfall.digest import sha256
from footfall.errors import DataProblem

# five entries as flows/chain.py wrote them when all markets had one chain: its bytes, whose last digest is LAST
COMMON = """{
  "number": %(number)s,
  "market": "%(market)s",
  "action": "%(action)s",
  "version": "%(version)s",
  "was": %(was)s,
  "as_of": "%(as_of)s",
  "at": "2022-09-1%(number)sT06:00:00+00:00",
  "who": "ana",
  "why": "%(why)s",
  "sha256": "%(sha256)s",
  "run": "r%(number)s",
  "gate": %(gate)s,
  "before": "%(before)s"
}
"""
GATE = """{
    "passed": true,
    "reason": "WIS %(wis)s against 4.0",
    "figures": {
      "challenger": {
        "WIS": %(wis)s
      },
      "naive": {
        "WIS": 4.0,
        "MAE": 4.2
      }
    }
  }"""
CHANGES = [
    ("portugal", "promotion", "1", "null", "2022-08-01", "3.0"),
    ("spain", "promotion", "1", "null", "2022-08-05", "3.5"),
    ("portugal", "promotion", "2", '"1"', "2022-09-01", "2.9"),
    ("spain", "promotion", "2", '"1"', "2022-07-01", "3.4"),
    ("portugal", "rollback", "1", '"2"', "2022-09-10", ""),
]
LAST = "dca40fbace4b0d8948212613dc7af3c01d35ca39aca3b368906f4c14db72e428"


@pytest.fixture
def common(bucket):
    """The names and digests of what the common chain holds, of two markets."""
    digests = {"": ""}
    for number, (market, action, version, was, as_of, wis) in enumerate(CHANGES, start=1):
        why, gate = (f"WIS {wis} against 4.0", GATE % {"wis": wis}) if wis else ("it drifts — à toa", "{}")
        text = COMMON % {
            "number": number, "market": market, "action": action, "version": version, "was": was, "as_of": as_of,
            "why": why, "gate": gate, "sha256": sha256(f"{market}{version}".encode()),
            "before": [*digests.values()][-1],
        }  # fmt: skip
        storage.create(bucket, f"ledger/{number:06}.json", text.encode())
        digests[f"ledger/{number:06}.json"] = sha256(text.encode())
    assert digests["ledger/000005.json"] == LAST
    return digests


def append(bucket, market="portugal", version="3", as_of="2022-10-01"):
    def facts(last):
        was = last.champion().version if last and last.champion() else None
        return {"action": "promotion", "version": version, "was": was, "as_of": dt.date.fromisoformat(as_of), "run": "",
                "why": "better", "gate": {}, "sha256": sha256(f"{market}{version}".encode())}  # fmt: skip

    return ledger.append(bucket, market, facts)


def table(entry):
    return [(str(row.as_of), row.version, row.entry) for row in entry.champions]


def alter(bucket, name, old, new):
    content = storage.read(bucket, name)
    assert old in content
    storage.write(bucket, name, content.replace(old, new), replaces=storage.state(bucket, name).generation)


PORTUGAL = [("2022-08-01", "1", "ledger/000001.json"), ("2022-09-01", "2", "ledger/000003.json"),
            ("2022-09-10", "1", "ledger/000005.json")]  # fmt: skip
SPAIN = [("2022-07-01", "2", "ledger/000004.json"), ("2022-08-05", "1", "ledger/000002.json")]


def test_two_markets_of_the_common_chain_are_told_apart(bucket, common):
    assert [entry.version for entry in ledger.entries(bucket, "portugal")] == ["1", "2", "1"]
    assert [entry.number for entry in ledger.entries(bucket, "spain")] == [2, 4]
    assert table(ledger.newest(bucket, "portugal")) == PORTUGAL and table(ledger.newest(bucket, "spain")) == SPAIN
    assert ledger.newest(bucket, "italy") is None and ledger.entries(bucket, "italy") == []
    spain = ledger.newest(bucket, "spain")
    days = [spain.champion(dt.date(2022, 7, day)) for day in (1, 31)] + [spain.champion()]
    assert [row.version for row in days] == ["2", "2", "1"] and spain.champion(dt.date(2022, 6, 30)) is None
    assert ledger.read(bucket, spain.champion()).why == "WIS 3.5 against 4.0"


def test_the_first_entry_of_its_own_names_the_last_one_there_and_carries_the_table_over(bucket, common):
    first, other = append(bucket), append(bucket, "spain")
    assert (first.number, first.was, first.before) == (1, "1", LAST)
    assert (other.number, other.was, other.before) == (1, "1", common["ledger/000004.json"])
    assert table(first) == [*PORTUGAL, ("2022-10-01", "3", "ledger/portugal/000001.json")]
    second = append(bucket, version="4", as_of="2022-09-01")
    assert second.before == sha256(storage.read(bucket, "ledger/portugal/000001.json"))
    assert table(second)[1] == ("2022-09-01", "4", "ledger/portugal/000002.json"), "of two of a day the later counts"
    assert ledger.newest(bucket, "portugal") == second == ledger.entries(bucket, "portugal")[-1]
    assert {market: len(chain) for market, chain in ledger.all_entries(bucket).items()} == {"portugal": 5, "spain": 3}
    assert {name: sha256(storage.read(bucket, name)) for name in common if name} == {
        k: v for k, v in common.items() if k
    }


def test_what_is_altered_in_the_common_chain_or_comes_too_late_there_is_named(bucket, common):
    append(bucket)
    late = storage.read(bucket, "ledger/000005.json").replace(b'"number": 5', b'"number": 6')
    storage.create(bucket, "ledger/000006.json", late.replace(common["ledger/000004.json"].encode(), LAST.encode()))
    with pytest.raises(DataProblem, match=r"ledger/portugal/000001\.json: does not follow the entry before it"):
        ledger.entries(bucket, "portugal")
    alter(bucket, "ledger/000003.json", b"WIS 2.9", b"WIS 1.9")
    with pytest.raises(DataProblem, match=r"ledger/000004\.json: does not follow the entry before it"):
        ledger.all_entries(bucket)
    assert ledger.newest(bucket, "portugal").version == "3", "it is read alone"


def test_a_run_reads_the_newest_alone_however_old_the_ledger_is(bucket, emulator, monkeypatch):
    def requests():
        with Proxy(emulator.url) as proxy, monkeypatch.context() as through:
            through.setenv("STORAGE_EMULATOR_HOST", proxy.url)
            proxied = storage.connect(bucket.name)
            assert ledger.newest(proxied, "portugal").champion(dt.date(2022, 1, 2)).version == "2"
            read = len(proxy.requests)
            append(proxied, version="9", as_of="2023-12-31")
            return read, len(proxy.requests) - read

    for number in (1, 2, 3):
        append(bucket, version=str(number), as_of=f"2022-01-0{number}")
    few, third = requests(), storage.read(bucket, "ledger/portugal/000003.json")
    names = [f"ledger/portugal/{number:06}.json" for number in range(5, 300)]
    with ThreadPoolExecutor(8) as pool:  # of the older ones nothing counts but that they are there
        list(pool.map(lambda name: storage.create(bucket, name, b""), names))
    newest = third.replace(b'"number": 3', b'"number": 300').replace(b"portugal/000003", b"portugal/000300")
    storage.create(bucket, "ledger/portugal/000300.json", newest)
    assert few == requests() == (2, 3)


@pytest.mark.parametrize(("old", "new"), [(b'"version": "2"', b'"version": "7"'), (b'"2022-09-01"', b'"2022-09-02"')])
def test_a_table_that_does_not_follow_from_the_entries_is_named(bucket, old, new):
    append(bucket, version="2", as_of="2022-09-01")
    append(bucket)
    alter(bucket, "ledger/portugal/000002.json", old, new)
    with pytest.raises(DataProblem, match=r"ledger/portugal/000002\.json: its table of champions does not follow"):
        ledger.entries(bucket, "portugal")
    with pytest.raises(DataProblem, match=r"ledger/portugal/000001\.json: names another champion than the newest"):
        ledger.read(bucket, ledger.newest(bucket, "portugal").champion(dt.date(2022, 9, 15)))


def test_an_entry_that_speaks_of_another_market_is_named(bucket):
    append(bucket)
    alter(bucket, "ledger/portugal/000001.json", b'"market": "portugal"', b'"market": "spain"')
    with pytest.raises(DataProblem, match=r"ledger/portugal/000001\.json: its table of champions does not follow"):
        ledger.entries(bucket, "portugal")


def test_a_newest_entry_that_is_not_one_or_not_in_its_own_table_is_named(bucket):
    for number in (1, 2):
        append(bucket, version=str(number), as_of=f"2022-09-0{number}")
    name = "ledger/portugal/000002.json"
    whole = storage.read(bucket, name)
    unknown, table = json.loads(whole), json.loads(whole)
    del table["champions"][1]
    altered = [
        b"<html>",
        whole[:-9],
        whole.replace(b'"number": 2', b'"number": 3'),
        whole.replace(b"portugal", b"spain"),
    ]
    for other in [*altered, *(json.dumps(entry).encode() for entry in (unknown | {"x": 1}, table))]:
        storage.write(bucket, name, other, replaces=storage.state(bucket, name).generation)
        with pytest.raises(DataProblem, match=r"ledger/portugal/000002\.json: not an entry of the ledger, or altered"):
            ledger.newest(bucket, "portugal")


def test_what_is_called_otherwise_is_somebody_elses_and_passed_over(bucket, common):
    for name in ("forecast.csv", "latest.json", "portugal/notes.txt", "portugal/zz.json", "portugal/1.json",
                 "spain/old/x", "ledger/000001.json", "Spain/000001.json"):  # fmt: skip
        storage.create(bucket, f"ledger/{name}", b"of another house")
    assert table(ledger.newest(bucket, "portugal")) == PORTUGAL
    assert append(bucket).number == 1 and append(bucket).number == 2
    assert {market: len(chain) for market, chain in ledger.all_entries(bucket).items()} == {"portugal": 5, "spain": 2}
    assert storage.read(bucket, "ledger/portugal/zz.json") == b"of another house"


def test_an_entry_that_is_none_stops_its_own_market_and_no_other(bucket):
    append(bucket)
    storage.create(bucket, "ledger/spain/000001.json", b"of another house")
    with pytest.raises(DataProblem, match=r"ledger/spain/000001\.json: not an entry of the ledger"):
        ledger.newest(bucket, "spain")
    assert ledger.newest(bucket, "portugal").number == 1 and append(bucket).number == 2
