"""HTTP probes: the right status and content, in time.

A body is read as far as the expectations need it: a stream or a large body is no failure.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import re2

from components import steps, wire
from components.client_certificates import ClientCertificate
from components.egress import Egress
from components.outcomes import Failure, Reading
from components.probers import answer_facts, body, exchange, fetching, hops, json_answers, json_paths
from components.probers.base import Clock, Option, options_of
from components.probers.body import Answer
from components.probers.json_answers import UnreadableError
from components.probers.json_values import is_meant, spelled
from components.probers.redirects import first_hop
from components.probers.typed_headers import HEADERS, SECRET_HEADERS, SendsHeaders, can_be_name, typed
from components.targets import InvalidProbeError
from components.web_addresses import split_address

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODYLESS = (204, 205, 304)  # RFC 9110, section 6.4.1
UNREAD = ("down", "unknown")
MAX_REGEX_LENGTH = 500
STATUS = re.compile("[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class HTTPTarget:
    """What to ask, and what to find."""

    url: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    statuses: tuple[tuple[int, int], ...]
    text: str
    regex: Any
    json_path: Any
    json_equals: str
    header: str
    header_value: str
    follows: bool
    http2: bool = False
    shown: ClientCertificate | None = None  # to the origin of `url` alone
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def reads_body(self) -> bool:
        """Whether anything is looked for in the body."""
        return bool(self.text) or self.regex is not None or self.json_path is not None

    def accepts(self, code: int) -> bool:
        """Whether this status is as expected."""
        return any(low <= code <= high for low, high in self.statuses)


class HTTP(SendsHeaders):
    kind = "http"
    label = "HTTP request"
    target_help = "http:// or https:// address"
    shows_certificate = True
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.FIRST_BYTE, steps.TRANSFER)
    options = (
        Option(
            "method",
            "Method",
            type="choice",
            default="GET",
            choices=METHODS,
            help="HEAD does not read a body.",
        ),
        HEADERS,
        SECRET_HEADERS,
        Option("body", "Body (sent)", type="text", help="Sent as is, without a Content-Type header."),
        Option("expected_status", "Expected status", default="200-299", help="Such as 200-299,301."),
        Option("expect_text", "Text expected", type="text", help="The body must contain this."),
        Option("expect_regex", "Regular expression", help="The body must match (RE2 syntax)."),
        Option("json_path", "JSON path", help="Such as $.status; must match something."),
        Option("json_equals", "JSON value", help="Every value the JSON path finds must equal this."),
        Option(
            "unread",
            "If the response cannot be read",
            type="choice",
            default="down",
            choices=UNREAD,
            help="Use “unknown” for an address that reports on something else.",
        ),
        Option("expect_header", "Header expected", help="A header that must be present."),
        Option("expect_header_value", "Header value", help="What that header must contain."),
        Option(
            "follow_redirects",
            "Follow redirects",
            type="bool",
            default=True,
            help="Checks the page they lead to.",
        ),
        fetching.HTTP2_OPTION,
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> HTTPTarget:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        url = split_address(target)
        statuses = _statuses(given["expected_status"])
        _refuse_words_without_body(given, statuses)
        _refuse_half_wishes(given)
        return HTTPTarget(
            url=url.geturl(),
            method=given["method"],
            **typed(given),
            body=given["body"].encode(),
            statuses=statuses,
            text=given["expect_text"],
            regex=_regex(given["expect_regex"]),
            json_path=json_paths.compiled(given["json_path"]) if given["json_path"] else None,
            json_equals=given["json_equals"],
            header=given["expect_header"].strip().lower(),
            header_value=given["expect_header_value"],
            follows=given["follow_redirects"] and not _are_redirects(statuses),
            http2=given["http2"],
        )

    def address(self, order: HTTPTarget) -> tuple[str, int]:
        """Of the first hop; later ones are judged when they come."""
        hop = first_hop(order.url, order.method, order.headers, order.body)
        return hop.host, hop.port

    def is_secure(self, order: HTTPTarget) -> bool:
        """As the address says."""
        return order.url.startswith("https:")

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return options.get("unread") == "unknown"

    async def run(self, order: HTTPTarget, clock: Clock, egress: Egress) -> Reading:
        """Ask, follow, and judge the answer."""

        async def judged(head: wire.Head, pieces: exchange.Pieces, method: str) -> Reading:
            is_enough = _enough_for(order, head)
            answer = await body.read(pieces, head, clock, method=method, is_enough=is_enough)
            return judge(order, head, answer, clock)

        return await fetching.fetch(order, clock, egress, judged)


def _enough_for(order: HTTPTarget, head: wire.Head) -> Callable[[Answer], bool] | None:
    """A test whether enough was read to judge the order; None if the body is not needed."""
    if not order.accepts(head.status) or not order.reads_body:
        return None

    def is_enough(answer: Answer) -> bool:
        try:
            return not _wrong(order, head, answer)
        except UnreadableError as unread:
            return unread.failure is Failure.TOO_LARGE  # which reading on would not change

    return is_enough


def judge(order: HTTPTarget, head: wire.Head, answer: Answer, clock: Clock) -> Reading:
    """The reading of an answer, judged by the order."""
    clock.note(**answer_facts.always(head))
    failure, detail = failure_of(order, head, answer)
    if failure is not None:
        clock.note(**answer_facts.of_body(answer.data, head))
    reading = clock.reading()
    if answer.note:  # the wait for an unannounced end is not the target's time
        reading = replace(reading, total_ms=answer.heard_ms)
    if failure is None:
        return reading
    return replace(reading, failure=failure, detail=detail, excerpt=fetching.excerpt(head, answer))


def failure_of(order: HTTPTarget, head: wire.Head, answer: Answer) -> tuple[Failure | None, str]:
    """What is wrong with it, and a sentence; None when it is as ordered."""
    if not order.accepts(head.status):
        return Failure.STATUS, f"Responded with {head.status}, which is not expected."
    try:
        wrong = _wrong(order, head, answer)
    except UnreadableError as unread:
        return unread.failure, str(unread)
    return (Failure.ASSERTION, wrong) if wrong else (None, "")


def _wrong(order: HTTPTarget, head: wire.Head, answer: Answer) -> str:
    """The first expectation that does not hold, in a sentence; empty when all do. Raises UnreadableError."""
    if order.header:
        values = head.values(order.header)
        if not values:
            return f"The header {order.header} is missing."
        if order.header_value and not any(order.header_value in read for read in _readings(values)):
            return f"The header {order.header} is not as expected."
    if order.text and not answer.holds(order.text, head):
        return "The expected text is missing."
    if order.regex is not None and not _matches(order.regex, answer.text(head)):
        return "The regular expression does not match."
    if order.json_path is not None:
        return _wrong_json(order, answer, head)
    return ""


def _matches(regex: Any, text: str) -> bool:
    """Whether it matches, whatever the line endings: `$` is the end of a line."""
    return bool(regex.search(text) or ("\r\n" in text and regex.search(text.replace("\r\n", "\n"))))


def _readings(values: list[str]) -> list[str]:
    """Header values as they came, and as UTF-8, which many send there."""
    joined = ", ".join(values)
    return [joined, joined.encode("latin-1").decode("utf-8", "replace")]


def _wrong_json(order: HTTPTarget, answer: Answer, head: wire.Head) -> str:
    values = json_answers.values_at(order.json_path, json_answers.document(answer, head))
    if not values:
        raise UnreadableError("The JSON path finds nothing.")
    if not order.json_equals:
        return ""
    for value in values:
        if not is_meant(order.json_equals, value):
            return f"The JSON path finds {spelled(value)[:80]}, not {order.json_equals[:80]}."
    return ""


def _statuses(text: str) -> tuple[tuple[int, int], ...]:
    """ "200-299,301" as ranges. Raises InvalidProbeError."""
    ranges = []
    for part in text.replace(" ", "").split(","):
        low, _, high = part.partition("-")
        if not (STATUS.fullmatch(low) and STATUS.fullmatch(high or low)):
            raise InvalidProbeError("expected_status", "Write codes and ranges, such as 200-299,301.")
        first, last = int(low), int(high or low)
        if not 100 <= first <= last <= 599:
            raise InvalidProbeError("expected_status", "Use codes from 100 to 599, the lower one first.")
        ranges.append((first, last))
    return tuple(ranges)


def _refuse_words_without_body(given: Mapping[str, Any], statuses: tuple[tuple[int, int], ...]) -> None:
    """Refuse an expected text if no answer will have a body. Raises InvalidProbeError."""
    looked_for = [name for name in ("expect_text", "expect_regex", "json_path") if given[name]]
    if not looked_for:
        return
    if given["method"] == "HEAD":
        raise InvalidProbeError(looked_for[0], "A response to HEAD has no body to check: use GET.")
    if all(low == high and low in BODYLESS for low, high in statuses):
        raise InvalidProbeError(
            looked_for[0], "Responses with the expected status have no body to check: expect another status."
        )


def _refuse_half_wishes(given: Mapping[str, Any]) -> None:
    """A value without the place to look for it would never be compared. Raises InvalidProbeError."""
    if given["json_equals"] and not given["json_path"]:
        raise InvalidProbeError("json_equals", "Add a JSON path for this value, such as $.status.")
    name = given["expect_header"].strip()
    if given["expect_header_value"] and not name:
        raise InvalidProbeError("expect_header_value", "Add the name of the header with this value.")
    if not can_be_name(name):
        raise InvalidProbeError(
            "expect_header", f"“{name[:40]}” is not a valid header name: write it like Content-Type."
        )


def _are_redirects(statuses: tuple[tuple[int, int], ...]) -> bool:
    """Whether only a redirect is as expected: then it is the answer, and nothing to follow."""
    return all(code in hops.REDIRECTS for low, high in statuses for code in range(low, high + 1))


def _regex(text: str) -> Any:
    """A compiled expression of a linear-time engine; None without one. Raises InvalidProbeError."""
    if not text:
        return None
    if len(text) > MAX_REGEX_LENGTH:
        raise InvalidProbeError("expect_regex", f"Longer than {MAX_REGEX_LENGTH} characters: shorten it.")
    try:
        return json_paths.linear(text)
    except re2.error as error:
        raise InvalidProbeError("expect_regex", f"This does not compile (RE2 syntax): {error}.") from error
