"""The end of maintenance: components still down then get an incident from that moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from components.models import Component, Page
from incidents.automation.opening import begin_after
from incidents.models import Maintenance


def advance_maintenance(now: datetime) -> None:
    """Start, remind of and end planned work that is due: starts and reminders first, then ends.

    So a component that goes from one window straight into the next is never between them.
    """
    due = Maintenance.objects.due(now)
    for work in sorted(due, key=lambda work: work.is_active):
        with transaction.atomic():
            if work.advance(now):
                complete_maintenance(work, now)


def complete_maintenance(work: Maintenance, now: datetime, *, author: Any = None) -> None:
    """End the work and open incidents for components still down. Raises ValidationError."""
    with transaction.atomic():
        Page.objects.lock()
        _open_incidents(work.close(now, author=author), now)
        work.plan_ahead(now)


def _open_incidents(down: Sequence[Component], now: datetime) -> None:
    """One incident per group, or per component without a group."""
    for group in dict.fromkeys(component.group for component in down):
        if group is not None:
            begin_after([component for component in down if component.group == group], now)
    for component in down:
        if component.group is None:
            begin_after([component], now)
