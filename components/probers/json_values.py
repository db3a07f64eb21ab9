"""Compares JSON values with what staff typed: by value, with or without quotes."""

import json
from typing import Any


def is_meant(text: str, value: Any) -> bool:
    """Whether this text means this value: `ok` and `"ok"` the text ok, `1.50` the number 1.5."""
    if text == spelled(value):
        return True
    try:
        return _is_same(json.loads(text), value)
    except (ValueError, RecursionError):
        return False


def spelled(value: Any) -> str:
    """A value as it would be typed: text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_same(wish: Any, value: Any) -> bool:
    """Equal as JSON: `true` is not 1, 1000 is 1e3, the order of names in an object means nothing."""
    if isinstance(wish, bool) or isinstance(value, bool):
        return wish is value
    if isinstance(wish, list) and isinstance(value, list):
        return len(wish) == len(value) and all(map(_is_same, wish, value))
    if isinstance(wish, dict) and isinstance(value, dict):
        return wish.keys() == value.keys() and all(_is_same(wish[name], value[name]) for name in wish)
    return bool(wish == value)
