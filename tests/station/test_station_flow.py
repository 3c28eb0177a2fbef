"""The fields of the form that Prefect shows before a run."""

from importlib import import_module

import pytest


@pytest.mark.parametrize("station", ["explore", "train", "predict", "review"])
def test_every_field_is_explained_where_prefect_looks(servers, station):
    from prefect.utilities.callables import parameter_schema

    flow = getattr(import_module(f"flows.{station}"), station)
    fields = parameter_schema(flow).properties  # as `prefect deploy` asks for it
    assert {"market", "as_of", "settings"} <= set(fields)
    assert [name for name, field in fields.items() if len(field.get("description", "")) < 20] == []
    assert not any("particulars" in field["description"] for field in fields.values())
