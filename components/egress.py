"""The only door to the outside: every outgoing socket is opened here.

A name is resolved once, every address it has must pass, and exactly that
address is dialled, so nothing can change between the look and the step.
Addresses of our own networks are refused unless the operator allowed them in
the environment.
"""

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import idna

from components.outcomes import Failure

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Explicit, since `is_global` lets NAT64, 6to4, mapped and multicast through (Python 3.11).
# Sources: the IANA special-purpose address registries for IPv4 and IPv6.
DENIED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
        "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
EYEBALLS_LAG_S = 0.25  # how long IPv6 may lag before IPv4 is tried beside it (RFC 8305)
READ_LIMIT = 64 * 1024  # of the stream's buffer, and so of a header
RESOLVER_CANARY_S = 1.0
OWN_SERVER_S = 5.0  # for each address of a server of our own
HOSTS_FILE = Path("/etc/hosts")
# Errors that say something of this machine, not of the target
OUR_ERRNO = {errno.EMFILE, errno.ENFILE, errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL,
             errno.ENOBUFS, errno.ENOMEM, errno.EAFNOSUPPORT}  # fmt: skip


class EgressError(Exception):
    """The connection could not be made."""

    def __init__(self, failure: Failure, sentence: str) -> None:
        super().__init__(sentence)
        self.failure = failure
        self.sentence = sentence
        self.dns_ms: float | None = None
        self.connect_ms: float | None = None


