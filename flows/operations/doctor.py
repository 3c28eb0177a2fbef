"""The environment, looked over: each check says what is so, and what to do where it is not as it must be."""

import datetime as dt
import email.utils
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from zoneinfo import ZoneInfo

import requests
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from flows import machine
from flows.champion import entries, registry
from flows.champion import ledger as ledgers
from flows.local.servers import servers
from flows.masking import masked, without_passwords
from flows.operations.finding import Finding
from flows.record import mlflow_runs
from flows.record.folder import LOCK
from flows.settings import LISBON, ROOT, built_from, home, make_home, moved, params_folder
from flows.sources.weather import KEY
from flows.storage import layout
from flows.storage.bucket import Bucket, connect, lacking, names
from footfall.errors import Problem, UsageProblem
from footfall.evaluation import workers
from footfall.market_file import FOLDERS, market_names, read_markets

TAKEN_OUT = {"rfc3987-syntax"}  # by the Makefile: a second and a half at every import
APART = 5.0  # seconds that clocks may differ
ROOM = 2.0  # GB that a year of runs and their databases fit into


def examine() -> Iterator[Finding]:
    """Every check, one after the other; one that cannot be made is a finding too.

    Those of this machine come first: what is wrong with it may be why no server starts.
    """
    yield from _each(python, packages, markets, variables, zone, disk, tree, dask)
    try:
        with servers():
            yield from _each(prefect, mlflow, storage, clock, champions, ledger, alerts)
    except (Problem, OSError) as problem:
        yield Finding("servers", str(problem), "see the sentence")


def _each(*checks: Callable[[], Finding]) -> Iterator[Finding]:
    for check in checks:
        name = check.__name__
        try:
            yield check()
        except Problem as problem:
            yield Finding(name, str(problem), "see the sentence")
        except Exception as error:
            yield Finding(name, f"{type(error).__name__}: {error}", "this check could not be made; see the message")


def python() -> Finding:
    """The interpreter is one that everything is locked for; and what the system it runs on cannot guard."""
    number, fits = platform.python_version(), metadata("footfall")["Requires-Python"]
    gaps = f"; not guarded on {platform.system()}: {', '.join(machine.unguarded())}" if machine.unguarded() else ""
    return Finding("python", f"{number}{gaps}", "" if number in SpecifierSet(fits) else "make -B .venv/ready")


def packages() -> Finding:
    """What is installed is what is locked."""
    locked = re.findall(r"^([\w.-]+)==([\w.]+)(?: ; (.*?))? *\\?$", LOCK.read_text(), re.MULTILINE)
    due = {name: number for name, number, marker in locked if not marker or Marker(marker).evaluate()}
    installed = {name: _installed(name) for name in due if name not in TAKEN_OUT}
    other = [f"{name} {number} instead of {due[name]}" for name, number in installed.items() if number != due[name]]
    if other:
        return Finding("packages", "; ".join(other[:5]) + f"; {len(other)} in all", "make -B .venv/ready")
    return Finding("packages", f"{len(due)} as in requirements.lock")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def prefect() -> Finding:
    """The Prefect server answers."""
    url = f"{os.environ['PREFECT_API_URL']}/health"
    try:  # without a password, which `urllib` would say in its error; this one answers anybody
        with urllib.request.urlopen(without_passwords(url), timeout=10):
            return Finding("prefect", f"answers at {masked(url)}")
    except OSError as error:
        return Finding("prefect", f"no answer at {masked(url)}: {error}", _start("prefect"))


def _start(name: str) -> str:
    return f"start it; if it is footfall up's, read {home() / 'logs' / name}.log, end footfall up, then footfall up"


def mlflow() -> Finding:
    """The MLflow server answers those who run notebooks, not only those who ask whether it is there."""
    at = masked(os.environ["MLFLOW_TRACKING_URI"])
    try:
        mlflow_runs.ask()
    except Problem as problem:
        mend = f"{_start('mlflow')}; where it asks for a signature, see operating.md"
        return Finding("mlflow", f"no answer at {at}: {problem}", mend)
    return Finding("mlflow", f"answers at {at}")


def storage() -> Finding:
    """Objects can be created, listed, read and replaced in the bucket; else the permission is named that is missing."""
    bucket = connect()
    if missing := " and ".join(lacking(bucket)):
        return Finding("storage", f"gs://{bucket.name}: lacks {missing}", f"grant this process {missing}")
    done = f"gs://{bucket.name}: created, listed, read and removed an object"
    return Finding("storage", f"{done}{_passed_over(bucket)}")


def _passed_over(bucket: Bucket) -> str:
    """What lies in our folders and is not called as ours: it stops nothing."""
    folders = [*FOLDERS, *market_names(params_folder())]
    foreign = [name for folder in folders for name in names(bucket, f"{folder}/") if not layout.is_ours(name)]
    return f"; {len(foreign)} not called as ours, passed over: {', '.join(foreign[:5])}" if foreign else ""


def dask() -> Finding:
    """Where there is a scheduler, it and its workers answer, and have this code."""
    if not workers.scheduler():
        return Finding("dask", f"{workers.SCHEDULER} is not set: every backtest is this machine's own")
    count = workers.count()
    return Finding("dask", f"{count} workers at {workers.scheduler()}", "" if count else workers.remedy())


def markets() -> Finding:
    """The file of every market can be read."""
    files = read_markets(params_folder())
    wrong = [str(each) for each in files.values() if isinstance(each, UsageProblem)]
    says = f"{len(files)} in {params_folder()}" if not wrong else "; ".join(wrong)
    return Finding("markets", says, "correct them; no run of theirs succeeds until then" if wrong else "")


