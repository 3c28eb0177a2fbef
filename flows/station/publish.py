"""What the prediction wrote, put where readers look for it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flows.champion.entries import newest
from flows.orchestration import alerts
from flows.record import mlflow_runs
from flows.station.notify import tell_revised
from flows.station.run import Run, stage, step
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket, connect
from footfall.errors import Conflict
from footfall.units import unit_of


def note_shown(run: Run) -> None:
    """Note to which forecast readers are pointed before the figures are read."""
    run.shown = forecasts.pointer(connect(), run.market.name)


@step
def publish(run: Run, show: bool) -> forecasts.Published:
    """Put the forecast that the notebook wrote where readers look for it."""
    tell_revised(run, show)  # first: once it is published, nothing is compared any more with what was before
    with stage("publish") as progress:
        folder = run.folder / "out" / "forecast"
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        data, bucket = run.market.data, connect()
        counted = {"unit": unit_of(data.category).name, "measure": data.measure}
        about = {**run.facts, **counted, "record": run.id}
        try:
            check = partial(_check_that_nothing_is_newer, run, bucket)
            published = forecasts.publish(bucket, run.market.name, run.as_of, files, about, show, check)
        except Conflict:  # what it made is stored, and not shown
            its = layout.forecast_set(run.market.name, run.as_of, forecasts.digest_of(files))
            _tag(run, storage.address(bucket, its), lambda: False)
            raise
        _tag(run, published.url, lambda: forecasts.pointer(bucket, run.market.name) == published.pointer)
        forecasts.put_up(bucket, published, files if show else {})
        progress.append(published.message)
    return published


def _tag(run: Run, url: str, is_shown: Callable[[], bool]) -> None:
    """Note with the run which forecast it made, and whether readers see it; it is stored by now, so that stops nothing.

    A run that finds its own set shown already, by one that was killed before its note, notes it too.
    """
    with alerts.best_effort():
        # the address last: who finds the run by it finds the other too
        mlflow_runs.tag(run.id, {"published": str(is_shown()).lower(), "forecast": url})


def _check_that_nothing_is_newer(run: Run, bucket: Bucket, shown: dict[str, Any]) -> None:
    """Whoever changed the champion while the notebook ran does not find the model of before in its place again.

    Nor does who showed newer figures of the day find older ones; a run that began afterwards may replace them.
    """
    last = newest(bucket, run.market.name)
    now = last.champion(run.as_of) if last else None
    if now is None or f"{run.market.name}/{now.version}" != run.facts["model_version"]:
        changed = f"by {run.facts['model_version']}, and the champion is version {now and now.version} now"
        raise Conflict(f"this forecast is {changed}; it is stored, and not shown. Run the day again.")
    if shown.get("as_of") == str(run.as_of) and shown != run.shown:
        theirs, ours = forecasts.read_about(bucket, layout.set_of(shown["manifest"])), run.facts
        if theirs["data_through"] > ours["data_through"]:
            through = f"through {ours['data_through']}, and one through {theirs['data_through']} was shown meanwhile"
            raise Conflict(f"this forecast is of figures {through}; it is stored, and not shown. Run the day again.")
