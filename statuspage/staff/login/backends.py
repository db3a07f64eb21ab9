"""The password check: one person, one comparison, by name or by email address."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.userkit import filter_users_by_email, get_user_by_username
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest


def person_of(login: str) -> AbstractBaseUser | None:
    """The person with this name or email address; None if there is none, or several have the address."""
    if not login:
        return None
    named: AbstractBaseUser | None = get_user_by_username(login)
    if named is not None:
        return named
    addressed = filter_users_by_email(login, prefer_verified=True, for_login=True) if "@" in login else []
    return addressed[0] if len(addressed) == 1 else None


def login_of(credentials: dict[str, Any]) -> str:
    """The entered name or address. allauth passes it under two keys if it looks like an address."""
    return str(credentials.get("username") or credentials.get("email") or "").strip()


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]
    """allauth's backend, which would check the same guess up to three times."""

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        """Read with role and first password, which every page of staff asks for; None if deactivated."""
        people = get_user_model().objects.select_related("member", "firstpassword")
        person: AbstractBaseUser | None = people.filter(pk=user_id).first()
        return person if person is not None and self.user_can_authenticate(person) else None

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        person: AbstractBaseUser | None = self._check_password(
            person_of(login_of(credentials)), credentials.get("password") or ""
        )
        return person
