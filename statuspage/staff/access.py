"""Access by role, denied by default: a view without a mark stops the start."""

import functools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils.http import urlencode

from components.access_marks import PUBLIC, public
from statuspage.models import Member, Role
from statuspage.requests import kept_forms
from statuspage.requests.idempotency import take_once

__all__ = ["PUBLIC", "admit", "marked_views", "needs", "public", "role_needed"]

GUARDED_NAMESPACES = frozenset({"admin"})  # Django's admin asks for staff in each of its views


def needs(role: Role) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Mark a view for staff of this role or a higher one. Others are sent to the login, or refused."""

    def mark(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
            refused = admit(request, role)
            return refused or take_once(request, lambda: view(request, *args, **named))

        guarded.access = role  # type: ignore[attr-defined]
        return guarded

    return mark


def admit(request: HttpRequest, role: Role) -> HttpResponse | None:
    """None if the person has this role or a higher one, else a login page. Raises PermissionDenied."""
    own_role = Member.objects.role_of(request.user)
    if own_role is None and not request.user.is_authenticated:
        return _to_login(request)
    if own_role is None or own_role < role:
        request.lacks = role  # type: ignore[attr-defined] # pages that save in the background get a header
        raise PermissionDenied(f"This needs the role {role.label}: ask an admin of this page.")
    request.role = own_role  # type: ignore[attr-defined]
    return None


def role_needed(view: Any) -> Role | None:
    """The role a view is marked for, as a Role or by name; None if it is public. Raises KeyError."""
    mark = view.access
    if mark == PUBLIC:
        return None
    return mark if isinstance(mark, Role) else Role[mark.upper()]


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login page and back; for an HTMX request the whole page goes there.

    A form that was sent after the session ended is kept.
    """
    if request.headers.get("HX-Request"):
        current_path = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return HttpResponse(status=401, headers={"HX-Redirect": _login(current_path or reverse("console"))})
    if kept_forms.is_kept(request):
        return kept_forms.page(request)
    return redirect(_login(request.get_full_path()))


def _login(then: str) -> str:
    return f"{reverse('login')}?{urlencode({'next': then})}"


@checks.register(checks.Tags.security)
def every_view_is_marked(**_: Any) -> list[checks.CheckMessage]:
    """A system check: every view has an access mark."""
    return [
        checks.Error(
            f"The view at “{path}” has no access mark.",
            hint="Decorate it with @public, or with @needs and the role that may see it.",
            id="statuspage.E001",
        )
        for path, view in marked_views()
        if not hasattr(view, "access")
    ]


def marked_views() -> Iterator[tuple[str, Any]]:
    """Every address with its view; those of Django's admin guard themselves."""
    return _views(get_resolver().url_patterns, "")


def _views(patterns: list[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if pattern.namespace not in GUARDED_NAMESPACES:
                yield from _views(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback
