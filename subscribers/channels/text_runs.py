"""Text as runs, between Markdown and a vendor's format: cut to fit, and made harmless.

A run is a piece of one line in one style. A text is cut between runs or at a
word of one, so no mark is ever left open.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

BREAK = "\u200b"  # zero width: what is taken apart by it reads the same and is no command any more
CUT = "…"
# an @ within a word calls nobody, but for these words
CALLS = re.compile(r"(?<![\w.+%-])@|@(?=(?:everyone|here|channel|all|room)\b(?![.-]))", re.IGNORECASE)
MAX_READ = 12_000  # characters: more than any vendor gets of one text
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
    is_literal: bool = False  # copied by its readers: an address of a mail, byte for byte

    @property
    def is_end(self) -> bool:
        """True for the end of a line."""
        return self.text == "\n"


END = Run("\n")


def cut(runs: Sequence[Run], most: int, size: Callable[[Run], int]) -> list[Run]:
    """The first of these that have room together, then the sign that more was said."""
    left, kept = most - size(Run(CUT)), []
    for run in runs:
        needed = size(run)
        if needed > left:
            kept.append(_shortened(run, left, size))
            break
        kept.append(run)
        left -= needed
    else:
        return kept
    while kept and not kept[-1].text.strip():
        kept.pop()
    return [*kept, Run(CUT)]


def _shortened(run: Run, left: int, size: Callable[[Run], int]) -> Run:
    """The longest beginning of a run that has room, at a word if it has several."""
    low, high = 0, len(run.text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if size(replace(run, text=run.text[:middle])) <= left else (low, middle - 1)
        )
    text = run.text[:low]
    at_word = text.rpartition(" ")[0]
    return replace(run, text=(at_word or text).rstrip())


def lines(of: Sequence[Run]) -> list[list[Run]]:
    """The runs line by line, for vendors that want each by itself; blank ones are left out."""
    ends = [-1, *(place for place, run in enumerate(of) if run.is_end), len(of)]
    found = [list(of[start + 1 : end]) for start, end in pairwise(ends)]
    return [line for line in found if any(run.text.strip() for run in line)]


def without_inner_marks(of: Iterable[Run]) -> list[Run]:
    """The runs without what is strong or stressed but begins or ends within a word."""
    strong = _cleared(of, lambda run: run.strong, lambda run: replace(run, strong=False))
    return _cleared(strong, lambda run: run.em, lambda run: replace(run, em=False))


def _cleared(of: Iterable[Run], has: Callable[[Run], bool], without: Callable[[Run], Run]) -> list[Run]:
    parts = [(is_marked, list(part)) for is_marked, part in groupby(of, has)]
    found: list[Run] = []
    for place, (is_marked, part) in enumerate(parts):
        before = found[-1].text[-1:] if found else ""
        after = parts[place + 1][1][0].text[:1] if place + 1 < len(parts) else ""
        is_within = is_marked and (before.isalnum() or after.isalnum())
        found += [without(run) for run in part] if is_within else part
    return found


def clipped(text: str, most: int) -> str:
    """Plain words on one line, at most this many UTF-16 units, cut at a word."""
    return "".join(run.text for run in _clip(one_line(text), most))


def _clip(text: str, most: int) -> list[Run]:
    return [Run(text)] if units(text) <= most else cut([Run(text)], most, lambda run: units(run.text))


def one_line(text: str) -> str:
    """Without line breaks, control characters and signs that turn the direction of what follows."""
    return " ".join(CONTROL.sub("", without_breaks(text[:MAX_READ]).replace("\n", " ")).split())


def without_breaks(text: str) -> str:
    """Line ends that no chat knows, and tabs of old, as blanks: the words beside them stay apart."""
    return BREAKS.sub(" ", text)


def units(text: str) -> int:
    """Its length as JavaScript and Telegram count it: an emoji is two."""
    return len(text.encode("utf-16-le", "replace")) // 2


def silenced(text: str) -> str:
    """No @name, @here or @everyone is left of it. An address of a mail calls nobody."""
    return CALLS.sub(f"@{BREAK}", text)


def tame(text: str) -> str:
    """For places that know no escape: no @name and no <command> is left of it."""
    return silenced(text).replace("<", f"<{BREAK}")
