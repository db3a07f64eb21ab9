"""The log: one line for each change of state, an event and its fields.

    incident.opened id=8dk3mzqpx7wv title="Chat and Search are not working" failure=status

A change that is rolled back is not logged: the line is written when its transaction commits. Fields hold
names, ids, codes and counts: no address of a subscriber and no secret. Results of checks are
logged by a thread of its own, outside of any task.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction

log = logging.getLogger("events")
PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f]+")
MAX_LENGTH = 300  # characters of a value

_context: ContextVar[dict[str, str] | None] = ContextVar("event_log_context", default=None)


def record(event: str, **fields: Any) -> None:
    """Log an event ("incident.opened") with its fields once the transaction commits.

    A field that is None or an empty string is left out.
    """
    values = {name: _value(value) for name, value in fields.items() if value is not None and value != ""}
    context = current()  # of now: the commit may come later
    transaction.on_commit(lambda: _write(event, values, context), robust=True)


def _write(event: str, fields: dict[str, Any], context: dict[str, str]) -> None:
    extra = {"event": event, "fields": fields, "context": context}
    log.info("%s", line(event, fields), extra=extra)


def line(event: str, fields: dict[str, Any]) -> str:
    """`event key=value …`; values that hold spaces, quotes or an equals sign are quoted as JSON strings."""
    return " ".join([event, *(f"{name}={_spelled(value)}" for name, value in fields.items())])


def current() -> dict[str, str]:
    """What this work belongs to: {"request": id} or {"task": id}; empty outside of both."""
    return _context.get() or {}


@contextmanager
def within(**context: str) -> Iterator[None]:
    """Everything logged inside belongs to this request or task."""
    token = _context.set({**current(), **context})
    try:
        yield
    finally:
        _context.reset(token)


def _value(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    return str(value)[:MAX_LENGTH]


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
