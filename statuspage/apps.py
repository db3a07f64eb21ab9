"""The app of the face."""

from django.apps import AppConfig


class StatuspageConfig(AppConfig):
    name = "statuspage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from statuspage import access, checks  # noqa: F401 - registers the system checks
