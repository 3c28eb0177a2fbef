"""What the prediction wrote, put where readers look for it."""

from flows.orchestration import alerts
from flows.record import mlflow_runs
from flows.settings import bucket_name
from flows.station.run import Run, stage, step
from flows.storage import forecasts
from flows.storage.bucket import connect


@step
def publish(run: Run, show: bool) -> str:
    """Put the forecast that the notebook wrote where readers look for it."""
    with stage("publish") as progress:
        folder = run.folder / "out" / "forecast"
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        about, bucket = {**run.facts, "record": run.id}, connect(bucket_name())
        published = forecasts.publish(bucket, run.market.name, run.as_of, files, about, show)
        with alerts.best_effort():  # readers have it by now
            # the address last: who finds the run by it finds the other too
            mlflow_runs.tag(run.id, {"published": str(published.moved).lower(), "forecast": published.url})
        forecasts.put_up(bucket, published, files if show else {})
        progress.append(published.message)
    return published.message
