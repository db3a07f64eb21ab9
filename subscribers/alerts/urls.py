"""Addresses under /console/alerts/, included by name."""

from django.urls import path

from subscribers.alerts import views

urlpatterns = [
    path("", views.page, name="console_alerts"),
    path("mail", views.add_mail, name="console_alerts_mail"),
    path("apprise", views.add_apprise, name="console_alerts_apprise"),
    path("browser", views.add_browser, name="console_alerts_browser"),
    path("confirm/<str:token>", views.confirm, name="console_alerts_confirm"),
    path("<int:pk>/choose", views.choose, name="console_alerts_choose"),
    path("<int:pk>/test", views.test, name="console_alerts_test"),
    path("<int:pk>/remove", views.remove, name="console_alerts_remove"),
]
