"""Every address of the program."""

from django.contrib import admin
from django.urls import include, path

from statuspage import converters
from statuspage.api import region_views
from statuspage.api import views as api_views
from statuspage.feeds import views as feed_views
from statuspage.public import brand, history_views, views, well_known
from statuspage.staff.people import views as people

converters.register()

urlpatterns = [
    path("", views.front, name="overview"),
    path("components/<slug:public_id>", views.component, name="component"),
    path("incidents/<slug:public_id>", views.incident, name="incident"),
    path("incidents/<slug:public_id>.json", api_views.incident_json, name="incident_json"),
    path("postmortems", views.postmortems_page, name="postmortems"),
    path("postmortems/<slug:public_id>", views.postmortem, name="postmortem"),
    path("postmortems/<slug:public_id>.csv", views.postmortem_csv, name="postmortem_csv"),
    path("postmortems/<slug:public_id>.json", views.postmortem_json, name="postmortem_json"),
    path("postmortems/<slug:public_id>.md", views.postmortem_markdown, name="postmortem_markdown"),
    path("components/<slug:public_id>/days/<day:on>", history_views.day, name="component_day"),
    path("components/<slug:public_id>/days/<day:on>/<hour:hour>", history_views.hour, name="component_hour"),
    path("history", views.history_page, name="history"),
    path("history/search", history_views.search_view, name="history_search"),
    path("history/figures", history_views.figures, name="figures"),
    path("history/figures/<month:month>", history_views.figures, name="figures_month"),
    path("reports/<month:month>", history_views.report, name="report"),
    path("reports/<month:month>.csv", history_views.report_csv, name="report_csv"),
    path("history/component/<slug:public_id>", views.history_page, name="history_component"),
    path("history/<month:month>", views.history_page, name="history_month"),
    path("history/<month:month>/<slug:public_id>", views.history_page, name="history_month_component"),
    path("history.csv", history_views.history_csv, name="history_csv"),
    path("history.json", history_views.history_json, name="history_json"),
    path("uptime.csv", history_views.uptime_csv, name="uptime_csv"),
    path("uptime.json", history_views.uptime_json, name="uptime_json"),
    path("history/<str:month>", views.history_page, name="history_month"),
    path("maintenance", views.maintenances, name="maintenances"),
    path("maintenance/<slug:public_id>", views.maintenance, name="maintenance"),
    path("maintenance/<slug:public_id>.ics", feed_views.maintenance_calendar, name="maintenance_calendar"),
    path("maintenance.ics", feed_views.page_calendar, name="calendar"),
    path(
        "components/<slug:public_id>/maintenance.ics",
        feed_views.component_calendar,
        name="component_calendar",
    ),
    path("groups/<slug:public_id>/maintenance.ics", feed_views.group_calendar, name="group_calendar"),
    path("how-we-count", views.how_we_count, name="how_we_count"),
    path("<feed:form>", feed_views.page_feed, name="feed"),
    path("components/<slug:public_id>/<feed:form>", feed_views.component_feed, name="component_feed"),
    path("groups/<slug:public_id>/<feed:form>", feed_views.group_feed, name="group_feed"),
    path("api/v2/summary.json", api_views.summary, name="api_summary"),
    path("api/v2/status.json", api_views.status, name="api_status"),
    path("api/v2/components.json", api_views.components, name="api_components"),
    path("api/v2/incidents.json", api_views.incidents, name="api_incidents"),
    path("api/v2/incidents/unresolved.json", api_views.unresolved, name="api_unresolved"),
    path("api/v2/incidents/<slug:public_id>.json", api_views.incident, name="api_incident"),
    path("api/v2/scheduled-maintenances.json", api_views.scheduled, name="api_scheduled"),
    path("api/v2/scheduled-maintenances/upcoming.json", api_views.upcoming, name="api_upcoming"),
    path("api/v2/scheduled-maintenances/active.json", api_views.active, name="api_active"),
    path("brand/<slug:name>.css", brand.stylesheet, name="brand_style"),
    path("brand/<str:name>", brand.picture, name="brand_picture"),
    path("robots.txt", well_known.robots, name="robots"),
    path(".well-known/security.txt", well_known.security, name="security_txt"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("healthz", views.healthz, name="healthz"),
    path("healthz/pipeline", views.healthz, name="healthz_pipeline"),
    path("regions/work", region_views.work, name="region_work"),
    path("regions/results", region_views.results, name="region_results"),
    path("metrics", views.metrics, name="metrics"),
    path("console/alerts/", include("subscribers.alerts.urls")),
    path("console/subscribers/", include("subscribers.staff_urls")),
    path("console/", include("statuspage.console.urls")),
    path("accounts/", include("statuspage.staff.login.urls")),
    path("console/people/", include("statuspage.staff.people.urls")),
    path("console/audit/", people.audit_log, name="audit"),
    path("", include("subscribers.urls")),
    path("admin/", admin.site.urls),
]

handler403 = "statuspage.requests.kept_forms.denied"
handler404 = "statuspage.requests.conventions.not_found"
handler429 = "statuspage.staff.login.views.too_many"
