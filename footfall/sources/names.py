"""Names that files give to places: what cannot be one, and which spellings are of one."""

import unicodedata
from collections.abc import Callable

LONGEST = 200  # characters; Google's longest has 74
JOINER = "\u200d"  # within an emoji
BLANKS = {"none", "n/a", "#n/a", "null", "nan", "undefined"}


def _is_no_formula(name: str) -> bool:
    return name.strip()[:1] not in tuple("=+-@＝＋－＠")


def _is_plain_text(name: str) -> bool:
    kinds = {unicodedata.category(character) for character in name if character != JOINER}
    return not kinds & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


def _is_short(name: str) -> bool:
    return len(name) <= LONGEST


def _is_a_name(name: str) -> bool:
    return name.strip().lower() not in BLANKS


RULES: list[tuple[Callable[[str], bool], str]] = [
    (_is_no_formula, "a name that a spreadsheet would run as a formula"),
    (_is_plain_text, "a name with invisible or control characters"),
    (_is_short, f"longer than {LONGEST} characters"),
    (_is_a_name, "a word for nothing in the place of a name; leave it blank where there is none"),
]


def objection(name: str) -> str:
    """Why this cannot be the name of a place of one's own; nothing where it can.

    Markup is refused too, and what no location may hold: its name goes into files, addresses and pages.
    """
    if broken := next((rule for keeps, rule in RULES if not keeps(name)), ""):
        return broken
    if not name.strip():
        return "no name; name the site in every row, or leave data.columns.site out"
    return "a name with < or >, \\ or .., which pages and files take for something else" if _is_markup(name) else ""


def _is_markup(name: str) -> bool:
    return bool(set(name) & set("<>\\")) or ".." in name


def spelling(name: str) -> str:
    """What two spellings of one name share: no capitals, accents or spaces that are there for nothing."""
    letters = unicodedata.normalize("NFKD", " ".join(name.split()).casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
