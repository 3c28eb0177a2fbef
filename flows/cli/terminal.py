"""What the command line says, and how: progress line by line, tables, and in plain words what went wrong."""

import asyncio
import datetime as dt
import errno
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from flows.local import servers
from flows.masking import masked
from flows.notebook import forkserver
from flows.operations.finding import Finding
from flows.settings import bucket_name, day_of, home, moved, params_folder
from flows.storage import layout
from footfall.errors import MOST_LISTED, EnvironmentProblem, Problem, UsageProblem
from footfall.market_file import read_market, read_value
from footfall.params import OBEYED
from footfall.sources.fault import counted

LIVE = re.compile(rf"(?![\t\n])[{OBEYED}]")


class Terminal(Console):
    """Shows what it would otherwise obey: nothing that came from outside moves a cursor, or turns a line around."""

    def render_str(self, text: str, **options: Any) -> Any:
        """As its parent, which all text passes through, that of tables too."""
        return super().render_str(LIVE.sub(lambda sign: ascii(sign[0])[1:-1], text), **options)


console = Terminal(highlight=False, soft_wrap=True, emoji=False)
say = console.print
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@contextmanager
def ready(market: str, as_of: str | None, set: list[str] | None) -> Iterator[dict[str, Any]]:
    """A flow's parameters are right, its servers there, and whatever goes wrong is said in plain words."""
    given = settings(set)
    read_market(params_folder(), market, given, as_of)  # a typo is told before any server starts
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # our own lines say it shorter
    with servers.servers(), plain_words(market):
        yield {"market": market, "as_of": as_of, "settings": given}


@contextmanager
def plain_words(market: str | None) -> Iterator[None]:
    """Whatever goes wrong is said in a sentence, with what remains of a market's forecast, and by the exit code."""
    before = _latest(market)
    try:
        yield
    except (Problem, OSError) as error:
        problem = error if isinstance(error, Problem) else EnvironmentProblem(f"{error}. {_remedy(error)}")
        say(f"[bold red]{type(problem).__name__}[/]  {escape(str(problem))}")
        if market:
            say(_what_readers_see(market, before), markup=False)
        raise typer.Exit(problem.exit_code) from None


def _remedy(error: OSError) -> str:
    """What to do about an error of the operating system's; another home only where this one is in the way."""
    of_home = str(error.filename or "").startswith(str(home()))
    elsewhere = f" or {moved()}," if of_home or error.errno in FULL else ""
    return f"Mend that,{elsewhere} and run again; footfall doctor looks for more."


def _what_readers_see(market: str, before: dict[str, Any] | None) -> str:
    """Whether anything was published before it went wrong, and what readers see now."""
    now = _latest(market)
    if now is None or before is None:
        return "Whether anything was published could not be asked; what was published before remains."
    if now != before:
        return f"The latest forecast is now {now['as_of']}."
    remains = f"the latest forecast remains {now['as_of']}" if now else "no forecast was published yet"
    return f"Nothing was published; {remains}."


def _latest(market: str | None) -> dict[str, Any] | None:
    """What readers are pointed to, empty without any; None where that cannot be known."""
    if market is None:
        return None
    from flows.storage import bucket as storage
    from flows.storage import forecasts

    with suppress(Problem):
        return forecasts.pointer(storage.connect(), market) or {}
    return None


def settings(texts: list[str] | None) -> dict[str, Any]:
    """What is given by ``--set``: dotted keys and values."""
    return dict(_setting(text) for text in texts or [])


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageProblem(f"--set {text}: write section.key=value, as in --set data.source=sample")
    if "@" in value and masked(value) != value:
        raise UsageProblem(f"--set {key}: Prefect keeps what is set, so no password may be in it; put it into ~/.netrc")
    return key, read_value(value)


def perform(station: str, parameters: dict[str, Any]) -> Any:
    """Run a station's flow, its progress on the terminal; what it returns."""
    say(f"[bold]{station}[/] {parameters['market']}")
    forkserver.start(station)  # it imports while we do
    from flows import explore, predict, review, train, whatif

    stations: list[Any] = [explore.explore, predict.predict, review.review, train.train, whatif.whatif]
    with progress(ProgressLines()):
        return asyncio.run(next(flow for flow in stations if flow.name == station)(**parameters))


@contextmanager
def progress(handler: logging.Handler) -> Iterator[None]:
    """Tell the progress of flows and tasks to `handler`, and at the end Prefect what it has yet to be told.

    Raises
    ------
    EnvironmentProblem
        If Prefect's server is away, or fails on the way: its engine would say so by a traceback.
    """
    from prefect.logging.handlers import APILogWorker

    from flows.orchestration.client import answering

    for kind in ("flow", "task"):  # Prefect, once imported, would set its own
        logging.getLogger(f"prefect.{kind}_runs.footfall").handlers = [handler]
    with answering() as client:
        client.request("GET", "/health")
        try:
            yield
        finally:
            APILogWorker.drain_all(timeout=5)


