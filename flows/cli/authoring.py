"""The commands of those who write models and notebooks."""

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flows.cli import terminal
from flows.cli.options import Market, Settings, app, day
from flows.local.servers import BUCKET, MLFLOW, servers
from flows.settings import home, notebooks_folder, params_folder
from footfall.errors import DataProblem, UsageProblem
from footfall.market_file import read_market
from footfall.params import FARTHEST

notebooks = typer.Typer(no_args_is_help=True, help="The committed notebooks.")
app.add_typer(notebooks, name="notebooks")


@app.command()
def backtest(
    market: Market,
    first: Annotated[dt.date, day("The first day to forecast from.", "--from")],
    last: Annotated[dt.date, day("The last day to forecast from.", "--to")],
    lag: Annotated[
        int | None, typer.Option(min=0, max=FARTHEST, help="Days until publication; else the market's.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, max=FARTHEST, help="Days to forecast; else the market's.")
    ] = None,
    candidate: Annotated[str, typer.Option(help="One of train.ipynb, or today's champion.")] = "champion",
    out: Annotated[Path | None, typer.Option(help="CSV file to write: origin,date,mean,q05,…,q95.")] = None,
    set: Settings = None,
) -> None:
    """Ask a candidate for its forecasts of the past, one origin a day, and score them; nothing is published."""
    parameters = read_market(params_folder(), market, terminal.settings(set))
    if out and not out.parent.is_dir():
        raise UsageProblem(f"--out {out}: there is no folder {out.parent}; make it first, or name another")
    from flows.authoring import candidates
    from flows.sources.reading import one_reading

    horizon = parameters.predict.horizon if horizon is None else horizon
    lag = parameters.data.lag if lag is None else lag
    origins = candidates.every_day(first, last)
    if candidate == "champion":
        with servers(MLFLOW, BUCKET):
            candidate = candidates.recipe_of_champion(market)
    with one_reading():
        table = candidates.backtest(parameters, origins, [candidate], horizon, lag)
        whose = candidates.called(parameters)
    terminal.say(f"{candidate}, {whose}: {candidates.summary(table)}", markup=False)
    if out:
        candidates.write_csv(table, out)


@app.command("try")
def try_candidate(
    name: Annotated[str, typer.Argument(help="One of the candidates in train.ipynb.")],
    market: Annotated[str, typer.Option(help="Whose figures.")] = "sample",
    set: Settings = None,
) -> None:
    """Put one candidate through a short backtest, beside the seasonal naive and the champion's recipe."""
    parameters = read_market(params_folder(), market, terminal.settings(set))
    from flows.authoring import candidates
    from flows.sources.reading import one_reading
    from footfall.evaluation.gate import WEATHER

    recipe = candidates.champions_recipe(home() / "runs", market)
    plain = recipe and recipe.removesuffix(WEATHER)  # the weather takes minutes, and a key
    with one_reading():
        leaderboard = candidates.trial(parameters, name, ["seasonal naive", *([plain] if plain else [])])
        whose = candidates.called(parameters)
    labels = {plain: f"{plain}  (the champion's recipe{', without its weather' if plain != recipe else ''})"}
    labels[name] = f"{labels.get(name, name)}  ← tried"
    scores = leaderboard[["MAE", "MASE", "WIS", "cover80"]].round(3)
    terminal.say(scores.rename(index=labels).rename_axis(None).to_string(), markup=False)
    if plain and plain not in leaderboard.index:
        terminal.say(f"The champion's recipe, {recipe}, is no candidate of train.ipynb any more.", markup=False)
    judged = f"{candidates.TRIAL} days of {whose}, smaller is better but for cover80, where 0.8 is."
    terminal.say(f"{judged} The training judges on more of them, and decides.")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the market is to be called: small letters, digits, - and _.")],
    source: Annotated[str, typer.Argument(metavar="FILE", help="An export, a folder of them, https or gs://.")],
    location: Annotated[str | None, typer.Option(help="Whose holidays: an ISO 3166 code, as in PT-11.")] = None,
    date: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of the date.")] = None,
    value: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Of the counts; may be repeated: see --site.")
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="That names the site; each: every column of counts is one; none: all of one."
        ),
    ] = None,
    hour: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of the hour.")] = None,
    dates: Annotated[str | None, typer.Option(help="How dates are written, as in %d/%m/%Y.")] = None,
    decimal: Annotated[str | None, typer.Option(help="The mark before decimals: . or ,")] = None,
    rows: Annotated[str | None, typer.Option(help="What a row is: days, hours or orders.")] = None,
    day_starts: Annotated[str | None, typer.Option(help="When a day of business starts, as in 05:00.")] = None,
    timezone: Annotated[str | None, typer.Option(help="As in Europe/Lisbon; else that of the country.")] = None,
    title: Annotated[str | None, typer.Option("--name", help="The place's own name, for its page.")] = None,
    site_name: Annotated[str | None, typer.Option(help="The one site to forecast; else a market of them all.")] = None,
    files: Annotated[
        str | None, typer.Option(help="Of a folder's files: sites, each is one by its name, or exports of the same.")
    ] = None,
    measure_pt: Annotated[str | None, typer.Option(help="What is counted, in Portuguese: cliente,clientes.")] = None,
    measure_en: Annotated[str | None, typer.Option(help="In English: guest,guests.")] = None,
    measure_es: Annotated[str | None, typer.Option(help="In Spanish: cliente,clientes.")] = None,
    measure_fr: Annotated[str | None, typer.Option(help="In French: client,clients.")] = None,
    measure_de: Annotated[str | None, typer.Option(help="In German: Gast,Gäste.")] = None,
) -> None:
    """Make a market of your own figures: look at the file, ask what it does not say, write params/NAME.yaml."""
    from flows.authoring import new

    words = {"pt": measure_pt, "en": measure_en, "es": measure_es, "fr": measure_fr, "de": measure_de}
    measure = {language: _forms(word) for language, word in words.items() if word}
    given = (location, date, value or [], site, hour, dates, decimal, rows, day_starts, timezone, title, measure)
    draft = new.draft(name, source, new.Answers(*given, site_name, files), _ask if sys.stdin.isatty() else None)
    for line in draft.understood:
        terminal.say(f"  {line}", markup=False)
    terminal.say(f"{new.write(draft)} written; next: footfall run {name}", markup=False)


