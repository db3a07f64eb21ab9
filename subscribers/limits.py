"""Rate limits for strangers, counted in the database, so that they hold without Redis.

What cannot be counted is refused. Keys are fingerprints: the table holds no addresses.
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
    """Take the one place of this hour. False when it is taken."""
    return bool(cache.add(_key(what, whom), 1, HOUR_S))


def has_place(what: str, whom: str, places: int) -> bool:
    """Take one of so many places, each kept for an hour. False when all are taken."""
    keys = [_key(f"{what} {number}", whom) for number in range(places)]
    taken = cache.get_many(keys)
    return any(cache.add(key, 1, HOUR_S) for key in keys if key not in taken)


def may_write(channel: Channel | str, address: str) -> bool:
    """Whether a stranger's letter may go to this address now: one an hour, however it is spelled."""
    place = address_identity.identity(channel, address_identity.normal(channel, address))
    return once_an_hour(f"letter {channel}", mailbox(address) if channel == Channel.EMAIL else place)


def mailbox(address: str) -> str:
    """Where a mail ends up: `+tag` and case make no other mailbox, nor dots at Google."""
    name, _, domain = address_identity.normal(Channel.EMAIL, address).casefold().rpartition("@")
    name = name.split("+", 1)[0] or name
    if domain in DOTLESS:
        name, domain = name.replace(".", ""), DOTLESS[domain]
    return f"{name}@{domain}"


def network(address: str) -> str:
    """Who shares a limit with this client: the address itself, of IPv6 its /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((found, NETWORK_BITS), strict=False))
    return str(found)


def _key(what: str, whom: str) -> str:
    return f"subscribers:{encryption.fingerprint(f'{what} {whom}')}"
