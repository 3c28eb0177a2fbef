"""Google Cloud Storage: objects that are created once, or replaced only as what they were read as.

Every write carries a precondition and a mark of its writer, so that a repeated request can neither overwrite another
writer nor mistake its own success for somebody else's.
"""

import base64
import json
import math
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

import google_crc32c
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, Unauthorized
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Blob, Client
from google.cloud.storage import Bucket as Bucket
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from flows.settings import bucket_is_ours, bucket_name
from flows.storage import layout
from footfall.errors import Conflict, DataProblem, EnvironmentProblem, UsageProblem

ROUNDS = 20  # lost races before giving up; each one means that another writer got through
TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
REMEDY = "Remove it and run the day again: equal inputs give equal bytes."
RESTORE = "Restore it from the bucket's versions: no run makes it again."
DEADLINE = "FOOTFALL_BUCKET_DEADLINE"
ALTERED = "its bytes do not match its checksum (crc32c)."


class Missing(DataProblem):
    """An object that is not there, in a bucket that is."""


def connect(name: str = "") -> Bucket:
    """The bucket called `name`, else the one that everything goes to; no request is made yet.

    Raises
    ------
    EnvironmentProblem
        If there are no credentials, or if ``STORAGE_EMULATOR_HOST`` is set where it must not be.
    UsageProblem
        If no bucket can have that name.
    """
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")  # else it asks for the bucket too
    name, emulator = name or bucket_name(), os.environ.get("STORAGE_EMULATOR_HOST")
    if emulator:
        _refuse_emulator_in_earnest(emulator, name)
    try:  # no call here needs the project, but without one the client looks for it, and may fail
        credentials = AnonymousCredentials() if emulator else None
        return Client(project="footfall", credentials=credentials).bucket(name)
    except GoogleAuthError as error:
        advice = "Set GOOGLE_APPLICATION_CREDENTIALS, or STORAGE_EMULATOR_HOST for a bucket on this machine."
        raise EnvironmentProblem(f"gs://{name}: no credentials ({_brief(error)}). {advice}") from error
    except ValueError as error:
        raise UsageProblem(f"gs://{name}: {error}") from error


def create(bucket: Bucket, name: str, content: bytes) -> None:
    """Create one object, once; it may be there already, byte for byte.

    Raises
    ------
    Conflict
        If the name is taken by other content, which stays.
    """
    if write(bucket, name, content) or read(bucket, name) == content:
        return
    theirs = "someone else wrote it first, and it is not the same. Theirs stays."
    raise Conflict(f"{address(bucket, name)}: {theirs} Look who else writes there; if nobody does: {remedy(name)}")


def read(bucket: Bucket, name: str) -> bytes:
    """The content of one object, verified against its crc32c.

    Raises
    ------
    Missing
        If the object is not there.
    DataProblem
        If its bytes do not match its checksum.
    """
    return get(bucket, name)[0]


def names(bucket: Bucket, prefix: str, delimiter: str | None = None) -> list[str]:
    """The names of all objects that start with `prefix`, and have no `delimiter` after it, sorted: 1000 a request."""
    return [blob.name for blob in listed(bucket, prefix, delimiter=delimiter, fields="items(name),nextPageToken")]


def listed(bucket: Bucket, prefix: str, **options: str | None) -> list[Blob]:
    """All objects whose names start with `prefix`, with what the storage knows of them, by name."""
    with _answering(bucket, prefix, "storage.objects.list"):
        return cast(list[Blob], _retried(_listed)(bucket, prefix=prefix, **options))


def lacking(bucket: Bucket) -> list[str]:
    """The permissions that this process lacks, tried one by one on an object that does not stay."""
    name, missing = layout.probe(), []
    attempts: dict[str, Callable[[], object]] = {
        "storage.objects.create": lambda: create(bucket, name, b"{}\n"),
        "storage.objects.list": lambda: names(bucket, name),
        "storage.objects.get": lambda: state(bucket, name),
        "storage.objects.delete": lambda: remove(bucket, name),
    }
    for permission, attempt in attempts.items():
        try:
            attempt()
        except EnvironmentProblem as problem:
            if not isinstance(problem.__cause__, Unauthorized | Forbidden):
                raise
            missing.append(permission)
    return missing


def remove(bucket: Bucket, name: str, generation: int | None = None) -> None:
    """Take an object away, only if it is still of that generation; to replace one takes the same permission."""
    with _answering(bucket, name, "storage.objects.delete"), suppress(PreconditionFailed):
        _retried(bucket.delete_blobs)([name], on_error=lambda _: None, if_generation_match=[generation])


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
        current, generation = get_if_there(bucket, name)
        content = change(current)
        if content is None or content == current:
            return False
        if write(bucket, name, content, replaces=generation):
            return True
    raise Conflict(f"{address(bucket, name)}: others keep replacing it. Run the day again.")


def get_if_there(bucket: Bucket, name: str) -> tuple[bytes | None, int]:
    """As `get`; None and 0 where there is no such object."""
    with suppress(Missing):
        return get(bucket, name)
    return None, 0


def keep_first(bucket: Bucket, name: str, content: bytes) -> tuple[bytes, bool]:
    """The content that came first under this name, and whether it is ours."""
    if write(bucket, name, content):
        return content, True
    return read(bucket, name), False


