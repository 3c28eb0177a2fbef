"""A source of figures, brought to this machine whole or not at all."""

import gzip
import ipaddress
import netrc
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import anyio
import httpx
from anyio.from_thread import start_blocking_portal
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from flows.masking import masked
from flows.proxies import by_way_of, settle_proxies
from flows.settings import ROOT, params_folder
from flows.sources import http_cache
from flows.storage import bucket as storage
from footfall.digest import sha256
from footfall.errors import DataProblem, EnvironmentProblem, UsageProblem
from footfall.sources import integrity
from footfall.sources.integrity import CSV, EXCEL, GZIP, HTML, JSON, NAMED, PARQUET, UTF16, XML, ZIP

SAMPLE = ROOT / "resources" / "sample"
REDIRECTS = 5
STALL = 30  # seconds without a byte before a connection is given up and tried again
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
SUFFIXES = {ZIP: ".zip", GZIP: ".csv.gz", CSV: ".csv"}  # what a report may be
EXPORTS = {CSV: ".csv", UTF16: ".csv", GZIP: ".csv.gz", EXCEL: ".xlsx", PARQUET: ".parquet", XML: ".xml"}
ANSWERS, TEXTS = {JSON: ".json"}, {CSV: ".csv"}  # what an interface may be, and a plain table
WORDS = {ZIP: "a zip file", CSV: "a text file", HTML: "a web page"}  # for whoever has only the address
LATER = "Try later, or download it yourself and give the path."
SMALLER = "Nothing of it was used; name a smaller file, or correct the address."
LOGIN = "It wants a user and a password: write them into ~/.netrc, or correct them there."
REFUSALS = {401: LOGIN, 403: LOGIN, 404: "Correct the address.", 410: "It is gone for good: name another source."}
NO_EXPORT, NO_REPORT = "a CSV, Excel, Parquet or SAF-T file", "a zip, gzip or csv file"


class DownloadLimits(NamedTuple):
    """What one download may cost: seconds in all, bytes on the wire, bytes once unpacked, tries and the first pause."""

    seconds: float = 900
    size: int = 1_000_000_000
    unpacked: int = integrity.LARGEST
    attempts: int = 4
    pause: float = 0.5


USUAL = DownloadLimits()


class _Transient(Exception):
    """An answer that may well be better the next time."""


class _Unchanged(Exception):
    """What was fetched the last time is what there is."""


def fetch(
    source: str,
    folder: str | Path,
    limits: DownloadLimits = USUAL,
    kinds: dict[str, str] = SUFFIXES,
    kept_in: Path | None = None,
) -> Path:
    """Bring a source to a local path.

    Parameters
    ----------
    source : str
        ``sample`` for the bundled figures; an https address (http on this machine only); an object or a folder on
        ``gs://``; or a local file or folder, which is looked for beside the markets' files first.
    folder : str or Path
        Where a download is kept, under the last part of its address. Nothing is there before it is whole.
    limits : DownloadLimits
        What the download may cost.
    kinds : dict
        What it may be, by `footfall.sources.integrity.kind`, and the suffix of each: `SUFFIXES` or `EXPORTS`.
    kept_in : Path, optional
        Where the last download of each address is kept; a server that can tell is asked only for what is new.

    Returns
    -------
    Path
        The file or folder to read.

    Raises
    ------
    UsageProblem
        If `source` is no address this accepts and no local path.
    EnvironmentProblem
        If it cannot be had, or not within the limits.
    DataProblem
        If what arrived is not what its name says, or is cut.
    """
    if source == "sample":
        return SAMPLE
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:/", source):
        return _local(source)
    if source.startswith("gs://"):
        return _from_bucket(source, Path(folder), limits)
    url, auth = _address(source)
    settle_proxies()
    kept = kept_in and kept_in / sha256(str(url).encode())[:16]
    with _scratch(Path(folder)) as scratch:
        part, conditions = scratch / "download", http_cache.conditions(kept) if kept else {}
        try:
            with start_blocking_portal() as portal:  # its own loop: a flow's loop may already run in this thread
                headers = portal.call(_download, url, auth, part, limits, conditions)
        except _Unchanged:
            return http_cache.recall(kept or Path(), Path(folder))
        is_framed = not {"content-length", "transfer-encoding", "content-encoding"}.isdisjoint(headers)
        path = _keep(part, Path(folder) / _name(url), masked(source), limits.unpacked, is_framed, kinds)
        if kept:
            http_cache.remember(kept, path, headers)
        return path


