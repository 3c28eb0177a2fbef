"""What the prediction wrote, put where readers look for it."""

from flows.orchestration import alerts
from flows.record import mlflow_runs
from flows.settings import bucket_name
from flows.station.run import Run, stage, step
from flows.storage import bucket, forecasts


@step
def publish(run: Run, show: bool) -> str:
    """Put the forecast that the notebook wrote where readers look for it."""
    with stage("publish") as told:
        files = {path.name: path.read_bytes() for path in sorted((run.folder / "out" / "forecast").iterdir())}
        about, place = {**run.found, "record": run.id}, bucket.connect(bucket_name())
        done = forecasts.publish(place, run.market.name, run.as_of, files, about, show)
        with alerts.best_effort():  # readers have it by now
            mlflow_runs.tag(run.id, {"forecast": done.url, "published": str(done.moved).lower()})
        forecasts.put_up(place, done, files if show else {})
        told.append(done.message)
    return done.message
