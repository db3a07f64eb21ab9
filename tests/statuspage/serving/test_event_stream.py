"""The event stream: one token per change to every open page, and none of them forgotten."""

import asyncio

from statuspage.serving.door import Door
from statuspage.serving.event_stream import Streams
from statuspage.serving.snapshot import Snapshot


class Reader:
    """The connection of a browser that holds a stream open."""

    def __init__(self, streams, address=""):
        self.heard, self.has_ended, self.streams = b"", False, streams
        hello = streams.join(self, address)
        self.is_in = hello is not None
        if hello is not None:
            self.tell(hello)

    def tell(self, words):
        assert words.chunk == b"%x\r\n%s\r\n" % (len(words.plain), words.plain)
        self.heard += words.plain

    def end(self):
        self.has_ended = True
        self.leave()

    def leave(self):
        self.streams.leave(self)


async def moment():
    await asyncio.sleep(0.05)


async def until(holds):
    """Wait for what must come, on a busy machine too."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


def tokens_of(reader):
    return [line for line in reader.heard.decode().splitlines() if line.startswith("data: ")]


def test_every_open_page_hears_every_token_in_order():
    async def go():
        streams = Streams(2000)
        streams.start()
        readers = [Reader(streams) for _ in range(1200)]  # more than are told at once
        for token in range(1, 21):
            streams.ring(token)  # without waiting: they queue up
        await until(lambda: b"data: 20\n" in readers[-1].heard)
        for reader in readers:
            assert tokens_of(reader) == [f"data: {token}" for token in range(21)]
        streams.close()
        assert all(reader.has_ended for reader in readers)
        assert streams.count == 0

    asyncio.run(go())


def test_a_page_that_comes_while_others_are_told_misses_nothing():
    async def go():
        streams = Streams(2000)
        streams.start()
        crowd = [Reader(streams) for _ in range(1500)]
        streams.ring(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = Reader(streams)
        streams.ring(2)
        await until(lambda: b"data: 2\n" in crowd[-1].heard and b"data: 2\n" in late.heard)
        assert [*dict.fromkeys(tokens_of(late))] == ["data: 1", "data: 2"]

    asyncio.run(go())


def test_a_page_that_leaves_while_others_are_told_is_told_nothing_more():
    async def go():
        streams = Streams(2000)
        streams.start()
        first, *_, last = [Reader(streams) for _ in range(1200)]
        streams.ring(1)
        while b"data: 1\n" not in first.heard:  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)
        last.leave()
        await moment()
        assert tokens_of(last) == ["data: 0"]

    asyncio.run(go())


def test_whoever_comes_later_is_told_the_current_token_and_when_to_come_back():
    async def go():
        streams = Streams(10)
        streams.start()
        streams.ring(7)
        await moment()
        text = Reader(streams).heard.decode()
        assert "id: 7\ndata: 7" in text
        assert 2000 <= int(text.split("retry: ")[1].split("\n")[0]) <= 17000

    asyncio.run(go())


def test_too_many_are_sent_to_ask_instead():
    async def go():
        streams = Streams(2)
        streams.start()
        readers = [Reader(streams) for _ in range(3)]
        assert [reader.is_in for reader in readers] == [True, True, False]
        readers[0].leave()
        readers[0].leave()  # twice is once
        assert Reader(streams).is_in
        assert not Reader(streams).is_in
        streams.close()
        assert not Reader(streams).is_in

    asyncio.run(go())


def test_the_age_of_the_newest_check_is_told_from_time_to_time(monkeypatch):
    monkeypatch.setattr("statuspage.serving.event_stream.AGE_S", 0.05)

    async def go():
        streams = Streams(10)
        streams.start()
        reader = Reader(streams)
        await until(lambda: b": here" in reader.heard)
        streams.checked_at = 1_794_470_400.0
        await until(lambda: b"event: age\ndata: 2026-11-12T08:00:00Z" in reader.heard)

    asyncio.run(go())


def test_one_address_has_so_many_open_pages_and_others_have_theirs():
    async def go():
        streams = Streams(10, each=2)
        streams.start()
        first, second, third = [Reader(streams, "8.8.8.8") for _ in range(3)]
        assert (first.is_in, second.is_in, third.is_in) == (True, True, False)
        assert Reader(streams, "1.1.1.1").is_in
        assert all(Reader(streams).is_in for _ in range(3))  # they share no limit
        first.leave()
        assert Reader(streams, "8.8.8.8").is_in
        streams.close()
        assert not streams.of_address

    asyncio.run(go())


def test_pages_that_only_listen_hear_how_fresh_we_are(monkeypatch, tmp_path):
    """Nobody loads anything: the newest check that this process has rendered is told all the same."""
    monkeypatch.setattr("statuspage.serving.event_stream.AGE_S", 0.05)

    async def go():
        snapshot = Snapshot(tmp_path)
        door = Door(None, snapshot, Streams(10))
        for streams in (door.streams, door.staff):
            streams.start()
            reader = Reader(streams)
            snapshot.checked_at = 1_794_470_400.0
            await until(lambda: b"event: age\ndata: 2026-11-12T08:00:00Z" in reader.heard)  # noqa: B023
            snapshot.checked_at += 60
            await until(lambda: b"event: age\ndata: 2026-11-12T08:01:00Z" in reader.heard)  # noqa: B023
            reader.leave()

    asyncio.run(go())
