"""Limits on requests: Django gets only complete requests of bounded size.

Django answers in a few threads. A request that comes slowly, or a reader that
takes its answer slowly, must not hold one of them: ten such clients would keep
everyone out, staff and health checks included. So the body is read in the event
loop, with a deadline and a cap, before a thread is taken; and the answer leaves the
thread at once, and is written at the reader's pace.
"""

import asyncio
import base64
import binascii
import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, close_old_connections, connection
from django.http import parse_cookie

from components.networks import literal_address, may_dial

Scope = dict[str, Any]
Message = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KILOBYTE = 1024
STUCK_S = 30.0  # a reader that takes nothing for this long is disconnected
MAX_WAITING_BYTES = 64 * KILOBYTE * KILOBYTE  # of one answer: then its thread waits (exports by staff)
STAFF_PATHS = ("/console/", "/admin/")
IMPORTS_PATH = "/console/subscribers/imports"
LOOK_PATH = "/console/settings/look"  # a logo may come with the form
MAIL_EVENTS_PATH = "/hooks/mail/"
# WSGI turns "-" into "_", so X_Forwarded_For would be read as X-Forwarded-For: no such name gets through
HEADER_NAME = re.compile(rb"[a-z0-9-]+")
# set again, for the body as it was read
OF_THE_BODY = (b"content-length", b"transfer-encoding", b"expect")


class RequestRefusedError(Exception):
    """The request is not given to Django: `status` and a plain sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Allowance:
    """How large a body may be, and how long it may take to arrive (s)."""

    max_bytes: int
    deadline_s: float


STRANGER = Allowance(64 * KILOBYTE, 10)
STAFF = Allowance(1024 * KILOBYTE, 10)
IMPORT = Allowance(settings.IMPORT_MAX_BYTES + 64 * KILOBYTE, 120)  # the file, and the form around it
MAIL_PROVIDER = Allowance(1024 * KILOBYTE, 10)  # they send many reports at once
IMPORTS_AT_ONCE = 2  # each is held in memory


class Intake:
    """Reads requests for one door."""

    def __init__(self) -> None:
        self.imports = 0
        # apart from the threads that render and answer: it asks for one row
        self.sessions = ThreadPoolExecutor(1, thread_name_prefix="sessions")

    async def whole(self, scope: Scope, receive: Receive) -> tuple[Scope, bytes]:
        """The request with its whole body. Raises RequestRefusedError."""
        allowance = await self._allowance(scope)
        is_import = allowance is IMPORT
        if is_import and self.imports >= IMPORTS_AT_ONCE:
            raise RequestRefusedError(503, "Other files are being uploaded. Try again in a minute.")
        self.imports += is_import
        try:
            body = await read(scope, receive, allowance)
        finally:
            self.imports -= is_import
        return clean(scope, len(body)), body

    async def _allowance(self, scope: Scope) -> Allowance:
        """The limits by address and login.

        The cookie or password is checked before the body is read, so that strangers cannot send
        larger bodies to addresses that allow them.
        """
        path: str = scope["path"]
        if path.startswith(MAIL_EVENTS_PATH) and knows_mail_secret(scope):
            return MAIL_PROVIDER
        if path.startswith(STAFF_PATHS) and has_body(scope):
            loop = asyncio.get_running_loop()
            if await loop.run_in_executor(self.sessions, is_logged_in, cookies(scope)):
                return IMPORT if path == IMPORTS_PATH else STAFF
        return STRANGER


async def read(scope: Scope, receive: Receive, allowance: Allowance) -> bytes:
    """The body, all of it. Raises RequestRefusedError."""
    length = header(scope, b"content-length")
    if not length and not header(scope, b"transfer-encoding"):
        return b""  # RFC 9112, section 6.3: a request without either has no body
    if length.isdigit() and int(length[:18]) > allowance.max_bytes:
        raise _too_large(allowance)
    body = bytearray()
    try:
        async with asyncio.timeout(allowance.deadline_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestRefusedError(400, "The request ended before it was complete.")
                body += message.get("body", b"")
                if len(body) > allowance.max_bytes:
                    raise _too_large(allowance)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise RequestRefusedError(
            408, f"The request did not arrive within {allowance.deadline_s:g} s. Send it again."
        ) from None


def _too_large(allowance: Allowance) -> RequestRefusedError:
    return RequestRefusedError(
        413, f"The request is too large: at most {allowance.max_bytes // KILOBYTE} kB are accepted."
    )


def has_body(scope: Scope) -> bool:
    """Whether the body may be larger than a stranger's: a large length, or chunks."""
    length = header(scope, b"content-length")
    is_large = length.isdigit() and int(length[:18]) > STRANGER.max_bytes
    return is_large or bool(header(scope, b"transfer-encoding"))


