"""Reads health documents: what a service says about itself and the parts it depends on.

Known are application/health+json, Spring Actuator 1.x to 3.x, ASP.NET (text and JSON),
django-health-check, MicroProfile Health, Kubernetes' verbose text, NestJS Terminus, Elasticsearch,
and plain JSON with status words or flags (`free_health`). A document is recognized by its shape, not by
its content type: many frameworks send the wrong one. JSON is parsed as JSON; one that was cut (a stored
excerpt) is read as far as it came.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from components import charsets, cut_json, free_health
from components.texts import shortened

MAX_FAILING = 50  # names in one document
MAX_NAME_LENGTH = 100
MAX_WORDS_LENGTH = 200
NAMELESS = "a part without a name"
MAX_DEPTH = 6  # of parts within parts
MAX_PARTS = 20_000  # looked at in one document
TOO_DEEP = "nested too deeply"
MAX_TEXT_LENGTH = 64 * 1024  # of a document that is not JSON


class Health(StrEnum):
    """What a document, or a part of it, says. Draining: it is being taken out of service on purpose."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    DRAINING = "draining"
    UNKNOWN = "unknown"


WORDS: dict[str, Health] = {
    **dict.fromkeys(("pass", "ok", "up", "healthy", "green", "working", "passing"), Health.UP),
    **dict.fromkeys(("warn", "warning", "degraded", "yellow"), Health.DEGRADED),
    **dict.fromkeys(("fail", "failed", "failing", "error", "down", "unhealthy", "red"), Health.DOWN),
    **dict.fromkeys(("critical", "unreachable", "unavailable", "timeout", "fatal"), Health.DOWN),
    **dict.fromkeys(("shutting_down", "out_of_service", "draining"), Health.DRAINING),
    "unknown": Health.UNKNOWN,
}
ORDER = (Health.DOWN, Health.DRAINING, Health.DEGRADED, Health.UNKNOWN, Health.UP)  # the worst first
ASP_NET_NUMBERS = {0: "Unhealthy", 1: "Degraded", 2: "Healthy"}  # HealthStatus
EXPLAINS = ("output", "message", "error", "description", "exception", "symptom", "reason", "cause", "title")
# Of the whole document, or of nothing: no names of parts
OF_ALL = {
    "status", "state", "health", "result", "results", "ok", "message", "error", "errors", "code", "checks",
    "details", "detail", "info", "data", "entries", "components", "indicators", "version", "description",
    "title", "type", "name", "links", "notes", "output", "timestamp", "time", "groups",
}  # fmt: skip
CHECK_LINE = re.compile(r"\[([+-])\]\s*(\S+)\s*(.*)")
CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*(?:\(.*\))?", re.DOTALL)
SPRING_TYPE = "application/vnd.spring-boot.actuator"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A part that is not up. `name` joins nested names ("db.replica"); `words` are its own, often empty."""

    name: str
    status: Health
    words: str = ""


@dataclass(frozen=True, slots=True)
class HealthDocument:
    """`failing` holds the parts that are not up, the worst first. `is_cut`: its end was missing."""

    format: str
    status: Health
    failing: tuple[Dependency, ...] = ()
    is_cut: bool = False


def read(body: bytes, content_type: str, status_code: int) -> HealthDocument | None:
    """The document that this answer is; None when it is in no known format. Never raises."""
    text = charsets.decoded(body, content_type).lstrip("\ufeff").strip()
    try:
        value, is_cut = cut_json.parsed(body, text)
    except RecursionError:
        return HealthDocument(TOO_DEEP, Health.UNKNOWN) if text.startswith("{") else None
    except ValueError:
        return _of_text(text, content_type)
    if isinstance(value, str):
        return _of_text(value, content_type)
    if not isinstance(value, dict):
        return None
    document = _of_object(value, content_type, status_code)
    if document is None or not is_cut:
        return document
    if "status" not in value and not document.failing:
        return None  # it has only named parts that are up: the others may be missing
    return replace(document, is_cut=True)


def worst(of: Iterable[Health]) -> Health:
    """The worst of several; unknown for none."""
    return min(of, key=ORDER.index, default=Health.UNKNOWN)


def _of_object(value: dict[str, Any], content_type: str, status_code: int) -> HealthDocument | None:
    """By its shape; one that names no part, or is in no format, as its own shape may say it."""
    document = _of_format(value, content_type, status_code)
    if document is not None and document.failing:
        return document
    free = free_health.rewritten(value)
    own = _with_parts("JSON status", free, free["checks"]) if free is not None else None
    if document is None or own is None:
        return document or own
    return replace(own, format=document.format) if own.failing else document


def _of_format(value: dict[str, Any], content_type: str, status_code: int) -> HealthDocument | None:
    """The formats with most of their own first."""
    value = _lower_first(value)
    for shape in SHAPES:
        document = shape(value)
        if document is not None:
            return document
    if "status" not in value:
        return _of_messages(value, status_code)
    status = _health(value["status"])
    parts = {name: part for name, part in value.items() if name.lower() not in OF_ALL}
    nested = {name: part for name, part in parts.items() if isinstance(part, dict)}
    if status is None:
        return None
    if nested and (failing := list(_of_map(nested))):  # Spring Boot 1.x
        return _document("Spring Actuator", status, failing)
    named_parts = [Dependency(name[:MAX_NAME_LENGTH], state) for name, part in parts.items()
            if isinstance(part, str) and (state := _health(part)) is not None]  # fmt: skip
    if content_type.strip().lower().startswith(SPRING_TYPE):
        return _document("Spring Actuator", status, named_parts)
    if content_type.strip().lower().startswith("application/health+json"):
        return _document("health+json", status, named_parts)
    return _document("JSON status", status, named_parts)


def _lower_first(value: dict[str, Any]) -> dict[str, Any]:
    """The same with `status` and the like in lower case, as .NET writers spell them with a capital."""
    if "status" in value or "Status" not in value:
        return value
    return {name.lower() if name.lower() in OF_ALL else name: part for name, part in value.items()}


def _elasticsearch(value: dict[str, Any]) -> HealthDocument | None:
    """`_cluster/health`, and `_health_report` with its indicators."""
    word = value.get("status")
    if not isinstance(word, str) or word.lower() not in ("green", "yellow", "red", "unknown"):
        return None
    indicators = value.get("indicators")
    if word.lower() == "unknown" and not isinstance(indicators, dict):
        return None
    parts = list(_of_map(indicators)) if isinstance(indicators, dict) else []
    missing = value.get("unassigned_shards")
    if not parts and isinstance(missing, int) and missing > 0:
        parts = [Dependency("shards", WORDS[word.lower()], f"{missing} unassigned")]
    return _document("Elasticsearch", WORDS[word.lower()], parts)


def _terminus(value: dict[str, Any]) -> HealthDocument | None:
    word = str(value.get("status")).lower()
    maps = [value[name] for name in ("error", "details", "info") if isinstance(value.get(name), dict)]
    if word not in ("ok", "error", "shutting_down") or not maps:
        return None
    merged = {
        name: part for parts in reversed(maps) for name, part in parts.items() if isinstance(part, dict)
    }
    return _document("NestJS Terminus", WORDS[word], _of_map(merged))


def _microprofile(value: dict[str, Any]) -> HealthDocument | None:
    checks = value.get("checks")
    if not isinstance(checks, list):
        return None
    named = {
        str(part.get("name") or part.get("component") or part.get("key") or f"check {place}"): part
        for place, part in enumerate(checks[:MAX_PARTS], 1)
        if isinstance(part, dict)
    }
    return _with_parts("MicroProfile", value, named)


def _health_json(value: dict[str, Any]) -> HealthDocument | None:
    return _with_parts("health+json", value, value.get("checks"))


def _asp_net(value: dict[str, Any]) -> HealthDocument | None:
    for name in ("entries", "results"):
        parts = value.get(name)
        if isinstance(parts, dict):
            named = {key: _in_words(part) for key, part in parts.items()}
            document = _with_parts("ASP.NET", _in_words(value), named)
            if document is not None:
                return document
    return None


def _in_words(part: Any) -> Any:
    """The same, with a status that .NET wrote as a number in its word."""
    if not isinstance(part, dict):
        return part
    status = part.get("status", part.get("Status"))
    if not isinstance(status, int) or isinstance(status, bool):
        return part
    return {**part, "status": ASP_NET_NUMBERS.get(status)}


def _spring(value: dict[str, Any]) -> HealthDocument | None:
    for name in ("components", "details"):
        parts = value.get(name)
        if not isinstance(parts, dict):
            continue
        nested = {key: part for key, part in parts.items() if isinstance(part, dict)}
        document = _with_parts("Spring Actuator", value, nested)
        if document is not None:
            return document
    return None


Shape = Callable[[dict[str, Any]], HealthDocument | None]
SHAPES: tuple[Shape, ...] = (_elasticsearch, _terminus, _microprofile, _health_json, _asp_net, _spring)


def _with_parts(name: str, value: Mapping[str, Any], parts: Any) -> HealthDocument | None:
    """A document whose parts are a map; None when neither it nor any of them says how it is."""
    if not isinstance(parts, dict):
        return None
    status, dependencies = _health(value.get("status")), list(_of_map(parts))
    if status is None and not dependencies:
        return None
    return _document(name, status, dependencies)


def _of_messages(value: Mapping[str, Any], status_code: int) -> HealthDocument | None:
    """django-health-check: a map of names to "OK", or to what is wrong, with 500 if anything is."""
    if not value or not all(isinstance(text, str) for text in value.values()):
        return None
    if any(name.lower() in OF_ALL for name in value):
        return None
    states = {name: _of_message(text) for name, text in value.items()}
    is_named_so = all(CLASS_NAME.fullmatch(name) for name in value)
    if Health.UP not in states.values() and not (is_named_so and status_code >= 500):
        return None
    if Health.DOWN in states.values() and status_code < 400:
        return None  # any map of texts: it would not answer so while something fails
    parts = [
        Dependency(name[:MAX_NAME_LENGTH], state, "" if state is Health.UP else _line(value[name]))
        for name, state in states.items()
    ]
    return _document("django-health-check", worst(states.values()), parts)


def _of_message(text: str) -> Health:
    if text.strip().lower() in ("ok", "working"):
        return Health.UP
    return Health.DEGRADED if text.lower().startswith("warning") else Health.DOWN


def _of_text(text: str, content_type: str) -> HealthDocument | None:
    """One word, or Kubernetes' list of checks."""
    if len(text) > MAX_TEXT_LENGTH or text.startswith("<") or "html" in content_type.lower():
        return None
    if text in ("Healthy", "Degraded", "Unhealthy"):
        return HealthDocument("ASP.NET", WORDS[text.lower()])
    if text.lower() == "ok":
        return HealthDocument("Kubernetes", Health.UP)
    lines = [match for line in text.splitlines() if (match := CHECK_LINE.fullmatch(line.strip()))]
    if not lines:
        return None
    parts = [
        Dependency(name[:MAX_NAME_LENGTH], Health.UP if sign == "+" else Health.DOWN, _of_line(rest))
        for sign, name, rest in (match.groups() for match in lines)
    ]
    bad = [part for part in parts if part.status is Health.DOWN]
    if bad and all(part.name == "shutdown" for part in bad):
        return _document("Kubernetes", Health.DRAINING, [replace(bad[0], status=Health.DRAINING)])
    return _document("Kubernetes", Health.DOWN if bad else Health.UP, parts)


