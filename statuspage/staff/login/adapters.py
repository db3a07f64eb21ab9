"""allauth's adapters: our addresses, limits and messages."""

import logging
from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from components import identity
from statuspage.models import FirstPassword
from statuspage.models.audit import client_address
from statuspage.staff.login import guesses

logger = logging.getLogger(__name__)
TOO_MANY = frozenset({"too_many_login_attempts", "rate_limited"})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """No open sign-up; links lead to PUBLIC_URL; wrong passwords are counted by person and by address."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "This name and password do not match.",
        "email_password_mismatch": "This address and password do not match.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """False: people are invited."""
        return False

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """The error for a code; too many attempts have a page of their own, with status 429."""
        if code in TOO_MANY:
            raise ImmediateHttpResponse(ratelimit.respond_429(self.request))
        error: ValidationError = super().validation_error(code, *args)
        return error

    def get_client_ip(self, request: HttpRequest) -> str:
        """The same address for limits and the audit log."""
        return client_address(request) or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before the password is checked; too many have a page of their own."""
        self._login_failed_rl_usage = guesses.count(request, credentials)
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """After a password reset: forget the person's failed attempts, but not those of the address."""
        guesses.forgive(request, credentials)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **arguments: Any) -> HttpResponse:
        """Remember the browser (docs/people.md, Logging in)."""
        response: HttpResponse = super().post_login(request, user, **arguments)
        guesses.remember(request, response, user)
        return response

    def is_safe_url(self, url: str) -> bool:
        """Only paths of this site."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The console, or Django's admin if there is none."""
        try:
            return reverse("console")
        except NoReverseMatch:
            return reverse("admin:index")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Where to go after a password change."""
        return self.get_login_redirect_url(request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """On PUBLIC_URL, not the request's Host: a forged one would receive the key."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return public_url(path.replace("UID-KEY", quote(key)))

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Refuse a name that looks like an email address: at login it would precede the address's owner."""
        if "@" in username:
            raise ValidationError("A name cannot contain @.", code="invalid")
        cleaned: str = super().clean_username(username, shallow=shallow)
        return cleaned

    def clean_password(self, password: str, user: AbstractBaseUser | None = None) -> str:
        """Refuse the generated first password as the new one."""
        cleaned: str = super().clean_password(password, user=user)
        is_first = user is not None and user.pk and FirstPassword.objects.is_kept_by(user)
        if is_first and check_password(cleaned, user.password):  # type: ignore[union-attr]
            raise ValidationError("This is the password you were given: choose another one.", code="same")
        return cleaned

    def format_email_subject(self, subject: str) -> str:
        """The subject, with the page's name before it."""
        return f"{identity.current().name}: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send it; a failing mail server is logged for the operator, not shown to the client."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            logger.error("The mail %s could not be sent: %s", template_prefix, error)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors belong to PUBLIC_URL, whatever the request's Host."""

    def _get_site_name(self) -> str:
        return str(identity.current().name)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The relying party of passkeys, which they are bound to permanently."""
        return {"id": settings.PUBLIC_HOST, "name": identity.current().name}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:  # noqa: A002 - theirs
        """The default name of a second factor."""
        return "My key"


def public_url(path: str) -> str:
    """The absolute address of a path on PUBLIC_URL."""
    return f"{settings.PUBLIC_URL}{path}"
