"""Writing an update, or a new incident: one form, saved as it is typed, published all at once.

The form works by plain POST and redirect. With script the same form is sent to
`saved` every two seconds, which answers with the preview, the checks of the
words and what others have written meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from components.models import Component
from components.status import Impact, State, Status, impact_of, worst
from incidents import blanks, messages, telling, wording
from incidents.lifecycle import Phase
from incidents.markdown import to_html
from incidents.models import Draft, Incident, NoticeKind, Template, TemplateKind, Update
from incidents.models.draft import LONGEST
from incidents.span import lasted
from incidents.state import place_now, state_now
from incidents.times import clock
from incidents.words import duration, names

PROMISES = (15, 30, 60)
USUAL_PROMISE = 30
CHOICES = (
    (Status.OPERATIONAL, "works"),
    (Status.DEGRADED_PERFORMANCE, "degraded"),
    (Status.PARTIAL_OUTAGE, "partial"),
    (Status.MAJOR_OUTAGE, "major"),
)
FIELDS = (
    "title", "phase", "body", "promise", "promise_at", "quiet", "at", "started_at", "ended_at", "seen",
    "filled", "workaround", "workaround_was",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A component in the form: what it is, what it was when the form was opened, what it is to be."""

    component: Component
    old: Status
    was: Status
    status: Status
    is_new: bool = False
    row: Status = Status.UNKNOWN  # what the incident last heard of it, and its worst
    worst: Status = Status.UNKNOWN

    @property
    def is_turned(self) -> bool:
        """Whether the words "Major outage → Partial outage" are due."""
        return self.old is not self.status

    @property
    def is_chosen(self) -> bool:
        """Whether its writer chose this status; what only the probes have changed meanwhile is theirs."""
        return self.is_new or self.status is not self.was


@dataclass(slots=True)
class Composition:
    """The form as typed. Every value is text as it was sent, until `publish` reads it."""

    incident: Incident | None
    data: dict[str, str]
    places: list[Place]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_past(self) -> bool:
        """A new incident that is over already."""
        return self.incident is None and bool(self.data.get("ended_at", "").strip())

    @property
    def phase(self) -> Phase:
        """The chosen phase; the incident's own when it is none."""
        try:
            return Phase(self.data.get("phase", ""))
        except ValueError:
            return Phase(self.incident.phase) if self.incident else Phase.INVESTIGATING

    @property
    def state(self) -> State:
        """The state that heads the preview: what every surface will say once this is published."""
        override = self.incident.impact_override if self.incident else ""
        impact = self.incident.shown_impact if self.incident else Impact.NONE
        statuses = [self._as_told(place) for place in self.places if place.component.is_shown]
        return state_now(self.phase, statuses, override=override, impact=impact)

    def _as_told(self, place: Place) -> Status:
        """Its status after publishing; out of sight, as it was last known."""
        return place_now(place.status, place.row, place.worst, self.phase)

    @property
    def workaround(self) -> str | None:
        """What customers can do, as typed; None where its writer left it as it stood."""
        typed = self.data["workaround"]
        return None if typed == self.data["workaround_was"] else typed

    @property
    def shown_workaround(self) -> str:
        """The same as pages and mails will tell it: nothing once it is over."""
        return "" if self.is_past or self.phase is Phase.RESOLVED else self.data["workaround"].strip()

    def promised_at(self, now: datetime) -> datetime | None:
        """When the next update is promised for; None for none. Raises ValidationError."""
        chosen = self.data.get("promise", "")
        if self.phase is Phase.RESOLVED or chosen == "none":
            return None
        if chosen == "other":
            return moment(self.data.get("promise_at", ""), "promise_at", "Promise the next update", now=now)
        if chosen not in {str(minutes) for minutes in PROMISES}:
            return None
        # rounded up to five minutes: a time that people can remember
        at = now + timedelta(minutes=int(chosen))
        return at + timedelta(seconds=-at.timestamp() % 300)


# Beginning


def begin(incident: Incident | None, author: Any, now: datetime) -> Composition:
    """The form as this person left it, or fresh."""
    draft = Draft.objects.of(incident, author)
    if draft is not None:
        return read(incident, draft.data, now)
    data = {"phase": _first_phase(incident), "promise": str(USUAL_PROMISE), "seen": str(newest(incident))}
    if incident is not None and incident.published_at is None:
        data |= {"title": incident.title, "body": incident.draft(now)}
    return read(incident, data, now)


def _first_phase(incident: Incident | None) -> str:
    return incident.phase if incident else Phase.INVESTIGATING


def newest(incident: Incident | None) -> int:
    """The number of the newest entry its author can have read."""
    last = incident.updates.order_by("number").last() if incident else None
    return last.number if last else 0


def read(incident: Incident | None, data: Any, now: datetime) -> Composition:
    """The form from what was sent, or from a draft."""
    text = {name: str(data.get(name, ""))[:LONGEST] for name in FIELDS}
    for name in ("body", "workaround", "workaround_was"):
        text[name] = text[name].replace("\r\n", "\n")
    if "workaround" not in data or text["workaround"] == text["workaround_was"]:
        # untouched: it follows what stands, which somebody may have changed meanwhile
        text["workaround"] = text["workaround_was"] = incident.workaround if incident else ""
    return Composition(incident, text, _places(incident, data))