class Denied(EgressError):
    """This address is on a network we do not look into."""

    def __init__(self, host: str) -> None:
        super().__init__(
            Failure.DENIED,
            f"{host} leads to an address on a private or reserved network. "
            "An operator can allow it with EGRESS_ALLOW.",
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

    def close(self) -> None:
        """Let go at once; nobody waits for a target to say goodbye."""
        self.writer.transport.abort()

    @property
    def certificate(self) -> bytes | None:
        """The peer's certificate (DER), if the line is secure."""
        tls = self.writer.get_extra_info("ssl_object")
        return tls.getpeercert(binary_form=True) if tls else None


class Egress:
    """One door, with its allow list. `nameservers` replaces the system's (tests, dns probes)."""

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        nameservers: Sequence[tuple[str, int]] = (),
        ca_file: str | None = None,
    ) -> None:
        self.allow = tuple(ipaddress.ip_network(text, strict=False) for text in allow)
        self.nameservers = tuple(nameservers)
        # one context for all: making one costs more than a check (1.1 ms, measured)
        self.tls = ssl.create_default_context(cafile=ca_file)
        self.resolver = self._make_resolver()

    def _make_resolver(self) -> dns.asyncresolver.Resolver | None:
        """None when the machine has no resolver at all."""
        try:
            resolver = dns.asyncresolver.Resolver(configure=not self.nameservers)
        except dns.resolver.NoResolverConfiguration:
            return None
        if self.nameservers:
            resolver.nameservers = [host for host, _ in self.nameservers]
            resolver.port = self.nameservers[0][1]
        return resolver

    def may_dial(self, address: Address) -> bool:
        """Whether this address may be dialled. Addresses inside addresses are judged too."""
        if any(address in network for network in self.allow if network.version == address.version):
            return True
        inner = _embedded(address)
        if inner is not None:
            # ::ffff:127.0.0.1 reaches what 127.0.0.1 reaches
            return any(inner in network for network in self.allow if network.version == 4)
        return not any(address in net for net in DENIED if net.version == address.version)

    async def addresses(self, host: str) -> list[Address]:
        """Every address of a host, all of them allowed, IPv6 first.

        Raises EgressError. A literal address is its own answer.
        """
        literal = literal_address(host)
        found = [literal] if literal else await self._look_up(host)
        if not found:
            raise EgressError(Failure.DNS, f"The name {host} has no address.")
        if not all(self.may_dial(address) for address in found):
            raise Denied(host)
        return sorted(found, key=lambda address: -address.version)

    async def _look_up(self, host: str) -> list[Address]:
        name = ascii_host(host)
        if known := _hosts_file(_hosts_stamp()).get(name.rstrip(".")):
            return list(known)
        if name.rstrip(".").endswith("localhost"):
            return [ipaddress.ip_address("::1"), ipaddress.ip_address("127.0.0.1")]
        answers = await asyncio.gather(
            self.query(name, "AAAA"), self.query(name, "A"), return_exceptions=True
        )
        found = [
            ipaddress.ip_address(text)
            for answer in answers
            if not isinstance(answer, BaseException)
            for text in answer
        ]
        if not found:
            for answer in answers:
                if isinstance(answer, EgressError):
                    raise answer
        return found

    async def query(self, name: str, record_type: str) -> list[str]:
        """The answers to a DNS question as text. Raises EgressError."""
        if self.resolver is None:
            raise EgressError(Failure.OWN_FAULT, "This machine has no resolver to ask.")
        try:
            answer = await self.resolver.resolve(name, record_type, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise EgressError(Failure.DNS, f"The name {name} does not exist.") from error
        except dns.resolver.NoNameservers as error:
            raise EgressError(Failure.DNS, f"The name servers refuse to answer for {name}.") from error
        except dns.exception.Timeout as error:
            raise await self._blame(name) from error
        except OSError as error:
            raise EgressError(Failure.OWN_FAULT, "The resolver cannot be reached.") from error
        except dns.exception.DNSException as error:
            raise EgressError(Failure.DNS, f"The name {name} cannot be looked up.") from error
        return [] if answer.rrset is None else [str(record) for record in answer.rrset]

    async def _blame(self, name: str) -> EgressError:
        """No answer: is the name's server silent, or have we no resolver at all?"""
        assert self.resolver is not None
        try:
            await self.resolver.resolve(".", "NS", raise_on_no_answer=False, lifetime=RESOLVER_CANARY_S)
        except (dns.exception.Timeout, OSError):
            return EgressError(Failure.OWN_FAULT, "Our resolver does not answer.")
        except dns.exception.DNSException:
            pass  # it answered, whatever it said
        return EgressError(Failure.TIMEOUT_DNS, f"No answer to the name {name}.")

    async def open(self, host: str, port: int, *, tls: bool = False) -> Line:
        """A fresh connection. Raises EgressError; the caller's deadline bounds all of it."""
        began = time.perf_counter()
        found = await self.addresses(host)
        dns_ms = _since(began)
        try:
            line = await self.dial(found, port)
        except EgressError as error:
            error.dns_ms = dns_ms
            raise
        line.dns_ms = dns_ms
        if tls:
            await self.secure(line, host)
        return line

    async def secure(self, line: Line, host: str) -> None:
        """Speak TLS on the line; name and chain must hold. Raises EgressError."""
        began = time.perf_counter()
        try:
            await line.writer.start_tls(self.tls, server_hostname=_server_name(host))
        except ssl.SSLCertVerificationError as error:
            line.close()
            raise EgressError(Failure.TLS, f"The certificate is refused: {error.verify_message}.") from error
        except (ssl.SSLError, ConnectionError, OSError) as error:
            line.close()
            raise EgressError(Failure.TLS, f"No secure connection: {_reason(error)}.") from error
        except BaseException:
            line.close()
            raise
        line.tls_ms = _since(began)

    async def dial(self, found: Sequence[Address], port: int) -> Line:
        """The first address that answers: IPv6 first, the next one beside it when it lags."""
        if len(found) == 1:
            return await self._dial_one(found[0], port)
        tasks: list[asyncio.Task[Line]] = []
        waiting = list(found)
        failure: EgressError | None = None
        try:
            while waiting or tasks:
                if waiting:
                    tasks.append(asyncio.create_task(self._dial_one(waiting.pop(0), port)))
                done, _ = await asyncio.wait(
                    tasks,
                    timeout=EYEBALLS_LAG_S if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    tasks.remove(task)
                    error = task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, EgressError):
                        raise error
                    # a missing IPv6 route says nothing while IPv4 is still to be tried
                    if failure is None or failure.failure is Failure.OWN_FAULT:
                        failure = error
        finally:
            for task in tasks:
                task.cancel()
                task.add_done_callback(_close_late)
        raise failure or EgressError(Failure.UNREACHABLE, "No address could be reached.")

    async def _dial_one(self, address: Address, port: int) -> Line:
        began = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection(str(address), port, limit=READ_LIMIT)
        except OSError as error:
            raise _as_egress_error(error, port) from error
        return Line(reader, writer, str(address), address.version, None, _since(began))

    async def dial_own(self, host: str, port: int) -> socket.socket:
        """A connected socket to a server the operator named in the environment. Raises EgressError.

        Looked up by the system, as the operator's names may be short ("mail" in a cluster), and not
        judged: the mail server of a house usually stands on its private network.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise EgressError(Failure.DNS, f"The name {host} cannot be looked up.") from error
        failure = EgressError(Failure.UNREACHABLE, "No address could be reached.")
        for family, kind, protocol, _, address in found:
            line = socket.socket(family, kind, protocol)
            line.setblocking(False)
            try:
                async with asyncio.timeout(OWN_SERVER_S):
                    await loop.sock_connect(line, address)
            except TimeoutError:
                failure = EgressError(Failure.TIMEOUT_CONNECT, "No answer to the connection.")
            except OSError as error:
                failure = _as_egress_error(error, port)
            except BaseException:
                line.close()
                raise
            else:
                return line
            line.close()
        raise failure


def default() -> Egress:
    """The door with the operator's allow list."""
    from django.conf import settings

    return Egress(settings.EGRESS_ALLOW)


def literal_address(host: str) -> Address | None:
    """The address a host spells out, in any spelling a system would understand; else None.

    Old spellings (0x7f.1, 2130706433, 0177.0.0.1) are read as inet_aton reads them.
    """
    text = host.strip("[]").split("%")[0].rstrip(".")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    parts = text.split(".")
    if not 1 <= len(parts) <= 4 or not all(_is_number(part) for part in parts):
        return None
    numbers = [_number(part) for part in parts]
    *first, last = numbers
    if any(n > 255 for n in first) or last >= 256 ** (5 - len(parts)):
        return None
    value = last + sum(n << (24 - 8 * place) for place, n in enumerate(first))
    return ipaddress.IPv4Address(value)


def ascii_host(host: str) -> str:
    """The host as DNS knows it. Raises EgressError for what can be no name."""
    text = host.lower()
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError as error:
        raise EgressError(Failure.DNS, f"{host} can be no name.") from error


def _server_name(host: str) -> str:
    literal = literal_address(host)
    return str(literal) if literal else ascii_host(host).rstrip(".")


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return bool(text)


def _number(text: str) -> int:
    if text.startswith(("0x", "0X")):
        return int(text[2:] or "0", 16)
    if len(text) > 1 and text.startswith("0"):
        return int(text, 8)
    if not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one: mapped, compatible, NAT64, 6to4."""
    if address.version == 4:
        return None
    value = int(address)
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if value >> 32 == 0x0064FF9B << 64 or (value >> 16 > 0 and value >> 32 == 0):
        return ipaddress.IPv4Address(value & 0xFFFFFFFF)
    return None


def _hosts_stamp() -> float:
    try:
        return HOSTS_FILE.stat().st_mtime
    except OSError:
        return 0.0


@lru_cache(maxsize=1)
def _hosts_file(_stamp: float) -> dict[str, tuple[Address, ...]]:
    """The names of /etc/hosts; read again when the file changes."""
    known: dict[str, tuple[Address, ...]] = {}
    try:
        lines = HOSTS_FILE.read_text(errors="replace").splitlines()
    except OSError:
        return known
    for line in lines:
        text, *names = line.split("#")[0].split() or [""]
        address = literal_address(text) if text else None
        if address is None:
            continue
        for name in names:
            known[name.lower()] = (*known.get(name.lower(), ()), address)
    return known


def _as_egress_error(error: OSError, port: int) -> EgressError:
    if isinstance(error, ConnectionRefusedError):
        return EgressError(Failure.REFUSED, f"Nothing listens on port {port}: connection refused.")
    if isinstance(error, ConnectionError):
        return EgressError(Failure.RESET, "The connection was broken off while it was made.")
    if error.errno in OUR_ERRNO:
        return EgressError(Failure.OWN_FAULT, f"We could not dial: {_reason(error)}.")
    if error.errno == errno.ETIMEDOUT:
        return EgressError(Failure.TIMEOUT_CONNECT, "No answer to the connection.")
    return EgressError(Failure.UNREACHABLE, f"It cannot be reached: {_reason(error)}.")


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", "") or getattr(error, "reason", "") or type(error).__name__
    return str(text).rstrip(".").lower().replace("_", " ")


def _close_late(task: "asyncio.Task[Line]") -> None:
    """A slower address that got through after all is hung up on."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
