"""The event stream: one token per change to every open page, and none of them forgotten."""

import asyncio

from statuspage.serving.door import Door
from statuspage.serving.event_stream import Streams
from statuspage.serving.snapshot import Snapshot


class Reader:
    """A browser on the other end of a stream."""

    def __init__(self, streams, *, takes=True):
        self.heard, self.status, self.takes = b"", None, takes
        self.inbox = asyncio.Queue()
        self.task = asyncio.ensure_future(streams.serve(self.inbox.get, self.send))

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if not self.takes:
            await asyncio.Event().wait()
        self.heard += message.get("body", b"")

    async def leave(self):
        await self.inbox.put({"type": "http.disconnect"})
        await asyncio.wait_for(self.task, 5)


async def moment():
    await asyncio.sleep(0.05)


async def until(holds):
    """Wait for what must come, on a busy machine too."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


def test_every_open_page_hears_every_token_in_order():
    async def go():
        streams = Streams(1000)
        streams.start()
        readers = [Reader(streams) for _ in range(200)]
        await moment()
        for token in range(1, 21):
            streams.ring(token)
            await asyncio.sleep(0.01)
        await moment()
        for reader in readers:
            tokens = [line for line in reader.heard.decode().splitlines() if line.startswith("data: ")]
            assert tokens == [f"data: {token}" for token in range(21)]
        streams.close()
        await asyncio.gather(*(reader.task for reader in readers))
        assert streams.count == 0

    asyncio.run(go())


def test_whoever_comes_later_is_told_the_current_token_and_when_to_come_back():
    async def go():
        streams = Streams(10)
        streams.start()
        streams.ring(7)
        await moment()
        reader = Reader(streams)
        await moment()
        text = reader.heard.decode()
        assert "id: 7\ndata: 7" in text
        assert 2000 <= int(text.split("retry: ")[1].split("\n")[0]) <= 17000
        await reader.leave()

    asyncio.run(go())


def test_too_many_are_sent_to_ask_instead():
    async def go():
        streams = Streams(2)
        streams.start()
        readers = [Reader(streams) for _ in range(3)]
        await moment()
        assert [reader.status for reader in readers] == [200, 200, 503]
        await readers[0].leave()
        await moment()
        late = Reader(streams)
        await moment()
        assert late.status == 200

    asyncio.run(go())


def test_a_reader_that_takes_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr("statuspage.serving.event_stream.STUCK_S", 0.1)

    async def go():
        streams = Streams(10)
        streams.start()
        stuck, well = Reader(streams, takes=False), Reader(streams)
        await asyncio.wait_for(stuck.task, 5)
        streams.ring(5)
        await moment()
        assert b"data: 5" in well.heard
        assert streams.count == 1
        await well.leave()

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
        await reader.leave()

    asyncio.run(go())


def test_one_address_has_so_many_open_pages_and_others_have_theirs():
    async def go():
        streams = Streams(10, each=2)
        streams.start()

        async def come(address):
            reader = Reader.__new__(Reader)
            reader.heard, reader.status, reader.takes, reader.inbox = b"", None, True, asyncio.Queue()
            reader.task = asyncio.ensure_future(streams.serve(reader.inbox.get, reader.send, address))
            await moment()
            return reader

        first, second, third = [await come("8.8.8.8") for _ in range(3)]
        assert (first.status, second.status, third.status) == (200, 200, 503)
        assert (await come("1.1.1.1")).status == 200
        assert [(await come("")).status for _ in range(3)] == [200] * 3  # they share no limit
        await first.leave()
        assert (await come("8.8.8.8")).status == 200
        streams.close()
        await moment()
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
            await asyncio.sleep(0.12)
            assert b"event: age\ndata: 2026-11-12T08:00:00Z" in reader.heard
            snapshot.checked_at += 60
            await asyncio.sleep(0.12)
            assert b"event: age\ndata: 2026-11-12T08:01:00Z" in reader.heard
            await reader.leave()

    asyncio.run(go())
