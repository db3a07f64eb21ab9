"""The only way out: every outgoing socket is opened here.

A name is resolved once, every address it has must pass (`networks.py`), and
exactly that address is dialled, so nothing can change between the check and the
connection.

There are several doors, since what probes may reach must not be reachable for
strangers' addresses: a caller says which door it uses (`Door`), and each has its
own allow list. See docs/decisions/0010-two-doors-out.md.
"""

import asyncio
import copy
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from components import client_certificates, networks
from components.blame import NO_WAY, dial_error, tls_error
from components.client_certificates import ClientCertificate, Protocols
from components.lookup import EgressError, Later, Lookup, ascii_host, let_go
from components.networks import Address, literal_address
from components.outcomes import Failure

__all__ = ["DeniedError", "Door", "Egress", "EgressError", "Line", "ascii_host", "through"]

EYEBALLS_LAG_S = 0.25  # how long IPv6 may take before IPv4 is tried in parallel (RFC 8305)
LAST_HOPE_S = 1.5  # for the other family's addresses once all known ones have failed
DER = 2  # _ssl.ENCODING_DER
READ_LIMIT = 64 * 1024  # of the stream's buffer, and so of a header
OWN_SERVER_S = 5.0  # for each address of a server of our own
NOT_FROM_OUTSIDE = "A redirect from a public address is not followed there."
EVERYWHERE = ("0.0.0.0/0", "::/0")
HTTP1: Protocols = ("http/1.1",)
HTTP2: Protocols = ("h2", "http/1.1")  # the one we would rather speak first (RFC 7301, section 3.1)


class Door(StrEnum):
    """Who named the address that is dialled. The value is the setting that opens own networks to it."""

    PROBES = "EGRESS_ALLOW"  # staff who may edit probes
    SUBSCRIBERS = "SUBSCRIBER_EGRESS_ALLOW"  # strangers: webhooks, chat rooms, push services
    ALERTS = "EGRESS_ALLOW (for staff alerts)"  # staff, for themselves; the heartbeat's address
    SIGN_ON = "EGRESS_ALLOW (for single sign-on)"  # the operator, in the environment
    REGION = "REGION_SERVER"  # the operator of a remote region: the server is often on a private network
    SELF_TEST = "nothing (for the self-test)"  # ourselves: a target that is served for one check
    HOOKS = "EGRESS_ALLOW (for recovery hooks)"  # staff who may edit hooks
    OWN_PAGE = "PUBLIC_URL"  # the operator, asking for the page's own address in a shell


class DeniedError(EgressError):
    """The address is on a network that is not allowed."""

    def __init__(self, host: str, setting: str) -> None:
        mend = f"An operator can allow it with {setting}." if setting else NOT_FROM_OUTSIDE
        super().__init__(
            Failure.DENIED, f"{host} resolves to an address on a private or reserved network. {mend}"
        )


@dataclass(slots=True)
class Line:
    """An open connection, and how long each phase took (ms)."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    address: str
    family: int
    dns_ms: float | None
    connect_ms: float
    tls_ms: float | None = None
    unread: bytearray = field(default_factory=bytearray)  # what `wire` has read beyond its place

    def close(self) -> None:
        """Close at once, without waiting for the target to close its side."""
        self.writer.transport.abort()

    @property
    def protocol(self) -> str:
        """The protocol the peer chose of those offered (ALPN), such as "h2"; empty if it chose none."""
        tls = self.writer.get_extra_info("ssl_object")
        return (tls.selected_alpn_protocol() or "") if tls is not None else ""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates the peer sent (DER), its own first; empty if the line is not secure."""
        tls = self.writer.get_extra_info("ssl_object")
        if tls is None:
            return ()
        if hasattr(tls, "get_unverified_chain"):  # from Python 3.13 on
            return tuple(tls.get_unverified_chain())
        inner = getattr(tls, "_sslobj", None)  # the same, before it had a public name
        sent = inner.get_unverified_chain() if inner is not None else None
        if not sent:
            return (tls.getpeercert(binary_form=True),)
        return tuple(certificate.public_bytes(DER) for certificate in sent)


