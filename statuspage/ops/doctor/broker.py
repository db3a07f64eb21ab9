"""The broker: reachable, recent enough, closed to others, and one that keeps what it is given."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings

from components.networks import literal_address
from statuspage.ops.doctor import folder
from statuspage.ops.doctor.database import apart
from statuspage.ops.doctor.findings import Finding, fail, first_line, ok, warn

NAME = "broker"
TIMEOUT_S = 3.0
MIN_REDIS = (6, 2)


def look() -> Iterator[Finding]:
    """Whether it answers, and what is known of it."""
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S
        )
        info: dict[str, Any] = dict(client.info())
        seconds, micros = client.time()
    except redis.AuthenticationError as error:
        yield fail(NAME, f"It rejects our login ({first_line(error)}): check the password in REDIS_URL.")
        return
    except (redis.RedisError, OSError, ValueError, ssl.SSLError) as error:
        yield fail(NAME, f"It is not responding ({first_line(error)}): {_mend()}")
        return
    yield _version(info)
    yield from _ways(info)
    ahead_s = datetime.now(UTC).timestamp() - (seconds + micros / 1e6)
    yield apart("broker clock", ahead_s, "the broker")


def _mend() -> str:
    if settings.RUNNING.get("REDIS_URL") == settings.REDIS_URL and not folder.is_held():
        return "it was the private one of a program that was killed; start manage.py up again."
    if folder.is_held():
        return "check REDIS_URL and its server."
    return "start manage.py up, which brings its own, or check REDIS_URL and its server."


def _version(info: dict[str, Any]) -> Finding:
    name = "Valkey" if info.get("valkey_version") else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if name == "Redis" and numbers < MIN_REDIS:
        return fail(
            NAME, f"Redis {version or 'of an unknown version'} is too old: use 6.2 or newer, or Valkey."
        )
    return ok(NAME, f"{name} {version} answers.")


def _ways(info: dict[str, Any]) -> Iterator[Finding]:
    if info.get("role") == "slave":
        yield fail(NAME, "It is a replica, which takes no messages: name the primary in REDIS_URL.")
    if info.get("cluster_enabled"):
        yield fail(NAME, "It is a cluster, which Celery cannot use: use a single server.")
    policy, most = str(info.get("maxmemory_policy", "noeviction")), int(info.get("maxmemory") or 0)
    if policy != "noeviction":
        when = "when memory is short" if most else "once a limit is set"
        yield warn(
            "broker memory",
            f"Its policy is {policy}: {when} it drops our messages, and checks come late."
            " Set maxmemory-policy noeviction.",
        )
    else:
        yield ok("broker memory", "It drops nothing (noeviction).")
    if not _is_closed():
        yield warn(
            "broker password",
            "It is not on this machine and asks for no password: whoever reaches it can stop our checks."
            " Set requirepass, and put it into REDIS_URL.",
        )


def _is_closed() -> bool:
    """Whether only we can use it: by a password, or as it is on this machine."""
    parts = urlsplit(settings.REDIS_URL)
    host = parts.hostname or ""
    address = literal_address(host)
    is_here = not host or host == "localhost" or (address is not None and address.is_loopback)
    return is_here or bool(parts.password) or "password=" in parts.query
