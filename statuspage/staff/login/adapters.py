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
    """Closed to strangers; links lead to PUBLIC_URL; guesses are counted by person and by address."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "This name and password do not match.",
        "email_password_mismatch": "This address and password do not match.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited."""
        return False

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Too many attempts are a page of their own, with the status that says so."""
        if code in TOO_MANY:
            raise ImmediateHttpResponse(ratelimit.respond_429(self.request))
        error: ValidationError = super().validation_error(code, *args)
        return error

    def get_client_ip(self, request: HttpRequest) -> str:
        """One answer for the limits and for the audit log."""
        return client_address(request) or "unknown"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Before the password is looked at. A guess too many is a page of its own."""
        self._login_failed_rl_usage = guesses.count(request, credentials)
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """A reset password frees the person, never the address that guessed."""
        guesses.forgive(request, credentials)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **told: Any) -> HttpResponse:
        """The browser is known from now on: docs/people.md, Logging in."""
        response: HttpResponse = super().post_login(request, user, **told)
        guesses.remember(request, response, user)
        return response

    def is_safe_url(self, url: str) -> bool:
        """A path of ours and nothing else."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The console, once it is there."""
        try:
            return reverse("console")
        except NoReverseMatch:
            return reverse("admin:index")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to work."""
        return self.get_login_redirect_url(request)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Never of the Host that was asked: who forges it would be sent the key."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return public_url(path.replace("UID-KEY", quote(key)))

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """No name looks like an address: it would stand before the address's owner at the login."""
        if "@" in username:
            raise ValidationError("A name cannot contain @.", code="invalid")
        cleaned: str = super().clean_username(username, shallow=shallow)
        return cleaned

    def clean_password(self, password: str, user: AbstractBaseUser | None = None) -> str:
        """A first password that we printed is changed, not typed again."""
        cleaned: str = super().clean_password(password, user=user)
        is_first = user is not None and user.pk and FirstPassword.objects.is_kept_by(user)
        if is_first and check_password(cleaned, user.password):  # type: ignore[union-attr]
            raise ValidationError("This is the password you were given: choose another one.", code="same")
        return cleaned

    def format_email_subject(self, subject: str) -> str:
        """The page speaks."""
        return f"{identity.current().name}: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A mail server that fails is told to the operator, not to the stranger who asked."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            logger.error("The mail %s could not be sent: %s", template_prefix, error)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors belong to PUBLIC_URL, whatever Host was asked."""

    def _get_site_name(self) -> str:
        return str(identity.current().name)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """A passkey is bound to this name for ever."""
        return {"id": settings.PUBLIC_HOST, "name": identity.current().name}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:  # noqa: A002 - theirs
        """What people call it."""
        return "My key"


def public_url(path: str) -> str:
    """The whole address of a path, as customers know it."""
    return f"{settings.PUBLIC_URL}{path}"
