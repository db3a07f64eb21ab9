"""What the supervisor is told of the database, the broker and the heartbeats, every two seconds.

The page looks, in a thread: the supervisor itself is a small process without Django. A page that tells
nothing for long is at fault itself, and is started again.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import threading
import time
from datetime import datetime
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.db.models import Q

from components import loops
from components.egress import Door, EgressError, through
from components.models import Heartbeat
from statuspage.ops import forking
from statuspage.ops.children import REPORTS_TO
from statuspage.ops.watch import BY_THEMSELVES, QUEUES, Look

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TIDY_AFTER_LOOKS = 15  # half a minute after the start, once: the collector comes by itself, but much later
TIMEOUT_S = 1.0
MAIL_TIMEOUT_S = 3.0


def begin() -> None:
    """Report to the supervisor from now on, if this process is a child that does."""
    if number := os.environ.pop(REPORTS_TO, ""):
        threading.Thread(target=_work, args=(int(number),), name="looking", daemon=True).start()


def _work(reports_to: int) -> None:
    looker = Looker(settings.REDIS_URL)
    supervisor = os.fdopen(reports_to, "w", buffering=1)
    for number in itertools.count(1):
        try:
            supervisor.write(f"{looker.look().to_line()}\n")
        except OSError:
            return  # the supervisor has ended
        except Exception:  # our own error must not end the thread
            log.exception("looking failed")
        if number == TIDY_AFTER_LOOKS:
            forking.tidy()
        time.sleep(LOOK_EVERY_S)


class Looker:
    """Checks every part once at each look."""

    def __init__(self, redis_url: str) -> None:
        self.place = _place(redis_url)
        self._client = redis.Redis.from_url(
            redis_url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S
        )

    def look(self) -> Look:
        """Check every part once; takes a few seconds at most. Leaves no connection open."""
        broker, waiting = self._ask_broker()
        self._client.connection_pool.disconnect()
        database, signs = _ask_database()
        with contextlib.suppress(Error):
            connection.close()
        return Look(broker, database, waiting, signs)

    def _ask_broker(self) -> tuple[str, dict[str, int]]:
        try:
            return "", {role: int(self._client.llen(queue)) for role, queue in QUEUES.items()}
        except redis.RedisError as error:
            return f"{self.place} is not responding ({_first_line(error)}).", {}


def _ask_database() -> tuple[str, dict[str, frozenset[tuple[str, datetime]]]]:
    close_old_connections()
    try:
        ours = Q(role__in=QUEUES) | Q(role__in=BY_THEMSELVES, name__in=map(loops.name, BY_THEMSELVES))
        rows = list(Heartbeat.objects.filter(ours).values_list("role", "name", "at"))
    except Error as error:  # of the database, and of a connection it has closed
        with contextlib.suppress(Error):
            connection.close()
        return f"{_first_line(error)}.", {}
    roles = (*QUEUES, *BY_THEMSELVES)
    return "", {role: frozenset((name, at) for of, name, at in rows if of == role) for role in roles}


def mail_server_error(host: str, port: int) -> str:
    """Why the mail server cannot be reached; empty when it can, or when there is none."""
    if not host:
        return ""
    try:
        asyncio.run(_reach(host, port))
    except (EgressError, TimeoutError) as error:
        return f"{host}:{port} is unreachable ({_first_line(error)})."
    return ""


async def _reach(host: str, port: int) -> None:
    async with asyncio.timeout(MAIL_TIMEOUT_S):
        line = await through(Door.SUBSCRIBERS).dial_own(host, port)
    line.close()


def _place(redis_url: str) -> str:
    """The broker's address, without its password."""
    parts = urlsplit(redis_url)
    try:
        return f"{parts.hostname or redis_url}:{parts.port or 6379}" if parts.hostname else parts.path
    except ValueError:
        return "the address in REDIS_URL"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
