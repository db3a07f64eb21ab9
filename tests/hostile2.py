"""Servers that mean no good in HTTP/2. Each is a behaviour of `tests.targets.Raw` over TLS."""

import asyncio
import struct

import hpack
from h2.errors import ErrorCodes

from tests.hostile import packed_bomb
from tests.http2 import greet

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
OK = [(":status", "200"), ("content-type", "text/plain")]
ALWAYS = 10**9


def frame(kind, flags=0, stream=0, body=b"", *, says=None):
    """A frame; `says` is the length that it states, if not the true one."""
    length = len(body) if says is None else says
    return length.to_bytes(3, "big") + bytes((kind, flags)) + struct.pack(">I", stream) + body


def head(*fields):
    return hpack.Encoder().encode(list(fields or OK))


async def begun(reader, writer):
    """Our settings said, the request heard; nothing acknowledged that was not asked for."""
    peer, stream, *_ = await greet(reader, writer)
    return peer, stream


async def pour(writer, said):
    """Send it; the loop must see that the other side has left, which `drain` alone does not let it."""
    writer.write(said)
    await writer.drain()
    await asyncio.sleep(0)


def after(*frames, forever=False, then_s=60.0):
    """A server that says these bytes once asked, again and again if `forever`, and then is silent."""

    async def behave(reader, writer):
        await begun(reader, writer)
        said = b"".join(frames)
        many = said * max(1, 65536 // len(said)) if forever else said
        for _ in range(ALWAYS if forever else 1):
            await pour(writer, many)
        await asyncio.sleep(then_s)

    return behave


def goaway(last, code, why=b""):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + why)


def rst(code):
    return frame(RST, 0, 1, struct.pack(">I", code))


def header_bomb():
    """One entry of 3.9 kB in the table, then named 60,000 times in a byte each: 240 MB of headers."""
    table = hpack.Encoder()
    first = table.encode([(":status", "200"), ("x-bomb", "a" * 3900)])
    again = table.encode([("x-bomb", "a" * 3900)])
    assert len(again) == 1
    block = first + again * 60_000
    pieces = [block[at : at + 16000] for at in range(0, len(block), 16000)]
    yield frame(HEADERS, 0, 1, pieces[0])
    for piece in pieces[1:-1]:
        yield frame(CONTINUATION, 0, 1, piece)
    yield frame(CONTINUATION, END_HEADERS, 1, pieces[-1])


async def endless_continuation(reader, writer):
    await begun(reader, writer)
    writer.write(frame(HEADERS, 0, 1, head()))
    while True:
        await pour(writer, frame(CONTINUATION, 0, 1, head(("x-more", "a" * 8000))))


async def empty_continuation(reader, writer):
    """RFC 9113 sets no limit to empty ones: they cost no bytes, and never end."""
    await begun(reader, writer)
    writer.write(frame(HEADERS, 0, 1, head()))
    while True:
        await pour(writer, frame(CONTINUATION, 0, 1) * 1000)


async def hang(reader, writer):
    await begun(reader, writer)
    await asyncio.sleep(60)


async def never_settles(reader, writer):
    """TLS, and then nothing at all."""
    await asyncio.sleep(60)


async def drip(reader, writer):
    await begun(reader, writer)
    writer.write(frame(HEADERS, END_HEADERS, 1, head(*OK, ("content-length", "1000"))))
    while True:
        await pour(writer, frame(DATA, 0, 1, b"x"))
        await asyncio.sleep(0.4)


async def endless_body(reader, writer):
    """As much as we let it send, for ever."""
    peer, stream = await begun(reader, writer)
    await peer.say(stream, OK, is_end=False)
    while True:
        room = min(peer.frames.local_flow_control_window(stream), 16384)
        if room:
            peer.frames.send_data(stream, b"a" * room)
            await peer.flush()
        else:
            peer.frames.receive_data(await peer.heard())


async def deaf_to_the_window(reader, writer):
    await begun(reader, writer)
    writer.write(frame(HEADERS, END_HEADERS, 1, head()))
    while True:
        await pour(writer, frame(DATA, 0, 1, b"a" * 16384))


async def bomb(reader, writer):
    peer, stream = await begun(reader, writer)
    await peer.say(stream, [*OK, ("content-encoding", "gzip")], packed_bomb())
    await asyncio.sleep(60)


