"""Subscribers for staff: the list, one with its log, and every action."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from components.access_marks import staff
from components.models import Component, Group
from incidents.models import Notice
from subscribers import match_reason
from subscribers.delivery import message_builder
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.staff import finding
from subscribers.staff.asking import StaffRequest, may_see, named
from subscribers.staff.forms import AddForm, ChoicesForm, StopForm
from subscribers.states import Channel

SECTION = "console_subscribers"
KEEP = timedelta(days=30)
CHANGED = "None of its current choices: they were different then."


@dataclass(frozen=True, slots=True)
class Sent:
    """A line of the log: what it was about, where staff read it, and why it was sent."""

    delivery: Delivery
    about: str
    url: str
    why: str


@require_GET
@never_cache
@staff("viewer")
def list_page(request: StaffRequest) -> HttpResponse:
    """Everybody, newest first, searched and counted."""
    request.section = SECTION
    asked, in_full = finding.Asked.of(request.GET), may_see(request)
    found = Paginator(finding.find(asked, in_full=in_full), finding.PAGE_SIZE)
    page = found.get_page(request.GET.get("page"))
    page.object_list = finding.with_last(page.object_list)  # type: ignore[arg-type]
    by_channel, by_state, total, failing = finding.counts()
    context = {
        "found": page,
        "rows": [finding.row(one, in_full=in_full) for one in page.object_list],
        "asked": asked,
        "kept": urlencode(asked.parts()),
        "all": urlencode(asked.parts(failing="", state="", channel="", incident="")),
        "only_failing": urlencode(asked.parts(failing="1")),
        "order": urlencode(asked.parts(first="" if asked.first else "failing")),
        "channels": by_channel,
        "states": by_state,
        "total": total,
        "failing": failing,
        "in_full": in_full,
    }
    return render(request, "console/subscribers/list.html", context)


@require_GET
@never_cache
@staff("responder")
def page(request: StaffRequest, public_id: str) -> HttpResponse:
    """One with its choices, its history and what it was sent."""
    return _page(request, _get(public_id))


def _page(
    request: StaffRequest,
    one: Subscriber,
    *,
    form: ChoicesForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    request.section = SECTION
    now = timezone.now()
    log = one.deliveries.filter(created_at__gte=now - KEEP).order_by("-pk")
    page = Paginator(log, finding.PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "one": one,
        "channel": Channel(one.channel).label,
        "scope": message_builder.scope(one),
        "follows": list(one.follows.all()),
        "form": form or ChoicesForm(instance=one),
        "secret": secret,
        "signs": bool(one.channel == Channel.WEBHOOK),
        "is_stopped": one.state == State.QUARANTINED,
        "may_be_stopped": one.state in (State.ACTIVE, State.UNCONFIRMED, State.CONTACT),
        "history": _history(one),
        "found": page,
        "log": _log(one, page),
        "now": now,
    }
    return render(request, "console/subscribers/one.html", context, status=status)


def _history(one: Subscriber) -> list[tuple[str, Any]]:
    """What happened to it, oldest first."""
    known = (
        ("Subscribed", one.created_at),
        ("Confirmed", one.confirmed_at),
        ("Failing since", one.failing_since),
        ("Stopped", one.quarantined_at),
        ("Unsubscribed", one.left_at),
    )
    return sorted(((what, at) for what, at in known if at), key=lambda row: row[1])


def _log(one: Subscriber, page: "Page[Delivery]") -> list[Sent]:
    """Each delivery with what it was about and why, in a fixed number of queries."""
    deliveries = list(page.object_list)
    notices = {
        notice.pk: notice
        for notice in match_reason.with_subjects(
            Notice.objects.filter(pk__in=[each.notice_id for each in deliveries if each.notice_id])
        )
    }
    earlier = match_reason.heard([one], notices.values())
    found = []
    for each in deliveries:
        notice = notices.get(each.notice_id or 0)
        if notice is None:
            found.append(Sent(each, Purpose(each.purpose).label, "", "It is about the subscription itself."))
            continue
        chosen = match_reason.chosen(one, earlier.get((one.pk, notice.pk), ()))
        told = match_reason.explain(chosen, match_reason.said(notice))
        found.append(Sent(each, _about(notice), _url(notice), told or CHANGED))
    return found


def _about(notice: Notice) -> str:
    if notice.postmortem is not None:
        return f"Postmortem: {notice.postmortem.title}"
    if notice.maintenance is not None:
        return f"Maintenance: {notice.maintenance.title}"
    if notice.component is not None:
        return f"{notice.component.name}: {' → '.join(notice.change)}"
    number = f", entry {notice.update.number}" if notice.update is not None else ""
    return f"{notice.incident}{number}"


def _url(notice: Notice) -> str:
    """Where staff read it."""
    if notice.postmortem is not None and notice.incident is not None:
        return f"/console/postmortems/{notice.incident.public_id}"
    if notice.maintenance is not None:
        return f"/console/maintenance/{notice.maintenance.public_id}"
    if notice.component is not None:
        return f"/console/components/{notice.component.public_id}"
    assert notice.incident is not None
    anchor = f"#u-{notice.update.number}" if notice.update is not None else ""
    return f"/console/incidents/{notice.incident.public_id}{anchor}"


@require_http_methods(["GET", "POST"])
@never_cache
@staff("editor")
def add(request: StaffRequest) -> HttpResponse:
    """Somebody new by hand, asked first unless they agreed."""
    request.section = SECTION
    form = AddForm(request.POST or None, initial={"least_impact": 0, "channel": Channel.EMAIL})
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 400
        return render(request, "console/subscribers/add.html", {"form": form}, status=status)
    data, now = form.cleaned_data, timezone.now()
    who = request.user.get_username()
    agreed = data["agreed"]
    note = f"They agreed, according to {who}." if agreed else f"Added by {who}."
    with transaction.atomic():
        one = Subscriber.objects.take_in(
            data["channel"], data["address"], now, source="staff", note=note, agreed=agreed
        )
        _keep(one, form)
        secret = one.rotate(now) if one.channel == Channel.WEBHOOK else ""
        request.note("subscriber.add", named(one), after={"state": one.state, "agreed": agreed})
    done = "Added." if agreed else "Added. It must confirm before it gets any updates."
    messages.success(request, done)
    return _page(request, _get(one.public_id), secret=secret) if secret else _back(one.public_id)


def _keep(one: Subscriber, form: ChoicesForm) -> None:
    """Write the choices of a form, and nothing else of the row: somebody may deliver to it right now."""
    data = form.cleaned_data
    names = [name for name in form.fields if name.startswith(("is_", "wants_", "least_"))]
    Subscriber.objects.filter(pk=one.pk).update(**{name: data[name] for name in names})
    one.components.set([] if data["is_all"] else data["components"])
    one.groups.set([] if data["is_all"] else data["groups"])


@require_POST
@never_cache
@staff("editor")
def choose(request: StaffRequest, public_id: str) -> HttpResponse:
    """Change what somebody is told of."""
    one = _get(public_id)
    before = _facts(one)
    form = ChoicesForm(request.POST, instance=_get(public_id))
    if not form.is_valid():
        return _page(request, one, form=form, status=400)
    with transaction.atomic():
        _keep(one, form)
        request.note("subscriber.choose", named(one), before=before, after=_facts(_get(public_id)))
    messages.success(request, "Saved.")
    return _back(public_id)


def _facts(one: Subscriber) -> dict[str, Any]:
    names = ("state", "is_all", "wants_incident", "wants_maintenance", "wants_postmortem", "wants_component",
             "least_impact", "is_digest")  # fmt: skip
    chosen = sorted(
        each.public_id for each in chain[Group | Component](one.groups.all(), one.components.all())
    )
    scope = {
        "scope": message_builder.scope(one),
        "chosen": ", ".join(chosen),
    }  # five others may read the same
    return {name: getattr(one, name) for name in names} | scope


def act(name: str, done: str) -> Callable[[Callable[..., str | None]], Callable[..., HttpResponse]]:
    """A verb of a subscriber as a view: it returns what was in the way, if anything was."""

    def wrap(verb: Callable[..., str | None]) -> Callable[..., HttpResponse]:
        def view(request: StaffRequest, public_id: str) -> HttpResponse:
            one = _get(public_id)
            before = {"state": one.state}
            with transaction.atomic():
                refused = verb(request, one)
                if refused:
                    messages.error(request, refused)
                else:
                    after = {"state": _get(public_id).state}
                    told = (
                        {"before": before, "after": after} if before != after else {}
                    )  # a test changes none
                    request.note(f"subscriber.{name}", named(one), **told)
                    messages.success(request, done)
            return _back(public_id)

        return require_POST(staff("editor")(view))

    return wrap


@act("test", "A test is on its way: it appears in the log below.")
def test(request: StaffRequest, one: Subscriber) -> str | None:
    """Send something that says it is only a test."""
    if one.state not in message_builder.MAY_GET_LETTERS:
        return "It is stopped or unsubscribed: nothing is sent there."
    one.owe(Purpose.TEST, timezone.now(), by=request.user.get_username())
    return None


@act("quarantine", "Stopped: nothing is sent there until it is restored.")
def quarantine(request: StaffRequest, one: Subscriber) -> str | None:
    """Tell it no more, with a reason."""
    form = StopForm(request.POST)
    if not form.is_valid():
        return "Enter why it is stopped."
    if one.state in (State.LEFT, State.QUARANTINED):
        return "It is already stopped or unsubscribed."
    one.quarantine(timezone.now(), form.cleaned_data["why"])
    return None


@act("restore", "Restored: it gets updates from now on.")
def restore(request: StaffRequest, one: Subscriber) -> str | None:
    """Tell it again."""
    return (
        None
        if one.restore(timezone.now())
        else "Only a stopped subscription can be restored; people who unsubscribed must subscribe "
        "again themselves."
    )


@require_POST
@never_cache
@staff("editor")
def rotate(request: StaffRequest, public_id: str) -> HttpResponse:
    """A new signing secret, shown on this answer and never again."""
    one = _get(public_id)
    if one.channel != Channel.WEBHOOK:
        messages.error(request, "Only webhooks are signed.")
        return _back(public_id)
    with transaction.atomic():
        secret = one.rotate(timezone.now())
        request.note("subscriber.rotate", named(one))
    return _page(request, one, secret=secret)


@require_POST
@staff("admin")
def erase(request: StaffRequest, public_id: str) -> HttpResponse:
    """Its data and its log, gone for ever."""
    one = _get(public_id)
    with transaction.atomic():
        request.note("subscriber.erase", named(one), before={"state": one.state})
        one.erase()
    messages.success(request, "Erased, with its delivery log.")
    return redirect("console_subscribers")


@require_POST
@staff("editor")
def replay(request: StaffRequest, message_id: str) -> HttpResponse:
    """Send something once more, under the same id."""
    delivery = get_object_or_404(Delivery.objects.select_related("subscriber"), message_id=message_id)
    one = delivery.subscriber
    with transaction.atomic():
        if one.state not in message_builder.MAY_GET_LETTERS:
            messages.error(request, "It is stopped or unsubscribed: nothing is sent there.")
        elif not delivery.replay(timezone.now()):
            messages.error(request, "It is already on its way.")
        else:
            request.note("subscriber.replay", named(one), after={"message": message_id})
            messages.success(request, "It will be sent again, with the same id.")
    return _back(one.public_id)


def _back(public_id: str) -> HttpResponse:
    return redirect("console_subscriber", public_id=public_id)


def _get(public_id: str) -> Subscriber:
    found = Subscriber.objects.prefetch_related("components", "groups", "follows").select_related("owner")
    return get_object_or_404(found, public_id=public_id)
