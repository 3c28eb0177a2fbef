"""What doctor and status say, line by line."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What a line is about, what is so, and, where that is wrong, the command or step that mends it."""

    about: str
    says: str
    mend: str = ""
