"""Django's `manage.py createsuperuser`, recorded in the audit log."""

from typing import Any

from django.contrib.auth.management.commands import createsuperuser

from statuspage.management.recording import users_recorded
from statuspage.models import Role


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with users_recorded("person.create", {"role": Role.ADMIN.label}):
            return super().handle(*args, **options)
