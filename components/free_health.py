"""Health documents in shapes of their own, rewritten as application/health+json.

Harbor's list of components, Laravel's check results, health-go's failures, Grafana's /api/health, and
documents that someone made up: flags (`{"up": false}`), and maps of names to flags, words or both
(`{"services": {"db": false, "cache": "up"}}`). What could be any other JSON is left alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_PARTS = 1_000
# What most services depend on: a name like these, with a word or a flag, is no mere field of something else
KNOWN = re.compile(
    r"d(?:ata)?b(?:ase)?\b|database|postgres|mysql|maria|mongo|sql|redis|valkey|cache|memcache|kafka|rabbit|amqp"
    r"|broker|queue|celery|elastic|search|solr|storage|s3\b|bucket|minio|disk|smtp|mail|ldap|auth|vault|consul"
    r"|etcd|zookeeper|upstream|downstream|gateway|payment|api\b|dns|clickhouse|cassandra|nats|influx",
    re.IGNORECASE,
)
FLAGS = ("up", "healthy", "ishealthy", "is_healthy", "alive", "ready", "available", "operational",
         "connected", "reachable", "ok")  # fmt: skip
MAPS = ("checks", "components", "services", "dependencies", "subsystems", "details", "results")
VAGUE = (
    "components",
    "details",
    "results",
)  # maps of other things, too: there a bare value needs a KNOWN name
LISTS = (*MAPS, "checkresults")
NAMES, TEXTS = (
    ("label", "name", "component", "id"),
    ("error", "notificationmessage", "message", "shortsummary"),
)
# Words of single programs: health-go's, and Laravel's "crashed"
OWN_WORDS = {
    "partially available": "degraded", "service unavailable": "down", "timeout during health check": "down",
    "crashed": "down",
}  # fmt: skip


def rewritten(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """`{"status": …, "checks": {name: {"status": …, "message": …}}}`; None when nothing says how it is."""
    lower = {name.lower(): part for name, part in value.items()}
    checks = dict(_parts(lower))
    status = _said(lower.get("status", lower.get("state")))
    if status is None:
        status = _flag(lower)
    if not checks and (status is None or "status" in lower):
        return None
    return {"checks": checks} if status is None else {"status": status, "checks": checks}


def _parts(lower: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and rewritten part, of everything that says how it is."""
    for name in MAPS:
        if isinstance(part := lower.get(name), dict):
            is_vague = name in VAGUE
            yield from _of_map(
                {
                    key: v
                    for key, v in part.items()
                    if not is_vague or isinstance(v, dict) or KNOWN.search(key)
                }
            )
    for name in LISTS:
        if isinstance(part := lower.get(name), list):
            yield from _of_list(part)
    if isinstance(failures := lower.get("failures"), dict):  # health-go
        for name, text in list(failures.items())[:MAX_PARTS]:
            yield str(name), {"status": "down", "message": text if isinstance(text, str) else ""}
    yield from _of_map({name: part for name, part in lower.items() if KNOWN.search(name)})


def _of_map(parts: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in list(parts.items())[:MAX_PARTS]:
        if (check := _check(part)) is not None:
            yield str(name), check


def _of_list(parts: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in parts[:MAX_PARTS]:
        if not isinstance(part, dict) or (check := _check(part)) is None:
            continue
        lower = {str(name).lower(): text for name, text in part.items()}
        names = (lower.get(name) for name in NAMES)
        name = next((text for text in names if isinstance(text, str) and text.strip()), "")
        if name:
            yield name, check


def _check(part: Any) -> dict[str, Any] | None:
    """A part as health+json has it; None when it does not say how it is."""
    if not isinstance(part, dict):
        said = _said(part)
        return None if said is None else {"status": said}
    lower = {str(name).lower(): text for name, text in part.items()}
    said = _said(lower.get("status", lower.get("state")))
    if said is None:
        said = _flag(lower)
    if said is None:
        return None
    texts = (lower.get(name) for name in TEXTS)
    return {"status": said, "message": next((text for text in texts if isinstance(text, str) and text), "")}


def _flag(lower: Mapping[str, Any]) -> bool | None:
    """What its flags say: false if any is; None without one."""
    flags = [lower[name] for name in FLAGS if isinstance(lower.get(name), bool)]
    return all(flags) if flags else None


def _said(value: Any) -> str | bool | None:
    """A flag, or a word in the spelling that all know; the reader of the document says what it means."""
    if isinstance(value, str):
        return OWN_WORDS.get(value.strip().lower(), value)
    return value if isinstance(value, bool) else None
