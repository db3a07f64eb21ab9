"""Text templates of staff."""

from django.core.exceptions import ValidationError
from django.db import models

from components.models.lines import LineField, LinesField
from incidents import placeholders
from incidents.lifecycle import Phase


class TemplateKind(models.TextChoices):
    """Where a text is offered."""

    INCIDENT = "incident", "New incident"
    UPDATE = "update", "Update"
    MAINTENANCE = "maintenance", "Maintenance"


class Template(models.Model):
    """A text with placeholders in braces (`incidents.placeholders`); for a new incident also a title."""

    kind = models.CharField(max_length=12, choices=TemplateKind, default=TemplateKind.UPDATE)
    name = LineField(max_length=60)
    phase = models.CharField(
        max_length=15, blank=True, choices=[(p.value, p.label) for p in Phase],
        help_text="Choosing the template also chooses this phase.",
    )  # fmt: skip
    title = LineField(max_length=255, blank=True)
    body = LinesField(
        "text", max_length=25_000, help_text="Markdown, with placeholders such as {what works}."
    )
    position = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("kind", "position", "id")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check the placeholders of title and text. Raises ValidationError."""
        for field in ("title", "body"):
            try:
                placeholders.check(getattr(self, field))
            except placeholders.InvalidTemplateError as refused:
                raise ValidationError({field: refused.sentence}) from refused
