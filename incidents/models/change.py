"""How an update keeps the change of a component's status: [public id, name, old, new]."""

from components.models import Component
from components.status import Status


def change_row(component: Component, old: Status, new: Status) -> list[str]:
    """[public id, name, old status, new status]."""
    return [component.public_id, component.name, str(old), str(new)]
