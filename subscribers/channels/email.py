"""Mail over a few kept connections to the operator's server, or into a folder when none is set.

A connection carries many mails. Refusing a recipient may be the recipient's fault; an
error before the recipient is named is ours. If the text was sent and no answer comes,
the mail may have been accepted: it is sent again later, under the same Message-ID.
"""

import asyncio
import contextlib
import os
import secrets
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from enum import IntEnum
from pathlib import Path

import aiosmtplib
from django.conf import settings

from components.egress import Egress, EgressError
from incidents.messages import one_line
from subscribers import emails
from subscribers.channels.kind import ChannelKind
from subscribers.delivery import refusals
from subscribers.delivery.envelope import End, Envelope, Result
from subscribers.delivery.refusals import Blame

DEADLINE_S = 18.0  # below the dispatcher's own, so that we know where it got stuck
MAX_LINES = 4  # connections per process; many servers allow ten from one address
MAILS_A_LINE = 100  # mails per connection: many servers close it at some number
IDLE_S = 10.0
MAX_FILES = 500


class Step(IntEnum):
    """How far a mail got with the server."""

    LINE = 0  # no connection yet
    SENDER = 1  # MAIL FROM is sent
    RECEIVER = 2  # RCPT TO is sent
    TEXT = 3  # DATA is sent


async def send(envelope: Envelope, egress: Egress) -> Result:
    """Send one mail."""
    now = datetime.now(UTC)
    try:
        message = emails.letter(envelope, now)
    except emails.NoAddressError as error:
        return Result(End.GONE, why=str(error.__doc__))
    return await carry(envelope.id, envelope.address, message, egress)


async def carry(name: str, address: str, message: EmailMessage, egress: Egress) -> Result:
    """Deliver a finished message, to the server or into the folder. Raises NoAddressError."""
    if not settings.EMAIL_URL:
        return await asyncio.to_thread(_file, name, message.as_bytes(), datetime.now(UTC))
    return await _lines().carry(emails.receiver(address).addr_spec, message.as_bytes(), egress)


# Into a folder


def _file(name: str, raw: bytes, now: datetime) -> Result:
    """Write a complete file or none; only the newest MAX_FILES are kept."""
    folder = Path(settings.VAR_DIR) / "mail"
    half = folder / f".{name}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(raw)
        half.replace(folder / f"{now:%Y%m%dT%H%M%S%f}-{name}.eml")
        for old in sorted(folder.glob("*.eml"))[:-MAX_FILES]:
            old.unlink(missing_ok=True)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink()
        return Result(End.OURS, why=f"Mail cannot be written to {folder}: {error.strerror}.")
    return Result(End.SENT)


# Over a connection


class _Stale(Exception):
    """The server closed an idle connection: nothing was sent, a new one is opened."""


@dataclass(slots=True)
class _Line:
    client: aiosmtplib.SMTP
    used: int = 0
    closing: asyncio.TimerHandle | None = None


