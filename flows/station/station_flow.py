"""What makes a flow of a station's function: its name, its alerts, and the form that Prefect shows before a run."""

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from griffe import Docstring, DocstringSectionParameters, Parser, parse
from prefect import flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.logging.loggers import disable_logger

from flows.orchestration import alerts
from flows.settings import bucket_name
from flows.station.run import particulars
from flows.storage import bucket, forecasts
from footfall.errors import StaleSource, UsageProblem

Asked = ParamSpec("Asked")
Told = TypeVar("Told")


def station_flow(station: Callable[Asked, Told]) -> Flow[Asked, Told]:
    """The station as a Prefect flow, its parameters explained in the one style of docstring that Prefect reads."""
    known = _parameters(station) | _parameters(particulars)
    lines = [f"    {name}: {known[name]}" for name in inspect.signature(station).parameters if name in known]
    station.__doc__ = "\n".join([inspect.getdoc(station) or "", "", "Args:", *lines])
    made = flow(name=station.__name__, flow_run_name="{market}", validate_parameters=False,
                on_failure=[failed], on_completion=[completed])  # fmt: skip
    return made(station)


def _parameters(function: Callable[..., Any]) -> dict[str, str]:
    with disable_logger("griffe"):  # it would have types where they stand for several names
        sections = parse(Docstring(inspect.getdoc(function) or ""), Parser.numpy)
    found = [section.value for section in sections if isinstance(section, DocstringSectionParameters)]
    return {one.name: " ".join(one.description.split()) for parameters in found for one in parameters}


async def failed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Open what stopped a flow; a hook of every flow, so that nothing that fails in it stays unsaid.

    Who asks for what cannot be, such as a day to come, is told there and then; that is no trouble of the market's.
    """
    error = await state.aresult(raise_on_failure=False)
    if isinstance(error, UsageProblem) and not flow_run.auto_scheduled:
        return
    cause = "stale source" if isinstance(error, StaleSource) else f"failure of {flow.name}"
    alerts.open(
        flow_run.parameters["market"],
        cause,
        f"{flow.name}: {error or state.message}"[: alerts.LONG],
        type(error).__name__,
    )


async def completed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Close what a flow that ran through has shown to be gone; one that was left out has shown nothing."""
    if state.name == "Completed":
        of_today = ("stale source", "missed day") if _stood_on_the_present(flow_run.parameters) else ()
        alerts.close(flow_run.parameters["market"], f"failure of {flow.name}", *of_today)


def _stood_on_the_present(asked: dict[str, Any]) -> bool:
    """Whether a run asked the source as of no day before the latest forecast's: how it was then mends nothing now."""
    if asked.get("snapshot") or not asked.get("as_of"):
        return not asked.get("snapshot")
    with alerts.best_effort():
        shown = forecasts.pointer(bucket.connect(bucket_name()), asked["market"])
        return not shown or bool(asked["as_of"] >= shown["as_of"])
    return True
