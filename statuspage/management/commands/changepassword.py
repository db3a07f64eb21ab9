"""Django's `manage.py changepassword NAME`, recorded in the audit log."""

from typing import Any

from django.contrib.auth.management.commands import changepassword

from statuspage.management.recording import users_recorded


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> Any:
        with users_recorded("password.change"):
            return super().handle(*args, **options)
