"""Event stream probes (SSE): is the stream open, does it bring events in time, and does it last.

The same exchange as of HTTP probes: redirects, headers, client certificate, HTTP/2. What is heard is
`event_stream.Parser`'s.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from components import http2, steps, wire
from components.client_certificates import ClientCertificate
from components.egress import Egress
from components.outcomes import Failure, Reading
from components.probers import exchange, fetching
from components.probers.base import Clock, Option, options_of, printable, whole_number
from components.probers.event_stream import MAX_EVENT_CHARACTERS, Comment, Event, EventTooLargeError, Parser
from components.probers.redirects import first_hop
from components.probers.typed_headers import HEADERS, SECRET_HEADERS, SendsHeaders, typed
from components.targets import InvalidProbeError
from components.web_addresses import split_address

MAX_SECONDS = 60
MAX_STREAM_BYTES = 16 * 1024 * 1024  # of events in one check
MAX_ITEMS = 100_000  # events and comments
MAX_AT_ONCE = 16 * 1024
SPARE_S = 0.2  # before the hard deadline, to say what was seen
STREAM = "text/event-stream"
OURS = {"Accept": STREAM, "Cache-Control": "no-store"}  # as browsers ask


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """Times in seconds."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    first_s: int
    gap_s: int  # 0: any
    watch_s: int  # 0: until the first event or comment, or what is expected
    event: str
    text: str
    follows: bool
    http2: bool
    shown: ClientCertificate | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    method: str = "GET"
    body: bytes = b""

    @property
    def lasts_s(self) -> int:
        """How long a check takes by order."""
        return self.watch_s

    @property
    def expects(self) -> bool:
        """Whether a certain event must come."""
        return bool(self.event or self.text)


class SSE(SendsHeaders):
    kind = "sse"
    label = "Event stream (SSE)"
    target_help = "http:// or https:// address"
    shows_certificate = True
    steps: tuple[str, ...] = (
        steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.FIRST_BYTE, steps.FIRST_EVENT,
    )  # fmt: skip
    options = (
        HEADERS,
        SECRET_HEADERS,
        Option(
            "watch_s", "Watched for (s)", type="int", default=0, help="0 ends with the first event."
        ),
        Option(
            "first_s", "First within (s)", type="int", default=5, help="For an event or comment."
        ),
        Option(
            "gap_s", "Longest gap (s)", type="int", default=0, help="Between events; 0 allows any."
        ),
        Option("expect_event", "Event expected", help="An event of this name must come, such as message."),
        Option("expect_text", "Text expected", type="text", help="The data of an event must contain this."),
        Option(
            "follow_redirects", "Follow redirects", type="bool", default=True, help="As browsers do."
        ),
        fetching.HTTP2_OPTION,
    )  # fmt: skip

    def parse(self, target: str, options: Mapping[str, Any]) -> StreamTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        watch_s = whole_number("watch_s", given["watch_s"], 0, MAX_SECONDS)
        gap_s = whole_number("gap_s", given["gap_s"], 0, MAX_SECONDS)
        if gap_s and gap_s >= watch_s:
            sentence = (
                f"In {watch_s} s no gap of {gap_s} s can be seen: watch for longer, or use a lower gap."
            )
            raise InvalidProbeError("gap_s", sentence)
        return StreamTarget(
            url=split_address(target).geturl(),
            **typed(given),
            first_s=whole_number("first_s", given["first_s"], 1, MAX_SECONDS),
            gap_s=gap_s,
            watch_s=watch_s,
            event=given["expect_event"].strip(),
            text=given["expect_text"],
            follows=given["follow_redirects"],
            http2=given["http2"],
        )

    def address(self, order: StreamTarget) -> tuple[str, int]:
        """What is dialled first."""
        hop = first_hop(order.url, "GET", order.headers, b"")
        return hop.host, hop.port

    def is_secure(self, order: StreamTarget) -> bool:
        """As the address says."""
        return order.url.startswith("https:")

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return False

    async def run(self, order: StreamTarget, clock: Clock, egress: Egress) -> Reading:
        """Ask, follow, and watch."""

        async def judged(head: wire.Head, pieces: exchange.Pieces, method: str) -> Reading:
            async with contextlib.aclosing(pieces):
                return await _no_stream(head, pieces, clock) or await _watch(order, pieces, clock)

        return await fetching.fetch(order, clock, egress, judged, OURS)


