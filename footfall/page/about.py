"""What a market says of itself on its page: its place's name, what is counted there, and whose figures it is."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from footfall.page.translations import ENGLISH, Language, languages
from footfall.params import OBEYED
from footfall.series import site_of
from footfall.units import COUNTS, unit_of

FINE = 10  # numbers of a place have a decimal where nothing expected or usual is larger, whatever a range's end
TURNING = re.compile(f"[{OBEYED}]")  # also what makes text run the other way, past its own end

Standing = Literal["proven", "young", "unproven"]


class About(NamedTuple):
    """What a page says of its place beside the figures; the default is that of Google's markets.

    Attributes
    ----------
    name : str
        The place's own; without it that of its location.
    measure : mapping of str to str or list of str
        What is counted, by language, a word or that of one and that of several:
        ``{"pt": "clientes", "en": ["guest", "guests"]}``.
    credit : str, optional
        Whose figures they are, empty where that is not said; None: Google's where they are in per cent, else the
        house's own.
    standing : str
        Of the model: ``proven``; ``young``, where there are too few days for a verdict; ``unproven``, where it is not
        known to be better than the naive.
    known_days : int, optional
        Days of a young series.
    all_places : str
        Address of the index of all places, seen from the page; nothing where there is none.
    weather : bool
        Whether anything in the forecast is for the weather.
    events : bool
        Whether its owner's events are known.
    names : mapping of str to str
        What the source calls places that have a code, from `footfall.series.names_in`.
    accessed : str
        ISO day on which Google's figures were fetched, as Google asks to be said; nothing where it is not known.
    """

    name: str = ""
    measure: Mapping[Any, str] = {}
    credit: str | None = None
    standing: Standing = "proven"
    known_days: int | None = None
    all_places: str = ""
    weather: bool = False
    events: bool = False
    names: Mapping[str, str] = {}
    accessed: str = ""

    def place(self, location: str, language: Language) -> str:
        """What the page calls the place: its own name, a site's before it; else the location's."""
        site = site_of(location)
        return plain(", ".join(filter(None, [site, self.name])) if self.name else language.place(location, self.names))

    def words(self, target: str, language: Language) -> tuple[str, str]:
        """What is counted, of one and of several: the market's own, of another language where this one has none."""
        if unit_of(target) is not COUNTS:
            return (language.say("hours" if target == "residential" else "visits"),) * 2
        given = [self.measure.get(language.short), self.measure.get(ENGLISH), *self.measure.values()]
        forms = next(filter(None, given), "")
        one, several = map(plain, [forms, forms] if isinstance(forms, str) else forms)
        return (one, several) if several else (language.say("one visit"), language.say("visits"))

    def source(self, language: Language) -> str:
        """Whose figures they are; nothing where that is not said, or Google, whose line the template has."""
        own = language.say("own figures") if language.unit == COUNTS.name else ""
        return own if self.credit is None else plain(self.credit)

    def languages(self, target: str, days: Mapping[str, Any] | pd.DataFrame) -> tuple[Language, ...]:
        """The languages of a page, each with the word for what is counted and as many decimals as that needs."""
        fine = is_fine(days["mean"], days["usual"])
        every = languages(unit_of(target).name)
        return tuple(each._replace(words=self.words(target, each), fine=fine) for each in every)


def is_fine(*numbers: Any) -> bool:
    """Whether all that is known of some numbers is so small that they need a decimal."""
    return bool(pd.Series(np.concatenate(numbers)).max() < FINE)


def plain(text: str) -> str:
    """Text from outside without what terminals obey and what turns lines around; for markup the template cares."""
    kept = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return " ".join(TURNING.sub("", kept).split())
