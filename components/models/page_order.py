"""The order of groups and components on the page.

Every row has one number, groups and components alike, 1 to n as the page lists
them. A change is always "this one behind that one", carried out on the order
as it is now, so what a stale page does not know of is not lost.
"""

from dataclasses import dataclass

from django.db import transaction

from components.models.component import Component, Group
from components.models.page import Page

LOOSE = "loose"  # the key of the block of components without a group


@dataclass(slots=True)
class Block:
    """A group with its components; `group` None for those that belong to none."""

    group: Group | None
    components: list[Component]

    @property
    def key(self) -> str:
        """Its name in forms."""
        return self.group.public_id if self.group else LOOSE

    @property
    def position(self) -> int:
        """Where the page shows it. An empty block of loose ones is last."""
        if self.group:
            return self.group.position
        return min((component.position for component in self.components), default=2**31)


def blocks() -> list[Block]:
    """The page as it is, in two queries; the block of loose components is always there."""
    by_id = {group.pk: Block(group, []) for group in Group.objects.all()}
    loose = Block(None, [])
    for component in Component.objects.select_related("group"):
        by_id.get(component.group_id or 0, loose).components.append(component)
    return sorted([*by_id.values(), loose], key=lambda block: (block.position, block.group is None))


def put(component: Component, key: str, *, after: str = "") -> None:
    """Put a component into the block of this key, behind the component `after`.

    First if `after` is empty; last if it does not exist (any more). If the block no longer
    exists, the block of components without a group is used.
    """
    with transaction.atomic():
        Page.objects.lock()
        page = blocks()
        moved = _take(page, component)
        block = next((block for block in page if block.key == key), None) or _loose(page)
        place = _behind([other.public_id for other in block.components], after)
        block.components.insert(place, moved)
        _write(page)


def put_block(key: str, *, after: str = "") -> None:
    """Put a whole block behind the block `after`; first if that is empty, last if it no longer exists."""
    with transaction.atomic():
        Page.objects.lock()
        page = blocks()
        moved = next((block for block in page if block.key == key), None)
        if moved is None:
            return
        page.remove(moved)
        page.insert(_behind([block.key for block in page], after), moved)
        _write(page)


def step(component: Component, by: int) -> bool:
    """Move one place up (-1) or down (1), also into the next group. False at the end of the page."""
    with transaction.atomic():
        Page.objects.lock()
        page = blocks()
        at = next(n for n, block in enumerate(page) if component in block.components)
        row = page[at].components
        place = row.index(component)
        if 0 <= place + by < len(row):
            row.insert(place + by, row.pop(place))
        elif 0 <= at + by < len(page):
            other = page[at + by].components
            other.insert(len(other) if by < 0 else 0, row.pop(place))
        else:
            return False
        _write(page)
    return True


def step_block(key: str, by: int) -> bool:
    """Move a block one place up or down. False at the end of the page, or if it no longer exists."""
    with transaction.atomic():
        Page.objects.lock()
        page = blocks()
        place = next((n for n, block in enumerate(page) if block.key == key), None)
        if place is None or not 0 <= place + by < len(page):
            return False
        page.insert(place + by, page.pop(place))
        _write(page)
    return True


def _take(page: list[Block], component: Component) -> Component:
    for block in page:
        if component in block.components:
            return block.components.pop(block.components.index(component))
    raise Component.DoesNotExist(f"{component} is not on the page.")


def _loose(page: list[Block]) -> Block:
    return next(block for block in page if block.group is None)


def _behind(keys: list[str], after: str) -> int:
    if not after:
        return 0
    return keys.index(after) + 1 if after in keys else len(keys)


def _write(page: list[Block]) -> None:
    """Number the rows again, and save those that changed."""
    groups, components, number = [], [], 0
    for block in page:
        if block.group is not None:
            number += 1
            if block.group.position != number:
                block.group.position = number
                groups.append(block.group)
        for component in block.components:
            number += 1
            group_id = block.group.pk if block.group else None
            if (component.position, component.group_id) != (number, group_id):
                component.position, component.group_id = number, group_id
                components.append(component)
    Group.objects.bulk_update(groups, ["position"])
    Component.objects.bulk_update(components, ["position", "group"])
    Page.objects.bump_version(is_public=bool(groups) or any(component.is_shown for component in components))
