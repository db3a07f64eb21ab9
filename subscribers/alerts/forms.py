"""Forms for staff's alert channels."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from components import egress
from components.egress import EgressError
from subscribers import emails
from subscribers.alerts import sending
from subscribers.channels import apprise

MAX_ADDRESS = 1_000
JUDGE_S = 5.0
# they act on this machine itself, not on a service elsewhere
LOCAL_SCHEMES = frozenset(
    {"dbus", "glib", "gio", "gnome", "kde", "macosx", "qt", "syslog", "windows", "file"}
)


class MailForm(forms.Form):
    """An email address for alerts."""

    address = forms.CharField(label="Email address", max_length=254)

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"]).strip()
        validate_email(address)
        try:
            emails.receiver(address)
        except emails.NoAddressError as error:
            raise ValidationError("Enter an email address that mail can be sent to.") from error
        return address


class AppriseForm(forms.Form):
    """An Apprise URL for alerts."""

    address = forms.CharField(
        label="Apprise URL",
        max_length=MAX_ADDRESS,
        help_text=(
            "Such as ntfys://ntfy.example.org/topic or tgram://token/chat. Stored encrypted; not shown again."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_address(self) -> str:
        address = str(self.cleaned_data["address"]).strip()
        scheme = urlsplit(address).scheme.lower()
        if scheme in LOCAL_SCHEMES or apprise.library().Apprise.instantiate(address) is None:
            raise ValidationError("Apprise does not recognize this address, or part of it is missing.")
        try:
            asyncio.run(asyncio.wait_for(sending.judge(address, egress.through(egress.Door.ALERTS)), JUDGE_S))
        except EgressError as error:
            raise ValidationError(error.sentence) from error
        except TimeoutError as error:
            raise ValidationError("Its host could not be looked up in time. Try again.") from error
        return address


AT_LEAST = ("Any impact", "Minor or worse", "Major or worse", "Critical only")  # in the order of Impact


class ChoicesForm(forms.Form):
    """Which alerts are sent to a channel."""

    wants_incidents = forms.BooleanField(required=False)
    wants_system = forms.BooleanField(required=False)
    least_impact = forms.ChoiceField(required=False, choices=list(enumerate(AT_LEAST)))

    def clean_least_impact(self) -> int:
        """The rank in Impact; 0 (any) if the form has no such field."""
        return int(self.cleaned_data["least_impact"] or 0)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not (data.get("wants_incidents") or data.get("wants_system")):
            raise ValidationError("Choose at least one, or remove the channel.")
        return data
