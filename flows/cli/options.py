"""What commands have in common: the application that they belong to, and their arguments."""

import datetime as dt
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flows.cli import terminal

PROMISE = "How busy the coming week will be: train, predict and publish, every step on record."


class Commands(TyperGroup):
    """Whatever goes wrong in any of them is said in plain words."""

    def invoke(self, ctx: Any) -> Any:
        """As its parent does."""
        with terminal.plain_words(None):
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands, help=PROMISE, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

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


def calendar_day(text: str) -> dt.date:
    """A day as it is typed; what is none is told before anything starts."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day of the calendar; write it as 2022-10-13") from None


def day(help: str, *names: str) -> Any:
    """An option that takes a day of the calendar."""
    return typer.Option(*names, parser=calendar_day, metavar="DATE", help=help)


def choice(help: str, *words: str) -> Any:
    """An option that takes one of some words; Typer's own refusal of others would begin with pydantic's error."""

    def read(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(map(repr, words))}")
        return text

    return typer.Option(parser=read, metavar=f"[{'|'.join(words)}]", help=help)
