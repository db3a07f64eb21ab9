"""Which addresses may be dialled, however they are spelled.

Addresses of our own networks are refused unless the operator allowed them in
the environment.
"""

import ipaddress
from collections.abc import Sequence

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


def may_dial(address: Address, allow: Sequence[Network]) -> bool:
    """Whether this address may be dialled. Addresses inside addresses are judged too."""
    if any(address in network for network in allow if network.version == address.version):
        return True
    inner = _embedded(address)
    if inner is not None:
        # ::ffff:127.0.0.1 reaches what 127.0.0.1 reaches
        return any(inner in network for network in allow if network.version == 4)
    return not any(address in net for net in DENIED if net.version == address.version)


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