def _local(source: str) -> Path:
    path = Path(os.path.expanduser(source))  # which leaves a ~ where nobody knows of whom
    beside = params_folder() / path
    if not path.exists() and not beside.exists():
        raise UsageProblem(f"{masked(source)}: no such file or folder. Give a file, a folder or an https address")
    return beside if beside.exists() else path


def _from_bucket(source: str, folder: Path, limits: DownloadLimits) -> Path:
    """One object of a bucket, or all that are right beneath a name, with the times at which they were written."""
    name, _, key = source.removeprefix("gs://").partition("/")
    bucket, prefix = storage.connect(name), key.rstrip("/")
    exact = [blob for blob in storage.listed(bucket, prefix) if blob.name == key]
    beneath = storage.listed(bucket, f"{prefix}/" if prefix else "", delimiter="/")
    blobs = exact or [blob for blob in beneath if blob.name[-1] != "/"]
    if not blobs:
        raise UsageProblem(f"{source}: no such object or folder in the bucket. Correct the address.")
    if (size := sum(blob.size for blob in blobs)) > limits.size:
        too_much = f"{size:,} bytes, larger than the limit of {limits.size:,} bytes"
        raise EnvironmentProblem(f"{source}: {too_much}. Name one object, or a folder that holds less.")
    target = folder / "bucket"
    target.mkdir(parents=True, exist_ok=True)
    for blob in blobs:
        path = target / (_file_name(blob.name.rpartition("/")[2]) or "object")
        path.write_bytes(storage.read(bucket, blob.name))
        os.utime(path, (blob.updated.timestamp(), blob.updated.timestamp()))
    return path if exact else target


def _file_name(name: str) -> str:
    """A name as a file here can have it, and no other name's: what may not be in one, and a dot before it, as %2E."""
    return re.sub(r"[^\w.() -]|^\.", lambda sign: "".join(f"%{byte:02X}" for byte in sign[0].encode()), name)


def _address(source: str) -> tuple[httpx.URL, tuple[str, str] | None]:
    """The address without its credentials, which would otherwise reach logs, and the credentials."""
    try:
        url = httpx.URL(source)
    except (httpx.InvalidURL, ValueError):
        raise UsageProblem(f"{masked(source)}: not an address. Write it as https://host/file.zip") from None
    if not _is_permitted(url):
        rule = "only https is fetched, or http from this machine. Write https://, or give a path."
        raise UsageProblem(f"{masked(source)}: {rule}")
    return url.copy_with(userinfo=b""), (url.username, url.password) if url.userinfo else _from_netrc(url.host)


def _from_netrc(host: str) -> tuple[str, str] | None:
    """User and password for a host in the file ~/.netrc, or the one that NETRC names; curl looks there too."""
    try:
        login = netrc.netrc(os.environ.get("NETRC")).hosts.get(host)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageProblem(f"{error.filename}: {error.strerror}. Let us read it: {host} may need a password") from None
    except netrc.NetrcParseError as error:
        where = f"{error.filename}:{error.lineno}"  # its own words may hold the password
        raise UsageProblem(f"{where}: not a line of a netrc file. Correct it: {host} may need a password") from None
    return (login[0], login[2]) if login else None


def _is_permitted(url: httpx.URL) -> bool:
    return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host)))


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    return False


async def _download(
    url: httpx.URL, auth: tuple[str, str] | None, part: Path, limits: DownloadLimits, conditions: dict[str, str]
) -> httpx.Headers:
    """Bring the body to `part`, trying again where that can help; what the server said of it."""
    tries = AsyncRetrying(
        stop=stop_after_attempt(limits.attempts),
        wait=wait_exponential(multiplier=limits.pause, max=30),
        retry=retry_if_exception_type((httpx.TransportError, _Transient)),
        reraise=True,
    )
    try:
        with anyio.fail_after(limits.seconds):
            return await tries(_try, url, auth, part, limits, conditions)
    except TimeoutError:
        size = part.stat().st_size if part.exists() else 0
        raise _unreachable(url, f"not here after {limits.seconds:g} s ({size:,} bytes came)") from None
    except httpx.InvalidURL as error:
        raise _unreachable(url, f"redirected to what is no address ({error})") from error
    except (httpx.HTTPError, _Transient) as error:
        raise _unreachable(url, f"{error or type(error).__name__} (tried {limits.attempts} times)") from error


