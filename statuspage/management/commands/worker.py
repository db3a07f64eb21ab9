"""`manage.py worker`: runs checks and opens incidents; any number, on any machine."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from statuspage.management.role_command import RoleCommand
from statuspage.ops import roles


class Command(RoleCommand):
    help = "Run checks from REGION, open incidents, keep the tallies (WORKER_CONCURRENCY)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checks-only",
            action="store_true",
            help="Only checks: for another region that reaches the broker.",
        )

    def arguments(self, options: dict[str, Any]) -> list[str]:
        """A worker's, with the settings of this machine."""
        role = roles.checks_only if options["checks_only"] else roles.worker
        return role(settings.REGION, concurrency=settings.WORKER_CONCURRENCY)
