"""The event stream: one token per change, to every open page.

It carries no content, so there is nothing to merge, order or replay. A page that gets
a token it does not have loads itself again. Nothing here uses the database.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

from django.core import signing

from statuspage.serving.http1.application import Listener, Words

AGE_S = 15.0  # how often open pages get the age of the newest check
SALT = "statuspage.serving.event_stream"
TOKEN_S = 12 * 3600
BATCH = 500  # streams that are told at once; in between the loop answers others
RETRY_MS = (2_000, 17_000)  # a crowd that lost us together comes back over a quarter of a minute

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def staff_token() -> str:
    """The token by which a console page also hears of changes that are not public; valid for half a day."""
    return signing.TimestampSigner(salt=SALT).sign("staff")


def is_staff(query: bytes) -> bool:
    """Whether the query has a valid token; without one the stream is the public one."""
    token = parse_qs(query.decode("latin-1")).get("staff", [""])[0]
    try:
        return bool(signing.TimestampSigner(salt=SALT).unsign(token, max_age=TOKEN_S))
    except (signing.BadSignature, ValueError):
        return False


class Streams:
    """The open streams of this process."""

    def __init__(self, most: int, *, each: int = 0) -> None:
        self.most = most
        self.newest: Callable[[], float] = lambda: 0.0  # the newest check that this process knows of
        self.each = each  # of one address; 0: no limit
        self.of_address: Counter[str] = Counter()
        self.listeners: dict[Listener, str] = {}  # and the address that counts for each
        self.is_closing = False
        self.token = 0
        self.checked_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[Words] = []  # to be told, in order
        self._telling: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """The number of open streams."""
        return len(self.listeners)

    def start(self) -> None:
        """Start, in the event loop of the server."""
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.create_task(self._tell_age())

    def ring(self, token: int) -> None:
        """Send this token to every open page, from any thread."""
        self.token = token
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._say, f"id: {token}\ndata: {token}\n\n".encode())

    def close(self) -> None:
        """End every stream."""
        self.is_closing = True
        if self._loop is not None:
            self._clock.cancel()
        for listener in tuple(self.listeners):
            listener.end()

    def _say(self, words: bytes) -> None:
        """Send to all streams, after what they are being sent."""
        assert self._loop is not None
        self._waiting.append(Words(words))
        if self._telling is None or self._telling.done():
            self._telling = self._loop.create_task(self._tell())

    async def _tell(self) -> None:
        while self._waiting:
            words, listeners = self._waiting.pop(0), tuple(self.listeners)
            for start in range(0, len(listeners), BATCH):
                for listener in listeners[start : start + BATCH]:
                    if listener in self.listeners and not self.is_closing:
                        listener.tell(words)
                await asyncio.sleep(0)

    async def _tell_age(self) -> None:
        while True:
            await asyncio.sleep(AGE_S)
            self._say(self._age())

    def _age(self) -> bytes:
        """A message with the newest check's age; without a check a comment that keeps the connection open."""
        self.checked_at = self.newest() or self.checked_at  # even if no page is loaded
        if not self.checked_at:
            return b": here\n\n"
        at = datetime.fromtimestamp(self.checked_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"event: age\ndata: {at}\n\n".encode()

    def join(self, listener: Listener, address: str = "") -> Words | None:
        """Add an open page, and return its first words. None if there are too many: it will poll instead.

        `address`: the address whose limit counts for this reader; empty for no limit.
        """
        if self.count >= self.most or self.is_closing or self._is_full(address):
            return None
        self.listeners[listener] = address
        self.of_address[address] += 1
        return Words(self._hello())

    def leave(self, listener: Listener) -> None:
        """Tell it nothing any more."""
        address = self.listeners.pop(listener, None)
        if address is None:
            return
        self.of_address[address] -= 1
        if not self.of_address[address]:
            del self.of_address[address]

    def _is_full(self, address: str) -> bool:
        return bool(address) and 0 < self.each <= self.of_address[address]

    def _hello(self) -> bytes:
        retry = random.randint(*RETRY_MS)  # noqa: S311 - only spreads the crowd
        hello = f"retry: {retry}\nid: {self.token}\ndata: {self.token}\n\n".encode()
        age = self._age()
        return hello + age if self.checked_at else hello


_serving: list[Streams] = []


def serve_here(streams: Streams) -> Streams:
    """Set the streams of this process, which `viewers` counts."""
    _serving[:] = [streams]
    return streams


def viewers() -> int:
    """The number of open pages at this process."""
    return sum(streams.count for streams in _serving)
