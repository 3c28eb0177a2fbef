"""Forecasts in the bucket: sets of files that are stored once, and a small pointer per market to the latest.

    <market>/latest.json                          pointer, replaced by compare-and-set, never backwards
    <market>/forecasts/<as_of>/<digest>/          manifest.json and the files it lists, all created once
    <market>/index.html                           the page of the latest, and beside it the files it links to
    snapshots/<sha256>.parquet, .json             what forecasts were made from, and where it came from

A reader goes from the pointer to the manifest to the files, each verified by the one before, and sees one whole set.
"""

import datetime as dt
import html
import json
import re
from dataclasses import dataclass

from flows.storage import bucket
from flows.storage.bucket import MEND, ROUNDS, Bucket
from footfall.digest import sha256
from footfall.errors import Conflict, DataProblem, Problem

SHOWN = ("forecast.csv", "week.ics", "semana.ics", "index.html")  # at addresses that stay, for people and calendars


@dataclass(frozen=True)
class Published:
    """What became of one forecast set: where it is, whether it is `new`, whether it `moved` the pointer."""

    url: str
    digest: str
    new: bool
    moved: bool
    message: str
    pointer: dict


@dataclass(frozen=True)
class ForecastSet:
    """One complete, verified set: the pointer that led to it, its manifest, and every file it lists."""

    pointer: dict
    manifest: dict
    files: dict[str, bytes]


def keep_snapshot(place: Bucket, content: bytes, about: dict) -> str:
    """Keep a snapshot under its own sha256, and beside it what is known `about` it; the first account stays.

    Returns
    -------
    str
        Its name in the bucket, ``snapshots/<sha256>.parquet``.
    """
    name = f"snapshots/{sha256(content)}.parquet"
    bucket.create(place, name, content)
    bucket.keep_first(place, name.replace(".parquet", ".json"), bucket.as_json(about))
    return name


def publish(
    place: Bucket, market: str, as_of: dt.date, files: dict[str, bytes], about: dict, show: bool = True
) -> Published:
    """Store a forecast set, then point readers to it: objects first, then the manifest, then the pointer.

    The same files on the same day are the same set: a second run writes nothing, and the manifest goes on naming the
    run that came first. A set as of an older day is stored, but never takes the pointer from a newer one.

    Parameters
    ----------
    place : Bucket
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

    Raises
    ------
    Conflict
        If, while we were at it, someone else moved the pointer to another forecast of the same day; theirs stays.
    """
    digest = digest_of(files)
    folder = f"{market}/forecasts/{as_of}/{digest}"
    for name, content in sorted(files.items()):
        bucket.create(place, f"{folder}/{name}", content)
    manifest = {"market": market, "as_of": str(as_of), "digest": digest, "files": _entries(files), "about": about}
    stored, new = bucket.keep_first(place, f"{folder}/manifest.json", bucket.as_json(manifest))
    if json.loads(stored)["files"] != manifest["files"]:
        at = bucket.address(place, folder)
        raise Conflict(f"{at}/manifest.json: lists other files than were stored beside it. {MEND}")
    pointer = {"market": market, "as_of": str(as_of), "digest": digest}
    pointer |= {"manifest": f"{folder}/manifest.json", "manifest_sha256": sha256(stored)}
    moved, latest_now = _point(place, market, pointer) if show else (False, _pointer(place, market)[0])
    url = bucket.address(place, folder)
    return Published(url, digest, new, moved, _message(url, new, moved, pointer, latest_now), pointer)


def put_up(place: Bucket, done: Published, files: dict[str, bytes]) -> None:
    """Show the page, the calendars and the CSV of the latest set at the market's own address; of an older one nothing.

    Raises
    ------
    Problem
        Says that the forecast is published all the same, and how to have what people read follow.
    """
    try:
        for name in SHOWN:
            if name in files:
                _show(place, f"{done.pointer['market']}/{name}", done.pointer, files[name])
    except Problem as problem:
        late = "is published; what people read at the market's own address has yet to follow. Run the day again."
        raise type(problem)(f"{problem}\n{done.url} {late}") from problem


def latest(place: Bucket, market: str) -> ForecastSet | None:
    """The set the pointer names, complete and verified; None if the market was never published.

    Raises
    ------
    DataProblem
        If an object of the set is missing or altered; the message names it.
    """
    shown = pointer(place, market)
    if shown is None:
        return None
    manifest, folder = _manifest(place, shown), shown["manifest"].removesuffix("manifest.json")
    files = {name: _verified(place, folder + name, of["sha256"]) for name, of in manifest["files"].items()}
    return ForecastSet(shown, manifest, files)


def latest_snapshot(place: Bucket, market: str) -> bytes | None:
    """The snapshot that the latest forecast was made from; None if the market was never published.

    Raises
    ------
    DataProblem
        If what leads to it, or the snapshot itself, is missing or altered; the message names it.
    """
    shown = pointer(place, market)
    if shown is None:
        return None
    digest = _manifest(place, shown)["about"]["snapshot"]
    return _verified(place, f"snapshots/{digest}.parquet", digest)


def manifests(place: Bucket, market: str, day: object) -> list[str]:
    """The names of the manifests of all complete sets of a market and day."""
    return [name for name in bucket.names(place, f"{market}/forecasts/{day}/") if name.endswith("/manifest.json")]


