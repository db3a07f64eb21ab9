"""The app of the second floor, west."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Answer the questions of the floor below; listen to what mail providers report."""
        from anymail.signals import tracking  # type: ignore[import-untyped]

        from incidents import telling
        from subscribers import bounces
        from subscribers.keeper import Keeper

        telling.answer_by(Keeper)
        tracking.connect(bounces.hear, dispatch_uid="bounces")
