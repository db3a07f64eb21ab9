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

from components.texts import one_line
from incidents import notification_status, postmortem_draft
from incidents.models import ActionItem, ActionKind, ActionState, Incident, Notice, NoticeKind, Postmortem
from statuspage.models import Audit, Role
from statuspage.staff.access import needs

MAX_ROWS = 200
TAGS = ("Cause", "Start", "Detected", "Wrong turn", "Cause found", "Recovery", "End", "Note")
SPARE_ROWS = 2


class PostmortemForm(forms.ModelForm):  # type: ignore[type-arg]
    """The fields that are one box each; timeline, what misled us and actions are rows of their own."""

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
    """All of them, the incidents that lack one, and the open actions."""
    request.section = "console_postmortems"  # type: ignore[attr-defined]
    today = timezone.now().date()
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
    """One click: a draft with everything the system knows."""
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
    found = _get(public_id)
    if request.method == "GET":
        return _page(request, found, PostmortemForm(instance=found))
    role: Role = request.role  # type: ignore[attr-defined]
    if role < Role.RESPONDER:
        messages.error(request, "Your role is read-only: ask an admin of this page.")
        return redirect("console_postmortem", public_id=public_id)
    form = _keep(request, found)
    if form.errors:
        return _page(request, found, form, status=400)
    messages.success(request, "Saved.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def save(request: HttpRequest, public_id: str) -> HttpResponse:
    """As it is typed. Answers {"saved_at": ISO 8601, "actions": [key]}, or {"errors": [sentence]}.

    There is one key for each task that has words, in their order: the form sends it with the next saving.
    """
    found = _get(public_id)
    form = _keep(request, found)
    if form.errors:
        told = [sentence for sentences in form.errors.values() for sentence in sentences]
        return JsonResponse({"errors": told}, status=400)
    saved_at = Postmortem.objects.get(pk=found.pk).saved_at.isoformat()
    return JsonResponse({"saved_at": saved_at, "actions": [item.pk for item in found.actions.all()]})


def _keep(request: HttpRequest, found: Postmortem) -> PostmortemForm:
    """Save all of it in one transaction, or nothing; the form carries what was refused."""
    form = PostmortemForm(request.POST, instance=Postmortem.objects.get(pk=found.pk))
    if not form.is_valid():
        return form
    try:
        with transaction.atomic():
            changes = dict(form.cleaned_data)
            changes["timeline"] = _timeline(request)
            changes["misled"] = _misled(request)
            seen = request.POST.get("seen", "")
            found.keep(changes, timezone.now(), author=request.user, seen=seen)
            _actions(request, found)
    except ValidationError as refused:
        form.add_error(None, refused.messages)
    return form


def _timeline(request: HttpRequest) -> list[list[str]]:
    """Rows with words in them, in the order of their times. Raises ValidationError."""
    rows = zip(*(request.POST.getlist(f"line-{name}") for name in ("at", "tag", "text")), strict=False)
    found = []
    for at, tag, text in list(rows)[:MAX_ROWS]:
        if not text.strip():
            continue
        try:
            moment = datetime.fromisoformat(at.strip().removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError(
                f"Timeline: “{at[:30]}” is not a time. Write it as 2026-11-21T03:50:00 (UTC)."
            ) from error
        found.append([moment.strftime("%Y-%m-%dT%H:%M:%SZ"), tag if tag in TAGS else "", _line(text)])
    return sorted(found)


def _misled(request: HttpRequest) -> list[list[str]]:
    rows = zip(*(request.POST.getlist(f"misled-{name}") for name in ("saw", "true")), strict=False)
    return [[_line(saw), _line(true)] for saw, true in list(rows)[:MAX_ROWS] if saw.strip() or true.strip()]


def _line(text: str) -> str:
    return one_line(text)[:1000]


def _actions(request: HttpRequest, found: Postmortem) -> None:
    """Rewrite the action items from their rows; a row without words goes. Raises ValidationError."""
    names = ("id", "text", "kind", "team", "due", "state", "link")
    rows = list(zip(*(request.POST.getlist(f"action-{name}") for name in names), strict=False))[:MAX_ROWS]
    held = {str(item.pk): item for item in found.actions.all()}
    for position, row in enumerate(rows, start=1):
        given = dict(zip(names, row, strict=True))
        item = held.pop(given["id"], None) or ActionItem(postmortem=found)
        if not given["text"].strip():
            if item.pk:
                item.delete()
            continue
        _fill(item, given, position)
    for gone in held.values():
        gone.delete()


def _fill(item: ActionItem, given: dict[str, str], position: int) -> None:
    try:
        due = date.fromisoformat(given["due"]) if given["due"].strip() else None
    except ValueError as error:
        raise ValidationError(
            f"Action “{given['text'][:40]}”: “{given['due'][:20]}” is not a date."
        ) from error
    item.position, item.text, item.team, item.due = position, _line(given["text"]), _line(given["team"]), due
    item.kind, item.link = given["kind"], given["link"].strip()
    was_done = item.state == ActionState.DONE
    item.state = given["state"]
    if (item.state == ActionState.DONE) != was_done:
        item.done_at = timezone.now() if item.state == ActionState.DONE else None
    try:
        item.full_clean()
    except ValidationError as refused:
        raise ValidationError(f"Action “{item.text[:40]}”: {' '.join(refused.messages)}") from refused
    item.save()


def _page(
    request: HttpRequest, found: Postmortem, form: PostmortemForm, *, status: int = 200
) -> HttpResponse:
    lines = [*found.timeline, *([["", "", ""]] * SPARE_ROWS)]
    spare = [ActionItem(postmortem=found) for _ in range(SPARE_ROWS)]
    context = {
        "postmortem": found,
        "incident": found.incident,
        "form": form,
        "lines": [[at.removesuffix("Z"), tag, text] for at, tag, text in lines],
        "misled": [*found.misled, *([["", ""]] * SPARE_ROWS)],
        "actions": [*found.actions.all(), *spare],
        "tags": TAGS,
        "kinds": ActionKind.choices,
        "states": ActionState.choices,
        "versions": found.versions.select_related("author")[:20],
        "was_told": Notice.objects.filter(postmortem=found).exists(),
        "audience": _audience(found.incident),
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
    """Show it to the public, with or without telling subscribers."""
    found = _get(public_id)
    notifies = "quiet" not in request.POST
    try:
        found.publish(timezone.now(), notifies=notifies)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        Audit.objects.note(request, "postmortem.publish", found, after={"notifies": notifies})
        messages.success(request, "Published.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take it off the public pages."""
    found = _get(public_id)
    found.withdraw()
    Audit.objects.note(request, "postmortem.withdraw", found)
    messages.success(request, "It is a draft again.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    """A second person has read it."""
    found = _get(public_id)
    try:
        found.review(timezone.now(), reviewer=request.user)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        Audit.objects.note(request, "postmortem.review", found)
        messages.success(request, "Marked as reviewed by you.")
    return redirect("console_postmortem", public_id=public_id)


@require_POST
@needs(Role.RESPONDER)
def move_action(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how far an action is."""
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
