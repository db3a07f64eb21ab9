"""The addresses of those who are told. The house includes them by name."""

from django.urls import path

from subscribers import push_views, views

urlpatterns = [
    path("subscribe/browser", push_views.browser, name="subscribe_browser"),
    path("push-worker.js", push_views.worker, name="push_worker"),
    path("subscription/<str:key>", views.subscription, name="subscription"),
    path("subscription/<str:key>/confirm", views.confirm, name="subscription_confirm"),
    path("unsubscribe/<str:key>", views.unsubscribe, name="unsubscribe"),
    path("hooks/mail/<slug:provider>/tracking/", views.mail_events, name="mail_events"),
]
