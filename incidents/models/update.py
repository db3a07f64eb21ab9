"""What we told the public, word for word, and what we noted for ourselves."""

from django.conf import settings
from django.db import models

from components.models.public_id import PublicIdField
from incidents.lifecycle import PUBLIC_KINDS, Kind, Phase
from incidents.models.incident import Incident


class Update(models.Model):
    """One entry in an incident's story, numbered from 1. A person's or the machine's."""

    public_id = PublicIdField()
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    number = models.PositiveIntegerField(editable=False)
    kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in Kind], default=Kind.POST)
    phase = models.CharField(max_length=15, choices=[(p.value, p.label) for p in Phase])
    body = models.TextField("text", max_length=25_000, help_text="Markdown.")
    is_by_machine = models.BooleanField(default=False, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, editable=False)
    first_body = models.TextField(blank=True, editable=False)
    changes = models.JSONField(
        default=list, editable=False, help_text="[component public id, name, old, new] each."
    )

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("incident", "number"), name="update_number_once"),)

    def __str__(self) -> str:
        return f"{self.incident} #{self.number}"

    @property
    def is_public(self) -> bool:
        """True for what strangers may read."""
        return self.kind in PUBLIC_KINDS
