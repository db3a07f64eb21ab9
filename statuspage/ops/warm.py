"""What the supervisor imports for its forks, and where they begin.

Nothing here may start a thread or open a connection: `load` runs before the forks.
"""

import importlib
import warnings
from collections.abc import Callable, Iterable

from django.db import connections

TASKS = ("components.tasks", "incidents.tasks", "statuspage.tasks", "subscribers.tasks")
# what the page and the worker use from their first second
MODULES = (
    "a2wsgi",
    "statuspage.serving.http1.server",
    "uvloop",
    "statuspage.urls",
    "statuspage.serving.door",
    "statuspage.serving.event_stream",
    "statuspage.serving.snapshot",
    "statuspage.ops.one_worker",
    *TASKS,
)


def load(names: Iterable[str] = MODULES) -> None:
    """Import what the forks share."""
    for name in names:
        importlib.import_module(name)


def as_role(role: str, run: Callable[[], None]) -> Callable[[], None]:
    """The life of a fork that plays this role."""

    def live() -> None:
        _begin(role)
        run()

    return live


def _begin(role: str) -> None:
    """Connections of our own, by our own name."""
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    options: dict[str, object] = connections.settings["default"]["OPTIONS"]
    if "application_name" in options:
        options["application_name"] = f"statuspage {role}"
    for name in list(connections):
        del connections[name]