def write(bucket: Bucket, name: str, content: bytes, replaces: int | None = None) -> bool:
    """Create an object, or replace the generation that was read; whether it was this call that wrote it."""
    blob = bucket.blob(name)
    blob.metadata = {"writer": uuid.uuid4().hex}
    if replaces is not None:
        blob.cache_control = "no-cache"
    content_type = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    with _answering(bucket, name, "storage.objects.create and, to replace, storage.objects.delete"):
        try:
            upload = _retried(blob.upload_from_string)
            upload(content, content_type, if_generation_match=replaces or 0, checksum="crc32c")
        except PreconditionFailed:
            return _is_ours(bucket, name, blob.metadata["writer"])
    if blob.crc32c != checksum(content):
        raise DataProblem(f"{address(bucket, name)}: arrived altered (crc32c). {remedy(name)}")
    return True


def _is_ours(bucket: Bucket, name: str, writer: str) -> bool:
    """Whether what stands in our way is our own write, its reply lost and the request repeated."""
    blob = state(bucket, name)
    return bool(blob and blob.metadata and blob.metadata.get("writer") == writer)


def get(bucket: Bucket, name: str) -> tuple[bytes, int]:
    """The content of an object, verified, and its generation.

    Raises as `read`.
    """
    blob = bucket.blob(name)
    # Google says of an object that is not there only whoever may list
    with _answering(bucket, name, "storage.objects.get and storage.objects.list"):
        try:
            content = _retried(blob.download_as_bytes)(checksum="crc32c")
        except NotFound:
            raise _absent(bucket, name) from None
    if blob.crc32c != checksum(content):
        raise DataProblem(f"{address(bucket, name)}: {ALTERED} {remedy(name)}")
    return content, blob.generation


def _absent(bucket: Bucket, name: str) -> Missing:
    """The object is missing – unless listing finds that the whole bucket is."""
    _retried(_listed)(bucket, max_results=1)
    return Missing(f"{address(bucket, name)}: not there. {remedy(name).removeprefix('Remove it and ').capitalize()}")


def remedy(name: str) -> str:
    """What to do about an object that is not as it must be: only what a run makes again may be removed."""
    return REMEDY if layout.is_made_again(name) else RESTORE


def state(bucket: Bucket, name: str) -> Blob | None:
    """Generation, checksum and metadata of an object; None if it is not there."""
    with _answering(bucket, name, "storage.objects.get"):
        return cast(Blob | None, _retried(bucket.get_blob)(name))


@contextmanager
def _answering(bucket: Bucket, name: str, permission: str) -> Iterator[None]:
    """Say what the library's errors mean for the object at hand."""
    where = address(bucket, name)
    try:
        yield
    except (Unauthorized, Forbidden, GoogleAuthError) as error:
        advice = f"Grant this process {permission} on the bucket {bucket.name}, or name another bucket."
        if not isinstance(error, Forbidden):  # it is not known who asks
            advice += " Look at its credentials too (GOOGLE_APPLICATION_CREDENTIALS): they may be missing or too old."
        raise EnvironmentProblem(f"{where}: not allowed ({_brief(error)}). {advice}") from error
    except NotFound as error:
        copied = "Was this home copied without extended attributes? Copy it with cp -a, or tar --xattrs."
        advice = copied if bucket_is_ours() else "Create it, or name another."
        raise EnvironmentProblem(f"{where}: no bucket is called {bucket.name}. {advice}") from error
    except DataCorruption as error:
        raise DataProblem(f"{where}: {ALTERED} {remedy(name)}") from error
    except (GoogleAPIError, OSError) as error:  # those of requests are OSErrors
        advice = f"Retried for up to {_deadline():g} s; run again when the storage answers."
        raise EnvironmentProblem(f"{where}: {_brief(error)}. {advice}") from error


def _retried(call: Callable[..., Any]) -> Callable[..., Any]:
    """A request repeated as the library would, but as a whole: its own way gives up on a reply cut after its status,
    and checks no sum of a download it resumed. Any of ours may be repeated: each has a precondition, or only reads."""
    repeat = DEFAULT_RETRY.with_delay(initial=0.2, maximum=8).with_timeout(_deadline())
    return cast(Callable[..., Any], repeat(partial(call, retry=None, timeout=_deadline() / 3)))


def _listed(bucket: Bucket, **options: object) -> list[Blob]:
    return list(bucket.client.list_blobs(bucket, **options))


def _deadline() -> float:
    """Seconds that a request may take with all its tries."""
    text = os.environ.get(DEADLINE) or "60"
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise EnvironmentProblem(f"{DEADLINE} is {text[:40]!r}: write seconds, as in 60, or unset it")
    return seconds


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
    return f"{getattr(cause, 'code', '') or type(cause).__name__}: {str(cause)[:200].partition(chr(10))[0]}"


def address(bucket: Bucket, name: str) -> str:
    """The object's full name, gs://bucket/name."""
    return f"gs://{bucket.name}/{name}"


def checksum(content: bytes) -> str:
    """Its crc32c, as the storage writes it."""
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def as_table(bucket: Bucket, name: str, content: bytes, what: str, *keys: str) -> dict[str, Any]:
    """What an object of ours holds that is JSON, the reverse of `as_json`.

    Raises
    ------
    DataProblem
        If it is not `what` it should be, such as a manifest: no JSON, or without one of these keys.
    """
    try:
        table = dict(json.loads(content))
        if missing := [key for key in keys if key not in table]:
            raise ValueError(f"without {', '.join(missing)}")
    except (ValueError, TypeError) as error:
        raise DataProblem(f"{address(bucket, name)}: not {what} ({error}). {remedy(name)}") from error
    return table


def as_json(table: dict[str, Any] | list[Any]) -> bytes:
    """A table's bytes; equal tables, equal bytes."""
    return json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
