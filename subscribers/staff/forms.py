"""Staff's forms for subscribers."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from components.models import Component, Group
from components.status import Impact
from subscribers import addresses, csv_format
from subscribers.models import Subscriber
from subscribers.states import Channel

IMPACTS = [
    (
        rank,
        "any" if rank == 0 else f"{impact.value} and worse" if impact is not Impact.CRITICAL else "critical",
    )
    for rank, impact in enumerate(Impact)
]


class ChoicesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a subscriber is notified of."""

    least_impact = forms.TypedChoiceField(choices=IMPACTS, coerce=int, label="Incidents of impact")

    class Meta:
        model = Subscriber
        fields = ("is_all", "groups", "components", "wants_incident", "wants_maintenance", "wants_postmortem",
                  "wants_component", "wants_report", "least_impact", "is_digest")  # fmt: skip
        widgets: ClassVar = {
            "components": forms.CheckboxSelectMultiple,
            "groups": forms.CheckboxSelectMultiple,
        }
        help_texts: ClassVar = {"is_all": "Including those added later. Otherwise those ticked below."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["components"]
        chosen.queryset = Component.objects.order_by("group__position", "position", "id")
        groups: Any = self.fields["groups"]
        groups.queryset = Group.objects.order_by("position", "id")
        if self._channel() != Channel.EMAIL:
            del self.fields["is_digest"], self.fields["wants_report"]

    def _channel(self) -> str:
        return self.instance.channel or Channel.EMAIL

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        picked = data.get("components") or data.get("groups")
        follows = self.instance.pk is not None and self.instance.follows.exists()
        if not data.get("is_all") and not picked and not follows:
            raise ValidationError({"is_all": "Tick all components, or some of them."})
        return data


class AddForm(ChoicesForm):
    """A new subscriber, added by staff."""

    channel = forms.ChoiceField(
        choices=[(item.value, item.label) for item in Channel if item in csv_format.BY_HAND]
    )
    address = forms.CharField(
        max_length=addresses.MAX_LENGTH, help_text="An email address, or a full https:// address."
    )
    agreed = forms.BooleanField(
        required=False, label="They agreed",
        help_text="They get updates from now on without confirming. Your name is recorded.",
    )  # fmt: skip
    field_order = ("channel", "address", "agreed")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "channel" in data and "address" in data:
            data["address"] = addresses.checked(data["channel"], data["address"], for_staff=True)
            if Subscriber.objects.at(data["channel"], data["address"]) is not None:
                raise ValidationError({"address": "This address is already subscribed: search for it."})
        return data


class StopForm(forms.Form):
    """The reason for stopping a subscriber."""

    why = forms.CharField(max_length=250, label="Why")


class ImportForm(forms.Form):
    """A CSV file to import."""

    file = forms.FileField(label="CSV file, UTF-8", max_length=200)
    asks = forms.BooleanField(
        required=False, label="Ask each to confirm first",
        help_text="Otherwise no one is emailed, and they get updates from now on.",
    )  # fmt: skip

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            raise ValidationError(
                "The file is larger than 50 MB: split it, or use manage.py import_subscribers."
            )
        return file
