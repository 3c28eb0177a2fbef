"""What the owner's page says: a language is one gettext catalogue in ``locale/``, the same names for its sentences.

A sentence that pages of counts say otherwise stands there once more, in the context ``counts``. What the code has to
know of a language stands there too: its tag, its dates, the countries in which it leads. So a new language is one file.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import holidays
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_decimal, get_group_symbol

from footfall.calendar import HOLIDAY_CATEGORIES, holiday_names
from footfall.opening import WEEKDAYS
from footfall.units import PERCENT

CATALOGUES = Path(__file__).parent / "locale"
ENGLISH = "en"
MILLION = 1_000_000
SPACE = "\N{NARROW NO-BREAK SPACE}"
VOWEL = re.compile("[aeiouàâäéèêëîïôöùûüœ]", re.IGNORECASE)
DIGITS = 3  # of a large number; nobody orders by the fourth


class Language(NamedTuple):
    """A language of the page, for one unit: its locale, its sentences, and what is counted."""

    locale: str
    unit: str
    sentences: dict[str, str]
    words: tuple[str, str] = ("", "")  # what is counted, of one and of several
    fine: bool = False  # whether numbers are so small that they need a decimal

    @property
    def measure(self) -> str:
        """Visitors, guests; of Google's figures visits, or hours spent."""
        return self.words[1]

    @property
    def tag(self) -> str:
        """How browsers call it: ``pt-PT``."""
        return self.say("language tag")

    @property
    def short(self) -> str:
        """Its two letters, ``pt``."""
        return self.tag[:2]

    def say(self, sentence: str, /, **facts: str | int) -> str:
        """A sentence, by its name, with its facts filled in."""
        return self.sentences[sentence].format(**facts)

    def dated(self, day: dt.date, form: str) -> str:
        """A day in one of its forms: ``short date``, ``14 Oct``; ``spoken weekday``, ``sexta``, as people say."""
        number = self.say("first of a month") if day.day == 1 else "d"
        return format_date(day, self.say(form).replace("d ", f"{number} ", 1), locale=self.locale)

    def date(self, day: dt.date, year: bool = True) -> str:
        """``14 October 2022``, ``14 de outubro de 2022``."""
        return self.dated(day, "date" if year else "date this year")

    def weekday_and_date(self, day: dt.date) -> str:
        """``Friday, 14 October``."""
        return self.dated(day, "weekday and date")

    def short_weekday(self, day: dt.date) -> str:
        """``Fri``, ``sex``."""
        return format_date(day, "EEE", locale=self.locale)[:3].rstrip(".")

    def weekday(self, day: dt.date) -> str:
        """``Friday``."""
        return format_date(day, "EEEE", locale=self.locale)

    def a_weekday(self, day: dt.date) -> str:
        """The weekday as one of its kind, with its article where that has a gender or a case."""
        return self.say(f"one {WEEKDAYS[day.weekday()]}")

    def listed(self, words: list[str]) -> str:
        """``Friday, Saturday and Sunday``."""
        return str(format_list(words, locale=self.locale))

    def chance(self, share: float) -> str:
        """``7 in 10``, rounded down, so that a day that is only perhaps quieter is not so by nine; none beyond nine."""
        n = int(10 * share + 1e-9)
        some = "one of ten" if n == 1 else "of ten"
        return self.say("over nine" if share >= 0.95 else "under one" if n < 1 else some, n=n)

    def share(self, share: float) -> str:
        """``79%``."""
        return self.say("percent", number=round(100 * share))

    def percent(self, value: float) -> str:
        """``+9%`` with a sign that is read as one, and none on nought."""
        whole = round(value)
        sign = "+" if whole > 0 else "−" if whole < 0 else ""
        return f"{sign}{self.say('percent', number=abs(whole))}"

    def number(self, value: float) -> str:
        """``0.3``, ``142``, ``12,400``, ``1.24 million``: as people say it, large ones by their first three digits."""
        rounded = _rounded(value, self.fine)
        if rounded < MILLION:
            return self._grouped(rounded)
        # a whole number, as Babel takes 1.0 for several; French has a form of exactly one, but that of a million lacks
        more = "1" in Locale.parse(self.locale).compact_decimal_formats["long"]
        return format_compact_decimal(int(rounded) + more, format_type="long", locale=self.locale, fraction_digits=2)

    def short_number(self, value: float) -> str:
        """``142``, ``142K``, ``1.24M``: where there is little room."""
        rounded = _rounded(value, self.fine)
        plain = self._grouped(rounded)
        short = format_compact_decimal(rounded, format_type="short", locale=self.locale, fraction_digits=2)
        much_shorter = rounded >= MILLION / 10 and len(short) + 1 < len(plain)
        return short if rounded >= MILLION or much_shorter else plain

    def amount(self, value: float) -> str:
        """``142 guests``, ``1 guest``; ``1,2 milhões de clientes``, ``2 millions d’entrées``."""
        rounded = _rounded(value, self.fine)
        measure = self.words[Locale.parse(self.locale).plural_form(rounded) != "one"]
        of_many = "amount in millions of a vowel" if VOWEL.match(measure) else "amount in millions"
        return self.say(of_many if rounded >= MILLION else "amount", number=self.number(value), measure=measure)

    def numbers(self, day: Any) -> dict[str, str]:
        """A day's numbers by the names that sentences have for them: ``number`` and ``amount``, ``low`` and ``high``.

        Parameters
        ----------
        day : named tuple
            An open one, a row of `footfall.outlook.outlook`.
        """
        number, amount = self.percent(day.expected), self.amount(day.mean)
        low, high = (day.low, day.high) if self.unit == PERCENT.name else (day.low_value, day.high_value)
        write = self.percent if self.unit == PERCENT.name else self.number
        return {"number": number, "amount": amount, "low": write(low), "high": write(high)}

    def level(self, value: float) -> str:
        """A number of the page's unit, in short: ``+9%`` or ``142``."""
        return self.percent(value) if self.unit == PERCENT.name else self.short_number(value)

    @property
    def group(self) -> str:
        """What parts thousands: a comma in English, else a space, as a dot is a decimal point in Zurich and Mexico."""
        return "," if self.tag == ENGLISH else SPACE

    def _grouped(self, number: float) -> str:
        whole = format_decimal(number, format="#,##0.###", locale=self.locale)
        return whole.replace(get_group_symbol(self.locale), self.group)

    def place(self, location: str, names: Mapping[str, str] = MappingProxyType({})) -> str:
        """A location's name: of a country in this language, of smaller places as the source has them.

        Those that have a code are called as their country calls them, else as `names` do: ``PT/Lisbon`` of ``PT-11``.
        """
        region, *sites = location.split("/")
        country, *codes = region.split("-")
        name = Locale.parse(self.locale).territories.get(country, country)
        within = [_subdivisions(country).get(code, code) for code in codes]
        if within == codes and region in names:
            within = [*reversed(names[region].split("/")[1:])]
        return ", ".join([*(site.replace("%2F", "/") for site in reversed(sites)), *within, name])

    def holiday(self, day: dt.date, country: str) -> tuple[str, bool]:
        """A holiday's name in this language, where there is one, and whether it is a public one; else no name."""
        for category in HOLIDAY_CATEGORIES:
            names = holiday_names(day.year, country, category, self.say("holiday names"))
            if day in names:
                return names[day], category == "public"
        return "", False


