"""Keeps what staff typed when their form is refused: a page that can send it again.

For a session that ended, or began anew in another tab, while someone was writing; for a role that was
taken away, or a thing that was deleted, meanwhile. Nothing is done until it is sent again, by someone
who may. A form from another site gets only the refusal.
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
    """Everything that was typed, in a form with a token of now; `why` when it is not for a session's sake.

    With status 404 there is nowhere left to send it to: the words stand there to be copied.
    """
    sent = [(name, one) for name, values in request.POST.lists() if name not in LEFT_OUT for one in values]
    context = {
        "words": [(name, _label(name), one) for name, one in sent if _is_text(name, one)],
        "rest": [(name, one) for name, one in sent if not _is_text(name, one)],
        "is_out": not request.user.is_authenticated,
        "login": reverse("login"),
        "why": why,
        "may_send": status != 404,
    }
    return render(request, "account/kept.html", context, status=status)


def holds_words(request: HttpRequest) -> bool:
    """Whether somebody wrote something that the usual page of refusal would lose."""
    return (
        hasattr(request, "user")
        and is_kept(request)
        and any(_is_text(name, one) for name, values in request.POST.lists() for one in values)
    )


def denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A role that was taken away while somebody was writing costs no words either."""
    if not holds_words(request):
        return permission_denied(request, exception)
    return page(request, f"{exception} Nothing was sent. Copy your text, or send it once you are allowed to.")


def _is_text(name: str, value: str) -> bool:
    """What somebody wrote, rather than chose, or a page wrote down for itself."""
    return name not in OF_THE_PAGE and len(value.split()) > 1


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").replace("-", " ").capitalize())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A token of before the last login: the words are kept. Everything else is refused as Django does."""
    return page(request) if is_kept(request) else django_csrf_failure(request, reason)
