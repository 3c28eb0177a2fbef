"""The kernel that notebooks run in: ipykernel's, which else drops what it shows beyond a thousand unread messages."""

from typing import Any

import zmq
from ipykernel.kernelapp import IPKernelApp


class LosslessKernelApp(IPKernelApp):
    """Keeps all that a cell shows until it is read; see `flows.notebook.kernel.LosslessClient` for the other end."""

    def init_iopub(self, context: Any) -> None:
        """As its parent does, on a socket without a limit of messages: it takes effect before a socket is bound."""
        context.setsockopt(zmq.SNDHWM, 0)
        super().init_iopub(context)


if __name__ == "__main__":
    LosslessKernelApp.launch_instance()
