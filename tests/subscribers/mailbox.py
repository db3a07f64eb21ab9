"""A mail server that misbehaves on order: aiosmtpd on a real socket."""

import asyncio
import contextlib
import socket
import ssl
import struct
import warnings
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from statuspage.ops.supervisor import free_port


@dataclass
class Got:
    """One mail that was taken, or would have been."""

    to: str
    raw: bytes
    line: int

    @property
    def message(self):
        return message_from_bytes(self.raw, policy=default)

    @property
    def id(self):
        return self.message["Message-ID"]


class Mailbox(Controller):
    """`faults` by the name before the @, each mail takes the next.

    At the receiver: a refusal ("550 …"), "tarpit".
    At the text: "rst in data", "rst after data", "data 554 …".
    `greeting` replaces the 220.
    """

    def __init__(self, *, tls=None, login=None, greeting=""):
        self.faults, self.got, self.lines, self.greeting = {}, [], 0, greeting
        self.open = []
        more = {"auth_required": True, "auth_require_tls": False} if login else {}
        if login:
            more["authenticator"] = lambda *args: AuthResult(
                success=(args[4].login.decode(), args[4].password.decode()) == login, handled=False
            )
        super().__init__(self, hostname="127.0.0.1", port=free_port(), tls_context=tls, **more)

    def factory(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a password without TLS: on this machine alone
            return _Server(self.handler, **self.SMTP_kwargs)

    def __enter__(self):
        self.start()
        self.lines = 0  # its own look whether it is up
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.stop()

    def hang_up(self):
        """Close every open line, and wait until they are."""

        async def close():
            for one in self.open:
                if one.transport:
                    one.transport.close()
            await asyncio.sleep(0.02)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(5)

    def fault(self, to):
        """The next fault for this receiver."""
        waiting = self.faults.get(to.split("@")[0], [])
        return waiting[0] if waiting else ""

    def take(self, to):
        self.faults[to.split("@")[0]].pop(0)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        fault = self.fault(address)
        if fault == "tarpit":
            self.take(address)
            await asyncio.sleep(60)
        if fault[:3].isdigit():
            self.take(address)
            return fault
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        to = envelope.rcpt_tos[0]
        fault = self.fault(to)
        if fault.startswith("data "):
            self.take(to)
            return fault.removeprefix("data ")
        self.got.append(Got(to, envelope.content, server.number))
        if fault == "rst after data":
            self.take(to)
            server.reset()
        return "250 OK"


class _Server(SMTP):
    number = 0

    async def _handle_client(self):
        box = self.event_handler
        box.lines += 1
        box.open.append(self)
        self.number = box.lines
        if box.greeting:
            await self.push(box.greeting)
            self.transport.close()
            return
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await super()._handle_client()

    async def smtp_DATA(self, arg):  # noqa: N802
        box, to = self.event_handler, self.envelope.rcpt_tos[0]
        if box.fault(to) == "rst in data":
            box.take(to)
            await self.push("354 Go on")
            await self._reader.readline()
            self.reset()
            return
        await super().smtp_DATA(arg)

    async def push(self, status):
        if not self.transport.is_closing():
            await super().push(status)

    def reset(self):
        line = self.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def secured(key, certificate):
    """A context for STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
