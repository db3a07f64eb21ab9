"""The HTML of the overview's lines, kept by the values that it was made of.

What is found again is what would be made: a line is a value that holds all that its template prints, and who
may do what is part of the key. Kept for each process, and dropped when there is too much of it; dropping it
costs one slower page.
"""

from collections.abc import Callable, Hashable

MAX_LINES = 4_000

_kept: dict[tuple[Hashable, ...], str] = {}


def clear() -> None:
    """Make everything again next time."""
    _kept.clear()


def line(key: tuple[Hashable, ...], make: Callable[[], str]) -> str:
    """The HTML that was made for an equal key."""
    html = _kept.get(key)
    if html is None:
        if len(_kept) >= MAX_LINES:
            clear()
        html = _kept[key] = make()
    return html
