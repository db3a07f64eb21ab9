"""The HTML of the overview's lines, kept by the values that it was made of.

What is found again is what would be made: a line is a value that holds all that its template prints, and who
may do what is part of the key. Kept for each process, and dropped when there is too much of it; dropping it
costs one slower page. What is new on each page (the two inputs of a form) is put into the lines afterwards.
"""

import secrets
from collections.abc import Callable, Hashable

from django.template import Context
from django.utils.html import conditional_escape
from django.utils.safestring import mark_safe

MAX_LINES = 4_000
# What lines are made with in place of the page's own values: random, so that no one can write it.
MARKS = {name: mark_safe(secrets.token_hex(16)) for name in ("csrf_token", "form_key")}  # noqa: S308 - hex

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


def filled(html: str, context: Context) -> str:
    """The lines with the values of a page's context, in place of those that they were made with."""
    for name, mark in MARKS.items():
        if mark in html:
            html = html.replace(mark, conditional_escape(context.get(name) or ""))
    return html