def _of_line(rest: str) -> str:
    """What stands behind a check's name: "failed: reason withheld" explains nothing."""
    words = rest.removeprefix("failed").lstrip(": ")
    return "" if words in ("ok", "reason withheld") else _line(words)


def _document(name: str, status: Health | None, parts: Iterable[Dependency]) -> HealthDocument:
    """A document that calls itself up while a part of it fails is degraded."""
    parts = list(parts)
    status = worst(part.status for part in parts) if status is None else status
    failing = [part for part in parts if part.status in ORDER[:3]]
    if failing and status is Health.UP:
        status = Health.DEGRADED
    if not failing and status is Health.UNKNOWN:
        failing = [part for part in parts if part.status is Health.UNKNOWN]
    failing.sort(key=lambda part: ORDER.index(part.status))
    named = (replace(part, name=_line(part.name) or NAMELESS) for part in failing[:MAX_FAILING])
    return HealthDocument(name, status, tuple(named))


def _of_map(parts: Mapping[str, Any]) -> Iterator[Dependency]:
    """All parts that say how they are; of one that has parts of its own, those that are to blame."""
    left = [MAX_PARTS]
    for name, part in parts.items():
        yield from _of_part(str(name), part, left, 1)


def _of_part(name: str, part: Any, left: list[int], depth: int) -> Iterator[Dependency]:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DEPTH:
        return
    if isinstance(part, list):
        for place, item in enumerate(part, 1):
            own = item.get("componentId") if isinstance(item, dict) else None
            joined = f"{name}.{own or place}" if len(part) > 1 else name
            yield from _of_part(joined, item, left, depth + 1)
    elif isinstance(part, dict):
        yield from _of_nested(name, part, left, depth)
    elif isinstance(part, str) and (status := _health(part)) is not None:
        yield Dependency(name[-MAX_NAME_LENGTH:], status)