@cache
def languages(unit: str) -> tuple[Language, ...]:
    """The languages there are, for pages of a unit, by name: ``percent`` or ``counts``."""
    files = sorted(CATALOGUES.glob("*/LC_MESSAGES/footfall.po"))
    return tuple(Language(path.parts[-3], unit, _sentences(path, unit)) for path in files)


def _sentences(path: Path, unit: str) -> dict[str, str]:
    """A catalogue's sentences by name, those of a unit in place of the common ones."""
    with path.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    of_all, of_unit = ({str(m.id): str(m.string) for m in messages if m.context == context} for context in (None, unit))
    return of_all | of_unit


def leading(voices: Iterable[Language], country: str) -> Language:
    """The language that a country's page opens in, where no browser says otherwise; English where none is its own."""
    by_tag = {language.tag: language for language in voices}
    own = [language for language in by_tag.values() if country[:2] in language.say("leads in").split()]
    return own[0] if own else by_tag[ENGLISH]


def _rounded(value: float, fine: bool) -> float:
    """A number without the digits that say nothing: a decimal where all are small, three digits where it is large."""
    if value < 10**DIGITS:
        return round(value, 1) if fine else round(value)
    return float(f"{value:.{DIGITS - 1}e}")


@cache
def _subdivisions(country: str) -> dict[str, str]:
    """What a country calls its regions, by their codes."""
    try:
        names = holidays.country_holidays(country).get_subdivision_aliases()
    except NotImplementedError:
        names = {}
    return {code: aliases[0] for code, aliases in names.items() if aliases}


def first_up(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:]
