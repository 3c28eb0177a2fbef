"""The commands of those who operate it: what was in use, what ran, what is wrong, and the way back."""

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, get_args

import typer

from flows.cli import terminal
from flows.cli.options import Market, app, calendar_day, choice, day
from flows.local.servers import BUCKET, MLFLOW, PREFECT, Host, host, servers, watch
from flows.record.owner import is_of_here
from flows.record.record import Outcome
from flows.settings import bucket_name, home, params_folder
from footfall.errors import Conflict, DataProblem, EnvironmentProblem
from footfall.market_file import check_name, read_market

NOTEBOOKS = ("explore", "train", "predict", "review", "whatif")  # by which runs are kept
PATROL = 300  # seconds between two looks for runs that died while `up` is up
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id in MLflow, or the path of its folder.")]


@app.command()
def champion(
    market: Market,
    on: Annotated[dt.date | None, day("The day asked for, else the newest.")] = None,
) -> None:
    """Say which model, notebook, data and forecast were in use on a day, and since when and why."""
    check_name(market)  # one that has no file any more has a past
    with servers(MLFLOW, BUCKET):
        from flows.operations import audit

        terminal.print_pairs(audit.champion(bucket_name(), market, on))


@app.command()
def rollback(
    market: Market,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")],
    to: Annotated[str | None, typer.Option(metavar="VERSION", help="Which; else the champion before this one.")] = None,
) -> None:
    """Set the champion back, and publish the latest forecast again with it; one that was cut short is finished."""
    with terminal.ready(market, None, None):
        from flows.champion import ledger
        from flows.orchestration import alerts
        from flows.storage import bucket as storage
        from flows.storage import forecasts

        bucket = storage.connect()
        entry = ledger.rollback(bucket, market, reason, to)
        done = f"version {entry.version} is champion again, in place of {entry.was}; entry {entry.number} of the ledger"
        terminal.say(done, markup=False)
        alerts.tell(market, "rollback", f"{done}: {entry.why}")
        with ledger.finishing(bucket, entry):
            if (latest := forecasts.latest(bucket, market)) is None:
                return
            as_of, snapshot = latest.pointer["as_of"], latest.manifest["about"]["snapshot"]
            due = ledger.champion(bucket, market, dt.date.fromisoformat(as_of))
            if due and due.version != entry.version:
                seen = f"version {entry.version} has seen days after {as_of}"
                terminal.say(f"{seen}, whose forecast stays version {due.version}'s", markup=False)
            terminal.perform("predict", {"market": market, "as_of": as_of, "snapshot": snapshot})
            if not ledger.all_follows(bucket, market):
                raise Conflict("another run moved the alias or the latest forecast meanwhile, or they cannot be asked")
        terminal.show(market)


@app.command()
def runs(
    market: Annotated[str | None, typer.Option(help="Only this market.")] = None,
    notebook: Annotated[str | None, choice("Only this notebook.", *NOTEBOOKS)] = None,
    outcome: Annotated[str | None, choice("Only what is so.", *get_args(Outcome), "running")] = None,
    since: Annotated[dt.date | None, day("Only what ran from this day on, as in 2026-11-01.")] = None,
) -> None:
    """List the fifty newest runs on record, or the fifty newest that are asked for."""
    if market:
        check_name(market)
    with servers(MLFLOW):
        from flows.operations import audit

        lines = audit.runs(market, notebook, outcome, since)
        if market and not lines and not audit.runs(market, None, None, None):
            read_market(params_folder(), market)  # which says what markets there are; one that is gone may have a past
        lines = lines or [{"": f"no {'such ' * any((market, notebook, outcome, since))}run on record"}]
        widths = {key: max(len(line[key]) for line in [{key: key}, *lines]) for key in lines[0]}
        for line in [dict(zip(widths, widths, strict=True)), *lines] if any(widths) else lines:
            terminal.say("  ".join(value.ljust(widths[key]) for key, value in line.items()), markup=False)


@app.command()
def trace(
    market: Market,
    day: Annotated[dt.date, typer.Argument(parser=calendar_day, metavar="DAY", help="The day the forecast stood on.")],
) -> None:
    """Lead back from a published forecast to its model, notebook, data, commit and parameters."""
    check_name(market)
    with servers(MLFLOW, BUCKET):
        from flows.operations import audit

        terminal.print_pairs(audit.trace(bucket_name(), market, str(day)))


@app.command()
def verify(run: RunId) -> None:
    """Check every byte of a record against the digests it was written with."""
    with servers(MLFLOW), tempfile.TemporaryDirectory() as scratch:
        from flows.operations import audit

        record, altered = audit.verify(run, Path(scratch))
        if altered:
            advice = f"{audit.RESTORE} What is not in the record, take away."
            message = "\n".join([f"{record.notebook}, {record.outcome}: the record is not whole", *altered, advice])
            raise DataProblem(message)
        files = len(record.inputs) + len(record.outputs) + len(record.pages) + 1
        terminal.say(f"{record.notebook}, {record.outcome}: all {files} files are as they were written", markup=False)


