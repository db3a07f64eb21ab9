"""Invitations: sent by an admin, used once, within a week."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction

from statuspage.models.member import Member, Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LIFE = timedelta(days=7)
TOKEN_BYTES = 32


class InvitationGoneError(Exception):
    """This invitation was used, withdrawn, or is older than a week: ask for a new one."""


class InvitationManager(models.Manager["Invitation"]):
    @transaction.atomic
    def invite(
        self, email: str, role: Role, *, by: "AbstractBaseUser", now: datetime
    ) -> tuple["Invitation", str]:
        """Invite someone, withdrawing an earlier invitation. Also returns the token, which is not stored."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.open(now).filter(email__iexact=email).delete()
        invitation = self.create(
            email=email.lower(),
            role=role,
            token_hash=_hash(token),
            invited_by_id=by.pk,
            created_at=now,
            expires_at=now + LIFE,
        )
        return invitation, token

    def open(self, now: datetime) -> models.QuerySet["Invitation"]:
        """Invitations that can still be used."""
        return self.filter(accepted_at=None, expires_at__gt=now)

    def by_token(self, token: str, now: datetime) -> "Invitation":
        """The open invitation with this token. Raises InvitationGoneError."""
        invitation = self.open(now).filter(token_hash=_hash(token)).first()
        if invitation is None:
            raise InvitationGoneError
        return invitation


class Invitation(models.Model):
    """The person with the token gets the role. Only its hash is stored."""

    email = models.EmailField()
    role = models.PositiveSmallIntegerField(choices=[(r.value, r.label) for r in Role])
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    # a link that was passed on by hand does not prove the address
    is_mailed = models.BooleanField(default=False, db_default=False)

    objects = InvitationManager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.email

    @property
    def role_label(self) -> str:
        """The role's label."""
        return Role(self.role).label

    @transaction.atomic
    def accept(self, user: Any, *, now: datetime) -> Member:
        """Use it, and give the person its role. Raises InvitationGoneError if it is not open any more."""
        rows = Invitation.objects.open(now).filter(pk=self.pk)
        if rows.update(accepted_at=now) != 1:
            raise InvitationGoneError
        self.accepted_at = now
        return Member.objects.appoint(user, Role(self.role))


def _hash(token: str) -> str:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
