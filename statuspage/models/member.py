"""Staff and their roles."""

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import Q

from statuspage.models.own_row import own_row

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Role(IntEnum):
    """A role includes the rights of those before it."""

    VIEWER = 1  # reads the console
    RESPONDER = 2  # posts: incidents, updates, maintenance, postmortems
    EDITOR = 3  # changes what is watched: components, probes, templates
    ADMIN = 4  # people, settings, the audit log

    @property
    def label(self) -> str:
        """The role's label, as in menus."""
        return self.name.capitalize()


class LastAdminError(Exception):
    """Somebody must stay who may let others in: make another person admin first."""


class MemberManager(models.Manager["Member"]):
    def role_of(self, user: "AbstractBaseUser | AnonymousUser") -> Role | None:
        """A person's role; None without one, and for deactivated people."""
        if not user.is_authenticated or not user.is_active:
            return None
        if getattr(user, "is_superuser", False):
            return Role.ADMIN
        member = own_row(Member, user)
        return Role(member.role) if member else None

    @transaction.atomic
    def appoint(self, user: Any, role: Role) -> "Member":
        """Give a person this role. Admins may use Django's admin too. Raises LastAdminError."""
        if role is not Role.ADMIN:
            self._keep_an_admin(user)
        member, _ = self.update_or_create(user=user, defaults={"role": role})
        member.user = user  # where the user was read with an earlier role
        is_admin = role is Role.ADMIN
        if (user.is_staff, user.is_superuser) != (is_admin, is_admin):
            user.is_staff = user.is_superuser = is_admin
            user.save(update_fields=["is_staff", "is_superuser"])
        return member

    @transaction.atomic
    def shut_out(self, user: Any) -> None:
        """End a person's access at once; their past work keeps their name. Raises LastAdminError."""
        self._keep_an_admin(user)
        user.is_active = False
        user.save(update_fields=["is_active"])

    def let_in_again(self, user: Any) -> None:
        """Let a deactivated person log in again, with the same role as before."""
        user.is_active = True
        user.save(update_fields=["is_active"])

    def _keep_an_admin(self, user: Any) -> None:
        """Raises LastAdminError for the last admin. Locks the rows: two could demote each other at once."""
        is_admin = Q(is_superuser=True) | Q(pk__in=self.filter(role=Role.ADMIN).values("user_id"))
        admins = get_user_model().objects.select_for_update().filter(is_admin, is_active=True).order_by("pk")
        if [admin.pk for admin in admins] == [user.pk]:
            raise LastAdminError


class Member(models.Model):
    """A person's role. A user without one may log in and see nothing."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="member")
    role = models.PositiveSmallIntegerField(choices=[(r.value, r.label) for r in Role])

    objects = MemberManager()

    def __str__(self) -> str:
        return f"{self.user}: {Role(self.role).label}"
