"""The form that Prefect shows before a run that is started by hand: what its fields mean."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from griffe import Docstring, DocstringSectionParameters, Parser, parse
from prefect.flows import Flow
from prefect.logging.loggers import disable_logger
from prefect.utilities.callables import parameter_schema

from flows.station import particulars

Station = TypeVar("Station", bound=Flow[..., Any])


def explained(flow: Station) -> Station:
    """The flow, its parameters explained once more in the one style of docstring that Prefect reads, Google's."""
    known = _parameters(flow) | _parameters(particulars)
    lines = [f"    {name}: {known[name]}" for name in flow.parameters.properties if name in known]
    flow.__doc__ = "\n".join([inspect.getdoc(flow) or "", "", "Args:", *lines])
    flow.parameters = parameter_schema(flow)
    return flow


def _parameters(function: Callable[..., Any]) -> dict[str, str]:
    with disable_logger("griffe"):  # it would have types where they stand for several names
        sections = parse(Docstring(inspect.getdoc(function) or ""), Parser.numpy)
    found = [section.value for section in sections if isinstance(section, DocstringSectionParameters)]
    return {one.name: " ".join(one.description.split()) for parameters in found for one in parameters}
