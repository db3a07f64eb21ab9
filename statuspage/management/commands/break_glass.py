"""`manage.py break_glass NAME`: an admin account when no one can log in."""

import secrets
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from statuspage.models import Audit, FirstPassword, Member, Role
from statuspage.staff.login.recording import end_sessions


class Command(BaseCommand):
    help = "Create or recover an admin account: a new password, no second factor, no sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        password = secrets.token_urlsafe(15)
        was_there = open_up(options["name"], password)
        done = "re-opened" if was_there else "made"
        self.stdout.write(f"Admin account {done}: {options['name']} / {password}")
        self.stdout.write("The password must be changed at the first login. It is only shown here.")


@transaction.atomic
def open_up(name: str, password: str) -> bool:
    """Make or reset an admin with only this password. Returns whether the account existed."""
    users = get_user_model().objects
    user = users.filter(username=name).first()
    was_there = user is not None
    if user is None:
        user = get_user_model()(username=name)
        try:
            user.clean_fields(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
    user.is_active = True
    user.set_password(password)
    user.save()
    Member.objects.appoint(user, Role.ADMIN)
    FirstPassword.objects.update_or_create(user=user, defaults={"password": user.password})
    factors, _ = Authenticator.objects.filter(user_id=user.pk).delete()
    ended = end_sessions(user)
    Audit.objects.note(
        None,
        "break-glass",
        user,
        after={"was_there": was_there, "factors_removed": factors, "sessions_ended": ended},
    )
    return was_there
