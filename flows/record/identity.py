"""Requests to an MLflow server that lets nobody in unsigned, as Cloud Run's do: signed with the machine's own identity.

``MLFLOW_TRACKING_AUTH=google`` switches it on: MLflow's client finds `Identity` by its entry point in pyproject.toml.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from google.auth.transport.requests import Request
from google.oauth2.id_token import fetch_id_token_credentials
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider
from requests import PreparedRequest


class Identity(RequestAuthProvider):
    """What MLflow asks for the signature of each of its requests."""

    def get_name(self) -> str:
        """What ``MLFLOW_TRACKING_AUTH`` calls it."""
        return "google"

    def get_auth(self) -> Callable[[PreparedRequest], PreparedRequest]:
        """Whoever signs a request."""
        return sign


def sign(request: PreparedRequest) -> PreparedRequest:
    """Put an identity token into a request's head, made out to the server that the request goes to.

    The token is renewed before it expires, so a run may take longer than one lasts.

    Raises
    ------
    google.auth.exceptions.GoogleAuthError
        If this machine has no identity, or none to be had now; MLflow's client says so, with the address.
    """
    server = urlsplit(str(request.url))
    credentials = _credentials(f"{server.scheme}://{server.netloc}")
    credentials.before_request(Request(), request.method, request.url, request.headers)
    return request


@cache
def _credentials(audience: str) -> Any:
    """This machine's, by its metadata server, or the account's in ``GOOGLE_APPLICATION_CREDENTIALS``."""
    return fetch_id_token_credentials(audience, Request())
