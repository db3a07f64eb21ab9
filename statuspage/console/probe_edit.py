"""The form of a probe in the console: the options of its kind, and what was changed meanwhile."""

from typing import Any

from django import forms
from django.forms.models import model_to_dict

from components.client_certificates import CERTIFICATE
from components.forms import KindForm, name_of
from statuspage.console.conflicts import OVERWRITE, SHOWN, ConflictCheck


class EditForm(ConflictCheck, KindForm):
    """A probe with the options of its chosen kind, refused if another form saved it meanwhile."""

    acts = ("probe.",)

    def shown_values(self) -> dict[str, Any]:
        """Its columns, its options as fields, the regions of its siblings, its certificate."""
        probe = self.instance
        return {
            **model_to_dict(probe, self._meta.fields),
            **{name_of(probe.kind, name): value for name, value in probe.named_options.items()},
            "other_regions": self.initial.get("other_regions", ""),
            CERTIFICATE: probe.client_certificate,
        }

    @property
    def beside_button(self) -> list[forms.BoundField]:
        """What the form was opened with, and the box that saves over newer values; none for a new probe."""
        return [self[name] for name in (SHOWN, OVERWRITE) if name in self.fields]

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """As of every probe; what belongs to no section stands beside the button."""
        parts = super().sections
        return [
            (title, [field for field in fields if field.name not in (SHOWN, OVERWRITE)])
            for title, fields in parts
        ]
