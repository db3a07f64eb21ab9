"""The question before a person publishes an incident that affects only hidden components.

A component is hidden so that customers do not read about it. Results of its checks are shown to staff only;
what a person publishes is public with its title and text, whatever it affects.
"""

from collections.abc import Iterable

from components.models import Component

WARNING = (
    "Only hidden components are affected, but this will be public: everyone can read its title and text."
)
CONFIRM = "Publish it even though its components are hidden"


def are_all_hidden(components: Iterable[Component]) -> bool:
    """Whether there are any components, and the public sees none of them."""
    places = list(components)
    return bool(places) and not any(component.is_shown for component in places)
