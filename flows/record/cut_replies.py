"""MLflow's client asks again for a reply that was cut midway.

Its own retries end where the head of a reply has come, and a server that is restarted cuts the body. As with a reply
that was lost whole, what was asked may have been done: `flows.record.mlflow_runs` bears that twice.
"""

import time
from typing import Any

from mlflow.utils import request_utils
from requests import PreparedRequest, Response
from requests.exceptions import ChunkedEncodingError, ConnectionError
from requests.utils import rewind_body

PATIENCE = 15.0  # seconds after which a cut reply is asked for no more: with the last request's own a good minute


class WholeReplies(request_utils.TCPKeepAliveHTTPAdapter):
    """Sends a request as often as MLFLOW_HTTP_REQUEST_MAX_RETRIES allows, until the whole of its reply has come."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """As the adapter does; also what is meant to be read in parts is read here, of artifacts 25 MB at most."""
        until, tries_left = time.monotonic() + PATIENCE, self.max_retries.total
        while True:
            response = super().send(request, *args, **kwargs)
            try:
                _ = response.content
                return response
            except (ChunkedEncodingError, ConnectionError):
                if not tries_left or time.monotonic() > until:
                    raise
            tries_left -= 1
            if request._body_position is not None:  # a file; it was read to its end
                rewind_body(request)


def ask_again_for_cut_replies() -> None:
    """Let every request of MLflow's client be sent so; it has no setting for this."""
    request_utils.TCPKeepAliveHTTPAdapter = WholeReplies  # type: ignore[misc]
