"""The app of the face."""

import functools

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class StatuspageConfig(AppConfig):
    name = "statuspage"
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from components import deeds
        from incidents import alerting
        from statuspage import access, checks, vitals  # noqa: F401 - registers the system checks
        from statuspage.accounts import recording  # noqa: F401 - listens to logins
        from statuspage.models import Audit

        alerting.judge_by(vitals.vitals)
        deeds.kept_by(functools.partial(Audit.objects.note, None))


class StaffAdminConfig(admin.AdminConfig):
    default = False
    default_site = "statuspage.staff_site.StaffAdminSite"
