"""A limit on how many values a JSON path may visit, since path and document can both be large.

A megabyte holds half a million values, and a path can come by each of them many times. Values
are counted, not time, so that an answer is too large on all machines or on none.
"""

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from jsonpath import CompoundJSONPath, JSONPathMatch
from jsonpath.exceptions import JSONPathRecursionError
from jsonpath.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment
from jsonpath.selectors import IndexSelector, NameSelector

MAX_VALUES = 200_000  # at most half a second
LETTERS = 100  # searched in the time that a value takes
AT_ONCE = (NameSelector, IndexSelector)

_remaining: ContextVar[int] = ContextVar("values left")


class TooFar(Exception):
    """The path leads past more values than we look at."""


def walk(path: Any, document: Any) -> list[Any]:
    """All values a path leads to. Raises TooFar, JSONPathError, RecursionError."""
    before = _remaining.set(MAX_VALUES)
    try:
        return _matches(path, document)
    finally:
        _remaining.reset(before)


def spend(values: int) -> None:
    """So many are looked at. Raises TooFar."""
    remaining = _remaining.get() - values
    if remaining < 0:
        raise TooFar
    _remaining.set(remaining)


def size(value: Any) -> int:
    """How many values a walk through this one visits."""
    if isinstance(value, str):
        return 1 + len(value) // LETTERS
    return 1 + len(value) if isinstance(value, (list, dict)) else 1


def _matches(path: Any, document: Any) -> list[Any]:
    if isinstance(path, CompoundJSONPath):
        return _joined(path, document)
    # its own `findall` takes a text for a document in JSON
    nodes: Iterable[JSONPathMatch] = [Node([document] if path.pseudo_root else document, document)]
    for segment in path.segments:
        nodes = segment.resolve(nodes)
    return [node.obj for node in nodes]


def _joined(path: CompoundJSONPath, document: Any) -> list[Any]:
    values = _matches(path.path, document)
    for sign, other in path.paths:
        others = _matches(other, document)
        if sign == path.env.union_token:
            values += others
        else:
            spend(len(values) * len(others))
            values = [value for value in values if value in others]
    return values


class Node(JSONPathMatch):
    """A value on the way, without its location, which takes longer to track than the walk itself."""

    __slots__ = ()

    def __init__(self, obj: Any, root: Any, filter_context: Any = None, **place: Any) -> None:
        self.obj, self.root, self._filter_context = obj, root, filter_context or {}
        self.path, self.parts = "", ()

    def new_child(self, obj: Any, key: int | str) -> "Node":
        """A value in it."""
        return Node(obj, self.root, self._filter_context)

    def add_child(self, *children: JSONPathMatch) -> None:
        """Those that were passed are not kept."""


class Child(JSONPathChildSegment):
    """A step down. Raises TooFar."""

    __slots__ = ()

    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterator[JSONPathMatch]:
        for node in nodes:
            yield from _selected(self.selectors, _light(node))


class Descent(JSONPathRecursiveDescentSegment):
    """Steps down to everywhere. Raises TooFar, JSONPathRecursionError."""

    __slots__ = ()

    def resolve(self, nodes: Iterable[JSONPathMatch]) -> Iterator[JSONPathMatch]:
        for node in nodes:
            for below in self._visit(_light(node)):
                yield from _selected(self.selectors, below)

    def _visit(self, node: JSONPathMatch, depth: int = 1) -> Iterator[JSONPathMatch]:
        """What holds values, each before what it holds."""
        waiting = [(node, depth)]
        while waiting:
            current, depth = waiting.pop()
            if depth > self.env.max_recursion_depth:
                raise JSONPathRecursionError("recursion limit exceeded", token=self.token)
            spend(size(current.obj))
            yield current
            values = current.obj.values() if isinstance(current.obj, dict) else current.obj
            if isinstance(values, str) or not hasattr(values, "__iter__"):
                continue
            below = [
                (current.new_child(value, 0), depth + 1)
                for value in values
                if isinstance(value, (dict, list))
            ]
            waiting += reversed(below)


def _light(node: JSONPathMatch) -> JSONPathMatch:
    """The same; queries in filters begin with one that knows its place."""
    return node if isinstance(node, Node) else Node(node.obj, node.root, node.filter_context())


def _selected(selectors: Iterable[Any], node: JSONPathMatch) -> Iterator[JSONPathMatch]:
    for selector in selectors:
        spend(2 if isinstance(selector, AT_ONCE) else size(node.obj))
        yield from selector.resolve(node)
