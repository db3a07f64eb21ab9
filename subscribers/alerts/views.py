"""Alerts in the console: each person's channels, and a test that shows the real answer."""

import json
import logging
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from components import encryption, identity
from components.access_marks import staff
from incidents.times import clock
from subscribers import addresses, vapid
from subscribers.alerts import sending
from subscribers.alerts.forms import AT_LEAST, AppriseForm, ChoicesForm, MailForm
from subscribers.alerts.sending import Message
from subscribers.delivery.envelope import End, Result
from subscribers.models import Alert, AlertChannel, new_id
from subscribers.staff.asking import Named, StaffRequest
from subscribers.states import Channel

log = logging.getLogger(__name__)
SECTION = "console_alerts"
SALT = "subscribers.alerts.confirm"
LINK_LIVES_S = 24 * 3600
MAX_CHANNELS = 20  # of one person
MAX_BYTES = 4_096


@require_GET
@never_cache
@staff("responder")
def page(request: StaffRequest) -> HttpResponse:
    """The person's own channels, and open alerts."""
    return _page(request)


def _page(request: StaffRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    request.section = SECTION
    context = {
        "channels": request.user.alert_channels.all(),  # type: ignore[union-attr]
        "opened": Alert.objects.filter(closed_at=None).order_by("-pk")[:20],
        "mail_form": MailForm(initial={"address": request.user.email}, prefix="mail"),  # type: ignore[union-attr]
        "apprise_form": AppriseForm(prefix="apprise"),
        "at_least": AT_LEAST,
        "has_mail": bool(settings.EMAIL_URL),
        "push_key": vapid.public_key(),
    }
    return render(request, "console/alerts.html", context | forms, status=status)


@require_POST
@staff("responder")
def add_mail(request: StaffRequest) -> HttpResponse:
    """Add the account's own address at once, or send a confirmation link to another."""
    form = MailForm(request.POST, prefix="mail")
    if not form.is_valid():
        return _page(request, mail_form=form, status=422)
    address = form.cleaned_data["address"]
    if address.lower() == request.user.email.lower():  # type: ignore[union-attr]
        return _answer(request, _add(request, Channel.EMAIL, address, address))
    token = signing.dumps({"user": request.user.pk, "address": address}, salt=SALT)
    link = f"{settings.PUBLIC_URL}{reverse('console_alerts_confirm', args=[token])}"
    asking = Message(
        new_id(), "Confirm this address for alerts",
        f"{request.user.get_username()} asked to get alerts here. The link works for one day and "
        "requires login.",
        link, "alert:confirm",
    )  # fmt: skip
    result = _try(Channel.EMAIL, address, asking)
    if result.end is End.SENT:
        messages.success(request, f"Check {address} and click the link to confirm.")
    else:
        messages.error(request, f"The confirmation could not be sent. {result.why}")
    return redirect(SECTION)


@require_GET
@never_cache
@staff("responder")
def confirm(request: StaffRequest, token: str) -> HttpResponse:
    """The link in the mail, opened by the person who asked for it."""
    try:
        asked = signing.loads(token, salt=SALT, max_age=LINK_LIVES_S)
    except signing.BadSignature:
        messages.error(request, "This link has expired. Add the address again.")
        return redirect(SECTION)
    if asked["user"] != request.user.pk:
        messages.error(request, "This link belongs to another person's account.")
        return redirect(SECTION)
    return _answer(request, _add(request, Channel.EMAIL, asked["address"], asked["address"]))


@require_POST
@staff("responder")
def add_apprise(request: StaffRequest) -> HttpResponse:
    """Add a service by its Apprise URL."""
    form = AppriseForm(request.POST, prefix="apprise")
    if not form.is_valid():
        return _page(request, apprise_form=form, status=422)
    address = form.cleaned_data["address"]
    shown = f"{urlsplit(address).scheme}://…{address[-4:] if len(address) > 20 else ''}"
    return _answer(request, _add(request, Channel.APPRISE, address, shown))


@require_POST
@staff("responder")
def add_browser(request: StaffRequest) -> HttpResponse:
    """Add this browser. The body is its push subscription as JSON."""
    text = request.body[: MAX_BYTES + 1]
    try:
        if len(text) > MAX_BYTES:
            raise ValidationError("This is not a browser subscription.")
        address = addresses.checked(Channel.WEB_PUSH, text.decode("utf-8", "replace"))
    except ValidationError as error:
        return JsonResponse({"error": " ".join(error.messages)}, status=400)
    host = urlsplit(json.loads(address)["endpoint"]).hostname or ""
    _add(request, Channel.WEB_PUSH, address, host)
    return JsonResponse({"manage": reverse(SECTION)}, status=201)


def _add(request: StaffRequest, channel: Channel, address: str, shown: str) -> str:
    """Add a channel. Returns a sentence if it was refused; else empty."""
    channels = request.user.alert_channels  # type: ignore[union-attr]
    if channels.count() >= MAX_CHANNELS:
        return f"You have {MAX_CHANNELS} channels: remove one first."
    is_admin = request.role.name == "ADMIN"
    assert request.user.pk is not None
    now, owner = timezone.now(), request.user.pk
    row = AlertChannel(user_id=owner, channel=channel, wants_system=is_admin, created_at=now)
    row.point_to(address, shown)
    try:
        with transaction.atomic():
            row.save()
            request.note("alerts.add", _named(row))
    except IntegrityError:
        return "You have already added this."
    return ""


def _answer(request: StaffRequest, refused: str) -> HttpResponse:
    if refused:
        messages.error(request, refused)
    else:
        messages.success(request, "Added. Send a test to check that it works.")
    return redirect(SECTION)


@require_POST
@staff("responder")
def choose(request: StaffRequest, pk: int) -> HttpResponse:
    """Change which alerts are sent to a channel."""
    row, form = _own(request, pk), ChoicesForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.non_field_errors())))
        return redirect(SECTION)
    before = {name: getattr(row, name) for name in form.cleaned_data}
    with transaction.atomic():
        AlertChannel.objects.filter(pk=row.pk).update(**form.cleaned_data)
        request.note("alerts.choose", _named(row), before=before, after=form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect(SECTION)


@require_POST
@staff("responder")
def test(request: StaffRequest, pk: int) -> HttpResponse:
    """Send a test and show its result."""
    row = _own(request, pk)
    words = Message(
        new_id(), f"Test alert from {identity.current().name}",
        "This is a test; nothing is wrong. Alerts will reach you this way.",
        f"{settings.PUBLIC_URL}{reverse(SECTION)}", f"alert:test:{row.pk}",
    )  # fmt: skip
    try:
        result = _try(Channel(row.channel), row.address, words)
    except encryption.DecryptionError as error:
        result = Result(End.GONE, why=str(error.__doc__))
    now = timezone.now()
    if result.end is End.SENT:
        AlertChannel.objects.filter(pk=row.pk).update(last_sent_at=now, last_error="")
        place = "Sent" if row.channel != Channel.EMAIL or settings.EMAIL_URL else "Written to the mail folder"
        messages.success(request, f"{place} at {clock(now, now)}.")
    else:
        AlertChannel.objects.filter(pk=row.pk).update(last_error=result.why[:250])
        messages.error(request, f"Not sent. {result.why}")
    return redirect(SECTION)


@require_POST
@staff("responder")
def remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Remove a channel."""
    row = _own(request, pk)
    with transaction.atomic():
        request.note("alerts.remove", _named(row))
        row.delete()
    messages.success(request, "Removed.")
    return redirect(SECTION)


def _try(channel: Channel, address: str, words: Message) -> Result:
    """One attempt within its deadline, while the person waits."""
    try:
        result: Result = sending.run(sending.send(channel, address, words))
    except Exception:
        log.exception("alert.test_failed")
        return Result(End.OURS, why="Internal error; see the log.")
    return result


def _own(request: StaffRequest, pk: int) -> AlertChannel:
    return get_object_or_404(AlertChannel, pk=pk, user_id=request.user.pk)


def _named(row: AlertChannel) -> Named:
    """The channel's name in the audit log, without the whole address, as the log outlives the person."""
    shown = row.shown
    if row.channel == Channel.EMAIL:
        shown = f"{shown[:1]}…@{shown.rpartition('@')[2]}"
    return Named(str(row.pk or ""), f"{Channel(row.channel).label} {shown}")
