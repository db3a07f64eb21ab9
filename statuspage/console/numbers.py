"""Numbers that forms carry: what no number of ours can be is none, and no fault."""

MAX_LENGTH = 18  # digits: what both databases take


def whole(text: str) -> int | None:
    """The number of rows and updates; None for anything else, such as "²" or a thousand digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_LENGTH else None
