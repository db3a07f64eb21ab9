"""Why a subscriber is notified, as a sentence: the choice that matched.

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
class Subject:
    """What a notice is about, as plain values. `names` (of components) and `groups` are by id."""

    kind: NoticeKind
    names: dict[int, str]
    groups: dict[int, str]
    rank: int = RANKS[Impact.CRITICAL.value]
    incident: int | None = None
    maintenance: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a subscriber asked for. `earlier_stories`: "incident:5" for each it was notified of before."""

    kinds: frozenset[str]
    is_all: bool
    least_impact: int = 0
    components: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    follows: frozenset[int] = frozenset()
    earlier_stories: frozenset[str] = frozenset()


def why(subscriber: Subscriber, notice: Notice) -> str:
    """The choice of this subscriber that a notice matches; empty when none does."""
    if notice.report and not _asked_in_time(subscriber, notice):
        return ""
    earlier = earlier_stories([subscriber], [notice])
    return explain(chosen(subscriber, earlier.get((subscriber.pk, notice.pk), ())), subject_of(notice))


def explain(chosen: Chosen, subject: Subject) -> str:
    """The first reason, the widest first; empty if this subscriber would not be notified."""
    if subject.kind not in chosen.kinds:
        return ""
    if subject.kind in (NoticeKind.MAINTENANCE, NoticeKind.COMPONENT) or chosen.least_impact <= subject.rank:
        reason = _scope(chosen, subject)
        if reason:
            return reason
    if subject.incident in chosen.follows:
        return "It follows this incident."
    about = {"incident": subject.incident, "maintenance": subject.maintenance}
    if any(pk and f"{name}:{pk}" in chosen.earlier_stories for name, pk in about.items()):
        return "It was notified of this earlier, so it gets the rest."
    return ""


def _asked_in_time(subscriber: Subscriber, notice: Notice) -> bool:
    asked_at = subscriber.report_asked_at
    return bool(notice.report and asked_at and asked_at < notice.report.ended_at)


def _scope(chosen: Chosen, subject: Subject) -> str:
    if chosen.is_all:
        return "It chose all components."
    if not subject.names and subject.kind not in (NoticeKind.MAINTENANCE, NoticeKind.REPORT):
        return "No component is named, so it goes to everyone." if chosen.components | chosen.groups else ""
    for key, name in subject.names.items():
        if key in chosen.components:
            return f"It chose the component {name}."
    for key, name in subject.groups.items():
        if key in chosen.groups:
            return f"It chose the group {name}."
    return ""


def chosen(subscriber: Subscriber, earlier: Collection[str] = ()) -> Chosen:
    """The choices of a subscriber; three queries, or none if prefetched."""
    return Chosen(
        kinds=frozenset(kind.value for kind in NoticeKind if getattr(subscriber, f"wants_{kind}")),
        is_all=subscriber.is_all,
        least_impact=subscriber.least_impact,
        components=frozenset(row.pk for row in subscriber.components.all()),
        groups=frozenset(row.pk for row in subscriber.groups.all()),
        follows=frozenset(row.pk for row in subscriber.follows.all()),
        earlier_stories=frozenset(earlier),
    )


def subject_of(notice: Notice) -> Subject:
    """The subject of a notice; without queries after `with_subjects`."""
    shown = notice.components()
    groups: dict[int, Group] = {
        component.group_id: component.group for component in shown if component.group_id and component.group
    }
    return Subject(
        kind=NoticeKind(notice.kind),
        names={component.pk: component.name for component in shown},
        groups={key: group.name for key, group in groups.items()},
        rank=RANKS[notice.incident.shown_impact.value] if notice.incident else RANKS[Impact.CRITICAL.value],
        incident=notice.incident_id,
        maintenance=notice.maintenance_id,
    )


def with_subjects(notices: QuerySet[Notice]) -> QuerySet[Notice]:
    """These notices with all that `subject_of` reads, in a fixed number of queries."""
    return notices.select_related(
        "incident",
        "update",
        "maintenance",
        "maintenance_update",
        "postmortem",
        "component__group",
        "report",
    ).prefetch_related("incident__affected__component__group", "maintenance__components__group")


def earlier_stories(
    subscribers: Iterable[Subscriber], notices: Iterable[Notice]
) -> dict[tuple[int, int], frozenset[str]]:
    """By (subscriber id, notice id): the stories it was notified of before that notice. One query."""
    notices = list(notices)
    rows = Delivery.objects.filter(subscriber__in=[subscriber.pk for subscriber in subscribers]).exclude(
        notice=None
    )
    pairs = list(
        rows.values_list("subscriber_id", "notice_id", "notice__incident", "notice__maintenance").distinct()
    )
    stories: dict[tuple[int, int], frozenset[str]] = {}
    for notice in notices:
        for pk, other, incident, maintenance in pairs:
            if other is None or other >= notice.pk:
                continue
            keys = {f"incident:{incident}"} if incident else {f"maintenance:{maintenance}"}
            stories[pk, notice.pk] = stories.get((pk, notice.pk), frozenset()) | keys
    return stories
