"""Which part of the program is missing, and why.

Checks what the children need (database, broker, mail server) and the heartbeats they leave,
by the monotonic clock: a heartbeat counts when its row changes, not by the time in it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import redis
from django.db import Error, close_old_connections, connection
from django.db.models import Q

from components import loops
from components.egress import Door, EgressError, through
from components.models import Heartbeat

QUEUES = {"worker": "celery", "post": "post"}  # whose ticks wait where
BY_THEMSELVES = ("web", "beat")  # whose heartbeats depend on no one else's work
TIMEOUT_S = 1.0
SURE_AFTER = 2  # failed looks in a row before a part counts as away
MAIL_TIMEOUT_S = 3.0
WITHOUT_BROKER = "No checks run and no one is notified meanwhile; the page is served."
WITHOUT_BELL = "Checks run and messages are sent; changes show on the page seconds later."


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one round of checks. Errors are sentences, empty if the part answers."""

    broker: str = ""
    database: str = ""
    waiting: Mapping[str, int] = field(default_factory=dict)  # ticks that no worker took, by role
    signs: Mapping[str, frozenset[tuple[str, datetime]]] = field(default_factory=dict)


def stuck(silent: set[str], look: Look, *, is_one_worker: bool = False) -> set[str]:
    """Which roles are played by a process that runs but does not work, although it could.

    One worker that does everything needs nobody to send it work: whatever is silent is at fault.
    Without broker or database none can work; the page needs only the database. A worker is at fault
    when its ticks wait; if none wait and both workers are silent, the clock sends none.
    """
    if look.database:
        return set()
    idle = silent & {"web"}
    if look.broker:
        return idle
    if is_one_worker:
        return silent
    idle |= silent & {"beat"}
    idle |= {role for role in silent if look.waiting.get(role, 0) > 0}
    if not idle - {"web"} and silent >= set(QUEUES):
        idle.add("beat")
    return idle


class Watch:
    """Remembers when each role was last seen at work. `now` is monotonic seconds."""

    def __init__(
        self, redis_url: str, silence_s: float, say: Callable[[str], None], *, is_one_worker: bool = False
    ) -> None:
        self.is_one_worker = is_one_worker
        self.place = _place(redis_url)
        self.silence_s = silence_s
        self.say = say
        self.reported: set[str] = set()  # have left a sign of life since we began
        self.broker_away_since: float | None = None
        self._client = redis.Redis.from_url(
            redis_url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S
        )
        self._changed_at: dict[str, float] = {}
        self._signs: dict[str, frozenset[tuple[str, datetime]]] = {}
        self._failures = {"broker": 0, "database": 0}

    def look(self) -> Look:
        """Check every part once; takes a few seconds at most. Leaves no connection open: we may fork."""
        broker, waiting = self._ask_broker()
        self._client.connection_pool.disconnect()
        database, signs = _ask_database()
        with contextlib.suppress(Error):
            connection.close()
        return Look(broker, database, waiting, signs)

    def take(self, look: Look, now: float) -> set[str]:
        """Record a result and print what changed. Returns the roles to start again."""
        self._tell("broker", look.broker, WITHOUT_BELL if self.is_one_worker else WITHOUT_BROKER)
        self._tell("database", look.database, "The last copy of the page is served.")
        if not look.broker:
            self.broker_away_since = None
        elif self.broker_away_since is None:
            self.broker_away_since = now
        for role in (*QUEUES, *BY_THEMSELVES):
            self._note(role, look, now)
        known = {*QUEUES, *(role for role in BY_THEMSELVES if self._signs.get(role))}
        silent = {role for role in known if now - self._changed_at[role] >= self.silence_s}
        return stuck(silent, look, is_one_worker=self.is_one_worker)

    def forgive(self, role: str, now: float) -> None:
        """The role was started again: restart its time limit."""
        for name in (*QUEUES, "beat") if role == "beat" else (role,):
            self._changed_at[name] = now

    def _note(self, role: str, look: Look, now: float) -> None:
        before, signs = self._signs.get(role), look.signs.get(role, frozenset())
        # while the parts it needs are away its time does not run: it begins when they are back
        if role not in self._changed_at or look.broker or look.database:
            self._changed_at[role] = now
        if look.database:
            return
        if before is not None and signs != before:
            self._changed_at[role] = now
            if role in QUEUES:
                self.reported.add(role)
        self._signs[role] = signs

    def _tell(self, part: str, error: str, loss: str) -> None:
        """Print once that a part is away, and once that it is back."""
        was_away = self._failures[part] >= SURE_AFTER
        self._failures[part] = self._failures[part] + 1 if error else 0
        if self._failures[part] == SURE_AFTER:
            self.say(f"the {part} is unavailable: {error} {loss}")
        elif was_away and not error:
            self.say(f"the {part} is available again")

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