async def ends_in_the_middle(reader, writer):
    peer, stream = await begun(reader, writer)
    await peer.say(stream, [*OK, ("content-length", "1000")], b"half", is_end=False)
    await asyncio.sleep(0.05)


async def closes_at_once(reader, writer):
    await asyncio.sleep(0.02)


async def speaks_http1(reader, writer):
    await pour(writer, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell")
    await asyncio.sleep(1)


async def small_pieces(reader, writer):
    """Frames of one byte each, a whole megabyte of them."""
    peer, stream = await begun(reader, writer)
    await peer.say(stream, OK, is_end=False)
    while True:
        await pour(writer, frame(DATA, 0, 1, b"a") * 4096)


ONE_HEAD = frame(HEADERS, END_HEADERS, 1, head())
SHORT = frame(HEADERS, END_HEADERS, 1, head(*OK, ("content-length", "1000"))) + frame(
    DATA, END_STREAM, 1, b"half"
)
LONG = frame(HEADERS, END_HEADERS, 1, head(*OK, ("content-length", "2"))) + frame(
    DATA, END_STREAM, 1, b"much"
)
# What ends at once, and says that the target is to blame
SOON = {
    "goaway before the answer": after(goaway(0, ErrorCodes.ENHANCE_YOUR_CALM, b"too many")),
    "goaway in the answer": after(ONE_HEAD, goaway(1, ErrorCodes.INTERNAL_ERROR)),
    "reset": after(rst(ErrorCodes.INTERNAL_ERROR)),
    "refused": after(rst(ErrorCodes.REFUSED_STREAM)),
    "reset in the body": after(ONE_HEAD, frame(DATA, 0, 1, b"a"), rst(ErrorCodes.CANCEL)),
    "reset with a code nobody knows": after(rst(0xFFFFFFFF)),
    "header bomb": after(*header_bomb()),
    "endless continuation": endless_continuation,
    "empty continuation": empty_continuation,
    "interim answers": after(frame(HEADERS, END_HEADERS, 1, head((":status", "103"))), forever=True),
    "a frame of 16 MB": after(frame(DATA, 0, 1, b"a", says=2**24 - 1)),
    "no hpack": after(frame(HEADERS, END_HEADERS, 1, b"\xff" * 50)),
    "no status": after(frame(HEADERS, END_HEADERS | END_STREAM, 1, head(("x-a", "b")))),
    "a status that is none": after(frame(HEADERS, END_HEADERS | END_STREAM, 1, head((":status", "²00")))),
    "a status of one digit": after(frame(HEADERS, END_HEADERS | END_STREAM, 1, head((":status", "2")))),
    "data before the head": after(frame(DATA, END_STREAM, 1, b"a")),
    "a stream nobody opened": after(frame(HEADERS, END_HEADERS, 3, head())),
    "a push nobody wants": after(frame(PUSH, END_HEADERS, 1, struct.pack(">I", 2) + head())),
    "settings that are none": after(frame(SETTINGS, 0, 0, b"abc")),
    "window by zero": after(frame(WINDOW, 0, 1, struct.pack(">I", 0))),
    "window overflow": after(frame(WINDOW, 0, 1, struct.pack(">I", 2**31 - 1)) * 2),
    "shorter than it says": after(SHORT),
    "longer than it says": after(LONG),
    "ends in the middle": ends_in_the_middle,
    "closes at once": closes_at_once,
    "speaks HTTP/1.1": speaks_http1,
}
# What goes on: ends at the deadline, or sooner
ON = {
    "hangs": hang,
    "never settles": never_settles,
    "drips": drip,
    "settings flood": after(frame(SETTINGS), forever=True),
    "ping flood": after(frame(PING, 0, 0, b"12345678"), forever=True),
    "empty data flood": after(ONE_HEAD + frame(DATA, 0, 1) * 5000, forever=True),
    "priority flood": after(frame(PRIORITY, 0, 3, b"\0\0\0\0\1"), forever=True),
    "frames nobody knows": after(frame(0x77, 0, 0, b"a" * 100), forever=True),
    "window flood": after(frame(WINDOW, 0, 0, struct.pack(">I", 1)), forever=True),
}
