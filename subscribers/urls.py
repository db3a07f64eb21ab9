"""The addresses of those who are told. The house includes them by name."""

from django.urls import path

from subscribers import views

urlpatterns = [
    path("subscription/<str:key>", views.subscription, name="subscription"),
    path("subscription/<str:key>/confirm", views.confirm, name="subscription_confirm"),
    path("unsubscribe/<str:key>", views.unsubscribe, name="unsubscribe"),
    path("hooks/mail/<slug:provider>/tracking/", views.mail_events, name="mail_events"),
]
