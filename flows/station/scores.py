"""The growing table of scores in the bucket: what a review needs of it and of the forecasts, and what comes back."""

import datetime as dt
import io
import json
from contextlib import suppress

import pandas as pd

from flows.champion.entries import Entry
from flows.champion.ledger import champion, in_force
from flows.record import mlflow_runs
from flows.station.events import of_the_place
from flows.station.run import Run, log, stage, step
from flows.station.snapshot import selected
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket
from footfall.errors import DataProblem
from footfall.evaluation import review, scores
from footfall.selection import NEWER, Key
from footfall.series import DAY, SERIES, WEEK, read_snapshot

TABLE = layout.SCORES  # in a run's folder, too
FORECAST = "forecast.parquet"


@step
def take_forecasts(run: Run) -> dict[str, str]:
    """Lay down the table so far, and the published forecasts that have days to be scored; which run made each."""
    with stage("forecasts") as notes:
        bucket, market = storage.connect(), run.market
        scored = scores.known_by(forecasts.scores(bucket, market), run.as_of, market.data.lag)
        published = _before(run, forecasts.sets(bucket, market.name))
        unscored = scores.unscored(published, scored, _series(run), market.predict.horizon, market.data.stale_after)
        made_by = {
            day: _lay_down(run, bucket, day, in_force(bucket, market.name, day, published[day])) for day in unscored
        }
        if len(scored):
            (run.folder / "in" / TABLE).write_bytes(scores.to_parquet(scored))
        notes.append(f"{len(published)} published, {len(unscored)} with days that became known")
    return made_by


def _before(run: Run, sets: dict[str, list[str]]) -> dict[str, list[str]]:
    """Those of days before the run's own."""
    return {day: folders for day, folders in sets.items() if day < str(run.as_of)}


def _series(run: Run) -> dict[Key, pd.Series]:
    return selected(run, read_snapshot(run.folder / "in" / "snapshot.parquet")).series


def _lay_down(run: Run, bucket: Bucket, day: str, folder: str) -> str:
    stored = forecasts.stored(bucket, folder, FORECAST)
    (run.folder / "in" / "forecasts").mkdir(exist_ok=True)
    (run.folder / "in" / "forecasts" / f"{day}.parquet").write_bytes(stored.files[FORECAST])
    return str(stored.manifest["about"].get("record", ""))


@step
def take_track(run: Run) -> str:
    """Lay down how earlier forecasts came true, for the page to quote: its path, or "" where nothing is known.

    As the review of the day before found it: the same day's must not change the page when the day is run again. What
    that one should have found and did not, because it failed, is found here. A forecast that was caught up on after the
    day's own was stored is left out, reviewed or not.
    """
    before = run.as_of - dt.timedelta(days=1)
    bucket, market = storage.connect(), run.market
    published = _before(run, forecasts.sets(bucket, market.name, until=run.as_of))
    scored = scores.known_by(forecasts.scores(bucket, market), before, market.data.lag)
    scored = scored[scored["origin_date"].isin(published)]
    through = pd.Timestamp(before) - market.data.lag * DAY
    series = {key: y[:through] for key, y in _series(run).items()}
    closures = of_the_place(run)["closures"]
    for day in scores.unscored(published, scored, series, market.predict.horizon, market.data.stale_after):
        with suppress(DataProblem):  # altered since; the review is the one to say so, and the page quotes the others
            stored = forecasts.stored(bucket, in_force(bucket, market.name, day, published[day]), FORECAST)
            forecast = pd.read_parquet(io.BytesIO(stored.files[FORECAST]))
            scored = scores.grow(scored, scores.score_all(forecast, series, market.data.lag, closures))
    if scored.empty:
        return ""
    (run.folder / "in" / "track.json").write_text(json.dumps(review.track_records(scored, before), indent=2))
    return "in/track.json"


@step
def hand_in(run: Run, made_by: dict[str, str]) -> str:
    """Add what became known to the runs that made the forecasts, and to the table.

    The table comes last: what stops us before it, the next review does again. Nothing new writes nothing.
    """
    with stage("scores") as notes:
        bucket, scored = storage.connect(), scores.read_scores(run.folder / "out" / TABLE)
        notes.append(run.written("news.json")["sentence"])
        absent = [day for day, made in made_by.items() if not _grade(made, scored[scored["origin_date"] == day])]
        notes += [f"no record any more of the forecasts as of {', '.join(absent)}"] if absent else []
        if made_by:
            storage.amend(bucket, layout.scores(run.market.name), lambda table: scores.merge(table, scored))
    return " · ".join(notes)


def _grade(made: str, rows: pd.DataFrame) -> bool:
    """Whether the run that made a forecast was there to be told how good it was."""
    metrics = review.accuracy(rows)
    live = {f"live_{name}": metrics[name] for name in ("MAE", "WIS", "skill", "cover80", "days")}
    return mlflow_runs.grade(
        made, {name: value for name, value in live.items() if pd.notna(value)}, int(live["live_days"])
    )


def calls_for_training(run: Run, decayed: bool) -> str:
    """What calls for one now, ``drift`` or ``young``: once for a cause, not every morning until it helps; else ""."""
    current = champion(storage.connect(), run.market.name, run.as_of)
    grown = current is not None and (run.as_of - current.as_of).days >= WEEK and _grows(run, current)
    for trigger, due, rest in (("drift", decayed, run.market.review.rest), ("young", grown, WEEK)):
        last = trained_for(trigger, run.market.name, run.as_of, rest) if due else None
        if last:
            log().info(f"trained for this ({trigger}) as of {last}; not again within {rest} days")
        elif due:
            return trigger
    return ""


def _grows(run: Run, current: Entry) -> bool:
    """Whether a place is young and was open since the champion's training, or is new and by now fit to be trained on.

    Going by the newest forecast by the run's day. Beside proven ones it would wait for the 1st: of many the verdict is
    on the longest. What no training changes calls for none.
    """
    since = pd.Timestamp(current.as_of) - run.market.data.lag * DAY
    opened = [key for key, y in _series(run).items() if y[since + DAY :].count()]
    if current.gate.get("standing") == "young":
        return bool(opened)
    bucket, market = storage.connect(), run.market
    published = {day: folders for day, folders in forecasts.sets(bucket, market.name).items() if day <= str(run.as_of)}
    if not published:
        return False
    folder = in_force(bucket, market.name, day := max(published), published[day])
    try:
        content = forecasts.stored(bucket, folder, "series.parquet").files["series.parquet"]
    except (KeyError, DataProblem):  # one of before there was such a table, or damaged: the doctor says so
        return False
    accounts = pd.read_parquet(io.BytesIO(content)).set_index(SERIES)
    is_young = accounts["status"].eq("young") & accounts.index.isin(opened)
    return bool((is_young | accounts["reason"].str.startswith(NEWER)).any())


def trained_for(trigger: str, market: str, as_of: dt.date, days: int) -> str | None:
    """The day of the newest training that something called for, within some days before `as_of`; None if there is none.

    Only one that was brought to its end counts: its notebook may have succeeded, and the promotion after it failed.
    """
    filters = f"tags.market = '{market}' and tags.trigger = '{trigger}' and tags.decided LIKE '%'"
    trained = [run.data.tags["as_of"] for _, run in mlflow_runs.search("train", filters, most=1000)]
    first = str(as_of - dt.timedelta(days=days))
    return max((day for day in trained if first < day <= str(as_of)), default=None)