class _Lines:
    """The connections of one event loop to the operator's server."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(MAX_LINES)
        self.idle: list[_Line] = []
        self.farewells: set[asyncio.Task[None]] = set()

    async def carry(self, to: str, raw: bytes, egress: Egress) -> Result:
        """Send one mail within the deadline, including the wait for a connection. Raises no server errors."""
        way = _Way(to, raw)
        try:
            async with asyncio.timeout(DEADLINE_S), self.places:
                while True:
                    line = self._idle_line() or await _open(egress)
                    try:
                        return await self._carry_on(line, way)
                    except _Stale:
                        way.step = Step.LINE
        except TimeoutError:
            return way.silence(f"The mail server did not respond within {DEADLINE_S:g} s.")
        except EgressError as error:
            return Result(End.OURS, why=f"Our mail server: {error.sentence}")
        except aiosmtplib.SMTPResponseException as error:
            return judged(Step.LINE, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Result(End.OURS, why=f"Our mail server: {_in_one_line(str(error))}")

    def _idle_line(self) -> _Line | None:
        while self.idle:
            line = self.idle.pop()
            if line.closing:
                line.closing.cancel()
            if line.client.is_connected:
                return line
        return None

    async def _carry_on(self, line: _Line, way: "_Way") -> Result:
        """Send one mail on this connection, and keep it if it is still open. Raises _Stale."""
        is_good = False
        try:
            result = await way.go(line)
            is_good = line.client.is_connected
            return result
        finally:
            if is_good:
                self._keep(line)
            else:
                line.client.close()

    def _keep(self, line: _Line) -> None:
        line.used += 1
        if line.used >= MAILS_A_LINE:
            self._part(line)
            return
        line.closing = asyncio.get_running_loop().call_later(IDLE_S, self._part, line)
        self.idle.append(line)

    def _part(self, line: _Line) -> None:
        """Close a connection with QUIT, in the background."""
        if line in self.idle:
            self.idle.remove(line)
        task = asyncio.ensure_future(_quit(line.client))
        self.farewells.add(task)
        task.add_done_callback(self.farewells.discard)


class _Way:
    """One mail being sent; `step` is how far it got."""

    def __init__(self, to: str, raw: bytes) -> None:
        self.to, self.raw, self.step = to, raw, Step.LINE

    async def go(self, line: _Line) -> Result:
        """Send it on this connection. Raises _Stale."""
        client = line.client
        try:
            self.step = Step.SENDER
            await client.mail(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
            self.step = Step.RECEIVER
            await client.rcpt(self.to)
            self.step = Step.TEXT
            answer = await client.data(self.raw)
        except aiosmtplib.SMTPResponseException as error:
            if self.step is Step.SENDER and line.used and error.code == 421:
                raise _Stale from error
            await _reset(client)
            return judged(self.step, error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            if self.step is Step.SENDER and line.used:
                raise _Stale from error
            return self.silence("The mail server closed the connection.")
        return Result(End.SENT, answer=answer.code)

    def silence(self, why: str) -> Result:
        """The result without an answer: our fault, unless the recipient was named already."""
        return Result(End.OURS if self.step <= Step.SENDER else End.LATER, why=why)


def judged(step: Step, code: int, text: str) -> Result:
    """What a refusal (4xx, 5xx) at this step means."""
    why = f"The mail server replied {code} {_in_one_line(text)}".rstrip()[:240]
    if step <= Step.SENDER or code < 400 or code == 421:  # 421: it is closing, whoever the recipient is
        return Result(End.OURS, answer=code, why=why)
    if code < 500:
        return Result(End.LATER, answer=code, why=why)
    return Result(ENDS[refusals.blame(code, text)], answer=code, why=why)


ENDS = {Blame.MAILBOX: End.GONE, Blame.US: End.OURS, Blame.UNSAID: End.LATER}


async def _open(egress: Egress) -> _Line:
    """A new connection, with TLS and login. Raises EgressError, SMTPException, OSError."""
    host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
    client = aiosmtplib.SMTP(
        hostname=host,
        username=settings.EMAIL_HOST_USER or None,
        password=settings.EMAIL_HOST_PASSWORD or None,
        local_hostname=settings.PUBLIC_HOST,
        use_tls=settings.EMAIL_USE_SSL,
        start_tls=settings.EMAIL_USE_TLS,
        tls_context=egress.tls,
        timeout=DEADLINE_S,
        sock=await egress.dial_own(host, port),
    )
    await client.connect()
    return _Line(client)


async def _reset(client: aiosmtplib.SMTP) -> None:
    """Reset the connection after a refusal, so that it can be used again; close it if that fails."""
    try:
        if client.is_connected:
            await client.rset(timeout=2)
    except (aiosmtplib.SMTPException, OSError):
        client.close()


async def _quit(client: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=2)
    client.close()


def _in_one_line(text: str) -> str:
    return one_line(text.encode(errors="replace").decode(), most=200)


_by_loop: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Lines]" = weakref.WeakKeyDictionary()


def _lines() -> _Lines:
    """The connections of this event loop: a socket belongs to the loop that opened it."""
    return _by_loop.setdefault(asyncio.get_running_loop(), _Lines())


CHANNEL = ChannelKind(send=send, example="you@example.com", address_label="Email address")