def _forms(word: str) -> str | list[str]:
    """What is counted, as the market's file has it: the word for several, or before it, with a comma, that for one."""
    return [form.strip() for form in word.split(",")] if "," in word else word


def _ask(question: str, choices: Sequence[str], default: str | None) -> str:
    """Ask a person at the terminal."""
    for number, choice in enumerate(choices, start=1):
        terminal.say(f"  {number}  {choice}", markup=False)
    return chosen(str(typer.prompt(question.partition(": --")[0], default=default)), choices)


def chosen(answer: str, choices: Sequence[str]) -> str:
    """What an answer means: choices by their numbers, counted from 1 and with commas between; else what it says."""
    by_number = {str(number): choice for number, choice in enumerate(choices, start=1)}
    numbers = [number.strip() for number in answer.split(",")]
    return ",".join(by_number[number] for number in numbers) if by_number.keys() >= {*numbers} else answer


@notebooks.command()
def refresh() -> None:
    """Execute the committed notebooks on the sample, and draw README's pictures where there is a Chromium."""
    from flows.authoring import notebooks

    notebooks.refresh(terminal.say)


@notebooks.command()
def sample() -> None:
    """Make the bundled forecasts, which review.ipynb reads, anew: some minutes of training and predicting."""
    from flows.authoring import notebooks

    notebooks.forecast_the_past(terminal.say)


@notebooks.command()
def text() -> None:
    """Write the committed notebooks' text forms, by which reviews read what changed."""
    from flows.authoring import pairing

    for path in _committed():
        if pairing.write_text(path):
            terminal.say(f"text/{path.stem}.py written")


@notebooks.command()
def check() -> None:
    """Refuse notebooks whose outputs or text forms are of other code."""
    from flows.authoring import pairing

    if stale := list(pairing.out_of_step(_committed())):
        raise DataProblem("\n".join(stale))


def _committed() -> list[Path]:
    return sorted(notebooks_folder().glob("*.ipynb"))
