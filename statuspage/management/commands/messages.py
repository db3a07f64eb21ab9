"""`manage.py messages`: sends messages and calls recovery hooks; any number, on any machine."""

from typing import Any

from statuspage.management.role_command import RoleCommand
from statuspage.ops import roles


class Command(RoleCommand):
    help = "Notify subscribers and staff, and call recovery hooks."

    def arguments(self, options: dict[str, Any]) -> list[str]:
        """A message worker's."""
        return roles.message_worker()
