"""The reader takes Google's files as they are, and no others."""

import datetime as dt
import os
import re
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bad_data import CASES, LINE, REPORT, RETAIL, SAMPLE, changed, file, metro, sample, to_bytes, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.errors import DataProblem, UsageProblem
from footfall.series import KEYS, Rows, names_in, read_snapshot, split, to_parquet
from footfall.sources import integrity
from footfall.sources.fault import safe
from footfall.sources.google.read import read_google
from footfall.sources.reading import Reading, compare, compare_few

TODAY = dt.date(2022, 10, 15)
DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[2] / "../shared/data"))


def read(path: Path, *countries: str) -> Reading:
    return read_google(path, countries or ("PT",), TODAY)


def shared(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not there; FOOTFALL_DATA names the folder that has it")
    return DATA / name


def row(place: str = "PT,Portugal,,,,,,", day: str = "2021-01-01", values: str = "1,2,3,4,5,6") -> list[str]:
    return [*place.split(","), day, *values.split(",")]


def values(reading: Reading, location: str, category: str = "retail_and_recreation") -> list[float]:
    series = reading.series
    return series.loc[(series["location"] == location) & (series["category"] == category), "value"].tolist()


@pytest.fixture
def write(tmp_path):
    """A CSV of some rows beneath Google's header."""
    return lambda *rows, name="report.csv": file([sample()[0], *rows], name)(tmp_path)


# --- bad inputs


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.refused])
def test_refused_and_explained(name, tmp_path):
    with pytest.raises(DataProblem) as problem:
        read(CASES[name].write(tmp_path))
    assert re.search(CASES[name].says, str(problem.value)), str(problem.value)
    assert len(str(problem.value).splitlines()) == 1, "one thing is wrong, one problem is told"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_accepted_with_a_note_at_most(name, tmp_path):
    notes = read(CASES[name].write(tmp_path)).notes
    assert len(notes) == (1 if CASES[name].says else 0), notes
    assert re.search(CASES[name].says, "".join(notes))


SAME = ["BOM", "CRLF", "new column", "reordered columns", "oldest vintage", "unsorted", "code NA"]


@pytest.mark.parametrize("name", SAME)
def test_harmless_spellings_read_the_same(name, tmp_path):
    pd.testing.assert_frame_equal(read(CASES[name].write(tmp_path)).series, read(SAMPLE).series)


def test_a_harmless_repeat_changes_nothing(tmp_path):
    series = read(CASES["duplicate row, same values"].write(tmp_path)).series
    pd.testing.assert_frame_equal(series, read(SAMPLE).series)


def test_blanks_are_repeated_too(write):
    assert "1 left out" in read(write(row(values=",2,,4,5,6"), row(values=",2,,4,5,6"))).notes[0]
    with pytest.raises(DataProblem, match=rf"^report\.csv:3:{RETAIL}: 1 — report\.csv:2 has \(blank\) for the same"):
        read(write(row(values=",2,,4,5,6"), row(values="1,2,,4,5,6")))


def test_a_rule_broken_often_is_one_line_with_a_count_and_the_first_places(write):
    with pytest.raises(DataProblem) as problem:
        read(write(*(row(day=f"2021-01-{day:02}", values="x,2,3,-101,5,6") for day in range(1, 32))))
    numbers, least = str(problem.value).splitlines()
    assert numbers.startswith(f"report.csv:2:{RETAIL}: x — must be a number")
    assert numbers.endswith("(31 times; next report.csv:3, report.csv:4 …)")
    assert "-101 — below -100" in least and "(31 times" in least


def test_many_contradictions_are_one_line(write):
    days = [f"2021-01-{day:02}" for day in range(1, 32)]
    with pytest.raises(DataProblem) as problem:
        read(write(*(row(day=day) for day in days), *(row(day=day, values="9,2,3,4,5,6") for day in days)))
    assert len(str(problem.value).splitlines()) == 1 and "9 — report.csv:2 has 1 for the same" in str(problem.value)


@pytest.mark.parametrize("name", ["plain", "before2020", "toomany"])
def test_figures_of_one_s_own_are_told_how_they_come_in(name):
    with pytest.raises(DataProblem) as problem:
        read(shared(f"cases/06-own-series/{name}.csv"), "GB", "NZ")
    lines = [line for line in str(problem.value).splitlines() if "no row of this country" not in line]
    assert len(lines) <= 2 and "footfall new NAME FILE" in lines[-1]


