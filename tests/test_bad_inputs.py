"""The page of bad inputs is true, and whoever typed one of them is told what is wrong: no flood, no traceback."""

import re

import bad_inputs
import pytest

LIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.long
@pytest.mark.parametrize("title", bad_inputs.SECTIONS)
def test_the_page_of_bad_inputs_says_what_is_said(title):
    section = bad_inputs.section(title)
    assert section in bad_inputs.PAGE.read_text(), "python tests/bad_inputs.py writes it anew"
    entries = re.findall(r"^\[(\d)\] (.*)\n((?: {4}.*\n)+)", section, re.MULTILINE)
    assert len(entries) == len([*bad_inputs.SECTIONS[title]()]), "each is refused, and something is said"
    for code, what, words in entries:
        assert code in "234" and "Value error" not in words, what
        assert len(words.splitlines()) <= 20 and len(words) < 1000 and not LIVE.search(words), what


def test_there_are_more_than_a_hundred_and_none_is_there_twice():
    every = [(title, given.what) for title, inputs in bad_inputs.SECTIONS.items() for given in inputs()]
    assert len(every) == len(set(every)) > 200
