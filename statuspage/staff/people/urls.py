"""Addresses under /console/people/."""

from django.urls import path

from statuspage.staff.people import views

urlpatterns = [
    path("", views.people, name="people"),
    path("invite/", views.invite, name="invite"),
    path("invitations/<int:pk>/withdraw/", views.withdraw, name="withdraw_invitation"),
    path("<int:pk>/role/", views.change_role, name="change_role"),
    path("<int:pk>/deactivate/", views.deactivate, name="deactivate"),
    path("<int:pk>/factors/", views.remove_factors, name="remove_factors"),
    path("<int:pk>/reactivate/", views.reactivate, name="reactivate"),
]
