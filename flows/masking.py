"""What may be shown of an address: never the user and password in it."""

import re


def masked(source: str) -> str:
    """The source as it may be shown and stored: without user, password and query."""
    if source.startswith("gs://"):  # a bucket knows no passwords
        return source
    if "://" not in source:  # a path, or an address with a slip in it: user:password@host
        return re.sub(r"^(https?:?/+)?[^\s/:{\[]+:[^\s/]+@", "***@", source)
    return re.sub(r"(?<=://).*@", "***@", source, flags=re.DOTALL).split("?")[0].split("#")[0]


def without_passwords(text: str) -> str:
    """A text without the user and password of any address in it; up to the last @, for a password may hold another."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)
