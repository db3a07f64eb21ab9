"""Whose first password must still be changed."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from statuspage.models.own_row import own_row

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class FirstPasswordManager(models.Manager["FirstPassword"]):
    def is_kept_by(self, user: "AbstractBaseUser") -> bool:
        """True while this person still uses the generated password. Deletes the row once it was changed."""
        first = own_row(FirstPassword, user)
        if first is None:
            return False
        if first.password == user.password:
            return True
        self.filter(pk=first.pk).delete()
        return False


class FirstPassword(models.Model):
    """The hash of a generated password, kept until the person has changed it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    password = models.CharField(max_length=128)

    objects = FirstPasswordManager()

    def __str__(self) -> str:
        return f"first password of user {self.user_id}"
