"""JSON paths whose cost is bounded: one loop serves all probes, and what they walk through is the target's.

Regular expressions in filters are those of a linear-time engine, and a walk ends after so many values.
"""

import threading
from typing import Any

import jsonpath
import re2
from jsonpath.filter import RegexLiteral
from jsonpath.function_extensions import Match, Search
from jsonpath.parse import Parser
from jsonpath.token import TOKEN_RE_FLAGS

from components.probers.base import InvalidProbe

MOST_VALUES = 100_000  # half a second; documents of 1 MB that people write have fewer


class TooManyValues(jsonpath.JSONPathError):
    """The path leads through more values than we are willing to look at."""


class _Budget(threading.local):
    left = 0


_budget = _Budget()


def compiled(text: str) -> Any:
    """The path, to be given to `find`. Raises InvalidProbe."""
    try:
        return _environment.compile(text)
    except (jsonpath.JSONPathError, ValueError, OverflowError, RecursionError) as error:
        # of some numbers and patterns it says so in errors of Python's own
        said = str(error).splitlines()[0] if isinstance(error, jsonpath.JSONPathError) else "check its parts"
        raise InvalidProbe("json_path", f"This is no JSON path: {said}.") from error
    except re2.error as error:
        raise InvalidProbe("json_path", "A pattern in it does not compile (RE2 syntax).") from error


def find(path: Any, document: Any) -> list[Any]:
    """All values it leads to. Raises JSONPathError."""
    _budget.left = MOST_VALUES
    return list(path.findall(document))


class _Value(jsonpath.JSONPathMatch):
    """A value on the way. Each is counted."""

    __slots__ = ()

    def __init__(self, **known: Any) -> None:
        _budget.left -= 1
        if _budget.left < 0:
            raise TooManyValues("too many values", token=None)
        super().__init__(**known)


class _Pattern:
    """A pattern between slashes, with what the library asks of one of Python's."""

    flags = 0  # they are in the pattern

    def __init__(self, text: str) -> None:
        self.pattern = text
        self.fullmatch = _linear(text).fullmatch


class _Parser(Parser):
    def parse_regex(self, stream: Any) -> Any:
        text = stream.current().value
        if stream.peek().kind == TOKEN_RE_FLAGS:
            stream.next()
            flags = "".join(sorted(set(stream.next().value) - {"a"}))  # a: classes are those of ASCII anyway
            text = f"(?{flags}){text}" if flags else text
        return RegexLiteral(value=_Pattern(text))  # type: ignore[arg-type]


class _Linear:
    """`match` and `search`: a pattern that does not compile matches nothing (RFC 9535, section 2.4.6)."""

    def check_cache(self, pattern: str) -> Any:
        try:
            return _linear(pattern)
        except (re2.error, UnicodeError):
            return None


class _Match(_Linear, Match):
    pass


class _Search(_Linear, Search):
    pass


class _Environment(jsonpath.JSONPathEnvironment):
    parser_class = _Parser
    match_class = _Value

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Match()
        self.function_extensions["search"] = _Search()


def _linear(pattern: str) -> Any:
    """Raises re2.error, UnicodeError."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


_environment = _Environment()
