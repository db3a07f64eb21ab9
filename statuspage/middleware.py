"""What every answer of Django carries, and who must change a password first."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from statuspage.models import FirstPassword

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)


class HeadersMiddleware:
    """The headers that keep strangers' code out of staff pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", CSP)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        return response


class FirstPasswordMiddleware:
    """Keeps staff on the password form until the generated first password is changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        form = reverse("admin:password_change")
        free = (form, reverse("admin:logout"), reverse("admin:jsi18n"))
        if (
            request.path.startswith(reverse("admin:index"))
            and request.path not in free
            and request.user.is_authenticated
            and FirstPassword.objects.is_kept_by(request.user)
        ):
            return redirect(form)
        return self.get_response(request)
