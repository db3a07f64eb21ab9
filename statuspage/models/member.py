"""Who of the staff may do what."""

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Role(IntEnum):
    """Each may do what the ones before may."""

    VIEWER = 1  # reads the console
    RESPONDER = 2  # posts: incidents, updates, maintenance, postmortems
    EDITOR = 3  # changes what is watched: components, probes, templates
    ADMIN = 4  # people, settings, the audit log

    @property
    def label(self) -> str:
        """The word in menus."""
        return self.name.capitalize()


class MemberManager(models.Manager["Member"]):
    def role_of(self, user: "AbstractBaseUser | AnonymousUser") -> Role | None:
        """A person's role; None for strangers and for those who were shut out."""
        if not user.is_authenticated or not user.is_active:
            return None
        if getattr(user, "is_superuser", False):
            return Role.ADMIN
        found = self.filter(user_id=user.pk).first()
        return Role(found.role) if found else None

    def appoint(self, user: Any, role: Role) -> "Member":
        """Give a person this role. Admins may use Django's admin too."""
        member, _ = self.update_or_create(user=user, defaults={"role": role})
        is_admin = role is Role.ADMIN
        if (user.is_staff, user.is_superuser) != (is_admin, is_admin):
            user.is_staff = user.is_superuser = is_admin
            user.save(update_fields=["is_staff", "is_superuser"])
        return member


class Member(models.Model):
    """A person's role. A user without one may log in and see nothing."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="member")
    role = models.PositiveSmallIntegerField(choices=[(r.value, r.label) for r in Role])

    objects = MemberManager()

    def __str__(self) -> str:
        return f"{self.user}: {Role(self.role).label}"
