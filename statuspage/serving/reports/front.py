"""Answers at secret addresses: /ping/<key>[/start|/fail|/log|/<exit status>], /in/<key>, /deploy/<key>.

A report is safe on disk before its sender is answered. What is in the path is a secret: it is neither
logged nor repeated.
"""

import asyncio
import base64
import binascii
import hmac
import math
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.conf import settings

from components.inbound import Message, PayloadError, deploys
from components.inbound.cloudwatch import CLOUDWATCH
from components.inbound.message import UnsignedError
from components.models import deploy_address, inbox
from components.passive.reports import MAX_RUN_LENGTH, MAX_TEXT_BYTES, Kind, Report, clipped
from components.probers import InvalidProbeError
from components.probers.inbound import BASIC, BEARER, SIGNATURE, InboundOrder
from components.receiving import Arrival
from statuspage.requests import limits
from statuspage.requests.limits import Headers, Receive, Scope, Send
from statuspage.requests.rates import Rate
from statuspage.serving.reports.addresses import Address, Addresses, AwayError
from statuspage.serving.reports.keeper import Keeper, NotKeptError
from statuspage.serving.reports.sns_desk import SnsDesk, UnreachableError

PING, IN, DEPLOY = "/ping/", "/in/", "/deploy/"
RUN = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_RUN_LENGTH}}}")
WORDS = {"": Kind.SUCCESS, "start": Kind.START, "fail": Kind.FAIL, "log": Kind.LOG}
EXIT = re.compile(r"[0-9]{1,3}")
MAX_EXIT = 255
PING_S = 10.0  # a body may take so long to arrive
MAX_READ_BYTES = 16 * 1024 * 1024  # of a ping: its first 10 kB are kept
MAX_STRANGE = 1_000  # pings to addresses that could not be looked up; each is a line on disk
MAX_INLINE_BYTES = 64 * 1024  # reading 4 MB takes up to a second
IN_ALLOWANCE = limits.Allowance(4 * 1024 * limits.KILOBYTE, 10)
RETRY = (b"retry-after", b"30")
CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
]
UNKNOWN = "There is no such address."
MALFORMED = "The address is not complete: copy it from the probe’s page."
AWAY = "The address cannot be looked up at the moment. Send it again."


class Said(NamedTuple):
    """An answer: status, one sentence, and what else its head says."""

    status: int
    text: str
    headers: Sequence[tuple[bytes, bytes]] = ()


OK = Said(200, "OK")