async def _try(
    url: httpx.URL, auth: tuple[str, str] | None, part: Path, limits: DownloadLimits, conditions: dict[str, str]
) -> httpx.Headers:
    headers = {"Accept-Encoding": "identity", **conditions}
    async with httpx.AsyncClient(auth=auth, timeout=STALL, headers=headers) as client:
        address = url
        for _ in range(REDIRECTS + 1):
            async with client.stream("GET", address) as answer:
                if answer.status_code == 304 and conditions:
                    raise _Unchanged
                if not answer.next_request:
                    return await _save(answer, url, part, limits)
                address = _redirected(url, answer.next_request.url)
    raise _unreachable(url, f"redirected more than {REDIRECTS} times")


def _redirected(url: httpx.URL, target: httpx.URL) -> httpx.URL:
    """Where a redirect leads; to another host only whoever names that host as the source may go."""
    if not _is_permitted(target):
        raise _unreachable(url, f"redirected to {masked(str(target))}, from where nothing is fetched")
    if target.netloc != url.netloc:
        raise _unreachable(url, f"redirected to {masked(str(target))}; name that as the source if you trust it")
    return target.copy_with(userinfo=b"")


async def _save(answer: httpx.Response, url: httpx.URL, part: Path, limits: DownloadLimits) -> httpx.Headers:
    if answer.status_code in TRANSIENT:
        raise _Transient(f"the server answered {answer.status_code}")
    if answer.status_code != 200:
        raise _unreachable(url, f"the server answered {answer.status_code}", REFUSALS.get(answer.status_code, LATER))
    with part.open("wb") as file:
        async for chunk in answer.aiter_raw():
            file.write(chunk)
            if file.tell() > limits.size:
                raise _unreachable(url, f"larger than the limit of {limits.size:,} bytes", SMALLER)
    encoding = answer.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        _unwrap(part, encoding, url, limits)
    return answer.headers


def _unwrap(part: Path, encoding: str, url: httpx.URL, limits: DownloadLimits) -> None:
    """Undo the encoding of a server that uses one although none was asked for."""
    if encoding not in ("gzip", "x-gzip"):
        raise _unreachable(url, f"sent in the encoding {encoding}, which was not asked for")
    try:
        with gzip.open(part) as packed, part.with_suffix(".plain").open("wb") as plain:
            plain.writelines(integrity.pieces(packed, limits.size))
    except integrity.DAMAGED as error:
        raise _Transient(f"the transfer is cut or damaged ({error})") from error
    except integrity.TooLarge as error:
        raise _unreachable(url, str(error), SMALLER) from error
    part.with_suffix(".plain").replace(part)


def _unreachable(url: httpx.URL, reason: str, advice: str = LATER) -> EnvironmentProblem:
    return EnvironmentProblem(f"{masked(str(url))}{by_way_of(str(url))}: {reason}. {advice}")


def _name(url: httpx.URL) -> str:
    return re.sub(r"[^\w.-]", "_", url.path.rsplit("/", 1)[-1]).lstrip(".")[-100:] or "download"


def _keep(part: Path, path: Path, shown: str, most: int, is_framed: bool, kinds: dict[str, str]) -> Path:
    """Give a download its name, and a suffix if it has none, unless it is something else, cut, or unpacks to too much.

    `is_framed` is whether the server said where it ends; a text file has no other sign of a cut.
    """
    kind, named = integrity.kind_of(part), NAMED.get(path.suffix.lower())
    if kind not in kinds or (named and kinds.get(named) != kinds[kind]):
        expected = WORDS.get(named, named) if named in kinds else _any_of(kinds)
        raise DataProblem(f"{shown}: this is {WORDS.get(kind, kind)}, not {expected}. Correct the address.")
    if kind in (CSV, UTF16, XML, JSON) and not is_framed:
        raise DataProblem(f"{shown}: the server does not say where the file ends, a cut would go unseen. Give a zip.")
    try:
        integrity.check(part, most)
    except integrity.DAMAGED as error:
        raise DataProblem(f"{shown}: cut or damaged ({error}). Fetch it again.") from error
    except integrity.TooLarge as error:
        raise DataProblem(f"{shown}: {error}. Nothing was unpacked; correct the address.") from error
    return part.replace(path if named else path.with_name(path.name + kinds[kind]))


def _any_of(kinds: dict[str, str]) -> str:
    return next(iter(kinds)) if len(kinds) == 1 else NO_EXPORT if kinds is EXPORTS else NO_REPORT


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder in `folder` for the time being; a disk that is full, or may not be written, is named."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as scratch:
            yield Path(scratch)
    except OSError as error:
        advice = "Free some space, or choose a folder that can be written."
        raise EnvironmentProblem(f"{folder}: {error.strerror or error}. {advice}") from error
