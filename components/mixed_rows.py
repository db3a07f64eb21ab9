"""Rows of several tables in one statement, for pages that show a little of much.

Each table's rows fill the same columns; those that it does not use are empty. A list that must not be long
names its rows by a subquery (`first`), as SQLite takes no limit within a union.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import BigIntegerField, CharField, DateTimeField, F, Field, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from components.prepared import Converter, Prepared, Shapes, Term


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
TIME_PLACES = [Row._fields.index(name) for name in TIMES]
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
    """A union of such parts, prepared once (`components.prepared`)."""

    def __init__(self, parts: Callable[..., Sequence["QuerySet[Any, Any]"]]) -> None:
        self.shapes = Shapes(lambda **terms: _union(parts(**terms)))

    def read(self, **terms: Term) -> Mapping[str, list[Row]]:
        """The rows of all parts by kind, in no set order. Raises DatabaseError."""
        prepared, values = self.shapes.find(terms)
        by_kind: dict[str, list[Row]] = defaultdict(list)
        for row in _rows(prepared, prepared.fetch(values)) if prepared else ():
            by_kind[row.kind].append(row)
        return by_kind


def _union(parts: Sequence["QuerySet[Any, Any]"]) -> "QuerySet[Any, Any]":
    head, *rest = parts
    return head.union(*rest, all=True)


def _rows(prepared: Prepared, rows: Sequence[Sequence[Any]]) -> list[Row]:
    # texts and numbers are cast, so only times are left to convert, on SQLite
    times = [(place, *prepared.converters[place]) for place in TIME_PLACES if place in prepared.converters]
    if not times:
        return [Row._make(row) for row in rows]
    return [Row._make(_converted(row, times)) for row in rows]


def _converted(row: Sequence[Any], times: Sequence[tuple[int, Sequence[Converter], Any]]) -> Sequence[Any]:
    values: Sequence[Any] | list[Any] = row
    for place, converters, expression in times:
        if row[place] is not None:
            values = list(values)
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
    return values
