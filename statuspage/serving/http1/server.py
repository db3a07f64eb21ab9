"""Listens, watches over connections, and ends in order."""

import asyncio
import contextlib
import logging
import resource
import signal
import socket
from typing import Any

from statuspage.serving.http1 import usual
from statuspage.serving.http1.application import Application
from statuspage.serving.http1.connection import Connection
from statuspage.serving.http1.exchange import Exchange
from statuspage.serving.http1.reply import Reply

log = logging.getLogger(__name__)

BACKLOG = 4096
LOOK_S = 1.0
DRAIN_S = 3.0  # for requests in progress, at a stop
MAX_KNOWN = 1_024  # heads of requests
MAX_SEEN = 8_192
MAX_KNOWN_BYTES = 2 * 1024
RESERVED_FILES = 200  # for databases, copies on disk, logs
IDLE_AT_ONCE = 64  # closed when there is no room for a new connection


class Server:
    """One application at one address."""

    def __init__(self, application: Application, host: str, port: int) -> None:
        self.application = application
        self.host = host
        self.port = port
        self.most = max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED_FILES, 16)
        self.known: dict[bytes, Any] = {}  # what requests ask, by their bytes: clients repeat them
        self.seen: set[int] = set()  # hashes of requests that came once; most never come again
        self.connections: dict[Connection, None] = {}  # without streams, the longest open first
        self.count = 0  # with streams
        self.full_at = -1.0  # when there was last no idle connection to close
        self.tick = 0.0  # the loop's time, to a second
        self.is_draining = False
        self.emptied = asyncio.Event()  # of connections, while draining
        self.tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> socket.socket:
        """Raises OSError."""
        family, _, _, _, address = socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        is_any = self.host == "::"  # then IPv4 as well
        return socket.create_server(
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=is_any and socket.has_dualstack_ipv6()
        )

    async def serve_until_signal(self, listening: socket.socket) -> None:
        """Until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await self.serve(listening, stop)

    async def serve(self, listening: socket.socket, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        loop = asyncio.get_running_loop()
        self._look()
        await self.application.start()
        server = await loop.create_server(lambda: Connection(self), sock=listening, backlog=BACKLOG)
        log.info("web.started host=%s port=%s", self.host, self.port)
        await stop.wait()
        server.close()
        await self._drain()
        await self.application.stop()
        log.info("web.stopped")

    async def _drain(self) -> None:
        """Let requests in progress end; everything else ends now."""
        self.is_draining = True
        self.known.clear()
        self.application.close_streams()
        for connection in tuple(self.connections):
            connection.close_if_idle()
        self.emptied.clear()  # it was set whenever there was none
        if self.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.emptied.wait(), DRAIN_S)
        for task in self.tasks:
            task.cancel()
        for connection in tuple(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self.tick = loop.time()
        for connection in tuple(self.connections):
            connection.judge(self.tick)
        loop.call_later(LOOK_S, self._look)

    def admit(self, connection: Connection) -> bool:
        """Count a new connection. False when there are too many."""
        self.connections[connection] = None
        self.count += 1
        return self.count <= self.most or self._make_room(connection)

    @property
    def may_linger(self) -> bool:
        """Whether a connection that is refused may stay until its client has read that."""
        return self.count < self.most + RESERVED_FILES // 2

    def _make_room(self, newest: Connection) -> bool:
        """Close idle connections, as nginx does. False when there are none; looked at once in a while."""
        if self.full_at == self.tick:
            return False
        closed = 0
        for other in tuple(self.connections):
            closed += other is not newest and other.close_if_idle()
            if closed == IDLE_AT_ONCE:
                return True
        self.full_at = -1.0 if closed else self.tick
        return closed > 0

    def forget(self, connection: Connection) -> None:
        """A connection that became a stream is looked after by the streams."""
        self.connections.pop(connection, None)

    def release(self, connection: Connection) -> None:
        """A connection has ended."""
        self.connections.pop(connection, None)
        self.count -= 1
        if not self.connections:
            self.emptied.set()

    def at_hand(self, block: bytes, now: float) -> Reply | None:
        """The answer to these bytes, if they are one usual request for a document in memory."""
        question = self.known.get(block)
        if question is not None:
            return self.application.at_hand(question, now)
        asked = None if self.is_draining else usual.read(block)
        question = None if asked is None else self.application.question(asked)
        reply = None if question is None else self.application.at_hand(question, now)
        if reply is not None:
            self._remember(block, question)
        return reply

    def _remember(self, block: bytes, question: Any) -> None:
        """Keep what these bytes ask when they come again, except those that say who asks."""
        mark = hash(block)
        if mark not in self.seen:
            if len(self.seen) >= MAX_SEEN:
                self.seen.clear()
            self.seen.add(mark)
            return
        if len(block) > MAX_KNOWN_BYTES or usual.is_personal(block):
            return
        if len(self.known) >= MAX_KNOWN:
            self.known.clear()
        self.known[block] = question

    def run(self, exchange: Exchange) -> None:
        """Let the application answer."""
        task = asyncio.get_running_loop().create_task(exchange.run(self.application))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
