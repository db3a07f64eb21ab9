"""WebSocket servers for the tests: a real one (`Served`), and raw ones that break the rules (for `Raw`)."""

import asyncio
import base64
import hashlib
import logging
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

from websockets.asyncio.server import serve

from tests.targets import Raw

ROOT = Path(__file__).resolve().parent.parent
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


class Served:
    """The `websockets` server, in a thread: `handle(connection)` for each that opens. Its port is kept."""

    def __init__(self, handle, **options):
        self.handle, self.options, self.opened = handle, options, 0
        self.loop = asyncio.new_event_loop()
        self.connections = set()
        ready = threading.Event()
        quiet = logging.getLogger("tests.websockets")
        quiet.setLevel(logging.CRITICAL)

        async def go():
            self.server = await serve(
                self._one, "127.0.0.1", 0, logger=quiet, ping_interval=None, close_timeout=0.2, **options
            )
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            asyncio.set_event_loop(self.loop)
            self.loop.run_until_complete(go())
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(5)
        self.url = f"ws://127.0.0.1:{self.port}/chat"

    async def _one(self, connection):
        self.opened += 1
        self.connections.add(connection)
        try:
            await self.handle(connection)
        finally:
            self.connections.discard(connection)

    def cut_all(self):
        """As a machine that loses power behind a router that says so: a reset for each."""

        def cut():
            for connection in list(self.connections):
                reset(connection.transport)

        self.loop.call_soon_threadsafe(cut)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        async def end():
            self.server.server.close()
            for connection in list(self.connections):
                connection.transport.abort()
            await asyncio.sleep(0.05)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


class Elsewhere:
    """A server that switches and stays, in a process of its own: it shares no limit with the test's."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.ws_targets"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def reset(transport):
    """Hang up by RST."""
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def stay(connection):
    await connection.wait_closed()


def accept_of(request: bytes) -> str:
    key = next(
        line.partition(b":")[2].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    return base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()


async def upgrade(
    reader, writer, *, more="", accept=None, status="HTTP/1.1 101 Switching Protocols"
) -> bytes:
    """Take the request and switch. `more` are further headers, each with its CRLF."""
    request = await reader.readuntil(b"\r\n\r\n")
    key = accept if accept is not None else accept_of(request)
    writer.write(
        f"{status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {key}\r\n{more}\r\n".encode()
    )
    await writer.drain()
    return request


def frame(
    opcode: int, data: bytes = b"", *, fin=True, mask=False, rsv1=False, length: int | None = None
) -> bytes:
    """As a server sends it. `length` claims another one than there is."""
    size = len(data) if length is None else length
    head = bytes([opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)])
    masked = 0x80 if mask else 0
    if size < 126:
        head += bytes([masked | size])
    elif size < 65536:
        head += bytes([masked | 126]) + struct.pack("!H", size)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", size)
    return head + (b"\0\0\0\0" if mask else b"") + data


def close(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason.encode())


def sends(*pieces: bytes, more="", stays=True, pause_s=0.0):
    """A server that switches and then sends these, whatever it hears."""

    async def behave(reader, writer):
        await upgrade(reader, writer, more=more)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if stays:
            await asyncio.sleep(30)

    return behave


def answers(*lines: str, body: bytes = b""):
    """A server that answers the upgrade with this head and body."""

    async def behave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        await asyncio.sleep(0.3)

    return behave


async def resets_after_upgrade(reader, writer):
    await upgrade(reader, writer)
    await asyncio.sleep(0.2)
    reset(writer.transport)


async def leaves_after_upgrade(reader, writer):
    await upgrade(reader, writer)
    await asyncio.sleep(0.2)


async def drips_the_answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    for letter in "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n":
        writer.write(letter.encode())
        await writer.drain()
        await asyncio.sleep(0.1)


async def drips_a_frame(reader, writer):
    await upgrade(reader, writer)
    writer.write(frame(TEXT, b"", length=1000))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


async def pings_and_never_reads(reader, writer):
    await upgrade(reader, writer)
    writer.transport.pause_reading()
    while True:
        writer.write(frame(PING, b"p" * 125) * 100)
        await writer.drain()
        await asyncio.sleep(0)


async def floods(reader, writer):
    """Empty messages without end."""
    await upgrade(reader, writer)
    while True:
        writer.write(frame(TEXT) * 10_000)
        await writer.drain()


def bomb() -> bytes:
    """A compressed message of 100 MB in 100 kB (RFC 7692)."""
    packer = zlib.compressobj(wbits=-15)
    data = packer.compress(bytes(100_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return frame(TEXT, data[:-4], rsv1=True)


def accepts_only(most: int):
    """A server with a connection limit: further ones are told 503 until one leaves."""
    open_now = 0

    async def behave(reader, writer):
        nonlocal open_now
        if open_now >= most:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nRetry-After: 7\r\n\r\nfull"
            )
            await writer.drain()
            await asyncio.sleep(0.2)
            return
        open_now += 1
        try:
            await upgrade(reader, writer)
            while data := await reader.read(4096):
                if data[0] & 15 == PING:
                    mask, size = data[2:6], data[1] & 127
                    plain = bytes(byte ^ mask[n % 4] for n, byte in enumerate(data[6 : 6 + size]))
                    writer.write(frame(PONG, plain))
        finally:
            open_now -= 1

    return behave


if __name__ == "__main__":
    print(Raw(sends()).port, flush=True)
    time.sleep(600)
