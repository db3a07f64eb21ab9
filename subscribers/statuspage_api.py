"""Addresses of Statuspage's own subscribe box and public API (docs/compatibility.md, sections 1 and 4)."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, QueryDict
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from components.access_marks import public
from components.models import Page
from incidents import api_shapes
from subscribers import origins, proof
from subscribers.choice import usual
from subscribers.forms import SignUpForm
from subscribers.models import Subscriber
from subscribers.signing_up import sign_up
from subscribers.states import Channel
from subscribers.views import FOREIGN, TOO_MANY, has_place

ASKED = {
    Channel.EMAIL: "We have sent you an email. Click its link to confirm your subscription.",
    Channel.WEBHOOK: "We have sent a test to your endpoint. Answer it with 2xx to confirm.",
}


@csrf_exempt
@public
def new_email(request: HttpRequest) -> HttpResponse:
    """POST /subscriptions/new-email with `email`."""
    return _box(request, Channel.EMAIL, {"address": request.POST.get("email", "")})


@csrf_exempt
@public
def new_webhook(request: HttpRequest) -> HttpResponse:
    """POST /subscriptions/webhook.json with `endpoint` and `email`."""
    fields = {"address": request.POST.get("endpoint", ""), "contact": request.POST.get("email", "")}
    return _box(request, Channel.WEBHOOK, fields)


def _box(request: HttpRequest, channel: Channel, fields: dict[str, str]) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    status, sentence, secret = _sign_up(request, channel, fields)
    if status != 200:
        return JsonResponse({"type": "error", "text": sentence}, status=status)
    more = {"secret": secret} if secret else {}
    return JsonResponse({"type": "success", "text": sentence, **more})


@csrf_exempt
@public
def subscribers(request: HttpRequest) -> HttpResponse:
    """/api/v2/subscribers.json: POST subscribes an address, DELETE unsubscribes by key (`id`)."""
    if request.method not in ("GET", "HEAD", "POST", "DELETE"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST", "DELETE"])
    if request.method in ("POST", "DELETE"):
        try:
            fields = _sent_fields(request)
        except UnreadableError as error:
            return JsonResponse({"error": str(error), "message": str(error)}, status=400)
        if request.method == "POST":
            return _post(request, fields)
        subscriber = Subscriber.objects.of_key(fields.get("id", ""))
        if subscriber is not None:
            subscriber.leave(timezone.now())
    return JsonResponse({**_page(), "can_select_components": True})


subscribers.also_takes = ("DELETE",)  # type: ignore[attr-defined]


def _post(request: HttpRequest, fields: dict[str, str]) -> HttpResponse:
    is_mail = "endpoint" not in fields
    channel = Channel.EMAIL if is_mail else Channel.WEBHOOK
    sent: dict[str, Any] = {
        "address": fields.get("email" if is_mail else "endpoint", ""),
        "follow": fields.get("incident_id", ""),
    }
    if not is_mail:
        sent["contact"] = fields.get("email", "")
    places = [f"component-{public_id}" for public_id in fields.get("component_ids", "").split()]
    if fields.get("component_id"):
        places.append(f"component-{fields['component_id']}")
    if places:
        kinds = [kind.value for kind in usual(channel).kinds]
        sent |= {"full": "1", "scope": "some", "places": places, "kinds": kinds}
    status, sentence, secret = _sign_up(request, channel, sent)
    if status != 200:
        return JsonResponse({"error": sentence, "message": sentence}, status=status)
    shown = {"email": sent["address"]} if is_mail else {"webhook": sent["address"], "secret": secret}
    mode = "email_sms" if is_mail else "webhook"
    return JsonResponse({**_page(), "can_select_components": True, "mode": mode, **shown})


def _sign_up(request: HttpRequest, channel: Channel, fields: dict[str, Any]) -> tuple[int, str, str]:
    """(status, sentence, secret), under the limits of the pages."""
    if origins.is_foreign(request):
        return 403, FOREIGN, ""
    if proof.challenge():
        return (
            403,
            f"Subscribe on {settings.PUBLIC_URL}/subscribe: your browser has to solve a challenge first.",
            "",
        )
    sent = QueryDict(mutable=True)
    for name, value in fields.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    form = SignUpForm(sent, channel=channel)
    if not form.is_valid():
        return 422, _faults(form), ""
    if not has_place(request):
        return 429, TOO_MANY, ""
    secret, _ = sign_up(
        channel, form.cleaned_data["address"], timezone.now(), choice=form.choice,
        contact=form.cleaned_data["contact"], source="api",
    )  # fmt: skip
    return 200, ASKED[channel], secret


def _sent_fields(request: HttpRequest) -> dict[str, str]:
    """The fields of a request: `subscriber[email]=…`, `email=…`, JSON, or the query of a DELETE.

    `component_ids` are returned as one text, separated by spaces. Raises UnreadableError.
    """
    if request.content_type == "application/json":
        return _json_fields(request.body or b"{}")
    form = request.POST if request.method == "POST" else QueryDict(request.body or b"", encoding="utf-8")
    pairs = {**dict(request.GET.lists()), **dict(form.lists())}
    fields: dict[str, str] = {}
    for name, values in pairs.items():
        plain = name.removesuffix("[]").removeprefix("subscriber[").removesuffix("]")
        value = " ".join(values) if plain == MANY else values[-1]
        if value:
            fields[plain] = value
    return fields


# The parameters behind the form's fields
SENT_AS = {"places": "component_id", "follow": "incident_id", "contact": "email"}


def _faults(form: SignUpForm) -> str:
    """The form's errors as text; those of fields other than the address name the parameter."""
    return " ".join(
        f"{SENT_AS[name]}: {error}" if name in SENT_AS else str(error)
        for name, errors in form.errors.items()
        for error in errors
    )


class UnreadableError(ValueError):
    """The body cannot be read; the text is a sentence that names the field."""


MANY = "component_ids"
FIELDS = ("email", "endpoint", "id", "component_id", MANY, "incident_id")  # others are ignored


def _json_fields(raw: bytes) -> dict[str, str]:
    """The fields of a JSON body. Raises UnreadableError."""
    try:
        body = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise UnreadableError("The body cannot be read: send one JSON object in UTF-8.") from None
    fields = body.get("subscriber", body) if isinstance(body, dict) else None
    if not isinstance(fields, dict):
        raise UnreadableError("subscriber: send a JSON object with its fields.")
    return {name: _text(name, fields[name]) for name in FIELDS if fields.get(name) is not None}


def _text(name: str, value: Any) -> str:
    """A value as text that can be stored. Raises UnreadableError."""
    if name == MANY:
        if not isinstance(value, list) or not all(
            isinstance(item, str) and item.split() == [item] for item in value
        ):
            raise UnreadableError(f"{name}: send a list of ids, as in “{name}”: [“…”].")
        value = " ".join(value)
    if not isinstance(value, str):
        raise UnreadableError(f"{name}: send text, as in “{name}”: “…”.")
    if "\0" in value or value != value.encode("utf-8", "replace").decode():
        raise UnreadableError(f"{name}: it contains an invalid character.")
    return value


def _page() -> dict[str, Any]:
    page = Page.objects.this()
    return {"page": api_shapes.page(page.public_id, page.updated_at)}
