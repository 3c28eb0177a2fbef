"""What makes a flow of a station's function: its name, its alerts, and the form that Prefect shows before a run."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from traceback import extract_tb
from typing import Any, ParamSpec, TypeVar

from griffe import Docstring, DocstringSectionParameters, Parser, parse
from prefect import flow, runtime
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.logging.loggers import disable_logger

from flows.orchestration import alerts
from flows.orchestration.client import AGAIN
from flows.orchestration.schedule import due
from flows.settings import day_of, params_folder
from flows.station.run import market_as_of
from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.errors import Problem, StaleSource, UsageProblem
from footfall.market_file import read_market
from footfall.scenario import Scenario

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def station_flow(station: Callable[Parameters, Result]) -> Flow[Parameters, Result]:
    """The station as a Prefect flow, its parameters explained in the one style of docstring that Prefect reads."""
    described = _described(station) | _described(market_as_of)
    names = [name for name in inspect.signature(station).parameters if name in described]
    lines = [f"    {name}: {described[name]}" for name in names]
    station.__doc__ = "\n".join([inspect.getdoc(station) or "", "", "Args:", *lines])
    decorate = flow(name=station.__name__, flow_run_name=run_name, validate_parameters=False,
                    on_failure=[failed], on_completion=[completed])  # fmt: skip
    return decorate(station)


def run_name() -> str:
    """Market and day of the run that this process is in; the market alone, where no day can be told of it.

    A scenario says its own days: the run stands on that of the published forecast, whatever today is.
    """
    given = runtime.flow_run.parameters
    market, day = given["market"], given.get("as_of")
    if "scenario" in given:
        return f"{market} {Scenario(**given['scenario'])}"
    with suppress(Problem):  # what is wrong with the market, the run itself says
        day = day or day_of(read_market(params_folder(), market, given.get("settings")).data, due())
    return f"{market} {day}" if day else str(market)


def _described(function: Callable[..., Any]) -> dict[str, str]:
    """What a function's docstring says of each parameter."""
    with disable_logger("griffe"):  # it would have types where they stand for several names
        sections = parse(Docstring(inspect.getdoc(function) or ""), Parser.numpy)
    parameters = [section.value for section in sections if isinstance(section, DocstringSectionParameters)]
    return {each.name: " ".join(each.description.split()) for several in parameters for each in several}


async def failed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Open what stopped a flow; a hook of every flow, so that nothing that fails in it stays unsaid.

    Who asks for what cannot be, such as a day to come, for a day of the past, or from a kept snapshot, is told there
    and then; that is no trouble of the market's. For a run in place of one that died nobody asks.
    """
    error = await state.aresult(raise_on_failure=False)
    somebody_asked = not flow_run.auto_scheduled and not flow_run.parent_task_run_id and AGAIN not in flow_run.tags
    if somebody_asked and (isinstance(error, UsageProblem) or not _stood_on_the_present(flow_run.parameters)):
        return
    cause = "stale source" if isinstance(error, StaleSource) else f"failure of {flow.name}"
    sentence = f"{flow.name}: {error or state.message}"[: alerts.LONG]
    alerts.open(flow_run.parameters["market"], cause, sentence, _kind(error))


def _kind(error: Any) -> str:
    """Its class, and the function that raised it: of two causes of one class each is told."""
    frames = extract_tb(error.__traceback__) if isinstance(error, BaseException) else []
    return " in ".join([type(error).__name__, *(frame.name for frame in frames[-1:])])


async def completed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Close what a flow that ran through has shown to be gone; one that was left out, or of the past, has not."""
    if state.name == "Completed" and _stood_on_the_present(flow_run.parameters):
        alerts.close(flow_run.parameters["market"], f"failure of {flow.name}", "stale source", "missed day")


def _stood_on_the_present(parameters: dict[str, Any]) -> bool:
    """Whether a run asked the source as of no day before the latest forecast's: how it was then mends nothing now."""
    return not parameters.get("snapshot") and not _is_of_the_past(parameters)


def _is_of_the_past(parameters: dict[str, Any]) -> bool:
    day = parameters.get("as_of") or (parameters.get("settings") or {}).get("data.as_of")
    return bool(day) and is_past(parameters["market"], str(day))


def is_past(market: str, day: str) -> bool:
    """Whether readers have a forecast of a later day; what cannot be asked is of the present."""
    with alerts.best_effort():
        pointer = forecasts.pointer(storage.connect(), market)
        return bool(pointer and day < pointer["as_of"])
    return False
