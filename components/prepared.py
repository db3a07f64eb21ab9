"""Queries whose SQL is made once for each shape of their terms, as making it takes longer than running it.

`build` gets the terms by name: ints, times, days, and lists of ids. It must hand them on as they are: what is
computed from a term is a term of its own. Anything else in the query is the same each time.
"""

import copy
import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

MAX_SHAPES = 200
M = TypeVar("M", bound=Model)
Converter = Callable[[Any, Any, Any], Any]  # value, expression, connection
Term = int | date | list[int] | set[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """`params`: each a value, or for a term its name and the place in its list.

    `converters`: by the place of a column, what makes the database's values into ours.
    """

    sql: str
    params: tuple[Any, ...]
    compiler: SQLCompiler
    converters: Mapping[int, tuple[Sequence[Converter], Any]]

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters, with these values of the terms."""
        return tuple(
            _adapted(param.of(values)) if isinstance(param, _Place) else param for param in self.params
        )

    def fetch(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows for these values, as the database has them."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.bound(values))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


class Shapes:
    """A query, prepared for each shape that its terms have had."""

    def __init__(self, build: Callable[..., "QuerySet[Any, Any]"]) -> None:
        self.build = build
        self.prepared: dict[tuple[Any, ...], Prepared | None] = {}

    def find(self, terms: Mapping[str, Term]) -> tuple[Prepared | None, Mapping[str, Any]]:
        """The query for terms of this shape (None: there can be no rows), and their values.

        Raises ValueError for terms that are not in the query as they were given.
        """
        values = {
            name: sorted(set(term)) if isinstance(term, (list, set)) else term for name, term in terms.items()
        }
        sizes = (len(term) if isinstance(term, list) else -1 for term in values.values())
        shape = (connection.vendor, *sizes)
        if shape not in self.prepared:
            if len(self.prepared) >= MAX_SHAPES:
                self.prepared.clear()
            self.prepared[shape] = _prepare(self.build, values)
        return self.prepared[shape], values


class ModelQuery(Generic[M]):
    """A query of whole rows of one model, with what it annotates and selects beside them."""

    def __init__(self, build: Callable[..., "QuerySet[M, M]"]) -> None:
        self.shapes = Shapes(build)

    def read(self, **terms: Term) -> list[M]:
        """The rows, in the query's order. Raises DatabaseError."""
        prepared, values = self.shapes.find(terms)
        if prepared is None:
            return []
        compiler: Any = copy.copy(prepared.compiler)  # several threads may read at once
        statement = prepared.sql, prepared.bound(values)
        compiler.as_sql = lambda *_, **__: statement
        compiler.get_converters = lambda _: prepared.converters
        query = SimpleNamespace(get_compiler=lambda **_: compiler)
        queryset: Any = SimpleNamespace(query=query, db=connection.alias, _known_related_objects={})
        return list(ModelIterable(queryset))


class ValuesQuery:
    """A query of a few columns (`values_list`) that are texts and numbers: nothing is converted."""

    def __init__(self, build: Callable[..., "QuerySet[Any, Any]"]) -> None:
        self.shapes = Shapes(build)

    def read(self, **terms: Term) -> list[tuple[Any, ...]]:
        """The rows, in the query's order. Raises DatabaseError."""
        prepared, values = self.shapes.find(terms)
        return prepared.fetch(values) if prepared else []


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    number: int | None

    def of(self, values: Mapping[str, Any]) -> Any:
        return values[self.name] if self.number is None else values[self.name][self.number]


def _prepare(build: Callable[..., "QuerySet[Any, Any]"], values: Mapping[str, Any]) -> Prepared | None:
    """Compile with marks in place of the terms. None: there can be no rows."""
    numbers = itertools.count(1)
    marks: dict[str, Any] = {}
    places: dict[Any, _Place] = {}
    for name, value in values.items():
        if isinstance(value, list):
            marks[name] = [_mark(each, next(numbers)) for each in value]
            places |= {_adapted(mark): _Place(name, number) for number, mark in enumerate(marks[name])}
        else:
            marks[name] = _mark(value, next(numbers))
            places[_adapted(marks[name])] = _Place(name, None)
    compiler = build(**marks).query.get_compiler(connection=connection)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    placed = tuple(places.get(param, param) if isinstance(param, Hashable) else param for param in params)
    if all(value != [] for value in values.values()) and (
        lost := set(places.values()) - set(_places(placed))
    ):
        raise ValueError(f"These terms are not in the statement as they were given: {lost}")
    return Prepared(sql, placed, compiler, compiler.get_converters([column[0] for column in compiler.select]))


def _places(params: Iterable[Any]) -> Iterator[_Place]:
    return (param for param in params if isinstance(param, _Place))


def _mark(value: int | date, number: int) -> int | date:
    """A value of this type that no query has by itself."""
    if isinstance(value, datetime):
        return datetime(1, 1, 2, tzinfo=UTC) + timedelta(days=number)
    return date(1, 1, 2) + timedelta(days=number) if isinstance(value, date) else 2_000_000_000 + number


def _adapted(value: Any) -> Any:
    """As a parameter of the database."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value
