"""Prefect's client, for those who wait for its answer, and the flow run that this process is in.

An error is told by the name of the server that it came from.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.masking import without_passwords
from flows.proxies import by_way_of
from footfall.errors import EnvironmentProblem

AGAIN = "again"  # tag of a run in place of one that died, which is due when that was


@contextmanager
def answering() -> Iterator[SyncPrefectClient]:
    """A client of the server that the environment names.

    Raises
    ------
    EnvironmentProblem
        If the server is away, or fails.
    """
    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.HTTPError as error:
        url, brief = os.environ.get("PREFECT_API_URL", "its own address"), str(error).partition("\n")[0][:300]
        sentence = without_passwords(f"Prefect at {url}{by_way_of(url)} did not do its part: {brief}")
        raise EnvironmentProblem(f"{sentence}. {_advice(error)}") from None


def _advice(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        return "It does not let this process in: set PREFECT_API_AUTH_STRING as the server has it."
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 500:
        return "Its log says why, a full disk perhaps: footfall doctor looks for it."
    return "Run again when it answers."


def own_run() -> FlowRun | None:
    """The flow run that this process is in; None outside of any."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def is_again() -> bool:
    """Whether it is in place of one that died: who was killed at something need not be waited for."""
    run = own_run()
    return run is not None and AGAIN in run.tags