class Egress:
    """One door, with its allow list. `nameservers` replaces the system's (tests, dns probes).

    `setting` names the allow list in error messages; empty without one. Made by `through`.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        setting: str = Door.PROBES.value,
        nameservers: Sequence[tuple[str, int]] = (),
        ca_file: str | None = None,
    ) -> None:
        self.allow = networks.allowed(allow)
        self.setting = setting
        self.ca_file = ca_file
        # one context for all lines of a kind: making one costs more than a check (25 ms, 1 MiB), so it is
        # made once the first of them is opened; many doors never see one
        self.contexts: dict[Protocols, ssl.SSLContext] = {}
        self.lookup = Lookup(nameservers)

    @property
    def tls(self) -> ssl.SSLContext:
        """The context of lines that offer no protocol."""
        return self._trusting(())

    def may_dial(self, address: Address, port: int, host: str = "") -> bool:
        """Whether this port of this address may be dialled; `host`: the name that led to it, in ASCII."""
        return networks.may_dial(address, port, self.allow, host)

    def is_public(self, line: Line) -> bool:
        """Whether the other end of this line is on no network that only an operator opens."""
        return networks.is_public(line.address)

    def for_strangers(self) -> "Egress":
        """The same door without its list: for addresses that were named by whoever answered."""
        door = copy.copy(self)
        door.allow, door.setting = (), ""
        return door

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Every address of a host, this port of all of them allowed, IPv6 first.

        Raises EgressError. A literal address is its own answer.
        """
        addresses, later = await self.look_up(host, port)
        if later is not None:
            addresses = [*addresses, *await self._allowed_later(host, port, later)]
        return _six_first(addresses)

    async def look_up(self, host: str, port: int) -> tuple[list[Address], Later]:
        """The addresses found so far, all allowed, and a task for an address family that is still missing.

        A name server that drops one of the two questions costs a moment, not the whole deadline.
        The caller must await or cancel the task. Raises EgressError.
        """
        literal = literal_address(host)
        addresses, later = ([literal], None) if literal else await self.lookup.addresses(host)
        try:
            self._judge(host, port, addresses)
        except EgressError:
            let_go(later)
            raise
        return _six_first(addresses), later

    def _judge(self, host: str, port: int, addresses: Sequence[Address]) -> None:
        """Raises EgressError unless there are addresses, and each may be dialled."""
        if not addresses:
            raise EgressError(Failure.DNS, f"The name {host} has no address.")
        name = "" if literal_address(host) else ascii_host(host)
        if not all(self.may_dial(address, port, name) for address in addresses):
            raise DeniedError(host, self.setting)

    async def _allowed_later(
        self, host: str, port: int, later: "asyncio.Task[list[Address]]"
    ) -> list[Address]:
        """The slower family's addresses, all allowed; empty if its look-up failed."""
        try:
            addresses = await later
        except EgressError:
            return []
        if addresses:
            self._judge(host, port, addresses)
        return addresses

    async def query(self, name: str, record_type: str) -> list[str]:
        """The answers to a DNS question as text. Raises EgressError."""
        return await self.lookup.query(name, record_type)

    async def open(self, host: str, port: int, *, tls: bool = False, offers: Protocols = ()) -> Line:
        """A fresh connection. Raises EgressError; the caller's deadline bounds all of it."""
        began = time.perf_counter()
        addresses, later = await self.look_up(host, port)
        dns_ms = _since(began)
        try:
            line = await self.dial(addresses, port, host=host, later=later)
        except EgressError as error:
            error.dns_ms = dns_ms
            raise
        line.dns_ms = dns_ms
        if tls:
            await self.secure(line, host, offers=offers)
        return line

    async def secure(
        self, line: Line, host: str, *, shown: ClientCertificate | None = None, offers: Protocols = ()
    ) -> None:
        """Start TLS; name and chain are verified. `shown`: our client certificate. Raises EgressError.

        `offers` are the protocols that the peer may choose from (ALPN): `Line.protocol` is its choice.
        """
        began = time.perf_counter()
        try:
            await line.writer.start_tls(self._context(shown, offers), server_hostname=_server_name(host))
        except ssl.SSLCertVerificationError as error:
            line.close()
            raise EgressError(
                Failure.TLS, f"The certificate is not valid: {error.verify_message}."
            ) from error
        except (OSError, ValueError) as error:  # SSLError is an OSError
            line.close()
            raise tls_error(error) from error
        except BaseException:
            line.close()
            raise
        line.tls_ms = _since(began)

    def _context(self, shown: ClientCertificate | None, offers: Protocols) -> ssl.SSLContext:
        """The shared context for these protocols, or one with this certificate. Raises EgressError."""
        if shown is None:
            return self._trusting(offers)
        try:
            return client_certificates.context(shown, self.ca_file, offers)
        except (OSError, ValueError) as error:  # it was judged when it was typed; OpenSSL may be another now
            raise EgressError(
                Failure.OWN_FAULT, "Our client certificate cannot be used: set it again."
            ) from error

    def _trusting(self, offers: Protocols) -> ssl.SSLContext:
        if offers not in self.contexts:
            self.contexts[offers] = client_certificates.trusting(self.ca_file, offers)
        return self.contexts[offers]

    async def dial(
        self,
        addresses: Sequence[Address],
        port: int,
        *,
        host: str = "",
        later: Later = None,
    ) -> Line:
        """Connect to the first address that answers: IPv6 first, the next one in parallel if it is slow.

        `later` (from `look_up`) joins in as soon as it is known. Raises EgressError.
        """
        if len(addresses) == 1 and later is None:
            return await self._dial_one(addresses[0], port)  # most of the time; no task for it
        dialling: set[asyncio.Task[Line]] = set()
        waiting = list(addresses)
        failure: EgressError | None = None
        try:
            while waiting or dialling or later is not None:
                if waiting:
                    dialling.add(asyncio.create_task(self._dial_one(waiting.pop(0), port)))
                done = await _next_done(dialling, later, is_more_waiting=bool(waiting))
                for task in [task for task in dialling if task in done]:
                    dialling.remove(task)
                    error = task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, EgressError):
                        raise error
                    # a missing IPv6 route says nothing while IPv4 is still to be tried
                    if failure is None or failure.failure is Failure.OWN_FAULT:
                        failure = error
                if later is not None and (later.done() or not (done or dialling or waiting)):
                    waiting += await self._allowed_later(host, port, later) if later.done() else []
                    let_go(later)
                    later = None
        finally:
            let_go(later)
            for dial in dialling:
                dial.cancel()
                dial.add_done_callback(_close_late)
        raise failure or EgressError(Failure.UNREACHABLE, "No address could be reached.")

    async def _dial_one(self, address: Address, port: int) -> Line:
        began = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection(str(address), port, limit=READ_LIMIT)
        except OSError as error:
            raise dial_error(
                error, port, has_route=error.errno not in NO_WAY or has_route(address)
            ) from error
        return Line(reader, writer, str(address), address.version, None, _since(began))

    async def dial_own(self, host: str, port: int) -> socket.socket:
        """A connected socket to a server the operator named in the environment. Raises EgressError.

        Resolved by the system, as the operator's names may be short ("mail" in a cluster), and without an
        allow list: an organisation's mail server is usually on its private network.
        """
        loop = asyncio.get_running_loop()
        try:
            candidates = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise EgressError(Failure.DNS, f"The name {host} could not be resolved.") from error
        failure = EgressError(Failure.UNREACHABLE, "No address could be reached.")
        for family, kind, protocol, _, address in candidates:
            line = socket.socket(family, kind, protocol)
            line.setblocking(False)
            try:
                async with asyncio.timeout(OWN_SERVER_S):
                    await loop.sock_connect(line, address)
            except TimeoutError:
                failure = EgressError(Failure.TIMEOUT_CONNECT, "The connection timed out.")
            except OSError as error:
                failure = dial_error(error, port)
            except BaseException:
                line.close()
                raise
            else:
                return line
            line.close()
        raise failure


