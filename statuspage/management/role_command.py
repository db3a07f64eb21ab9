"""What the commands `worker`, `messages` and `beat` share: one role of the program in this process."""

from typing import Any

from django.core.management.base import BaseCommand


class RoleCommand(BaseCommand):
    """Runs Celery in the foreground until SIGTERM."""

    def arguments(self, options: dict[str, Any]) -> list[str]:
        """Celery's own."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        from statuspage.celery import app

        app.start(["-q", *self.arguments(options)])
