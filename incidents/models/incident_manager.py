"""Queries for incidents, and how people open one or record one that is over."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from components.models import Component, Page
from components.status import Status
from incidents.lifecycle import Phase
from incidents.models.posting import Post, Statuses, checked_status

if TYPE_CHECKING:
    from incidents.models.incident import Incident


class IncidentManager(models.Manager["Incident"]):
    def live(self) -> models.QuerySet["Incident"]:
        """All but those deleted, or merged into another."""
        return self.filter(deleted_at=None, merged_into=None)

    def public(self) -> models.QuerySet["Incident"]:
        """Published incidents, without deleted and merged ones."""
        return self.live().exclude(published_at=None)

    def open(
        self,
        title: str,
        body: str,
        *,
        now: datetime,
        components: Iterable[Component] = (),
        phase: Phase | str = Phase.INVESTIGATING,
        author: Any = None,
        started_at: datetime | None = None,
        **more: Any,
    ) -> "Incident":
        """A person opens an incident with a first post; `more`: its other fields. Raises ValidationError."""
        with transaction.atomic():
            Page.objects.lock()
            incident = self.model(title=title, started_at=started_at or now, created_at=now, is_owned=True)
            incident.full_clean()
            incident.refuse_future(incident.started_at, now)
            incident.save()
            for component in components:
                incident.touch(component, Status(component.status), incident.started_at)
            incident.log("opened", by=author or "the shell")
            incident.post(Post(body, phase=phase, **more), now=now, author=author)
        return incident

    def record(
        self,
        title: str,
        body: str,
        *,
        started_at: datetime,
        ended_at: datetime,
        now: datetime,
        statuses: Statuses,
        author: Any = None,
        told: Iterable[tuple[Phase, datetime, str]] = (),
    ) -> "Incident":
        """Record an incident that is over (back-filled): no one is notified, no status changes.

        `statuses` are those at the worst moment; `told` are the updates before the last
        one, oldest first. Raises ValidationError.
        """
        if not started_at < ended_at <= now:
            raise ValidationError({"ended_at": "The end must be after the start and not in the future."})
        told = list(told)
        if any(phase is Phase.RESOLVED or not started_at <= at <= ended_at for phase, at, _ in told):
            raise ValidationError({"told": "Its updates must be between its start and its end."})
        with transaction.atomic():
            Page.objects.lock()
            incident = self.model(title=title, started_at=started_at, created_at=now, is_owned=True)
            incident.full_clean()
            incident.save()
            for component, status in statuses.items():
                incident.touch(component, checked_status(status), started_at)
                incident.touch(component, Status.OPERATIONAL, started_at)
            incident.log("opened", by=author or "the shell", is_past=True)
            for phase, at, words in told:
                incident.say(words, phase, at, author=author)
            incident.updates.update(notifies=False)
            last = Post(body, phase=Phase.RESOLVED, at=ended_at, notifies=False)
            incident.post(last, now=now, author=author)
            incident.resolved_at, incident.recovered_since = ended_at, None
            incident.published_at = told[0][1] if told else ended_at
            incident.save(update_fields=["resolved_at", "published_at", "recovered_since"])
        return incident

    def set_back(self, now: datetime, back: timedelta) -> None:
        """After the clock was put back by `back`: move countdowns and automatic promises back as well.

        Promises of staff stay: people read them off their own clocks.
        """
        automatic = self.live().filter(resolved_at=None, is_owned=False)
        for name in ("settle_at", "publish_at", "next_update_at"):
            automatic.filter(**{f"{name}__gt": now}).update(**{name: models.F(name) - back})
