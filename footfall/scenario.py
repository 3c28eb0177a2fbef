"""What might be on coming days: the place closed, an event, so much rain."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from footfall.errors import UsageProblem
from footfall.events import COLUMNS, EFFECTS
from footfall.opening import CLOSED
from footfall.series import site_of
from footfall.sources.names import spelling

SUPPOSED = "what if"  # the words of an event that has none
SHUT = "it is closed without that"
NEVER = (
    "no event of this kind was ever on, other than each week, from which its effect would be known; "
    "on a holiday only the same event tells"
)
STAYS = {CLOSED: SHUT, "unknown": "what such an event does is unknown"}
AS_MUCH = "as much is foreseen, no more than {most:g} mm count, or rain has no effect there or so far ahead"

OTHERWISE = "nothing was supposed of it; the market's file has changed since, or what is supposed is on each week"


class Scenario(NamedTuple):
    """Suppositions about coming days, by ISO day.

    Attributes
    ----------
    closed : sequence of str
        Days on which the place is shut.
    events : mapping of str to str
        ``busier``, ``quieter`` or ``unknown``, or this and the words of an event: ``busier: a concert``.
    rain : mapping of str to float
        Millimetres.
    site : str
        Of many the one that closes and has events; empty: all of them. Rain falls on all.
    """

    closed: Sequence[str] = ()
    events: Mapping[str, str] = {}
    rain: Mapping[str, float] = {}
    site: str = ""

    def __str__(self) -> str:
        """In words, for its record."""
        parts = [f"closed {day}" for day in self.closed]
        parts += [f"{day} {event}" for day, event in self.events.items()]
        parts = [f"{part} at {self.site}" if self.site else part for part in parts]
        return "; ".join([*parts, *(f"{day} {amount:g} mm of rain" for day, amount in self.rain.items())])

    def check(self) -> None:
        """Stop a scenario of nothing, or of effects and amounts that there are not.

        Raises
        ------
        UsageProblem
            Names what there is.
        """
        if not str(self):
            raise UsageProblem("suppose something: --closed DATE, --event DATE=busier, --rain DATE=MILLIMETRES")
        if wrong := [event for event in self.events.values() if _effect(event) not in EFFECTS]:
            raise UsageProblem(f"--event: {wrong[0]!r} begins with none of {', '.join(EFFECTS)}")
        if amounts := [amount for amount in self.rain.values() if not 0 <= amount <= 1000]:
            raise UsageProblem(f"--rain: {amounts[0]} cannot be; from 0 to 1000 millimetres")

    def check_days(self, published: pd.DataFrame) -> None:
        """Stop a scenario of other days or sites than the published ones, with a `UsageProblem` that names them."""
        days = [*dict.fromkeys(published["target_end_date"])]
        if other := [day for day in [*self.closed, *self.events, *self.rain] if day not in days]:
            raise UsageProblem(f"{other[0]} is none of the published days, {days[0]} to {days[-1]}")
        if self.site:
            sites = [*map(site_of, published["location"].unique())]
            if spelling(self.site) not in map(spelling, sites):
                named = ", ".join(sites[:3])
                raise UsageProblem(f"--site {self.site!r} is none of the {len(sites)} with a forecast, such as {named}")

    def on_events(self, known: pd.DataFrame | None, entered: str, site: str) -> pd.DataFrame:
        """The events that are known, and those that are supposed; columns as in `footfall.events.COLUMNS`."""
        effects = {
            day: (_effect(event), event.partition(":")[2].strip() or SUPPOSED) for day, event in self.events.items()
        }
        site = self.site or site
        rows = [[day, day, site, SUPPOSED, CLOSED, entered] for day in self.closed]
        rows += [[day, day, site, what, effect, entered] for day, (effect, what) in effects.items()]
        supposed = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
        return supposed if known is None else pd.concat([known, supposed], ignore_index=True)

    def unmoved(self, published: pd.DataFrame, supposed: pd.DataFrame, weather: Sequence[str] | None) -> list[str]:
        """Suppositions on whose days no number is another, each a sentence with its reason; and other days that moved.

        Parameters
        ----------
        published, supposed : DataFrame
            The two forecasts, as `footfall.forecast.tabulate` has them.
        weather : sequence of str, optional
            The ISO days that the champion knows a weather of; None: it looks at none.
        """
        from footfall.models.weather import MOST_RAIN  # sktime, which the command line does without

        keys = ["location", "target", "target_end_date"]
        before, after = (table[table["output_type"] == "mean"] for table in (published, supposed))
        both = before.merge(after, on=keys)
        moved = {*both.loc[both["value_x"] != both["value_y"], "target_end_date"]}
        opened = before[before["open"] != "no"] if "open" in before else before  # no column where no day is closed
        shut = {*before["target_end_date"]}.difference(opened["target_end_date"])
        why = [(day, f"closed {day}", SHUT) for day in self.closed]
        why += [(day, f"{day} {event}", STAYS.get(_effect(event), NEVER)) for day, event in self.events.items()]
        for day, amount in self.rain.items():
            of_day = AS_MUCH.format(most=MOST_RAIN) if day in (weather or ()) else "no weather of that day is known"
            reason = "the champion does not look at the weather" if weather is None else of_day
            why.append((day, f"{day} {amount:g} mm of rain", reason))
        stays = [(what, SHUT if day in shut else reason) for day, what, reason in why if day not in moved]
        others = sorted(moved.difference(self.closed, self.events, self.rain))
        changed = [f"{', '.join(others)} moved too: {OTHERWISE}"] if others else []
        return [*(f"{what}: the number stays, {reason}" for what, reason in stays), *changed]

    def on_weather(self, issued: pd.DataFrame) -> pd.DataFrame:
        """The weather that was issued, with other rain; columns as in `footfall.sources.weather.COLUMNS`."""
        rain = issued["date"].astype(str).map(dict(self.rain))
        return issued.assign(rain_mm=rain.where(rain.notna(), issued["rain_mm"]).astype(float))


def _effect(event: str) -> str:
    return event.partition(":")[0].strip()
