"""The kernel of one run: forked where it can be, held to its limits, and ended with everything that it started."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from flows.machine import end_with_parent
from flows.notebook import forkserver
from flows.notebook.watchdog import Watchdog


class LosslessClient(AsyncKernelClient):
    """Takes in all that a kernel shows: of a cell with thousands of outputs some would else be dropped, unsaid."""

    def _context_default(self) -> Any:
        context = super()._context_default()
        context.setsockopt(zmq.RCVHWM, 0)
        return context


class WatchedProvisioner(LocalProvisioner):
    """Takes a kernel of the fork server where there is one, and puts the watchdog on it."""

    watchdog: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """As its parent does, but for where the kernel comes from."""
        mark = forkserver.new_mark()
        env = kwargs["env"] | {forkserver.MARK: mark}
        if forked := forkserver.fork(cmd, kwargs["cwd"], env):
            self.pid = self.pgid = forked.pid
            self.process = forked  # type: ignore[assignment]
        else:
            if forkserver.is_ours(cmd):  # -P: without the run's folder on the path, as ipykernel's own launcher does
                cmd = [sys.executable, "-P", "-m", "flows.notebook.kernel_app", *cmd[3:]]
            await super().launch_kernel(cmd, **kwargs | {"env": env, "preexec_fn": end_with_parent})
        self.watchdog.watch(self.process, mark, Path(self.parent.connection_file).parent)  # type: ignore[union-attr]
        return self.connection_info


@contextmanager
def watched_kernel(name: str, watchdog: Watchdog) -> Iterator[AsyncKernelManager]:
    """A manager whose kernel, once started, is held to its limits; afterwards nothing of it is left.

    Raises
    ------
    NoSuchKernel
        If no kernel of that name is installed.
    """
    with tempfile.TemporaryDirectory(prefix="footfall-", dir="/tmp") as sockets:  # ipc needs a short path
        manager = AsyncKernelManager(kernel_name=name, transport="ipc", connection_file=f"{sockets}/kernel.json",
                                     client_factory=LosslessClient)  # fmt: skip
        manager.provisioner = provisioner = WatchedProvisioner(parent=manager, kernel_spec=manager.kernel_spec)
        provisioner.watchdog = watchdog
        try:
            yield manager
        finally:
            watchdog.end()
