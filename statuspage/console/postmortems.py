"""Postmortems in the console: draft, autosave, review, publish."""

from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components import identity
from components.texts import one_line
from incidents import notification_status, postmortem_draft
from incidents.models import ActionItem, ActionKind, ActionState, Incident, Notice, NoticeKind, Postmortem
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

MAX_ROWS = 200
TAGS = ("Cause", "Start", "Detected", "Wrong turn", "Cause found", "Recovery", "End", "Note")
SPARE_ROWS = 2


class PostmortemForm(forms.ModelForm):  # type: ignore[type-arg]
    """The single fields; timeline, what misled us and actions have rows of their own."""

    class Meta:
        model = Postmortem
        fields = (
            "title", "authors", "started_at", "ended_at", "detected_at", "told_at", "summary", "impact",
            "users_percent", "users_how", "detection", "what_happened", "root_cause", "escalation",
            "resolution", "lessons",
        )  # fmt: skip
        labels = {
            "started_at": "Started at, UTC",
            "ended_at": "Ended at, UTC",
            "detected_at": "Detected at, UTC",
            "told_at": "First public update, UTC",
        }
        widgets = {
            name: forms.DateTimeInput({"type": "datetime-local", "step": "1"}, "%Y-%m-%dT%H:%M:%S")
            for name in ("started_at", "ended_at", "detected_at", "told_at")
        } | {
            name: forms.Textarea(attrs={"rows": rows})
            for name, rows in (
                ("summary", 3), ("impact", 3), ("users_how", 2), ("detection", 2), ("what_happened", 6),
                ("root_cause", 4), ("escalation", 2), ("resolution", 3), ("lessons", 3),
            )
        }  # fmt: skip


@require_GET
@needs(Role.VIEWER)
def list_page(request: HttpRequest) -> HttpResponse:
    """All postmortems, the incidents without one, and the open actions."""
    request.section = "console_postmortems"  # type: ignore[attr-defined]
    today = identity.day_of(timezone.now())
    items = ActionItem.objects.exclude(state=ActionState.DONE).select_related("postmortem__incident")
    context = {
        "found": Postmortem.objects.select_related("incident").filter(incident__deleted_at=None),
        "without": Incident.objects.live().exclude(resolved_at=None).filter(postmortem=None)[:10],
        "items": [(item, item.is_late(today)) for item in items.order_by("due", "id")[:100]],
        "states": ActionState.choices,
    }
    return render(request, "console/postmortems.html", context)


