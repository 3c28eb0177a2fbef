"""Google Cloud Storage: objects created once, and one small pointer per market that says which set is the latest.

    <market>/latest.json                          pointer, replaced by compare-and-set, never backwards
    <market>/forecasts/<as_of>/<digest>/          manifest.json and the files it lists, all created once
    <market>/index.html                           the page of the latest, and beside it the files it links to
    ledger/<number>.json                          who is champion since when, see `flows.ledger`
    <market>/scores.parquet                       how good they were, replaced by compare-and-set
    snapshots/<sha256>.parquet, .json             what forecasts were made from, and where it came from

Every write carries a precondition and a mark of its writer, so that a repeated request can neither overwrite another
writer nor mistake its own success for somebody else's.
"""

import base64
import datetime as dt
import html
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import google_crc32c
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, Unauthorized
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Blob, Bucket, Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from footfall.problems import Conflict, DataProblem, EnvironmentProblem, UsageProblem
from footfall.series import sha256

ROUNDS = 20  # lost races before giving up; each one means that another writer got through
TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
SHOWN = ("forecast.csv", "week.ics", "semana.ics", "index.html")  # at addresses that stay, for people and calendars
MEND = "Remove it and run the day again: equal inputs give equal bytes."
ALTERED = f"its bytes do not match its checksum (crc32c). {MEND}"


class Missing(DataProblem):
    """An object that is not there, in a bucket that is."""


@dataclass(frozen=True)
class Published:
    """What became of one forecast set: where it is, whether it is `new`, whether it `moved` the pointer."""

    url: str
    digest: str
    new: bool
    moved: bool
    message: str


@dataclass(frozen=True)
class ForecastSet:
    """One complete, verified set: the pointer that led to it, its manifest, and every file it lists."""

    pointer: dict
    manifest: dict
    files: dict[str, bytes]


def connect(name: str) -> Bucket:
    """The bucket called `name`; no request is made yet.

    Raises
    ------
    EnvironmentProblem
        If there are no credentials, or if ``STORAGE_EMULATOR_HOST`` is set where it must not be.
    UsageProblem
        If no bucket can have that name.
    """
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")  # else it asks for the bucket too
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    if emulator:
        _refuse_emulator_in_earnest(emulator, name)
    try:  # no call here needs the project, but without one the client looks for it, and may fail
        return Client(project="footfall", credentials=AnonymousCredentials() if emulator else None).bucket(name)
    except GoogleAuthError as error:
        advice = "Set GOOGLE_APPLICATION_CREDENTIALS, or STORAGE_EMULATOR_HOST for a bucket on this machine."
        raise EnvironmentProblem(f"gs://{name}: no credentials ({_brief(error)}). {advice}") from error
    except ValueError as error:
        raise UsageProblem(f"gs://{name}: {error}") from error


def create(bucket: Bucket, name: str, content: bytes, content_type: str | None = None) -> bool:
    """Create one object, once.

    Returns
    -------
    bool
        True if this call created it, False if it was already there, byte for byte.

    Raises
    ------
    Conflict
        If the name is taken by other content, which stays.
    """
    if _write(bucket, name, content, content_type=content_type):
        return True
    if read(bucket, name) == content:
        return False
    raise Conflict(f"{_url(bucket, name)}: someone else wrote it first, and it is not the same. Theirs stays.")


def create_first(bucket: Bucket, name: str, content: bytes) -> bool:
    """Create one object unless the name is taken, by whatever it be; whether this call created it."""
    return _write(bucket, name, content)


def read(bucket: Bucket, name: str) -> bytes:
    """The content of one object, verified against its crc32c.

    Raises
    ------
    Missing
        If the object is not there.
    DataProblem
        If its bytes do not match its checksum.
    """
    return _get(bucket, name)[0]


def names(bucket: Bucket, prefix: str) -> list[str]:
    """The names of all objects that start with `prefix`, sorted."""
    with _answering(bucket, prefix, "storage.objects.list"):
        return _retried(_listed)(bucket, prefix=prefix)


def lacking(bucket: Bucket) -> list[str]:
    """The permissions that this process lacks, tried one by one on an object under ``doctor/`` that does not stay."""
    name, missing = f"doctor/{uuid.uuid4().hex}.json", []
    attempts: dict[str, Callable[[], object]] = {
        "storage.objects.create": lambda: create(bucket, name, b"{}\n"),
        "storage.objects.list": lambda: names(bucket, "doctor/"),
        "storage.objects.get": lambda: _state(bucket, name),
        "storage.objects.delete": lambda: _remove(bucket, name),
    }
    for permission, attempt in attempts.items():
        try:
            attempt()
        except EnvironmentProblem as problem:
            if not isinstance(problem.__cause__, Unauthorized | Forbidden):
                raise
            missing.append(permission)
    return missing