def through(door: Door) -> Egress:
    """The way out through this door, with the operator's allow list for it."""
    from django.conf import settings

    lists = {
        # `up` adds what its own probes look at, and on one's own machine loopback
        Door.PROBES: [*settings.EGRESS_ALLOW, *settings.UP_EGRESS_ALLOW],
        Door.SUBSCRIBERS: settings.SUBSCRIBER_EGRESS_ALLOW,
        Door.ALERTS: settings.EGRESS_ALLOW,
        Door.SIGN_ON: settings.EGRESS_ALLOW,
        Door.REGION: EVERYWHERE,
        Door.SELF_TEST: ["127.0.0.1/32"],
        Door.HOOKS: settings.EGRESS_ALLOW,
        Door.OWN_PAGE: EVERYWHERE,
    }
    return Egress(lists[door], setting=door.value)


def _six_first(addresses: Iterable[Address]) -> list[Address]:
    return sorted(addresses, key=lambda address: -address.version)


def _server_name(host: str) -> str:
    literal = literal_address(host)
    return str(literal) if literal else ascii_host(host).rstrip(".")


def has_route(address: Address) -> bool:
    """Whether this machine has a route to the address. Sends nothing: the kernel looks into its table."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as line:
            line.connect((str(address), 9))
    except OSError:
        return False
    return True


async def _next_done(
    dialling: "set[asyncio.Task[Line]]", later: Later, *, is_more_waiting: bool
) -> "set[asyncio.Task[Any]]":
    """The tasks that ended (dials or the slower look-up); empty when it is time to try the next address."""
    pending: set[asyncio.Task[Any]] = {*dialling, *([later] if later is not None else [])}
    timeout = EYEBALLS_LAG_S if is_more_waiting else None if dialling else LAST_HOPE_S
    done, _ = await asyncio.wait(pending, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    return done


def _close_late(task: "asyncio.Task[Line]") -> None:
    """Close a connection that was made after another one was chosen."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
