"""The composer: one form for an update or a new incident, saved as it is typed, published as a whole.

The form works by plain POST and redirect. With script the same form is sent to
`saved` every two seconds, which answers with the preview, the checks of the
text and what others have written meanwhile.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from components import identity
from components.models import Component, Page
from components.status import Impact, State, Status, impact_of, worst
from components.texts import one_line
from incidents import automation, hidden_components, messages, notification_status, placeholders, style_check
from incidents.generated_text import names
from incidents.lifecycle import Phase
from incidents.markdown import to_html
from incidents.models import Draft, Incident, NoticeKind, Post, TakenForm, Update
from incidents.models.draft import MAX_LENGTH
from incidents.state import place_now, state_now
from incidents.times import clock
from statuspage.console import confirmations, numbers, promises
from statuspage.console.promises import moment

CHOICES = (
    (Status.OPERATIONAL, "works"),
    (Status.DEGRADED_PERFORMANCE, "degraded"),
    (Status.PARTIAL_OUTAGE, "partial"),
    (Status.MAJOR_OUTAGE, "major"),
)
FIELDS = (
    "title", "phase", "body", "promise", "promise_at", "quiet", "at", "started_at", "ended_at", "seen",
    "filled", "workaround", "workaround_was", "key", "opened", "told", "although_hidden", "although_blank",
    "although_down",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A component in the form: its status now, when the form was opened, and as chosen."""

    component: Component
    old: Status
    was: Status
    status: Status
    is_new: bool = False
    row: Status = Status.UNKNOWN  # its last and its worst status in the incident
    worst: Status = Status.UNKNOWN

    @property
    def is_turned(self) -> bool:
        """Whether to show the change, as "Major outage → Partial outage"."""
        return self.old is not self.status

    @property
    def is_chosen(self) -> bool:
        """Whether the writer chose this status; false if only probes changed it meanwhile."""
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
        """Whether it is a new incident that is already over."""
        return self.incident is None and bool(self.data.get("ended_at", "").strip())

    @property
    def warning(self) -> str:
        """The hidden components that publishing would reveal, in a sentence; empty if there are none."""
        is_public = self.incident is not None and self.incident.published_at is not None
        if is_public or not hidden_components.are_all_hidden(place.component for place in self.places):
            return ""
        return hidden_components.WARNING

    @property
    def blanks(self) -> list[str]:
        """Placeholders that are not filled in yet, such as `{cause}`."""
        texts = (self.data["title"], self.data["body"], self.data["workaround"])
        return [blank for text in texts for blank in placeholders.written(text).values()]

    @property
    def phase(self) -> Phase:
        """The chosen phase; the incident's own if the choice is invalid."""
        try:
            return Phase(self.data.get("phase", ""))
        except ValueError:
            return Phase(self.incident.phase) if self.incident else Phase.INVESTIGATING

    @property
    def state(self) -> State:
        """The incident's state after publishing, for the head of the preview."""
        override = self.incident.impact_override if self.incident else ""
        impact = self.incident.shown_impact if self.incident else Impact.NONE
        statuses = [self._published_status(place) for place in self.places if place.component.is_shown]
        return state_now(self.phase, statuses, override=override, impact=impact)

    def _published_status(self, place: Place) -> Status:
        """Its status after publishing; the last known one if it is unknown."""
        return place_now(place.status, place.row, place.worst, self.phase)

    @property
    def workaround(self) -> str | None:
        """What customers can do, as typed; None if the writer did not change it."""
        typed = self.data["workaround"]
        return None if typed == self.data["workaround_was"] else typed

    @property
    def shown_workaround(self) -> str:
        """The same as pages and mails will show it: empty once it is over."""
        return "" if self.is_past or self.phase is Phase.RESOLVED else self.data["workaround"].strip()

    def promised_at(self, now: datetime) -> datetime | None:
        """When the next update is promised for; None for none. Raises ValidationError."""
        chosen = self.data.get("promise", "")
        if self.phase is Phase.RESOLVED or chosen == "none":
            return None
        if chosen == "other":
            return moment(self.data.get("promise_at", ""), "promise_at", "Promise the next update", now=now)
        if chosen not in {str(minutes) for minutes in promises.PRESETS}:
            return None
        return promises.preset(int(chosen), self.data["opened"], now)

    def follow(self, now: datetime) -> tuple[str, str]:
        """Update the promised time in the text. Returns what was replaced, and by what."""
        try:
            promised = self.promised_at(now)
        except ValidationError:
            return "", ""
        was, new = promises.follow(self.data["body"], self.data["told"], promised, now)
        for name in ("body", "filled"):
            self.data[name] = promises.put(self.data[name], was, new)
        if was:
            self.data["told"] = new
        return ("", "") if was == new else (was, new)


