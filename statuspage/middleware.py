"""What every answer of Django carries, and who must change a password first."""

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from statuspage.access import GUARDED_NAMESPACES, admit, role_needed
from statuspage.models import Audit, FirstPassword, Role
from statuspage.models.audit import client_address

STAFF_PATHS = ("/console/", "/admin/", "/accounts/")

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)


class HeadersMiddleware:
    """The headers that keep strangers' code out of staff pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CSP)
        if request.path.startswith(STAFF_PATHS):
            response.setdefault("Cache-Control", "private, no-store")
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response


class AccessMiddleware:
    """The second wall: a view without an access mark is refused, even if the start let it through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # views downstairs cannot reach up for these (components.gate)
        request.note = functools.partial(Audit.objects.note, request)  # type: ignore[attr-defined]
        request.client = client_address(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _named: Any) -> HttpResponse | None:
        """Refuse what is not marked; ask for a role that is named by its word. Raises PermissionDenied."""
        match = request.resolver_match
        if match is not None and GUARDED_NAMESPACES & set(match.namespaces):
            return None
        if not hasattr(view, "access"):
            raise PermissionDenied
        role = role_needed(view)
        asks_itself = isinstance(view.access, Role)
        return None if role is None or asks_itself else admit(request, role)


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
    """What people may do before: change it, or leave."""
    return (reverse("account_change_password"), reverse("account_logout"), reverse("admin:logout"))
