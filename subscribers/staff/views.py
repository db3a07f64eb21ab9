"""Subscribers for staff: the list, one with its log, and every action."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    """A line of the log: its subject (`about`), the console's URL of that, and why it was sent."""

    delivery: Delivery
    about: str
    url: str
    why: str


@require_GET
@never_cache
@staff("viewer")
def list_page(request: StaffRequest) -> HttpResponse:
    """The list, newest first, with search and counts."""
    request.section = SECTION
    asked, in_full = finding.Asked.of(request.GET), may_see(request)
    paginator = Paginator(finding.find(asked, in_full=in_full), finding.PAGE_SIZE)
    page = paginator.get_page(request.GET.get("page"))
    page.object_list = finding.with_last(page.object_list)  # type: ignore[arg-type]
    by_channel, by_state, total, failing = finding.counts()
    context = {
        "found": page,
        "rows": [finding.row(subscriber, in_full=in_full) for subscriber in page.object_list],
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
    """One subscriber with its choices, history and log."""
    return _page(request, _get(public_id))


def _page(
    request: StaffRequest,
    subscriber: Subscriber,
    *,
    form: ChoicesForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    request.section = SECTION
    now = timezone.now()
    log = subscriber.deliveries.filter(created_at__gte=now - KEEP).order_by("-pk")
    page = Paginator(log, finding.PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "one": subscriber,
        "channel": Channel(subscriber.channel).label,
        "scope": message_builder.scope(subscriber),
        "follows": list(subscriber.follows.all()),
        "form": form or ChoicesForm(instance=subscriber),
        "secret": secret,
        "signs": bool(subscriber.channel == Channel.WEBHOOK),
        "is_stopped": subscriber.state == State.QUARANTINED,
        "may_be_stopped": subscriber.state in (State.ACTIVE, State.UNCONFIRMED, State.CONTACT),
        "history": _history(subscriber),
        "found": page,
        "log": _log(subscriber, page),
        "now": now,
    }
    return render(request, "console/subscribers/one.html", context, status=status)


def _history(subscriber: Subscriber) -> list[tuple[str, Any]]:
    """(label, time) of its changes of state, oldest first."""
    dates = (
        ("Subscribed", subscriber.created_at),
        ("Confirmed", subscriber.confirmed_at),
        ("Failing since", subscriber.failing_since),
        ("Stopped", subscriber.quarantined_at),
        ("Unsubscribed", subscriber.left_at),
    )
    return sorted(((what, at) for what, at in dates if at), key=lambda row: row[1])


def _log(subscriber: Subscriber, page: "Page[Delivery]") -> list[Sent]:
    """The deliveries of a page of the log, in a fixed number of queries."""
    deliveries = list(page.object_list)
    notices = {
        notice.pk: notice
        for notice in match_reason.with_subjects(
            Notice.objects.filter(
                pk__in=[delivery.notice_id for delivery in deliveries if delivery.notice_id]
            )
        )
    }
    earlier = match_reason.earlier_stories([subscriber], notices.values())
    lines = []
    for delivery in deliveries:
        notice = notices.get(delivery.notice_id or 0)
        if notice is None:
            lines.append(
                Sent(delivery, Purpose(delivery.purpose).label, "", "It is about the subscription itself.")
            )
            continue
        chosen = match_reason.chosen(subscriber, earlier.get((subscriber.pk, notice.pk), ()))
        reason = match_reason.explain(chosen, match_reason.subject_of(notice))
        lines.append(Sent(delivery, _about(notice), _url(notice), reason or CHANGED))
    return lines


def _about(notice: Notice) -> str:
    if notice.postmortem is not None:
        return f"Postmortem: {notice.postmortem.title}"
    if notice.maintenance is not None:
        return f"Maintenance: {notice.maintenance.title}"
    if notice.component is not None:
        return f"{notice.component.name}: {' → '.join(notice.change)}"
    if notice.report is not None:
        return str(notice.report)
    number = f", entry {notice.update.number}" if notice.update is not None else ""
    return f"{notice.incident}{number}"


def _url(notice: Notice) -> str:
    """The console's URL for the subject of a notice."""
    if notice.postmortem is not None and notice.incident is not None:
        return f"/console/postmortems/{notice.incident.public_id}"
    if notice.maintenance is not None:
        return f"/console/maintenance/{notice.maintenance.public_id}"
    if notice.component is not None:
        return f"/console/components/{notice.component.public_id}"
    if notice.report is not None:
        return str(notice.report.body["url"])
    assert notice.incident is not None
    anchor = f"#u-{notice.update.number}" if notice.update is not None else ""
    return f"/console/incidents/{notice.incident.public_id}{anchor}"


@require_http_methods(["GET", "POST"])
@never_cache
@staff("editor")
def add(request: StaffRequest) -> HttpResponse:
    """Add a subscriber, who must confirm first unless they agreed."""
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
        subscriber = Subscriber.objects.take_in(
            data["channel"], data["address"], now, source="staff", note=note, agreed=agreed
        )
        _keep(subscriber, form, now)
        secret = subscriber.rotate(now) if subscriber.channel == Channel.WEBHOOK else ""
        request.note("subscriber.add", named(subscriber), after={"state": subscriber.state, "agreed": agreed})
    done = "Added." if agreed else "Added. It must confirm before it gets any updates."
    messages.success(request, done)
    return (
        _page(request, _get(subscriber.public_id), secret=secret) if secret else _back(subscriber.public_id)
    )


def _keep(subscriber: Subscriber, form: ChoicesForm, now: datetime) -> None:
    """Save only the choices of a form, as deliveries may change other columns at the same time."""
    data = form.cleaned_data
    names = [name for name in form.fields if name.startswith(("is_", "wants_", "least_"))]
    asked_at = (subscriber.report_asked_at or now) if data.get("wants_report") else None
    Subscriber.objects.filter(pk=subscriber.pk).update(
        **{name: data[name] for name in names}, report_asked_at=asked_at
    )
    subscriber.components.set([] if data["is_all"] else data["components"])
    subscriber.groups.set([] if data["is_all"] else data["groups"])


@require_POST
@never_cache
@staff("editor")
def choose(request: StaffRequest, public_id: str) -> HttpResponse:
    """Change what a subscriber is notified of."""
    subscriber = _get(public_id)
    before = _facts(subscriber)
    form = ChoicesForm(request.POST, instance=_get(public_id))
    if not form.is_valid():
        return _page(request, subscriber, form=form, status=400)
    with transaction.atomic():
        _keep(subscriber, form, timezone.now())
        request.note("subscriber.choose", named(subscriber), before=before, after=_facts(_get(public_id)))
    messages.success(request, "Saved.")
    return _back(public_id)


def _facts(subscriber: Subscriber) -> dict[str, Any]:
    names = ("state", "is_all", "wants_incident", "wants_maintenance", "wants_postmortem", "wants_component",
             "wants_report", "least_impact", "is_digest")  # fmt: skip
    chosen = sorted(
        place.public_id
        for place in chain[Group | Component](subscriber.groups.all(), subscriber.components.all())
    )
    scope = {
        "scope": message_builder.scope(subscriber),
        "chosen": ", ".join(chosen),
    }  # the text of the scope may be the same for others
    return {name: getattr(subscriber, name) for name in names} | scope


def act(name: str, done: str) -> Callable[[Callable[..., str | None]], Callable[..., HttpResponse]]:
    """Makes a view of an action on a subscriber. The action returns a sentence if it is refused."""

    def wrap(verb: Callable[..., str | None]) -> Callable[..., HttpResponse]:
        def view(request: StaffRequest, public_id: str) -> HttpResponse:
            subscriber = _get(public_id)
            before = {"state": subscriber.state}
            with transaction.atomic():
                refused = verb(request, subscriber)
                if refused:
                    messages.error(request, refused)
                else:
                    after = {"state": _get(public_id).state}
                    change = (
                        {"before": before, "after": after} if before != after else {}
                    )  # a test changes no state
                    request.note(f"subscriber.{name}", named(subscriber), **change)
                    messages.success(request, done)
            return _back(public_id)

        return require_POST(staff("editor")(view))

    return wrap


@act("test", "A test is on its way: it appears in the log below.")
def test(request: StaffRequest, subscriber: Subscriber) -> str | None:
    """Send a test message."""
    if subscriber.state not in message_builder.MAY_GET_LETTERS:
        return "It is stopped or unsubscribed: nothing is sent there."
    subscriber.owe(Purpose.TEST, timezone.now(), by=request.user.get_username())
    return None


@act("quarantine", "Stopped: nothing is sent there until it is restored.")
def quarantine(request: StaffRequest, subscriber: Subscriber) -> str | None:
    """Stop sending, with a reason."""
    form = StopForm(request.POST)
    if not form.is_valid():
        return "Enter why it is stopped."
    if subscriber.state in (State.LEFT, State.QUARANTINED):
        return "It is already stopped or unsubscribed."
    subscriber.quarantine(timezone.now(), form.cleaned_data["why"])
    return None


@act("restore", "Restored: it gets updates from now on.")
def restore(request: StaffRequest, subscriber: Subscriber) -> str | None:
    """Restore a stopped subscriber."""
    return (
        None
        if subscriber.restore(timezone.now())
        else "Only a stopped subscription can be restored; people who unsubscribed must subscribe "
        "again themselves."
    )


@require_POST
@never_cache
@staff("editor")
def rotate(request: StaffRequest, public_id: str) -> HttpResponse:
    """Create a new signing secret, shown only in this answer."""
    subscriber = _get(public_id)
    if subscriber.channel != Channel.WEBHOOK:
        messages.error(request, "Only webhooks are signed.")
        return _back(public_id)
    with transaction.atomic():
        secret = subscriber.rotate(timezone.now())
        request.note("subscriber.rotate", named(subscriber))
    return _page(request, subscriber, secret=secret)


@require_POST
@staff("admin")
def erase(request: StaffRequest, public_id: str) -> HttpResponse:
    """Delete a subscriber with its log."""
    subscriber = _get(public_id)
    with transaction.atomic():
        request.note("subscriber.erase", named(subscriber), before={"state": subscriber.state})
        subscriber.erase()
    messages.success(request, "Erased, with its delivery log.")
    return redirect("console_subscribers")


@require_POST
@staff("editor")
def replay(request: StaffRequest, message_id: str) -> HttpResponse:
    """Send a message again, under the same id."""
    delivery = get_object_or_404(Delivery.objects.select_related("subscriber"), message_id=message_id)
    subscriber = delivery.subscriber
    with transaction.atomic():
        if subscriber.state not in message_builder.MAY_GET_LETTERS:
            messages.error(request, "It is stopped or unsubscribed: nothing is sent there.")
        elif not delivery.replay(timezone.now()):
            messages.error(request, "It is already on its way.")
        else:
            request.note("subscriber.replay", named(subscriber), after={"message": message_id})
            messages.success(request, "It will be sent again, with the same id.")
    return _back(subscriber.public_id)


def _back(public_id: str) -> HttpResponse:
    return redirect("console_subscriber", public_id=public_id)


def _get(public_id: str) -> Subscriber:
    subscribers = Subscriber.objects.prefetch_related("components", "groups", "follows").select_related(
        "owner"
    )
    return get_object_or_404(subscribers, public_id=public_id)
