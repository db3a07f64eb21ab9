"""The demo's load: so many clients at a time, each asking again as soon as it is answered."""

import asyncio
import base64
import json
import os
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from components import wire
from components.egress import Egress, EgressError, Line

DEADLINE_S = 10.0
MAX_BYTES = 5_000_000


class Visitors:
    """A crowd of clients, run in its own thread. `number` and `hold_ms` may change at any time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.number, self.hold_ms, self.is_over = 0, 0, False
        self.egress = Egress(["127.0.0.0/8", "::1/128"])
        self.loop = asyncio.new_event_loop()
        self.here: set[asyncio.Task[None]] = set()
        self.left: list[Line] = []
        self.chat, self.wanted = "", 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def come(self, number: int, hold_ms: int) -> None:
        """Set how many there are, and how long each needs its connection (ms)."""
        self.number, self.hold_ms = number, hold_ms

    def ask(self, url: str, method: str = "GET") -> Any:
        """Send a request. The answer's JSON, or None without an answer."""
        return asyncio.run_coroutine_threadsafe(self._ask(url, method), self.loop).result(DEADLINE_S + 1)

    def request(
        self, url: str, method: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[wire.Head, str]:
        """Send a request as it is. Head and text of the answer. Raises OSError, EgressError, TimeoutError."""
        asked = asyncio.run_coroutine_threadsafe(self._request(url, method, headers, body), self.loop)
        return asked.result(DEADLINE_S + 1)

    def leave_connections(self, url: str, number: int) -> None:
        """Have so many WebSockets open that nobody uses, as far as there are places: closed laptops."""
        self.chat, self.wanted = url, number

    async def _leave_behind(self) -> None:
        while len(self.left) > self.wanted:
            self.left.pop().close()
        while len(self.left) < self.wanted and (line := await self._upgraded(self.chat)) is not None:
            self.left.append(line)

    async def _upgraded(self, url: str) -> Line | None:
        """An open WebSocket; None when it is refused."""
        parts = urlsplit(url)
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}  # fmt: skip
        try:
            async with asyncio.timeout(DEADLINE_S):
                line = await self.egress.open(parts.hostname or "", parts.port or 80)
                line.writer.write(wire.request_bytes("GET", parts.netloc, parts.path, headers, b""))
                head = await wire.read_head(line)
        except (TimeoutError, OSError, EgressError, wire.MalformedAnswerError):
            return None
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return line
        line.close()
        return None

    def leave(self) -> None:
        """Stop all visitors."""
        self.is_over = True
        self.thread.join(DEADLINE_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._keep_coming())
        self.loop.close()

    async def _keep_coming(self) -> None:
        while not self.is_over:
            while len(self.here) < self.number:
                visitor = self.loop.create_task(self._visit(len(self.here)))
                self.here.add(visitor)
                visitor.add_done_callback(self.here.discard)
            await self._leave_behind()
            await asyncio.sleep(0.1)
        for line in self.left:
            line.close()
        for visitor in self.here:
            visitor.cancel()
        await asyncio.gather(*self.here, return_exceptions=True)

    async def _visit(self, place: int) -> None:
        while place < self.number:
            await self._ask(f"{self.url}/report?hold_ms={self.hold_ms}", "GET")
            await asyncio.sleep(0.01)

    async def _request(
        self, url: str, method: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[wire.Head, str]:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        async with asyncio.timeout(DEADLINE_S):
            line = await self.egress.open(parts.hostname or "", parts.port or 80)
            try:
                line.writer.write(wire.request_bytes(method, parts.netloc, path, dict(headers), body))
                head = await wire.read_head(line)
                return head, (await wire.read_body(line, head, method, most=MAX_BYTES)).decode()
            finally:
                line.close()

    async def _ask(self, url: str, method: str) -> Any:
        parts = urlsplit(url)
        try:
            async with asyncio.timeout(DEADLINE_S):
                line = await self.egress.open(parts.hostname or "", parts.port or 80)
                try:
                    path = f"{parts.path}?{parts.query}"
                    line.writer.write(wire.request_bytes(method, parts.netloc, path, {}, b""))
                    head = await wire.read_head(line)
                    return json.loads(await wire.read_body(line, head, method, most=MAX_BYTES))
                finally:
                    line.close()
        except (TimeoutError, OSError, EgressError, wire.MalformedAnswerError, ValueError):
            return None