def test_none_is_not_a_place():
    with pytest.raises(DataProblem) as problem:
        read(shared("cases/07-none-in-names/none.csv"), "IT")
    assert re.fullmatch(
        r"none\.csv:2:sub_region_1: None — a word for nothing .* \(3 times; .*\)", str(problem.value)
    ), str(problem.value)


def test_problems_of_all_kinds_and_files_are_told_at_once(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    file([sample()[0], row()[:-1], row(day="x"), row(values="1,2,3,-101,5,6")], "a.csv")(folder)
    file(b"", "b.csv")(folder)
    with pytest.raises(DataProblem) as problem:
        read(folder)
    assert [line.split(": ")[0] for line in str(problem.value).splitlines()] == [
        "a.csv:2:residential_percent_change_from_baseline",
        "a.csv:3:date",
        "a.csv:4:transit_stations_percent_change_from_baseline",
        "b.csv:1:1",
    ]


def test_lines_are_counted_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "BLOCK", 5000)
    with pytest.raises(DataProblem, match=rf"^report\.csv:{LINE}:{RETAIL}: x — "):
        read(file(to_bytes(changed(RETAIL, "x"), end="\r\n"))(tmp_path))
    pd.testing.assert_frame_equal(read(CASES["CRLF"].write(tmp_path)).series, read(SAMPLE).series)


def test_a_field_of_100_mb_takes_no_100_mb(tmp_path):
    path = CASES["a field of 100 MB"].write(tmp_path)
    tracemalloc.start()
    with pytest.raises(DataProblem):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "LARGEST", 20_000)
    monkeypatch.setattr(integrity, "BLOCK", 10_000)
    with pytest.raises(DataProblem, match=r"report\.csv:\d+:.* — more than 20,000 bytes unpacked"):
        read(file(sample())(tmp_path))


def test_a_file_of_blank_lines_is_given_up(tmp_path):
    with pytest.raises(DataProblem, match=r"too few fields: 0 where the header has 15 \(10,000 times; next .* …\)$"):
        read(file(to_bytes(sample()[:1]) + b"\n" * 3_000_000)(tmp_path))


def test_nothing_is_used_of_an_archive_that_fails_its_checksum(tmp_path, monkeypatch):
    monkeypatch.setattr(integrity, "BLOCK", 5000)  # so that rows are read before the checksum, which comes last
    stored = zipped({REPORT: to_bytes(changed(RETAIL, "x"))})
    broken = stored.replace(stored[14:18], bytes(4))  # the CRC, in the member's head and in the directory
    with pytest.raises(DataProblem) as problem:
        read(file(broken, "reports.zip")(tmp_path))
    assert "Bad CRC-32" in str(problem.value) and RETAIL not in str(problem.value)


def test_members_of_other_countries_are_never_opened(tmp_path):
    content = zipped({REPORT.replace("PT", "HR"): b"\0 no CSV at all", "../../PT.csv": b"", REPORT: to_bytes(sample())})
    assert len(read(file(content, "reports.zip")(tmp_path)).series) == 481 * 6
    assert [path.name for path in tmp_path.iterdir()] == ["reports.zip"], "nothing is unpacked"


