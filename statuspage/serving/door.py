"""The front door: public documents from memory, the live stream, everything else to Django.

The age of a document is judged at each request, so a page turns grey even if
nothing else is alive any more.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.http import Http404

from components import loops
from incidents import alerting
from statuspage.requests import limits
from statuspage.requests.conventions import is_open
from statuspage.serving import fallback_page
from statuspage.serving.disk_copies import Document, Variant
from statuspage.serving.document import CACHE_CONTROL, FOREVER
from statuspage.serving.event_stream import HEADERS, Streams, is_staff
from statuspage.serving.http1.application import Asked, Listener, Receive, Send, Words
from statuspage.serving.http1.reply import Reply
from statuspage.serving.reports.front import Front
from statuspage.serving.snapshot import Snapshot, is_document

BRAND = "/brand/"  # logos and style sheets, whose addresses name their content
RENDER_THREADS = 2
RENDER_WAIT_S = 2.0  # without a copy
COPY_WAIT_S = 0.3  # with a copy: a reader gets the old one at once rather than wait for the new one
SLOW_WAIT_S = 0.8  # the same, for a while after a rendering took longer than that
SLOW_FOR_S = 10.0
MARK_S = 2.0  # between two marks of the event loop
MAX_KEPT_PATH = 256  # of longer addresses nothing is kept: strangers make them up
OLD_AFTER_S = 60.0  # from this age on a copy says how old it is: nobody would notice it earlier

Scope = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Django = Callable[[Scope, Receive, Send], Awaitable[None]]

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'{scripts}; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def security_headers() -> Headers:
    """The headers every answer of the door carries."""
    scripts = "".join(f" '{digest}'" for digest in settings.CSP_SCRIPT_HASHES)
    headers = [
        (b"content-security-policy", CSP.format(scripts=scripts).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]
    if settings.IS_HTTPS:
        value = f"max-age={settings.SECURE_HSTS_SECONDS}"
        value += "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        value += "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        headers.append((b"strict-transport-security", value.encode()))
    return headers


class Question(NamedTuple):
    """What a request asks of a document."""

    path: str
    encoding: bytes
    condition: bytes  # If-None-Match; empty without one
    is_head: bool


def question(method: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> Question:
    """The last header of each name counts."""
    encoding, condition = b"", b""
    for name, value in headers:
        if name == b"accept-encoding":
            encoding = best_encoding(value)
        elif name == b"if-none-match":
            condition = value
    return Question(path, encoding, condition.strip(), method == "HEAD")


@dataclass(frozen=True, slots=True)
class Answer:
    """A variant in one encoding."""

    etag: bytes
    whole: Reply
    head: Reply
    same: Reply

    def to(self, asked: Question) -> Reply:
        """The reply to this question."""
        if asked.condition and (self.etag in asked.condition or asked.condition == b"*"):
            return self.same
        return self.head if asked.is_head else self.whole


def make_answer(document: Document, variant: Variant, encoding: bytes, security: Headers) -> Answer:
    """The replies for this variant. A 304 carries what RFC 9110, section 15.4.5 asks for, no more."""
    body = variant.br if encoding == b"br" else variant.gzip if encoding else variant.plain
    # the same page in another encoding is other bytes (RFC 9110, section 8.8.3)
    etag = f'{variant.etag[:-1]}-{encoding.decode()}"' if encoding else variant.etag
    common = [
        (b"etag", etag.encode()),
        (b"cache-control", (FOREVER if document.path.startswith(BRAND) else CACHE_CONTROL).encode()),
        (b"vary", b"Accept-Encoding"),
    ]
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", document.content_type.encode()),
        *common,
        *security,
    ]
    if encoding:
        headers.append((b"content-encoding", encoding))
    if is_open(document.path):
        headers.append((b"access-control-allow-origin", b"*"))
        common.append((b"access-control-allow-origin", b"*"))
    return Answer(etag.encode(), Reply(200, headers, body), Reply(200, headers, b""), Reply(304, common, b""))


def judged(document: Document, newest: float, now: float) -> Variant:
    """The variant for this moment, if the newest known check was at `newest`.

    A copy that could not be rendered again is old, though checks go on: its age is that of the newest
    check, and it says how old it is. It is never judged younger than when it was made.
    Its rendering for late data would say "since" its own newest check, which others have followed.
    """
    behind = max(0.0, newest - document.checked_at) if document.checked_at else 0.0
    variant = document.at(max(now - behind, min(now, document.rendered_at)))
    is_outdated = behind and now - document.rendered_at > OLD_AFTER_S
    is_stale = variant is document.variants[-1] and variant is not document.variants[0]
    return document.old if is_outdated and not is_stale and document.old is not None else variant


def newest_check(newest: float) -> tuple[bytes, bytes]:
    """A header for the page's script, which computes the age itself."""
    return b"server-timing", f"checked;dur={newest * 1000:.0f}".encode()


