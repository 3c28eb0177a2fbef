"""The command line: ``footfall --help``."""

import asyncio
import atexit
import contextlib
import datetime as dt
import importlib
import io
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from flows import kernel, local
from footfall.params import read_market, read_value
from footfall.problems import DataProblem, EnvironmentProblem, GateClosed, Problem, UsageProblem

PROMISE = "How busy the coming week will be: train, predict and publish, every step on record."
app = typer.Typer(help=PROMISE, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
notebooks = typer.Typer(no_args_is_help=True, help="The committed notebooks.")
app.add_typer(notebooks, name="notebooks")
console = Console(highlight=False, soft_wrap=True, emoji=False)

Market = Annotated[str, typer.Argument(help="A market: the name of a file in params/, such as `sample` or `portugal`.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Stand on this day, as in 2022-10-13, and see nothing later."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="SECTION.KEY=VALUE", help="Replace a parameter of the market's file; may be repeated."
    ),
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id in MLflow, or the path of its folder.")]
SEE = "Look at the executed notebooks in MLflow, and at the flows in Prefect:  make up"


@app.command()
def run(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Train if there is no champion yet, then predict and publish."""
    with _line(market, as_of, set) as asked:
        decided = _perform("train", asked) if _champion(asked) is None else ""
        if decided and _champion(asked) is None:
            raise GateClosed(f"{market} has no champion, so there is nothing to forecast with: {decided}")
        _perform("predict", asked)
        _show(market)
        console.print(SEE)


@app.command()
def train(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Backtest the candidates; the best one becomes champion if the gate lets it pass."""
    with _line(market, as_of, set) as asked:
        console.print(_perform("train", asked))


@app.command()
def predict(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Let the champion forecast the coming days, and publish what it says."""
    with _line(market, as_of, set) as asked:
        _perform("predict", asked)
        _show(market)


@app.command()
def explore(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Look at the data, and say whether it is fit to be trained on."""
    with _line(market, as_of, set) as asked:
        console.print(_perform("explore", asked))


@app.command()
def review(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Hold what was published against what happened, and train at once if the model has decayed."""
    with _line(market, as_of, set) as asked:
        console.print(_perform("review", asked))


@app.command()
def backtest(
    market: Market,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day to forecast from.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day to forecast from.")],
    lag: Annotated[int, typer.Option(min=0, max=28, help="Days between a day and its publication.")] = 3,
    horizon: Annotated[int, typer.Option(min=1, max=28, help="Days to forecast.")] = 7,
    candidate: Annotated[str, typer.Option(help="One of the candidates in train.ipynb.")] = "boosted",
    out: Annotated[Path | None, typer.Option(help="CSV file to write: origin,date,mean,q05,…,q95.")] = None,
    set: Settings = None,
) -> None:
    """Ask a candidate for its forecasts of the past, one origin a day, and score them; nothing is published."""
    with _plain_words(None):
        known = read_market(local.PARAMS, market, dict(_setting(text) for text in set or []))
        found = importlib.import_module("flows.backtest")
        table = found.backtest(known, found.days(first, last), [candidate], horizon, lag)
        console.print(f"{candidate}, {market}: {found.told(table)}", markup=False)
        if out:
            found.write(table, out)


@app.command("try")
def try_candidate(
    name: Annotated[str, typer.Argument(help="One of the candidates in train.ipynb.")],
    market: Annotated[str, typer.Option(help="Whose figures.")] = "sample",
    set: Settings = None,
) -> None:
    """Put one candidate through a short backtest, beside the seasonal naive and the champion's recipe."""
    with _plain_words(None):
        known = read_market(local.PARAMS, market, dict(_setting(text) for text in set or []))
        found = importlib.import_module("flows.backtest")
        recipe = found.champions_recipe(local.HOME / "runs", market)
        board = found.trial(known, name, ["seasonal naive", *([recipe] if recipe else [])])
        shown = board[["MAE", "MASE", "WIS", "cover80"]].round(3)
        labels = {recipe: f"{recipe}  (the champion's recipe)"}
        labels[name] = f"{labels.get(name, name)}  ← tried"
        console.print(shown.rename(index=labels).rename_axis(None).to_string(), markup=False)
        console.print(f"{found.TRIAL} days of {market}, smaller is better but for cover80, where 0.8 is. "
                      "The training judges on more of them, and decides.")  # fmt: skip


@app.command()
def forecast(market: Market) -> None:
    """Print the published forecast."""
    with _line(market, None, None):
        _show(market)


@app.command()
def champion(
    market: Market,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="The day asked for; the newest if left out.")] = None,
) -> None:
    """Say which model, notebook, data and forecast were in use on a day, and since when and why."""
    with _plain_words(None), local.servers():
        _tell(importlib.import_module("flows.audit").champion(os.environ["FOOTFALL_BUCKET"], market, on))


@app.command()
def rollback(
    market: Market,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")],
    to: Annotated[str | None, typer.Option(metavar="VERSION", help="Which; else the champion before this one.")] = None,
) -> None:
    """Set the champion back, and publish the latest forecast again with it."""
    with _line(market, None, None):
        bucket, forecasts, ledger = (
            importlib.import_module(f"flows.{name}") for name in ("bucket", "forecasts", "ledger")
        )
        place = bucket.connect(os.environ["FOOTFALL_BUCKET"])
        entry = ledger.rollback(place, market, reason, to)
        told = f"version {entry.version} is champion again, in place of {entry.was}; entry {entry.number} of the ledger"
        console.print(told)
        importlib.import_module("flows.alerts").tell(market, "rollback", f"{told}: {reason}")
        if (latest := forecasts.latest(place, market)) is not None:
            asked = {"market": market, "as_of": latest.pointer["as_of"]}
            _perform("predict", asked | {"snapshot": latest.manifest["about"]["snapshot"]})
            _show(market)


@app.command()
def backfill(
    market: Market,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day.")],
    latest: Annotated[bool, typer.Option("--latest", help="Let each forecast become the latest, if newer.")] = False,
    set: Settings = None,
) -> None:
    """Walk past days, each as of its own day: train on the 1sts, predict, review. Days with a forecast are left."""
    with _line(market, None, set) as asked:
        walk = importlib.import_module("flows.backfill").backfill
        _voices(logging.NullHandler())
        asyncio.run(_told(walk(market, _days(first, last), asked["settings"], latest)))
        _drain()


@app.command()
def runs(
    market: Annotated[str | None, typer.Option(help="Only this market.")] = None,
    notebook: Annotated[str | None, typer.Option(help="Only this notebook: explore, train, predict or review.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only this outcome, such as failed or 'kernel died'.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this day on, as in 2022-10-13.")] = None,
) -> None:
    """List the runs on record, newest first."""
    with _plain_words(None), local.servers():
        found = importlib.import_module("flows.audit").runs(market, notebook, outcome, since)
        widths = {key: max(len(key), *(len(line[key]) for line in found)) for key in (found[0] if found else [])}
        for line in [{key: key for key in widths}, *found] if found else [{"": "no run on record"}]:
            console.print("  ".join(value.ljust(widths.get(key, 0)) for key, value in line.items()), markup=False)


@app.command()
def trace(market: Market, day: Annotated[str, typer.Argument(help="The day the forecast stood on.")]) -> None:
    """Lead back from a published forecast to its model, notebook, data, commit and parameters."""
    with _plain_words(None), local.servers():
        _tell(importlib.import_module("flows.audit").trace(os.environ["FOOTFALL_BUCKET"], market, day))


@app.command()
def verify(run: RunId) -> None:
    """Check every byte of a record against the digests it was written with."""
    with _plain_words(None), local.servers(), tempfile.TemporaryDirectory() as scratch:
        kept, altered = importlib.import_module("flows.audit").verify(run, Path(scratch))
        if altered:
            raise DataProblem(f"{kept.notebook}, {kept.outcome}: the record is not whole\n" + "\n".join(altered))
        files = len(kept.inputs) + len(kept.outputs) + len(kept.pages) + 1
        console.print(f"{kept.notebook}, {kept.outcome}: all {files} files are as they were written")


@app.command()
def replay(run: RunId) -> None:
    """Run a recorded notebook again, from its record alone, and compare what it writes."""
    servers = contextlib.nullcontext() if Path(run).exists() else local.servers()
    with _plain_words(None), servers, tempfile.TemporaryDirectory() as scratch:
        found = importlib.import_module("flows.audit").replay(run, Path(scratch), console.print)
        if found:
            raise DataProblem("the replay came to something else:\n" + "\n".join(found))
        console.print("the replay wrote the same bytes")


@app.command("open")
def open_run(run: RunId, folder: Annotated[Path, typer.Argument(help="Where to put it.")]) -> None:
    """Put a run's notebook and all that it needs into a folder, and open it in JupyterLab where it stopped."""
    with _plain_words(None):
        audit = importlib.import_module("flows.audit")
        with contextlib.nullcontext() if Path(run).exists() else local.servers():
            place = audit.bundle(run, folder)
        console.print(f"{place}: run its cells in JupyterLab; Ctrl-C ends it")
        lab = ["jupyter", "lab", str(place.resolve())]
        lab += ["--allow-root"] if os.geteuid() == 0 else []  # as in many containers; it listens on this machine alone
        subprocess.run([sys.executable, "-m", *lab], cwd=folder, check=False)


@app.command()
def status(
    market: Annotated[str | None, typer.Argument(help="Only this market, else all that have something.")] = None,
) -> None:
    """How a market stands: data, forecast, champion, skill, what comes next, what is wrong and the command for it."""
    with _plain_words(None):
        if market:
            read_market(local.PARAMS, market)
        with local.servers():
            found = importlib.import_module("flows.status")
            place = importlib.import_module("flows.bucket").connect(os.environ["FOOTFALL_BUCKET"])
            names = [market] if market else found.markets(place)
            for name in names:
                console.print(f"[bold]{name}[/]")
                _list((line.about, line.says, line.mend) for line in found.screen(place, name))
            if not names:
                console.print("No market has a forecast or a champion yet; make one: footfall run sample")


@app.command()
def doctor() -> None:
    """Check the environment: versions, servers, bucket, clocks, disk, code, champions, alerts."""
    with _plain_words(None), local.servers():
        found = list(importlib.import_module("flows.doctor").examine())
        _list((one.check, one.says, one.mend) for one in found)
        wrong = [one.check for one in found if one.mend]
        if wrong:
            raise EnvironmentProblem(f"{len(wrong)} of {len(found)} checks found something: {', '.join(wrong)}")


def _list(lines: Iterable[tuple[str, str, str]]) -> None:
    """A line for each; what is wrong is marked, with what mends it underneath."""
    for about, says, mend in lines:
        console.print(f"  [bold red]![/] {about:<18} " if mend else f"    {about:<18} ", end="")
        console.print(" ".join(says.split()), markup=False)
        if mend:
            console.print(f"{'':23}→ {mend}", markup=False)


@app.command()
def up() -> None:
    """Start the servers, the deployments and a worker; Ctrl-C stops them."""
    stop = threading.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sent, lambda *_: stop.set())
    with _plain_words(None), local.servers() as found, local.worker(found) as worker:
        console.print(f"Prefect   {found['PREFECT_API_URL'].removesuffix('/api')}/deployments")
        console.print(f"MLflow    {found['MLFLOW_TRACKING_URI']}/#/experiments?workflowType=machine_learning")
        for notebook, address in importlib.import_module("flows.record").lists().items():
            console.print(f"          {notebook}: {address}")
        console.print(f"bucket    gs://{found['FOOTFALL_BUCKET']}  {local.place()}")
        console.print("A worker waits for runs: start one under Deployments. Ctrl-C stops everything.")
        console.print(importlib.import_module("flows.automations").told())
        while not stop.wait(1):
            if worker.poll() is not None:
                raise EnvironmentProblem(f"the worker ended; read {local.HOME / 'logs' / 'worker.log'}")


@notebooks.command()
def refresh() -> None:
    """Execute the committed notebooks on the bundled sample and store their outputs."""
    with _plain_words(None):
        importlib.import_module("flows.notebook").refresh(console.print)


@notebooks.command()
def sample() -> None:
    """Make the bundled forecasts, which review.ipynb reads, anew: some minutes of training and predicting."""
    with _plain_words(None):
        importlib.import_module("flows.notebook").forecast_the_past(console.print)


@notebooks.command()
def text() -> None:
    """Write the committed notebooks' text forms, by which reviews read what changed."""
    for path in _committed():
        if importlib.import_module("flows.pairs").write_text(path):
            console.print(f"text/{path.stem}.py written")


@notebooks.command()
def check() -> None:
    """Refuse notebooks whose outputs or text forms are of other code."""
    with _plain_words(None):
        found = list(importlib.import_module("flows.pairs").out_of_step(_committed()))
        if found:
            raise DataProblem("\n".join(found))


def _committed() -> list[Path]:
    return sorted((local.ROOT / "notebooks").glob("*.ipynb"))


@contextmanager
def _line(market: str, as_of: str | None, set: list[str] | None) -> Iterator[dict[str, Any]]:
    """The servers are there, the parameters are right, and whatever goes wrong is said in plain words."""
    with _plain_words(None):
        settings = dict(_setting(text) for text in set or [])
        asked = {"market": market, "as_of": as_of, "settings": settings}
        day = {"data.as_of": as_of} if as_of else {}
        read_market(local.PARAMS, market, settings | day)  # a typo is told before any server starts
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # our own lines say it shorter
        with local.servers(), _plain_words(market):
            yield asked


def _champion(asked: dict[str, Any]) -> Any:
    """The market's champion as of the day that a run would stand on."""
    bucket, ledger, station = (importlib.import_module(f"flows.{name}") for name in ("bucket", "ledger", "station"))
    day = dt.date.fromisoformat(station.particulars(**asked).data.as_of)
    return ledger.champion(bucket.connect(os.environ["FOOTFALL_BUCKET"]), asked["market"], day)


def _tell(steps: list[tuple[str, str]]) -> None:
    for what, which in steps:
        console.print(f"[bold]{what:<15}[/]", end="")
        console.print(which, markup=False)


async def _told(walk: AsyncIterator[str]) -> None:
    async for sentence in walk:
        console.print(sentence, markup=False)


def _days(first: str, last: str) -> list[dt.date]:
    return [day.date() for day in importlib.import_module("flows.backtest").days(first, last)]


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageProblem(f"--set {text}: write section.key=value, as in --set data.source=sample")
    if re.match(r"\w+://.*@", value):
        raise UsageProblem(f"--set {key}: Prefect keeps what is set, so no password may be in it; put it into ~/.netrc")
    return key, read_value(value)


@contextmanager
def _plain_words(market: str | None) -> Iterator[None]:
    try:
        yield
    except Problem as problem:
        console.print(f"[bold red]{type(problem).__name__}[/]", end="  ")
        console.print(str(problem), markup=False)
        if market:
            console.print(f"Nothing was published; {_remains(market)}.", markup=False)
        raise typer.Exit(problem.exit_code) from None


def _remains(market: str) -> str:
    try:
        bucket, forecasts = importlib.import_module("flows.bucket"), importlib.import_module("flows.forecasts")
        latest = forecasts.latest(bucket.connect(os.environ["FOOTFALL_BUCKET"]), market)
    except (Problem, KeyError):
        return "what was published before remains"
    return f"the latest forecast remains {latest.pointer['as_of']}" if latest else "no forecast was published yet"


def _perform(station: str, asked: dict[str, Any]) -> str:
    """Run a station's flow, its progress on the terminal."""
    console.print(f"[bold]{station}[/] {asked['market']}")
    kernel.warm(station)  # it imports while we do
    flow: Callable[..., Awaitable[str]] = getattr(importlib.import_module(f"flows.{station}"), station)
    _voices(Lines())
    try:
        return asyncio.run(flow(**asked))  # type: ignore[arg-type]
    finally:
        _drain()


def _voices(lines: logging.Handler) -> None:
    """Who hears the progress of flows and tasks; prefect, once imported, would set its own."""
    for kind in ("flow", "task"):
        logging.getLogger(f"prefect.{kind}_runs.footfall").handlers = [lines]


def _drain() -> None:
    """Send what Prefect has yet to be told, while its server answers."""
    importlib.import_module("prefect.logging.handlers").APILogWorker.drain_all(timeout=5)


class Lines(logging.Handler):
    """Progress, line by line."""

    def emit(self, line: logging.LogRecord) -> None:
        """Print one."""
        console.print(f"  {line.getMessage()}", markup=False)


def _show(market: str) -> None:
    """Print the published forecast as people read it."""
    import pandas as pd

    from flows import bucket, forecasts
    from footfall.forecast import week

    latest = forecasts.latest(bucket.connect(os.environ["FOOTFALL_BUCKET"]), market)
    if latest is None:
        raise UsageProblem(f"{market} has no published forecast yet; make one: footfall run {market}")
    about, table = latest.manifest["about"], Table(box=None, header_style="bold", pad_edge=False)
    for column in ("date", "weekday", "expected", "80 % range"):
        table.add_column(column, justify="left" if column == "weekday" else "right")
    days = week(pd.read_parquet(io.BytesIO(latest.files["forecast.parquet"])))
    for day in days.itertuples():
        table.add_row(day.date, day.weekday, f"{day.expected:+.1f}", f"{day.low:+.1f} … {day.high:+.1f}")
    console.print(f"\n[bold]{market}[/] as of {latest.pointer['as_of']}, data through {about['data_through']}, "
                  f"by {about['model_version']}; percent against early 2020")  # fmt: skip
    console.print(table)
    if late := _stale(market, about["data_through"]):
        console.print(f"[bold red]stale[/]  {late}")
    folder = latest.pointer["manifest"].removesuffix("manifest.json")
    console.print(f"gs://{os.environ['FOOTFALL_BUCKET']}/{folder}  {local.place()}")
    if "index.html" in latest.files:
        console.print(f"The page for people:  {local.shown(market, 'index.html')}")


def _stale(market: str, through: str) -> str:
    """A sentence if the market's source has published nothing for longer than the market allows."""
    data = read_market(local.PARAMS, market).data
    today = dt.date.fromisoformat(data.as_of) if data.as_of else dt.datetime.now(local.LISBON).date()
    last = dt.date.fromisoformat(through)
    told = f"the last data is {(today - last).days} days before {today}; footfall status {market}"
    return told if data.is_stale(last, today) else ""


def _interrupt(*_: object) -> None:
    """Python's own handler, by another name: asyncio would replace that one, and wait for the notebook to end."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line, and leave without taking a thousand modules apart, which costs another second."""
    code = 0
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, _interrupt)
    try:
        app()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    threading._shutdown()  # type: ignore[attr-defined]  # what the interpreter would do first, and then
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
