"""What makes a flow of a station's function: its name, its alerts, and the form that Prefect shows before a run."""

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from griffe import Docstring, DocstringSectionParameters, Parser, parse
from prefect import flow
from prefect.flows import Flow
from prefect.logging.loggers import disable_logger

from flows import alerts
from flows.station import particulars

Asked = ParamSpec("Asked")
Told = TypeVar("Told")


def station_flow(station: Callable[Asked, Told]) -> Flow[Asked, Told]:
    """The station as a Prefect flow, its parameters explained in the one style of docstring that Prefect reads."""
    known = _parameters(station) | _parameters(particulars)
    lines = [f"    {name}: {known[name]}" for name in inspect.signature(station).parameters if name in known]
    station.__doc__ = "\n".join([inspect.getdoc(station) or "", "", "Args:", *lines])
    made = flow(name=station.__name__, flow_run_name="{market}", validate_parameters=False,
                on_failure=[alerts.failed], on_completion=[alerts.completed])  # fmt: skip
    return made(station)


def _parameters(function: Callable[..., Any]) -> dict[str, str]:
    with disable_logger("griffe"):  # it would have types where they stand for several names
        sections = parse(Docstring(inspect.getdoc(function) or ""), Parser.numpy)
    found = [section.value for section in sections if isinstance(section, DocstringSectionParameters)]
    return {one.name: " ".join(one.description.split()) for parameters in found for one in parameters}
