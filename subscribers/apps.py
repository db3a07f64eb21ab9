"""Django's configuration of this app."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the answers that `incidents` asks for; listen to mail providers' reports."""
        from anymail.signals import tracking  # type: ignore[import-untyped]

        from incidents import alerting, notification_status
        from subscribers import bounces
        from subscribers.alerts.watch import watch
        from subscribers.delivery_stats import DeliveryStats

        notification_status.answer_by(DeliveryStats)
        alerting.watch_by(watch)
        tracking.connect(bounces.hear, dispatch_uid="bounces")
