"""The one table of addresses."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from statuspage import views
from statuspage.access import public

urlpatterns = [
    path("", views.overview, name="overview"),
    path("components/<slug:public_id>", views.component, name="component"),
    path("incidents/<slug:public_id>", views.incident, name="incident"),
    path("history", views.history_page, name="history"),
    path("history/<str:month>", views.history_page, name="history_month"),
    path("maintenance", views.maintenances, name="maintenances"),
    path("maintenance/<slug:public_id>", views.maintenance, name="maintenance"),
    path("maintenance.ics", views.maintenance_ics, name="maintenance_ics"),
    path("how-we-count", views.how_we_count, name="how_we_count"),
    path("history.atom", views.history_atom, name="history_atom"),
    path("history.rss", views.history_rss, name="history_rss"),
    path("api/v2/summary.json", views.api_summary, name="api_summary"),
    path("api/v2/status.json", views.api_status, name="api_status"),
    path("api/v2/components.json", views.api_components, name="api_components"),
    path("api/v2/incidents.json", views.api_incidents, name="api_incidents"),
    path("api/v2/scheduled-maintenances.json", views.api_scheduled, name="api_scheduled"),
    path("api/v2/scheduled-maintenances/upcoming.json", views.api_upcoming, name="api_upcoming"),
    path("api/v2/scheduled-maintenances/active.json", views.api_active, name="api_active"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("healthz", views.healthz, name="healthz"),
    path("login/", public(RedirectView.as_view(pattern_name="admin:login", query_string=True)), name="login"),
    path("admin/", admin.site.urls),
]
