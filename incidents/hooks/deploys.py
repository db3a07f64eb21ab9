"""When the newest deploy of a component was marked: no hook is called right after one."""

from datetime import datetime, timedelta
from typing import Any

from django.apps import apps

from components.models import Component

CLOCKS_DIFFER = timedelta(seconds=30)  # a marker may be this much ahead of us


def newest(component: Component, now: datetime) -> datetime | None:
    """The newest marker of this component or of the whole page; None without one."""
    markers: Any = apps.all_models["components"].get("deploymarker")
    if markers is None:
        return None
    concerned = markers.objects.concerning(component.pk).filter(at__lte=now + CLOCKS_DIFFER)
    at: datetime | None = concerned.values_list("at", flat=True).first()
    return at
