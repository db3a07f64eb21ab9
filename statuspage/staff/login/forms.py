"""Forms of login and account pages."""

from typing import Any

from allauth.account import forms as theirs
from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.core.exceptions import ValidationError

from statuspage.models import Invitation
from statuspage.staff.login.adapters import AccountAdapter
from statuspage.staff.login.backends import person_of


class LoginForm(theirs.LoginForm):  # type: ignore[misc]
    """allauth's form, with a clearer label."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Name or email"
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["login"].widget.attrs["autocapitalize"] = "none"
        self.fields["password"].help_text = ""


LABELS = {
    "oldpassword": "Current password",
    "password1": "New password",
    "password2": "New password (again)",
}


class ChangePasswordForm(theirs.ChangePasswordForm):  # type: ignore[misc]
    """allauth's form, labelled as all of ours are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in LABELS.items():
            self.fields[name].label = label


class ResetPasswordForm(theirs.ResetPasswordKeyForm):  # type: ignore[misc]
    """The same for a link from a mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].label = LABELS[name]


class AcceptForm(forms.Form):
    """The new person's name, email address and password."""

    name = forms.CharField(
        max_length=150,
        help_text="You log in with it, and colleagues see it.",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        strip=False,
        help_text="At least 8 characters; a few words are better than a few symbols.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        self.fields["email"].initial = invitation.email

    def clean_name(self) -> str:
        """A valid and unused name that is not an email address."""
        return AccountAdapter().clean_username(self.cleaned_data["name"])

    def clean_email(self) -> str:
        """One address, one person."""
        email = str(self.cleaned_data["email"]).lower()
        if person_of(email) is not None or get_user_model().objects.filter(email__iexact=email).exists():
            raise ValidationError("Someone already has this address.")
        return email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        user = get_user_model()(username=data.get("name", ""), email=data.get("email", ""))
        if data.get("password"):
            try:
                password_validation.validate_password(data["password"], user)
            except ValidationError as error:
                self.add_error("password", error)
        return data