def _of_nested(name: str, part: Mapping[str, Any], left: list[int], depth: int) -> Iterator[Dependency]:
    status = _health(part.get("status", part.get("Status", part.get("healthy"))))
    inner = [
        dependency
        for inner_name, nested in _parts_of(part)
        for dependency in _of_part(f"{name}.{inner_name}", nested, left, depth + 1)
    ]
    bad = [dependency for dependency in inner if dependency.status in ORDER[:3]]
    if bad or (status is None and inner):
        yield from bad or inner
    elif status is not None:
        words = "" if status is Health.UP else _explanation(part)
        yield Dependency(name[-MAX_NAME_LENGTH:], status, words)


def _parts_of(part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parts within a part: under `components`, in Spring 2.0 `details`, in 1.x beside its status."""
    for name, nested in part.items():
        if name in ("components", "details", "checks", "entries") and isinstance(nested, dict):
            yield from ((str(key), inner) for key, inner in nested.items() if isinstance(inner, dict))
        elif isinstance(nested, dict) and name.lower() not in OF_ALL and "status" in nested:
            yield str(name), nested


def _health(said: Any) -> Health | None:
    """What a value says of health; None when it is no word for it."""
    if isinstance(said, bool):
        return Health.UP if said else Health.DOWN
    if isinstance(said, dict):  # Spring Boot 2.x with a status that has a description
        said = said.get("code") or said.get("status")
    return WORDS.get(said.strip().lower().replace(" ", "_")) if isinstance(said, str) else None


def _explanation(part: Mapping[str, Any]) -> str:
    """What a part says of its failure, in one line; empty when it says nothing."""
    for holder in (part, part.get("details"), part.get("data")):
        if not isinstance(holder, dict):
            continue
        for name in EXPLAINS:
            text = holder.get(name)
            if isinstance(text, dict):
                text = text.get("message")
            if isinstance(text, str) and text.strip():
                return _line(text)
    value = part.get("observedValue")
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        return _line(f"{value} {part.get('observedUnit') or ''}")
    return ""


def _line(text: str) -> str:
    """One printable line of at most MAX_WORDS_LENGTH characters."""
    safe = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_WORDS_LENGTH])
    joined = " ".join(safe.split())
    return shortened(joined, MAX_WORDS_LENGTH)
