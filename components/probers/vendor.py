"""Vendor probes: another status page's `summary.json` as the state of a component of ours.

They are asked about something else, so a page that cannot be reached or read leaves it unknown.
Their planned work is neither up nor down: unknown, with their words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components import vendor_status, wire
from components.outcomes import Failure, Reading
from components.probers import documents, exchange, fetching, json_answers
from components.probers.base import Clock, Option, options_of
from components.probers.documents import DocumentOrder, DocumentProber
from components.texts import shortened
from components.vendor_status import Event, Report, VendorError, VendorStatus
from components.web_addresses import split_address

API = "/api/v2"
SUMMARY = f"{API}/summary.json"
MAX_COMPONENT_LENGTH = 200
MAX_UPDATE_LENGTH = 140  # of theirs in our sentence; the excerpt has more
SAYS = {
    VendorStatus.DEGRADED: "They report degraded performance",
    VendorStatus.PARTIAL: "They report a partial outage",
    VendorStatus.MAJOR: "They report a major outage",
    VendorStatus.MAINTENANCE: "They report maintenance",
    VendorStatus.UNKNOWN: "They do not know the status",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOrder(DocumentOrder):
    """Which page, and which of its components; `partial_is_down`: whether a partial outage is one for us."""

    component: str = ""
    partial_is_down: bool = True


class Vendor(DocumentProber):
    kind = "vendor"
    label = "Another status page"
    target_help = "Address of a page in Statuspage's format, or of its summary.json"
    shows_certificate = False
    accepts = "application/json"
    options = (
        Option("component", "Their component", help="Its name or id; empty for the whole page."),
        Option(
            "partial",
            "Their partial outage is",
            type="choice",
            default="down",
            choices=("down", "degraded"),
            help="“down” shows what is set under “When down, show”.",
        ),
    )

    def parse(self, target: str, options: Mapping[str, Any]) -> VendorOrder:
        """The order, checked. Raises InvalidProbeError."""
        given = options_of(self, options)
        return VendorOrder(
            **self.request(_summary_of(target), {}),
            component=given["component"].strip()[:MAX_COMPONENT_LENGTH],
            partial_is_down=given["partial"] == "down",
        )

    def is_indirect(self, options: Mapping[str, Any]) -> bool:
        """Always: a status page is asked about something else."""
        return True

    async def judge(
        self, order: VendorOrder, head: wire.Head, pieces: exchange.Pieces, clock: Clock
    ) -> Reading:
        """Hear what they say."""
        answer = await documents.whole(pieces, head, clock)
        if not documents.is_good(head):
            return documents.unexpected(head, answer, clock)
        try:
            report = vendor_status.read(json_answers.document(answer, head), order.component)
        except (VendorError, json_answers.UnreadableError) as error:
            excerpt = fetching.excerpt(head, answer)
            return clock.reading(failure=Failure.NO_DATA, detail=str(error), excerpt=excerpt)
        return judged(order, report, clock)


def judged(order: VendorOrder, report: Report, clock: Clock) -> Reading:
    """Their status as ours, with their incident as evidence."""
    clock.note(**_facts(report))
    event = report.event
    if report.status is VendorStatus.OPERATIONAL:
        if event is not None:
            clock.remark(f"They have an open incident: “{event.title}”.")
        return clock.reading()
    sentence = _sentence(report)
    excerpt = _words(event) if event is not None else ""
    is_down = report.status is VendorStatus.MAJOR or (
        report.status is VendorStatus.PARTIAL and order.partial_is_down
    )
    if is_down:
        return clock.reading(failure=Failure.REPORTED, detail=sentence, excerpt=excerpt)
    if report.status in (VendorStatus.DEGRADED, VendorStatus.PARTIAL):
        return clock.reading(degraded=sentence, excerpt=excerpt)
    return clock.reading(failure=Failure.NO_DATA, detail=sentence, excerpt=excerpt)


def _facts(report: Report) -> dict[str, str]:
    facts = {"vendor_status": report.status.value, "vendor_component": report.name}
    if report.said_at is not None:
        facts["vendor_since"] = report.said_at.isoformat(timespec="seconds")
    if report.event is not None:
        facts |= {
            "vendor_incident": report.event.title,
            "vendor_phase": report.event.phase,
            "vendor_update": report.event.update,
            "vendor_url": report.event.url,
        }
    return {name: shortened(text, documents.MAX_FACT_LENGTH) for name, text in facts.items() if text}


def _sentence(report: Report) -> str:
    """ "They report a major outage of “API”: “Elevated errors” (identified): We are investigating."."""
    subject = f"{SAYS[report.status]} of “{report.name}”"
    event = report.event
    if event is None:
        return f"{subject}."
    phase = f" ({event.phase})" if event.phase else ""
    update = shortened(" ".join(event.update.split()), MAX_UPDATE_LENGTH)
    return f"{subject}: “{shortened(event.title, 80)}”{phase}" + (f": {update}" if update else ".")


def _words(event: Event) -> str:
    """Their incident, to read: at most 1 kB, which `Reading.excerpt` holds."""
    head = f"{event.title} ({event.phase})" if event.phase else event.title
    return f"{head}\n{event.update}".strip().encode()[:1000].decode(errors="ignore")


def _summary_of(target: str) -> str:
    """The summary of a page, by the page's address or its own. Raises InvalidProbeError."""
    parts = split_address(target)
    path = parts.path.rstrip("/")
    if path.endswith(".json"):
        return parts.geturl()
    path += "/summary.json" if path.endswith(API) else SUMMARY
    return parts._replace(path=path, query="", fragment="").geturl()
