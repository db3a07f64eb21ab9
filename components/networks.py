"""Which addresses may be dialled, however they are spelled.

Addresses of our own networks are refused unless the operator allowed them in
the environment: a whole network (`10.1.0.0/16`), or one port of one address
(`127.0.0.1:8000`, `[::1]:8000`). Before either may stand the name it is opened for
(`db.example.org=10.1.0.0/16`): then no other name leads there, whoever owns that one.

Which spellings are IPv4 addresses follows the host parser of the URL standard
(https://url.spec.whatwg.org/#host-parsing): browsers and system resolvers read
hosts that way, so a spelling that we took for a name would be judged as a name
and dialled as an address.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Explicit, since `is_global` lets NAT64, 6to4, mapped and multicast through (Python 3.11).
# Sources: the IANA special-purpose address registries for IPv4 and IPv6. 168.63.129.16 is public by the
# registries, and the platform beneath every machine on Azure.
DENIED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "168.63.129.16/32",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # IPv6: only 2000::/3 is given out (RFC 4291, section 2.4); all forms of IPv4 inside stand outside it
        "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allowed:
    """A network that the operator opened; with a port, that port alone; with a name, for that name alone.

    A name that begins with "*." stands for every name below it.
    """

    network: Network
    port: int | None = None
    name: str = ""

    def covers(self, address: Address, port: int, host: str = "") -> bool:
        """Whether this port of this address is meant, when it is reached as `host` (in ASCII)."""
        if not self._is_for(host) or self.port not in (None, port):
            return False
        return address.version == self.network.version and address in self.network

    def _is_for(self, host: str) -> bool:
        if not self.name:
            return True
        name = host.lower().removesuffix(".")
        return name.endswith(self.name[1:]) if self.name.startswith("*.") else name == self.name


NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
ONE_PORT = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<v4>[0-9.]+)):(?P<port>[0-9]{1,5})")


def allowed(texts: Iterable[str]) -> tuple[Allowed, ...]:
    """The operator's list as values: networks or address:port, each perhaps after a name and "=".

    Raises ValueError for anything else.
    """
    return tuple(_allowed(text) for text in texts)


def _allowed(text: str) -> Allowed:
    name, sign, place = (part.strip() for part in text.rpartition("="))
    bound = _bound_name(name) if sign else ""
    one_port = ONE_PORT.fullmatch(place)
    if one_port is None:
        return Allowed(ipaddress.ip_network(place, strict=False), None, bound)
    port = int(one_port["port"])
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return Allowed(ipaddress.ip_network(one_port["v6"] or one_port["v4"]), port, bound)


def _bound_name(text: str) -> str:
    """The name before "=", as DNS has it. Raises ValueError, also for an address: that is no name."""
    below, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode()  # IDNAError is a ValueError
    name = name.lower().removesuffix(".")
    if not NAME.fullmatch(name) or ends_in_number(name):
        raise ValueError(text)
    return below + name


def may_dial(address: Address, port: int, allow: Sequence[Allowed], host: str = "") -> bool:
    """Whether this port of this address may be dialled. Addresses inside addresses are judged too.

    `host` is the name it was resolved from, in ASCII; empty for an address that was spelled out.
    """
    if any(entry.covers(address, port, host) for entry in allow):
        return True
    inner = _embedded(address)
    if inner is not None:
        # ::ffff:127.0.0.1 reaches what 127.0.0.1 reaches
        return any(entry.covers(inner, port, host) for entry in allow)
    return not any(address in net for net in DENIED if net.version == address.version)


def is_public(address: str) -> bool:
    """Whether anybody may dial this literal address."""
    literal = literal_address(address)
    return literal is not None and may_dial(literal, 0, ())


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one: mapped, translated, compatible, NAT64, 6to4."""
    if address.version == 4:
        return None
    value = int(address)
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if value >> 32 in (0x0064FF9B << 64, 0xFFFF0000) or (value >> 16 > 0 and value >> 32 == 0):
        return ipaddress.IPv4Address(value & 0xFFFFFFFF)
    return None


@functools.lru_cache(maxsize=4096)  # the same few targets, each minute
def literal_address(host: str) -> Address | None:
    """The address a host spells out, in any spelling a system would understand; else None. Never raises.

    Old spellings count (0x7f.1, 2130706433, 0177.0.0.1), and so do letters that stand for ASCII
    ones (１２７。1). A host that ends in a number and is no address is `ends_in_number`: no name either.
    """
    text = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in text:
        return _ipv6(text)
    numbers = [_number(part) for part in _parts(_plain(text))]
    if not 1 <= len(numbers) <= 4:
        return None
    *first, last = numbers
    if last is None or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for place, number in enumerate(first):
        if number is None or number > 255:
            return None
        value += number << (24 - 8 * place)
    return ipaddress.IPv4Address(value)


def ends_in_number(host: str) -> bool:
    """Whether the last part is a number: such a host is an IPv4 address or nothing (never a name)."""
    last = _parts(_plain(host))[-1]
    return bool(DECIMAL.fullmatch(last)) or _number(last) is not None


DECIMAL = re.compile("[0-9]+")
OCTAL = re.compile("[0-7]*")
HEXADECIMAL = re.compile("[0-9a-fA-F]*")
MAX_DIGITS = 300  # more than any host has: Python refuses to read numbers of thousands of digits


def _ipv6(text: str) -> Address | None:
    """An IPv6 address without its zone (%eth0), which names a link, not an address."""
    try:
        return ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return None


def _plain(host: str) -> str:
    """Letters that stand for ASCII ones as those (UTS 46): １ is 1, 。 is a dot."""
    if host.isascii():
        return host
    try:
        return idna.uts46_remap(host, std3_rules=False, transitional=False)
    except idna.IDNAError:
        return host


def _parts(host: str) -> list[str]:
    """The parts between dots; one dot at the end is ignored."""
    return (host[:-1] if len(host) > 1 and host.endswith(".") else host).split(".")


def _number(text: str) -> int | None:
    """A part as the standard's IPv4 number parser reads it; None when it is none. `0x` is 0."""
    if not text or len(text) > MAX_DIGITS:
        return None
    digits, base, pattern = text, 10, DECIMAL
    if text[:2] in ("0x", "0X"):
        digits, base, pattern = text[2:], 16, HEXADECIMAL
    elif len(text) > 1 and text.startswith("0"):
        digits, base, pattern = text[1:], 8, OCTAL
    return int(digits or "0", base) if pattern.fullmatch(digits) else None
