"""The first line of the page, of a component, of an incident."""

from collections.abc import Sequence

from components import identity
from components.status import SEVERITY, Status
from incidents.generated_text import names
from incidents.lifecycle import Phase
from statuspage.public.values.components import ComponentRow
from statuspage.public.values.frame import Banner, Fact, Freshness, Head, Step
from statuspage.public.values.incidents import IncidentCard
from statuspage.public.values.maintenance import WorkCard

DUE = "Next update was due"  # a promise that has passed
VERBS = {
    Status.MAJOR_OUTAGE: ("is down", "are down"),
    Status.PARTIAL_OUTAGE: ("partly works", "partly work"),
    Status.DEGRADED_PERFORMANCE: ("is slow", "are slow"),
    Status.UNDER_MAINTENANCE: ("is under maintenance", "are under maintenance"),
}


def banner(
    head: Head,
    rows: list[ComponentRow],
    opened: list[IncidentCard],
    shown: list[IncidentCard],
    works: Sequence[WorkCard] = (),
) -> Banner:
    """The answer in the first line."""
    status = head.state.status
    if not rows and not opened:
        return Banner(Status.UNKNOWN, "This page is being set up", is_checking=True)
    if opened:
        if head.state.is_watching:
            headline, named = _recovered(opened), opened
        else:
            headline = _headline(status, rows)
            named = _named(status, rows, opened) if headline else opened[:1]
        facts = _facts(named, opened)
        return Banner(status, headline or opened[0].title, head.state.label, facts=facts)
    if head.freshness.step is Step.STALE and status is Status.UNKNOWN:
        return cannot_tell(head.freshness)
    if head.freshness.step is Step.NONE and status is Status.UNKNOWN and not head.freshness.is_paused:
        return Banner(
            status,
            "Checking…",
            line="The first results will be here in a moment.",
            is_checking=True,
        )
    if status is Status.OPERATIONAL:
        ended = max((card.ended_at for card in shown if card.resolved_at and card.ended_at), default=None)
        line = "No open incidents. The last one ended" if ended else "No open incidents."
        return Banner(status, "All systems are operational", line=line, line_at=ended)
    if status is Status.UNDER_MAINTENANCE and works:
        return _under_work(_headline(status, rows), works)
    since = min((row.since for row in rows if row.status is status and row.since), default=None)
    return Banner(status, _headline(status, rows), line="Since" if since else "", line_at=since)


def cannot_tell(fresh: Freshness) -> Banner:
    """The banner when data is stale: since when, and that this says nothing about the service."""
    line = (
        "This page may be out of date. That says nothing about "
        f"{identity.current().name} itself, which may be working normally. Our monitoring last checked at"
    )
    return Banner(Status.UNKNOWN, "We don’t currently know the status", line=line, line_at=fresh.checked_at)


def _under_work(headline: str, works: Sequence[WorkCard]) -> Banner:
    """Planned work is under way and nothing is wrong: until when."""
    last = max(works, key=lambda work: work.ends_at)
    late = "It is taking longer than planned: it was due to end by"
    line = late if last.is_overrunning else "Planned until"
    return Banner(Status.UNDER_MAINTENANCE, headline, line=line, line_at=last.ends_at, line_is_ahead=True)


def component_banner(row: ComponentRow, opened: list[IncidentCard], works: Sequence[WorkCard] = ()) -> Banner:
    """The state of one component. `works`: its maintenance under way."""
    state = max((card.state for card in opened), key=lambda state: SEVERITY[state.status], default=None)
    facts = _facts([card for card in opened if card.state == state], opened) if opened else ()
    if state and not row.status.is_trouble and row.status is not Status.UNKNOWN:
        return Banner(state.status, f"{row.name} {_is(row.status)}", state.label, facts=facts)
    if row.status is Status.UNDER_MAINTENANCE and works and not opened:
        return _under_work(f"{row.name} is under maintenance", works)
    if row.status is Status.UNKNOWN:
        is_new = row.label != row.status.label
        headline = f"{row.name}: checking…" if is_new else f"We don’t currently know the status of {row.name}"
        return Banner(row.status, headline, facts=facts, is_checking=is_new)
    return Banner(
        row.status,
        f"{row.name} {_is(row.status)}",
        line="Since" if row.since and not facts else "",
        line_at=row.since if not facts else None,
        facts=facts,
    )


def _is(status: Status) -> str:
    return VERBS[status][0] if status in VERBS else "is operational"


def incident_banner(card: IncidentCard) -> Banner:
    """The state of one incident: what it is now, or how long it was."""
    if card.resolved_at:
        return Banner(
            Status.OPERATIONAL,
            card.title,
            "Resolved",
            facts=(
                Fact("Started", at=card.started_at),
                Fact("Ended", at=card.ended_at),
                Fact("Lasted", card.duration),
            ),
        )
    word = card.state.label if card.state.is_watching else f"{card.state.label}, ongoing"
    return Banner(card.state.status, card.title, word, facts=_facts([card], [card])[1:])


def _headline(status: Status, rows: list[ComponentRow]) -> str:
    """ "Chat is down", "Widgetify is down" when all of it is; empty when no row is in that state."""
    hit = [row.name for row in rows if row.status is status]
    if not hit:
        return ""
    if status is Status.UNKNOWN and all(
        row.label != row.status.label for row in rows if row.status is status
    ):
        return f"Checking {names(hit)}…"
    if status is Status.UNKNOWN:
        return f"We don’t currently know the status of {names(hit)}"
    singular, plural = VERBS[status]
    if len(hit) == len(rows) and len(hit) > 1:
        return f"{identity.current().name} {singular}"
    return f"{names(hit)} {plural if len(hit) > 1 else singular}"


def _recovered(opened: list[IncidentCard]) -> str:
    """ "Chat has recovered", beside a title that still says what failed. Empty if no component is named."""
    hit = list(dict.fromkeys(name for card in opened for name in card.components))
    return f"{names(hit)} {'have' if len(hit) > 1 else 'has'} recovered" if hit else ""


def _named(status: Status, rows: list[ComponentRow], opened: list[IncidentCard]) -> list[IncidentCard]:
    """The incidents that a headline of this status names; the most urgent one if it names none."""
    hit = {row.public_id for row in rows if row.status is status}
    matching = [
        card for card in opened if card.state.status is status and hit.intersection(card.component_ids)
    ]
    return matching or opened[:1]


def _facts(named: Sequence[IncidentCard], opened: Sequence[IncidentCard]) -> tuple[Fact, ...]:
    """Started, now, next update by: the earliest of the incidents that the headline names.

    `opened`: all open incidents. An overdue update is shown for any of them.
    """
    least = min(named, key=lambda card: list(Phase).index(Phase(card.phase)))  # the one least far along
    facts = [
        Fact("Started", at=min(card.started_at for card in named), with_age=True),
        Fact("Now", least.now),
    ]
    telling = [*named, *(card for card in opened if card.is_overdue)]
    promise = min((card.next_update_at for card in telling if card.next_update_at), default=None)
    if promise:
        is_late = any(card.is_overdue for card in telling)
        facts.append(Fact(DUE if is_late else "Next update by", at=promise, overdue=DUE, is_late=is_late))
    return tuple(facts)
