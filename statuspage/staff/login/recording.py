"""Writes logins to the audit log, and ends a person's other sessions.

Signals are how Django and allauth report what they did. They are listened to here and nowhere else.
"""

from typing import Any

from allauth.account import signals as account
from allauth.core import context
from allauth.mfa import signals as second_factor
from allauth.mfa.models import Authenticator
from allauth.usersessions.internal.flows.sessions import end_other_sessions
from allauth.usersessions.models import UserSession
from django.contrib.auth import signals as django
from django.dispatch import receiver
from django.http import HttpRequest

from statuspage.models import Audit
from statuspage.staff.login.backends import login_of, person_of


@receiver(django.user_logged_in)
def logged_in(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Logged in, after every step of the login."""
    Audit.objects.note(request, "login", user)


@receiver(django.user_logged_out)
def logged_out(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Sent before the session forgets who it was."""
    if user is not None:
        Audit.objects.note(request, "logout", user)


@receiver(django.user_login_failed)
def login_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """A failed login. An unknown name may be a password in the wrong field, so it is not stored."""
    person = person_of(login_of(credentials))
    Audit.objects.note(request or context.request, "login.failed", person or "an unknown name")


@receiver([account.password_changed, account.password_set, account.password_reset])
def password_changed(request: HttpRequest, user: Any, **_: Any) -> None:
    """Django ends the other sessions itself: their hash is of the old password."""
    Audit.objects.note(request, "password.change", user)


@receiver(second_factor.authentication_failed)
def second_factor_failed(request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    """The password was right, the code was not: worth a look."""
    Audit.objects.note(request, "login.failed", user, after={"factor": authenticator.type})


@receiver(second_factor.authenticator_added)
def factor_added(request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    """End other sessions, which logged in without it."""
    Audit.objects.note(request, "factor.add", user, after={"factor": authenticator.type})
    end_other_sessions(request, user)


@receiver(second_factor.authenticator_removed)
def factor_removed(request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    """End other sessions: the login is weaker now."""
    Audit.objects.note(request, "factor.remove", user, before={"factor": authenticator.type})
    end_other_sessions(request, user)


@receiver(second_factor.authenticator_reset)
def factor_reset(request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    """New recovery codes."""
    Audit.objects.note(request, "factor.reset", user, after={"factor": authenticator.type})
    end_other_sessions(request, user)


def end_sessions(user: Any) -> int:
    """End all sessions of a person, from the command line or by an admin. Returns how many there were."""
    sessions = list(UserSession.objects.filter(user_id=user.pk))
    for session in sessions:
        session.end()
    return len(sessions)
