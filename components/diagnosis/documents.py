"""Which parts of a service a health document names as failing.

JSON is read first, in the shapes of health+json, Spring's actuator, ASP.NET, MicroProfile,
Terminus and django-health-check; then lines of text as Kubernetes writes them; a pattern comes
last, for an excerpt that was cut. Pure, and bounded whatever a target sends.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

MAX_PARTS = 5
MAX_DEPTH = 6
MAX_NODES = 2_000
MAX_NAME = 60
BAD = {
    "down", "fail", "failed", "failing", "failure", "error", "critical", "unhealthy", "unreachable",
    "timeout", "out_of_service", "outage", "unavailable", "disconnected", "offline", "red", "ko",
}  # fmt: skip
GOOD = {"ok", "up", "pass", "passing", "healthy", "working", "connected", "online", "alive", "green"}
# Keys that group parts, and are none themselves
CONTAINERS = {
    "checks", "components", "details", "entries", "info", "error", "errors", "results", "services", "data",
    "dependencies", "health", "subsystems", "backends", "status",
}  # fmt: skip
# What speaks of the whole, or only describes a part
OF_ALL = {
    "status", "state", "health", "result", "ok", "message", "error", "code", "checks", "details", "success",
    "output", "outcome", "detail", "description", "type", "title", "level", "reason", "exception", "name",
}  # fmt: skip
STATES = ("status", "state", "health", "result", "outcome")
CUT = re.compile(
    r'"([\w.:/ -]{1,40})"\s*:\s*(?:"(?:down|fail(?:ed|ing)?|error|critical|unhealthy|unreachable|timeout)"'
    r'|\{[^{}]{0,200}?"status"\s*:\s*"(?:down|fail(?:ed|ing)?|error|critical|unhealthy|unreachable)")',
    re.IGNORECASE,
)
MINUS_LINE = re.compile(r"^\[-\]\s{0,4}([\w./:-]{1,60}) failed", re.MULTILINE)
COLON_LINE = re.compile(
    r"^[ \t*-]{0,4}([A-Za-z][\w ./()'=-]{0,40}?)[ \t]{0,8}(?::|\.{2,40}|=)[ \t]{0,8}"
    r"(down|fail(?:ed|ing)?|error|unhealthy|unreachable|unavailable|critical)\b",
    re.MULTILINE | re.IGNORECASE,
)
CHECK_NAME = re.compile(r"^(?:[A-Z]\w*\(.*\)|\w*(?:Backend|HealthCheck)|(?:Default|Database|Cache)\w*)")


def failing_parts(
    body: bytes | str, content_type: str = "", status_code: int | None = None
) -> tuple[str, ...]:
    """The names of the parts that are down, at most five, in their order; empty when none is named.

    `status_code` decides one thing: in an answer that is well, free text beside a part is no failure.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start == "{" or (start == "[" and text.lstrip()[1:2] not in ("+", "-")):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            names = [name for name in CUT.findall(text[:4_000]) if name.lower() not in OF_ALL]
        else:
            names = list(_in_json(document, is_bad=(status_code or 0) >= 400))
    elif start == "<" or "html" in content_type:
        names = []
    else:
        lines = text[:4_000]
        names = MINUS_LINE.findall(lines) or [
            name for name, _ in COLON_LINE.findall(lines) if name.strip().lower() not in OF_ALL
        ]
    unique = dict.fromkeys(" ".join(name.split())[:MAX_NAME] for name in names)
    return tuple(name for name in unique if name)[:MAX_PARTS]


def _in_json(document: Any, *, is_bad: bool) -> Iterator[str]:
    if isinstance(document, dict) and (names := _of_django(document, is_bad=is_bad)):
        yield from names
        return
    left = [MAX_NODES]
    yield from _walk(document, (), left, in_group=isinstance(document, dict) and _says_down(document))


def _of_django(document: dict[str, Any], *, is_bad: bool) -> list[str]:
    """django-health-check: a map of checks to "OK" or the text of an error, with no word for a state."""
    if not is_bad or not document or not all(isinstance(value, str) for value in document.values()):
        return []
    is_its_own = any(CHECK_NAME.match(name) for name in document)
    if not is_its_own:
        return []
    return [name for name, value in document.items() if value.strip().lower() not in GOOD]


def _walk(node: Any, path: tuple[str, ...], left: list[int], *, in_group: bool) -> Iterator[str]:
    """Names of what is down below this node, the innermost ones. `in_group`: here `false` means down."""
    left[0] -= 1
    if left[0] < 0 or len(path) > MAX_DEPTH:
        return
    if isinstance(node, list):
        for place in node:
            if isinstance(place, dict):
                name = _own_name(place)
                yield from _part(place, (*path, name) if name else path, left, in_group=False)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        lowered = str(key).lower()
        if isinstance(value, (dict, list)):
            inner = path if lowered in CONTAINERS else (*path, str(key))
            yield from _part(value, inner, left, in_group=lowered in CONTAINERS)
        elif lowered in OF_ALL or lowered in CONTAINERS:
            continue
        elif (isinstance(value, str) and _is_bad(value)) or (value is False and in_group):
            yield _spelled((*path, str(key)))


def _part(node: Any, path: tuple[str, ...], left: list[int], *, in_group: bool) -> Iterator[str]:
    """What is down inside; the part itself when it is, and nothing inside says so."""
    inner = list(_walk(node, path, left, in_group=in_group))
    yield from inner
    if not inner and path and isinstance(node, dict) and _says_down(node):
        yield _spelled(path)


def _says_down(node: dict[str, Any]) -> bool:
    lowered = {str(key).lower(): value for key, value in node.items()}
    for key in STATES:
        if key in lowered:
            value = lowered[key]
            return isinstance(value, str) and _is_bad(value)
    return any(lowered.get(key) is False for key in ("healthy", "ok", "up", "alive", "success"))


def _own_name(node: dict[str, Any]) -> str:
    name = next((node[key] for key in ("name", "id", "component", "service", "key") if node.get(key)), "")
    return name if isinstance(name, str) else ""


def _is_bad(value: str) -> bool:
    return value.strip().lower() in BAD


def _spelled(path: tuple[str, ...]) -> str:
    return ".".join(path)
