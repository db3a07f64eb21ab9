"""A component's change of status as stored with an update: [public id, name, old, new]."""

from components.models import Component
from components.status import Status


def change_row(component: Component, old: Status, new: Status) -> list[str]:
    """[public id, name, old status, new status]."""
    return [component.public_id, component.name, str(old), str(new)]