# Beginning


def begin(incident: Incident | None, author: Any, now: datetime) -> Composition:
    """The form as this person left it, or fresh."""
    draft = Draft.objects.of(incident, author)
    fresh = {"key": uuid4().hex, "opened": now.isoformat()}
    if draft is not None:
        typed = {name: value for name, value in draft.data.items() if value or name not in fresh}
        form = read(incident, fresh | typed, now)
        form.follow(now)  # it may have promised a time that has passed
        return form
    data = {"phase": _first_phase(incident), "promise": str(promises.USUAL), "seen": str(newest(incident))}
    if incident is not None and incident.published_at is None:
        until = promises.preset(promises.USUAL, "", now)
        words = automation.draft(incident, now, until=until)
        data |= {"title": incident.title, "body": words, "told": clock(until, now)}
    return read(incident, data | fresh, now)


def _first_phase(incident: Incident | None) -> str:
    if incident is None:
        return Phase.INVESTIGATING
    is_over = incident.published_at is None and incident.recovered_since is not None
    return Phase.RESOLVED if is_over else incident.phase


def newest(incident: Incident | None) -> int:
    """The number of the newest update its author can have read."""
    last = incident.updates.order_by("number").last() if incident else None
    return last.number if last else 0


def read(incident: Incident | None, data: Any, now: datetime) -> Composition:
    """The form from POST data, or from a draft."""
    text = {name: str(data.get(name, ""))[:MAX_LENGTH] for name in FIELDS}
    text["title"] = one_line(text["title"])
    for name in ("body", "workaround", "workaround_was"):
        text[name] = text[name].replace("\r\n", "\n")
    if "workaround" not in data or text["workaround"] == text["workaround_was"]:
        # untouched: it follows the incident, which someone may have changed meanwhile
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
    by_id = {component.public_id: component for component in Component.objects.filter(public_id__in=wanted)}
    places = []
    for key in wanted:
        if key not in by_id or chosen.get(key) == "remove":
            continue
        row = affected.get(key)
        old = Status(row.status) if row else Status(by_id[key].status)
        was = _chosen(data.get(f"was-{key}"), old)
        picked = _chosen(chosen.get(key), was)
        status = picked if picked is not was else old  # untouched: it follows what the probes say
        last_known = (
            (Status(row.status), Status(row.worst_status)) if row else (Status.UNKNOWN, Status.UNKNOWN)
        )
        places.append(
            Place(by_id[key], old, was if status is picked else old, status, row is None, *last_known)
        )
    return places


def _chosen(text: str | None, old: Status) -> Status:
    try:
        return Status(text or "")
    except ValueError:
        return old


# Saving and looking


def to_draft(form: Composition) -> dict[str, str]:
    """The form as strings, without the confirmations (blanks, failing checks), which are asked each time."""
    data = {name: form.data[name] for name in FIELDS if name not in ("although_blank", "although_down")}
    for place in form.places:
        data[f"status-{place.component.public_id}"] = place.status.value
        data[f"was-{place.component.public_id}"] = place.was.value
    return data


def remarks(form: Composition, now: datetime) -> tuple[style_check.Remark, ...]:
    """Remarks of the style check on the text."""
    has_promise = False
    with suppress(ValidationError):
        has_promise = form.promised_at(now) is not None
    if not form.data["body"].strip():
        return ()
    of = [place.component.name for place in form.places]
    return style_check.remarks(form.data["body"], phase=form.phase, components=of, has_promise=has_promise)


def preview(form: Composition, now: datetime) -> dict[str, Any]:
    """The update as the page, a mail, a chat channel and a webhook will show it."""
    promised = None
    with suppress(ValidationError):
        promised = form.promised_at(now)
    title = form.data["title"] or (form.incident.title if form.incident else "")
    path = form.incident.get_absolute_url() if form.incident else "/"
    message = messages.UpdateMessage(
        page_name=identity.current().name,
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
        "told": message,
        "html": to_html(message.text, now),
        "workaround_html": to_html(form.shown_workaround, now),
        "promised": promised,
        "headline": headline(form, message.title),
        "state": form.state,
        "subject": messages.subject(message),
        "mail": messages.plain_mail(message),
        "chat": messages.chat(message),
        "webhook": messages.webhook(message),
    }


