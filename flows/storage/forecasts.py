"""Forecasts in the bucket: sets of files that are stored once, and a small pointer per market to the latest.

A set's files are created once, then its manifest, which lists them; the pointer is replaced by compare-and-set, never
backwards. A reader goes from the pointer to the manifest to the files, each verified by the one before, and sees one
whole set. What forecasts were made from is kept as a snapshot. Their names: `flows.storage.layout`.
"""

import datetime as dt
import io
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd

from flows.settings import pages_bucket
from flows.storage import bucket as storage
from flows.storage import layout
from flows.storage.bucket import REMEDY, ROUNDS, Bucket
from footfall import events, opening
from footfall.digest import sha256
from footfall.errors import Conflict, DataProblem, Problem
from footfall.evaluation.scores import from_parquet
from footfall.params import Data, Market


class Published(NamedTuple):
    """What became of one forecast set: where it is, whether it is `new`, whether it `moved` the pointer."""

    url: str
    digest: str
    new: bool
    moved: bool
    message: str
    pointer: dict[str, Any]

    @property
    def folder(self) -> str:
        """Where it is in the bucket."""
        return layout.set_of(self.pointer["manifest"])

    def __str__(self) -> str:
        """As people are told of it."""
        return self.message


class ForecastSet(NamedTuple):
    """One complete, verified set: the pointer that led to it, its manifest, and every file it lists."""

    pointer: dict[str, Any]
    manifest: dict[str, Any]
    files: dict[str, bytes]


def keep_snapshot(bucket: Bucket, content: bytes, about: dict[str, Any]) -> None:
    """Keep a snapshot under its own sha256, and beside it what is known `about` it; the first account stays."""
    digest = sha256(content)
    storage.create(bucket, layout.snapshot(digest), content)
    storage.keep_first(bucket, layout.origin(digest), storage.as_json(about))


