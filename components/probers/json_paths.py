"""JSON paths in linear time: one event loop serves all probes, and the document is the target's.

Regular expressions in filters are those of a linear-time engine, and no path
leads past more values than `json_walks` allows.
"""

from collections.abc import Iterator
from typing import Any

import jsonpath
import re2
from jsonpath.filter import RegexLiteral
from jsonpath.function_extensions import Match, Search
from jsonpath.parse import Parser
from jsonpath.segments import JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath.token import TOKEN_RE_FLAGS

from components.probers import json_walks
from components.targets import InvalidProbeError
from components.texts import shortened

MAX_REASON_LENGTH = 160  # the library repeats what was typed


def compiled(text: str) -> Any:
    """The path, for `json_walks.walk`. Raises InvalidProbeError."""
    try:
        return _environment.compile(text)
    except (jsonpath.JSONPathError, ValueError, OverflowError, RecursionError) as error:
        # of some numbers and patterns it says so in errors of Python's own
        reason = (
            str(error).splitlines()[0] if isinstance(error, jsonpath.JSONPathError) else "check its parts"
        )
        short = shortened(reason, MAX_REASON_LENGTH)
        raise InvalidProbeError("json_path", f"This is not a valid JSON path: {short}.") from error
    except re2.error as error:
        raise InvalidProbeError("json_path", "A pattern in it does not compile (RE2 syntax).") from error


class _Pattern:
    """A pattern between slashes, with what the library asks of one of Python's."""

    flags = 0  # they are in the pattern

    def __init__(self, text: str) -> None:
        self.pattern = text
        self.fullmatch = linear(text).fullmatch


class _Parser(Parser):
    def parse_query(self, stream: Any) -> Iterator[JSONPathSegment]:
        for plain in super().parse_query(stream):
            is_descent = isinstance(plain, JSONPathRecursiveDescentSegment)
            kind = json_walks.Descent if is_descent else json_walks.Child
            yield kind(env=plain.env, token=plain.token, selectors=plain.selectors)

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
            return linear(pattern)
        except (re2.error, UnicodeError):
            return None


class _Match(_Linear, Match):
    def __call__(self, value: object, pattern: object) -> bool:
        _spend_on(value, pattern)
        return super().__call__(value, pattern)


class _Search(_Linear, Search):
    def __call__(self, value: object, pattern: object) -> bool:
        _spend_on(value, pattern)
        return super().__call__(value, pattern)


def _spend_on(value: object, pattern: object) -> None:
    """Each letter of a pattern takes as long to compile as a value to pass."""
    json_walks.spend(json_walks.size(value) + 5 + (len(pattern) if isinstance(pattern, str) else 0))


class _Environment(jsonpath.JSONPathEnvironment):
    parser_class = _Parser

    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Match()
        self.function_extensions["search"] = _Search()

    def compare(self, left: object, operator: str, right: object) -> bool:
        """Whether it holds. Raises TooFar."""
        json_walks.spend(json_walks.size(left) + json_walks.size(right))
        try:
            return super().compare(left, operator, right)
        except TypeError:
            return False  # what can be in no text, and is no name in an object, is not in it


def linear(pattern: str) -> Any:
    """A pattern that takes time in proportion to the text, and no more. Raises re2.error, UnicodeError."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


_environment = _Environment()