@require_POST
@needs(Role.RESPONDER)
def begin(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make a draft with everything the system knows."""
    incident = get_object_or_404(Incident, public_id=public_id)
    try:
        postmortem_draft.create(incident, author=request.user, now=timezone.now())
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("console_incident", public_id=public_id)
    Audit.objects.note(request, "postmortem.begin", incident)
    return redirect("console_postmortem", public_id=public_id)


@require_http_methods(["GET", "POST"])
@needs(Role.VIEWER)
def page(request: HttpRequest, public_id: str) -> HttpResponse:
    """The editor; without script, saved by its button."""
    request.section = "console_postmortems"  # type: ignore[attr-defined]
    postmortem = _get(public_id)
    if request.method == "GET":
        return _page(request, postmortem, PostmortemForm(instance=postmortem))
    role: Role = request.role  # type: ignore[attr-defined]
    if role < Role.RESPONDER:
        messages.error(request, "Your role is read-only: ask an admin of this page.")
        return redirect("console_postmortem", public_id=public_id)
    form = _keep(request, postmortem)
    if form.errors:
        return _page(request, postmortem, form, status=400)
    messages.success(request, "Saved.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def save(request: HttpRequest, public_id: str) -> HttpResponse:
    """Autosave. Answers {"saved_at": ISO 8601, "actions": [key]}, or {"errors": [sentence]}.

    There is one key for each action with text, in order; the form sends them when it saves again.
    """
    postmortem = _get(public_id)
    form = _keep(request, postmortem)
    if form.errors:
        errors = [sentence for sentences in form.errors.values() for sentence in sentences]
        return JsonResponse({"errors": errors}, status=400)
    saved_at = Postmortem.objects.get(pk=postmortem.pk).saved_at.isoformat()
    return JsonResponse({"saved_at": saved_at, "actions": [item.pk for item in postmortem.actions.all()]})


def _keep(request: HttpRequest, postmortem: Postmortem) -> PostmortemForm:
    """Save it all in one transaction, or nothing; the returned form has the errors."""
    form = PostmortemForm(request.POST, instance=Postmortem.objects.get(pk=postmortem.pk))
    if not form.is_valid():
        return form
    try:
        with transaction.atomic():
            changes = dict(form.cleaned_data)
            changes["timeline"] = _timeline(request)
            changes["misled"] = _misled(request)
            last_seen = request.POST.get("seen", "")
            postmortem.keep(changes, timezone.now(), author=request.user, seen=last_seen)
            _actions(request, postmortem)
    except ValidationError as refused:
        form.add_error(None, refused.messages)
    return form


def _timeline(request: HttpRequest) -> list[list[str]]:
    """The rows with text, by time. Raises ValidationError."""
    rows = zip(*(request.POST.getlist(f"line-{name}") for name in ("at", "tag", "text")), strict=False)
    entries = []
    for at, tag, text in list(rows)[:MAX_ROWS]:
        if not text.strip():
            continue
        try:
            moment = datetime.fromisoformat(at.strip().removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError(
                f"Timeline: “{at[:30]}” is not a time. Write it as 2026-11-21T03:50:00 (UTC)."
            ) from error
        entries.append([moment.strftime("%Y-%m-%dT%H:%M:%SZ"), tag if tag in TAGS else "", _line(text)])
    return sorted(entries)


def _misled(request: HttpRequest) -> list[list[str]]:
    rows = zip(*(request.POST.getlist(f"misled-{name}") for name in ("saw", "true")), strict=False)
    return [[_line(saw), _line(true)] for saw, true in list(rows)[:MAX_ROWS] if saw.strip() or true.strip()]


def _line(text: str) -> str:
    return one_line(text)[:1000]


def _actions(request: HttpRequest, postmortem: Postmortem) -> None:
    """Save the action items from their rows; those without text are deleted. Raises ValidationError."""
    names = ("id", "text", "kind", "team", "due", "state", "link")
    rows = list(zip(*(request.POST.getlist(f"action-{name}") for name in names), strict=False))[:MAX_ROWS]
    held = {str(item.pk): item for item in postmortem.actions.all()}
    for position, row in enumerate(rows, start=1):
        fields = dict(zip(names, row, strict=True))
        item = held.pop(fields["id"], None) or ActionItem(postmortem=postmortem)
        if not fields["text"].strip():
            if item.pk:
                item.delete()
            continue
        _fill(item, fields, position)
    for removed in held.values():
        removed.delete()


def _fill(item: ActionItem, fields: dict[str, str], position: int) -> None:
    try:
        due = date.fromisoformat(fields["due"]) if fields["due"].strip() else None
    except ValueError as error:
        raise ValidationError(
            f"Action “{fields['text'][:40]}”: “{fields['due'][:20]}” is not a date."
        ) from error
    item.position, item.text, item.team, item.due = (
        position,
        _line(fields["text"]),
        _line(fields["team"]),
        due,
    )
    item.kind, item.link = fields["kind"], fields["link"].strip()
    was_done = item.state == ActionState.DONE
    item.state = fields["state"]
    if (item.state == ActionState.DONE) != was_done:
        item.done_at = timezone.now() if item.state == ActionState.DONE else None
    try:
        item.full_clean()
    except ValidationError as refused:
        raise ValidationError(f"Action “{item.text[:40]}”: {' '.join(refused.messages)}") from refused
    item.save()


def _page(
    request: HttpRequest, postmortem: Postmortem, form: PostmortemForm, *, status: int = 200
) -> HttpResponse:
    lines = [*postmortem.timeline, *([["", "", ""]] * SPARE_ROWS)]
    spare = [ActionItem(postmortem=postmortem) for _ in range(SPARE_ROWS)]
    context = {
        "postmortem": postmortem,
        "incident": postmortem.incident,
        "form": form,
        "lines": [[at.removesuffix("Z"), tag, text] for at, tag, text in lines],
        "misled": [*postmortem.misled, *([["", ""]] * SPARE_ROWS)],
        "actions": [*postmortem.actions.all(), *spare],
        "tags": TAGS,
        "kinds": ActionKind.choices,
        "states": ActionState.choices,
        "versions": postmortem.versions.select_related("author")[:20],
        "was_told": Notice.objects.filter(postmortem=postmortem).exists(),
        "audience": _audience(postmortem.incident),
    }
    return render(request, "console/postmortem.html", context, status=status)


def _audience(incident: Incident) -> notification_status.Audience:
    components = [row.component for row in incident.affected.select_related("component")]
    return notification_status.answers().audience(
        NoticeKind.POSTMORTEM, components, impact=incident.shown_impact, incident=incident
    )


@require_POST
@needs(Role.RESPONDER)
def publish(request: HttpRequest, public_id: str) -> HttpResponse:
    """Publish it, with or without notifying subscribers."""
    postmortem = _get(public_id)
    notifies = "quiet" not in request.POST
    try:
        postmortem.publish(timezone.now(), notifies=notifies)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        Audit.objects.note(request, "postmortem.publish", postmortem, after={"notifies": notifies})
        messages.success(request, "Published.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take it off the public pages."""
    postmortem = _get(public_id)
    postmortem.withdraw()
    Audit.objects.note(request, "postmortem.withdraw", postmortem)
    messages.success(request, "It is a draft again.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    """Mark it as reviewed by a second person."""
    postmortem = _get(public_id)
    try:
        postmortem.review(timezone.now(), reviewer=request.user)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        Audit.objects.note(request, "postmortem.review", postmortem)
        messages.success(request, "Marked as reviewed by you.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def move_action(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the state of an action."""
    item = get_object_or_404(ActionItem, pk=pk)
    state: Any = request.POST.get("state", "")
    if state in ActionState.values:
        before = item.state
        item.move(state, timezone.now())
        Audit.objects.note(request, "action.move", item, before={"state": before}, after={"state": state})
        messages.success(request, "Saved. The public page shows it too.")
    else:
        messages.error(request, "Choose its state: not started, in progress or done.")
    return redirect("console_postmortems")


def _get(public_id: str) -> Postmortem:
    return get_object_or_404(
        Postmortem.objects.select_related("incident", "author", "reviewer"), incident__public_id=public_id
    )
