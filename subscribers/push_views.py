"""Browser notifications: a page with one button, the service worker, and the POST between them.

The browser's own permission prompt is the consent, so nothing else is confirmed.
"""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from components.access_marks import public
from components.models import Page
from subscribers import addresses, limits, origins, vapid
from subscribers.delivery.content import publisher_now
from subscribers.models import State, Subscriber
from subscribers.states import Channel

MAX_BYTES = 4_096
BROWSERS_AN_HOUR = 20  # of one address: an office shares one


@csrf_exempt  # public pages have no token; other sites are recognized by headers
@public
@require_http_methods(["GET", "HEAD", "POST"])
def browser(request: HttpRequest) -> HttpResponse:
    """GET: the page. POST: the subscription that the browser created, as JSON."""
    return _subscribe(request) if request.method == "POST" else _page(request)


def _page(request: HttpRequest) -> HttpResponse:
    publisher = publisher_now()
    head = {
        "page_name": publisher.name,
        "state": publisher.state,
        "version": Page.objects.version(),
        "rendered_at": timezone.now(),
    }
    return render(request, "subscribers/browser.html", {"head": head, "key": vapid.public_key()})


def _subscribe(request: HttpRequest) -> HttpResponse:
    if origins.is_foreign(request):
        return _refused(403, "This was sent from another site.")
    client = limits.network(request.client)  # type: ignore[attr-defined]
    if not limits.has_place("browser", client, BROWSERS_AN_HOUR):
        return _refused(429, "Too many browsers have subscribed from your network. Try again in an hour.")
    text = request.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        return _refused(400, "This is not a browser subscription.")
    try:
        address = addresses.checked(Channel.WEB_PUSH, text.decode("utf-8", "replace"))
    except ValidationError as error:
        return _refused(400, " ".join(error.messages))
    subscriber = _added(address)
    manage = f"{settings.PUBLIC_URL}{reverse('subscription', args=[subscriber.key])}"
    return JsonResponse({"manage": manage}, status=201, headers={"Cache-Control": "no-store"})


def _added(address: str) -> Subscriber:
    """The active subscriber of this browser, created if needed. Its keys prove that it is the browser."""
    now = timezone.now()
    subscriber = Subscriber.objects.at(Channel.WEB_PUSH, address)
    if subscriber is None:
        subscriber = Subscriber(
            channel=Channel.WEB_PUSH, created_at=now, confirmed_at=now, state=State.ACTIVE
        )
        subscriber.point_to(address)
        try:
            with transaction.atomic():
                subscriber.save()
        except IntegrityError:  # two tabs at once
            subscriber = Subscriber.objects.get(channel=Channel.WEB_PUSH, fingerprint=subscriber.fingerprint)
    if subscriber.state != State.ACTIVE:
        subscriber.confirm(now)
    return subscriber


@public
@require_GET
def worker(_: HttpRequest) -> HttpResponse:
    """The service worker. It is served at the root, as its scope is the folder it is in."""
    text = render_to_string("subscribers/push-worker.js")
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="text/javascript; charset=utf-8", headers=headers)


def _refused(status: int, sentence: str) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=status, headers={"Cache-Control": "no-store"})
