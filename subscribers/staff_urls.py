"""Addresses under /console/subscribers/, included by name."""

from django.urls import path

from subscribers.staff import files, mails, views

urlpatterns = [
    path("", views.list_page, name="console_subscribers"),
    path("add", views.add, name="console_subscriber_add"),
    path("export.csv", files.export, name="console_subscribers_export"),
    path("imports", files.imports, name="console_imports"),
    path("imports/<int:pk>", files.one_import, name="console_import"),
    path("imports/<int:pk>/go-on", files.go_on, name="console_import_go_on"),
    path("imports/<int:pk>/stop", files.stop, name="console_import_stop"),
    path("mails", mails.list_page, name="console_mails"),
    path("mails/<str:name>", mails.page, name="console_mail"),
    path("mails/<str:name>/html", mails.html, name="console_mail_html"),
    path("deliveries/<slug:message_id>/replay", views.replay, name="console_replay"),
    path("<slug:public_id>", views.page, name="console_subscriber"),
    path("<slug:public_id>/choose", views.choose, name="console_subscriber_choose"),
    path("<slug:public_id>/test", views.test, name="console_subscriber_test"),
    path("<slug:public_id>/quarantine", views.quarantine, name="console_subscriber_quarantine"),
    path("<slug:public_id>/restore", views.restore, name="console_subscriber_restore"),
    path("<slug:public_id>/rotate", views.rotate, name="console_subscriber_rotate"),
    path("<slug:public_id>/erase", views.erase, name="console_subscriber_erase"),
]
