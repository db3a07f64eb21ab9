"""The addresses of those who are told. The house includes them by name."""

from django.urls import path

from subscribers import compat, managing, push_views, views

urlpatterns = [
    path("subscribe", views.ways, name="subscribe"),
    path("subscribe/browser", push_views.browser, name="subscribe_browser"),
    path("subscribe/<slug:channel>", views.subscribe, name="subscribe_by"),
    path("subscribe/<slug:channel>/asked", views.asked, name="subscribe_asked"),
    path("confirm/<str:signed>", views.confirm, name="subscription_confirm"),
    path("unsubscribe/<str:key>", views.unsubscribe, name="unsubscribe"),
    path("subscription/<str:key>", managing.subscription, name="subscription"),
    path("subscription/<str:key>/only", managing.only, name="subscription_only"),
    path("subscription/<str:key>/restore", managing.restore, name="subscription_restore"),
    path("subscription/<str:key>/test", managing.test, name="subscription_test"),
    path("subscription/<str:key>/secret", managing.rotate, name="subscription_secret"),
    path("subscription/<str:key>/replay", managing.replay, name="subscription_replay"),
    path("subscription/<str:key>/data.json", managing.data, name="subscription_data"),
    path("subscription/<str:key>/delete", managing.delete, name="subscription_delete"),
    path("subscriptions/new-email", compat.new_email, name="statuspage_new_email"),
    path("subscriptions/webhook.json", compat.new_webhook, name="statuspage_new_webhook"),
    path("api/v2/subscribers.json", compat.subscribers, name="api_subscribers"),
    path("push-worker.js", push_views.worker, name="push_worker"),
    path("hooks/mail/<slug:provider>/tracking/", views.mail_events, name="mail_events"),
]
