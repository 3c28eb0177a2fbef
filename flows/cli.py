"""The command line: ``footfall --help``."""

import asyncio
import atexit
import contextlib
import datetime as dt
import importlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import local, terminal
from footfall.markets import read_market
from footfall.problems import DataProblem, EnvironmentProblem, GateClosed

PROMISE = "How busy the coming week will be: train, predict and publish, every step on record."
app = typer.Typer(help=PROMISE, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
notebooks = typer.Typer(no_args_is_help=True, help="The committed notebooks.")
app.add_typer(notebooks, name="notebooks")

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
    with terminal.line(market, as_of, set) as asked, importlib.import_module("flows.source").one_reading():
        decided = terminal.perform("train", asked) if _champion(asked) is None else ""
        if decided and _champion(asked) is None:
            raise GateClosed(f"{market} has no champion, so there is nothing to forecast with: {decided}")
        terminal.perform("predict", asked)
        terminal.show(market)
        terminal.say(SEE)


@app.command()
def train(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Backtest the candidates; the best one becomes champion if the gate lets it pass."""
    with terminal.line(market, as_of, set) as asked:
        terminal.say(terminal.perform("train", asked))


@app.command()
def predict(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Let the champion forecast the coming days, and publish what it says."""
    with terminal.line(market, as_of, set) as asked:
        terminal.perform("predict", asked)
        terminal.show(market)


@app.command()
def explore(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Look at the data, and say whether it is fit to be trained on."""
    with terminal.line(market, as_of, set) as asked:
        terminal.say(terminal.perform("explore", asked))


@app.command()
def review(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Hold what was published against what happened, and train at once if the model has decayed."""
    with terminal.line(market, as_of, set) as asked:
        terminal.say(terminal.perform("review", asked))


@app.command()
def backtest(
    market: Market,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day to forecast from.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day to forecast from.")],
    lag: Annotated[int | None, typer.Option(min=0, max=28, help="Days until publication; else the market's.")] = None,
    horizon: Annotated[int | None, typer.Option(min=1, max=28, help="Days to forecast; else the market's.")] = None,
    candidate: Annotated[str, typer.Option(help="One of the candidates in train.ipynb.")] = "boosted",
    out: Annotated[Path | None, typer.Option(help="CSV file to write: origin,date,mean,q05,…,q95.")] = None,
    set: Settings = None,
) -> None:
    """Ask a candidate for its forecasts of the past, one origin a day, and score them; nothing is published."""
    with terminal.plain_words(None):
        known = read_market(local.PARAMS, market, dict(terminal.setting(text) for text in set or []))
        found = importlib.import_module("flows.backtest")
        horizon, lag = known.predict.horizon if horizon is None else horizon, known.data.lag if lag is None else lag
        table = found.backtest(known, found.days(first, last), [candidate], horizon, lag)
        terminal.say(f"{candidate}, {market}: {found.told(table)}", markup=False)
        if out:
            found.write(table, out)


@app.command("try")
def try_candidate(
    name: Annotated[str, typer.Argument(help="One of the candidates in train.ipynb.")],
    market: Annotated[str, typer.Option(help="Whose figures.")] = "sample",
    set: Settings = None,
) -> None:
    """Put one candidate through a short backtest, beside the seasonal naive and the champion's recipe."""
    with terminal.plain_words(None):
        known = read_market(local.PARAMS, market, dict(terminal.setting(text) for text in set or []))
        found = importlib.import_module("flows.backtest")
        recipe = found.champions_recipe(local.HOME / "runs", market)
        board = found.trial(known, name, ["seasonal naive", *([recipe] if recipe else [])])
        shown = board[["MAE", "MASE", "WIS", "cover80"]].round(3)
        labels = {recipe: f"{recipe}  (the champion's recipe)"}
        labels[name] = f"{labels.get(name, name)}  ← tried"
        terminal.say(shown.rename(index=labels).rename_axis(None).to_string(), markup=False)
        if recipe and recipe not in board.index:
            terminal.say(f"The champion's recipe, {recipe}, is no candidate of train.ipynb any more.", markup=False)
        terminal.say(f"{found.TRIAL} days of {market}, smaller is better but for cover80, where 0.8 is. "
                      "The training judges on more of them, and decides.")  # fmt: skip


@app.command()
def forecast(market: Market) -> None:
    """Print the published forecast."""
    with terminal.plain_words(None):
        read_market(local.PARAMS, market)
        with local.servers():
            terminal.show(market)


@app.command()
def champion(
    market: Market,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="The day asked for; the newest if left out.")] = None,
) -> None:
    """Say which model, notebook, data and forecast were in use on a day, and since when and why."""
    with terminal.plain_words(None), local.servers():
        terminal.tell(importlib.import_module("flows.audit").champion(os.environ["FOOTFALL_BUCKET"], market, on))


@app.command()
def rollback(
    market: Market,
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")],
    to: Annotated[str | None, typer.Option(metavar="VERSION", help="Which; else the champion before this one.")] = None,
) -> None:
    """Set the champion back, and publish the latest forecast again with it; one that was cut short is finished."""
    with terminal.line(market, None, None):
        bucket, forecasts, ledger = (
            importlib.import_module(f"flows.{name}") for name in ("bucket", "forecasts", "ledger")
        )
        place = bucket.connect(os.environ["FOOTFALL_BUCKET"])
        entry = ledger.rollback(place, market, reason, to)
        told = f"version {entry.version} is champion again, in place of {entry.was}; entry {entry.number} of the ledger"
        terminal.say(told)
        importlib.import_module("flows.alerts").tell(market, "rollback", f"{told}: {entry.why}")
        with ledger.finishing(place, entry):
            if (latest := forecasts.latest(place, market)) is None:
                return
            asked = {"market": market, "as_of": latest.pointer["as_of"]}
            terminal.perform("predict", asked | {"snapshot": latest.manifest["about"]["snapshot"]})
        terminal.show(market)


@app.command()
def backfill(
    market: Market,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first day.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last day.")],
    latest: Annotated[bool, typer.Option("--latest", help="Let each forecast become the latest, if newer.")] = False,
    set: Settings = None,
) -> None:
    """Walk past days, each as of its own day: train on the 1sts, predict, review. Days with a forecast are left."""
    with terminal.line(market, None, set) as asked:
        walk = importlib.import_module("flows.backfill").backfill
        terminal.voices(logging.NullHandler())
        asyncio.run(terminal.told(walk(market, _days(first, last), asked["settings"], latest)))
        terminal.drain()


@app.command()
def runs(
    market: Annotated[str | None, typer.Option(help="Only this market.")] = None,
    notebook: Annotated[str | None, typer.Option(help="Only this notebook: explore, train, predict or review.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Only this outcome, such as failed or 'kernel died'.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what ran from this day on, as in 2026-11-01.")] = None,
) -> None:
    """List the fifty newest runs on record, or the fifty newest that are asked for."""
    with terminal.plain_words(None), local.servers():
        found = importlib.import_module("flows.audit").runs(market, notebook, outcome, since)
        widths = {key: max(len(key), *(len(line[key]) for line in found)) for key in (found[0] if found else [])}
        for line in [{key: key for key in widths}, *found] if found else [{"": "no run on record"}]:
            terminal.say("  ".join(value.ljust(widths.get(key, 0)) for key, value in line.items()), markup=False)


@app.command()
def trace(market: Market, day: Annotated[str, typer.Argument(help="The day the forecast stood on.")]) -> None:
    """Lead back from a published forecast to its model, notebook, data, commit and parameters."""
    with terminal.plain_words(None), local.servers():
        terminal.tell(importlib.import_module("flows.audit").trace(os.environ["FOOTFALL_BUCKET"], market, day))


@app.command()
def verify(run: RunId) -> None:
    """Check every byte of a record against the digests it was written with."""
    with terminal.plain_words(None), local.servers(), tempfile.TemporaryDirectory() as scratch:
        kept, altered = importlib.import_module("flows.audit").verify(run, Path(scratch))
        if altered:
            raise DataProblem(f"{kept.notebook}, {kept.outcome}: the record is not whole\n" + "\n".join(altered))
        files = len(kept.inputs) + len(kept.outputs) + len(kept.pages) + 1
        terminal.say(f"{kept.notebook}, {kept.outcome}: all {files} files are as they were written")


@app.command()
def replay(run: RunId) -> None:
    """Run a recorded notebook again, from its record alone, and compare what it writes."""
    servers = contextlib.nullcontext() if Path(run).exists() else local.servers()
    with terminal.plain_words(None), servers, tempfile.TemporaryDirectory() as scratch:
        found = importlib.import_module("flows.audit").replay(run, Path(scratch), terminal.say)
        if found:
            raise DataProblem("the replay came to something else:\n" + "\n".join(found))
        terminal.say("the replay wrote the same bytes")


@app.command("open")
def open_run(run: RunId, folder: Annotated[Path, typer.Argument(help="Where to put it.")]) -> None:
    """Put a run's notebook and all that it needs into a folder, and open it in JupyterLab where it stopped."""
    with terminal.plain_words(None):
        audit = importlib.import_module("flows.audit")
        with contextlib.nullcontext() if Path(run).exists() else local.servers():
            place = audit.bundle(run, folder)
        terminal.say(f"{place}: run its cells in JupyterLab; Ctrl-C ends it")
        lab = ["jupyter", "lab", str(place.resolve())]
        lab += ["--allow-root"] if os.geteuid() == 0 else []  # as in many containers; it listens on this machine alone
        subprocess.run([sys.executable, "-m", *lab], cwd=folder, check=False)


@app.command()
def status(
    market: Annotated[str | None, typer.Argument(help="Only this market, else all that have something.")] = None,
) -> None:
    """How a market stands: data, forecast, champion, skill, what comes next, what is wrong and the command for it."""
    with terminal.plain_words(None):
        if market:
            read_market(local.PARAMS, market)
        with local.servers():
            found = importlib.import_module("flows.status")
            place = importlib.import_module("flows.bucket").connect(os.environ["FOOTFALL_BUCKET"])
            names = [market] if market else found.markets(place)
            for name in names:
                terminal.say(f"[bold]{name}[/]")
                terminal.listed((line.about, line.says, line.mend) for line in found.screen(place, name))
            if not names:
                terminal.say("No market has a forecast or a champion yet; make one: footfall run sample")


@app.command()
def doctor() -> None:
    """Check the environment: versions, servers, bucket, clocks, disk, code, champions, alerts."""
    with terminal.plain_words(None), local.servers():
        found = list(importlib.import_module("flows.doctor").examine())
        terminal.listed((one.check, one.says, one.mend) for one in found)
        wrong = [one.check for one in found if one.mend]
        if wrong:
            raise EnvironmentProblem(f"{len(wrong)} of {len(found)} checks found something: {', '.join(wrong)}")


@app.command()
def up() -> None:
    """Start the servers, the deployments and a worker; Ctrl-C stops them."""
    stop = threading.Event()
    for sent in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sent, lambda *_: stop.set())
    with terminal.plain_words(None), local.servers() as found, local.worker(found) as worker:
        terminal.say(f"Prefect   {found['PREFECT_API_URL'].removesuffix('/api')}/deployments")
        terminal.say(f"MLflow    {found['MLFLOW_TRACKING_URI']}/#/experiments?workflowType=machine_learning")
        for notebook, address in importlib.import_module("flows.record").lists().items():
            terminal.say(f"          {notebook}: {address}")
        terminal.say(f"bucket    gs://{found['FOOTFALL_BUCKET']}  {local.place()}")
        terminal.say("A worker waits for runs: start one under Deployments. Ctrl-C stops everything.")
        terminal.say(importlib.import_module("flows.automations").told())
        while not stop.wait(1):
            if worker.poll() is not None:
                raise EnvironmentProblem(f"the worker ended; read {local.HOME / 'logs' / 'worker.log'}")


