"""What a redirect asks for next (fetch.spec.whatwg.org, HTTP-redirect fetch)."""

import base64
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from components import cookies
from components.web_addresses import split_address
from components.wire import PORTS

OF_THE_BODY = ("content-type", "content-encoding", "content-language", "content-length", "transfer-encoding")
SCHEME = re.compile("([a-zA-Z][a-zA-Z0-9+.-]*):")
Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Hop:
    """One request. `typed` is what staff wrote, which goes to the origin they named and nowhere else."""

    url: SplitResult
    method: str
    typed: Mapping[str, str]
    body: bytes
    home: Origin
    jar: tuple[cookies.Cookie, ...] = ()
    login: str = ""
    number: int = 0

    @property
    def host(self) -> str:
        return origin(self.url)[1]

    @property
    def port(self) -> int:
        return origin(self.url)[2]

    @property
    def is_secure(self) -> bool:
        return self.url.scheme == "https"

    @property
    def is_home(self) -> bool:
        """Whether this goes to the origin that staff named, where their secrets may go."""
        return origin(self.url) == self.home

    @property
    def authority(self) -> str:
        """Host and port as the Host header names them."""
        return self.url.netloc.rpartition("@")[2]

    @property
    def path(self) -> str:
        """Path and query."""
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")

    def fields(self) -> dict[str, str]:
        """The headers to send: those of staff, if they may go there, and cookies of the chain."""
        is_home = self.is_home
        if is_home and not (self.login or self.jar):
            return dict(self.typed)
        fields = {
            name: value for name, value in self.typed.items() if is_home or (self.body and _is_of_body(name))
        }
        names = {name.lower(): name for name in fields}
        if self.login and "authorization" not in names:
            fields["Authorization"] = self.login
        if brought := cookies.header(self.jar, self.url):
            name = names.get("cookie", "Cookie")
            fields[name] = f"{fields[name]}; {brought}" if name in fields else brought
        return fields


@functools.lru_cache(maxsize=4096)  # the same few targets, each minute
def origin(url: SplitResult) -> Origin:
    """Scheme, host and port, which together say to whom a secret may go."""
    return url.scheme, url.hostname or "", url.port or PORTS[url.scheme]


def first_hop(url: str, method: str, headers: Mapping[str, str], body: bytes) -> Hop:
    """The first request, from the order."""
    parts = urlsplit(url)  # kept by Python for addresses it has seen
    return Hop(parts, method, headers, body, origin(parts))


def next_hop(hop: Hop, status: int, location: str, set_cookies: Sequence[str]) -> Hop:
    """The request a redirect asks for. Raises InvalidProbeError."""
    url = _joined(hop.url, hop.authority, _readable(location).replace("\t", ""))
    parts = split_address(url, with_login=True)
    login = _login(parts)
    parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    if not login and origin(parts) == origin(hop.url):
        login = hop.login
    method, typed, body = hop.method, hop.typed, hop.body
    if (status == 303 and method not in ("GET", "HEAD")) or (status in (301, 302) and method == "POST"):
        method, body = "GET", b""
        typed = {name: value for name, value in typed.items() if not _is_of_body(name)}
    jar = cookies.updated(hop.jar, map(_readable, set_cookies), hop.url)
    return Hop(parts, method, typed, body, hop.home, jar, login, hop.number + 1)


def _joined(base: SplitResult, authority: str, location: str) -> str:
    """Where it leads to from here, as browsers see it: urljoin loses an empty query and empty steps."""
    before, mark, query = location.partition("#")[0].partition("?")
    before = before.replace("\\", "/")
    if (
        (scheme := SCHEME.match(before))
        and scheme[1].lower() == base.scheme
        and not before.startswith("/", scheme.end())
    ):
        before = before[scheme.end() :]  # "http:next" is no whole address
    elif scheme:
        return f"{before}{mark}{query}"
    base_origin = f"{base.scheme}://{authority}"
    if before.startswith("//"):
        return f"{base.scheme}:{before}{mark}{query}"
    if before.startswith("/"):
        return f"{base_origin}{before}{mark}{query}"
    if before:
        return f"{base_origin}{base.path.rpartition('/')[0]}/{before}{mark}{query}"
    return f"{base_origin}{base.path}{mark}{query}" if mark else f"{base_origin}{base.path}?{base.query}"


def _is_of_body(name: str) -> bool:
    return name.lower() in OF_THE_BODY


def _readable(location: str) -> str:
    """Raw UTF-8, which headers bring as Latin-1: it leaves as it came."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _login(url: SplitResult) -> str:
    """The login an address carries, as Basic authorization; empty without one."""
    if url.username is None and url.password is None:
        return ""
    pair = unquote_to_bytes(url.username or "") + b":" + unquote_to_bytes(url.password or "")
    return f"Basic {base64.b64encode(pair).decode()}"
