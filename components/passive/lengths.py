"""Lengths of time as people write them: "10 min", "1 h 30 min", "1 d"."""

import re

UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86_400, "day": 86_400, "days": 86_400,
    "w": 604_800, "week": 604_800, "weeks": 604_800,
}  # fmt: skip
PART = re.compile(r"([0-9]{1,9})\s*([a-z]+)")
MAX_S = 366 * 86_400
IN_WORDS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class LengthError(ValueError):
    """This is not a length of time; the text is the sentence for staff."""


def parse(text: str, *, least_s: int = 1) -> int:
    """Seconds, `least_s` to a year. A bare number is seconds. Raises LengthError.

    >>> parse("1 h 30 min")
    5400
    """
    words = text.strip().lower()
    total = int(words) if words.isascii() and words.isdigit() and len(words) <= 9 else _sum(words)
    if not least_s <= total <= MAX_S:
        raise LengthError(f"Use a length from {in_words(least_s)} to 366 d.")
    return total


def _sum(words: str) -> int:
    parts = PART.findall(words)
    if not parts or PART.sub("", words).strip(" ,") or any(unit not in UNITS for _, unit in parts):
        raise LengthError("Write a length such as 30 s, 10 min, 1 h 30 min or 1 d.")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def in_words(seconds: int) -> str:
    """ "1 h 30 min"."""
    parts, left = [], seconds
    for size, unit in IN_WORDS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts) or "0 s"