def _remove(bucket: Bucket, name: str) -> None:
    """Take away what was only a probe; to replace a pointer takes the same permission."""
    with _answering(bucket, name, "storage.objects.delete"):
        _retried(bucket.delete_blobs)([name], on_error=lambda _: None)


def annotate(bucket: Bucket, market: str, sentence: str) -> None:
    """Say something above the market's page, which goes on showing the latest forecast with its true date."""
    shown = latest(bucket, market)
    if shown is None or "index.html" not in shown.files:
        return
    said = f'<p role="alert"><strong>{html.escape(sentence)}</strong></p>'.encode()
    page = re.sub(rb"<body[^>]*>", lambda body: body[0] + said, shown.files["index.html"], count=1)
    _show(bucket, market, shown.pointer, page)


def keep_snapshot(bucket: Bucket, content: bytes, about: dict) -> str:
    """Keep a snapshot under its own sha256, and beside it what is known `about` it; the first account stays.

    Returns
    -------
    str
        Its name in the bucket, ``snapshots/<sha256>.parquet``.
    """
    name = f"snapshots/{sha256(content)}.parquet"
    create(bucket, name, content)
    _keep_first(bucket, name.replace(".parquet", ".json"), _json(about))
    return name


def publish(
    bucket: Bucket, market: str, as_of: dt.date, files: dict[str, bytes], about: dict, show: bool = True
) -> Published:
    """Store a forecast set, then point readers to it: objects first, then the manifest, then the pointer.

    The same files on the same day are the same set: a second run writes nothing, and the manifest goes on naming the
    run that came first. A set as of an older day is stored, but never takes the pointer from a newer one.

    Parameters
    ----------
    bucket : Bucket
        From `connect`.
    market : str
        Folder of the market, such as ``portugal``.
    as_of : date
        The day the run stood on.
    files : dict of str to bytes
        The set; the page, the calendars and the CSV, if among them, are also shown at the market's own address.
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
        create(bucket, f"{folder}/{name}", content)
    manifest = {"market": market, "as_of": str(as_of), "digest": digest, "files": _entries(files), "about": about}
    stored, new = _keep_first(bucket, f"{folder}/manifest.json", _json(manifest))
    if json.loads(stored)["files"] != manifest["files"]:
        raise Conflict(f"{_url(bucket, folder)}/manifest.json: lists other files than were stored beside it. {MEND}")
    pointer = {"market": market, "as_of": str(as_of), "digest": digest}
    pointer |= {"manifest": f"{folder}/manifest.json", "manifest_sha256": sha256(stored)}
    moved, latest_now = _point(bucket, market, pointer) if show else (False, _pointer(bucket, market)[0])
    for name in SHOWN if show else ():
        if name in files:
            _show(bucket, f"{market}/{name}", pointer, files[name])
    url = _url(bucket, folder)
    return Published(url, digest, new, moved, _message(url, new, moved, pointer, latest_now))


def latest(bucket: Bucket, market: str) -> ForecastSet | None:
    """The set the pointer names, complete and verified; None if the market was never published.

    Raises
    ------
    DataProblem
        If an object of the set is missing or altered; the message names it.
    """
    pointer, generation = _pointer(bucket, market)
    if not generation:
        return None
    manifest = json.loads(_verified(bucket, pointer["manifest"], pointer["manifest_sha256"]))
    folder = pointer["manifest"].removesuffix("manifest.json")
    files = {name: _verified(bucket, folder + name, of["sha256"]) for name, of in manifest["files"].items()}
    return ForecastSet(pointer, manifest, files)


def manifests(bucket: Bucket, market: str, day: object = "") -> list[str]:
    """The names of the manifests of all complete sets of a market, oldest first; of all days or of one."""
    found = names(bucket, f"{market}/forecasts/{day}/" if day else f"{market}/forecasts/")
    return [name for name in found if name.endswith("/manifest.json")]


def pointer(bucket: Bucket, market: str) -> dict | None:
    """What ``latest.json`` says, unverified: the day and the digest of the set that readers see; None without one."""
    return _pointer(bucket, market)[0] or None


def sets(bucket: Bucket, market: str) -> dict[str, list[str]]:
    """The folders of all complete forecast sets of a market, by the day they stood on; of a day the oldest first."""
    with _answering(bucket, f"{market}/forecasts/", "storage.objects.list"):
        stored = _retried(lambda **how: list(bucket.client.list_blobs(bucket, **how)))(prefix=f"{market}/forecasts/")
    found: dict[str, list[str]] = {}
    for blob in sorted(stored, key=lambda blob: (blob.time_created, blob.name)):
        folder, _, name = blob.name.rpartition("/")
        if name == "manifest.json":
            found.setdefault(folder.split("/")[-2], []).append(folder)
    return found


def read_set(bucket: Bucket, folder: str, name: str) -> tuple[dict, bytes]:
    """The manifest of a stored set, and one of the files it lists, verified.

    Raises
    ------
    DataProblem
        If one of the two is missing or altered; the message names it.
    """
    manifest = json.loads(read(bucket, f"{folder}/manifest.json"))
    return manifest, _verified(bucket, f"{folder}/{name}", manifest["files"][name]["sha256"])


def amend(bucket: Bucket, name: str, change: Callable[[bytes | None], bytes | None]) -> bool:
    """Replace an object by what `change` makes of it, of None if it is not there; nobody's write is lost.

    Returns
    -------
    bool
        Whether this call wrote; False where `change` gave back what is there.

    Raises
    ------
    Conflict
        If others keep replacing it.
    """
    for _ in range(ROUNDS):
        there, generation = _get_if_there(bucket, name)
        content = change(there)
        if content is None or content == there:
            return False
        if _write(bucket, name, content, replaces=generation):
            return True
    raise Conflict(f"{_url(bucket, name)}: others keep replacing it. Run the day again.")


def _get_if_there(bucket: Bucket, name: str) -> tuple[bytes | None, int]:
    try:
        return _get(bucket, name)
    except Missing:
        return None, 0


def digest_of(files: dict[str, bytes]) -> str:
    """Name of a set by what it holds: equal names and bytes, equal digest."""
    return sha256(_json(sorted((name, sha256(content)) for name, content in files.items())))[:16]


def _point(bucket: Bucket, market: str, ours: dict) -> tuple[bool, dict]:
    """Whether we moved the pointer, and what it says now."""
    for lost in range(ROUNDS):
        there, generation = _pointer(bucket, market)
        if there == ours or (generation and there["as_of"] > ours["as_of"]):
            return False, there
        if lost and there.get("as_of") == ours["as_of"]:
            break
        if _write(bucket, f"{market}/latest.json", _json(ours), replaces=generation):
            return True, ours
    raise Conflict(
        f"{_url(bucket, market)}/latest.json: someone else moved it to {there.get('as_of')}/{there.get('digest')} "
        f"meanwhile, theirs stays. Ours is stored as {ours['digest']}; run the day again if it is the one to show."
    )


def _show(bucket: Bucket, name: str, ours: dict, page: bytes) -> None:
    """Put up the page while the pointer is ours; in this order a slow writer cannot bring back an older page."""
    for _ in range(ROUNDS):
        there = _state(bucket, name)
        if (there and there.crc32c == _crc32c(page)) or _pointer(bucket, ours["market"])[0] != ours:
            return
        if _write(bucket, name, page, replaces=there.generation if there else 0):
            return
    raise Conflict(f"{_url(bucket, name)}: others keep replacing it. Run the day again.")


def _message(url: str, new: bool, moved: bool, ours: dict, there: dict) -> str:
    if moved:
        return f"{'published' if new else 'already stored, now the latest'}: {url}"
    if there == ours:
        return f"nothing new: {url} is already the latest forecast of {ours['market']}"
    if not there:
        return f"stored, not shown: {url}"
    return f"stored, not shown: {url} — the latest forecast remains {there['as_of']}"


def _pointer(bucket: Bucket, market: str) -> tuple[dict, int]:
    """What the pointer says and its generation; nothing and 0 if there is none."""
    name = f"{market}/latest.json"
    try:
        content, generation = _get(bucket, name)
    except Missing:
        return {}, 0
    try:
        pointer = json.loads(content)
        pointer["as_of"], pointer["digest"], pointer["manifest"], pointer["manifest_sha256"]
    except (ValueError, TypeError, KeyError) as error:
        raise DataProblem(f"{_url(bucket, name)}: not a pointer ({error!r}). Restore an earlier generation.") from error
    return pointer, generation


def _verified(bucket: Bucket, name: str, digest: str) -> bytes:
    content = read(bucket, name)
    if sha256(content) != digest:
        raise DataProblem(f"{_url(bucket, name)}: altered since it was published (sha256). {MEND}")
    return content


def _keep_first(bucket: Bucket, name: str, content: bytes) -> tuple[bytes, bool]:
    """The content that came first under this name, and whether it is ours."""
    if _write(bucket, name, content):
        return content, True
    return read(bucket, name), False


def _entries(files: dict[str, bytes]) -> dict[str, dict]:
    return {name: {"size": len(c), "sha256": sha256(c), "crc32c": _crc32c(c)} for name, c in sorted(files.items())}


def _write(
    bucket: Bucket, name: str, content: bytes, replaces: int | None = None, content_type: str | None = None
) -> bool:
    """Create an object, or replace the generation that was read; whether it was this call that wrote it."""
    blob = bucket.blob(name)
    blob.metadata = {"writer": uuid.uuid4().hex}
    if replaces is not None:
        blob.cache_control = "no-cache"
    kind = content_type or TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    with _answering(bucket, name, "storage.objects.create and, to replace, storage.objects.delete"):
        try:
            _retried(blob.upload_from_string)(content, kind, if_generation_match=replaces or 0, checksum="crc32c")
        except PreconditionFailed:
            return _is_ours(bucket, name, blob.metadata["writer"])
    if blob.crc32c != _crc32c(content):
        raise DataProblem(f"{_url(bucket, name)}: arrived altered (crc32c). {MEND}")
    return True


def _is_ours(bucket: Bucket, name: str, writer: str) -> bool:
    """Whether what stands in our way is our own write, its reply lost and the request repeated."""
    there = _state(bucket, name)
    return bool(there and there.metadata and there.metadata.get("writer") == writer)


def _get(bucket: Bucket, name: str) -> tuple[bytes, int]:
    blob = bucket.blob(name)
    with _answering(bucket, name, "storage.objects.get"):
        try:
            content = _retried(blob.download_as_bytes)(checksum="crc32c")
        except NotFound:
            raise _absent(bucket, name) from None
    if blob.crc32c != _crc32c(content):
        raise DataProblem(f"{_url(bucket, name)}: {ALTERED}")
    return content, blob.generation


def _absent(bucket: Bucket, name: str) -> Missing:
    """The object is missing – unless listing finds that the whole bucket is."""
    _retried(_listed)(bucket, max_results=1)
    return Missing(f"{_url(bucket, name)}: not there. {MEND}")


def _state(bucket: Bucket, name: str) -> Blob | None:
    """Generation, checksum and metadata of an object; None if it is not there."""
    with _answering(bucket, name, "storage.objects.get"):
        return _retried(bucket.get_blob)(name)


@contextmanager
def _answering(bucket: Bucket, name: str, permission: str) -> Iterator[None]:
    """Say what the library's errors mean for the object at hand."""
    where = _url(bucket, name)
    try:
        yield
    except (Unauthorized, Forbidden, GoogleAuthError) as error:
        advice = f"Grant this process {permission} on the bucket {bucket.name}, or name another bucket."
        raise EnvironmentProblem(f"{where}: not allowed ({_brief(error)}). {advice}") from error
    except NotFound as error:
        raise EnvironmentProblem(f"{where}: no bucket is called {bucket.name}. Create it, or name another.") from error
    except DataCorruption as error:
        raise DataProblem(f"{where}: {ALTERED}") from error
    except (GoogleAPIError, OSError) as error:  # those of requests are OSErrors
        advice = f"Retried for up to {_deadline():g} s; run again when the storage answers."
        raise EnvironmentProblem(f"{where}: {_brief(error)}. {advice}") from error


