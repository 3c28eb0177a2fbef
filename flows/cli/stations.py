"""The commands of the line: its stations, one by one, over past days, and what they have published."""

import asyncio
import datetime as dt
import logging
from typing import Annotated, Any

import typer

from flows.cli import terminal
from flows.cli.options import AsOf, Market, Settings, app, day
from flows.local.servers import BUCKET, servers
from flows.settings import params_folder
from footfall.market_file import read_market

SEE = "Look at the executed notebooks in MLflow, and at the flows in Prefect:  make up"


@app.command()
def run(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Train if there is no champion yet, then predict and publish."""
    from flows.sources.reading import one_reading

    with terminal.ready(market, as_of, set) as parameters, one_reading():
        if _champion(parameters) is None:
            terminal.perform("train", parameters)
        terminal.show(market, terminal.perform("predict", parameters).folder)
        terminal.say(SEE)


@app.command()
def train(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Backtest the candidates; the best one becomes champion if the gate lets it pass."""
    with terminal.ready(market, as_of, set) as parameters:
        terminal.say(terminal.perform("train", parameters), markup=False)


@app.command()
def predict(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Let the champion forecast the coming days, and publish what it says."""
    with terminal.ready(market, as_of, set) as parameters:
        terminal.show(market, terminal.perform("predict", parameters).folder)


@app.command()
def explore(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Look at the data, and say whether it is fit to be trained on."""
    with terminal.ready(market, as_of, set) as parameters:
        terminal.say(terminal.perform("explore", parameters), markup=False)


@app.command()
def review(market: Market, as_of: AsOf = None, set: Settings = None) -> None:
    """Hold what was published against what happened; train if the model has decayed, each week while it is young."""
    with terminal.ready(market, as_of, set) as parameters:
        terminal.say(terminal.perform("review", parameters), markup=False)


@app.command()
def backfill(
    market: Market,
    first: Annotated[dt.date, day("The first day.", "--from")],
    last: Annotated[dt.date, day("The last day.", "--to")],
    latest: Annotated[bool, typer.Option("--latest", help="Let each forecast become the latest, if newer.")] = False,
    set: Settings = None,
) -> None:
    """Walk past days, each as of its own day: train on the 1sts and without a champion, predict, review.

    Days with a forecast are left.
    """
    from flows.authoring.candidates import every_day

    span = [each.date() for each in every_day(first, last)]  # a slip is told before any server starts
    with terminal.ready(market, None, set) as parameters:
        from flows.backfill import backfill as walk

        with terminal.progress(logging.NullHandler()):
            asyncio.run(terminal.print_each(walk(market, span, parameters["settings"], latest)))


@app.command()
def forecast(market: Market) -> None:
    """Print the published forecast."""
    read_market(params_folder(), market)
    with servers(BUCKET):
        terminal.show(market)


@app.command()
def whatif(
    market: Market,
    closed: Annotated[
        list[str] | None, typer.Option("--closed", metavar="DATE", help="A day it is shut; may be repeated.")
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            metavar="DATE=EFFECT",
            help="closed, busier, quieter or unknown, or one of these and what: busier: a concert; may be repeated.",
        ),
    ] = None,
    rain: Annotated[
        list[str] | None, typer.Option("--rain", metavar="DATE=MM", help="So much rain; may be repeated.")
    ] = None,
    site: Annotated[str, typer.Option(help="Of many the one that closes or has the event; else all.")] = "",
) -> None:
    """Show the published week beside what it would be; on record as a scenario, never published."""
    from footfall.scenario import Scenario

    events, amounts = terminal.by_day("--event", event, str), terminal.by_day("--rain", rain, float)
    supposed = Scenario(closed or [], events, amounts, site)
    supposed.check()  # a typo is told before any server starts
    with terminal.ready(market, None, None):
        terminal.suppose(market, supposed._asdict())


def _champion(parameters: dict[str, Any]) -> Any:
    """The market's champion as of the day that a run would stand on."""
    from flows.champion import ledger
    from flows.station.run import market_as_of
    from flows.storage import bucket as storage

    day = dt.date.fromisoformat(str(market_as_of(**parameters).data.as_of))
    return ledger.champion(storage.connect(), parameters["market"], day)
