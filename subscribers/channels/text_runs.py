"""Text as runs, between Markdown and a vendor's format: cutting, and disarming of mentions.

A run is a piece of one line in one style. A text is cut between runs or at a
word of one, so no mark is ever left open.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

BREAK = "\u200b"  # zero width: breaks up a mention or command without a visible change
CUT = "…"
# an @ within a word mentions no one, except before these words
CALLS = re.compile(r"(?<![\w.+%-])@|@(?=(?:everyone|here|channel|all|room)\b(?![.-]))", re.IGNORECASE)
MAX_READ = 12_000  # characters: more than is sent to any vendor
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
BREAKS = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style. A line's end is a run of its own: a single newline."""

    text: str
    strong: bool = False
    em: bool = False
    strike: bool = False
    code: bool = False
    url: str = ""
    is_literal: bool = False  # kept byte for byte: an address that readers copy

    @property
    def is_end(self) -> bool:
        """True for the end of a line."""
        return self.text == "\n"


END = Run("\n")


def cut(runs: Sequence[Run], most: int, size: Callable[[Run], int]) -> list[Run]:
    """The first runs that fit into `most`, then CUT if some are left out. `size`: measures one run."""
    room, fitting = most - size(Run(CUT)), []
    for run in runs:
        needed = size(run)
        if needed > room:
            fitting.append(_shortened(run, room, size))
            break
        fitting.append(run)
        room -= needed
    else:
        return fitting
    while fitting and not fitting[-1].text.strip():
        fitting.pop()
    return [*fitting, Run(CUT)]


def _shortened(run: Run, room: int, size: Callable[[Run], int]) -> Run:
    """The longest start of a run that fits into `room`, cut at a word if it has several."""
    low, high = 0, len(run.text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if size(replace(run, text=run.text[:middle])) <= room else (low, middle - 1)
        )
    text = run.text[:low]
    at_word = text.rpartition(" ")[0]
    return replace(run, text=(at_word or text).rstrip())


def lines(of: Sequence[Run]) -> list[list[Run]]:
    """The runs by line, without blank lines."""
    ends = [-1, *(place for place, run in enumerate(of) if run.is_end), len(of)]
    all_lines = [list(of[start + 1 : end]) for start, end in pairwise(ends)]
    return [line for line in all_lines if any(run.text.strip() for run in line)]


def without_inner_marks(of: Iterable[Run]) -> list[Run]:
    """The runs without strong and em marks that begin or end within a word."""
    strong = _without_marks_in_words(of, lambda run: run.strong, lambda run: replace(run, strong=False))
    return _without_marks_in_words(strong, lambda run: run.em, lambda run: replace(run, em=False))


def _without_marks_in_words(
    of: Iterable[Run], has: Callable[[Run], bool], without: Callable[[Run], Run]
) -> list[Run]:
    parts = [(is_marked, list(part)) for is_marked, part in groupby(of, has)]
    result: list[Run] = []
    for place, (is_marked, part) in enumerate(parts):
        before = result[-1].text[-1:] if result else ""
        after = parts[place + 1][1][0].text[:1] if place + 1 < len(parts) else ""
        is_within = is_marked and (before.isalnum() or after.isalnum())
        result += [without(run) for run in part] if is_within else part
    return result


def clipped(text: str, most: int) -> str:
    """Plain text on one line, at most `most` UTF-16 units, cut at a word."""
    return "".join(run.text for run in _clip(one_line(text), most))


def _clip(text: str, most: int) -> list[Run]:
    return [Run(text)] if units(text) <= most else cut([Run(text)], most, lambda run: units(run.text))


def one_line(text: str) -> str:
    """The text without line breaks, control characters and marks of writing direction."""
    return " ".join(CONTROL.sub("", without_breaks(text[:MAX_READ]).replace("\n", " ")).split())


def without_breaks(text: str) -> str:
    """The text with unusual line breaks and vertical tabs as spaces, so that words stay apart."""
    return BREAKS.sub(" ", text)


def units(text: str) -> int:
    """The length in UTF-16 units, as JavaScript and Telegram count: an emoji is two."""
    return len(text.encode("utf-16-le", "replace")) // 2


def silenced(text: str) -> str:
    """The text without working @name, @here or @everyone; mail addresses are left alone."""
    return CALLS.sub(f"@{BREAK}", text)


def tame(text: str) -> str:
    """The text without working @name or <command>, for formats without an escape."""
    return silenced(text).replace("<", f"<{BREAK}")