class ProgressLines(logging.Handler):
    """Progress, line by line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        say(f"  {record.getMessage()}", markup=False)


def show(market: str, folder: str | None = None) -> None:
    """Print the published forecast as people read it; or that of a folder, which may be stored and never shown."""
    from flows.storage import bucket as storage
    from flows.storage import forecasts
    from footfall.page.lines import caption, read_accounts, read_shown
    from footfall.selection import without_forecast

    bucket, tables = storage.connect(), ("forecast.parquet", "series.parquet")
    shown = forecasts.stored(bucket, folder, *tables) if folder else forecasts.latest(bucket, market, *tables)
    if shown is None:
        raise UsageProblem(f"{market} has no published forecast yet; make one: footfall run {market}")
    about, forecast = shown.manifest["about"], read_shown(shown.files["forecast.parquet"])
    measure = about["measure"] if "measure" in about else read_market(params_folder(), market).data.measure
    numbers, through = caption(forecast["target"].iloc[0], measure), about["data_through"]
    made = f"as of {shown.pointer['as_of']}, data through {through}, by {about['model_version']}"
    say(f"\n[bold]{market}[/] {escape(made)}; {escape(numbers)}")
    accounts = read_accounts(shown.files)
    say(_table(forecast, len(accounts) > 1))
    if missing := without_forecast(accounts):
        say(f"[bold red]missing[/]  {escape(missing)}")
    if is_latest := shown.pointer == forecasts.pointer(bucket, market):
        _say_if_stale(bucket, market, about)
    say(f"gs://{bucket_name()}/{layout.set_of(shown.pointer['manifest'])}/  {layout.on_disk()}")
    if is_latest and layout.PAGE in shown.manifest["files"]:
        say(f"The page for people:  {layout.for_people(layout.shown(market, layout.PAGE))}")


def _say_if_stale(bucket: Any, market: str, about: dict[str, Any]) -> None:
    from flows.storage import forecasts

    try:
        data = read_market(params_folder(), market).data
    except UsageProblem as problem:  # spoiled since: readers have the forecast all the same
        say(f"[bold red]spoiled[/]  {escape(str(problem))}")
        return
    if forecasts.is_stale(bucket, data, about, today := day_of(data)):
        age = (today - dt.date.fromisoformat(about["data_through"])).days
        say(f"[bold red]stale[/]  the last data is {age} days before {today}; footfall status {market}")


def by_day(option: str, texts: list[str] | None, kind: Callable[[str], Any]) -> dict[str, Any]:
    """What an option gives for days, ``2026-12-30=busier``."""
    pairs = [text.partition("=") for text in texts or []]
    days = [day for day, _, _ in pairs]
    if twice := [day for day in days if days.count(day) > 1]:
        raise UsageProblem(f"{option} {twice[0]} is given more than once; a scenario has one of a day")
    try:
        return {day: kind(value) for day, _, value in pairs}
    except ValueError:
        raise UsageProblem(f"{option} {' '.join(texts or [])}: write a day and a number, as in 2026-12-29=0") from None


def suppose(market: str, scenario: dict[str, Any]) -> None:
    """Forecast a scenario, and print it beside what is published."""
    forkserver.start("whatif")
    from flows.orchestration import alerts
    from footfall.page.lines import lines, of_several

    with alerts.muted():
        published, supposed = perform("whatif", {"market": market, "scenario": scenario})
    if of_several(published):
        return say(_changed(published, supposed))
    table = _grid("date", "weekday", "published", "80 % range", "what if", "80 % range")
    for before, after in zip(lines(published), lines(supposed), strict=True):
        table.add_row(*before, *after[2:], style="bold" if before != after else "")
    say(table)


def _changed(published: Any, supposed: Any) -> Table:
    """Of many the places of which a scenario changes a number, before and after; the first twenty."""
    from footfall.page.lines import week_of_places

    (days, rows), (_, others) = week_of_places(published), week_of_places(supposed)
    after = {place: week for place, *week in others}
    changed = [(place, week, after[place]) for place, *week in rows if after.get(place, week) != week]
    table = _grid(f"{len(changed)} of {len(rows)} places", "", *(day[5:] for day in days))
    for place, week, other in changed[:MOST_LISTED]:
        table.add_row(escape(place), "published", *week)
        pairs = zip(week, other, strict=True)
        table.add_row("", "what if", *(new if new == old else f"[bold]{new}[/]" for old, new in pairs))
    if len(changed) > MOST_LISTED:
        table.add_row(f"… and {len(changed) - MOST_LISTED} more")
    return table


def _grid(*columns: str) -> Table:
    """A table without lines; weekdays and places stand on the left of their column."""
    on_the_left = ("weekday", "place", "places")
    named = [Column(name, justify="left" if name.endswith(on_the_left) else "right") for name in columns]
    return Table(*named, box=None, header_style="bold", pad_edge=False)


def _table(forecast: Any, many: bool) -> Table:
    """A line for each day; of a market of several for each place, the first twenty."""
    from footfall.page.lines import lines, of_several, week_of_places

    if not many and not of_several(forecast):
        table = _grid("date", "weekday", "expected", "80 % range")
        for line in lines(forecast):
            table.add_row(*line)
        return table
    days, rows = week_of_places(forecast)
    table = _grid(counted(len(rows), "place"), *(day[5:] for day in days))
    for place, *week in rows[:MOST_LISTED]:
        table.add_row(escape(place), *week)
    if len(rows) > MOST_LISTED:
        table.add_row(f"… and {len(rows) - MOST_LISTED} more")
    return table


def print_findings(findings: Iterable[Finding]) -> None:
    """A line for each; what is wrong is marked, with what mends it underneath."""
    for about, says, mend in findings:
        say(f"  {'[bold red]![/]' if mend else ' '} {about:<18} {escape(' '.join(says.split()))}")
        if mend:
            say(f"{'':23}→ {mend}", markup=False)


def print_pairs(pairs: list[tuple[str, str]]) -> None:
    """A line for each: what, and which."""
    for what, which in pairs:
        say(f"[bold]{what:<15}[/]{escape(which)}")


async def print_each(sentences: AsyncIterator[str]) -> None:
    """A line for each sentence, as it comes."""
    async for sentence in sentences:
        say(sentence, markup=False)
