"""Subscribing and unsubscribing: plain forms for people without an account.

Public pages hold no token: forms posted from other sites are refused by their
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
from subscribers import bounces, channels, confirming, data_export, limits, origins, proof
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
    """Pages with a key in their address: kept by nobody, and told to nobody by a link."""

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
    """A page that says one thing. `may_subscribe`: the next step is to subscribe again."""
    told = {"heading": heading, "sentence": sentence, "may_subscribe": may_subscribe}
    return render(request, "subscribers/said.html", told, status=status)


def too_many(request: HttpRequest) -> HttpResponse:
    """Wait, said with the status that programs understand."""
    answer = say(request, 429, "Too many at once", TOO_MANY)
    answer["Retry-After"] = str(limits.HOUR_S)
    return answer


def has_place(request: HttpRequest) -> bool:
    """Whether this client may give one more address within the hour."""
    client = limits.network(request.client)  # type: ignore[attr-defined]
    return limits.has_place("sign-up", client, limits.SIGN_UPS)


@public
@require_safe
def ways(request: HttpRequest) -> HttpResponse:
    """All ways to follow, on one page."""
    form = SignUpForm(channel=Channel.EMAIL)
    chats = [channel for channel in OFFERED if channel.is_chat]
    return render(request, "subscribers/ways.html", _shown(form, chats=chats))


@csrf_exempt  # no session stands behind it, and the pages that post here are the same bytes for everybody
@public
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest, channel: str) -> HttpResponse:
    """One way to be told: the form, and what was sent by it."""
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
    """The same answer for everybody."""
    told = form.cleaned_data
    secret, letter = sign_up(
        form.channel, told["address"], timezone.now(), choice=form.choice, contact=told["contact"]
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
    """What happens next."""
    if channel not in OFFERED:
        raise Http404("Channel not found.")
    told = {"channel": Channel(channel), "letter": _letter(channel, request.GET.get("letter", ""))}
    answer = render(request, "subscribers/asked.html", told)
    answer["Cache-Control"] = "no-store"
    return answer


def _answer_page(channel: Channel, letter: str) -> str:
    """Where whoever asked sees what became of the message: nobody is told whether it was the first one."""
    page = reverse("subscribe_asked", args=[channel])
    if channel is Channel.EMAIL:  # a mail says for itself that it arrived
        return page
    return f"{page}?{urlencode({'letter': _letters().sign(letter or NO_LETTER)})}"


def _letters() -> TimestampSigner:
    return TimestampSigner(salt="subscribers.letter")


def _letter(channel: str, signed: str) -> data_export.Line | str | None:
    """What became of it; `NO_LETTER` if none was sent this time; None without a sign of ours."""
    try:
        message_id = _letters().unsign(signed, max_age=LETTER_LIFE)
    except BadSignature:
        return None
    if message_id == NO_LETTER:
        return NO_LETTER
    found = Delivery.objects.filter(message_id=message_id, subscriber__channel=channel).first()
    return data_export.line(found) if found else None


@csrf_exempt  # the signed link is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def confirm(request: HttpRequest, signed: str) -> HttpResponse:
    """The yes of an address: by POST alone, as mail scanners open every link."""
    try:
        one = confirming.read(signed)
    except confirming.ForgedLinkError as error:
        return say(request, 404, "This link does not work", str(error.__doc__), may_subscribe=True)
    except confirming.ExpiredLinkError as error:
        return say(request, 410, error.heading, str(error.__doc__), may_subscribe=True)
    except confirming.AlreadyConfirmedError as known:
        return _already(request, known.subscriber)
    if request.method != "POST":
        return render(request, "subscribers/confirm.html", {"one": one, "choice": one.choice})
    one.confirm(timezone.now())
    return redirect("subscription", one.key)


def _already(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    """Its link was opened again: the way to its choices goes to the address alone, once an hour."""
    is_asked = request.method == "POST" and "send" in request.POST
    if is_asked and limits.once_an_hour("manage link", subscriber.key):
        subscriber.owe(Purpose.KNOWN, timezone.now(), asked=True)
    return render(request, "subscribers/already.html", {"is_sent": is_asked})


@csrf_exempt  # a mail program posts here (RFC 8058): no cookie, no form, the key is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """Leave, by POST alone. An unknown key is answered like a known one."""
    one = Subscriber.objects.of_key(key)
    has_left = one is not None and one.state == State.LEFT
    if request.method != "POST" and not has_left:
        return render(request, "subscribers/leave.html", {"key": key})
    if request.method == "POST" and one is not None:
        one.leave(timezone.now())
    return render(request, "subscribers/left.html", {"key": key})


@csrf_exempt  # a mail provider posts here: its signature or password is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
def mail_events(request: HttpRequest, provider: str) -> HttpResponse:
    """What became of our mail, as the provider tells it later."""
    if not provider or provider != settings.MAIL_EVENTS:
        raise Http404
    return bounces.reader(provider)(request)
