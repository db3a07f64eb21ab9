"""HTTP conventions: JSON errors for programs, CORS, redirects to the one spelling of an address.

CORS: fetch.spec.whatwg.org. What is open here is public and the same for everyone, so any origin may read it.
"""

import re
from collections.abc import Callable

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.views.defaults import page_not_found

from components.access_marks import PUBLIC
from incidents.models import Maintenance, Postmortem
from statuspage.requests import kept_forms

OPEN_ENDINGS = (".json", ".csv", ".md", ".atom", ".rss", ".ics")
INCIDENT = re.compile(r"/incidents/(?P<id>[A-Za-z0-9]{1,32})(?P<part>/postmortem)?")
SAFE = ("GET", "HEAD", "OPTIONS")
USUAL_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
GONE = (
    "What you were editing no longer exists: someone has deleted or withdrawn it meanwhile, so nothing"
    " was sent. Copy your text to where it belongs now."
)
WORDS = {
    400: "The request cannot be read: see docs/api.md.",
    403: "This request is not allowed.",
    404: "There is nothing at this address: see docs/api.md for the list of addresses.",
    405: "Use GET for this address.",
    413: "The request is too large.",
    429: "Too many requests: wait a while, then try again.",
    500: "Something went wrong on our side. Try again in a moment.",
    503: "We don’t know at the moment. Try again in a few seconds.",
}


def is_open(path: str) -> bool:
    """Whether pages of other origins may read this address, or its redirect."""
    if path.startswith("/api/"):
        return True
    path = _without_extra_slashes(path)
    return path.endswith(OPEN_ENDINGS) and (path in SAME or _is_document(path))


class MannersMiddleware:
    """Runs before all middleware that is meant for browsers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_open(request.path):
            return self.get_response(request)
        if request.method == "OPTIONS":
            response = HttpResponse(
                status=204, headers=PREFLIGHT | {"Allow": ", ".join(_methods(request.path))}
            )
        elif request.method not in SAFE and _is_document(request.path):
            response = HttpResponse(status=405, headers={"Allow": ", ".join(SAFE)})
        else:
            response = self.get_response(request)
        is_for_programs = request.path.startswith("/api/") or request.path.endswith(".json")
        if is_for_programs and response.status_code >= 400:
            response = _in_json(response)
        response.setdefault("Access-Control-Allow-Origin", "*")
        return response


def _in_json(response: HttpResponse) -> HttpResponse:
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    sentence = WORDS.get(response.status_code, WORDS[400])
    allowed = response.headers.get("Allow", "")
    if response.status_code == 405 and not set(allowed.split(", ")) <= set(SAFE):
        sentence = f"This address accepts {allowed}."
    answer = JsonResponse({"error": sentence, "message": sentence}, status=response.status_code)
    for name in ("Allow", "Retry-After", "Cache-Control", "Vary"):
        if name in response.headers:
            answer[name] = response[name]
    return answer


# What other status pages call what we have
SAME = {
    "/history.ics": "calendar",
    "/uptime": "history",
    "/api": "api_summary",
    "/security.txt": "security_txt",
}


def _is_document(path: str) -> bool:
    return hasattr(_view(path), "gather")


def _methods(path: str) -> tuple[str, ...]:
    """The methods that the address accepts."""
    view = _view(path)
    if view is None or hasattr(view, "gather"):
        return SAFE
    return (*USUAL_METHODS, *getattr(view, "also_takes", ()))


def _view(path: str) -> Callable[..., HttpResponse] | None:
    try:
        return resolve(path).func
    except (Resolver404, Http404):
        return None


def _without_extra_slashes(path: str) -> str:
    """The address without extra slashes."""
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Redirect addresses with extra slashes, and Statuspage's addresses to ours; otherwise our 404 page."""
    if request.method in ("GET", "HEAD") and (elsewhere := _our_address(request.path)):
        return redirect(elsewhere)
    path = _without_extra_slashes(request.path)
    if request.method in ("GET", "HEAD") and path != request.path and _is_ours(path):
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
    if kept_forms.holds_words(request):
        return kept_forms.page(request, GONE, status=404)
    return page_not_found(request, exception)


def _our_address(path: str) -> str:
    """Our address for Statuspage's, which has maintenance and postmortems below `/incidents/`; else empty."""
    if path in SAME:
        return reverse(SAME[path])
    match = INCIDENT.fullmatch(path)
    if match is None:
        return ""
    reports = Postmortem.objects.public().filter(incident__public_id=match["id"])
    rows = reports if match["part"] else Maintenance.objects.filter(public_id=match["id"])
    try:
        is_there = rows.exists()
    except DatabaseError:
        return ""
    name = "postmortem" if match["part"] else "maintenance"
    return reverse(name, args=[match["id"]]) if is_there else ""


def _is_ours(path: str) -> bool:
    """Whether the address exists for the public: Django's admin claims every address below its own."""
    return getattr(_view(path), "access", None) == PUBLIC