def _places(incident: Incident | None, data: Any) -> list[Place]:
    """Its components and those that were added, each with the status chosen for it."""
    chosen = {key.removeprefix("status-"): data.get(key) for key in data if key.startswith("status-")}
    if added := data.get("add", ""):
        chosen.setdefault(added, "")
    affected = {}
    if incident is not None:
        rows = incident.affected.select_related("component").order_by("component__position", "id")
        affected = {row.component.public_id: row for row in rows}
    wanted = [*affected, *(key for key in chosen if key not in affected)]
    found = {one.public_id: one for one in Component.objects.filter(public_id__in=wanted)}
    places = []
    for key in wanted:
        if key not in found or chosen.get(key) == "remove":
            continue
        row = affected.get(key)
        old = Status(row.status) if row else Status(found[key].status)
        was = _chosen(data.get(f"was-{key}"), old)
        picked = _chosen(chosen.get(key), was)
        status = picked if picked is not was else old  # untouched: it follows what the probes say
        seen = (Status(row.status), Status(row.worst_status)) if row else (Status.UNKNOWN, Status.UNKNOWN)
        places.append(Place(found[key], old, was if status is picked else old, status, row is None, *seen))
    return places


def _chosen(text: str | None, old: Status) -> Status:
    try:
        return Status(text or "")
    except ValueError:
        return old


# Saving and looking


def to_draft(form: Composition) -> dict[str, str]:
    """What is kept of it: plain strings."""
    kept = {name: form.data[name] for name in FIELDS}
    for place in form.places:
        kept[f"status-{place.component.public_id}"] = place.status.value
        kept[f"was-{place.component.public_id}"] = place.was.value
    return kept


def remarks(form: Composition, now: datetime) -> tuple[wording.Remark, ...]:
    """A second pair of eyes on the words."""
    try:
        has_promise = form.promised_at(now) is not None
    except ValidationError:
        has_promise = False
    if not form.data["body"].strip():
        return ()
    of = [place.component.name for place in form.places]
    return wording.remarks(form.data["body"], phase=form.phase, components=of, has_promise=has_promise)


def preview(form: Composition, now: datetime) -> dict[str, Any]:
    """The update as the page, a mail, a chat channel and a webhook will tell it."""
    try:
        promised = form.promised_at(now)
    except ValidationError:
        promised = None
    title = form.data["title"] or (form.incident.title if form.incident else "")
    path = form.incident.get_absolute_url() if form.incident else "/"
    told = messages.Told(
        page_name=settings.PAGE_NAME,
        title=title or "Untitled",
        phase=form.phase,
        status=form.state.status,
        is_watching=form.state.is_watching,
        text=form.data["body"],
        at=now,
        url=f"{settings.PUBLIC_URL}{path}",
        components=tuple((place.component.name, place.status) for place in form.places),
        next_update_at=promised,
        workaround=form.shown_workaround,
    )
    return {
        "told": told,
        "html": to_html(told.text, now),
        "workaround_html": to_html(form.shown_workaround, now),
        "promised": promised,
        "headline": headline(form, told.title),
        "state": form.state,
        "subject": messages.subject(told),
        "mail": messages.plain_mail(told),
        "chat": messages.chat(told),
        "webhook": messages.webhook(told),
    }


VERBS = {
    Status.MAJOR_OUTAGE: ("is down", "are down"),
    Status.PARTIAL_OUTAGE: ("partly works", "partly work"),
    Status.DEGRADED_PERFORMANCE: ("is slow", "are slow"),
}


def headline(form: Composition, title: str) -> str:
    """The banner as this update will make it, if nothing else is wrong."""
    status = form.state.status
    hit = [place.component.name for place in form.places if place.status is status]
    if status not in VERBS or not hit:
        return "All systems are operational" if form.phase is Phase.RESOLVED else title
    return f"{names(hit)} {VERBS[status][len(hit) > 1]}"


def audience(form: Composition) -> telling.Audience | None:
    """Who is told of this if it is published as it stands; None: nobody is to be.

    Reckoned as publishing will: its components at their worst, with what is chosen here counted in.
    """
    if form.data["quiet"] or form.is_past:
        return None
    rows = list(form.incident.affected.select_related("component")) if form.incident else []
    worsts = {row.component: Status(row.worst_status) for row in rows}
    chosen = [place for place in form.places if place.is_chosen or form.incident is None]
    for place in chosen:
        worsts[place.component] = worst([worsts.get(place.component, Status.OPERATIONAL), place.status])
    impact = impact_of(worsts.values())
    if form.incident is not None:
        impact = form.incident.shown_impact if form.incident.impact_override or not chosen else impact
    return telling.answers().audience(
        NoticeKind.INCIDENT, list(worsts), impact=Impact(impact), incident=form.incident
    )


