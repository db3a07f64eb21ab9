"""Cleans text that people wrote of invisible characters, and shortens it."""

import re
import unicodedata
from collections.abc import Sequence

# line ends (UAX #14: BK, CR, LF, NL), tabs, and the separators of ASCII
_BREAK = "\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029"
_BREAKS = re.compile(f"[ ]*[{_BREAK}][ {_BREAK}]*")
# control characters, halves of pairs, the byte order mark, annotations, and noncharacters
_UNSEEN = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff"
# and what turns the writing round (UAX #9)
_IN_A_LINE = re.compile(f"[{_UNSEEN}\u202a-\u202e\u2066-\u2069]")
# and what a terminal obeys, or a page shows in another order than it was written
_HARMFUL = re.compile(
    f"[{_UNSEEN}\x0b-\x0d\x1c-\x1f\x85\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_IN_A_TEXT = re.compile(f"[{_UNSEEN}\x0b\x0c\x1c-\x1f]")
# of letters, those that draw nothing though Unicode counts them as letters, marks or signs
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# what a spreadsheet runs, in the letters of East Asian keyboards as well
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ENDS = re.compile("\r\n?|\x85|\u2028|\u2029")


def one_line(text: str) -> str:
    """On one line: a break becomes a space, what cannot be seen goes. Empty when nothing is seen."""
    if text.isascii() and text.isprintable():  # nearly all: pages read a thousand names at a time
        return text.strip(" ")
    line = text if text.isprintable() else _IN_A_LINE.sub("", _BREAKS.sub(" ", text))
    line = line.strip(" ")
    return line if any(_is_seen(char) for char in line) else ""


def _is_seen(char: str) -> bool:
    """False for spaces, marks without a letter, joiners, and letters that draw nothing."""
    return char not in _BLANKS and unicodedata.category(char) not in ("Cf", "Mn", "Me", "Zs")


def lines(text: str) -> str:
    """Every line ends with a newline; tabs stay, what cannot be seen goes."""
    return _IN_A_TEXT.sub("", _ENDS.sub("\n", text))


def harmless(text: str) -> str:
    """What a stranger wrote, on as many lines: what cannot be seen, stored or trusted becomes "·"."""
    return text if text.isprintable() else _HARMFUL.sub("·", text)


def first_of(names: Sequence[str], most: int) -> str:
    """ "a, b, c and 4 more": at most so many by name."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def shortened(text: str, most: int) -> str:
    """At most so many characters, with "…" where some were cut off."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cell(text: str) -> str:
    """A cell of a CSV file: what a spreadsheet would run as a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text
