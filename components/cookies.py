"""Cookies set along a chain of redirects (RFC 6265), kept for one check."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

from components.networks import literal_address

MAX_COOKIES = 50


@dataclass(frozen=True, slots=True)
class Cookie:
    name: str
    value: str
    host: str
    is_host_only: bool
    path: str
    is_secure: bool

    def goes_to(self, url: SplitResult) -> bool:
        """Whether it is sent to this address (section 5.4)."""
        host, path = url.hostname or "", url.path or "/"
        is_there = host == self.host or (not self.is_host_only and host.endswith(f".{self.host}"))
        is_below = path == self.path or path.startswith(self.path.rstrip("/") + "/")
        return is_there and is_below and (not self.is_secure or url.scheme == "https")


def updated(jar: tuple[Cookie, ...], lines: Iterable[str], url: SplitResult) -> tuple[Cookie, ...]:
    """The jar after these Set-Cookie lines: cookies added, replaced or removed."""
    for line in lines:
        cookie, is_over = _read(line, url)
        if cookie is None:
            continue
        place = (cookie.name, cookie.host, cookie.path)
        jar = tuple(other for other in jar if (other.name, other.host, other.path) != place)
        if not is_over:
            jar = (*jar, cookie)[-MAX_COOKIES:]
    return jar


def header(jar: Iterable[Cookie], url: SplitResult) -> str:
    """The value of `Cookie` for this address, longer paths first; empty for none."""
    matching = sorted((cookie for cookie in jar if cookie.goes_to(url)), key=lambda cookie: -len(cookie.path))
    return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in matching)


def _read(line: str, url: SplitResult) -> tuple[Cookie | None, bool]:
    """The cookie of a Set-Cookie line, and whether it has expired; None if the line must be ignored."""
    first, *rest = line.split(";")
    name, equals, value = first.partition("=")
    if not equals:
        name, value = "", first
    name, value = name.strip(), value.strip()
    attributes = {
        key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in rest)
    }
    host, is_secure = url.hostname or "", "secure" in attributes
    domain = attributes.get("domain", "").lower().lstrip(".")
    path = attributes.get("path", "")
    path = path if path.startswith("/") else (url.path.rpartition("/")[0] or "/")
    if domain and domain != host and not _may_set(domain, host):
        return None, False
    if (
        not (name or value)
        or (is_secure and url.scheme != "https")
        or not _keeps_prefix(name, attributes, url)
    ):
        return None, False
    return Cookie(name, value, domain or host, not domain, path, is_secure), _has_expired(attributes)


def _may_set(domain: str, host: str) -> bool:
    """Whether the host may set cookies for this domain: a parent, not an address or a top-level domain."""
    return "." in domain and host.endswith(f".{domain}") and literal_address(host) is None


def _keeps_prefix(name: str, attributes: dict[str, str], url: SplitResult) -> bool:
    if name.lower().startswith(("__secure-", "__host-")) and (
        "secure" not in attributes or url.scheme != "https"
    ):
        return False
    return not name.lower().startswith("__host-") or (
        "domain" not in attributes and attributes.get("path") == "/"
    )


def _has_expired(attributes: dict[str, str]) -> bool:
    """Max-Age counts before Expires (section 5.3)."""
    age = attributes.get("max-age", "")
    if age.removeprefix("-").isascii() and age.removeprefix("-").isdigit():
        return age.startswith("-") or not age.strip("0")
    try:
        ends = parsedate_to_datetime(attributes.get("expires", ""))
        return (ends if ends.tzinfo else ends.replace(tzinfo=UTC)) <= datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return False
