"""The content of a message as plain values: read once from the rows, then formatted by every channel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch

from components import identity
from components.models import Component, Page
from components.status import WATCHING, PageState, State, Status, page_state, state_of
from incidents import api_shapes
from incidents.lifecycle import Kind, Phase
from incidents.models import (
    Affected,
    Incident,
    Maintenance,
    MaintenanceState,
    Notice,
    NoticeKind,
    Update,
)
from incidents.state import state_now
from subscribers.delivery import month, webhook_payload
from subscribers.delivery.month import Month


@dataclass(frozen=True, slots=True)
class Word:
    """One update of a story. `text` is Markdown as staff wrote it; `changes`: (component, old, new)."""

    number: int
    label: str
    at: datetime
    text: str
    changes: tuple[tuple[str, Status, Status], ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """An incident, maintenance, postmortem or component's change, up to one of its updates.

    `words` are its updates, newest first. `body`: what a webhook has beside `meta` and `page`.
    `sequence` rises with each update of a story.
    """

    kind: NoticeKind
    key: str
    public_id: str
    title: str
    url: str
    label: str
    status: Status
    components: tuple[tuple[str, Status], ...]
    words: tuple[Word, ...]
    sequence: int
    body: dict[str, Any] = field(default_factory=dict)
    is_over: bool = False
    next_update_at: datetime | None = None
    workaround: str = ""  # what customers can do while it lasts, Markdown
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    month: Month | None = None  # of a monthly report
    is_watching: bool = False  # everything has recovered and is being monitored
    json: str = field(init=False)  # `body` with the sequence, serialized once for all receivers

    def __post_init__(self) -> None:
        """Serialize the body."""
        object.__setattr__(self, "json", webhook_payload.compact({**self.body, "sequence": self.sequence}))

    @property
    def state(self) -> State:
        """The state shown first in its messages."""
        return WATCHING if self.is_watching else state_of(self.status)

    @property
    def thread(self) -> str:
        """The key that its mails and chat messages are threaded by: a postmortem has its incident's."""
        return self.key.replace(f"{NoticeKind.POSTMORTEM}:", f"{NoticeKind.INCIDENT}:")

    @property
    def newest(self) -> Word:
        """The update that is sent now."""
        return self.words[0]


@dataclass(frozen=True, slots=True)
class Publisher:
    """The page as the sender: its name and state, the same for all messages of a round."""

    name: str
    url: str
    page_id: str
    state: PageState
    json: str = field(init=False)  # the webhook's `page` object

    def __post_init__(self) -> None:
        """Serialize the `page` object."""
        body = webhook_payload.page(self.page_id, self.state.indicator.value, self.state.description)
        object.__setattr__(self, "json", webhook_payload.compact(body))


def publisher_now() -> Publisher:
    """The page as it is now."""
    shown = [_shown(component) for component in _components()]
    page = Page.objects.this()
    identity.learn(page)
    state = page_state(shown, opened=_open_states())
    return Publisher(identity.current().name, settings.PUBLIC_URL, page.public_id, state)


def _components() -> Iterable[Component]:
    """Shown components. `is_covered`: maintenance is active and no incident managed by staff is open."""
    work = Component.objects.filter(pk=OuterRef("pk"), maintenances__in=Maintenance.objects.active())
    opened = Incident.objects.public().filter(resolved_at=None, is_owned=True)
    owned = Affected.objects.filter(component=OuterRef("pk"), incident__in=opened)
    covered = Exists(work) & ~Exists(owned)
    return (
        Component.objects.filter(is_shown=True).annotate(is_covered=covered).only("status", "manual_status")
    )


def _shown(component: Component) -> Status:
    """Its status on the page: maintenance hides what probes see, but not a problem that staff set."""
    is_by_hand = bool(component.manual_status) and Status(component.manual_status).is_trouble
    is_covered: bool = component.is_covered and not is_by_hand  # type: ignore[attr-defined]
    return Status.UNDER_MAINTENANCE if is_covered else Status(component.status)


def _open_states() -> list[State]:
    """The present states of open incidents, without hidden components."""
    rows = Affected.objects.as_seen().filter(component__is_shown=True)
    opened = Incident.objects.public().filter(resolved_at=None)
    return [
        incident.state(incident.shown_places)
        for incident in opened.prefetch_related(Prefetch("affected", rows, to_attr="shown_places"))
    ]


def read(notice_ids: Iterable[int], page_id: str) -> dict[int, Story]:
    """The stories up to these notices, by notice id; withdrawn ones are missing."""
    rows = (
        Notice.objects.filter(pk__in=set(notice_ids))
        .select_related(
            "incident",
            "update",
            "maintenance",
            "maintenance_update",
            "postmortem",
            "component__group",
            "report",
        )
        .prefetch_related(
            Prefetch("incident__updates", Update.objects.filter(kind=Kind.POST).order_by("-number")),
            Prefetch("incident__affected", Affected.objects.as_seen()),
            "maintenance__updates",
            Prefetch(
                "maintenance__components", Component.objects.filter(is_shown=True).select_related("group")
            ),
        )
    )
    made = {}
    for notice in rows:
        story = READERS[NoticeKind(notice.kind)](notice, page_id)
        if story is not None:
            made[notice.pk] = story
    return made


