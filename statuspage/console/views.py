"""The console's overview and composer."""

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components.diagnosis.causes import KINDS
from components.models import Component
from components.status import Status
from incidents import hidden_components, placeholders, undoing
from incidents.lifecycle import Kind, Phase
from incidents.models import Draft, Incident, TakenForm, Template, Update
from incidents.times import clock
from statuspage.console import compose, confirmations, drafts, filling, promises
from statuspage.console.numbers import whole
from statuspage.console.overview import overview
from statuspage.models import Audit, Role
from statuspage.staff.access import needs


@require_GET
@needs(Role.VIEWER)
def overview_page(request: HttpRequest) -> HttpResponse:
    """What is down, open questions, this program's health. `?part=live`: only the part that is updated."""
    request.section = "console"  # type: ignore[attr-defined]
    name = "console/_overview.html" if request.GET.get("part") == "live" else "console/overview.html"
    page = overview(timezone.now())
    request.open_incidents = page.open_incidents  # type: ignore[attr-defined] # for the navigation
    return render(request, name, {"page": page})


# Writing


@require_http_methods(["GET", "POST"])
@needs(Role.RESPONDER)
def compose_page(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """The form: shown, filled from a template, given another component, or published."""
    request.section = "console_incidents"  # type: ignore[attr-defined]
    incident, now = _incident(public_id), timezone.now()
    reopens = request.GET.get("reopen") == "1"
    if request.method == "GET":
        form = compose.begin(incident, request.user, now)
        if reopens and form.phase is Phase.RESOLVED:
            form.data["phase"] = Phase.INVESTIGATING
        _add_asked(form, request)
        _begin_with_cause(form, request)
        return _form(request, form, reopens=reopens)
    form = compose.read(incident, request.POST, now)
    form.follow(now)
    if template_id := request.POST.get("template", ""):
        filling.fill(form, get_object_or_404(Template, pk=whole(template_id) or 0), now)
    if template_id or "publish" not in request.POST:
        _keep(form, request)
        return _form(request, form, reopens=reopens)
    return _publish(request, form, reopens=reopens)


def _add_asked(form: compose.Composition, request: HttpRequest) -> None:
    """Add the components that a link to the composer names."""
    asked = Component.objects.filter(public_id__in=request.GET.getlist("component"))
    held = {place.component.pk for place in form.places}
    for component in asked:
        if component.pk not in held:
            status = Status(component.status)
            form.places.append(compose.Place(component, status, status, status, is_new=True))


def _begin_with_cause(form: compose.Composition, request: HttpRequest) -> None:
    """A link from a probe's diagnosis begins the text with what customers could be told of the cause."""
    words = KINDS.get(request.GET.get("cause", ""))
    if words is not None and form.incident is None and not form.data["body"].strip():
        form.data["body"] = words.draft


def _publish(request: HttpRequest, form: compose.Composition, *, reopens: bool) -> HttpResponse:
    now = timezone.now()
    stood = form.incident.workaround if form.incident else ""
    try:
        update = compose.publish(form, author=request.user, now=now, reopens=reopens)
    except compose.AlreadyPublishedError as twice:
        if drafts.keep_changed(form, twice.incident, request.user, now):
            messages.info(
                request,
                "This was already published. What you have changed since is here: publish it as an update.",
            )
            return redirect("console_compose", public_id=twice.incident.public_id)
        messages.info(request, "This was already published; it was not sent again.")
        return redirect("console_incident", public_id=twice.incident.public_id)
    except ValidationError as refused:
        _keep(form, request)
        form.errors = _errors(refused)
        if form.incident is not None and "seen" in form.errors:
            form.data["seen"] = str(compose.newest(form.incident))  # now they have read it
        return _form(request, form, status=400, reopens=reopens)
    incident = update.incident
    facts = {name: getattr(update, name) for name in ("number", "phase", "body", "notifies")}
    before = None
    if incident.workaround != stood:
        before, facts["workaround"] = {"workaround": stood}, incident.workaround
    act = "incident.post" if form.incident else "incident.open"
    Audit.objects.note(request, act, incident, before=before, after=facts)
    messages.success(request, f"Published: {update.get_phase_display()}.")
    return redirect("console_incident", public_id=incident.public_id)


def _errors(refused: ValidationError) -> dict[str, str]:
    """A sentence per field; those without a field are under "form"."""
    if hasattr(refused, "error_dict"):
        return {name: " ".join(sentences) for name, sentences in refused.message_dict.items()}
    return {"form": " ".join(refused.messages)}


def _form(
    request: HttpRequest, form: compose.Composition, *, status: int = 200, reopens: bool = False
) -> HttpResponse:
    now = timezone.now()
    incident = form.incident
    held = [place.component.pk for place in form.places]
    last = None
    if incident is not None:
        last = incident.updates.filter(kind=Kind.POST).select_related("author").last()
    texts = list(filling.templates(incident))
    context = {
        "form": form,
        "incident": incident,
        "phases": list(Phase),
        "choices": compose.CHOICES,
        "promises": [(str(minutes), _promise_words(form, minutes, now)) for minutes in promises.PRESETS],
        "others": Component.objects.exclude(pk__in=held).order_by("group__position", "position", "id"),
        "texts": texts,
        "last": last,
        "undo_s": settings.UNDO_S,
        "reopens": reopens,
        "hidden_words": hidden_components.CONFIRM,
        "blank_words": placeholders.CONFIRM,
        "down_words": confirmations.STILL_DOWN,
        "now": now,
        **_side_context(form, request),
    }
    return render(request, "console/compose.html", context, status=status)


def _promise_words(form: compose.Composition, minutes: int, now: Any) -> Any:
    probe = compose.Composition(form.incident, {**form.data, "promise": str(minutes), "phase": ""}, [])
    at = probe.promised_at(now) if form.phase is not Phase.RESOLVED else None
    return clock(at, now) if at else ""


def _side_context(form: compose.Composition, request: HttpRequest) -> dict[str, Any]:
    """The context of the column beside the text: preview, checks, and what others write."""
    now = timezone.now()
    shown = compose.preview(form, now)
    last_seen = whole(form.data["seen"]) or 0
    newer = []
    if form.incident is not None:
        me: Any = request.user
        posts = form.incident.updates.filter(number__gt=last_seen, kind=Kind.POST).exclude(author=me)
        newer = list(posts.select_related("author"))
    return {
        "preview": {**shown, "webhook": json.dumps(shown["webhook"], indent=1, ensure_ascii=False)},
        "remarks": compose.remarks(form, now),
        "words": len(form.data["body"].split()),
        "audience": compose.audience(form),
        "beside": Draft.objects.beside(form.incident, request.user, now),
        "newer": newer,
        "draft": Draft.objects.of(form.incident, request.user),
    }


def _keep(form: compose.Composition, request: HttpRequest) -> Draft | None:
    return Draft.objects.keep(form.incident, request.user, compose.to_draft(form), timezone.now())


@require_POST
@needs(Role.RESPONDER)
def compose_save(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Save the draft, and answer with the column beside the text."""
    now = timezone.now()
    form = compose.read(_incident(public_id), request.POST, now)
    was, new = form.follow(now)
    if _keep(form, request) is None:
        return HttpResponse(status=204)  # it was published meanwhile: don't restore its draft
    followed = {"was": was, "new": new} if was else None
    context = {"form": form, "incident": form.incident, "is_saved": True, "followed": followed}
    context |= _side_context(form, request)
    return render(request, "console/_beside.html", context)


@require_POST
@needs(Role.RESPONDER)
def compose_discard(request: HttpRequest, public_id: str = "") -> HttpResponse:
    """Delete one's own draft."""
    me: Any = request.user
    Draft.objects.filter(incident=_incident(public_id), author=me).delete()
    messages.success(request, "Draft discarded.")
    return redirect("console_incident", public_id=public_id) if public_id else redirect("console")


@require_POST
@needs(Role.RESPONDER)
def undo(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Undo an update before anyone was notified; its text becomes a draft again."""
    update = get_object_or_404(Update, incident__public_id=public_id, number=number)
    incident, now = update.incident, timezone.now()
    try:
        typed = undoing.undo(incident, update, now)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
        return redirect("console_incident", public_id=public_id)
    TakenForm.objects.filter(incident=incident, author=update.author, key=typed.get("key", "")).delete()
    Audit.objects.note(request, "incident.undo", incident, before={"number": number, "body": update.body})
    drafts.keep_undone(update, typed, request.user, now)
    messages.success(request, "Undone. No one was notified. Your text is below.")
    if incident.deleted_at is not None:
        return redirect("console_new")
    reopens = incident.resolved_at is not None and update.phase != Phase.RESOLVED
    address = reverse("console_compose", args=[public_id])
    return redirect(f"{address}?reopen=1" if reopens else address)


def _incident(public_id: str) -> Incident | None:
    """The incident of an address; None for a new one. Raises Http404."""
    return get_object_or_404(Incident, public_id=public_id, deleted_at=None) if public_id else None
