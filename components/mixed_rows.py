"""Rows of several tables in one statement, for pages that show a little of much.

Each table's rows fill the same columns; those that it does not use are empty. A list that must not be long
names its rows by a subquery (`first`), as SQLite takes no limit within a union.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, CharField, DateTimeField, F, Field, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler

MAX_SHAPES = 200
Term = int | date | list[int] | set[int]


class Row(NamedTuple):
    """`kind` says which of the queries it is from."""

    kind: str
    key: str
    text: str
    more: str
    note: str
    at: datetime | None
    until: datetime | None
    a: int | None
    b: int | None
    c: int | None
    d: int | None
    e: int | None
    f: int | None
    g: int | None


TEXTS, TIMES, NUMBERS = ("key", "text", "more", "note"), ("at", "until"), tuple("abcdefg")
# typed, as PostgreSQL takes no NULL for a time where another table of the union has one
EMPTY: dict[str, Combinable] = {
    **{name: Value("", output_field=CharField()) for name in TEXTS},
    **{name: Cast(Value(None), DateTimeField()) for name in TIMES},
    **{name: Cast(Value(None), BigIntegerField()) for name in NUMBERS},
}


def rows(kind: str, of: "QuerySet[Any]", **columns: str | Combinable) -> "QuerySet[Any, Any]":
    """A part of the union: these columns of the query, under this kind.

    Texts and numbers are cast, so that all parts have the same types.
    """
    fields = {name: _typed(name, column) for name, column in columns.items()}
    every = [
        Value(kind, output_field=CharField()),
        *(fields.get(name, EMPTY[name]) for name in Row._fields[1:]),
    ]
    return of.order_by().values_list(*every)


def first(of: "QuerySet[Any]", most: int) -> "QuerySet[Any]":
    """The first rows of an ordered query, as a query without a limit."""
    every: QuerySet[Any] = of.model._default_manager.filter(pk__in=of.values("pk")[:most])  # noqa: SLF001
    return every


def _typed(name: str, column: str | Combinable) -> Combinable:
    expression = F(column) if isinstance(column, str) else column
    field: Field[Any, Any] | None = (
        TextField() if name in TEXTS else BigIntegerField() if name in NUMBERS else None
    )
    return expression if field is None else Cast(expression, field)


class Statement:
    """A union whose SQL is made once for each shape of its terms, as making it takes longer than running it.

    `parts` gets the terms by name: ints, times, days, and lists of ids. It must hand them on as they are:
    what is computed from a term is a term of its own.
    """

    def __init__(self, parts: Callable[..., Sequence["QuerySet[Any, Any]"]]) -> None:
        self.parts = parts
        self.prepared: dict[tuple[Any, ...], _Prepared | None] = {}

    def read(self, **terms: Term) -> Mapping[str, list[Row]]:
        """The rows of all parts by kind, in no set order. Raises DatabaseError."""
        values = {
            name: sorted(set(term)) if isinstance(term, (list, set)) else term for name, term in terms.items()
        }
        shape = (
            connection.vendor,
            *(len(term) if isinstance(term, list) else -1 for term in values.values()),
        )
        if shape not in self.prepared:
            if len(self.prepared) >= MAX_SHAPES:
                self.prepared.clear()
            self.prepared[shape] = _prepare(self.parts, values)
        prepared = self.prepared[shape]
        by_kind: dict[str, list[Row]] = defaultdict(list)
        for row in prepared.rows(values) if prepared else ():
            by_kind[row.kind].append(row)
        return by_kind


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`params`: each a value, or for a term its name and the place in its list."""

    sql: str
    params: tuple[Any, ...]
    compiler: SQLCompiler

    def rows(self, values: Mapping[str, Any]) -> list[Row]:
        params = [_adapted(param.of(values)) if isinstance(param, _Place) else param for param in self.params]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            read = cursor.fetchall()
        converters = self.compiler.get_converters([column[0] for column in self.compiler.select])
        converted: Iterable[Sequence[Any]] = self.compiler.apply_converters(read, converters)
        return [Row(*row) for row in converted]


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    number: int | None

    def of(self, values: Mapping[str, Any]) -> Any:
        return values[self.name] if self.number is None else values[self.name][self.number]


def _prepare(
    parts: Callable[..., Sequence["QuerySet[Any, Any]"]], values: Mapping[str, Any]
) -> _Prepared | None:
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
    head, *rest = parts(**marks)
    compiler = head.union(*rest, all=True).query.get_compiler(connection=connection)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    found = tuple(places.get(param, param) if isinstance(param, Hashable) else param for param in params)
    if all(value != [] for value in values.values()) and (lost := set(places.values()) - set(_places(found))):
        raise ValueError(f"These terms are not in the statement as they were given: {lost}")
    return _Prepared(sql, found, compiler)


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