def test_a_member_may_not_be_there_twice(tmp_path):
    path = file(zipped({REPORT: to_bytes(sample())}), "reports.zip")(tmp_path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(REPORT, to_bytes(sample()))
    with pytest.raises(DataProblem, match=rf"reports\.zip:1:1: {REPORT} — this member is there more than once"):
        read(path)


@pytest.mark.parametrize(("offset", "octets", "says"), [(8, b"\x01\0", "encrypted"), (10, b"\x0c\0", "not deflated")])
def test_a_member_that_cannot_be_unpacked_says_why(tmp_path, offset, octets, says):
    content = bytearray(zipped({REPORT: to_bytes(sample())}))
    at = content.rindex(b"PK\x01\x02") + offset
    content[at : at + 2] = octets
    with pytest.raises(DataProblem, match=f"{REPORT} — this member is {says}"):
        read(file(bytes(content), "reports.zip")(tmp_path))


def test_a_zip_that_lists_millions_of_members_is_not_opened(tmp_path):
    end = b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + (20_000_000).to_bytes(4, "little") + bytes(6)
    with pytest.raises(DataProblem, match=r"^reports\.zip:1:1: reports\.zip — lists more members than fit"):
        read(file(b"PK\x03\x04" + bytes(20_000_000) + end, "reports.zip")(tmp_path))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(at=st.integers(1, 400), octets=st.binary(min_size=4, max_size=4))
def test_any_damage_to_a_zip_s_directory_is_read_or_explained(at, octets, tmp_path_factory):
    content = zipped({REPORT: to_bytes(sample()[:20])})
    path = tmp_path_factory.mktemp("damaged") / "reports.zip"
    path.write_bytes(content[:-at] + octets + content[-at:][4:])
    try:
        assert len(read(path).series) == 19 * 6
    except DataProblem as problem:
        assert str(problem).startswith("reports.zip")


def test_a_missing_file_is_a_usage_problem(tmp_path):
    with pytest.raises(UsageProblem, match="no such file"):
        read(tmp_path / "none.zip")


def test_an_empty_folder_says_so(tmp_path):
    with pytest.raises(DataProblem, match="PT — no file of this country in the folder; it has no CSV file at all"):
        read(tmp_path)


def test_values_cannot_move_the_cursor():
    assert safe("\x1b[31mred\r\n\u202e\u0085") == r"\x1b[31mred\r\n\u202e\x85"
    assert safe(b"\xff\xfeabc") == r"\xff\xfeabc"
    assert safe("é" * 61) == "é" * 60 + "…"


def test_a_line_is_bad_only_where_it_is_bad(tmp_path):
    rows = changed("sub_region_1", "Évora", line=50)
    rows[LINE - 1][rows[0].index("sub_region_1")] = "@@@"
    rows[LINE][rows[0].index("sub_region_1")] = "Évora\u202e"
    with pytest.raises(DataProblem) as problem:
        read(file(to_bytes(rows).replace(b"@@@", b"\xe0\x80\x80vora"))(tmp_path))
    assert [line.split(": ")[0] for line in str(problem.value).splitlines()] == [
        f"report.csv:{LINE}:sub_region_1",
        f"report.csv:{LINE + 1}:sub_region_1",
    ]


def test_a_long_line_is_refused_wherever_the_blocks_end(tmp_path):
    path = file(changed("place_id", "x" * 70_000))(tmp_path)
    with pytest.raises(DataProblem, match=rf"^report\.csv:{LINE}:place_id: x+… — a line of more than 65,536 bytes"):
        read(path)


@pytest.mark.long
@settings(max_examples=60, derandomize=True, deadline=None)
@given(at=st.integers(0, 5000), octets=st.binary(min_size=1, max_size=4), dropped=st.integers(0, 4))
def test_any_damage_is_read_or_explained(at, octets, dropped, tmp_path_factory):
    good = to_bytes(sample())[:5000].rpartition(b"\n")[0] + b"\n"
    path = tmp_path_factory.mktemp("damaged") / "report.csv"
    path.write_bytes(good[:at] + octets + good[at + dropped :])
    try:
        assert set(read(path).series["location"]) >= {"PT"}
    except DataProblem as problem:
        assert all(re.match(r"report\.csv:\d+:|…", line) for line in str(problem).splitlines())
        assert str(problem).replace("\n", "").isprintable()


# --- good reads


def test_the_sample_is_complete_and_without_notes():
    reading = read(SAMPLE)
    assert reading.notes == []
    assert reading.series.groupby(["location", "category"], observed=True)["value"].count().tolist() == [481] * 6
    assert reading.series["date"].agg(["min", "max"]).dt.date.tolist() == [dt.date(2021, 6, 20), dt.date(2022, 10, 13)]
    assert values(reading, "PT")[-1] == float(sample()[-1][9])


def test_a_snapshot_says_what_places_with_a_code_are_called(write, tmp_path):
    reading = read(write(row(), row("PT,Portugal,Lisbon,,,PT-11,,")))
    assert reading.names == {"PT-11": "PT/Lisbon"}
    (tmp_path / "named.parquet").write_bytes(to_parquet(reading.series, reading.names))
    assert names_in(tmp_path / "named.parquet") == reading.names
    pd.testing.assert_frame_equal(read_snapshot(tmp_path / "named.parquet"), reading.series)
    (tmp_path / "plain.parquet").write_bytes(to_parquet(reading.series))
    assert names_in(tmp_path / "plain.parquet") == {}


def test_the_table_is_sorted_unique_and_survives_its_snapshot(tmp_path):
    series = read(CASES["unsorted"].write(tmp_path)).series
    assert list(series.columns) == [*KEYS, "value"]
    assert series["location"].dtype == "category", "whose words are held once"
    pd.testing.assert_frame_equal(series, series.sort_values(KEYS, ignore_index=True))
    assert not series.duplicated(KEYS).any()
    (tmp_path / "snapshot.parquet").write_bytes(to_parquet(series))
    pd.testing.assert_frame_equal(read_snapshot(tmp_path / "snapshot.parquet"), series)


def test_google_s_zip_has_all_of_portugal():
    reading = read(shared("Region_Mobility_Report_CSVs.zip"))
    locations = reading.series["location"].unique()
    kinds = pd.Series(locations).str.count("/").where(~pd.Series(locations).str.contains("-..$"), -1)
    assert kinds.value_counts().to_dict() == {0: 1, -1: 20, 2: 191}
    assert "PT/Lisbon/Amadora" in locations and "PT-11" in locations
    assert len(reading.notes) == 1 and reading.notes[0].startswith("gaps: ")


def test_google_s_zip_gives_only_the_country_asked_for():
    path = shared("Region_Mobility_Report_CSVs.zip")
    assert set(read(path, "DE").series["location"].str[:2]) == {"DE"}
    assert set(read(path, "MT", "HR").series["location"].str[:2]) == {"HR", "MT"}


@pytest.mark.parametrize("name", ["nations.csv.gz", "regions.csv.gz"])
def test_the_real_figures_raise_no_false_alarm(name):
    countries = ["CH", "NG", "NZ", "PT", "ZW"]
    reading = read(shared(name), *countries)
    assert {location[:2] for location in reading.series["location"].unique()} == set(countries)
    assert [note.split(":")[0] for note in reading.notes] in ([], ["gaps"])


def test_a_place_is_called_by_its_code_else_by_its_names(write):
    places = [
        "PT,Portugal,,,,,,",
        "PT,Portugal,Lisbon,,,PT-11,,x",
        "PT,Portugal,Lisbon,Amadora,,,,x",
        "PT,Portugal,,Amadora,,,,x",
        "BR,Brazil,,,Greater Recife,,,",
    ]
    locations = read(write(*map(row, places)), "PT", "BR").series["location"].unique().tolist()
    assert locations == ["BR/metro/Greater Recife", "PT", "PT-11", "PT/Amadora", "PT/Lisbon/Amadora"]


def test_metro_rows_are_not_taken_for_the_country(tmp_path):
    reading = read(file(metro(sample()))(tmp_path))
    assert values(reading, "PT/metro/Lisbon") == [-50]
    assert values(reading, "PT") == values(read(SAMPLE), "PT")


def test_namibia_and_norway_are_countries(write):
    path = write(row("NA,Namibia,,,,,,"), row("NO,Norway,,,,,,"), row("NA,Namibia,Erongo,,,NA-ER,,"))
    assert read(path, "NA", "NO").series["location"].unique().tolist() == ["NA", "NA-ER", "NO"]


def test_a_place_without_its_code_in_old_files_is_the_same_place(write):
    path = write(row("PT,Portugal,Lisbon,,,,,"), row("PT,Portugal,Lisbon,,,PT-11,,", day="2021-01-02"))
    assert values(read(path), "PT-11") == [1, 1]


def test_a_code_of_two_places_is_not_used(write):
    reading = read(write(row("PT,Portugal,Lisbon,,,PT-11,,"), row("PT,Portugal,Lisboa,,,PT-11,,")))
    assert reading.series["location"].unique().tolist() == ["PT/Lisboa", "PT/Lisbon"]
    assert reading.notes == [
        "ISO codes that are not of one place alone, names are used instead: PT-11 of PT/Lisboa, PT-11 of PT/Lisbon …"
    ]


def test_two_places_that_would_get_one_name_are_refused(write):
    path = write(row("NG,Nigeria,Obio,Akpor/East,,,,"), row("NG,Nigeria,Obio/Akpor,East,,,,", day="2021-01-02"))
    with pytest.raises(DataProblem, match=r"report\.csv:1:sub_region_1: NG/Obio/Akpor/East — two places"):
        read(path, "NG")


def test_blank_is_not_published_and_zero_is_zero(write):
    reading = read(write(row(values=",-0,3.5,-100,5000,600")))
    assert np.isnan(values(reading, "PT")[0])
    assert values(reading, "PT", "parks") == [3.5]
    zero = values(reading, "PT", "grocery_and_pharmacy")[0]
    assert zero == 0 and not np.signbit(zero), "-0 would change the bytes of a snapshot, and mean nothing"


def test_a_quoted_name_may_have_commas_and_quotes(write):
    path = write(row("CA,Canada,Ontario,@,,,,"))
    path.write_text(path.read_text().replace("@", '"Stormont, ""Dundas"" and Glengarry"'))
    assert read(path, "CA").series["location"].unique().tolist() == ['CA/Ontario/Stormont, "Dundas" and Glengarry']


def test_today_is_not_the_future(write):
    assert len(read(write(row(day="2022-10-15"))).series) == 6
    with pytest.raises(DataProblem, match="a future date: today is 2022-10-15"):
        read(write(row(day="2022-10-16")))


def test_a_problem_in_another_country_is_none_of_ours(write):
    assert len(read(write(row(), row("HR,Croatia,,,,,,", values="x,,,,,"))).series) == 6


def test_a_repeat_in_another_file_names_both(tmp_path):
    file([sample()[0], row()], "a.csv")(tmp_path)
    file([sample()[0], row(), row(day="2021-01-02"), row(values="1,2,9,4,5,6")], "b.csv")(tmp_path)
    with pytest.raises(DataProblem, match=r"^b\.csv:4:parks_\w+: 9 — a\.csv:2 has 3 for the same place and day"):
        read(tmp_path)


def test_a_folder_gives_the_country_s_files_only(tmp_path):
    file(b"\0", REPORT.replace("PT", "HR"))(tmp_path)
    file(b"notes", "README.md")(tmp_path)
    file(sample(), REPORT)(tmp_path)
    assert len(read(tmp_path).series) == 481 * 6


# --- against the last snapshot


def test_nothing_is_said_of_a_series_that_only_grew():
    series = read(SAMPLE).series
    assert compare(split(series[series["date"] < "2022-09-01"]), split(series)) == compare({}, split(series)) == []


def test_what_was_taken_back_is_said():
    before = read(SAMPLE).series
    before = pd.concat([before, before.assign(location="PT-11"), before.assign(location="PT-12")], ignore_index=True)
    now = before[(before["location"] == "PT") & (before["date"] < "2022-10-12")].reset_index(drop=True)
    now.loc[[3, 7], "value"] = [77, np.nan]
    now = now.drop(index=9)
    assert compare(split(before), split(now)) == [
        "older than the last snapshot: the data end on 2022-10-11, they ended on 2022-10-13",
        "region vanished: PT-11 and 1 more had rows in the last snapshot, and none now",
        f"history rewritten: 3 of {479 * 6} values differ from the last snapshot; "
        "first PT grocery_and_pharmacy 2021-06-23 was 30, is 77",
    ]


@pytest.mark.parametrize(("sites", "gone", "says"), [(20, 2, 2), (20, 3, 0), (3, 1, 1), (3, 2, 0), (1, 1, 0)])
def test_few_of_many_sites_may_leave_or_be_rewritten_and_no_more(sites, gone, says):
    before = {(f"PT-11/{number:02d}%2Fa", "count"): Rows(np.arange(9), np.ones(9), np.zeros(9, bool))
              for number in range(sites)}  # fmt: skip
    left = dict([*before.items()][gone:])
    sentences = [f"site vanished: {number:02d}/a had rows in the last snapshot, and none now" for number in range(says)]
    assert compare_few(before, left) == sentences
    rewritten = before | {key: before[key]._replace(value=np.full(9, 2.0)) for key in [*before][:gone]}
    assert len(compare_few(before, rewritten)) == says and len(compare(before, rewritten)) == 1
    cut = left | {key: before[key].part(slice(5)) for key in [*before][:gone]}
    assert len(compare_few(before, cut)) == says, "a day that is gone is rewritten too"


def test_a_place_that_keeps_another_of_its_series_has_not_vanished():
    rows = Rows(np.arange(9), np.ones(9), np.zeros(9, bool))
    before = {(f"PT-{place}", kind): rows for place in range(3) for kind in ("parks", "retail_and_recreation")}
    left = {key: rows for key in before if key != ("PT-2", "parks")}
    assert compare_few(before, left)[0].startswith("history rewritten: 9 of 18 values differ") and len(left) == 5
    assert compare_few(before, {key: rows for key in before if key[0] != "PT-2"}) == [
        "region vanished: PT-2 had rows in the last snapshot, and none now"
    ], "one place, though it had two series"


def test_figures_that_appear_later_are_rewritten_history_too():
    now = read(SAMPLE).series
    before = now.assign(value=now["value"].where(now.index != 0))
    assert compare(split(before), split(now))[0].endswith("first PT grocery_and_pharmacy 2021-06-20 was (blank), is 3")


def test_every_kind_of_file_is_told_by_its_beginning():
    heads = [b"", b" \n", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xfea\0", b"\0a", b"  <html", b"\xef\xbb\xbfcountry"]
    kinds = [
        "empty file",
        "empty file",
        "zip archive",
        "gzip file",
        "UTF-16 text",
        "UTF-16 text",
        "HTML page",
        "CSV file",
    ]
    assert [integrity.kind(head).removeprefix("an ").removeprefix("a ") for head in heads] == kinds
