from pathlib import Path

import pytest
from bad_parameters import BAD, FILES, NAMES, TAKEN

from footfall.errors import UsageProblem
from footfall.market_file import market_names, read_market

PARAMS = Path(__file__).parents[1] / "params"


@pytest.mark.parametrize("what", BAD)
def test_a_bad_parameter_names_its_file_its_key_and_what_would_be_right(what):
    settings, says = BAD[what]
    with pytest.raises(UsageProblem, match=says) as told:
        read_market(PARAMS, "sample", settings)
    assert what == "a key without a section" or str(told.value).startswith("--set: ")


def test_a_day_that_is_none_is_told_of_whoever_gave_it():
    with pytest.raises(UsageProblem, match=r"^--set: data\.as_of: 'x'"):
        read_market(PARAMS, "sample", {"data.as_of": "x"})
    with pytest.raises(UsageProblem, match=r"^--as-of: data\.as_of: 'x'"):
        read_market(PARAMS, "sample", {"data.as_of": "2022-10-13"}, "x")
    assert read_market(PARAMS, "sample", {"data.as_of": "x"}, "2022-10-12").data.as_of == "2022-10-12"


def test_what_the_file_says_wrong_is_told_of_the_file(tmp_path):
    (tmp_path / "bad.yaml").write_text("data: {source: sample}\npredict: {horizon: 0}\n")
    with pytest.raises(UsageProblem, match=r"^bad\.yaml: predict\.horizon: 0 — "):
        read_market(tmp_path, "bad", {"train.margin": 0.05})


@pytest.mark.parametrize("what", FILES)
def test_a_bad_file_is_refused(what, tmp_path):
    text, says = FILES[what]
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UsageProblem, match=says):
        read_market(tmp_path, "bad")


@pytest.mark.parametrize("name", NAMES)
def test_a_market_name_cannot_be_a_path(name):
    with pytest.raises(UsageProblem, match="cannot be a market's name: use small letters"):
        read_market(PARAMS, name)


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_is_taken_elsewhere_is_refused_although_its_file_is_there(name, tmp_path):
    for file in (name, "ledgers", "cone", "No Name"):
        (tmp_path / f"{file}.yaml").write_text("data: {source: sample}\n")
    with pytest.raises(UsageProblem, match=rf"'{name}' cannot be a market's name: .*; give the market"):
        read_market(tmp_path, name)
    assert market_names(tmp_path) == ["cone", "ledgers"]


def test_of_two_names_that_differ_in_dashes_alone_the_first_stays(tmp_path):
    for name in ("tasca-1", "tasca_1", "tasca1"):
        (tmp_path / f"{name}.yaml").write_text("data: {source: sample}\n")
    assert read_market(tmp_path, "tasca-1").name == "tasca-1" and read_market(tmp_path, "tasca1").name == "tasca1"
    with pytest.raises(UsageProblem, match=r"'tasca_1' cannot be a market's name: tasca-1\.yaml is in .*share"):
        read_market(tmp_path, "tasca_1")


def test_a_typo_in_the_market_finds_the_nearest():
    with pytest.raises(UsageProblem, match=r"no market 'portugla' in params/ — did you mean portugal\?"):
        read_market(PARAMS, "portugla")


def test_norway_stays_a_country(tmp_path):
    (tmp_path / "norway.yaml").write_text("data: {source: sample, location: NO, countries: [NO]}\n")
    assert read_market(tmp_path, "norway").data.countries == ["NO"]


def test_an_unquoted_day_is_a_day(tmp_path):
    (tmp_path / "plain.yaml").write_text("data:\n  source: sample\n  as_of: 2022-10-13\n")
    assert read_market(tmp_path, "plain").data.as_of == "2022-10-13"


def test_an_unquoted_day_that_is_none_is_told_as_any_other(tmp_path):
    (tmp_path / "plain.yaml").write_text("data:\n  source: sample\n  as_of: 2022-02-30\n")
    with pytest.raises(UsageProblem, match=r"^plain\.yaml: data\.as_of: '2022-02-30' — .* no day of the calendar"):
        read_market(tmp_path, "plain")


@pytest.mark.parametrize("path", sorted(PARAMS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_market_is_valid(path):
    assert read_market(PARAMS, path.stem).name == path.stem


def test_a_section_without_keys_takes_what_is_set_in_it(tmp_path):
    (tmp_path / "tasca.yaml").write_text("data: {source: sample}\npredict:\n")
    assert read_market(tmp_path, "tasca", {"predict.horizon": 3}).predict.horizon == 3


def test_whose_figures_they_are_is_said_without_the_word_that_the_page_puts_before_it():
    credits = {name: read_market(PARAMS, name).data.credit or "" for name in market_names(PARAMS)}
    assert any(credits.values())
    assert not [name for name, credit in credits.items() if credit.startswith(("Figures", "Source"))]
