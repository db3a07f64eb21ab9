"""Forms for people and invitations."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from statuspage.models import Audit, Role

ROLES = [(role.value, role.label) for role in Role]


class RoleForm(forms.Form):
    """One of the four roles."""

    role = forms.TypedChoiceField(choices=ROLES, coerce=lambda value: Role(int(value)))


class InviteForm(RoleForm):
    """An email address and a role."""

    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ("email", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = Role.RESPONDER.value

    def clean_email(self) -> str:
        """One address, one person."""
        email = str(self.cleaned_data["email"]).lower()
        if get_user_model().objects.filter(email__iexact=email).exists():
            raise ValidationError("Someone already has this address: change their role below.")
        return email


class AuditForm(forms.Form):
    """A search of the audit log; every field is optional."""

    words = forms.CharField(required=False, max_length=200)
    actor = forms.CharField(required=False, max_length=150, label="Who")
    act = forms.ChoiceField(required=False, label="What")
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        acts = Audit.objects.order_by("act").values_list("act", flat=True).distinct()
        self.fields["act"].choices = [("", "anything"), *((act, act) for act in acts)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if isinstance(since, date) and isinstance(until, date) and until < since:
            self.add_error("until", "This is before the first day.")
        return data
