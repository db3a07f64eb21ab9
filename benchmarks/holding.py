"""The processes of `benchmarks.held`: a server that can cut all, our checks, and the plain client.

`python -m benchmarks.holding serve PORT`, `ours PORT N` or `plain PORT N`. A client says "ready", waits for
a line, holds, and prints when it knew that all were gone. Times are the monotonic clock's, which all share.
"""

import asyncio
import base64
import hashlib
import json
import resource
import sys
import threading
import time
from typing import ClassVar

import uvloop

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PER_CHECK = 1_000
DEADLINE_S = 60.0


class Server(asyncio.Protocol):
    """Switches, answers pings, counts, and on /cut hangs up on all. Fast, not complete."""

    held: ClassVar[set["Server"]] = set()
    last_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        if self.is_open:
            if data[0] & 15 == 9:
                size, mask = data[1] & 127, data[2:6]
                plain = bytes(byte ^ mask[n & 3] for n, byte in enumerate(data[6 : 6 + size]))
                self.transport.write(bytes([0x8A, size]) + plain)
        elif b"Sec-WebSocket-Key:" in data:
            key = data.partition(b"Sec-WebSocket-Key:")[2].partition(b"\r\n")[0].strip()
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            self.is_open = True
            self.held.add(self)
            Server.last_at = time.monotonic()
        else:
            self._answer(data)

    def _answer(self, data: bytes) -> None:
        text = f"{len(self.held)} {Server.last_at}"
        if b"/cut" in data:
            text = str(time.monotonic())
            for other in list(self.held):
                other.transport.abort()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}"
        self.transport.write(head.encode())
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.held.discard(self)


async def serve(port: int) -> None:
    """Until it is stopped."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def ours(port: int, number: int) -> None:
    """The worker's own engine, with checks that hold a thousand each."""
    import django

    django.setup()
    from components.checking import Checker, CheckRequest, Finding
    from components.egress import Egress
    from components.models import Claim
    from components.probers import PROBERS

    each = min(PER_CHECK, number)
    # only when all of them are gone does a check end early
    options = {"connections": each, "hold_s": 30, "max_lost": each - 1}
    order = PROBERS["websocket"].parse(f"ws://127.0.0.1:{port}/", options)
    findings: list[Finding] = []
    over = threading.Event()
    noticed_at = 0.0

    def found(batch: list[Finding]) -> None:
        nonlocal noticed_at
        noticed_at = time.monotonic()
        findings.extend(batch)
        if len(findings) == number // each:
            over.set()

    checker = Checker(found, egress=Egress(["127.0.0.0/8"]))
    ready()
    checker.submit(
        CheckRequest(Claim(n, int(time.time()), 1, "local"), "websocket", order, DEADLINE_S)
        for n in range(number // each)
    )
    over.wait(DEADLINE_S + 5)
    lost = sum(int(one.reading.facts.get("dropped", "0").split()[0]) for one in findings)
    opened = {one.reading.facts.get("opened", one.reading.detail) for one in findings}
    print(
        json.dumps(
            {
                "lost": lost,
                "noticed_at": noticed_at,
                "opened": sorted(opened),
                "details": sorted({one.reading.detail for one in findings}),
            }
        ),
        flush=True,
    )


async def plain(port: int, number: int) -> None:
    """As the library's own documentation does it."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    lost = 0

    async def one() -> None:
        nonlocal lost
        async with connect(
            f"ws://127.0.0.1:{port}/", open_timeout=None, compression=None, proxy=None
        ) as connection:
            try:
                async for _ in connection:
                    pass
                raise ConnectionClosed(None, None)
            except ConnectionClosed:
                lost += 1

    await asyncio.to_thread(ready)
    await asyncio.gather(*(one() for _ in range(number)), return_exceptions=True)
    print(json.dumps({"lost": lost, "noticed_at": time.monotonic()}), flush=True)


def ready() -> None:
    """Say so, and wait."""
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statuspage.settings")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    what, port_, *more = sys.argv[1:]
    if what == "serve":
        uvloop.run(serve(int(port_)))
    elif what == "ours":
        ours(int(port_), int(more[0]))
    else:
        uvloop.run(plain(int(port_), int(more[0])))
