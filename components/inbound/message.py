"""A message of another monitor, and how its fields are read: what is wrong is named in one sentence."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from components.passive.reports import (
    MAX_NAME_LENGTH,
    MAX_SOURCE_LENGTH,
    Kind,
    Report,
    clipped,
)

MAX_ALERTS_PER_MESSAGE = 1_000
MAX_NUMBER = 1_000_000_000
MAX_FIELDS = 200  # of a query or a form
WHOLE = re.compile(r"-?[0-9]{1,15}")
FORM = "application/x-www-form-urlencoded"
NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
MAX_MOMENT = 2**36  # seconds: the year 4147
MAX_ID_LENGTH = 200


class PayloadError(ValueError):
    """The message cannot be read; the text is a sentence that names the field."""


class SecretError(ValueError):
    """The secret cannot be used with this source; the text is a sentence for staff."""


class UnsignedError(Exception):
    """The message is not signed as it must be; the text is a sentence for the sender."""


@dataclass(frozen=True, slots=True)
class Message:
    """What was sent; `headers` by their lower-case names, `at` when it arrived."""

    body: bytes
    at: datetime
    content_type: str = ""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises PayloadError."""
        return as_object(self.body, "The body")

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the query, and of a form or a JSON object in the body. Raises PayloadError."""
        pairs = _pairs(self.query)
        if self.content_type.startswith(FORM):
            return pairs | _pairs(self.body.decode("utf-8", "replace"))
        if not self.body.strip():
            return pairs
        return pairs | {name: spelled(value) for name, value in self.json_object.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Terms:
    """What staff have set for generic JSON: `find` the values at a path, `words` by lower-case state."""

    find: Mapping[str, Callable[[Any], list[Any]]] = field(default_factory=dict)
    words: Mapping[str, Kind] = field(default_factory=dict)


def _unsigned(message: Message, secret: str) -> None:
    raise UnsignedError("This source does not sign its messages.")


def _usable(secret: str) -> None:
    """Any text is a secret."""


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of sender. `read` raises PayloadError; `verify` raises UnsignedError.

    `takes_get`: whether it reports in the query of a GET. `check_secret` raises SecretError.
    """

    name: str
    label: str
    help: str
    read: Callable[[Message, Terms], list[Report]]
    takes_get: bool = False
    signs: bool = False
    verify: Callable[[Message, str], None] = _unsigned
    check_secret: Callable[[str], None] = _usable


def as_object(data: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object. Raises PayloadError."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise PayloadError(f"{what} is not valid JSON.") from None
    if not isinstance(value, dict):
        raise PayloadError(f"{what} is not a JSON object.")
    return value


def spelled(value: Any) -> str:
    """A value as text; "…" for an object or a list, which may be nested without end."""
    return "…" if isinstance(value, dict | list) else str(value)


def text_at(row: Mapping[str, Any], name: str, *, needed: bool = True, where: str = "") -> str:
    """The text of a field; numbers count as text. Raises PayloadError naming it."""
    value = row.get(name)
    if isinstance(value, bool | dict | list) or (value is None and needed) or (value == "" and needed):
        problem = "is missing" if value in (None, "") else "must be a text"
        raise PayloadError(f"The field “{where}{name}” {problem}.")
    return "" if value is None else clean(str(value))


def kind_at(
    row: Mapping[str, Any],
    name: str,
    kinds: Mapping[str, Kind],
    *,
    where: str = "",
    folded: Callable[[str], str] = str,
) -> Kind:
    """What the word of a field means, in the case that `kinds` has. Raises PayloadError naming it."""
    word = folded(text_at(row, name, where=where))
    if word not in kinds:
        raise PayloadError(f"The field “{where}{name}” must be one of {', '.join(kinds)}.")
    return kinds[word]


def object_at(row: Mapping[str, Any], name: str, *, where: str = "") -> dict[str, Any]:
    """The object of a field; empty without one. Raises PayloadError naming it."""
    value = row.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PayloadError(f"The field “{where}{name}” must be an object.")
    return value


def list_at(row: Mapping[str, Any], name: str) -> list[Any]:
    """The list of a field. Raises PayloadError naming it, also for one that is too long."""
    value = row.get(name)
    if not isinstance(value, list):
        raise PayloadError(f"The field “{name}” must be a list.")
    if len(value) > MAX_ALERTS_PER_MESSAGE:
        raise PayloadError(f"The field “{name}” holds more than {MAX_ALERTS_PER_MESSAGE} entries.")
    return value


def number_at(row: Mapping[str, Any], name: str) -> int:
    """The whole number of a field; 0 without one. Raises PayloadError naming it."""
    value = row.get(name)
    if value in (None, ""):
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not WHOLE.fullmatch(str(value)):
        raise PayloadError(f"The field “{name}” must be a whole number.")
    if abs(int(value)) > MAX_NUMBER:
        raise PayloadError(f"The field “{name}” must be a number of at most {MAX_NUMBER:,}.")
    return int(value)


def moment_at(row: Mapping[str, Any], name: str) -> float | None:
    """The time of a field (ISO 8601, or seconds since 1970) in seconds; None for one that says nothing."""
    value = row.get(name)
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float) or (isinstance(value, str) and NUMBER.fullmatch(value)):
            seconds = float(value)
        else:
            at = datetime.fromisoformat(str(value))
            seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < MAX_MOMENT else None


def report(
    message: Message,
    kind: Kind,
    source: str,
    *,
    name: str = "",
    texts: Sequence[str] = (),
    changed_at: float | None = None,
) -> Report:
    """A report about one alert. An id that is too long for its column is replaced by its hash."""
    if len(source) > MAX_SOURCE_LENGTH:
        source = f"sha256:{hashlib.sha256(clean(source).encode()).hexdigest()}"
    text = clipped(clean("\n".join(filter(None, texts))).encode())
    name = clean(name)[:MAX_NAME_LENGTH]
    return Report(message.at, kind, source=clean(source), name=name, text=text, changed_at=changed_at)


def clean(text: str) -> str:
    """Without what no database takes: NUL, and halves of characters."""
    return text.replace("\0", "·").encode("utf-8", "replace").decode()


def _pairs(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise PayloadError(f"There are more than {MAX_FIELDS} parameters.") from None
    return {name: clean(value) for name, value in pairs}
