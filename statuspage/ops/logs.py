"""Log formatting: one event, one line; no forged lines, no secrets.

Some addresses are keys in themselves (a subscription, an invitation, a new
password): anyone who reads the log could use them. Which ones is read from the
table of addresses, so a new one is covered: every parameter is masked that is
not known to be harmless.
"""

import functools
import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from components import event_log

# what a terminal obeys, what shows a line in another order than it was written, and halves of letters
UNSEEN = (
    *range(32), *range(127, 160), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
)  # fmt: skip
ESCAPES = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in UNSEEN} | {
    10: "\\n", 13: "\\r", 9: "\t"
}  # fmt: skip
IN_TRACEBACKS = {code: escape for code, escape in ESCAPES.items() if code not in (9, 10)}
IN_JSON = {code: f"\\u{code:04x}" for code in UNSEEN}
MASK = "***"
# Names of parameters that are not secret: public ids, dates, kinds, and row numbers of staff's pages
HARMLESS = {
    "public_id", "month", "on", "hour", "form", "channel", "provider", "provider_id", "message_id", "pk",
    "id", "number", "name", "object_id", "app_label", "model_name", "content_type_id", "url",
}  # fmt: skip
PARAMETER = re.compile(r"<(?:\w+:)?(?P<plain>\w+)>|\(\?P<(?P<regex>\w+)>(?:[^()\\]|\\.)*\)")
# The same in a query: the values of these names are secret
QUERY = re.compile(r"([?&](?:unsubscribe|key|token|code|state|id|next|password)=)[^&\s\"']+", re.IGNORECASE)


class HealthFilter(logging.Filter):
    """Drops what Django logs of a 503 from `/healthz`: that is its answer, not an error of the server."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        path = getattr(getattr(record, "request", None), "path", "")
        return not (path.startswith("/healthz") and getattr(record, "status_code", 0) == 503)


class LineFormatter(logging.Formatter):
    """Escapes control characters of the message; a traceback below it keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback for an error of ours."""
        if 400 <= getattr(record, "status_code", 0) < 500:
            record = _without_traceback(record)  # a client's error must not fill the log with tracebacks
        return masked(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """The traceback on its lines, other control characters escaped."""
        return super().formatException(ei).translate(IN_TRACEBACKS)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line with control characters escaped, and the request or task it belongs to."""
        text = super().formatMessage(record).translate(ESCAPES)
        context = getattr(record, "context", None) or event_log.current()
        return " ".join([text, *(f"{name}={value}" for name, value in context.items())])


class JSONFormatter(LineFormatter):
    """Each line one JSON object: `time`, `level`, `logger`, then `event` and its fields, or `message`."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, with `traceback` for an error of ours."""
        if 400 <= getattr(record, "status_code", 0) < 500:
            record = _without_traceback(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {"time": at, "level": record.levelname, "logger": record.name}
        event = getattr(record, "event", "")
        entry |= (
            {"event": event, **getattr(record, "fields", {})} if event else {"message": record.getMessage()}
        )
        entry |= getattr(record, "context", None) or event_log.current()
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return masked(json.dumps(entry, ensure_ascii=False, default=str).translate(IN_JSON))


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    plain = logging.makeLogRecord(record.__dict__)
    plain.exc_info = plain.exc_text = None
    return plain


def masked(text: str) -> str:
    """The text with the secret parts of addresses masked."""
    if "/" not in text:
        return text
    for pattern in _patterns():
        text = pattern.sub(_mask, text)
    return QUERY.sub(rf"\g<1>{MASK}", text)


def _mask(match: re.Match[str]) -> str:
    """The address with its secret parts taken out."""
    text, start = match[0], match.start()
    for number in range(match.re.groups, 0, -1):
        first, last = match.span(number)
        text = f"{text[: first - start]}{MASK}{text[last - start :]}"
    return text


def _patterns() -> tuple[re.Pattern[str], ...]:
    """One per address with a secret part; none in a process without the URL table."""
    table = sys.modules.get(settings.ROOT_URLCONF)
    patterns = getattr(table, "urlpatterns", None)
    return () if patterns is None else _compiled(id(patterns))


@functools.lru_cache(maxsize=4)
def _compiled(_: int) -> tuple[re.Pattern[str], ...]:
    patterns = sys.modules[settings.ROOT_URLCONF].urlpatterns
    return tuple(
        {pattern.pattern: pattern for pattern in map(_pattern, routes(patterns)) if pattern.groups}.values()
    )


def routes(patterns: Any, prefix: str = "") -> Iterator[str]:
    """Every route of the URL table as it is written there."""
    for pattern in patterns:
        route = f"{prefix}{str(pattern.pattern).removeprefix('^')}"
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def _pattern(route: str) -> re.Pattern[str]:
    """Matches this route in a text. The groups are the secret parts."""
    parts, end = [], 0
    for match in PARAMETER.finditer(route):
        parts.append(_literal(route[end : match.start()]))
        name = match["plain"] or match["regex"]
        parts.append(r"[^/\s\"']+?" if name in HARMLESS else r"([^/\s?\"'<>]+)")
        end = match.end()
    # what follows does not matter: an address with an extra part still holds a key
    return re.compile("/" + "".join(parts))


def _literal(text: str) -> str:
    return re.escape(text.rstrip("$").removesuffix("\\Z").replace("\\", ""))