# Templates


def templates(incident: Incident | None) -> Iterable[Template]:
    """The texts that fit here; those of the phase that comes next stand first."""
    kind = TemplateKind.INCIDENT if incident is None else TemplateKind.UPDATE
    return Template.objects.filter(kind=kind)


def fill(form: Composition, template: Template, now: datetime) -> None:
    """Put a template's words in. What was typed stays: the template then follows below it."""
    values = facts(form, template, now)
    body = blanks.fill(template.body, values)
    typed = form.data["body"].strip()
    untouched = not typed or typed == form.data["filled"].strip()
    form.data["body"] = body if untouched else f"{typed}\n\n{body}"
    form.data["filled"] = body if untouched else ""
    if template.phase:
        form.data["phase"] = template.phase
    if template.title and not form.data["title"].strip():
        form.data["title"] = blanks.fill(template.title, values)


def facts(form: Composition, template: Template, now: datetime) -> dict[str, str]:
    """What the system knows for the blanks of a text."""
    phase = template.phase or form.phase
    promised = None if phase == Phase.RESOLVED else form.promised_at(now)
    known = {
        "components": names([place.component.name for place in form.places]),
        "page": settings.PAGE_NAME,
        "now": clock(now, now),
        "next": clock(promised, now) if promised else "",
        "what works": names(_working_beside(form)),
    }
    if form.incident is not None:
        began = form.incident.started_at
        end = _end(form.incident, phase, now)
        known |= {
            "now": clock(end, now),
            "started": clock(began, now),
            "duration": duration(lasted(began, end, now).total_seconds()),
            "title": form.incident.title,
        }
    return known


def _end(incident: Incident, phase: str, now: datetime) -> datetime:
    """What {now} is: in a text that says it works again, since when it does, as the page counts it."""
    if phase not in (Phase.MONITORING, Phase.RESOLVED):
        return now
    return incident.ended_at or incident.recovered_at() or now


def _working_beside(form: Composition) -> list[str]:
    """Components of the same groups that are known to work."""
    groups = {place.component.group_id for place in form.places if place.component.group_id}
    mine = [place.component.pk for place in form.places]
    beside = Component.objects.filter(group__in=groups, is_shown=True, status=Status.OPERATIONAL)
    return list(beside.exclude(pk__in=mine).values_list("name", flat=True)[:3])


# Publishing


def publish(form: Composition, *, author: Any, now: datetime, reopens: bool = False) -> Update:
    """All of it in one transaction, or nothing. Raises ValidationError with a message per field."""
    data = form.data
    if form.incident is None:
        return _publish_new(form, {place.component: place.status for place in form.places}, author, now)
    statuses = {place.component: place.status for place in form.places if place.is_chosen}
    seen = int(data["seen"]) if data["seen"].isdigit() else None
    return form.incident.post(
        data["body"],
        phase=form.phase,
        now=now,
        author=author,
        next_update_at=form.promised_at(now),
        statuses=statuses,
        title=data["title"],
        workaround=form.workaround,
        at=moment(data["at"], "at", "Said at") if data["at"].strip() else None,
        notifies=not data["quiet"],
        undo_s=settings.UNDO_S,
        seen=seen,
        reopens=reopens,
    )


def _publish_new(form: Composition, statuses: dict[Component, Status], author: Any, now: datetime) -> Update:
    data = form.data
    if not data["title"].strip():
        raise ValidationError({"title": "The incident has no title: say what fails."})
    started_at = moment(data["started_at"], "started_at", "Started") if data["started_at"].strip() else None
    if form.is_past:
        ended_at = moment(data["ended_at"], "ended_at", "Ended")
        if started_at is None:
            raise ValidationError({"started_at": "Say when it began as well."})
        incident = Incident.objects.record(
            data["title"], data["body"], started_at=started_at, ended_at=ended_at, now=now,
            statuses=statuses, author=author,
        )  # fmt: skip
    else:
        incident = Incident.objects.open(
            data["title"], data["body"], now=now, author=author, phase=form.phase, started_at=started_at,
            next_update_at=form.promised_at(now), statuses=statuses, notifies=not data["quiet"],
            undo_s=settings.UNDO_S, workaround=form.workaround,
        )  # fmt: skip
    Draft.objects.filter(incident=None, author=author).delete()
    return incident.updates.latest("number")


def moment(text: str, name: str, label: str, *, now: datetime | None = None) -> datetime:
    """A time as typed: "2026-11-21T03:50" or "03:50" (today, or tomorrow if that has passed), UTC.

    Raises ValidationError naming the field.
    """
    text = text.strip().removesuffix("UTC").removesuffix("Z").strip()
    try:
        if now is not None and len(text) <= 5:
            hour, minute = text.split(":")
            at = now.astimezone(UTC).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            return at if at > now else at + timedelta(days=1)
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        sentence = f"{label}: “{text[:40]}” is no time. Write it as 03:50 or 2026-11-21T03:50 (UTC)."
        raise ValidationError({name: sentence}) from error
