"""The table of faults is whole: each row has experiments that exist, and a mutant that can be planted."""

import ast

import pytest
from faults import ROWS

from flows.settings import ROOT


def functions_of(file):
    tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("number", ROWS)
def test_every_fault_has_an_experiment_that_exists_and_a_mutant_that_can_be_planted(number):
    row = ROWS[number]
    assert row.tests or row.open, "neither an experiment nor why there is none"
    for test in row.tests:
        file, _, name = test.partition("::")
        assert name in functions_of(file), test
    if row.mutant:
        assert row.mutant.test in row.tests, "what must notice it is one of the fault's own experiments"
        assert (ROOT / row.mutant.file).read_text().count(row.mutant.old) == 1, row.mutant.old
    assert row.mutant or row.open, "no mutant, and not said why"


def test_no_row_is_left_out():
    assert list(ROWS) == list(range(1, 39))
