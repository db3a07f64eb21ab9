"""The updates of an incident, and staff's private notes."""

from datetime import datetime

from django.conf import settings
from django.db import models

from components.models.lines import LinesField
from components.models.public_id import PublicIdField
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase
from incidents.models.incident import Incident


class Update(models.Model):
    """One entry in an incident's timeline, numbered from 1; by a person or automatic."""

    public_id = PublicIdField()
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField(editable=False)
    kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in Kind], default=Kind.POST)
    phase = models.CharField(max_length=15, choices=[(p.value, p.label) for p in Phase])
    body = LinesField("text", max_length=25_000, help_text="Markdown.")
    is_by_machine = models.BooleanField(default=False, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, editable=False)
    first_body = LinesField(blank=True, editable=False)
    changes = models.JSONField(
        default=list, editable=False, help_text="[component public id, name, old, new] each."
    )

    step = models.CharField(  # what an automatic update says (incidents.steps); empty for a person's
        max_length=12, default="", db_default="", blank=True, editable=False
    )
    notifies = models.BooleanField(default=True, editable=False)  # False: no one is notified of this one
    undo_until = models.DateTimeField(null=True, editable=False)  # no one is notified before then
    before = models.JSONField(null=True, editable=False)  # see incidents.models.before

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("incident", "number"), name="update_number_once"),)

    def __str__(self) -> str:
        return f"{self.incident} #{self.number}"

    @property
    def is_public(self) -> bool:
        """Whether it is public: a post or a fact."""
        return self.kind in PUBLIC_KINDS

    def may_be_undone(self, now: datetime) -> bool:
        """Whether it is a post that no one can have been notified of yet."""
        return self.kind == Kind.POST and self.undo_until is not None and now < self.undo_until


class UpdateVersion(models.Model):
    """The text of an update before an edit."""

    update = models.ForeignKey(Update, on_delete=models.CASCADE, related_name="versions")
    body = LinesField()
    until = models.DateTimeField()
    replaced_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.update} until {self.until:%Y-%m-%d %H:%M}"