def publish(
    bucket: Bucket,
    market: str,
    as_of: dt.date,
    files: dict[str, bytes],
    about: dict[str, Any],
    show: bool = True,
    before_showing: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Published:
    """Store a forecast set, then point readers to it: objects first, then the manifest, then the pointer.

    The same files on the same day are the same set: a second run writes nothing, and the manifest goes on naming the
    run that came first. A set as of an older day is stored, but never takes the pointer from a newer one.

    Parameters
    ----------
    bucket : Bucket
        From `flows.storage.bucket.connect`.
    market : str
        Folder of the market, such as ``portugal``.
    as_of : date
        The day the run stood on.
    files : dict of str to bytes
        The set.
    about : dict
        What the manifest shall say: model version, snapshot, MLflow run.
    show : bool, default=True
        Whether readers shall be pointed to it; a set that is caught up on for a past day is only stored.
    before_showing : callable, optional
        Asked once the pointer was read and before it is replaced, with what it says, which is nothing where there is
        none; what it raises keeps the set from being shown.

    Raises
    ------
    Conflict
        If, while we were at it, someone else moved the pointer to another forecast of the same day; theirs stays.
    """
    digest = digest_of(files)
    folder = layout.forecast_set(market, as_of, digest)
    for name, content in sorted(files.items()):
        storage.create(bucket, f"{folder}/{name}", content)
    identity = {"market": market, "as_of": str(as_of), "digest": digest}
    manifest = {**identity, "files": _listing(files), "about": about}
    stored, new = storage.keep_first(bucket, layout.manifest(folder), storage.as_json(manifest))
    if _as_manifest(bucket, folder, stored)["files"] != manifest["files"]:
        at = storage.address(bucket, layout.manifest(folder))
        raise Conflict(f"{at}: lists other files than were stored beside it. {REMEDY}")
    pointer = {**identity, "manifest": layout.manifest(folder), "manifest_sha256": sha256(stored)}
    moved, current = _point(bucket, market, pointer, before_showing) if show else (False, _pointer(bucket, market)[0])
    url = storage.address(bucket, folder)
    return Published(url, digest, new, moved, _message(url, new, moved, pointer, current), pointer)


def put_up(bucket: Bucket, published: Published, files: dict[str, bytes]) -> None:
    """Show the page, the calendars and the CSV of the latest set at the market's own address; of an older one nothing.

    What is shown there of a site that the latest set has no page of is taken down; its own sets stay.

    Raises
    ------
    Problem
        Says that the forecast is published all the same, and how to have what people read follow.
    """
    try:
        shown = sorted(filter(layout.is_shown, files), key=layout.PAGE.__eq__)  # the page, which leads to them, last
        for file in shown:
            _show(bucket, layout.shown(published.pointer["market"], file), published.pointer, files[file])
        if shown:
            _take_down(bucket, published.pointer, {layout.shown(published.pointer["market"], file) for file in shown})
    except Problem as problem:
        late = "is published; what people read at the market's own address has yet to follow. Run the day again."
        raise type(problem)(f"{problem}\n{published.url} {late}") from problem


def latest(bucket: Bucket, market: str, *only: str) -> ForecastSet | None:
    """The set the pointer names, complete and verified; None if the market was never published.

    Parameters
    ----------
    bucket : Bucket
        From `flows.storage.bucket.connect`.
    market : str
        Folder of the market.
    *only : str
        Of its files those to read; of 24,000 sites all of them are 700 MB. All if none is named.

    Raises
    ------
    DataProblem
        If an object of the set is missing or altered; the message names it.
    """
    current = pointer(bucket, market)
    return _whole(bucket, current, _manifest(bucket, current), only) if current else None


def stored(bucket: Bucket, folder: str, *only: str) -> ForecastSet:
    """A set that is stored, as `latest` gives the one that readers see, with the pointer that would lead to it.

    Raises
    ------
    DataProblem
        As `latest`.
    """
    content = storage.read(bucket, layout.manifest(folder))
    manifest = _as_manifest(bucket, folder, content)
    identity = {key: manifest[key] for key in ("market", "as_of", "digest")}
    pointer = {**identity, "manifest": layout.manifest(folder), "manifest_sha256": sha256(content)}
    return _whole(bucket, pointer, manifest, only)


def _whole(bucket: Bucket, pointer: dict[str, Any], manifest: dict[str, Any], only: tuple[str, ...]) -> ForecastSet:
    folder = layout.set_of(pointer["manifest"])
    listing = {name: entry for name, entry in manifest["files"].items() if not only or name in only}
    files = {name: _verified(bucket, f"{folder}/{name}", entry["sha256"]) for name, entry in listing.items()}
    return ForecastSet(pointer, manifest, files)


def is_put_up(bucket: Bucket, latest: ForecastSet) -> bool:
    """Whether people read the page of the latest set, or there is none: its run may have been killed before that."""
    name, page = layout.shown(latest.pointer["market"], layout.PAGE), latest.manifest["files"].get(layout.PAGE)
    blobs = [storage.state(board, name) for board in _boards(bucket)] if page else []
    return all(blob and blob.crc32c == page["crc32c"] for blob in blobs)


def latest_snapshot(bucket: Bucket, market: str) -> bytes | None:
    """The snapshot that the latest forecast was made from; None if the market was never published.

    Raises
    ------
    DataProblem
        If what leads to it, or the snapshot itself, is missing or altered; the message names it.
    """
    current = pointer(bucket, market)
    return read_snapshot(bucket, _manifest(bucket, current)["about"]["snapshot"]) if current else None


def read_snapshot(bucket: Bucket, digest: str) -> bytes:
    """What is kept under a sha256.

    Raises
    ------
    DataProblem
        If it is missing, or has another sha256; the message names it.
    """
    return _verified(bucket, layout.snapshot(digest), digest)


def is_stale(bucket: Bucket, data: Data, about: dict[str, Any], on: dt.date) -> bool:
    """Whether the source of a set has stopped, seen from a day; where an event closed the place, no figures are missed.

    Parameters
    ----------
    bucket : Bucket
        Where the set and what it was made from are kept.
    data : Data
        The market's.
    about : dict
        What the set's manifest says of it.
    on : date
        The day.
    """
    if "events" in about:
        with suppress(DataProblem):  # lost or damaged: the doctor says so
            data = events.closed_by(data, pd.read_parquet(io.BytesIO(read_snapshot(bucket, about["events"]))))
    return opening.is_stale(data, dt.date.fromisoformat(about["data_through"]), on)


def origin(bucket: Bucket, digest: str) -> dict[str, Any]:
    """What is known of where a snapshot came from: ``source``, ``data_through``, ``retrieved_at`` and more."""
    name = layout.origin(digest)
    keys = ("source", "data_through", "retrieved_at")
    return storage.as_table(bucket, name, storage.read(bucket, name), "the account of a snapshot", *keys)


def sets_of_day(bucket: Bucket, market: str, day: dt.date | str) -> list[str]:
    """The folders of all complete sets of a market and day."""
    names = storage.names(bucket, layout.forecasts(market, day))
    return [layout.set_of(name) for name in names if layout.day_of(name)]


def read_about(bucket: Bucket, folder: str) -> dict[str, Any]:
    """What the manifest of a stored set says of its making: model version, snapshot, MLflow run; unverified."""
    return dict(_as_manifest(bucket, folder, storage.read(bucket, layout.manifest(folder)))["about"])


def pointer(bucket: Bucket, market: str) -> dict[str, Any] | None:
    """What ``latest.json`` says, unverified: the day and the digest of the set that readers see; None without one."""
    return _pointer(bucket, market)[0] or None


def sets(bucket: Bucket, market: str, until: dt.date | None = None) -> dict[str, list[str]]:
    """The folders of complete forecast sets of a market, by the day they stood on; of a day the oldest first.

    Those that were there when the first set of the day `until` was stored, if that is said and has one. What was stored
    after a set of a later day never took the pointer from it: it counts only where its day has nothing else, or where
    the pointer names it, the later day's being stored and not shown.
    """
    blobs = storage.listed(bucket, layout.forecasts(market), match_glob=layout.manifests(market))  # a dozen files each
    made = {blob.name: blob.time_created for blob in blobs if layout.day_of(blob.name)}
    made |= {name: _completed(bucket, name, made[name]) for name in _by_day(made)[1]}
    end = min((made[name] for name in made if layout.day_of(name) == str(until)), default=None)
    folders, late = _by_day({name: moment for name, moment in made.items() if end is None or moment < end})
    shown = pointer(bucket, market) if late else None
    if shown and shown["manifest"] in late:
        folders[shown["as_of"]].append(layout.set_of(shown["manifest"]))
    return folders


def _by_day(made: dict[str, dt.datetime]) -> tuple[dict[str, list[str]], list[str]]:
    """The folders of sets by their day, and the manifests of those that came late, from when each manifest was made."""
    folders: dict[str, list[str]] = {}
    late: list[str] = []
    for name in sorted(made, key=lambda name: (made[name], name)):
        day = str(layout.day_of(name))
        if day in folders and day < max(folders):
            late.append(name)
        else:
            folders.setdefault(day, []).append(layout.set_of(name))
    return folders, late


def _completed(bucket: Bucket, manifest: str, made: dt.datetime) -> dt.datetime:
    """When the last file of a set was stored; its manifest may have been damaged, removed and made anew since."""
    files = storage.listed(bucket, f"{layout.set_of(manifest)}/")
    return max((blob.time_created for blob in files if blob.name != manifest), default=made)


def scores(bucket: Bucket, market: Market) -> pd.DataFrame:
    """The table of scores of a market, see `footfall.evaluation.scores`; without rows where none was reviewed yet."""
    content, _ = storage.get_if_there(bucket, layout.scores(market.name))
    return from_parquet(content, market.data.location, market.data.category)


def annotate(bucket: Bucket, market: str, alert: str) -> None:
    """Put some HTML above the market's pages, which go on showing the latest forecast with its true date."""
    shown = latest(bucket, market)
    if shown is None:
        return
    for file in (file for file in shown.files if layout.is_shown(file) and file.endswith(layout.PAGE)):
        page = re.sub(rb"<body[^>]*>", lambda body: body[0] + alert.encode(), shown.files[file], count=1)
        _show(bucket, layout.shown(market, file), shown.pointer, page)


def digest_of(files: dict[str, bytes]) -> str:
    """Name of a set by what it holds: equal names and bytes, equal digest."""
    return sha256(storage.as_json(sorted((name, sha256(content)) for name, content in files.items())))[:16]


def _point(
    bucket: Bucket, market: str, ours: dict[str, Any], before: Callable[[dict[str, Any]], None]
) -> tuple[bool, dict[str, Any]]:
    """Whether we moved the pointer, and what it says now."""
    for lost in range(ROUNDS):
        current, generation = _pointer(bucket, market)
        if current == ours or (generation and current["as_of"] > ours["as_of"]):
            return False, current
        if lost and current.get("as_of") == ours["as_of"]:
            break
        before(current)
        if storage.write(bucket, layout.pointer(market), storage.as_json(ours), replaces=generation):
            return True, ours
    at, theirs = storage.address(bucket, layout.pointer(market)), f"{current.get('as_of')}/{current.get('digest')}"
    advice = f"Ours is stored as {ours['digest']}; run the day again if it is the one to show."
    raise Conflict(f"{at}: someone else moved it to {theirs} meanwhile, theirs stays. {advice}")


def _take_down(bucket: Bucket, ours: dict[str, Any], shown: set[str]) -> None:
    """Take away copies of pages, calendars and tables of sites that are not `shown`, while the pointer is ours."""
    for board in _boards(bucket):
        for blob in storage.listed(board, layout.sites(ours["market"])):
            is_page = layout.is_shown(blob.name.partition("/")[2])
            if is_page and blob.name not in shown and _is_latest(bucket, ours):
                storage.remove(board, blob.name, blob.generation)


def _boards(bucket: Bucket) -> list[Bucket]:
    """Where people read: the bucket, and that of pages where there is one; then the first is closed to readers."""
    return [bucket, *map(storage.connect, pages_bucket())]


def _is_latest(bucket: Bucket, ours: dict[str, Any]) -> bool:
    return _pointer(bucket, ours["market"])[0] == ours


def _show(bucket: Bucket, name: str, ours: dict[str, Any], page: bytes) -> None:
    """Put up the page wherever people read, while the pointer is ours; so no slow writer brings back an older one."""
    for board in _boards(bucket):
        for _ in range(ROUNDS):
            blob = storage.state(board, name)
            if (blob and blob.crc32c == storage.checksum(page)) or not _is_latest(bucket, ours):
                break
            if storage.write(board, name, page, replaces=blob.generation if blob else 0):
                break
        else:
            raise Conflict(f"{storage.address(board, name)}: others keep replacing it. Run the day again.")


def _message(url: str, new: bool, moved: bool, ours: dict[str, Any], current: dict[str, Any]) -> str:
    if moved:
        return f"{'published' if new else 'already stored, now the latest'}: {url}"
    if current == ours:
        return f"nothing new: {url} is already the latest forecast of {ours['market']}"
    if not current:
        return f"stored, not shown: {url}"
    return f"stored, not shown: {url} — the latest forecast remains {current['as_of']}"


def _pointer(bucket: Bucket, market: str) -> tuple[dict[str, Any], int]:
    """What the pointer says and its generation; nothing and 0 if there is none."""
    content, generation = storage.get_if_there(bucket, layout.pointer(market))
    if content is None:
        return {}, 0
    keys = ("as_of", "digest", "manifest", "manifest_sha256")
    return storage.as_table(bucket, layout.pointer(market), content, "a pointer", *keys), generation


def _manifest(bucket: Bucket, pointer: dict[str, Any]) -> dict[str, Any]:
    content = _verified(bucket, pointer["manifest"], pointer["manifest_sha256"])
    return _as_manifest(bucket, layout.set_of(pointer["manifest"]), content)


def _as_manifest(bucket: Bucket, folder: str, content: bytes) -> dict[str, Any]:
    return storage.as_table(bucket, layout.manifest(folder), content, "a manifest", "files", "about")


def _verified(bucket: Bucket, name: str, digest: str) -> bytes:
    content = storage.read(bucket, name)
    if sha256(content) != digest:
        altered = f"altered since it was published (sha256). {storage.remedy(name)}"
        raise DataProblem(f"{storage.address(bucket, name)}: {altered}")
    return content


def _listing(files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    return {
        name: {"size": len(content), "sha256": sha256(content), "crc32c": storage.checksum(content)}
        for name, content in sorted(files.items())
    }
