"""Subscribing and unsubscribing: plain forms for people without an account.

Public pages have no token: forms posted from other sites are refused by their
headers (subscribers.origins). Whether an address is known is never shown.
"""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from components.access_marks import public
from subscribers import channels, confirming, data_export, limits, origins, proof
from subscribers.forms import SignUpForm
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.signing_up import sign_up
from subscribers.states import CHATS, Channel

OFFERED = (Channel.EMAIL, Channel.WEBHOOK, *(channel for channel in Channel if channel in CHATS))
FOREIGN = "This form was sent from another site. Open it here and send it again."
NO_LETTER = "none"  # this hour's message to that address was sent before
LETTER_LIFE = 24 * 3600
TOO_MANY = "Too many addresses were entered from your network within an hour. Wait a while, then try again."

View = Callable[..., HttpResponse]


def unlisted(view: View) -> View:
    """Headers for pages with a key in their URL: not cached, not indexed, not sent as referrer."""

    @functools.wraps(view)
    def dressed(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        answer = view(request, *args, **named)
        answer["Cache-Control"], answer["Referrer-Policy"] = "no-store", "no-referrer"
        answer["X-Robots-Tag"] = "noindex"
        return answer

    return dressed


def say(
    request: HttpRequest, status: int, heading: str, sentence: str, *, may_subscribe: bool = False
) -> HttpResponse:
    """A page with one message. `may_subscribe`: with a link to subscribe again."""
    context = {"heading": heading, "sentence": sentence, "may_subscribe": may_subscribe}
    return render(request, "subscribers/said.html", context, status=status)


def too_many(request: HttpRequest) -> HttpResponse:
    """A 429 with Retry-After."""
    answer = say(request, 429, "Too many at once", TOO_MANY)
    answer["Retry-After"] = str(limits.HOUR_S)
    return answer


def has_place(request: HttpRequest) -> bool:
    """Whether this client may enter one more address within the hour; counts it."""
    client = limits.network(request.client)  # type: ignore[attr-defined]
    return limits.has_place("sign-up", client, limits.SIGN_UPS)


@public
@require_safe
def ways(request: HttpRequest) -> HttpResponse:
    """The page with all ways to subscribe."""
    form = SignUpForm(channel=Channel.EMAIL)
    chats = [channel for channel in OFFERED if channel.is_chat]
    return render(request, "subscribers/ways.html", _shown(form, chats=chats))


@csrf_exempt  # no session, and the pages that post here are the same bytes for everyone
@public
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest, channel: str) -> HttpResponse:
    """The form of one channel, and its POST."""
    if channel not in OFFERED:
        raise Http404("Channel not found.")
    way = Channel(channel)
    if request.method != "POST":
        return render(request, "subscribers/sign_up.html", _shown(SignUpForm(channel=way)))
    if origins.is_foreign(request):
        return say(request, 403, "Not sent from here", FOREIGN)
    form = SignUpForm(request.POST, channel=way)
    if not form.is_valid():
        return render(request, "subscribers/sign_up.html", _shown(form), status=422)
    if not form.is_worked_for:
        return render(request, "subscribers/sign_up.html", _shown(form, is_unworked=True), status=422)
    if not has_place(request):
        return too_many(request)
    return _ask(request, form)