@notebooks.command()
def refresh() -> None:
    """Execute the committed notebooks on the bundled sample and store their outputs."""
    with terminal.plain_words(None):
        importlib.import_module("flows.notebook").refresh(terminal.say)


@notebooks.command()
def sample() -> None:
    """Make the bundled forecasts, which review.ipynb reads, anew: some minutes of training and predicting."""
    with terminal.plain_words(None):
        importlib.import_module("flows.notebook").forecast_the_past(terminal.say)


@notebooks.command()
def text() -> None:
    """Write the committed notebooks' text forms, by which reviews read what changed."""
    for path in _committed():
        if importlib.import_module("flows.pairs").write_text(path):
            terminal.say(f"text/{path.stem}.py written")


@notebooks.command()
def check() -> None:
    """Refuse notebooks whose outputs or text forms are of other code."""
    with terminal.plain_words(None):
        found = list(importlib.import_module("flows.pairs").out_of_step(_committed()))
        if found:
            raise DataProblem("\n".join(found))


def _committed() -> list[Path]:
    return sorted((local.ROOT / "notebooks").glob("*.ipynb"))


def _champion(asked: dict[str, Any]) -> Any:
    """The market's champion as of the day that a run would stand on."""
    bucket, ledger, station = (importlib.import_module(f"flows.{name}") for name in ("bucket", "ledger", "station"))
    day = dt.date.fromisoformat(station.particulars(**asked).data.as_of)
    return ledger.champion(bucket.connect(os.environ["FOOTFALL_BUCKET"]), asked["market"], day)


def _days(first: str, last: str) -> list[dt.date]:
    return [day.date() for day in importlib.import_module("flows.backtest").days(first, last)]


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
