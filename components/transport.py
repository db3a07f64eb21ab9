"""httpx through the egress door, for all HTTP that is neither a check nor a delivery.

`client` makes an httpx client whose every request, and every hop of a redirect,
opens a connection of its own through an `Egress`: looked up once, each address
judged, exactly that address dialled. It is closed after one exchange, so no
connection is used that was judged for an earlier request.

The protocol is httpcore's, the socket is ours. See docs/decisions/0013-httpx-through-the-door.md.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import h2.config
import h2.exceptions
import httpcore
import httpx

from components.blame import sentence_of_tls
from components.decompression import DecompressionError, Unpacker
from components.egress import HTTP1, HTTP2, Egress, EgressError, Line
from components.outcomes import Failure
from components.wire import PORTS

__all__ = ["ERRORS", "Client", "DoorTransport", "TooLarge", "client"]

CHUNK = 64 * 1024
MAX_HEAD_BYTES = 64 * 1024  # of all that comes before the body, interim answers and settings as well
MAX_REDIRECTS = 5
ENDS_AT = "statuspage.ends_at"  # in a request's extensions, which redirects take over: one deadline for all
# The same way: whether the first address was a public one, so that a redirect leads to no network of ours
IS_FROM_PUBLIC = "statuspage.is_from_public"
UNPACKED = (b"content-encoding", b"content-length")  # no longer true of the body that we hand on
TIMEOUTS = (Failure.TIMEOUT_DNS, Failure.TIMEOUT_CONNECT, Failure.TIMEOUT_TLS)
# Headers of the connection (RFC 9110, section 7.6.1), which we set ourselves
OF_THE_LINE = (b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade")

BROKEN_OFF = "The connection was closed."
NOT_HTTP = "The response is not HTTP, or is truncated."

T = TypeVar("T")
Client = httpx.AsyncClient
# Everything that a request may raise; the last for addresses with letters that no host and no path has
ERRORS = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)


class TooLarge(httpx.ReadError):
    """The answer is larger than allowed."""


def client(
    door: Egress,
    *,
    deadline_s: float,
    most_bytes: int,
    http2: bool = False,
    follow_redirects: bool = False,
) -> Client:
    """A client over this door; close it (`async with`). Nothing of it comes from the environment.

    `deadline_s` bounds a request with all its redirects and its body, `most_bytes` the unpacked body.
    """
    return Client(
        transport=DoorTransport(door, deadline_s=deadline_s, most_bytes=most_bytes, http2=http2),
        trust_env=False,  # no proxy, no netrc
        timeout=None,  # the transport has one deadline for all of it
        follow_redirects=follow_redirects,
        max_redirects=MAX_REDIRECTS,
        headers={"Accept-Encoding": "gzip, deflate, br", "User-Agent": "statuspage/1"},
    )


class DoorTransport(httpx.AsyncBaseTransport):
    """A fresh line for each request. Raises httpx.TransportError, whose cause may be an EgressError."""

    def __init__(self, door: Egress, *, deadline_s: float, most_bytes: int, http2: bool = False) -> None:
        self.door = door
        self.deadline_s = deadline_s
        self.most_bytes = most_bytes
        self.offers = HTTP2 if http2 else HTTP1

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Dial, ask, and read the head; the body is read as the caller asks for it."""
        now = asyncio.get_running_loop().time()
        limits = _Limits(
            request.extensions.setdefault(ENDS_AT, now + self.deadline_s), self.deadline_s, self.most_bytes
        )
        asked = _asked(request)
        line = await self._open(request, limits)
        stream = _Stream(line, limits)
        try:
            answer = await self._exchange(asked, line, stream)
            codings = [value.decode("latin-1") for name, value in answer.headers if _is(name, UNPACKED[:1])]
            body = _Body(answer, line, limits, Unpacker(*codings), request)
        except BaseException as error:
            line.close()
            if (translated := _translated(error, request)) is not None:
                raise translated from error
            raise
        stream.is_in_body = True
        return httpx.Response(
            status_code=answer.status,
            headers=[pair for pair in answer.headers if not (codings and _is(pair[0], UNPACKED))],
            stream=body,
            extensions={
                name: answer.extensions[name]
                for name in ("http_version", "reason_phrase")
                if name in answer.extensions
            },
        )

    async def _open(self, request: httpx.Request, limits: "_Limits") -> Line:
        """A line to the address. Raises httpx.TransportError."""
        url = request.url
        is_secure = url.scheme == "https"
        port = _port(url)
        is_led_here = request.extensions.get(IS_FROM_PUBLIC, False)
        door = self.door.for_strangers() if is_led_here else self.door
        try:
            async with asyncio.timeout_at(limits.ends_at):
                line = await door.open(
                    url.raw_host.decode("ascii"), port, tls=is_secure, offers=self.offers if is_secure else ()
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(
                f"No connection within {limits.deadline_s:g} s.", request=request
            ) from error
        except EgressError as error:
            kind = httpx.ConnectTimeout if error.failure in TIMEOUTS else httpx.ConnectError
            raise kind(error.sentence, request=request) from error
        request.extensions.setdefault(IS_FROM_PUBLIC, self.door.is_public(line))
        return line

    async def _exchange(self, asked: httpcore.Request, line: Line, stream: "_Stream") -> httpcore.Response:
        """Raises httpcore's errors, and TooLargeError."""
        speaks = _Http2 if line.protocol == "h2" else httpcore.AsyncHTTP11Connection
        answer = await speaks(asked.url.origin, stream).handle_async_request(asked)
        if not 200 <= answer.status <= 599:  # a switch to another protocol was not asked for
            raise httpcore.RemoteProtocolError("status")
        return answer


class _Http2(httpcore.AsyncHTTP2Connection):
    """Validates heads: httpcore alone takes one without a status for a 200."""

    CONFIG = h2.config.H2Configuration(validate_inbound_headers=True)


@dataclass(frozen=True, slots=True)
class _Limits:
    """How long a request may take, redirects and body included, and how large the body may be."""

    ends_at: float  # on the clock of the loop
    deadline_s: float
    most_bytes: int


class _Stream(httpcore.AsyncNetworkStream):
    """A connection as httpcore reads it: each wait ends at the deadline, and the head's size is limited."""

    def __init__(self, line: Line, limits: _Limits) -> None:
        self.line = line
        self.limits = limits
        self.head_left = MAX_HEAD_BYTES
        self.is_in_body = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes` of what was received. The deadline is that of the whole request."""
        most = min(max_bytes, CHUNK)
        if not self.is_in_body:
            if self.head_left <= 0:
                raise TooLarge("The response headers are larger than 64 kB.")
            most = min(most, self.head_left)
        data = await self._in_time(self.line.reader.read(most), httpcore.ReadTimeout, httpcore.ReadError)
        self.head_left -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it."""
        self.line.writer.write(buffer)
        await self._in_time(self.line.writer.drain(), httpcore.WriteTimeout, httpcore.WriteError)

    async def _in_time(
        self, waiting: Coroutine[Any, Any, T], late: type[Exception], broken: type[Exception]
    ) -> T:
        """Await this, at most until the deadline."""
        try:
            async with asyncio.timeout_at(self.limits.ends_at):
                return await waiting
        except TimeoutError as error:
            raise self._late(late) from error
        except ssl.SSLError as error:  # in TLS 1.3 a certificate of ours is asked for behind the handshake
            raise broken(sentence_of_tls(error)) from error
        except OSError as error:
            raise broken(BROKEN_OFF) from error

    def _late(self, kind: type[Exception]) -> Exception:
        return kind(f"The response did not finish within {self.limits.deadline_s:g} s.")

    async def aclose(self) -> None:
        """Close at once."""
        self.line.close()


class _Body(httpx.AsyncByteStream):
    """The unpacked body, 64 kB at a time and no more than was allowed."""

    def __init__(
        self,
        answer: httpcore.Response,
        line: Line,
        limits: _Limits,
        unpack: Unpacker,
        request: httpx.Request,
    ) -> None:
        self.answer, self.line, self.limits = answer, line, limits
        self.unpack, self.request = unpack, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        remaining = self.limits.most_bytes
        try:
            async for packed in self.answer.aiter_stream():
                for piece in self.unpack.feed(packed):
                    remaining -= len(piece)
                    if remaining < 0:
                        raise TooLarge(f"The response is larger than {self.limits.most_bytes:,} bytes.")
                    yield piece
            self.unpack.end()
        except Exception as error:
            if (translated := _translated(error, self.request)) is not None:
                raise translated from error
            raise
        finally:
            self.line.close()

    async def aclose(self) -> None:
        self.line.close()


def _asked(request: httpx.Request) -> httpcore.Request:
    """The request as httpcore takes it. Raises UnsupportedProtocol, InvalidURL, LocalProtocolError."""
    url = request.url
    if url.scheme not in PORTS:
        raise httpx.UnsupportedProtocol("Only http:// and https:// are supported.", request=request)
    if not 1 <= _port(url) <= 65535:
        raise httpx.InvalidURL("The port must be from 1 to 65535.")
    headers = [(name, value) for name, value in request.headers.raw if not _is(name, OF_THE_LINE)]
    if any(set(value) & set(b"\r\n\0") for _, value in headers):
        raise httpx.LocalProtocolError("A header contains control characters.", request=request)
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path),
        # HTTP/2 has no such header: h2 takes it out
        headers=[*headers, (b"Connection", b"close")],
        content=request.stream,
    )


def _port(url: httpx.URL) -> int:
    return PORTS[url.scheme] if url.port is None else url.port


def _is(name: bytes, names: tuple[bytes, ...]) -> bool:
    return name.lower() in names


SAME = (
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
)
# A refused stream, frames that are none, numbers that are none: what a server says can do no more
NO_HTTP = (
    httpcore.RemoteProtocolError,
    httpcore.ConnectionNotAvailable,
    h2.exceptions.H2Error,
    ValueError,
)


def _translated(error: BaseException, request: httpx.Request) -> httpx.RequestError | None:
    """The httpx error with our sentence; None if the error needs no translation."""
    if isinstance(error, httpx.RequestError):
        error.request = request
        return None
    if isinstance(error, DecompressionError):
        return httpx.DecodingError(str(error), request=request)
    for kind, equivalent in SAME:
        if isinstance(error, kind):
            return equivalent(str(error), request=request)
    if isinstance(error, httpcore.LocalProtocolError):
        # httpcore says so too of frames that h2 could not take
        is_theirs = bool(error.args) and isinstance(error.args[0], h2.exceptions.H2Error)
        if not is_theirs:
            return httpx.LocalProtocolError("The request cannot be written as HTTP.", request=request)
    elif not isinstance(error, NO_HTTP):
        return None
    return httpx.RemoteProtocolError(NOT_HTTP, request=request)
