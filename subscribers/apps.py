"""The app of the second floor, west."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Answer the questions of the floor below; listen to what mail providers report."""
        from anymail.signals import tracking  # type: ignore[import-untyped]

        from incidents import alerting, notification_status
        from subscribers import bounces
        from subscribers.alerts.watch import watch
        from subscribers.delivery_stats import Keeper

        notification_status.answer_by(Keeper)
        alerting.watch_by(watch)
        tracking.connect(bounces.hear, dispatch_uid="bounces")
