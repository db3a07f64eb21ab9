"""Keeps what staff typed when their form is refused: a page that can send it again.

For a session that ended, or was renewed in another tab, while someone was writing; for a role or an
object that was removed meanwhile. Nothing is done until the form is sent again by someone who may.
A form from another site gets only the refusal.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.csrf import csrf_failure as django_csrf_failure
from django.views.defaults import permission_denied

from statuspage.requests.limits import LOOK_PATH

CONSOLE = "/console/"
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
LEFT_OUT = frozenset({"csrfmiddlewaretoken"})
OF_THE_PAGE = frozenset({"told", "filled", "workaround_was"})  # in the composer
LABELS = {"body": "Words", "workaround": "What customers can do"}


def is_kept(request: HttpRequest) -> bool:
    """Whether this is a form of our console, sent by one of our own pages."""
    return (
        request.method == "POST"
        and request.path.startswith(CONSOLE)
        and (
            request.content_type == URLENCODED
            or (request.path == LOOK_PATH and request.content_type == MULTIPART)
        )
        and "HX-Request" not in request.headers
        and "json" not in request.headers.get("Accept", "")
        and _is_ours(request)
    )


def _is_ours(request: HttpRequest) -> bool:
    site = request.headers.get("Sec-Fetch-Site", "")
    origin = request.headers.get("Origin", "")
    return site == "same-origin" if site else origin == f"{request.scheme}://{request.get_host()}"


def page(request: HttpRequest, why: str = "", status: int = 403) -> HttpResponse:
    """Everything that was typed, in a form with a current token; `why` unless the session ended.

    With status 404 the form cannot be sent any more: its text is shown for copying.
    """
    sent = [
        (name, value) for name, values in request.POST.lists() if name not in LEFT_OUT for value in values
    ]
    context = {
        "words": [(name, _label(name), value) for name, value in sent if _is_text(name, value)],
        "rest": [(name, value) for name, value in sent if not _is_text(name, value)],
        "is_out": not request.user.is_authenticated,
        "login": reverse("login"),
        "why": why,
        "may_send": status != 404,
    }
    return render(request, "account/kept.html", context, status=status)


def holds_words(request: HttpRequest) -> bool:
    """Whether the request has text that would be lost with the usual error page."""
    return (
        hasattr(request, "user")
        and is_kept(request)
        and any(_is_text(name, value) for name, values in request.POST.lists() for value in values)
    )


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for status 403, with the text of a form if the role was removed while someone was writing."""
    if not holds_words(request):
        return permission_denied(request, exception)
    return page(request, f"{exception} Nothing was sent. Copy your text, or send it once you are allowed to.")


def _is_text(name: str, value: str) -> bool:
    """Whether this is text that a person wrote, not a choice or a hidden field."""
    return name not in OF_THE_PAGE and len(value.split()) > 1


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").replace("-", " ").capitalize())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For a token from before the last login, keep the text. Refuse everything else as Django does."""
    return page(request) if is_kept(request) else django_csrf_failure(request, reason)