@app.command()
def replay(run: RunId) -> None:
    """Run a recorded notebook again, from its record alone, and compare what it writes."""
    with _servers_unless_here(run), tempfile.TemporaryDirectory() as scratch:
        from flows.operations import audit

        if different := audit.replay(run, Path(scratch), terminal.say):
            raise DataProblem("the replay came to something else:\n" + "\n".join(different))
        terminal.say("the replay wrote the same bytes")


def _servers_unless_here(run: str) -> AbstractContextManager[object]:
    """The servers, unless the run is a folder here, of what this machine itself ran; others' need proof."""
    return contextlib.nullcontext() if is_of_here(Path(run)) else servers(MLFLOW, BUCKET)


@app.command("open")
def open_run(run: RunId, folder: Annotated[Path, typer.Argument(help="Where to put it.")]) -> None:
    """Put a run's notebook and all that it needs into a folder, and open it in JupyterLab where it stopped."""
    from flows.operations import audit

    with _servers_unless_here(run):
        path = audit.bundle(run, folder)
    terminal.say(f"{path}: run its cells in JupyterLab; Ctrl-C ends it", markup=False)
    lab = ["jupyter", "lab", str(path.resolve())]
    lab += ["--allow-root"] if os.geteuid() == 0 else []  # as in many containers; it listens on this machine alone
    subprocess.run([sys.executable, "-m", *lab], cwd=folder, check=False)


@app.command()
def status(
    market: Annotated[
        str | None, typer.Argument(help="Only this market, else all that there is something to say of.")
    ] = None,
) -> None:
    """How a market stands: data, forecast, champion, skill, what comes next, what is wrong and the command for it."""
    if market:
        read_market(params_folder(), market)
    with servers(PREFECT, BUCKET):
        from flows.operations.status import screens
        from flows.storage import bucket

        for name, findings in screens(bucket.connect(), market):
            terminal.say(f"[bold]{name}[/]")
            terminal.print_findings(findings)


@app.command()
def doctor() -> None:
    """Check the environment: versions, servers, bucket, market files, clocks, disk, code, champions, alerts."""
    from flows.operations.doctor import examine

    findings = list(examine())
    terminal.print_findings(findings)
    if wrong := [finding.about for finding in findings if finding.mend]:
        raise EnvironmentProblem(f"{len(wrong)} of {len(findings)} checks found something: {', '.join(wrong)}")


@app.command()
def up(
    workers: Annotated[
        int, typer.Option(min=0, help="Dask workers, of a thread each, that backtest markets of very many series.")
    ] = 0,
) -> None:
    """Start the servers, the deployments and a worker; Ctrl-C stops them."""
    # nohup has the terminal's end ignored
    ends = [signal.SIGINT, signal.SIGTERM, *[signal.SIGHUP] * (signal.getsignal(signal.SIGHUP) != signal.SIG_IGN)]
    for number in ends:  # until all is up, they end the starting
        signal.signal(number, signal.default_int_handler)
    # what went wrong is told before the last guest of the servers has left
    with servers() as addresses, terminal.plain_words(None):
        from flows.local.dask import backtest_workers
        from flows.local.worker import worker
        from footfall.evaluation.workers import SCHEDULER

        joined = host()
        with backtest_workers(workers) as ours, worker() as process:
            stop = threading.Event()
            for number in ends:
                signal.signal(number, lambda *_: stop.set())
            _print_addresses(addresses)
            if ours:
                terminal.say(f"Dask      {SCHEDULER}={os.environ[SCHEDULER]}")
            looked = time.monotonic()
            try:
                while not stop.wait(1):
                    looked = look_after({"worker": process, **ours}, looked, joined)
            finally:
                for number in ends:
                    signal.signal(number, signal.default_int_handler)
            terminal.say("Stopping; other commands that use these servers end first, or Ctrl-C again.")


def look_after(ours: dict[str, subprocess.Popen[bytes]], looked: float, joined: Host | None = None) -> float:
    """See that the servers and what is ours live, and now and then whether a run died; when that was last looked for.

    `ours` is named by its log: the worker, and what backtests.
    """
    from flows.orchestration import reaper

    watch(joined)
    for name, process in ours.items():
        if process.poll() is not None:
            raise EnvironmentProblem(f"the {name} ended; read {home() / 'logs' / name}.log")
    if time.monotonic() - looked <= PATROL:
        return looked
    reaper.reap()
    return time.monotonic()


def _print_addresses(addresses: dict[str, str]) -> None:
    from flows.orchestration import automations, deployments
    from flows.record import mlflow_runs
    from flows.storage import layout

    terminal.say(f"Prefect   {addresses['PREFECT_API_URL'].removesuffix('/api')}/deployments")
    terminal.say(f"MLflow    {addresses['MLFLOW_TRACKING_URI']}/#/experiments?workflowType=machine_learning")
    for notebook, address in mlflow_runs.lists(NOTEBOOKS).items():
        terminal.say(f"          {notebook}: {address}")
    terminal.say(f"bucket    gs://{addresses['FOOTFALL_BUCKET']}  {layout.on_disk()}")
    for market, problem in deployments.unreadable().items():
        terminal.say(f"{market} is not deployed: {problem}", markup=False)
    terminal.say("A worker waits for runs: start one under Deployments. Ctrl-C stops everything.")
    terminal.say(automations.sentence())