class Front:
    """For one door. `desk` verifies what SNS sends."""

    def __init__(self, security: Headers, *, desk: SnsDesk | None = None) -> None:
        self.security = security
        self.addresses = Addresses(settings.SPOOL_DIR)
        self.keeper = Keeper(self.addresses)
        per_minute = settings.SIGNALS_PER_MINUTE  # all at once if need be
        self.pace = Rate(burst=per_minute, per_s=per_minute / 60)
        self.desk = desk or SnsDesk()

    def start(self) -> None:
        """With the server."""
        self.keeper.start()

    def close(self) -> None:
        """With the server."""
        self.keeper.close()
        self.addresses.close()

    @staticmethod
    def takes(path: str) -> bool:
        """Whether this is an address of a report, right or wrong."""
        return path.startswith((PING, IN, DEPLOY))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            said = await self._answer(scope, receive)
        except limits.RequestRefusedError as refused:
            said = Said(refused.status, refused.sentence, [(b"connection", b"close")])
        except NotKeptError as error:
            said = Said(503, str(error), [RETRY])
        has_body = said.text and scope["method"] != "HEAD"
        body = f"{said.text}\n".encode() if has_body else b""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", b"no-store"),
            *CORS,
            *said.headers,
            *self.security,
        ]
        await send({"type": "http.response.start", "status": said.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Said:
        if scope["method"] == "OPTIONS":
            return Said(204, "")
        if scope["path"].startswith(PING):
            return await self._ping(scope, receive)
        if scope["path"].startswith(DEPLOY):
            return await self._deploy(scope, receive)
        return await self._in(scope, receive)

    # Heartbeats

    async def _ping(self, scope: Scope, receive: Receive) -> Said:
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return Said(405, "Use GET, HEAD or POST.", [(b"allow", b"GET, HEAD, POST, OPTIONS")])
        key, _, word = scope["path"].removeprefix(PING).rstrip("/").partition("/")
        if not inbox.KEY.fullmatch(key):
            return Said(400, MALFORMED)
        kind, status = _meaning(word)
        if kind is None:
            return Said(
                400, "After the key comes nothing, start, fail, log, or an exit status from 0 to 255."
            )
        run = _run(scope)
        if run is None:
            return Said(400, "The run id (rid) must be 1 to 64 letters, digits, dots, dashes or underscores.")
        key_hash, at = inbox.hash_of(key), datetime.now(UTC)
        refused = await self._refused(key_hash)
        if refused is not None:
            return refused
        has_body = limits.header(scope, b"content-length") or limits.header(scope, b"transfer-encoding")
        text = clipped(await _beginning(receive)) if scope["method"] == "POST" and has_body else ""
        report = Report(at, kind, run=run, exit_status=status, text=text)
        await self.keeper.keep([Arrival(key_hash, report)])
        return OK

    async def _refused(self, key_hash: str) -> Said | None:
        """Why no ping is taken here; None when it is. Strangers' pings are kept while nobody can say."""
        try:
            address = await self.addresses.find(key_hash)
        except AwayError:
            if self.addresses.unanswered >= MAX_STRANGE:
                return Said(503, AWAY, [RETRY])
            self.addresses.unanswered += 1
            return self._too_many(key_hash)
        if address is None or address.kind != "heartbeat":
            return Said(404, UNKNOWN)
        return self._too_many(key_hash)

    def _too_many(self, key_hash: str) -> Said | None:
        wait_s = self.pace.wait_s(key_hash, time.monotonic())
        if not wait_s:
            return None
        after = str(math.ceil(wait_s)).encode()
        most = settings.SIGNALS_PER_MINUTE
        return Said(429, f"More than {most} reports a minute: send fewer.", [(b"retry-after", after)])

    # Alerts

    async def _in(self, scope: Scope, receive: Receive) -> Said:
        key = scope["path"].removeprefix(IN).rstrip("/")
        if not inbox.KEY.fullmatch(key):
            return Said(400, MALFORMED)
        key_hash = inbox.hash_of(key)
        try:
            address = await self.addresses.find(key_hash)
        except AwayError:
            return Said(503, AWAY, [RETRY])
        if address is None or address.kind != "inbound":
            return Said(404, UNKNOWN)
        order = _order(address)
        if order is None:
            return Said(503, "The probe of this address cannot be run: see its page in the console.", [RETRY])
        methods = ("GET", "POST") if order.source.takes_get else ("POST",)
        if scope["method"] not in methods:
            allowed = ", ".join((*methods, "OPTIONS")).encode()
            return Said(405, f"Use {' or '.join(methods)}.", [(b"allow", allowed)])
        if (refused := _unauthorized(order, scope) or self._too_many(key_hash)) is not None:
            return refused
        message = await _message(scope, receive)
        return await self._take(key_hash, order, message)

    async def _take(self, key_hash: str, order: InboundOrder, message: Message) -> Said:
        try:
            if order.auth == SIGNATURE:
                order.source.verify(message, order.secret)
            if order.source is CLOUDWATCH:
                await self.desk.admit(message.body, message.at)
            reports = await _read(order, message)
        except UnsignedError as error:
            return Said(401, str(error))
        except PayloadError as error:
            return Said(400, str(error))
        except UnreachableError as error:
            return Said(503, str(error), [RETRY])
        await self.keeper.keep([Arrival(key_hash, report) for report in reports])
        return OK

    # Deploys

    async def _deploy(self, scope: Scope, receive: Receive) -> Said:
        key = scope["path"].removeprefix(DEPLOY).rstrip("/")
        if not inbox.KEY.fullmatch(key):
            return Said(400, "The address is not complete: copy it again, or make a new one in the console.")
        key_hash = inbox.hash_of(key)
        try:
            address = await self.addresses.find(key_hash)
            if address is None or address.kind != deploy_address.DEPLOY:
                return Said(404, UNKNOWN)
            if scope["method"] != "POST":
                return Said(405, "Use POST.", [(b"allow", b"POST, OPTIONS")])
            if (refused := self._too_many(key_hash)) is not None:
                return refused
            message = await _message(scope, receive)
            report = await self._read_deploy(key_hash, address, message)
        except AwayError:
            return Said(503, AWAY, [RETRY])
        except PayloadError as error:
            return Said(400, str(error))
        await self.keeper.keep([Arrival(key_hash, report)])
        return OK

    async def _read_deploy(self, key_hash: str, address: Address, message: Message) -> Report:
        """Raises PayloadError, AwayError."""
        try:
            return deploys.read(message, address.options, only=address.target)
        except deploys.UnknownComponentError:
            fresh = await self.addresses.find_anew(key_hash)  # it may be new
            names = fresh.options if fresh is not None else {}
            return deploys.read(message, names, only=address.target)


async def _read(order: InboundOrder, message: Message) -> list[Report]:
    """What a message reports; of a large one, apart from the loop that answers everyone else.

    Raises PayloadError.
    """
    if len(message.body) <= MAX_INLINE_BYTES:
        return order.source.read(message, order.terms)
    return await asyncio.to_thread(order.source.read, message, order.terms)


def _meaning(word: str) -> tuple[Kind | None, int | None]:
    """What the last part of the path says; None for what says nothing."""
    if word in WORDS:
        return WORDS[word], None
    if EXIT.fullmatch(word) and int(word) <= MAX_EXIT:
        return Kind.EXIT, int(word)
    return None, None


def _run(scope: Scope) -> str | None:
    """The run id; empty without one, None for one that is none."""
    query = scope["query_string"].decode("latin-1")
    runs = parse_qs(query[:1_000]).get("rid", [""])
    return runs[0] if not runs[0] or RUN.fullmatch(runs[0]) else None


async def _beginning(receive: Receive) -> bytes:
    """The first 10 kB of a body, once all of it is here. Raises RequestRefusedError."""
    kept, size = bytearray(), 0
    try:
        async with asyncio.timeout(PING_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise limits.RequestRefusedError(400, "The request ended before it was complete.")
                piece = message.get("body", b"")
                size += len(piece)
                kept += piece[: MAX_TEXT_BYTES - len(kept)]
                if not message.get("more_body", False) or size > MAX_READ_BYTES:
                    return bytes(kept)
    except TimeoutError:
        raise limits.RequestRefusedError(
            408, f"The request did not arrive within {PING_S:g} s. Send it again."
        ) from None


async def _message(scope: Scope, receive: Receive) -> Message:
    """The whole request. Raises RequestRefusedError."""
    body = await limits.read(scope, receive, IN_ALLOWANCE)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return Message(body, datetime.now(UTC), headers.get("content-type", "").lower(), query, headers)


def _order(address: Address) -> InboundOrder | None:
    try:
        return address.order()
    except (InvalidProbeError, TypeError, ValueError, AttributeError, KeyError):
        return None


def _unauthorized(order: InboundOrder, scope: Scope) -> Said | None:
    """The refusal where basic or bearer is asked for and not right."""
    if order.auth not in (BASIC, BEARER):
        return None
    scheme, _, given = limits.header(scope, b"authorization").partition(" ")
    shown: bytes = given.strip().encode("latin-1", "replace")
    if order.auth == BASIC:
        try:
            shown = base64.b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            shown = b""
    if scheme.lower() == order.auth and hmac.compare_digest(shown, order.secret.encode()):
        return None
    challenge: Any = b'Basic realm="alerts", charset="UTF-8"' if order.auth == BASIC else b"Bearer"
    return Said(
        401, f"This address asks for {order.auth} authentication.", [(b"www-authenticate", challenge)]
    )
