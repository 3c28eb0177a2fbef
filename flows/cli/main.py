"""The command line: ``footfall --help``."""

import atexit
import os
import signal
import sys
import threading
from io import TextIOWrapper

from flows.cli import authoring, operations, stations  # noqa: F401 — their commands enter the application
from flows.cli.options import app

STOPPED = 130  # Typer's exit code for who was interrupted


def _interrupt(*_: object) -> None:
    """Python's own handler, by another name: asyncio would replace that one, and wait for the notebook to end."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line, and leave without taking a thousand modules apart, which costs another second."""
    code = 0
    for stream in (sys.stdout, sys.stderr):  # what an encoding lacks becomes a question mark, and ends nothing
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    if code != STOPPED:  # whose threads are as long at it as a candidate is at its fit
        threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter would do first, and then
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
