"""Django's configuration of this app."""

import functools

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class StatuspageConfig(AppConfig):
    name = "statuspage"
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from components import command_audit
        from incidents import alerting
        from statuspage import (
            celery,  # noqa: F401 - whose app the tasks then belong to
            checks,  # noqa: F401 - registers the system checks
        )
        from statuspage.models import Audit
        from statuspage.ops import vitals
        from statuspage.staff import access  # noqa: F401 - registers a system check
        from statuspage.staff.login import recording  # noqa: F401 - listens to logins

        alerting.judge_by(vitals.vitals)
        command_audit.set_log(functools.partial(Audit.objects.note, None))


class StaffAdminConfig(admin.AdminConfig):
    default = False
    default_site = "statuspage.staff.admin_site.StaffAdminSite"
