"""Counts wrong passwords so that a stranger's guesses do not lock the owner out.

A browser in which a person has logged in before carries a signed cookie and is counted separately. Everywhere
else guesses are counted by person and address, and more slowly by person alone. A cookie proves nothing but
that its browser once knew the password: with it one may guess five times in five minutes, as before.
"""

import secrets
from typing import Any

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from statuspage.staff.login.backends import login_of, person_of

COOKIE = "known_browser"
REMEMBERED_S = 180 * 24 * 3600
_SALT = "statuspage.staff.login.known_browser"
_COUNTED = {"app": "allauth.account"}


def count(request: HttpRequest, credentials: dict[str, Any]) -> ratelimit.RateLimitUsage | None:
    """Count one guess, before the password is checked. None if there are too many."""
    if browser := _browser_key(request, credentials):
        return ratelimit.consume(request, **_COUNTED, action="login_failed_known", key=browser)
    usage = ratelimit.RateLimitUsage(usage=[])
    for action, key in _counts(request, credentials):
        used = ratelimit.consume(request, **_COUNTED, action=action, key=key)
        if used is None:
            return None
        usage.usage += used.usage
    return usage


def forgive(request: HttpRequest, credentials: dict[str, Any]) -> None:
    """Forget the guesses at this person. Those counted by network address stay."""
    for action, key in _counts(request, credentials):
        for rate in ratelimit.get_rates(**_COUNTED, action=action):
            if rate.per == "key":
                named = ratelimit.get_cache_key(request, **_COUNTED, action=action, rate=rate, key=key)
                ratelimit.cache.delete(named)


def remember(request: HttpRequest, response: HttpResponse, user: AbstractBaseUser) -> None:
    """Set the cookie that says that this person has logged in with this browser."""
    person, mark = _cookie(request)
    if person != str(user.pk):
        mark = secrets.token_urlsafe(12)
    response.set_signed_cookie(
        COOKIE,
        f"{user.pk}:{mark}",
        salt=_SALT,
        max_age=REMEMBERED_S,
        path="/accounts/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _counts(request: HttpRequest, credentials: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """(limit, whose) of each count that a guess from a new place goes into."""
    whom = _person_key(credentials)
    return ("login_failed", f"{whom} from {ratelimit.get_ip(request)}"), ("login_failed_anywhere", whom)


def _person_key(credentials: dict[str, Any]) -> str:
    """The key of a person: the same for name and email address, and independent of the Host."""
    login = login_of(credentials)
    person = person_of(login)
    return f"name:{login.lower()}" if person is None else f"person:{person.pk}"


def _browser_key(request: HttpRequest, credentials: dict[str, Any]) -> str:
    """The key of a browser in which this person has logged in; empty for others."""
    whom = _person_key(credentials)
    if request.user.is_authenticated and whom == f"person:{request.user.pk}":
        return f"session {request.session.session_key}"
    person, mark = _cookie(request)
    return f"browser {person}:{mark}" if person and whom == f"person:{person}" else ""


def _cookie(request: HttpRequest) -> tuple[str, str]:
    value = request.get_signed_cookie(COOKIE, "", salt=_SALT, max_age=REMEMBERED_S)
    person, _, mark = str(value).partition(":")
    return person, mark
