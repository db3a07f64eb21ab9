"""The app of the second floor, west."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Answer the questions of the floor below."""
        from incidents import telling
        from subscribers.keeper import Keeper

        telling.answer_by(Keeper)