VERBS = {
    Status.MAJOR_OUTAGE: ("is down", "are down"),
    Status.PARTIAL_OUTAGE: ("partly works", "partly work"),
    Status.DEGRADED_PERFORMANCE: ("is slow", "are slow"),
}


def headline(form: Composition, title: str) -> str:
    """The banner after this update, if nothing else is wrong."""
    status = form.state.status
    hit = [place.component.name for place in form.places if place.status is status]
    if status not in VERBS or not hit:
        return "All systems are operational" if form.phase is Phase.RESOLVED else title
    return f"{names(hit)} {VERBS[status][len(hit) > 1]}"


def audience(form: Composition) -> notification_status.Audience | None:
    """Who is notified if this is published as it is; None if no one should be.

    Computed as publishing does: by the worst status of each component, including the chosen one.
    """
    if form.data["quiet"] or form.is_past:
        return None
    rows = list(form.incident.affected.select_related("component")) if form.incident else []
    worsts = {row.component: Status(row.worst_status) for row in rows}
    chosen = [place for place in form.places if place.is_chosen or form.incident is None]
    for place in chosen:
        worsts[place.component] = worst([worsts.get(place.component, Status.OPERATIONAL), place.status])
    # hidden components count only if all are hidden, as for the incident's impact
    shown = [status for component, status in worsts.items() if component.is_shown]
    impact = impact_of(shown or worsts.values())
    if form.incident is not None:
        impact = form.incident.shown_impact if form.incident.impact_override or not chosen else impact
    return notification_status.answers().audience(
        NoticeKind.INCIDENT, list(worsts), impact=Impact(impact), incident=form.incident
    )


# Publishing


class AlreadyPublishedError(Exception):
    """This form was published already and is not published twice. `incident`: the result."""

    def __init__(self, incident: Incident) -> None:
        super().__init__()
        self.incident = incident


def publish(form: Composition, *, author: Any, now: datetime, reopens: bool = False) -> Update:
    """Publish it all in one transaction, or nothing. Raises ValidationError with a message per field,
    and AlreadyPublishedError.
    """
    form.follow(now)
    with transaction.atomic():
        Page.objects.lock()
        taken = TakenForm.objects.of(form.data["key"], author)
        if taken is not None and taken.incident is not None:
            raise AlreadyPublishedError(taken.incident)
        update = _post(form, author=author, now=now, reopens=reopens)
        TakenForm.objects.take(form.data["key"], author, update.incident, now=now)
    return update


def _post(form: Composition, *, author: Any, now: datetime, reopens: bool) -> Update:
    data = form.data
    if asked := confirmations.questions(form):
        raise ValidationError(asked)
    if form.incident is None:
        return _publish_new(form, {place.component: place.status for place in form.places}, author, now)
    statuses = {place.component: place.status for place in form.places if place.is_chosen}
    sent = Post(
        data["body"],
        phase=form.phase,
        next_update_at=form.promised_at(now),
        statuses=statuses,
        title=data["title"],
        workaround=form.workaround,
        at=moment(data["at"], "at", "Posted at") if data["at"].strip() else None,
        notifies=not data["quiet"],
        undo_s=settings.UNDO_S,
        seen=numbers.whole(data["seen"]),
        reopens=reopens,
        typed=to_draft(form),
    )
    return form.incident.post(sent, now=now, author=author)


def _publish_new(form: Composition, statuses: dict[Component, Status], author: Any, now: datetime) -> Update:
    data = form.data
    if not data["title"].strip():
        raise ValidationError({"title": "The incident has no title: say what fails."})
    started_at = moment(data["started_at"], "started_at", "Started") if data["started_at"].strip() else None
    if form.is_past:
        ended_at = moment(data["ended_at"], "ended_at", "Ended")
        if started_at is None:
            raise ValidationError({"started_at": "Enter when it started as well."})
        incident = Incident.objects.record(
            data["title"], data["body"], started_at=started_at, ended_at=ended_at, now=now,
            statuses=statuses, author=author,
        )  # fmt: skip
    else:
        incident = Incident.objects.open(
            data["title"], data["body"], now=now, author=author, phase=form.phase, started_at=started_at,
            next_update_at=form.promised_at(now), statuses=statuses, notifies=not data["quiet"],
            undo_s=settings.UNDO_S, workaround=form.workaround, typed=to_draft(form),
        )  # fmt: skip
    Draft.objects.filter(incident=None, author=author).delete()
    return incident.updates.latest("number")
