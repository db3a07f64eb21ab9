"""Servers that mean no good: `python -m tests.hostile drip bomb` runs some, and a good one, until killed."""

import asyncio
import functools
import gzip
import sys
import time

from tests.targets import Raw, Target, answer


async def hang_before_answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(60)


async def drip(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.4)


async def endless_headers(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"a" * 1000 + b"\r\n")
        await writer.drain()


async def endless_body(reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


@functools.cache
def packed_bomb():
    return gzip.compress(b"\0" * 200_000_000, 9)


async def bomb(reader, writer):
    packed = packed_bomb()
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    writer.write(head.encode() + packed)
    await writer.drain()
    await asyncio.sleep(60)


async def reset_in_body(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    await asyncio.sleep(0.05)


async def no_http(reader, writer):
    writer.write(b"220 mail.example ESMTP\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(1)


async def says_nothing(reader, writer):
    await asyncio.sleep(0.02)


async def well(reader, writer):
    """For once a good one, quicker than a thread a visitor."""
    await reader.readuntil(b"\r\n\r\n")
    await answer(writer)


def main() -> None:
    """Print the ports of the behaviours named, and last the good one's."""
    packed_bomb()
    servers = [Raw(globals()[name]) for name in sys.argv[1:]] + [Target()]
    print(*(server.port for server in servers), flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
