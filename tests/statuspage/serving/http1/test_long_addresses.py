"""Strangers who make up long addresses, each another one: nothing of them is kept."""

import gc
import os
import socket

import psutil
import pytest

from statuspage.serving import door
from statuspage.serving.door import MAX_KEPT_PATH, Door, known_document
from statuspage.serving.event_stream import Streams
from statuspage.serving.snapshot import Snapshot
from tests.shelf import Serving

COUNT = 100_000 if os.environ.get("FAULTS") == "long" else 10_000
AT_ONCE = 20  # less than the server reads ahead
WARM = 500  # what is allocated once
LENGTH = 2_000
MAX_GROWTH_BYTES = 2_000_000  # 4,096 of these addresses would be 8 MB, and all of them 20


class NotFound(Door):
    """The real front door, behind which every address is unknown; its own threads are not started."""

    def __init__(self, folder):
        super().__init__(self.not_found, Snapshot(folder), Streams(10))
        self.asked = 0

    async def not_found(self, scope, receive, send):
        self.asked += 1
        headers = [(b"content-length", b"0"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def start(self):
        self.streams.start()

    async def stop(self):
        self.pool.shutdown()


@pytest.fixture
def serving(tmp_path):
    serving = Serving(NotFound(tmp_path))
    yield serving
    serving.close()


def path(number):
    return f"/nothing/{number:07d}".ljust(LENGTH, "x")


def request(number, more=""):
    return f"GET {path(number)} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


def send(serving, first, count, more=""):
    """So many requests over one connection, a few at once, each for another address."""
    with socket.create_connection(("127.0.0.1", serving.port), timeout=30) as line:
        for start in range(first, first + count, AT_ONCE):
            line.sendall(b"".join(request(number, more) for number in range(start, start + AT_ONCE)))
            answers = b""
            while answers.count(b"HTTP/1.1 404 ") < AT_ONCE or not answers.endswith(b"\r\n\r\n"):
                answers += (piece := line.recv(1 << 16))
                assert piece, "the connection ended"


def grown(act):
    """By how many bytes the memory of this process has grown."""
    process = psutil.Process()
    gc.collect()
    before = process.memory_full_info().uss
    act()
    gc.collect()
    return process.memory_full_info().uss - before


def test_addresses_that_no_one_asks_for_again_are_not_kept(serving):
    send(serving, 0, WARM)
    growth = grown(lambda: send(serving, WARM, COUNT))
    assert serving.shelf.asked == COUNT + WARM
    assert growth < MAX_GROWTH_BYTES
    assert not serving.server.known
    assert not serving.shelf.prepared
    assert not serving.shelf.rendering


def test_nor_are_the_same_ones_that_come_twice(serving):
    growth = grown(lambda: [send(serving, 0, 3_000) for _ in range(2)])
    assert serving.shelf.asked == 6_000
    assert growth < MAX_GROWTH_BYTES
    assert not serving.server.known


def test_what_a_long_address_is_depends_on_no_memory():
    door._known_document.cache_clear()
    long = "/incidents/" + "x" * MAX_KEPT_PATH
    for address, is_known in ((long, known_document(long)), ("/", True), ("/nothing", False)):
        for _ in range(2):
            assert known_document(address) is is_known is door.is_document(address)
    assert door._known_document.cache_info().currsize == 2


def test_made_up_encodings_are_few_and_short():
    def ask():
        for number in range(2_000):
            door.best_encoding(b"br;q=0.%d, " % number + b"x" * 4_000)

    assert grown(ask) < MAX_GROWTH_BYTES
