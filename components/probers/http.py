"""HTTP: the right status, the right words, in time.

Follows up to five redirects, each judged by the door anew; secrets stay home
when a redirect leaves the origin.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import jsonpath
import re2

from components import wire
from components.egress import Egress, Line
from components.outcomes import Failure, Reading
from components.probers import certificate
from components.probers.base import (
    LONGEST_TARGET,
    Clock,
    InvalidProbe,
    Option,
    checked_host,
    connect,
    options_of,
    printable,
)

MOST_BODY_BYTES = 1024 * 1024
MOST_REDIRECTS = 5
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODYLESS = (204, 205, 304)  # RFC 9110, section 6.4.1
REDIRECTS = (301, 302, 303, 307, 308)
UNREAD = ("down", "unknown")
SECRETS = ("authorization", "cookie", "proxy-authorization")
LONGEST_REGEX = 500
STATUS = re.compile("[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask, and what to find."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    statuses: tuple[tuple[int, int], ...]
    text: str
    regex: Any
    json_path: Any
    json_equals: str
    header: str
    header_value: str
    follows: bool

    def accepts(self, code: int) -> bool:
        """Whether this status is as expected."""
        return any(low <= code <= high for low, high in self.statuses)


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a chain."""

    url: SplitResult
    method: str
    headers: Mapping[str, str]
    body: bytes


