"""Why a subscriber is notified, in words: the choice that matched.

The same rule as `Subscriber.objects.who`, asked of one subscriber at a time and
answered with a sentence; a test compares the two.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from components.models import Group
from components.status import Impact
from incidents.models import Notice, NoticeKind
from subscribers.models import Delivery, Subscriber
from subscribers.models.subscriber import RANKS


@dataclass(frozen=True, slots=True)
class Said:
    """What a notice speaks of, as plain values. `names` and `groups` are by key."""

    kind: NoticeKind
    names: dict[int, str]
    groups: dict[int, str]
    rank: int = RANKS[Impact.CRITICAL.value]
    incident: int | None = None
    maintenance: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a subscriber asked for. `heard`: "incident:5" for each story it was told of before."""

    kinds: frozenset[str]
    is_all: bool
    least_impact: int = 0
    components: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    follows: frozenset[int] = frozenset()
    heard: frozenset[str] = frozenset()


def why(subscriber: Subscriber, notice: Notice) -> str:
    """The choice of this subscriber that a notice matches; empty when none does."""
    earlier = heard([subscriber], [notice])
    return explain(chosen(subscriber, earlier.get((subscriber.pk, notice.pk), ())), said(notice))


def explain(chosen: Chosen, said: Said) -> str:
    """The first reason, the widest first; empty when this one would not be told."""
    if said.kind not in chosen.kinds:
        return ""
    if said.kind in (NoticeKind.MAINTENANCE, NoticeKind.COMPONENT) or chosen.least_impact <= said.rank:
        reason = _scope(chosen, said)
        if reason:
            return reason
    if said.incident in chosen.follows:
        return "It follows this incident."
    if f"incident:{said.incident}" in chosen.heard or f"maintenance:{said.maintenance}" in chosen.heard:
        return "It was notified of this earlier, so it gets the rest."
    return ""


def _scope(chosen: Chosen, said: Said) -> str:
    if chosen.is_all:
        return "It chose all components."
    if not said.names and said.kind != NoticeKind.MAINTENANCE:
        return "No component is named, so it goes to everyone." if chosen.components | chosen.groups else ""
    for key, name in said.names.items():
        if key in chosen.components:
            return f"It chose the component {name}."
    for key, name in said.groups.items():
        if key in chosen.groups:
            return f"It chose the group {name}."
    return ""


def chosen(subscriber: Subscriber, heard: Collection[str] = ()) -> Chosen:
    """The choices of one; three queries, none for what was prefetched."""
    return Chosen(
        kinds=frozenset(kind.value for kind in NoticeKind if getattr(subscriber, f"wants_{kind}")),
        is_all=subscriber.is_all,
        least_impact=subscriber.least_impact,
        components=frozenset(one.pk for one in subscriber.components.all()),
        groups=frozenset(one.pk for one in subscriber.groups.all()),
        follows=frozenset(one.pk for one in subscriber.follows.all()),
        heard=frozenset(heard),
    )


def said(notice: Notice) -> Said:
    """What one speaks of; no query for what `with_subjects` brought along."""
    shown = notice.components()
    groups: dict[int, Group] = {one.group_id: one.group for one in shown if one.group_id and one.group}
    return Said(
        kind=NoticeKind(notice.kind),
        names={one.pk: one.name for one in shown},
        groups={key: group.name for key, group in groups.items()},
        rank=RANKS[notice.incident.shown_impact.value] if notice.incident else RANKS[Impact.CRITICAL.value],
        incident=notice.incident_id,
        maintenance=notice.maintenance_id,
    )


def with_subjects(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """These notices with all that `said` reads, in a fixed number of queries."""
    return notices.select_related(
        "incident", "update", "maintenance", "maintenance_update", "postmortem", "component__group"
    ).prefetch_related("incident__affected__component__group", "maintenance__components__group")


def heard(
    subscribers: Iterable[Subscriber], notices: Iterable[Notice]
) -> dict[tuple[int, int], frozenset[str]]:
    """By subscriber and notice: the stories it was told of by an earlier notice. One query."""
    notices = list(notices)
    rows = Delivery.objects.filter(subscriber__in=[one.pk for one in subscribers]).exclude(notice=None)
    told = list(
        rows.values_list("subscriber_id", "notice_id", "notice__incident", "notice__maintenance").distinct()
    )
    found: dict[tuple[int, int], frozenset[str]] = {}
    for notice in notices:
        for pk, other, incident, maintenance in told:
            if other is None or other >= notice.pk:
                continue
            keys = {f"incident:{incident}"} if incident else {f"maintenance:{maintenance}"}
            found[pk, notice.pk] = found.get((pk, notice.pk), frozenset()) | keys
    return found