async def _no_stream(head: wire.Head, pieces: exchange.Pieces, clock: Clock) -> Reading | None:
    """Why this answer is no event stream; None if it is one. Browsers take a 200 and this type alone."""
    kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if head.status == 200 and kind == STREAM:
        return None
    excerpt = await exchange.glimpse(pieces, head, clock)
    if head.status != 200:
        detail = f"Responded with {head.status}, not with 200."
        return clock.reading(failure=Failure.STATUS, detail=detail, excerpt=excerpt)
    named = f"“{kind[:60]}”" if kind else "missing"
    detail = f"The content type is {named}; an event stream has {STREAM}."
    return clock.reading(failure=Failure.ASSERTION, detail=detail, excerpt=excerpt)


@dataclass(slots=True)
class _Seen:
    """What has come of a stream. Times in seconds since its head."""

    began_ms: float  # of the head, since the check began
    events: int = 0
    comments: int = 0
    size: int = 0
    first_s: float | None = None
    last_s: float = 0.0
    gap_s: float = 0.0
    is_met: bool = False  # the expected event has come
    last_data: str = ""

    def hear(self, items: Iterable[Event | Comment], size: int, order: StreamTarget, at_s: float) -> None:
        """What a piece of so many bytes brought."""
        self.size += size
        for item in items:
            self._take(item, order, at_s)

    def is_enough(self, order: StreamTarget) -> bool:
        """Whether nothing more is to be waited for, or more came than we read."""
        is_met = self.is_met if order.expects else self.first_s is not None
        return (is_met and not order.watch_s) or self.is_full

    @property
    def is_full(self) -> bool:
        """Whether more came than we read in one check."""
        return self.size > MAX_STREAM_BYTES or self.events + self.comments > MAX_ITEMS

    def _take(self, item: Event | Comment, order: StreamTarget, at_s: float) -> None:
        if self.first_s is None:
            self.first_s = at_s
        else:
            self.gap_s = max(self.gap_s, at_s - self.last_s)
        self.last_s = at_s
        if isinstance(item, Comment):
            self.comments += 1
            return
        self.events += 1
        self.last_data = item.data[:1000]
        self.is_met = self.is_met or (
            (not order.event or item.name == order.event) and order.text in item.data
        )

    @property
    def words(self) -> str:
        """ "3 events and 1 comment"."""
        events = f"{self.events:,} event{'' if self.events == 1 else 's'}"
        return f"{events} and {self.comments:,} comment{'' if self.comments == 1 else 's'}"


async def _watch(order: StreamTarget, pieces: exchange.Pieces, clock: Clock) -> Reading:
    """The stream, for as long as ordered, or until something is wrong with it. Raises exchange.ERRORS."""
    clock.phase = Failure.TIMEOUT_TRANSFER
    clock.seen.pop("status_code", None)  # that it is open is no news, and not what a later failure is about
    seen, parser, loop = _Seen(began_ms=clock.total_ms), Parser(), asyncio.get_running_loop()
    began = time.perf_counter()
    room_s = max(0.1, clock.deadline_s - clock.total_ms / 1000 - SPARE_S)
    end_s = min(room_s, order.watch_s or order.first_s)
    try:
        async with asyncio.timeout(_limit(order, seen, end_s)) as patience:
            async for piece in pieces:
                at_s = time.perf_counter() - began
                seen.hear(parser.feed(piece), len(piece), order, at_s)
                if seen.is_enough(order):
                    return _judge(order, seen, clock, at_s)
                patience.reschedule(loop.time() - at_s + _limit(order, seen, end_s))
                if len(piece) > MAX_AT_ONCE:
                    await asyncio.sleep(0)  # thousands of events: others have their turn between
    except EventTooLargeError:
        detail = f"An event is larger than {MAX_EVENT_CHARACTERS // 1024:,} kB."
        return clock.reading(failure=Failure.TOO_LARGE, detail=detail)
    except TimeoutError as error:
        if error.errno is not None:  # the network's, not ours
            raise
        if order.watch_s > end_s:
            clock.remark(f"Watched for {end_s:.0f} s only, as this check had no more time.")
        return _judge(order, seen, clock, _limit(order, seen, end_s), is_gap=_is_gap(order, seen, end_s))
    except ConnectionError as error:
        return _ended(_how(error), seen, clock, time.perf_counter() - began)
    return _ended("The server ended the stream", seen, clock, time.perf_counter() - began)