class HTTP:
    kind = "http"
    label = "HTTP request"
    target_help = "http:// or https:// address"
    options = (
        Option("method", "Method", type="choice", default="GET", choices=METHODS),
        Option("headers", "Headers", type="mapping", default={}, help="One “Name: value” a line."),
        Option("body", "Body", type="text"),
        Option("expected_status", "Expected status", default="200-299", help="As 200-299,301."),
        Option("expect_text", "Text", type="text", help="The body must contain this."),
        Option("expect_regex", "Regular expression", help="The body must match (RE2 syntax)."),
        Option("json_path", "JSON path", help="As $.status; must find something."),
        Option("json_equals", "JSON value", help="Everything the JSON path finds must be this."),
        Option(
            "unread",
            "When it cannot be read",
            type="choice",
            default="down",
            choices=UNREAD,
            help="Unknown, for an address that reports about something else.",
        ),
        Option("expect_header", "Header", help="A header that must be there."),
        Option("expect_header_value", "Header value", help="What that header must contain."),
        Option("follow_redirects", "Follow redirects", type="bool", default=True),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> Order:
        """The order, checked. Raises InvalidProbe."""
        given = options_of(self, options)
        _split(target)
        _printable_headers(given["headers"])
        statuses = _statuses(given["expected_status"])
        _refuse_words_without_body(given, statuses)
        return Order(
            url=target.strip(),
            method=given["method"],
            headers=given["headers"],
            body=given["body"].encode(),
            statuses=statuses,
            text=given["expect_text"],
            regex=_regex(given["expect_regex"]),
            json_path=_json_path(given["json_path"]),
            json_equals=given["json_equals"],
            header=given["expect_header"].strip().lower(),
            header_value=given["expect_header_value"],
            follows=given["follow_redirects"],
        )

    def address(self, order: Order) -> tuple[str, int]:
        """Of the first hop; later ones are judged when they come."""
        return _place(urlsplit(order.url))

    async def run(self, order: Order, clock: Clock, egress: Egress) -> Reading:
        """Ask, follow, and judge the answer."""
        hop = Hop(urlsplit(order.url), order.method, order.headers, order.body)
        for _ in range(MOST_REDIRECTS + 1):
            line = await _connect(hop, clock, egress)
            try:
                head = await _ask(hop, line, clock)
                location = head.headers.get("location")
                if order.follows and head.status in REDIRECTS and location:
                    hop = _next(hop, head.status, location)
                    continue
                body = await _read(hop, line, head, clock)
                return _judge(order, head, body, line, clock)
            except wire.TooLarge as error:
                return clock.reading(failure=Failure.TOO_LARGE, detail=f"Too large: the {error}.")
            except wire.Garbled:
                return clock.reading(failure=Failure.PROTOCOL, detail="The answer is not HTTP.")
            except InvalidProbe as refused:
                return clock.reading(
                    failure=Failure.REDIRECT, detail=f"Redirected to a bad address: {refused.sentence}"
                )
            except ConnectionError:
                return clock.reading(failure=Failure.RESET, detail="The connection was broken off.")
            except (ValueError, RecursionError, OverflowError):
                # all that is read here came from the target: numbers that are none, addresses beyond repair
                return clock.reading(failure=Failure.PROTOCOL, detail="The answer cannot be read.")
            finally:
                line.close()
        return clock.reading(failure=Failure.REDIRECT, detail=f"Redirected more than {MOST_REDIRECTS} times.")


async def _connect(hop: Hop, clock: Clock, egress: Egress) -> Line:
    clock.phase = Failure.TIMEOUT_DNS
    return await connect(*_place(hop.url), clock, egress, tls=hop.url.scheme == "https")


def _place(url: SplitResult) -> tuple[str, int]:
    return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


async def _ask(hop: Hop, line: Line, clock: Clock) -> wire.Head:
    """Send the request and read the head."""
    clock.phase = Failure.TIMEOUT_FIRST_BYTE
    path = hop.url.path or "/"
    if hop.url.query:
        path = f"{path}?{hop.url.query}"
    sent_ms = clock.total_ms
    host = hop.url.netloc.rpartition("@")[2]
    line.writer.write(wire.request_bytes(hop.method, host, path, hop.headers, hop.body))
    head = await wire.read_head(line)
    clock.seen.update(first_byte_ms=clock.total_ms - sent_ms, status_code=head.status)
    return head


async def _read(hop: Hop, line: Line, head: wire.Head, clock: Clock) -> bytes:
    clock.phase = Failure.TIMEOUT_TRANSFER
    began_ms = clock.total_ms
    body = await wire.read_body(line, head, hop.method, most=MOST_BODY_BYTES)
    clock.seen["transfer_ms"] = clock.total_ms - began_ms
    return body


def _next(hop: Hop, status: int, location: str) -> Hop:
    """The request a redirect asks for. Raises InvalidProbe."""
    try:
        absolute = urljoin(hop.url.geturl(), location)
    except ValueError as error:  # brackets that do not close, letters that no host has
        raise InvalidProbe("target", "The address is malformed: check host and port.") from error
    url = _split(absolute)
    headers = hop.headers
    if (url.scheme, url.hostname, url.port) != (hop.url.scheme, hop.url.hostname, hop.url.port):
        headers = {name: value for name, value in headers.items() if name.lower() not in SECRETS}
    if status in (301, 302, 303) and hop.method not in ("GET", "HEAD"):
        return Hop(url, "GET", headers, b"")
    return Hop(url, hop.method, headers, hop.body)


def _judge(order: Order, head: wire.Head, body: bytes, line: Line, clock: Clock) -> Reading:
    """What was found, held against what was ordered."""
    about = certificate.facts(line.certificate)
    facts = {**about.get("facts", {}), **_telling(head)}
    reading = clock.reading(days_left=about.get("days_left"), facts=facts)
    if not order.accepts(head.status):
        detail = f"Answered {head.status}, which is not expected."
        return replace(reading, failure=Failure.STATUS, detail=detail, excerpt=printable(body))
    try:
        wrong = _wrong(order, head, body)
    except _Unreadable as unread:
        return replace(reading, failure=Failure.PROTOCOL, detail=str(unread), excerpt=printable(body))
    if wrong:
        return replace(reading, failure=Failure.ASSERTION, detail=wrong, excerpt=printable(body))
    return reading


class _Unreadable(Exception):
    """The answer holds nothing to judge."""


def _telling(head: wire.Head) -> dict[str, str]:
    """The headers that help a diagnosis."""
    wanted = {"retry_after": "retry-after", "server": "server", "location": "location"}
    return {name: head.headers[header][:200] for name, header in wanted.items() if header in head.headers}


def _wrong(order: Order, head: wire.Head, body: bytes) -> str:
    """The first expectation that does not hold, in a sentence; empty when all do. Raises _Unreadable."""
    if order.header:
        value = head.headers.get(order.header)
        if value is None:
            return f"The header {order.header} is missing."
        if order.header_value and order.header_value not in value:
            return f"The header {order.header} is not as expected."
    if order.text and order.text.encode() not in body:
        return "The expected text is missing."
    if order.regex is not None and not order.regex.search(body.decode("utf-8", "replace")):
        return "The regular expression does not match."
    if order.json_path is not None:
        return _wrong_json(order, body)
    return ""


def _wrong_json(order: Order, body: bytes) -> str:
    try:
        found = order.json_path.findall(json.loads(body))
    except (ValueError, jsonpath.JSONPathError, RecursionError) as error:
        raise _Unreadable("The answer is not JSON.") from error
    if not found:
        raise _Unreadable("The JSON path finds nothing.")
    others = [text for text in map(_spelled, found) if text != order.json_equals]
    if order.json_equals and others:
        return f"The JSON path finds {others[0][:80]}, not {order.json_equals[:80]}."
    return ""


def _spelled(value: Any) -> str:
    """A JSON value as it would be typed: text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _split(target: str) -> SplitResult:
    """The address in parts. Raises InvalidProbe."""
    if len(target) > LONGEST_TARGET:
        raise InvalidProbe("target", f"The address is longer than {LONGEST_TARGET} characters.")
    text = target.strip()
    if any(c.isspace() or ord(c) < 32 for c in text):
        raise InvalidProbe("target", "The address holds spaces or control characters: encode them.")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise InvalidProbe("target", "The address is malformed: check host and port.") from error
    if url.scheme not in ("http", "https"):
        raise InvalidProbe("target", "Write the whole address, with http:// or https://.")
    if url.username or url.password:
        raise InvalidProbe("target", "Put the login into an Authorization header, not into the address.")
    if port == 0:
        raise InvalidProbe("target", "Port 0 does not exist: use 1 to 65535.")
    if "%" in (url.hostname or ""):
        raise InvalidProbe("target", "An address with a zone is of no use here: leave out %….")
    host = checked_host(url.hostname or "")
    return url if host == url.hostname else _with_host(url, host)


def _with_host(url: SplitResult, host: str) -> SplitResult:
    port = f":{url.port}" if url.port else ""
    return url._replace(netloc=f"{f'[{host}]' if ':' in host else host}{port}")


def _statuses(text: str) -> tuple[tuple[int, int], ...]:
    """ "200-299,301" as ranges. Raises InvalidProbe."""
    ranges = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.partition("-")
        if not (STATUS.fullmatch(low) and STATUS.fullmatch(high or low)):
            raise InvalidProbe("expected_status", "Write codes and ranges, as 200-299,301.")
        first, last = int(low), int(high or low)
        if not 100 <= first <= last <= 599:
            raise InvalidProbe("expected_status", "Use codes from 100 to 599, the lower one first.")
        ranges.append((first, last))
    return tuple(ranges)


def _refuse_words_without_body(given: Mapping[str, Any], statuses: tuple[tuple[int, int], ...]) -> None:
    """What is looked for in a body that no answer will have can never be found. Raises InvalidProbe."""
    looked_for = [name for name in ("expect_text", "expect_regex", "json_path") if given[name]]
    if not looked_for:
        return
    if given["method"] == "HEAD":
        raise InvalidProbe(looked_for[0], "An answer to HEAD has no body to find this in: use GET.")
    if all(low == high and low in BODYLESS for low, high in statuses):
        raise InvalidProbe(
            looked_for[0], "Answers with the expected status have no body to find this in: expect another."
        )


def _regex(text: str) -> Any:
    """A compiled expression of a linear-time engine; None without one. Raises InvalidProbe."""
    if not text:
        return None
    if len(text) > LONGEST_REGEX:
        raise InvalidProbe("expect_regex", f"Longer than {LONGEST_REGEX} characters: shorten it.")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise InvalidProbe("expect_regex", f"This does not compile (RE2 syntax): {error}.") from error


def _json_path(text: str) -> Any:
    if not text:
        return None
    try:
        return jsonpath.compile(text)
    except jsonpath.JSONPathError as error:
        raise InvalidProbe("json_path", f"This is no JSON path: {error}.") from error


def _printable_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not all(33 <= ord(c) < 127 and c not in '()<>@,;:\\"/[]?={}' for c in name):
            raise InvalidProbe("headers", f"“{name[:40]}” can be no header name.")
        if any(ord(c) < 32 and c != "\t" for c in value):
            raise InvalidProbe("headers", f"The value of {name} holds control characters.")
