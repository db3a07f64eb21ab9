"""Unpublished text of staff, one draft per person and incident, saved every two seconds.

Two people writing at once have a draft each, so neither can overwrite the other's text.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction

from components.models import Page
from incidents.models.incident import Incident
from incidents.models.taken import TakenForm

MAX_LENGTH = 30_000  # characters of all fields: an update takes 25,000
STILL_WRITING = timedelta(seconds=60)  # a draft saves itself every two seconds


class DraftManager(models.Manager["Draft"]):
    def keep(
        self, incident: Incident | None, author: Any, data: dict[str, Any], now: datetime
    ) -> "Draft | None":
        """Save what this person has typed so far, even if the text is empty.

        None if the form was published meanwhile: its text must not come back as a draft.
        """
        with transaction.atomic():
            Page.objects.lock()  # not between publishing the form and storing its key
            if TakenForm.objects.of(str(data.get("key", "")), author):
                return None
            draft, _ = self.update_or_create(
                incident=incident, author=author, defaults={"data": data, "saved_at": now}
            )
        return draft

    def of(self, incident: Incident | None, author: Any) -> "Draft | None":
        """This person's draft here; None without one."""
        return self.filter(incident=incident, author=author).first()

    def beside(self, incident: Incident | None, author: Any, now: datetime) -> "list[Draft]":
        """Drafts of others, saved within STILL_WRITING, with text, and since it was resolved."""
        over_at = incident.resolved_at if incident else None
        others = self.filter(incident=incident, saved_at__gte=now - STILL_WRITING).exclude(author=author)
        if over_at is not None:
            others = others.filter(saved_at__gt=over_at)
        return [draft for draft in others.select_related("author") if draft.data.get("body", "").strip()]


class Draft(models.Model):
    """`incident` None: a new incident. `data` is the form as it was sent: plain strings."""

    incident = models.ForeignKey(Incident, null=True, on_delete=models.CASCADE, related_name="drafts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    data = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    objects = DraftManager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("incident", "author"), name="one_draft_per_person"),
            models.UniqueConstraint(
                fields=("author",), condition=models.Q(incident=None), name="one_new_draft_per_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.author} on {self.incident or 'a new incident'}"