def _ask(request: HttpRequest, form: SignUpForm) -> HttpResponse:
    """Sign up, with the same answer whether the address is subscribed or not."""
    data = form.cleaned_data
    secret, letter = sign_up(
        form.channel, data["address"], timezone.now(), choice=form.choice, contact=data["contact"]
    )
    seen_at = _answer_page(form.channel, letter)
    if form.channel is not Channel.WEBHOOK:
        return redirect(seen_at)
    answer = render(
        request, "subscribers/asked.html", {"channel": form.channel, "secret": secret, "seen_at": seen_at}
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _shown(form: SignUpForm, **more: Any) -> dict[str, Any]:
    return {
        "form": form,
        "channel": form.channel,
        "kind": channels.kind(form.channel),
        "challenge": proof.challenge(),
        "bits": _bits(),
        **more,
    }


def _bits() -> int:
    bits: int = settings.SUBSCRIBE_PROOF_BITS
    return bits


@public
@require_safe
def asked(request: HttpRequest, channel: str) -> HttpResponse:
    """The page after signing up: what happens next."""
    if channel not in OFFERED:
        raise Http404("Channel not found.")
    context = {"channel": Channel(channel), "letter": _letter(channel, request.GET.get("letter", ""))}
    answer = render(request, "subscribers/asked.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _answer_page(channel: Channel, letter: str) -> str:
    """The URL that shows the result of the message, without revealing if it was the first one."""
    page = reverse("subscribe_asked", args=[channel])
    if channel is Channel.EMAIL:  # a mail's arrival shows by itself
        return page
    return f"{page}?{urlencode({'letter': _letters().sign(letter or NO_LETTER)})}"


def _letters() -> TimestampSigner:
    return TimestampSigner(salt="subscribers.letter")


def _letter(channel: str, signed: str) -> data_export.Line | str | None:
    """The message's log line; NO_LETTER if none was sent this time; None if the signature is wrong."""
    try:
        message_id = _letters().unsign(signed, max_age=LETTER_LIFE)
    except BadSignature:
        return None
    if message_id == NO_LETTER:
        return NO_LETTER
    delivery = Delivery.objects.filter(message_id=message_id, subscriber__channel=channel).first()
    return data_export.line(delivery) if delivery else None


@csrf_exempt  # the signed link is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """Confirm an address: by POST only, as mail scanners open every link."""
    try:
        subscriber = confirming.read(signed)
    except confirming.ForgedLinkError as error:
        return say(request, 404, "This link does not work", str(error.__doc__), may_subscribe=True)
    except confirming.ExpiredLinkError as error:
        return say(request, 410, error.heading, str(error.__doc__), may_subscribe=True)
    except confirming.AlreadyConfirmedError as already:
        return _already(request, already.subscriber)
    if request.method != "POST":
        return render(request, "subscribers/confirm.html", {"one": subscriber, "choice": subscriber.choice})
    subscriber.confirm(timezone.now())
    return redirect("subscription", subscriber.key)


def _already(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    """For a used link: on request, mail the link to the settings to the address, once an hour."""
    is_asked = request.method == "POST" and "send" in request.POST
    if is_asked and limits.once_an_hour("manage link", subscriber.key):
        subscriber.owe(Purpose.KNOWN, timezone.now(), asked=True)
    return render(request, "subscribers/already.html", {"is_sent": is_asked})


@csrf_exempt  # a mail program posts here (RFC 8058): no cookie, no form, the key is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """Unsubscribe, by POST only. An unknown key is answered like a known one."""
    subscriber = Subscriber.objects.of_key(key)
    has_left = subscriber is not None and subscriber.state == State.LEFT
    if request.method != "POST" and not has_left:
        return render(request, "subscribers/leave.html", {"key": key})
    if request.method == "POST" and subscriber is not None:
        subscriber.leave(timezone.now())
    return render(request, "subscribers/left.html", {"key": key})


@csrf_exempt  # a mail program posts here (RFC 8058), as above
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def unsubscribe_report(request: HttpRequest, key: str) -> HttpResponse:
    """Stop the monthly report alone, by POST only. An unknown key is answered like a known one."""
    if request.method != "POST":
        return render(request, "subscribers/leave_report.html", {"key": key})
    subscriber = Subscriber.objects.of_key(key)
    if subscriber is not None:
        subscriber.leave_report(timezone.now())
    return render(request, "subscribers/left_report.html", {"key": key})


@csrf_exempt  # a mail provider posts here: its signature or password is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
def mail_events(request: HttpRequest, provider: str) -> HttpResponse:
    """Delivery reports of the mail provider set in MAIL_EVENTS."""
    if not provider or provider != settings.MAIL_EVENTS:
        raise Http404
    from subscribers import bounces  # late: Anymail takes 5 MiB, and few use it

    return bounces.reader(provider)(request)