def clean(scope: Scope, length: int) -> Scope:
    """The scope with headers and query that WSGI cannot confuse."""
    headers: Headers = []
    crumbs = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            crumbs.append(value)  # HTTP/2 cuts it up, and proxies pass the pieces on (RFC 9113, 8.2.3)
        elif HEADER_NAME.fullmatch(name) and name not in OF_THE_BODY:
            headers.append((name, value))
    if crumbs:
        headers.append((b"cookie", b"; ".join(crumbs)))
    if length:
        headers.append((b"content-length", str(length).encode()))
    # bytes beyond ASCII are no part of a query (RFC 3986): encoded as a browser would have sent them
    query = quote_from_bytes(scope["query_string"], safe=bytes(range(33, 127)))
    path = scope["path"].encode("utf-8", "replace").decode()
    return {**scope, "path": path, "headers": headers, "query_string": query.encode()}


def header(scope: Scope, wanted: bytes) -> str:
    """The first header of this name; empty without one."""
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return ""


def shared_address(scope: Scope) -> str:
    """The address whose limit counts for this reader: as our proxies saw it, for IPv6 its /64.

    Empty, thus without a limit, for private addresses: an unknown proxy, or a reader on our own network.
    """
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode(
        "latin-1"
    )
    addresses, number = forwarded.split(","), settings.TRUSTED_PROXIES
    text = addresses[-number].strip() if 0 < number <= len(addresses) else (scope.get("client") or ("",))[0]
    address = literal_address(text)
    if address is None:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if not may_dial(address, 0, ()):
        return ""
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def cookies(scope: Scope) -> dict[str, str]:
    """The cookies of a request, by name."""
    text = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    return dict(parse_cookie(text))


def is_logged_in(cookies: dict[str, str]) -> bool:
    """Whether the session is logged in. Blocks for one query; False without database."""
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return False
    close_old_connections()
    try:
        return SESSION_KEY in SessionStore(key).load()
    except DatabaseError:
        return False
    finally:
        connection.close()


def knows_mail_secret(scope: Scope) -> bool:
    """Whether the request has the password of MAIL_EVENTS_SECRET. True for Mailgun, which signs bodies."""
    if not settings.MAIL_EVENTS or not scope["path"].startswith(f"{MAIL_EVENTS_PATH}{settings.MAIL_EVENTS}/"):
        return False
    if settings.MAIL_EVENTS == "mailgun":
        return True
    kind, _, text = header(scope, b"authorization").partition(" ")
    try:
        credentials = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return kind.lower() == "basic" and hmac.compare_digest(credentials, settings.MAIL_EVENTS_SECRET.encode())


def replay(body: bytes) -> Receive:
    """An ASGI receive function that returns this body."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


class Outbox:
    """A response that is buffered at once and written at the reader's pace."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self.waiting_bytes = 0
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.is_over = False
        self.writing = asyncio.ensure_future(self._write())

    async def put(self, message: Message) -> None:
        """Take a part of the answer; waits only while very much is waiting."""
        if self.is_over:
            return
        await self.has_room.wait()
        self.waiting_bytes += len(message.get("body", b""))
        if self.waiting_bytes > MAX_WAITING_BYTES:
            self.has_room.clear()
        self.messages.put_nowait(message)

    async def finish(self) -> None:
        """Wait until all is written, or the reader is disconnected."""
        self.messages.put_nowait(None)
        await self.writing

    async def _write(self) -> None:
        try:
            while (message := await self.messages.get()) is not None:
                async with asyncio.timeout(STUCK_S):
                    await self.send(message)
                self.waiting_bytes -= len(message.get("body", b""))
                if self.waiting_bytes <= MAX_WAITING_BYTES:
                    self.has_room.set()
        except (TimeoutError, OSError, RuntimeError):
            pass  # the reader is stuck or has left
        finally:
            self.is_over = True
            self.has_room.set()
