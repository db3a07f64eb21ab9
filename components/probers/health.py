"""Health document probes: what a service says about itself, and which of its parts it blames.

The document decides, not the status code: many answer 200 while degraded, or 500 for one part
of many. A body in no known format leaves the status code, and the check says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components import health_documents, wire
from components.health_documents import MAX_TEXT_LENGTH, TOO_DEEP, Dependency, Health, HealthDocument
from components.outcomes import Failure, Reading
from components.probers import documents, exchange, fetching
from components.probers.base import Clock, Option, options_of
from components.probers.body import Answer
from components.probers.documents import DocumentOrder, DocumentProber
from components.probers.typed_headers import HEADERS, SECRET_HEADERS
from components.texts import first_of, shortened

MAX_NAMED = 3  # parts that a sentence names with their words
MAX_PART_LENGTH = 80
VERBS = {
    Health.DOWN: "It reports that it is down",
    Health.DEGRADED: "It reports that it is degraded",
    Health.DRAINING: "It reports that it is being taken out of service",
    Health.UNKNOWN: "It reports that its status is unknown",
}
DEEP = "The health document is nested too deeply to be read: it may say anything."
NO_FORMAT = "The body is in no known health format: judged by the status code alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthOrder(DocumentOrder):
    """Which document to read."""


class HealthCheck(DocumentProber):
    kind = "health"
    label = "Health document"
    target_help = "http:// or https:// address of a health check, such as /healthz or /actuator/health"
    accepts = "application/health+json, application/json;q=0.9, text/plain;q=0.5, */*;q=0.1"
    options: tuple[Option, ...] = (HEADERS, SECRET_HEADERS, documents.UNREAD)

    def parse(self, target: str, options: Mapping[str, Any]) -> HealthOrder:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        return HealthOrder(**self.request(target, given))

    async def judge(
        self, order: HealthOrder, head: wire.Head, pieces: exchange.Pieces, clock: Clock
    ) -> Reading:
        """Read the document, whatever the status code."""
        try:
            answer = await documents.whole(pieces, head, clock, lambda so_far: _is_whole(so_far, head))
        except wire.TooLargeError:
            answer = Answer()
        document = _document(answer, head)
        reading = judged(document, head, answer, clock)
        return replace(reading, total_ms=answer.heard_ms) if answer.note else reading


def judged(document: HealthDocument | None, head: wire.Head, answer: Answer, clock: Clock) -> Reading:
    """The reading of a document, or of the status code where there is none."""
    if document is None:
        if not documents.is_good(head):
            return documents.unexpected(head, answer, clock, because=f" {NO_FORMAT}")
        clock.remark(NO_FORMAT)
        return clock.reading()
    if document.format == TOO_DEEP and not documents.is_good(head):
        return documents.unexpected(head, answer, clock)
    clock.note(format=document.format, health=document.status.value)
    if document.failing:
        names = ", ".join(part.name for part in document.failing)
        clock.note(failing=names[: documents.MAX_FACT_LENGTH])
    excerpt = fetching.excerpt(head, answer)
    if document.status is Health.UP:
        return _of_one_that_is_up(document, head, answer, clock)
    sentence = DEEP if document.format == TOO_DEEP else _sentence(document)
    if document.status is Health.DEGRADED:
        return clock.reading(degraded=sentence, excerpt=excerpt)
    failure = Failure.NO_DATA if document.status is Health.UNKNOWN else Failure.REPORTED
    return clock.reading(failure=failure, detail=sentence, excerpt=excerpt)


def _of_one_that_is_up(document: HealthDocument, head: wire.Head, answer: Answer, clock: Clock) -> Reading:
    """Up, unless the rest of the document is missing, or its own status code denies it."""
    if document.is_cut:
        detail = "The health document ends too soon: what is missing may not be up."
        return clock.reading(failure=Failure.NO_DATA, detail=detail, excerpt=fetching.excerpt(head, answer))
    if head.status >= 400:
        return documents.unexpected(head, answer, clock, because=" Its health document says that it is up.")
    return clock.reading()


def _document(answer: Answer, head: wire.Head) -> HealthDocument | None:
    kind = head.headers.get("content-type", "")
    return health_documents.read(bytes(answer.data), kind, head.status)


def _is_whole(answer: Answer, head: wire.Head) -> bool:
    """Whether the document is complete; also once what is no JSON is too long to be one."""
    document = _document(answer, head)
    if document is None:
        return len(answer.data) > MAX_TEXT_LENGTH and not answer.data.lstrip().startswith(b"{")
    return not document.is_cut


def _sentence(document: HealthDocument) -> str:
    """ "It reports that it is down: db.replica (connection refused), mail"."""
    verb = VERBS[document.status]
    if not document.failing:
        return f"{verb}."
    return f"{verb}: {first_of([_part(part) for part in document.failing], MAX_NAMED)}."


def _part(part: Dependency) -> str:
    words = shortened(part.words.rstrip("."), MAX_PART_LENGTH)
    return f"{part.name} ({words})" if words else part.name
