"""Reads JSON whose end is missing, as in an excerpt, as far as it came."""

import json
from collections.abc import Iterator
from typing import Any

MAX_CUT_LENGTH = 64 * 1024  # characters of what is closed: looked at one by one


def parsed(body: bytes, text: str) -> tuple[Any, bool]:
    """The JSON value, and whether its end is missing. Raises ValueError, RecursionError."""
    try:
        return json.loads(body), False  # in UTF-8, UTF-16 or UTF-32, named or not
    except UnicodeDecodeError:
        return json.loads(text), False
    except json.JSONDecodeError:
        for whole in _closed(text):
            try:
                return json.loads(whole), True
            except json.JSONDecodeError:
                continue
        raise


def _closed(text: str) -> Iterator[str]:
    """Cut JSON, closed after its last letter, then after its last whole value; nothing for other text."""
    if not text.startswith("{") or len(text) > MAX_CUT_LENGTH:
        return
    closers: list[str] = []
    cut_at = depth = 0
    in_string = is_escaped = False
    for place, char in enumerate(text):
        if in_string:
            in_string = is_escaped or char != '"'
            is_escaped = char == "\\" and not is_escaped
        elif char == '"':
            in_string = True
        elif char in "{[":
            closers.append("}" if char == "{" else "]")
        elif char in "}]":
            if not closers or closers.pop() != char or not closers:
                return  # it ends here, so what follows is the fault
            cut_at, depth = place + 1, len(closers)
        elif char == ",":
            cut_at, depth = place, len(closers)
    if in_string:
        yield text[: -1 if is_escaped else None] + '"' + "".join(reversed(closers))
    if cut_at:
        yield text[:cut_at] + "".join(reversed(closers[:depth]))