def _retried(call: Callable) -> Callable:
    """A request repeated as the library would, but as a whole: its own way gives up on a reply cut after its status,
    and checks no sum of a download it resumed. Any of ours may be repeated: each has a precondition, or only reads."""
    repeat = DEFAULT_RETRY.with_delay(initial=0.2, maximum=8).with_timeout(_deadline())
    return repeat(partial(call, retry=None, timeout=_deadline() / 3))


def _listed(bucket: Bucket, **options: object) -> list[str]:
    return [blob.name for blob in bucket.client.list_blobs(bucket, **options)]


def _deadline() -> float:
    return float(os.environ.get("FOOTFALL_BUCKET_DEADLINE", 60))


def _refuse_emulator_in_earnest(emulator: str, name: str) -> None:
    host = urlsplit(emulator).hostname or ""
    if os.environ.get("FOOTFALL_ENV") == "production":
        raise EnvironmentProblem(f"gs://{name}: FOOTFALL_ENV is production. Unset STORAGE_EMULATOR_HOST.")
    if host != "localhost" and not re.fullmatch(r"127(\.\d+){3}|::1", host):
        advice = "Set it as http://127.0.0.1:<port>, or unset it to reach Google's storage."
        raise EnvironmentProblem(f"gs://{name}: STORAGE_EMULATOR_HOST must be on this machine. {advice}")


def _brief(error: Exception) -> str:
    """The library's message without the request and its stack."""
    cause = getattr(error, "cause", None) or error
    return f"{getattr(cause, 'code', '') or type(cause).__name__}: {str(cause).splitlines()[0][:200]}"


def _url(bucket: Bucket, name: str) -> str:
    return f"gs://{bucket.name}/{name}"


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def _json(table: dict | list) -> bytes:
    return json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
