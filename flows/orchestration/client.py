"""Prefect's client, for those who wait for its answer; an error is told by the name of the server that it came from."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client

from flows.masking import without_passwords
from flows.proxies import by_way_of
from footfall.errors import EnvironmentProblem


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
