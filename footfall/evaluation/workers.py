"""Shards of a piece of work on the workers of a Dask scheduler, where the environment names one in ``FOOTFALL_DASK``.

A shard is answered from what it is given alone, so that doing one twice, as after a worker's death, changes nothing.
"""

import contextlib
import io
import logging
import os
import pickle
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from footfall.digest import sha256, sha256_of
from footfall.errors import EnvironmentProblem

SCHEDULER = "FOOTFALL_DASK"  # its address, as tcp://10.20.0.2:8786
ANSWER = 60.0  # seconds that a scheduler, or a worker with what it has, may take to answer
PATIENCE = 300.0  # and that there may be no worker, such as a machine that was taken away and is made anew
LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "sktime", "statsmodels", "lightgbm", "holidays")
Answer = TypeVar("Answer")


def scheduler() -> str:
    """The address of the scheduler; "" where there is none."""
    return os.environ.get(SCHEDULER, "")


def remedy() -> str:
    """What to do where it has no worker."""
    return f"start one: dask worker {scheduler()} --nthreads 1"


def on_workers(work: Callable[..., Answer], shards: Sequence[Any], common: tuple[Any, ...]) -> list[Answer | None]:
    """What `work` answers to each shard, on the workers of the scheduler.

    Parameters
    ----------
    work : callable
        Of a module that the workers have too, called with a shard and `common`.
    shards : sequence
        Each is sent to one worker.
    common : tuple
        What all shards are answered with; sent to each worker once, panels with their series.

    Returns
    -------
    list
        In the order of `shards`; None of one that ended its workers as often as the scheduler allows, by default four
        times, and so again when it was asked alone.

    Raises
    ------
    EnvironmentProblem
        If the scheduler is not reached, has no worker for five minutes, or has one of other code or libraries.
    """
    with _client() as client:
        return _answers(client, (work, *common), shards)


def count() -> int:
    """How many workers the scheduler has now, all of this code; raises as `on_workers`."""
    with _client() as client:
        return len(client.run(_check, code_digest()))


@contextlib.contextmanager
def _client() -> Iterator[Any]:
    import dask
    from distributed import Client  # half a second, and most have no scheduler

    advice = f"start it and run again, or unset {SCHEDULER}"
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it says is said here, in a sentence
    try:
        client = Client(scheduler(), timeout=ANSWER, direct_to_workers=True)
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(f"no scheduler at {scheduler()}: {error}; {advice}") from error
    try:
        with client, dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            yield client
    except (CancelledError, OSError) as error:
        raise EnvironmentProblem(f"the scheduler at {scheduler()} ended; {advice}") from error


def _check(code: str) -> None:
    if code != code_digest():
        host = os.uname().nodename
        raise EnvironmentProblem(
            f"a worker of {host} has another release's code or libraries; start it with this one's"
        )


def _answers(client: Any, common: tuple[Any, ...], shards: Sequence[Any]) -> list[Any]:
    _await_worker(client)
    # as bytes, of which the scheduler need import nothing; scattered, they would be gone with who has them
    shared, sent = client.submit(bytes, _dumped(common)), [_dumped(shard) for shard in shards]
    asked = partial(client.submit, _answer, common=shared, code=code_digest(), pure=False)
    answers = _gathered(client, [asked(shard) for shard in sent])
    # one that dies takes with it what waits on the same worker: each such is asked again, with nothing beside it
    for number, shard in enumerate(sent):
        if answers[number] is None:
            answers[number] = _gathered(client, [asked(shard)])[0]
    return answers


def _gathered(client: Any, futures: list[Any]) -> list[Any]:
    """Each one's answer as soon as it is there, so that no worker keeps it; None of one that ended its worker."""
    from distributed import wait

    answers: dict[Any, Any] = {}
    while waiting := [future for future in futures if future not in answers]:
        try:
            for future in wait(waiting, timeout=ANSWER, return_when="FIRST_COMPLETED").done:
                answers[future] = _result(future)
                future.release()
        except TimeoutError:  # it takes long; or who was to answer, or had the answer, is gone
            _await_worker(client)
    return [answers[future] for future in futures]


def _result(future: Any) -> Any:
    from distributed import KilledWorker

    try:
        return future.result(timeout=ANSWER)
    except KilledWorker:
        return None


def _await_worker(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise EnvironmentProblem(f"no worker has come to {scheduler()}; {remedy()}") from error


def _answer(shard: bytes, common: bytes, code: str) -> Any:
    _check(code)
    work, *rest = _loaded(common)
    return work(_read(shard), *rest)


@lru_cache
def code_digest() -> str:
    """What this process's numbers depend on: sha256 of Footfall's modules, its libraries' versions and Python's."""
    package = Path(__file__).parents[1]
    found = [sys.version, *(f"{name} {version(name)}" for name in LIBRARIES)]
    modules = sorted(package.rglob("*.py"))
    found += [f"{path.relative_to(package)} {sha256_of(path)}" for path in modules]
    return sha256("\n".join(found).encode())


class _WithPanels(pickle.Pickler):
    """Of a `footfall.models.boosted.Panel` its series too, which are never saved with a model."""

    def reducer_override(self, each: Any) -> Any:
        """The panel as it was made; anything else as pickle would have it."""
        return (type(each), each.made_of) if hasattr(type(each), "made_of") else NotImplemented


def _dumped(thing: Any) -> bytes:
    buffer = io.BytesIO()
    _WithPanels(buffer, protocol=5).dump(thing)
    return zlib.compress(buffer.getvalue(), 1)  # the scheduler holds it several times over


@lru_cache(maxsize=1)
def _loaded(common: bytes) -> Any:
    """Once for all shards of a worker, so that trees are grown once: they are kept by the panel."""
    return _read(common)


def _read(dumped: bytes) -> Any:
    return pickle.loads(zlib.decompress(dumped))
