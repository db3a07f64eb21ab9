"""(d) 10,000 open event streams on one process, compared with nginx and nchan."""

import asyncio
import subprocess
import sys
import time

import httpx
import uvloop

from benchmarks.tools import NCHAN, ROOT, Row, Stage, free_port, memory, say, wait_for_port

READERS = 10_000
BATCH = 200
MAX_BYTES = 14 * 1024
MAX_SPREAD_RATIO = 1.3


class Crowd:
    """Readers who hold a stream open and record when they get an event."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.heard: dict[int, float] = {}
        self.listening = False
        self.tasks: list[asyncio.Task[None]] = []
        self.open = 0

    async def come(self, number: int) -> None:
        """Connect this many, a few hundred at a time."""
        while len(self.tasks) < number:
            wanted = min(BATCH, number - len(self.tasks))
            self.tasks += [asyncio.create_task(self._read(len(self.tasks) + n)) for n in range(wanted)]
            end = time.monotonic() + 20
            while self.open < len(self.tasks) and time.monotonic() < end:
                await asyncio.sleep(0.01)
        assert self.open == number, f"{self.open} of {number} came in"

    async def _read(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
        writer.write(
            f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        self.open += 1
        try:
            while data := await reader.read(4096):
                if self.listening and b"data:" in data:
                    self.heard.setdefault(number, time.monotonic())
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def hear(self, ring: "asyncio.Future[None]", number: int) -> tuple[float, float]:
        """Seconds from the ring to the first and to the last reader that got it."""
        self.heard.clear()
        self.listening = True
        began = time.monotonic()
        await ring
        while len(self.heard) < number and time.monotonic() - began < 60:
            await asyncio.sleep(0.005)
        self.listening = False
        assert len(self.heard) == number, f"{len(self.heard)} of {number} heard"
        return min(self.heard.values()) - began, max(self.heard.values()) - began

    def leave(self) -> None:
        """Disconnect all at once."""
        for task in self.tasks:
            task.cancel()


async def _measure(stage: Stage, number: int) -> list[Row]:
    say(f"{number:,} readers of ours")
    stage.fill(10)
    web = stage.web(core=None)
    await asyncio.sleep(2)
    before = memory(web)
    crowd = Crowd(stage.port, "/live")
    await crowd.come(number)
    await asyncio.sleep(2)
    held = (memory(web) - before) / number
    turn = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c",
            "from components.models import Page; Page.objects.bump_version()"]  # fmt: skip
    ring = asyncio.to_thread(subprocess.run, turn, env=stage.env, check=True)
    first, last = await crowd.hear(asyncio.ensure_future(ring), number)  # type: ignore[arg-type]
    crowd.leave()
    say(f"{number:,} readers of nchan")
    port = free_port()
    nginx = stage.nginx(
        f"listen 127.0.0.1:{port} backlog=4096; "
        "location /sub { nchan_subscriber eventsource; nchan_channel_id page; nchan_eventsource_ping_interval 15; } "
        "location /pub { nchan_publisher; nchan_channel_id page; } location / { return 200 ok; }",
        core=None,
        top=f"load_module {NCHAN}; user root;",
        http="nchan_shared_memory_size 64m;",
    )
    await asyncio.to_thread(wait_for_port, port)
    before = memory(nginx)
    other = Crowd(port, "/sub")
    await other.come(number)
    await asyncio.sleep(2)
    their_held = (memory(nginx) - before) / number
    post = asyncio.to_thread(httpx.post, f"http://127.0.0.1:{port}/pub", content=b"7")
    their_first, their_last = await other.hear(asyncio.ensure_future(post), number)  # type: ignore[arg-type]
    other.leave()
    spread, their_spread = last - first, their_last - their_first
    return [
        Row(
            f"(d) {number:,} streams: memory of each, nchan", f"{held / 1024:.1f} KiB",
            f"{their_held / 1024:.1f} KiB", held / their_held if their_held else None, "< 14 KiB", held < MAX_BYTES,
        ),
        Row(
            f"(d) {number:,} streams: first to last who hears, nchan", f"{spread * 1000:.0f} ms",
            f"{their_spread * 1000:.0f} ms", spread / their_spread if their_spread else None,
            f"≤ {MAX_SPREAD_RATIO}", spread <= MAX_SPREAD_RATIO * their_spread,
        ),
    ]  # fmt: skip


def run(*, quick: bool) -> list[Row]:
    """Memory of each stream, and the time until the last reader hears of a change."""
    with Stage() as stage, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measure(stage, 1_000 if quick else READERS))
