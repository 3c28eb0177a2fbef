"""The command line: ``footfall --help``."""

import asyncio
import atexit
import contextlib
import importlib
import io
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
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
        record = importlib.import_module("flows.record")
        decided = _perform("train", asked) if record.champion(market) is None else ""
        if decided and record.champion(market) is None:
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
def runs(
    market: Annotated[str | None, typer.Option(help="Only this market.")] = None,
    notebook: Annotated[str | None, typer.Option(help="Only this notebook: explore, train or predict.")] = None,
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
        for what, which in importlib.import_module("flows.audit").trace(os.environ["FOOTFALL_BUCKET"], market, day):
            console.print(f"[bold]{what:<14}[/]", end="")
            console.print(which, markup=False)


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
        with local.servers():
            place = importlib.import_module("flows.audit").bundle(run, folder)
        console.print(f"{place}: run its cells in JupyterLab; Ctrl-C ends it")
        subprocess.run([sys.executable, "-m", "jupyter", "lab", str(place)], cwd=folder, check=False)


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
        while not stop.wait(1):
            if worker.poll() is not None:
                raise EnvironmentProblem(f"the worker ended; read {local.HOME / 'logs' / 'worker.log'}")


@notebooks.command()
def refresh() -> None:
    """Execute the committed notebooks on the bundled sample and store their outputs."""
    with _plain_words(None):
        importlib.import_module("flows.notebook").refresh(console.print)


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
        with local.servers(), _plain_words(market):
            yield asked


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageProblem(f"--set {text}: write section.key=value, as in --set data.source=sample")
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
        bucket = importlib.import_module("flows.bucket")
        latest = bucket.latest(bucket.connect(os.environ["FOOTFALL_BUCKET"]), market)
    except (Problem, KeyError):
        return "what was published before remains"
    return f"the latest forecast remains {latest.pointer['as_of']}" if latest else "no forecast was published yet"


def _perform(station: str, asked: dict[str, Any]) -> str:
    """Run a station's flow, its progress on the terminal."""
    console.print(f"[bold]{station}[/] {asked['market']}")
    kernel.warm()  # it imports while we do
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # our own lines say it shorter
    flow: Callable[..., Awaitable[str]] = getattr(importlib.import_module(f"flows.{station}"), station)
    for kind in ("flow", "task"):
        voice = logging.getLogger(f"prefect.{kind}_runs.footfall")
        voice.handlers = [Lines()]
    try:
        return asyncio.run(flow(**asked))  # type: ignore[arg-type]
    finally:
        importlib.import_module("prefect.logging.handlers").APILogWorker.drain_all(
            timeout=5
        )  # while the server answers


class Lines(logging.Handler):
    """Progress, line by line."""

    def emit(self, line: logging.LogRecord) -> None:
        """Print one."""
        console.print(f"  {line.getMessage()}", markup=False)


def _show(market: str) -> None:
    """Print the published forecast as people read it."""
    import pandas as pd

    from flows import bucket
    from footfall.forecast import week

    latest = bucket.latest(bucket.connect(os.environ["FOOTFALL_BUCKET"]), market)
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
    folder = latest.pointer["manifest"].removesuffix("manifest.json")
    console.print(f"gs://{os.environ['FOOTFALL_BUCKET']}/{folder}  {local.place()}")
    if "index.html" in latest.files:
        console.print(f"The page for people:  {local.shown(market, 'index.html')}")


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