def _how(error: ConnectionError) -> str:
    """HTTP/2 has words for it."""
    is_said = isinstance(error, http2.StreamEndedError)
    return f"The server ended the stream ({error})" if is_said else "The connection was cut"


def _limit(order: StreamTarget, seen: _Seen, end_s: float) -> float:
    """When patience ends, in seconds since the head: by the first, by the gap, or by the end of the watch."""
    if seen.first_s is None:
        return min(order.first_s, end_s)
    return min(seen.last_s + order.gap_s, end_s) if order.gap_s else end_s


def _is_gap(order: StreamTarget, seen: _Seen, end_s: float) -> bool:
    """Whether it is the gap that ends our patience; not by the clock, as timers may come a little early."""
    return bool(order.gap_s) and seen.first_s is not None and seen.last_s + order.gap_s < end_s


def _judge(order: StreamTarget, seen: _Seen, clock: Clock, at_s: float, *, is_gap: bool = False) -> Reading:
    """At the end of the watch, or of our patience: so many seconds after the head."""
    clock.note(events=str(seen.events), comments=str(seen.comments))
    if seen.first_s is not None:
        clock.seen["transfer_ms"] = seen.first_s * 1000
    if seen.events + seen.comments > 1:
        clock.note(longest_gap=f"{seen.gap_s:.1f} s")
    if seen.first_s is None:
        detail = f"The stream is open, but no event or comment came within {at_s:.3g} s."
        return clock.reading(failure=Failure.TIMEOUT_TRANSFER, detail=detail)
    if is_gap:
        detail = f"No event or comment for {order.gap_s} s, after {seen.words}."
        return clock.reading(failure=Failure.TIMEOUT_TRANSFER, detail=detail)
    if order.expects and not seen.is_met:
        if seen.is_full:
            detail = f"The expected event is not in the first {seen.size // 1024:,} kB of the stream."
            return clock.reading(failure=Failure.TOO_LARGE, detail=detail)
        name = f"“{order.event[:40]}” event" if order.event else "event"
        text = " with the expected text" if order.text else ""
        detail = f"No {name}{text} came within {at_s:.3g} s, only {seen.words}."
        excerpt = printable(seen.last_data.encode())
        return clock.reading(failure=Failure.ASSERTION, detail=detail, excerpt=excerpt)
    if order.watch_s:
        clock.remark(f"{seen.words} in {at_s:.0f} s, the longest gap {seen.gap_s:.1f} s.")
    return replace(clock.reading(), total_ms=seen.began_ms + seen.first_s * 1000)


def _ended(what: str, seen: _Seen, clock: Clock, after_s: float) -> Reading:
    """It did not last."""
    clock.note(events=str(seen.events), comments=str(seen.comments))
    if seen.first_s is not None:
        clock.seen["transfer_ms"] = seen.first_s * 1000
    detail = f"{what} after {after_s:.1f} s, after {seen.words}."
    return clock.reading(failure=Failure.RESET, detail=detail)
