"""Numbers in forms: what is out of range counts as missing."""

MAX_LENGTH = 18  # digits: what both databases take


def whole(text: str) -> int | None:
    """The number of rows and updates; None for anything else, such as "²" or a thousand digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_LENGTH else None
