"""One POST over a fresh connection through the egress door; no redirects, the answer capped."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from components import wire
from components.decompression import DecompressionError
from components.egress import Egress, EgressError, Line
from components.outcomes import Failure
from subscribers.delivery.envelope import End, Result

AGENT = "statuspage/1 (+webhooks)"
MAX_ANSWER_BYTES = 4_096
BODY_S = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `body` is empty unless `post` was called with `reads`."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def retry_after_s(self) -> float | None:
        """The Retry-After header (RFC 9110, section 10.2.3), seconds or a date; None without one."""
        text = self.headers.get("retry-after", "").strip()
        if wire.NUMBER.fullmatch(text):
            return float(text)
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())


async def post(
    egress: Egress, url: str, body: bytes, headers: Mapping[str, str], *, reads: bool = False
) -> Answer:
    """POST `body`. `reads`: read the answer's body. Raises one of FAILURES; the caller sets the deadline."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    line = await egress.open(parts.hostname or "", parts.port or (443 if is_tls else 80), tls=is_tls)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        all_headers = {"User-Agent": AGENT, "Content-Type": "application/json", **headers}
        line.writer.write(
            wire.request_bytes("POST", parts.netloc.rpartition("@")[2], path, all_headers, body)
        )
        head = await wire.read_head(line)
        return Answer(head.status, head.headers, await _read_body(line, head) if reads else b"")
    finally:
        line.close()


async def _read_body(line: Line, head: wire.Head) -> bytes:
    """At most MAX_ANSWER_BYTES of the body, or what arrives within BODY_S.

    Errors are ignored, as the status decides: after a 200 the message must not be sent again.
    """
    received = bytearray()
    with contextlib.suppress(*FAILURES, DecompressionError, TimeoutError):
        async with asyncio.timeout(BODY_S):
            async with contextlib.aclosing(wire.pieces(line, head, "POST")) as pieces:
                async for piece in pieces:
                    received += piece
                    if len(received) >= MAX_ANSWER_BYTES:
                        break
    return bytes(received[:MAX_ANSWER_BYTES])


def failed(error: Exception) -> Result:
    """The result of an exception in FAILURES, in our own words; nothing about a denied host is revealed."""
    if isinstance(error, EgressError):
        end = End.OURS if error.failure is Failure.OWN_FAULT else End.LATER
        return Result(end, why=error.sentence)
    if isinstance(error, wire.TooLargeError):
        return Result(End.LATER, why=f"The response is too large: the {error}.")
    if isinstance(error, wire.MalformedAnswerError):
        return Result(End.LATER, why="The response is not HTTP.")
    return Result(End.LATER, why="The connection was closed.")


FAILURES = (EgressError, wire.MalformedAnswerError, wire.TooLargeError, ConnectionError, OSError)


def judged(answer: Answer) -> Result:
    """The usual meaning of a status: 2xx is sent, 410 wants nothing more, anything else is retried."""
    code = answer.status
    if 200 <= code < 300:
        return Result(End.SENT, answer=code)
    if code == 410:
        return Result(End.GONE, answer=code, why="Responded with 410: it no longer wants messages.")
    if 300 <= code < 400:
        return Result(End.LATER, answer=code, why=f"Responded with {code}: redirects are not followed.")
    return Result(End.LATER, code, f"Responded with {code}.", answer.retry_after_s)
