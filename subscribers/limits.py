"""Rate limits for strangers, counted in the database, so that they hold without Redis.

If counting fails, the request is refused. Keys are fingerprints: the table holds no addresses.
"""

import ipaddress

from django.core.cache import cache

from components import encryption
from subscribers import address_identity
from subscribers.states import Channel

HOUR_S = 3_600
SIGN_UPS = 10  # an hour from one network
ACTS = 20  # an hour with one key: tests, replays, new starts
NETWORK_BITS = 64  # what one household or server gets of IPv6
DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}  # read a.b@ and ab@ as the same


def once_an_hour(what: str, whom: str) -> bool:
    """Whether this is the first time within an hour; counts it."""
    return bool(cache.add(_key(what, whom), 1, HOUR_S))


def has_place(what: str, whom: str, places: int) -> bool:
    """Whether there were fewer than `places` within the hour; counts this one."""
    keys = [_key(f"{what} {number}", whom) for number in range(places)]
    taken = cache.get_many(keys)
    return any(cache.add(key, 1, HOUR_S) for key in keys if key not in taken)


def may_write(channel: Channel | str, address: str) -> bool:
    """Whether a message requested by a stranger may be sent to this address now: one an hour."""
    place = address_identity.identity(channel, address_identity.normal(channel, address))
    return once_an_hour(f"letter {channel}", mailbox(address) if channel == Channel.EMAIL else place)


def mailbox(address: str) -> str:
    """The mailbox of an address: without `+tag`, case and, at Google, dots."""
    name, _, domain = address_identity.normal(Channel.EMAIL, address).casefold().rpartition("@")
    name = name.split("+", 1)[0] or name
    if domain in DOTLESS:
        name, domain = name.replace(".", ""), DOTLESS[domain]
    return f"{name}@{domain}"


def network(address: str) -> str:
    """The network that shares a limit: the address itself, for IPv6 its /64."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.IPv6Network((ip, NETWORK_BITS), strict=False))
    return str(ip)


def _key(what: str, whom: str) -> str:
    return f"subscribers:{encryption.fingerprint(f'{what} {whom}')}"
