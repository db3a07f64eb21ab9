"""Web addresses as browsers read them (url.spec.whatwg.org): what is typed, and where redirects lead."""

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from components.networks import literal_address
from components.targets import MAX_TARGET_LENGTH, InvalidProbeError, checked_host
from components.wire import PORTS

# what stays as it is in a path and in a query: all of ASCII but the percent-encode sets of the standard
PATH_SAFE = "!$%&'()*+,/:;=@[\\]|~-._"
QUERY_SAFE = PATH_SAFE.replace("'", "") + "?`{}^"
CONTROLS = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # and halves of letters
ONE_DOT, TWO_DOTS = (".", "%2e"), ("..", ".%2e", "%2e.", "%2e%2e")


def split_address(target: str, *, with_login: bool = False) -> SplitResult:
    """The address in parts, in ASCII, ready to be asked for. Raises InvalidProbeError."""
    text = target.strip(" \t\r\n")
    if len(text) > MAX_TARGET_LENGTH:
        raise InvalidProbeError("target", f"The address is longer than {MAX_TARGET_LENGTH} characters.")
    if CONTROLS.search(text):
        raise InvalidProbeError("target", "The address contains control characters: remove them.")
    text = text.partition("#")[0]
    before, mark, query = text.partition("?")
    try:
        url = urlsplit(before.replace("\\", "/") + mark + query)
        port, login = url.port, url.username is not None or url.password is not None
    except ValueError as error:
        raise InvalidProbeError("target", "The address is malformed: check host and port.") from error
    _refuse(url, port, has_login=login and not with_login)
    host = _host(url)
    is_usual = port == PORTS[url.scheme]
    place = (f"[{host}]" if ":" in host else host) + ("" if port is None or is_usual else f":{port}")
    if login:
        place = f"{url.netloc.rpartition('@')[0]}@{place}"
    return SplitResult(url.scheme, place, _path(url.path), quote(url.query, safe=QUERY_SAFE), "")


def _refuse(url: SplitResult, port: int | None, *, has_login: bool) -> None:
    if url.scheme not in ("http", "https"):
        raise InvalidProbeError("target", "Enter the full address, with http:// or https://.")
    if has_login:
        raise InvalidProbeError("target", "Put the login in an Authorization header, not in the address.")
    if port == 0:
        raise InvalidProbeError("target", "Port 0 does not exist: use 1 to 65535.")


def _host(url: SplitResult) -> str:
    """As DNS, the Host header and TLS know it. Raises InvalidProbeError."""
    host = url.hostname or ""
    if "[" in url.netloc:
        if "%" in host:
            raise InvalidProbeError("target", "An address with a zone cannot be used: remove %….")
        literal = literal_address(checked_host(host))
        if literal is None:
            raise InvalidProbeError("target", "The address is malformed: check host and port.")
        return str(literal)
    if any(character.isspace() for character in host):
        raise InvalidProbeError("target", "The host contains spaces: remove them.")
    name = checked_host(unquote(host, errors="replace"))
    literal = literal_address(name)  # in old spellings, or in letters that stand for digits
    return str(literal) if literal else name


def _path(path: str) -> str:
    """Encoded as browsers do: what is encoded already, and a lone %, stay; dot segments are resolved."""
    steps: list[str] = []
    parts = quote(path or "/", safe=PATH_SAFE).split("/")[1:]
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part.lower() in TWO_DOTS:
            del steps[-1:]
        elif part.lower() not in ONE_DOT:
            steps.append(part)
            continue
        if is_last:
            steps.append("")
    return "/" + "/".join(steps)
