"""What the kinds of probe have in common that fetch a document over HTTP and judge what it says."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from components import steps, wire
from components.client_certificates import ClientCertificate
from components.egress import Egress
from components.outcomes import Failure, Reading
from components.probers import answer_facts, body, exchange, fetching
from components.probers.base import Clock, Option
from components.probers.body import Answer
from components.probers.redirects import first_hop
from components.probers.typed_headers import SendsHeaders, typed
from components.web_addresses import split_address

MAX_FACT_LENGTH = 200
UNREAD = Option(
    "unread",
    "If the response cannot be read",
    type="choice",
    default="down",
    choices=("down", "unknown"),
    help="Use “unknown” for an address that reports on something else.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOrder:
    """A GET request whose answer is a document. `shown` is for the origin of `url` alone."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    shown: ClientCertificate | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def method(self) -> str:
        return "GET"

    @property
    def body(self) -> bytes:
        return b""

    @property
    def follows(self) -> bool:
        return True

    @property
    def http2(self) -> bool:
        return False


class DocumentProber(SendsHeaders, ABC):
    """The half of a `Prober` that fetches; a subclass parses the order and judges the answer."""

    target_help = "http:// or https:// address"
    shows_certificate = True
    steps: tuple[str, ...] = (steps.DNS, steps.CONNECT, steps.TLS_IF_SPOKEN, steps.FIRST_BYTE, steps.TRANSFER)
    accepts: ClassVar[str] = "*/*"  # asked for, unless staff typed a header of their own

    def address(self, order: Any) -> tuple[str, int]:
        """Of the first hop; later ones are judged when they come."""
        hop = first_hop(order.url, order.method, order.headers, order.body)
        return hop.host, hop.port

    def is_secure(self, order: Any) -> bool:
        """As the address says."""
        return bool(order.url.startswith("https:"))

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Whether it asks another system about the target."""
        return options.get("unread") == "unknown"

    @staticmethod
    def request(target: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the order that say what to ask. Raises InvalidProbeError."""
        return {"url": split_address(target).geturl(), **typed(given)}

    async def run(self, order: Any, clock: Clock, egress: Egress) -> Reading:
        """Fetch the document, and judge it."""

        async def judged(head: wire.Head, pieces: exchange.Pieces, method: str) -> Reading:
            clock.note(**answer_facts.always(head))
            return await self.judge(order, head, pieces, clock)

        return await fetching.fetch(order, clock, egress, judged, {"Accept": self.accepts})

    @abstractmethod
    async def judge(self, order: Any, head: wire.Head, pieces: exchange.Pieces, clock: Clock) -> Reading:
        """What the answer says. May raise what reading a body raises."""


async def whole(
    pieces: exchange.Pieces, head: wire.Head, clock: Clock, is_enough: body.Enough = None
) -> Answer:
    """The whole body; one whose end is not announced until `is_enough`. Of an error page a part will do.

    Raises TooLargeError, MalformedAnswerError, DecompressionError, OSError.
    """
    if is_enough is None and is_good(head):
        is_enough = _never
    return await body.read(pieces, head, clock, method="GET", is_enough=is_enough)


def _never(answer: Answer) -> bool:
    return False


def unexpected(head: wire.Head, answer: Answer, clock: Clock, because: str = "") -> Reading:
    """The reading of an answer whose status code says that it is none."""
    clock.note(**answer_facts.of_body(answer.data, head))
    detail = f"Responded with {head.status}, which is not expected.{because}"
    return clock.reading(failure=Failure.STATUS, detail=detail, excerpt=fetching.excerpt(head, answer))


def is_good(head: wire.Head) -> bool:
    """Whether the status code says that this is the document."""
    return 200 <= head.status < 300