def about(place: Bucket, folder: str) -> dict:
    """What the manifest of a stored set says of its making: model version, snapshot, MLflow run; unverified."""
    return dict(json.loads(bucket.read(place, f"{folder}/manifest.json"))["about"])


def pointer(place: Bucket, market: str) -> dict | None:
    """What ``latest.json`` says, unverified: the day and the digest of the set that readers see; None without one."""
    return _pointer(place, market)[0] or None


def sets(place: Bucket, market: str) -> dict[str, list[str]]:
    """The folders of all complete forecast sets of a market, by the day they stood on; of a day the oldest first."""
    stored = bucket.listed(place, f"{market}/forecasts/")
    found: dict[str, list[str]] = {}
    for blob in sorted(stored, key=lambda blob: (blob.time_created, blob.name)):
        folder, _, name = blob.name.rpartition("/")
        if name == "manifest.json":
            found.setdefault(folder.split("/")[-2], []).append(folder)
    return found


def read_set(place: Bucket, folder: str, name: str) -> tuple[dict, bytes]:
    """The manifest of a stored set, and one of the files it lists, verified.

    Raises
    ------
    DataProblem
        If one of the two is missing or altered; the message names it.
    """
    manifest = json.loads(bucket.read(place, f"{folder}/manifest.json"))
    return manifest, _verified(place, f"{folder}/{name}", manifest["files"][name]["sha256"])


def annotate(place: Bucket, market: str, sentence: str) -> None:
    """Say something above the market's page, which goes on showing the latest forecast with its true date."""
    shown = latest(place, market)
    if shown is None or "index.html" not in shown.files:
        return
    said = f'<p role="alert"><strong>{html.escape(sentence)}</strong></p>'.encode()
    page = re.sub(rb"<body[^>]*>", lambda body: body[0] + said, shown.files["index.html"], count=1)
    _show(place, f"{market}/index.html", shown.pointer, page)


def digest_of(files: dict[str, bytes]) -> str:
    """Name of a set by what it holds: equal names and bytes, equal digest."""
    return sha256(bucket.as_json(sorted((name, sha256(content)) for name, content in files.items())))[:16]


def _point(place: Bucket, market: str, ours: dict) -> tuple[bool, dict]:
    """Whether we moved the pointer, and what it says now."""
    for lost in range(ROUNDS):
        there, generation = _pointer(place, market)
        if there == ours or (generation and there["as_of"] > ours["as_of"]):
            return False, there
        if lost and there.get("as_of") == ours["as_of"]:
            break
        if bucket.write(place, f"{market}/latest.json", bucket.as_json(ours), replaces=generation):
            return True, ours
    at, theirs = bucket.address(place, market), f"{there.get('as_of')}/{there.get('digest')}"
    raise Conflict(
        f"{at}/latest.json: someone else moved it to {theirs} "
        f"meanwhile, theirs stays. Ours is stored as {ours['digest']}; run the day again if it is the one to show."
    )


def _show(place: Bucket, name: str, ours: dict, page: bytes) -> None:
    """Put up the page while the pointer is ours; in this order a slow writer cannot bring back an older page."""
    for _ in range(ROUNDS):
        there = bucket.state(place, name)
        if (there and there.crc32c == bucket.checksum(page)) or _pointer(place, ours["market"])[0] != ours:
            return
        if bucket.write(place, name, page, replaces=there.generation if there else 0):
            return
    raise Conflict(f"{bucket.address(place, name)}: others keep replacing it. Run the day again.")


def _message(url: str, new: bool, moved: bool, ours: dict, there: dict) -> str:
    if moved:
        return f"{'published' if new else 'already stored, now the latest'}: {url}"
    if there == ours:
        return f"nothing new: {url} is already the latest forecast of {ours['market']}"
    if not there:
        return f"stored, not shown: {url}"
    return f"stored, not shown: {url} — the latest forecast remains {there['as_of']}"


def _pointer(place: Bucket, market: str) -> tuple[dict, int]:
    """What the pointer says and its generation; nothing and 0 if there is none."""
    name = f"{market}/latest.json"
    try:
        content, generation = bucket.get(place, name)
    except bucket.Missing:
        return {}, 0
    try:
        pointer = json.loads(content)
        pointer["as_of"], pointer["digest"], pointer["manifest"], pointer["manifest_sha256"]
    except (ValueError, TypeError, KeyError) as error:
        at = bucket.address(place, name)
        raise DataProblem(f"{at}: not a pointer ({error!r}). Restore an earlier generation.") from error
    return pointer, generation


def _manifest(place: Bucket, shown: dict) -> dict:
    return dict(json.loads(_verified(place, shown["manifest"], shown["manifest_sha256"])))


def _verified(place: Bucket, name: str, digest: str) -> bytes:
    content = bucket.read(place, name)
    if sha256(content) != digest:
        raise DataProblem(f"{bucket.address(place, name)}: altered since it was published (sha256). {MEND}")
    return content


def _entries(files: dict[str, bytes]) -> dict[str, dict]:
    return {
        name: {"size": len(content), "sha256": sha256(content), "crc32c": bucket.checksum(content)}
        for name, content in sorted(files.items())
    }
