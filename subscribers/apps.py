"""Django's configuration of this app."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    name = "subscribers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the answers that `incidents` asks for."""
        from incidents import alerting, notification_status
        from subscribers.alerts.watch import watch
        from subscribers.delivery_stats import DeliveryStats

        notification_status.answer_by(DeliveryStats)
        alerting.watch_by(watch)
