"""Opens one WebSocket through the egress door: connect, ask, check the answer to the letter.

RFC 6455, section 4.1. The answer is read by `components.wire`, which every HTTP check uses; what it says
is judged by the sans-IO core of `websockets`, which opens no socket.
"""

import functools

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidHeader, InvalidUpgrade, NegotiationError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI, parse_uri

from components import wire
from components.egress import Egress, EgressError, Line
from components.outcomes import Failure, Reading
from components.probers import answer_facts, exchange
from components.probers.base import Clock
from components.probers.held.target import WebSocketTarget
from components.probers.hops import followed, location_of
from components.probers.redirects import Hop, first_hop, next_hop
from components.shown_addresses import without_secrets

DEFLATE = "permessage-deflate"


class NotOpenedError(Exception):
    """It did not become a WebSocket; the reading says why."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading.detail)
        self.reading = reading


async def opened(order: WebSocketTarget, clock: Clock, egress: Egress) -> tuple[Line, ClientProtocol]:
    """An open WebSocket; what came behind the upgrade is in `Line.unread`. Raises NotOpenedError."""

    async def visit(hop: Hop, line: Line) -> Hop | Reading | tuple[Line, ClientProtocol]:
        protocol = _protocol(order)
        head = await _ask(hop, order, protocol, line, clock)
        if location := location_of(head):
            return _redirected(hop, head, location, order, clock)
        if head.status != 101:
            return await _not_switched(line, head, clock)
        _judge(head, protocol, order, clock)
        return line, protocol

    first = first_hop(order.url, "GET", order.headers, b"")
    try:
        result = await followed(first, clock, egress, visit, shown=order.shown, keeps_line=True)
    except EgressError as error:
        reading = clock.reading(failure=error.failure, detail=error.sentence, dns_ms=error.dns_ms)
        raise NotOpenedError(reading) from error
    if isinstance(result, Reading):
        raise NotOpenedError(result)
    return result


def _protocol(order: WebSocketTarget) -> ClientProtocol:
    """A side of our own, which reads frames at once: `wire` reads the answer before them."""
    return ClientProtocol(
        _uri(order.url),
        extensions=[_deflate()] if order.deflates else None,
        subprotocols=[Subprotocol(name) for name in order.subprotocols] or None,
        state=OPEN,
        max_size=order.max_message_bytes,
    )


@functools.lru_cache(maxsize=1024)
def _uri(url: str) -> WebSocketURI:
    return parse_uri(f"ws{url.removeprefix('http')}")


@functools.lru_cache(maxsize=1)
def _deflate() -> ClientPerMessageDeflateFactory:
    """Offered as browsers do."""
    return ClientPerMessageDeflateFactory(client_max_window_bits=True)


async def _ask(
    hop: Hop, order: WebSocketTarget, protocol: ClientProtocol, line: Line, clock: Clock
) -> wire.Head:
    """Send the request and read the head of the answer. Raises what `wire.read_head` does."""
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    sent_ms = clock.total_ms
    ours = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": protocol.key,
    }
    if order.subprotocols:
        ours["Sec-WebSocket-Protocol"] = ", ".join(order.subprotocols)
    if order.deflates:
        ours["Sec-WebSocket-Extensions"] = f"{DEFLATE}; client_max_window_bits"
    line.writer.write(wire.request_bytes("GET", hop.authority, hop.path, {**hop.fields(), **ours}, b""))
    head = await wire.read_head(line)
    clock.seen["first_byte_ms"] = clock.total_ms - sent_ms
    if head.status != 101:  # that it switched is no news, and not what a later failure is about
        clock.seen["status_code"] = head.status
    return head


def _redirected(hop: Hop, head: wire.Head, location: str, order: WebSocketTarget, clock: Clock) -> Hop:
    """Where it leads. Raises NotOpenedError for what is not to be followed, InvalidProbeError."""
    shown = without_secrets(location)[:200]
    clock.note(location=shown)
    if not order.follows:
        detail = f"Redirected to {shown}: browsers do not follow redirects of a WebSocket."
        raise NotOpenedError(clock.reading(failure=Failure.REDIRECT, detail=detail))
    scheme, colon, rest = location.partition(":")
    if colon and scheme.strip().lower() in ("ws", "wss"):
        location = f"http{scheme.strip().lower()[2:]}:{rest}"
    return next_hop(hop, head.status, location, head.values("set-cookie"))


async def _not_switched(line: Line, head: wire.Head, clock: Clock) -> Reading:
    """Any other answer than a switch, with what it says."""
    clock.note(**answer_facts.of_head(head))
    if head.headers.get("content-length") == "0":
        clock.note(body_length="0")
    detail = f"Responded with {head.status}, not with 101: it did not switch to WebSocket."
    excerpt = await exchange.glimpse(wire.pieces(line, head, "GET"), head, clock)
    return clock.reading(failure=Failure.STATUS, detail=detail, excerpt=excerpt)


def _judge(head: wire.Head, protocol: ClientProtocol, order: WebSocketTarget, clock: Clock) -> None:
    """Raises NotOpenedError unless the switch is one (RFC 6455, section 4.1, what the client must check)."""
    wrong = "" if head.version == "HTTP/1.1" else f"It is answered in {head.version}, not in HTTP/1.1."
    try:
        protocol.process_response(Response(head.status, "", Headers(head.lines)))
    except InvalidHandshake as error:
        wrong = wrong or _sentence(error, protocol)
    if wrong:
        detail = f"The upgrade to WebSocket is not valid. {wrong}"
        raise NotOpenedError(clock.reading(failure=Failure.PROTOCOL, detail=detail))
    if order.subprotocols and protocol.subprotocol is None:
        offered = ", ".join(order.subprotocols)[:100]
        detail = f"The server chose no subprotocol; expected {offered}."
        raise NotOpenedError(clock.reading(failure=Failure.ASSERTION, detail=detail))


def _sentence(error: InvalidHandshake, protocol: ClientProtocol) -> str:
    """What is wrong with it, for staff."""
    if isinstance(error, NegotiationError):
        is_extension = "extension" in str(error)
        what = "an extension" if is_extension else "a subprotocol"
        return f"The server chose {what} that was not offered."
    if isinstance(error, InvalidUpgrade):
        wanted = "Upgrade: websocket" if error.name == "Upgrade" else "Connection: Upgrade"
        return f"The header “{wanted}” is missing or wrong."
    if isinstance(error, InvalidHeader) and error.name == "Sec-WebSocket-Accept":
        if error.value is None:
            return "The header Sec-WebSocket-Accept is missing."
        return (
            "Sec-WebSocket-Accept does not match the key that was sent: a cache or proxy may have answered."
        )
    return "A header of the answer is malformed."
