"""`manage.py beat`: sends what is due each second; several are safe."""

from typing import Any

from statuspage.ops import roles
from statuspage.management.role_command import RoleCommand


class Command(RoleCommand):
    help = "Send what is due, each second. Several may run: a slot is claimed once."

    def arguments(self, options: dict[str, Any]) -> list[str]:
        """The clock's."""
        return roles.beat()
