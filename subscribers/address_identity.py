"""One spelling per address: a mailbox or endpoint written in two ways is one subscriber.

Mail: RFC 5321 (the domain is read without case, the name before it in truth as well), UTS 46 for domains
beyond ASCII, and none of the characters that Unicode calls ignorable (chapter 5.21). Web addresses: as
browsers read them (components.web_addresses).
"""

import re
from urllib.parse import urlsplit

import idna

from components import encryption
from components.targets import InvalidProbeError
from components.web_addresses import split_address
from subscribers.browsers import Browser
from subscribers.states import Channel

# Default_Ignorable_Code_Point (UCD), and spaces that are pasted along
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ENCODED = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")
_ROOT_DOT = re.compile(r"^(https?://[^/?#]*[^/?#.])\.(?=[/?#:]|$)")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322, section 3.2.3


def normal(channel: Channel | str, address: str) -> str:
    """The address in its normal spelling. An unreadable one stays as it is and is refused elsewhere."""
    address = address.strip()
    if channel == Channel.EMAIL:
        name, at, domain = _UNSEEN.sub("", address).strip().rpartition("@")
        return f"{_unquoted(name)}{at}{_domain(domain)}"
    if channel == Channel.WEB_PUSH:
        return Browser.read(address).text
    if channel == Channel.APPRISE:
        return address
    try:
        return split_address(address, with_login=True).geturl()
    except InvalidProbeError:
        return address


def identity(channel: Channel | str, address: str) -> str:
    """The form shared by all spellings of one address; `address` in its normal spelling.

    Web addresses: RFC 3986, section 6.2.2, and a trailing dot of the host. Messages are sent to the
    address as spelled, as a receiver may sign the address that it was given.
    """
    if channel == Channel.EMAIL:
        return address.lower()
    if channel in (Channel.WEB_PUSH, Channel.APPRISE):
        return address
    return _ENCODED.sub(_unreserved, _ROOT_DOT.sub(r"\1", address))


def _unreserved(encoded: re.Match[str]) -> str:
    """The character if it needs no percent-encoding; else the code in capitals."""
    letter = chr(int(encoded[1], 16))
    return letter if _UNRESERVED.fullmatch(letter) else encoded[0].upper()


def _unquoted(name: str) -> str:
    """The name without quotation marks that it does not need (RFC 5321, section 4.1.2)."""
    quoted = re.fullmatch(rf'"({_ATOM}(?:\.{_ATOM})*)"', name)
    return quoted[1] if quoted else name


def _domain(text: str) -> str:
    """The domain in A-labels, without a trailing dot."""
    try:
        return idna.encode(text, uts46=True).decode().lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError):
        return text.lower().removesuffix(".")


def fingerprint(channel: Channel | str, address: str) -> str:
    """The keyed hash under which the address is stored, the same for all its spellings."""
    return fingerprints(channel, address)[0]


def fingerprints(channel: Channel | str, address: str) -> tuple[str, str]:
    """The fingerprints to look an address up by: the present one, and that of earlier versions."""
    address = normal(channel, address)
    former = address.lower() if channel == Channel.EMAIL else address
    return encryption.fingerprint(identity(channel, address)), encryption.fingerprint(former)


def masked(channel: Channel | str, address: str) -> str:
    """What staff may read: a mail address as it is, of others the host and last characters."""
    if channel == Channel.EMAIL:
        return address[:255]
    if channel == Channel.APPRISE:  # the host part may be half of a key
        return f"{urlsplit(address).scheme}://…{address[-4:]}"
    parts = urlsplit(_endpoint(channel, address))
    path = parts.path if channel == Channel.WEBHOOK else f"/…{_endpoint(channel, address)[-4:]}"
    return f"{parts.hostname or parts.scheme}{path}"[:255]


def host_of(channel: Channel | str, address: str) -> str:
    """The key for limits by host: the domain of a mail address, host and port of others."""
    if channel == Channel.EMAIL:
        return address.rpartition("@")[2].lower()[:255]
    if channel == Channel.APPRISE:
        return f"apprise {urlsplit(address).scheme}"[:255]
    host, colon, port = urlsplit(_endpoint(channel, address)).netloc.rpartition("@")[2].partition(":")
    return (f"{host.removesuffix('.')}{colon}{port}" or str(channel)).lower()[:255]


def _endpoint(channel: Channel | str, address: str) -> str:
    """The URL in an address."""
    return Browser.read(address).endpoint if channel == Channel.WEB_PUSH else address
