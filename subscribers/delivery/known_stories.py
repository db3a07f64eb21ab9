"""Stories that a restored backup knew: how they went on after it may have been sent already.

Automatic updates of an incident that was in the backup notify no one, until a person posts on it; of
maintenance, those that were planned for a time before the restore. The page shows all of them.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from incidents.lifecycle import Kind
from incidents.models import Incident, Maintenance, MaintenanceState, Notice
from incidents.models.maintenance_update import MaintenanceUpdate
from subscribers.models import Sorter


def is_held(notice: Notice) -> bool:
    """Whether this notice is sent to no one, as the database was restored since its story began."""
    restored_at = Sorter.objects.filter(pk=1).values_list("restored_at", flat=True).first()
    if restored_at is None:
        return False
    if notice.update is not None and notice.incident is not None:
        return notice.update.is_by_machine and _is_known(notice.incident, restored_at)
    update, work = notice.maintenance_update, notice.maintenance
    if update is None or work is None or not update.is_by_machine or work.created_at > restored_at:
        return False
    return _planned_for(update, work) <= restored_at


def _is_known(incident: Incident, restored_at: datetime) -> bool:
    if incident.created_at > restored_at:
        return False
    by_people = Q(is_by_machine=False, kind=Kind.POST, created_at__gt=restored_at)
    return not incident.updates.filter(by_people).exists()


def _planned_for(update: MaintenanceUpdate, work: Maintenance) -> datetime:
    """When this automatic update was due by the plan."""
    if update.state == MaintenanceState.SCHEDULED:
        return work.starts_at - timedelta(hours=work.notice_h)  # the reminder
    is_start = update.state == MaintenanceState.IN_PROGRESS and update.at < work.ends_at
    return work.starts_at if is_start else work.ends_at