class Door:
    """The ASGI application; for our own server (`http1`) also what it has at hand."""

    stream_headers = HEADERS

    def __init__(self, django: Django, snapshot: Snapshot, streams: Streams) -> None:
        self.django = django
        self.snapshot = snapshot
        self.streams = streams
        self.staff = Streams(streams.most, each=streams.each)
        self.streams.newest = self.staff.newest = lambda: self.snapshot.checked_at
        self.pool = ThreadPoolExecutor(RENDER_THREADS, thread_name_prefix="render")
        self.security = security_headers()
        self.intake = limits.Intake()
        self.reports = Front(self.security)
        self.prepared: dict[str, tuple[Document, dict[tuple[str, bytes], Answer]]] = {}
        self.forgotten = 0
        self.rendering: dict[str, asyncio.Future[Document | None]] = {}
        self.slow_until = 0.0  # monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self.reports.takes(path):
            await self.reports(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD") and not _is_leaving(path, scope["query_string"]):
            document = self.snapshot.documents.get(path)
            if document is not None and self.snapshot.is_shown(document):
                await self._send_document(scope, send, document)
                return
            if path in ("/livez", "/readyz"):
                await self._answer_life(send, path)
                return
            if document is not None or known_document(path):
                await self._serve_lazily(scope, receive, send, path)
                return
        await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Django answer once the whole request was read; its thread does not wait for slow clients."""
        try:
            request, body = await self.intake.whole(scope, receive)
        except limits.RequestRefusedError as refused:
            await self._refuse(send, refused)
            return
        outbox = limits.Outbox(send)
        try:
            await self.django(request, limits.replay(body), outbox.put)
        finally:
            await outbox.finish()

    async def _refuse(self, send: Send, refused: limits.RequestRefusedError) -> None:
        """Send the refusal and close the connection, without reading the rest of the request."""
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
            *self.security,
        ]
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": f"{refused.sentence}\n".encode()})

    async def start(self) -> None:
        """Start with the server, in its event loop."""
        self.streams.start()
        self.staff.start()
        self.snapshot.on_change, self.snapshot.on_staff_change = self._ring, self._ring_for_staff
        self.snapshot.start()
        self.reports.start()
        alerting.start(serves_page=True)
        loops.report("web")
        self.marking = asyncio.create_task(mark_rounds())

    def close_streams(self) -> None:
        """End every stream; from now on /readyz says that this process is on its way out."""
        self.streams.close()
        self.staff.close()

    async def stop(self) -> None:
        """Stop with the server."""
        self.snapshot.stop()
        self.reports.close()
        alerting.stop()
        self.marking.cancel()
        await asyncio.get_running_loop().run_in_executor(self.pool, loops.leave)

    def question(self, asked: Asked) -> Question | None:
        """What this request asks of a document; None if it is none that `at_hand` answers."""
        if asked.method not in ("GET", "HEAD") or _is_leaving(asked.path, asked.query):
            return None
        return Question(asked.path, best_encoding(asked.accepts), asked.condition, asked.method == "HEAD")

    def at_hand(self, asked: Question, now: float) -> Reply | None:
        """The reply with a current document in memory: the hot path."""
        document = self.snapshot.documents.get(asked.path)
        if document is None or not self.snapshot.is_shown(document):
            return None
        return self._reply(document, asked, now)

    def join(self, listener: Listener, scope: Scope) -> tuple[Streams, Words] | None:
        """Add an open page; None when there are too many: it will poll instead."""
        streams = self.staff if is_staff(scope["query_string"]) else self.streams
        hello = streams.join(listener, limits.shared_address(scope))
        return None if hello is None else (streams, hello)

    def _ring(self, version: int) -> None:
        self.streams.ring(version)
        self._ring_for_staff()

    def _ring_for_staff(self) -> None:
        """Notify staff's open pages of a change; the token says only that there is one."""
        self.staff.ring(self.staff.token + 1)
        self.reports.keeper.refresh_soon()  # perhaps an address is new, or gone

    async def _serve_lazily(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Answer with a document that was not in use: render it now, within a time limit."""
        try:
            document = await self._fresh(path)
        except Http404:
            await self._pass_on(scope, receive, send)
            return
        if document is None:
            await self._say_unknown(scope, send)
            return
        await self._send_document(scope, send, document)

    async def _send_document(self, scope: Scope, send: Send, document: Document) -> None:
        asked = question(scope["method"], scope["path"], scope["headers"])
        for message in self._reply(document, asked, time.time()).messages:
            await send(message)

    async def _fresh(self, path: str) -> Document | None:
        """The document as it is now, or its last copy when that takes too long. Raises Http404."""
        running = self.rendering.get(path)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self.pool, self.snapshot.fresh, path)
            self.rendering[path] = running
            running.add_done_callback(lambda _: self.rendering.pop(path, None))
        if self.snapshot.get(path) is not None:
            wait_s = COPY_WAIT_S
        else:
            wait_s = SLOW_WAIT_S if time.monotonic() < self.slow_until else RENDER_WAIT_S
        try:
            return await asyncio.wait_for(asyncio.shield(running), wait_s)
        except TimeoutError:
            if wait_s == RENDER_WAIT_S:
                self.slow_until = time.monotonic() + SLOW_FOR_S
            return self.snapshot.get(path)

    def _reply(self, document: Document, asked: Question, now: float) -> Reply:
        """The variant for this moment, in the encoding the client accepts, or 304.

        Replies are made once for each variant and sent again and again.
        """
        newest = self.streams.checked_at = self.snapshot.checked_at
        variant = judged(document, newest, now)
        if variant is document.old:
            security = [*self.security, newest_check(newest)]
            return make_answer(document, variant, asked.encoding, security).to(asked)
        return self._answer(document, variant, asked.encoding).to(asked)

    def _answer(self, document: Document, variant: Variant, encoding: bytes) -> "Answer":
        if self.forgotten != self.snapshot.forgotten:  # drop the bytes of removed content
            self.prepared.clear()
            self.forgotten = self.snapshot.forgotten
        held, made = self.prepared.get(document.path, (None, {}))
        if held is not document:
            if len(self.prepared) > len(self.snapshot.documents) + 100:
                self.prepared.clear()
            made = {}
            self.prepared[document.path] = (document, made)
        answer = made.get((variant.etag, encoding))
        if answer is None:
            answer = made[variant.etag, encoding] = make_answer(document, variant, encoding, self.security)
        return answer

    async def _answer_life(self, send: Send, path: str) -> None:
        """/livez: this process answers. /readyz: it has something to show, and is not on its way out."""
        is_well = path == "/livez" or (
            not self.streams.is_closing
            and self.snapshot.has_page
            and not (settings.VAR_DIR / "draining").exists()
        )
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
        status = 200 if is_well else 503
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok\n" if is_well else b"not ready\n"})

    async def _say_unknown(self, scope: Scope, send: Send) -> None:
        """Answer with the fallback page: nothing is in memory or on disk, and the database is away."""
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"retry-after", b"10"),
            *self.security,
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else fallback_page.page()
        await send({"type": "http.response.body", "body": body})


def _is_leaving(path: str, query: bytes) -> bool:
    """Whether this is the link of old mails by which people unsubscribe; Django answers it."""
    return path == "/" and b"unsubscribe=" in query


async def mark_rounds() -> None:
    """Mark that this event loop goes round."""
    while True:
        loops.mark("web")
        await asyncio.sleep(MARK_S)


def known_document(path: str) -> bool:
    """Whether this address has the form of a document's; it may still not exist."""
    return _known_document(path) if len(path) <= MAX_KEPT_PATH else is_document(path)


@functools.lru_cache(maxsize=4096)
def _known_document(path: str) -> bool:
    return is_document(path)


@functools.lru_cache(maxsize=256)
def best_encoding(accepted: bytes) -> bytes:
    """br, gzip, or nothing: the best the reader takes (RFC 9110, section 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accepted.decode("latin-1").lower().split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            weights[name] = 0.0
    offered = [("br", weights.get("br", 0.0)), ("gzip", weights.get("gzip", weights.get("*", 0.0)))]
    best, liked = max(offered, key=lambda offer: offer[1])
    return best.encode() if liked > 0 else b""
