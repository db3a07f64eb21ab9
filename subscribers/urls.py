"""Addresses for subscribers, included by name."""

from django.urls import path, register_converter

from subscribers import preferences_views, push_views, statuspage_api, views


class KeyConverter:
    """The key of a subscriber, also of one imported from Statuspage."""

    regex = "[A-Za-z0-9_-]{1,64}"

    def to_python(self, text: str) -> str:
        """The text itself."""
        return text

    def to_url(self, text: str) -> str:
        """The text itself."""
        return text


register_converter(KeyConverter, "key")

urlpatterns = [
    path("subscribe", views.ways, name="subscribe"),
    path("subscribe/browser", push_views.browser, name="subscribe_browser"),
    path("subscribe/<slug:channel>", views.subscribe, name="subscribe_by"),
    path("subscribe/<slug:channel>/asked", views.asked, name="subscribe_asked"),
    path("confirm/<str:signed>", views.confirm, name="subscription_confirm"),
    path("unsubscribe/<key:key>", views.unsubscribe, name="unsubscribe"),
    path("unsubscribe/<key:key>/report", views.unsubscribe_report, name="unsubscribe_report"),
    path("subscription/<key:key>", preferences_views.subscription, name="subscription"),
    path("subscription/<key:key>/only", preferences_views.only, name="subscription_only"),
    path("subscription/<key:key>/restore", preferences_views.restore, name="subscription_restore"),
    path("subscription/<key:key>/test", preferences_views.test, name="subscription_test"),
    path("subscription/<key:key>/secret", preferences_views.rotate, name="subscription_secret"),
    path("subscription/<key:key>/replay", preferences_views.replay, name="subscription_replay"),
    path("subscription/<key:key>/data.json", preferences_views.data, name="subscription_data"),
    path("subscription/<key:key>/delete", preferences_views.delete, name="subscription_delete"),
    path("subscriptions/new-email", statuspage_api.new_email, name="statuspage_new_email"),
    path("subscriptions/webhook.json", statuspage_api.new_webhook, name="statuspage_new_webhook"),
    path("api/v2/subscribers.json", statuspage_api.subscribers, name="api_subscribers"),
    path("push-worker.js", push_views.worker, name="push_worker"),
    path("hooks/mail/<slug:provider>/tracking/", views.mail_events, name="mail_events"),
]
