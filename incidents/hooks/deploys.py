"""When the newest deploy of a component was marked: no hook is called right after one."""

from datetime import datetime, timedelta

from components.models import Component, DeployMarker

CLOCKS_DIFFER = timedelta(seconds=30)  # a marker may be this much ahead of us


def newest(component: Component, now: datetime) -> datetime | None:
    """The newest marker of this component or of the whole page; None without one."""
    markers = DeployMarker.objects.concerning(component.pk).filter(at__lte=now + CLOCKS_DIFFER)
    return markers.values_list("at", flat=True).first()
