"""Middleware: headers of every answer of Django, and who must change a password first."""

import functools
import re
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse

from statuspage.models import Audit, FirstPassword, Role
from statuspage.models.audit import client_address
from statuspage.requests.conventions import USUAL_METHODS
from statuspage.requests.idempotency import take_once
from statuspage.requests.limits import IMPORTS_PATH, LOOK_PATH
from statuspage.staff.access import GUARDED_NAMESPACES, admit, role_needed

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
STAFF_PATHS = ("/console/", "/admin/", "/accounts/")

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)


class TextMiddleware:
    """Refuses requests whose text cannot be stored: PostgreSQL takes no NUL, and forms must be UTF-8."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.encoding = "utf-8"  # regardless of headers: our pages send forms in UTF-8
        if "\0" in request.path:
            raise Http404  # no address holds one
        # a search or a filter is one with the letters that are left
        request.META["QUERY_STRING"] = _without_nul(request.META.get("QUERY_STRING", ""))
        if _body_holds_nul(request) and not _remove_nuls(request):
            return _no_text(request)
        return self.get_response(request)


def _no_text(request: HttpRequest) -> HttpResponse:
    """A page that leads back to the form; for programs one line."""
    if "text/html" in request.headers.get("Accept", ""):
        return HttpResponse(render_to_string("400_text.html"), status=400)
    sentence = "The request contains a NUL character. Remove it and try again.\n"
    return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")


def _body_holds_nul(request: HttpRequest) -> bool:
    if request.method in ("GET", "HEAD") or request.path == IMPORTS_PATH:
        return False  # the import reads its file line by line
    if request.path == LOOK_PATH and request.content_type == MULTIPART:
        return False  # a picture holds many; fields of text refuse them themselves
    try:
        body = request.body
    except RequestDataTooBig:
        return False  # its reader reports the error
    is_form = request.content_type == URLENCODED
    return b"\0" in body or (is_form and b"%00" in body)


def _remove_nuls(request: HttpRequest) -> bool:
    """Remove NULs from a form of staff, so that the rest of it is not lost. False for other requests."""
    if not request.path.startswith(STAFF_PATHS) or request.content_type not in (URLENCODED, MULTIPART):
        return False
    body = request.body.replace(b"\0", b"")
    if request.content_type == URLENCODED:
        body = _without_nul(body.decode("latin-1")).encode("latin-1")
    request._body = body  # noqa: SLF001 - where Django keeps what was read; it has no other way to say it
    return True


def _without_nul(encoded: str) -> str:
    """Percent-encoded text without `%00`. A bare `%` is escaped, as it must not form a new code."""
    return BARE_PERCENT.sub("%25", encoded).replace("%00", "") if "%00" in encoded else encoded


class HeadersMiddleware:
    """Adds the headers that keep foreign code out of staff pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = _with_405_page(request, self.get_response(request))
        response.setdefault("Content-Security-Policy", CSP)
        if request.path.startswith(STAFF_PATHS):
            response.setdefault("Cache-Control", "private, no-store")
        if lacks := getattr(request, "lacks", None):
            response["X-Role-Needed"] = lacks.label
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response


def _with_405_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A page for status 405 in browsers, where Django's response is empty."""
    is_bare = isinstance(response, HttpResponseNotAllowed) and not response.content
    if not is_bare or "text/html" not in request.headers.get("Accept", ""):
        return response
    page = render(request, "405.html", status=405)
    page["Allow"] = response["Allow"]
    return page


class AccessMiddleware:
    """A second check: a view without an access mark is refused, even if the start let it through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # views of other apps cannot import these (components.access_marks)
        request.note = functools.partial(Audit.objects.note, request)  # type: ignore[attr-defined]
        request.client = client_address(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, named: Any) -> HttpResponse | None:
        """Refuse unmarked views, and require a role that is named as a word. Raises PermissionDenied.

        Many views treat every method as GET, so methods that no view handles are refused here.
        """
        takes = (*USUAL_METHODS, *getattr(view, "also_takes", ()))
        if request.method not in takes:
            return HttpResponseNotAllowed(takes)
        match = request.resolver_match
        if match is not None and GUARDED_NAMESPACES & set(match.namespaces):
            return None
        if not hasattr(view, "access"):
            raise PermissionDenied
        role = role_needed(view)
        asks_itself = isinstance(view.access, Role)
        if role is None or asks_itself:
            return None
        return admit(request, role) or take_once(request, lambda: view(request, *args, **named))


class FirstPasswordMiddleware:
    """Keeps staff on the password form until the generated first password is changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            request.path.startswith(STAFF_PATHS)
            and request.path not in _free_paths()
            and request.user.is_authenticated
            and FirstPassword.objects.is_kept_by(request.user)
        ):
            return redirect("account_change_password")
        return self.get_response(request)


def _free_paths() -> tuple[str, ...]:
    """The paths that are allowed before: changing it, and logging out."""
    return (reverse("account_change_password"), reverse("account_logout"), reverse("admin:logout"))
