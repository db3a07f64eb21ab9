"""Incidents in the console: the list, one with its history, and every action."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components.status import Impact
from incidents import automation, handover, hidden_components, notification_status, staff_questions
from incidents.generated_text import duration
from incidents.lifecycle import Kind
from incidents.models import Affected, Incident, Notice, NoticeKind, Update, recovery
from statuspage.console import hooks, promises
from statuspage.models import Audit, Role
from statuspage.public import incident_cards
from statuspage.public.evidence import evidence
from statuspage.staff.access import needs

PAGE_SIZE = 30
LISTS = {
    "all": Q(deleted_at=None, merged_into=None),
    "open": Q(deleted_at=None, merged_into=None, resolved_at=None),
    "suggested": Q(deleted_at=None, merged_into=None, published_at=None),
    "deleted": ~Q(deleted_at=None) | ~Q(merged_into=None),
}


@require_GET
@needs(Role.VIEWER)
def list_page(request: HttpRequest) -> HttpResponse:
    """Incidents, newest first, with a search."""
    request.section = "console_incidents"  # type: ignore[attr-defined]
    which = request.GET.get("which", "all")
    which = which if which in LISTS else "all"
    words = request.GET.get("q", "").strip()[:100].replace("\0", "")
    incidents = Incident.objects.filter(LISTS[which]).prefetch_related(
        Prefetch("affected", Affected.objects.select_related("component"))
    )
    if words:
        incidents = incidents.filter(
            Q(title__icontains=words)
            | Q(updates__body__icontains=words)
            | Q(affected__component__name__icontains=words)
        ).distinct()
    page = Paginator(incidents, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"found": page, "which": which, "lists": list(LISTS), "words": words, "now": timezone.now()}
    return render(request, "console/incidents.html", context)


@require_GET
@needs(Role.VIEWER)
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One incident with everything that only staff see. `?part=told`: only its notification status."""
    request.section = "console_incidents"  # type: ignore[attr-defined]
    incident = _get(public_id)
    now = timezone.now()
    if request.GET.get("part") == "told":
        lines = {**_notification_lines(incident, now), "is_part": True}
        return render(request, "console/_notification_status.html", lines)
    rows = list(incident.affected.as_seen().order_by("component__position", "id"))
    incident.all_affected = rows  # type: ignore[attr-defined]
    updates = list(
        incident.updates.select_related("author")
        .prefetch_related("versions__replaced_by")
        .order_by("-number")
    )
    context = {
        "incident": incident,
        "rows": rows,
        "state": incident_cards.state_of(incident),
        "updates": updates,
        "length": duration(incident.lasted(now).total_seconds()),
        "evidence": evidence(incident, now),
        "undoable": next((update for update in updates if update.may_be_undone(now)), None),
        "impacts": [impact.value for impact in Impact],
        "others": _others(incident)[:30],
        "may_hand_back": incident.is_owned and recovery.is_looked_at(incident),
        "dispute": staff_questions.disputed(incident).text if _is_in_dispute(incident) else "",
        "beside": _writing(incident, request, now),
        "overdue": _overdue(incident, now),
        "hidden_words": hidden_components.CONFIRM
        if incident.is_suggestion and incident.is_all_hidden
        else "",
        "postmortem": getattr(incident, "postmortem", None),
        "now": now,
        **_notification_lines(incident, now),
        **hooks.of_incident(incident),
    }
    return render(request, "console/incident.html", context)


@dataclass(frozen=True, slots=True)
class NotificationLine:
    """The notification status of an update: no one before `waits_until`, later `words` on its progress."""

    number: int
    waits_until: datetime | None
    words: str
    has_failing: bool = False
    is_over: bool = False


def _notification_lines(incident: Incident, now: datetime) -> dict[str, Any]:
    """The notification status by update number, and whether any can still change. Two queries."""
    progress = notification_status.answers().progress(incident)
    rows = Notice.objects.filter(incident=incident, kind=NoticeKind.INCIDENT).exclude(update=None)
    lines = {}
    for number, due_at, sorted_at in rows.values_list("update__number", "due_at", "sorted_at"):
        sent = progress.get(number)
        if sorted_at is None and sent is None:
            lines[number] = NotificationLine(number, due_at if due_at > now else None, "being sent")
        elif sent is None:
            lines[number] = NotificationLine(number, None, "no one was notified", is_over=True)
        else:
            is_over = sent.is_over and sorted_at is not None
            lines[number] = NotificationLine(
                number, None, sent.words, bool(sent.retrying or sent.failed), is_over
            )
    return {"incident": incident, "told": lines, "moves": any(not line.is_over for line in lines.values())}


def _others(incident: Incident) -> QuerySet[Incident]:
    """The incidents it can be merged into; only open ones while it is open."""
    others = Incident.objects.live().exclude(pk=incident.pk)
    return others if incident.resolved_at else others.filter(resolved_at=None)


def _is_in_dispute(incident: Incident) -> bool:
    is_ours = incident.is_owned or incident.resolved_at or incident.deleted_at or incident.merged_into_id
    return not is_ours and bool(recovery.disputed(incident))