def variables() -> Finding:
    """What the files of markets ask of the environment is set there."""
    needed = [
        (variable, name)
        for name, market in read_markets(params_folder()).items()
        if not isinstance(market, UsageProblem)
        for variable in (market.notify.address_from, KEY if market.weather else "")
        if variable
    ]
    unset = [f"{variable} of {name}" for variable, name in needed if not os.environ.get(variable, "").strip()]
    mend = "set them where the worker runs, or take notify: or weather: out of the market's file" if unset else ""
    return Finding("variables", f"not set: {', '.join(unset)}" if unset else f"{len(needed)} asked for, all set", mend)


def clock() -> Finding:
    """The clock of this machine and those of the servers agree."""
    storage = os.environ.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com")
    urls = f"{os.environ['PREFECT_API_URL']}/health", f"{os.environ['MLFLOW_TRACKING_URI']}/health", storage
    apart = {masked(url): seconds for url in urls if (seconds := _apart(url)) is not None}
    if wrong := [f"{url} {seconds:+.0f} s" for url, seconds in apart.items() if abs(seconds) > APART]:
        mend = "let this machine take its time from the network (NTP)"
        return Finding("clock", f"differs from {', '.join(wrong)}", mend)
    return Finding("clock", f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, as {len(apart)} servers say")


def _apart(url: str) -> float | None:
    """Seconds that a server's clock is ahead of ours; None where it does not say. A refusal has the time on it, too."""
    try:
        date = requests.get(without_passwords(url), timeout=10).headers.get("Date")
    except OSError:
        return None  # that it does not answer is another check's finding
    return email.utils.parsedate_to_datetime(date).timestamp() - time.time() if date else None


def zone() -> Finding:
    """The schedule's time zone is known here."""
    now = dt.datetime.now(dt.UTC)
    in_lisbon, here = now.astimezone(ZoneInfo(LISBON)), now.astimezone()
    return Finding("zone", f"{in_lisbon:%H:%M} in {LISBON}, {here:%H:%M %Z} on this machine")


def disk() -> Finding:
    """There is room for what runs keep, and nobody else on this machine may look into it."""
    free = shutil.disk_usage(make_home()).free / 1e9
    says = f"{free:.1f} GB free at {home()}"
    if free < ROOM:
        return Finding("disk", says, f"free some space, or {moved()}; {ROOM:g} GB are enough")
    if home().stat().st_mode & 0o077 and not built_from():  # a container has nobody else in it
        mend = f"chmod go= {shlex.quote(str(home()))}"
        return Finding("disk", f"{says}, where others on this machine may look in", mend)
    return Finding("disk", says)


def tree() -> Finding:
    """The code is a commit, so that a record can name it; in production nothing else will do."""
    if commit := built_from():
        mend = "build the image from what is committed" if commit.endswith("-dirty") and _in_production() else ""
        return Finding("tree", f"an image, built from {commit}", mend)
    status = ["git", "-C", str(ROOT), "status", "--porcelain"]
    done = subprocess.run(status, capture_output=True, text=True, check=False) if shutil.which("git") else None
    if done is None or done.returncode:
        if done and "safe.directory" in done.stderr:
            says = "another user's clone, of which git tells nothing: records name no commit"
            return Finding("tree", says, f"git config --global --add safe.directory {shlex.quote(str(ROOT))}")
        mend = "run from a clone: records name the commit" if _in_production() else ""
        return Finding("tree", "no git repository here", mend)
    changed = [line[3:] for line in done.stdout.splitlines()]
    if not changed:
        return Finding("tree", "as committed")
    differ = "1 file differs" if len(changed) == 1 else f"{len(changed)} files differ"
    says = f"{differ} from the commit, and records say so: {', '.join(changed[:3])}"
    return Finding("tree", says, "commit them, or git stash" if _in_production() else "")


def _in_production() -> bool:
    return os.environ.get("FOOTFALL_ENV") == "production"


def champions() -> Finding:
    """Every champion can be fetched, and is the model that the ledger names."""
    bucket, whole, wrong = connect(), list[str](), list[str]()
    for market in market_names(params_folder()):
        try:
            if last := entries.newest(bucket, market):
                with tempfile.TemporaryDirectory() as folder:
                    ledgers.lay_down(bucket, market, last.champions[-1], Path(folder))
                wrong += _apart_from_ledger(market, last.champions[-1].version)
                whole.append(f"{market}/{last.champions[-1].version}")
        except mlflow_runs.Away:  # which says nothing of any champion
            raise
        except Problem as problem:
            wrong.append(str(problem))
    if wrong := [*dict.fromkeys(wrong)]:  # what is wrong with the bucket is said once, not of each market
        return Finding("champions", " ".join(wrong), "see the sentence" if len(wrong) == 1 else "see each sentence")
    return Finding("champions", ", ".join(whole) or "none yet")


def _apart_from_ledger(market: str, due: str) -> list[str]:
    """That MLflow's alias is another version than the ledger says, whose newest entry has none after it to prove it."""
    alias = registry.alias(market)
    if alias == due:
        return []
    either = "its newest entry is lost, restore it from the bucket's versions; or the alias has yet to follow"
    return [
        f"{market}: MLflow's alias is version {alias or 'none'}, the ledger says {due}: {either}, with the next run."
    ]


def ledger() -> Finding:
    """The chains of promotions and rollbacks are whole."""
    counts = {market: len(chain) for market, chain in entries.all_entries(connect()).items()}
    listed = ", ".join(f"{count} of {market}" for market, count in counts.items())
    return Finding("ledger", f"every chain is whole; entries: {listed}" if counts else "no entry yet")


def alerts() -> Finding:
    """There is an address that alerts go to; in production there must be one."""
    from flows.orchestration import automations

    lacks = _in_production() and not automations.sends()
    return Finding("alerts", automations.sentence(), automations.ADVICE if lacks else "")
