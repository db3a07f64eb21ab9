"""The page of one subscription, by the key in its links: choices, deliveries, data, unsubscribing."""

import functools
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from components.access_marks import public
from subscribers import data_export, limits
from subscribers.choice import follow, public_incident
from subscribers.forms import ChoiceForm
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.states import Channel
from subscribers.views import say, too_many, unlisted

Act = Callable[[HttpRequest, Subscriber, datetime], HttpResponse]
Keyed = Callable[[HttpRequest, Subscriber], HttpResponse]
MAY_CHOOSE = (State.ACTIVE, State.UNCONFIRMED)
NOBODY = "It was deleted, it ended more than 90 days ago, or the link is incomplete. It sends nothing."


def keyed(view: Keyed) -> Callable[[HttpRequest, str], HttpResponse]:
    """For the one with this key; for an unknown key a page that says so."""

    @functools.wraps(view)
    def opened(request: HttpRequest, key: str) -> HttpResponse:
        one = Subscriber.objects.of_key(key)
        if one is None:
            return say(request, 404, "Subscription not found", NOBODY, may_subscribe=True)
        return view(request, one)

    return opened


def act(view: Act) -> Callable[[HttpRequest, str], HttpResponse]:
    """Something done to one subscriber by POST, so many times an hour."""

    @csrf_exempt  # the key in the address is the proof
    @public
    @unlisted
    def acted(request: HttpRequest, key: str) -> HttpResponse:
        return done(request, key) if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    @keyed
    def done(request: HttpRequest, one: Subscriber) -> HttpResponse:
        if not limits.has_place("act", one.key, limits.ACTS):
            return too_many(request)
        return view(request, one, timezone.now())

    return acted


@csrf_exempt  # the key in the address is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
@keyed
def subscription(request: HttpRequest, one: Subscriber) -> HttpResponse:
    """What somebody chose, to see and to change."""
    form = ChoiceForm(request.POST or None, channel=Channel(one.channel), now_chosen=one.choice)
    if request.method != "POST":
        return _page(request, one, form)
    if one.state not in MAY_CHOOSE:
        return _page(request, one, form, status=422, said=SAID["ended"])
    if not form.is_valid():
        return _page(request, one, form, status=422)
    one.choose(form.choice)
    return _back(one, "saved")


def _back(one: Subscriber, said: str, place: str = "") -> HttpResponse:
    """To its page, which says what came of it: a key of SAID."""
    return redirect(f"{one.get_absolute_url()}?said={said}{place}")


def _page(
    request: HttpRequest, one: Subscriber, form: ChoiceForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    told = {
        "one": one,
        "form": form,
        "state": State(one.state),
        "channel": Channel(one.channel),
        "may_choose": one.state in MAY_CHOOSE,
        "only": public_incident(request.GET.get("only", "")),
        "said": SAID.get(request.GET.get("said", ""), ""),
        "deliveries": data_export.lately(one) if one.channel != Channel.EMAIL else [],
        "last_answer": data_export.last_answer(one),
        **more,
    }
    return render(request, "subscribers/subscription.html", told, status=status)


SAID = {
    "saved": "Your choices are saved.",
    "ended": "Nothing was changed: this subscription has ended. Start again first.",
    "over": "Nothing was changed: that incident is over.",
    "asked": "We have sent another confirmation message.",
    "active": "You're already subscribed.",
    "test": "A test is on its way. It appears below.",
    "again": "It will be sent again, with the same id.",
    "idle": "Nothing was sent: this subscription is not active.",
    "forgotten": "Nothing was sent: we no longer keep that message.",
}


@act
def only(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """Hear of this incident alone, or of it too."""
    if one.state not in MAY_CHOOSE:
        return _back(one, "ended")
    incident = public_incident(request.POST.get("incident", ""))
    if incident is None or incident.resolved_at:
        return _back(one, "over")
    if request.POST.get("also"):
        one.follows.add(incident)
    else:
        one.choose(follow(incident))
    return _back(one, "saved")


@act
def restore(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """Start again after a stop: the address is asked first. A second click asks no second time."""
    is_told = one.state == State.ACTIVE
    one.ask_again(now)
    return _back(one, "active" if is_told else "asked")


@act
def test(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """A message that only shows that it arrives."""
    if one.state != State.ACTIVE:
        return _back(one, "idle")
    one.owe(Purpose.TEST, now)
    return _back(one, "test", "#deliveries")


@act
def rotate(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """A new signing secret, shown once."""
    if one.channel != Channel.WEBHOOK:
        return redirect(one)
    secret = one.rotate(now)
    form = ChoiceForm(channel=Channel(one.channel), now_chosen=one.choice)
    return _page(request, one, form, secret=secret)


@act
def replay(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """Send one of the last messages again."""
    if one.state != State.ACTIVE:
        return _back(one, "idle")
    delivery = Delivery.objects.filter(subscriber=one, message_id=request.POST.get("message", "")).first()
    if delivery is None:
        return _back(one, "forgotten")
    delivery.replay(now)
    return _back(one, "again", "#deliveries")


@public
@require_safe
@unlisted
@keyed
def data(request: HttpRequest, one: Subscriber) -> HttpResponse:
    """Everything we hold about it, as a file."""
    body = json.dumps(data_export.everything(one), ensure_ascii=False, indent=2)
    answer = HttpResponse(body, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="subscription.json"'
    return answer


@csrf_exempt  # the key in the address is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
@keyed
def delete(request: HttpRequest, one: Subscriber) -> HttpResponse:
    """Ask once, then forget it for ever."""
    if request.method != "POST":
        return render(request, "subscribers/delete.html", {"one": one})
    one.erase()
    return render(request, "subscribers/erased.html")
