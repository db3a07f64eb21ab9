"""What depends on what: the components that a component needs to work (`Component.needs`)."""

from collections.abc import Iterable, Mapping

from components.models.component import Component


def edges() -> dict[int, set[int]]:
    """The ids of what each component needs directly, by its own id."""
    needs: dict[int, set[int]] = {}
    for child, parent in Component.objects.exclude(needs=None).values_list("pk", "needs"):
        needs.setdefault(child, set()).add(parent)
    return needs


def reached(start: Iterable[int], needs: Mapping[int, set[int]]) -> set[int]:
    """Everything that these need, directly or through others; themselves only within a circle."""
    seen: set[int] = set()
    waiting = [parent for child in start for parent in needs.get(child, ())]
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            waiting.extend(needs.get(key, ()))
    return seen


def circle(component: Component, parents: Iterable[Component]) -> Component | None:
    """The first of these parents that needs the component itself, directly or through others."""
    needs = edges()
    for parent in parents:
        if parent.pk == component.pk or component.pk in reached([parent.pk], needs):
            return parent
    return None


def dependents(component: Component) -> list[Component]:
    """All that need it, directly or through others, in the order of the page."""
    needs = edges()
    ids = {child for child in needs if component.pk in reached([child], needs)}
    return list(Component.objects.filter(pk__in=ids - {component.pk}).select_related("group"))
