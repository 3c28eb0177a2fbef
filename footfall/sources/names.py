"""Names that files give to places: what cannot be one, and which spellings are of one."""

import re
import unicodedata
from collections.abc import Callable

LONGEST = 200  # characters; Google's longest has 74
JOINER = "\u200d"  # within an emoji
BLANKS = {"none", "n/a", "#n/a", "null", "nan", "undefined"}


# of a file's name: dates, also where they stand beside a letter, and numbers that do not
NUMBERED = re.compile(
    r"(((?<![^\W_])(\d{1,2}[-_. ]){1,2}|(?<!\d))(19|20)\d{2}([-_. ]W?\d{1,2}){0,2}(?!\d)|\d{6,})(T[\d.:-]+Z?)?"
    r"|(?<![^\W_])\d+(?![^\W_])"
)
SUFFIX = re.compile(r"(?i)\.(csv|tsv|txt|parquet|xml|xls[xmb]?)(\.gz)?(/[^/]*)?$")  # and the sheet of a workbook
BRACKETS = re.compile(r"[(\[][\s._-]*[)\]]")  # about a date or number
MARKS = " ._-"  # between the words of a file's name

INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # categories of characters
RULES: list[tuple[Callable[[str], bool], str]] = [
    (lambda name: name.strip()[:1] not in tuple("=+-@＝＋－＠"), "a name that a spreadsheet would run as a formula"),
    (
        lambda name: INVISIBLE.isdisjoint(unicodedata.category(sign) for sign in name if sign != JOINER),
        "a name with invisible or control characters",
    ),
    (lambda name: len(name) <= LONGEST, f"longer than {LONGEST} characters"),
    (
        lambda name: name.strip().lower() not in BLANKS,
        "a word for nothing in the place of a name; leave it blank where there is none",
    ),
]


def objection(name: str) -> str:
    """Why this cannot be the name of a place of one's own; nothing where it can.

    Markup is refused too, and what no location may hold: its name goes into files, addresses and pages.
    """
    if broken := next((rule for keeps, rule in RULES if not keeps(name)), ""):
        return broken
    if not name.strip():
        return "no name; name the site in every row, or leave data.columns.site out"
    is_markup = bool(set(name) & set("<>\\")) or ".." in name
    return "a name with < or >, \\ or .., which pages and files take for something else" if is_markup else ""


def of_file(name: str) -> str:
    """The site in a file's name: what stands beside dates and numbers in ``tasca-2026-11-01.csv``, ``tasca (2).xlsx``.

    A number that a letter stands beside is of the name: ``loja1.csv``.
    """
    words = [word.strip(MARKS) for word in NUMBERED.sub("\n", SUFFIX.sub("", name)).split("\n")]
    return BRACKETS.sub("", " ".join(filter(None, words))).strip(MARKS)


def spelling(name: str) -> str:
    """What two spellings of one name share: no capitals, accents or spaces that are there for nothing."""
    letters = unicodedata.normalize("NFKD", " ".join(name.split()).casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
