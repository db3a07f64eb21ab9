"""Subscribing, choosing and leaving: forms that work by plain POST, for people without an account."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from components.gate import public
from subscribers import bounces
from subscribers.models import Subscriber


@public
def subscription(request: HttpRequest, key: str) -> HttpResponse:
    """What somebody chose."""
    one = get_object_or_404(Subscriber, key=key)
    return HttpResponse(one.shown, content_type="text/plain; charset=utf-8")


@public
def confirm(request: HttpRequest, key: str) -> HttpResponse:
    """The yes of an address: by POST alone, as mail scanners open every link."""
    one = get_object_or_404(Subscriber, key=key)
    if request.method == "POST":
        one.confirm(timezone.now())
    return HttpResponse(one.state, content_type="text/plain; charset=utf-8")


@csrf_exempt  # a mail program posts here (RFC 8058): no cookie, no form, the key is the proof
@public
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """Leave, by POST alone."""
    one = get_object_or_404(Subscriber, key=key)
    if request.method == "POST":
        one.leave(timezone.now())
    return HttpResponse(one.state, content_type="text/plain; charset=utf-8")


@csrf_exempt  # a mail provider posts here: its signature or password is the proof
@public
def mail_events(request: HttpRequest, provider: str) -> HttpResponse:
    """What became of our mail, as the provider tells it later."""
    if not provider or provider != settings.MAIL_EVENTS:
        raise Http404
    return bounces.reader(provider)(request)
