"""`manage.py beat`: sends what is due each second; several are safe."""

from typing import Any

from statuspage.management.role_command import RoleCommand
from statuspage.ops import roles


class Command(RoleCommand):
    help = "Send what is due, each second. Several may run: a slot is claimed once."

    def arguments(self, options: dict[str, Any]) -> list[str]:
        """The clock's."""
        return roles.beat()