def _incident(notice: Notice, page_id: str) -> Story | None:
    incident, upto = notice.incident, notice.update
    assert incident is not None
    assert upto is not None
    if _is_withdrawn(incident) or upto.kind != Kind.POST:
        return None
    posts = list(incident.updates.all())
    included = [post for post in posts if post.number <= upto.number]
    rows = [row for row in incident.affected.all() if row.component.is_shown]
    shown = {row.component.public_id for row in rows}
    phase = Phase(upto.phase)
    is_over = phase is Phase.RESOLVED
    statuses = [Status.OPERATIONAL if is_over else status for status in _statuses_at(rows, posts, upto)]
    state = state_now(phase, statuses, override=incident.impact_override, impact=incident.shown_impact)
    return Story(
        kind=NoticeKind.INCIDENT,
        key=notice.story,
        public_id=incident.public_id,
        title=incident.title,
        url=api_shapes.address(incident),
        label=phase.label,
        status=state.status,
        components=tuple((row.component.name, status) for row, status in zip(rows, statuses, strict=True)),
        words=tuple(_to_word(post, shown) for post in included),
        sequence=upto.number,
        body={
            "incident": webhook_payload.incident(
                incident, included, [row.component for row in rows], shown, page_id
            )
        },
        is_over=is_over,
        is_watching=state.is_watching,
        next_update_at=incident.next_update_at if upto.number == posts[0].number else None,
        workaround=incident.shown_workaround if upto.number == posts[0].number else "",
    )


def _statuses_at(rows: Sequence[Affected], posts: Sequence[Update], upto: Update) -> list[Status]:
    """The components' statuses as of this update, without changes by later ones. `posts`: newest first.

    A message may have waited, and all of its content must be of one moment.
    """
    before = {
        code: Status(old) for post in posts if post.number > upto.number for code, _, old, _ in post.changes
    }
    phase = Phase(upto.phase)
    return [before.get(row.component.public_id) or row.status_in(phase) for row in rows]


def _to_word(update: Update, shown: set[str]) -> Word:
    changes = tuple(
        (name, Status(old), Status(new)) for code, name, old, new in update.changes if code in shown
    )
    return Word(update.number, Phase(update.phase).label, update.at, update.body, changes)


def _maintenance(notice: Notice, page_id: str) -> Story | None:
    work, upto = notice.maintenance, notice.maintenance_update
    assert work is not None
    assert upto is not None
    included = sorted(
        (update for update in work.updates.all() if update.number <= upto.number),
        key=lambda update: -update.number,
    )
    components = list(work.components.all())
    is_on = upto.state in (MaintenanceState.IN_PROGRESS, MaintenanceState.VERIFYING)
    status = Status.UNDER_MAINTENANCE if is_on else Status.OPERATIONAL
    return Story(
        kind=NoticeKind.MAINTENANCE,
        key=notice.story,
        public_id=work.public_id,
        title=work.title,
        url=api_shapes.address(work),
        label=MaintenanceState(upto.state).label,
        status=Status.UNDER_MAINTENANCE,
        components=tuple((place.name, status if is_on else Status(place.status)) for place in components),
        words=tuple(
            Word(update.number, MaintenanceState(update.state).label, update.at, update.body)
            for update in included
        ),
        sequence=upto.number,
        body={"incident": webhook_payload.maintenance(work, included, components, page_id)},
        is_over=upto.state in (MaintenanceState.COMPLETED, MaintenanceState.CANCELLED),
        starts_at=work.starts_at,
        ends_at=work.ends_at,
    )


def _postmortem(notice: Notice, page_id: str) -> Story | None:
    incident, report = notice.incident, notice.postmortem
    assert incident is not None
    assert report is not None
    if _is_withdrawn(incident) or report.published_at is None:
        return None
    posts = list(incident.updates.all())
    rows = [row.component for row in incident.affected.all() if row.component.is_shown]
    shown = {component.public_id for component in rows}
    number = (posts[0].number if posts else 0) + 1
    body = webhook_payload.incident(incident, posts, rows, shown, page_id, postmortem=report)
    return Story(
        kind=NoticeKind.POSTMORTEM,
        key=notice.story,
        public_id=incident.public_id,
        title=report.title,
        url=api_shapes.address(report),
        label="Postmortem",
        status=Status.OPERATIONAL,
        components=tuple((component.name, Status(component.status)) for component in rows),
        words=(Word(number, "Postmortem", report.published_at, report.summary),),
        sequence=number,
        body={"incident": body},
        is_over=True,
    )


def _component(notice: Notice, page_id: str) -> Story | None:
    component = notice.component
    assert component is not None
    if not component.is_shown:
        return None
    old, new = (Status(text) for text in notice.change)
    text = f"{component.name}: {old.label} → {new.label}"
    return Story(
        kind=NoticeKind.COMPONENT,
        key=notice.story,
        public_id=component.public_id,
        title=component.name,
        url=api_shapes.address(component),
        label=new.label,
        status=new,
        components=((component.name, new),),
        words=(Word(notice.pk, new.label, notice.created_at, text, ((component.name, old, new),)),),
        sequence=notice.pk,
        body=webhook_payload.component_update(component, notice, old, new, page_id),
        is_over=new is Status.OPERATIONAL,
    )


def _report(notice: Notice, page_id: str) -> Story | None:
    report = notice.report
    assert report is not None
    shown = month.read(report)
    if shown is None:
        return None
    return Story(
        kind=NoticeKind.REPORT,
        key=notice.story,
        public_id=f"{report.month:%Y-%m}",
        title=report.title,
        url=shown.url,
        label="Monthly report",
        status=Status.OPERATIONAL,
        components=(),
        words=(Word(1, "Monthly report", report.made_at, ""),),
        sequence=1,
        is_over=True,
        month=shown,
    )


READERS = {
    NoticeKind.INCIDENT: _incident,
    NoticeKind.MAINTENANCE: _maintenance,
    NoticeKind.POSTMORTEM: _postmortem,
    NoticeKind.COMPONENT: _component,
    NoticeKind.REPORT: _report,
}


def _is_withdrawn(incident: Incident) -> bool:
    return bool(incident.deleted_at or incident.merged_into_id or incident.published_at is None)
