"""The page of one subscriber, by the key in its links: choices, deliveries, data, and the door out."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from components.gate import public
from incidents.models import Incident
from subscribers import limits, own_data
from subscribers.channels import Channel
from subscribers.choice import follow
from subscribers.forms import ChoiceForm
from subscribers.models import Delivery, Purpose, State, Subscriber
from subscribers.views import too_many, unlisted

Act = Callable[[HttpRequest, Subscriber, datetime], HttpResponse]
MAY_CHOOSE = (State.ACTIVE, State.UNCONFIRMED)


def act(view: Act) -> Callable[[HttpRequest, str], HttpResponse]:
    """Something done to one subscriber by POST, so many times an hour."""

    @csrf_exempt  # the key in the address is the proof
    @public
    @unlisted
    def acted(request: HttpRequest, key: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        one = _of_key(key)
        if not limits.has_place("act", one.key, limits.ACTS):
            return too_many(request)
        return view(request, one, timezone.now())

    return acted


@csrf_exempt  # the key in the address is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def subscription(request: HttpRequest, key: str) -> HttpResponse:
    """What somebody chose, to see and to change."""
    one = _of_key(key)
    form = ChoiceForm(request.POST or None, channel=Channel(one.channel), now_chosen=one.choice)
    if request.method != "POST":
        return _page(request, one, form)
    if not form.is_valid() or one.state not in MAY_CHOOSE:
        return _page(request, one, form, status=422)
    one.choose(form.choice)
    return redirect(f"{one.get_absolute_url()}?said=saved")


def _of_key(key: str) -> Subscriber:
    one = Subscriber.objects.of_key(key)
    if one is None:
        raise Http404
    return one


def _page(
    request: HttpRequest, one: Subscriber, form: ChoiceForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    told = {
        "one": one,
        "form": form,
        "state": State(one.state),
        "channel": Channel(one.channel),
        "may_choose": one.state in MAY_CHOOSE,
        "only": _incident(request.GET.get("only", "")),
        "said": SAID.get(request.GET.get("said", ""), ""),
        "deliveries": own_data.lately(one) if one.channel != Channel.EMAIL else [],
        "last_answer": own_data.last_answer(one),
        **more,
    }
    return render(request, "subscribers/subscription.html", told, status=status)


SAID = {
    "saved": "Your choice is kept.",
    "asked": "We have sent a message that asks once more.",
    "test": "A test is on its way. It appears below.",
    "again": "It is sent once more, under the same id.",
}


def _incident(public_id: str) -> Incident | None:
    return Incident.objects.public().filter(public_id=public_id).first() if public_id else None


@act
def only(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """Hear of this incident alone, or of it too."""
    incident = _incident(request.POST.get("incident", ""))
    if incident is not None and one.state in MAY_CHOOSE:
        if request.POST.get("also"):
            one.follows.add(incident)
        else:
            one.choose(follow(incident))
    return redirect(f"{one.get_absolute_url()}?said=saved")


@act
def restore(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """Start again after a stop: the address is asked first."""
    said = "?said=asked" if one.ask_again(now) else ""
    return redirect(f"{one.get_absolute_url()}{said}")


@act
def test(request: HttpRequest, one: Subscriber, now: datetime) -> HttpResponse:
    """A message that only shows that it arrives."""
    if one.state != State.ACTIVE:
        return redirect(one)
    one.owe(Purpose.TEST, now)
    return redirect(f"{one.get_absolute_url()}?said=test#deliveries")


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
    delivery = Delivery.objects.filter(subscriber=one, message_id=request.POST.get("message", "")).first()
    if delivery is None or one.state != State.ACTIVE:
        return redirect(one)
    delivery.replay(now)
    return redirect(f"{one.get_absolute_url()}?said=again#deliveries")


@public
@require_safe
@unlisted
def data(request: HttpRequest, key: str) -> HttpResponse:
    """Everything we hold about it, as a file."""
    one = _of_key(key)
    body = json.dumps(own_data.everything(one), ensure_ascii=False, indent=2)
    answer = HttpResponse(body, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="subscription.json"'
    return answer


@csrf_exempt  # the key in the address is the proof
@public
@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Ask once, then forget it for ever."""
    one = _of_key(key)
    if request.method != "POST":
        return render(request, "subscribers/delete.html", {"one": one})
    one.erase()
    return render(request, "subscribers/erased.html")
