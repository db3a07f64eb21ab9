"""Two example postmortems, for `make demo`.

Both are invented; `load` may run again and adds nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from components.models import Component, Group
from components.status import Status
from incidents import postmortem_draft
from incidents.models import Incident, Postmortem
from statuspage.ops.demo.chat import CHAT_FIRST, CHAT_SECOND
from statuspage.ops.demo.past import Story
from statuspage.ops.demo.pool import POOL

PARTS = {"Widgetify": ("Web app", "REST API"), "Tern Chat": ("Chat", "Posts and comments")}
STORIES: Mapping[str, Sequence[Story]] = {"Widgetify": (POOL,), "Tern Chat": (CHAT_FIRST, CHAT_SECOND)}


def load(now: datetime) -> None:
    """Add the examples that are missing, with the components they name."""
    for group, names in PARTS.items():
        for name in names:
            _component(group, name, now)
    for group, stories in STORIES.items():
        for story in stories:
            incident = Incident.objects.filter(title=story.title, started_at=story.started_at).first()
            incident = incident or _record(group, story, now)
            if story.report and not Postmortem.objects.filter(incident=incident).exists():
                _report(incident, story)


def _record(group: str, story: Story, now: datetime) -> Incident:
    statuses = {_component(group, name, now): status for name, status in story.statuses.items()}
    return Incident.objects.record(
        story.title,
        story.last_word,
        started_at=story.started_at,
        ended_at=story.ended_at,
        now=story.ended_at,
        statuses=statuses,
        told=story.told,
    )


def _component(group: str, name: str, now: datetime) -> Component:
    """The component with this name. A new one has no probe, so it is set to operational."""
    last = Group.objects.order_by("-position").first()
    place, _ = Group.objects.get_or_create(
        name=group, defaults={"position": last.position + 1 if last else 1}
    )
    count = place.components.count()
    component, is_new = Component.objects.get_or_create(
        group=place, name=name, defaults={"position": count + 1}
    )
    if is_new:
        component.say_by_hand(Status.OPERATIONAL, now)
    return component


def _report(incident: Incident, story: Story) -> None:
    """Write the postmortem, from the draft to the last finished action, each at its time."""
    published_at = story.published_at or story.ended_at
    report = postmortem_draft.create(incident, author=None, now=incident.resolved_at or published_at)
    report.keep(dict(story.report), published_at - timedelta(hours=2))
    for position, action in enumerate(story.actions, start=1):
        report.actions.create(
            position=position, text=action.text, kind=action.kind, team=action.team, due=action.due
        )
    report.publish(published_at, notifies=False)
    moved = [
        (_afternoon(action.done_on or published_at.date()), item, action.state)
        for item, action in zip(report.actions.all(), story.actions, strict=True)
    ]
    for at, item, state in sorted(moved, key=lambda move: move[0]):
        item.move(state, max(at, published_at))


def _afternoon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