def _writing(incident: Incident, request: HttpRequest, now: datetime) -> Any:
    return incident.drafts.model.objects.beside(incident, request.user, now)


def _overdue(incident: Incident, now: datetime) -> str:
    due = incident.next_update_at
    is_late = due is not None and due < now and incident.resolved_at is None
    return duration((now - due).total_seconds()) if due and is_late else ""


def act(
    name: str, done: str, *, is_form: bool = False
) -> Callable[[Callable[..., None]], Callable[..., HttpResponse]]:
    """A verb of an incident as a view: POST, show the result, back to its page.

    `is_form`: a form that may be sent without a change, which is then not logged.
    """

    def wrap(verb: Callable[..., None]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, public_id: str) -> HttpResponse:
            incident = _get(public_id)
            before = _facts(incident)
            try:
                verb(request, incident, timezone.now())
            except ValidationError as refused:
                messages.error(request, " ".join(refused.messages))
            else:
                after = _facts(_get(public_id))
                facts = {"before": before, "after": after} if is_form or before != after else {}
                Audit.objects.note(request, f"incident.{name}", incident, **facts)
                messages.success(request, done)
            return redirect("console_incident", public_id=public_id)

        return require_POST(needs(Role.RESPONDER)(view))

    return wrap


def _facts(incident: Incident) -> dict[str, Any]:
    names = ("title", "phase", "impact_override", "cause", "workaround", "is_owned", "started_at",
             "published_at", "resolved_at", "deleted_at", "merged_into_id")  # fmt: skip
    return {name: getattr(incident, name) for name in names}


@act("take_over", "You have taken it over: automation adds notes and suggestions, but posts no updates.")
def take_over(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Staff manage it from now on."""
    handover.take_over(incident, now, author=request.user)


@act("hand_back", "Handed back: updates and resolution are automatic again.")
def hand_back(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Make it automatic again."""
    handover.hand_back(incident, now, author=request.user)


@act("publish", "Published as is.")
def publish(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Show a suggestion."""
    if incident.is_all_hidden and not request.POST.get("although_hidden"):
        raise ValidationError(f"{hidden_components.WARNING} Tick the box to publish it anyway.")
    automation.publish(incident, now)


@act("hold", "On hold: it will not be published automatically.")
def hold(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Stop a countdown."""
    incident.hold()


@act("note", "Note added, for staff only.")
def note(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """A private note."""
    incident.note(request.POST.get("body", ""), now, author=request.user)


@act("delete", "Removed from every page. You can restore it from here.")
def delete(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Delete it; it can be restored."""
    incident.delete_softly(now, author=request.user)


@act("restore", "Restored.")
def restore(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Restore it after deletion."""
    handover.restore(incident, now, author=request.user)


@act("merge", "Merged: its components and its address now belong to the other incident.")
def merge(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Merge it into another incident."""
    other = Incident.objects.live().filter(public_id=request.POST.get("other", "")).first()
    if other is None:
        raise ValidationError("Choose the incident to merge this one into.")
    automation.merge(incident, other, now, author=request.user)


@act("amend", "Saved.", is_form=True)
def amend(request: HttpRequest, incident: Incident, now: datetime) -> None:
    """Correct title, impact, start, cause, and what customers can do."""
    given = request.POST
    incident.amend(
        now,
        title=given.get("title", "").strip(),
        impact_override=given.get("impact_override", ""),
        started_at=promises.with_seconds(
            promises.moment(given.get("started_at", ""), "started_at", "Started"), incident.started_at
        ),
        cause=given.get("cause", "").strip(),
        workaround=given["workaround"].replace("\r\n", "\n") if "workaround" in given else None,
    )


@require_http_methods(["GET", "POST"])
@needs(Role.RESPONDER)
def edit(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Correct the text of one update; every earlier text is kept."""
    request.section = "console_incidents"  # type: ignore[attr-defined]
    update = get_object_or_404(
        Update, incident__public_id=public_id, number=number, kind__in=(Kind.POST, Kind.FACT, Kind.NOTE)
    )
    body, error = update.body, ""
    if request.method == "POST":
        body = request.POST.get("body", "").replace("\r\n", "\n")
        before = update.body
        try:
            if len(body) > 25_000:
                raise ValidationError({"body": "The update is longer than 25,000 characters: shorten it."})
            update.incident.edit(update, body, timezone.now(), author=request.user)
        except ValidationError as refused:
            error = " ".join(refused.messages)
        else:
            Audit.objects.note(
                request, "incident.edit", update.incident, before={"body": before}, after={"body": body}
            )
            messages.success(request, "Saved. The earlier text is kept.")
            return redirect("console_incident", public_id=public_id)
    context = {"update": update, "incident": update.incident, "body": body, "error": error}
    return render(request, "console/edit.html", context, status=400 if error else 200)


def _get(public_id: str) -> Incident:
    return get_object_or_404(Incident.objects.select_related("merged_into"), public_id=public_id)
