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
    """Call the view with the subscriber of this key; answer 404 for an unknown key."""

    @functools.wraps(view)
    def opened(request: HttpRequest, key: str) -> HttpResponse:
        subscriber = Subscriber.objects.of_key(key)
        if subscriber is None:
            return say(request, 404, "Subscription not found", NOBODY, may_subscribe=True)
        return view(request, subscriber)

    return opened


def act(view: Act) -> Callable[[HttpRequest, str], HttpResponse]:
    """A POST action on one subscriber, limited to ACTS an hour."""

    @csrf_exempt  # the key in the address is the proof
    @public
    @unlisted
    def acted(request: HttpRequest, key: str) -> HttpResponse:
        return done(request, key) if request.method == "POST" else HttpResponseNotAllowed(["POST"])

    @keyed
    def done(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
        if not limits.has_place("act", subscriber.key, limits.ACTS):
            return too_many(request)
        return view(request, subscriber, timezone.now())

    return acted


@csrf_exempt  # the key in the address is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
@keyed
def subscription(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    """Show and change the choices."""
    form = ChoiceForm(request.POST or None, channel=Channel(subscriber.channel), now_chosen=subscriber.choice)
    if request.method != "POST":
        return _page(request, subscriber, form)
    if subscriber.state not in MAY_CHOOSE:
        return _page(request, subscriber, form, status=422, said=SAID["ended"])
    if not form.is_valid():
        return _page(request, subscriber, form, status=422)
    subscriber.choose(form.choice, timezone.now())
    return _back(subscriber, "saved")


def _back(subscriber: Subscriber, notice: str, place: str = "") -> HttpResponse:
    """Redirect to its page with a notice, a key of SAID. `place`: an anchor such as "#deliveries"."""
    return redirect(f"{subscriber.get_absolute_url()}?said={notice}{place}")


def _page(
    request: HttpRequest, subscriber: Subscriber, form: ChoiceForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "one": subscriber,
        "form": form,
        "state": State(subscriber.state),
        "channel": Channel(subscriber.channel),
        "may_choose": subscriber.state in MAY_CHOOSE,
        "only": public_incident(request.GET.get("only", "")),
        "said": SAID.get(request.GET.get("said", ""), ""),
        "deliveries": data_export.lately(subscriber) if subscriber.channel != Channel.EMAIL else [],
        "last_answer": data_export.last_answer(subscriber),
        **more,
    }
    return render(request, "subscribers/subscription.html", context, status=status)


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
def only(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """Follow only this incident, or this one in addition (`also`)."""
    if subscriber.state not in MAY_CHOOSE:
        return _back(subscriber, "ended")
    incident = public_incident(request.POST.get("incident", ""))
    if incident is None or incident.resolved_at:
        return _back(subscriber, "over")
    if request.POST.get("also"):
        subscriber.follows.add(incident)
    else:
        subscriber.choose(follow(incident), now)
    return _back(subscriber, "saved")


@act
def restore(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """Ask for a new confirmation after a stop. A second click sends no second message."""
    is_told = subscriber.state == State.ACTIVE
    subscriber.ask_again(now)
    return _back(subscriber, "active" if is_told else "asked")


@act
def test(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """Send a test message."""
    if subscriber.state != State.ACTIVE:
        return _back(subscriber, "idle")
    subscriber.owe(Purpose.TEST, now)
    return _back(subscriber, "test", "#deliveries")


@act
def rotate(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """Create a new signing secret, shown once."""
    if subscriber.channel != Channel.WEBHOOK:
        return redirect(subscriber)
    secret = subscriber.rotate(now)
    form = ChoiceForm(channel=Channel(subscriber.channel), now_chosen=subscriber.choice)
    return _page(request, subscriber, form, secret=secret)


@act
def replay(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """Send one of the last messages again."""
    if subscriber.state != State.ACTIVE:
        return _back(subscriber, "idle")
    delivery = Delivery.objects.filter(
        subscriber=subscriber, message_id=request.POST.get("message", "")
    ).first()
    if delivery is None:
        return _back(subscriber, "forgotten")
    delivery.replay(now)
    return _back(subscriber, "again", "#deliveries")


@public
@require_safe
@unlisted
@keyed
def data(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    """All stored data about the subscriber, as a JSON file."""
    body = json.dumps(data_export.everything(subscriber), ensure_ascii=False, indent=2)
    answer = HttpResponse(body, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="subscription.json"'
    return answer


@csrf_exempt  # the key in the address is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
@keyed
def delete(request: HttpRequest, subscriber: Subscriber) -> HttpResponse:
    """Ask once, then delete the subscriber."""
    if request.method != "POST":
        return render(request, "subscribers/delete.html", {"one": subscriber})
    subscriber.erase()
    return render(request, "subscribers/erased.html")
