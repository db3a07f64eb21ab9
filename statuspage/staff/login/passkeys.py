"""Malformed passkey data is refused, and never an error of ours.

allauth catches what it expects of a broken credential; numbers of thousands of digits, nesting
beyond Python's depth and fields of another type come out as errors of other kinds.
"""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as theirs
from django import forms
from django.core.exceptions import ValidationError

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class CredentialField(forms.JSONField):
    """A JSON field that refuses what Python cannot read, as it refuses invalid JSON."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class _Readable:
    """A mix-in for allauth's forms: unreadable credentials are refused."""

    def clean_credential(self) -> Any:
        """Whose passkey it is."""
        try:
            return super().clean_credential()  # type: ignore[misc]
        except ValidationError:
            raise
        except UNREADABLE as error:
            raise get_adapter().validation_error("incorrect_code") from error


class AddForm(theirs.AddWebAuthnForm):  # type: ignore[misc]
    """A key logs in without a password only if its owner said so when adding it.

    What the browser reports about the key (`credProps.rk`) is overruled: some keys are discoverable
    without being asked, and some browsers do not report it.
    """

    credential = CredentialField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except UNREADABLE as error:
            raise get_adapter().validation_error("incorrect_code") from error
        if credential := cleaned.get("credential"):
            results = credential.get("clientExtensionResults") or {}
            results["credProps"] = {"rk": bool(cleaned.get("passwordless"))}
            credential["clientExtensionResults"] = results
        return cleaned


class LoginForm(_Readable, theirs.LoginWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """Whose passkey it is. One that was added as a second factor is refused here, even if it is valid."""
        authenticator = super().clean_credential()
        if authenticator.wrap().is_passwordless is not True:
            raise ValidationError(
                "This key is a second factor: log in with your password first. "
                "To log in with the key alone, add it again and tick “Passwordless”."
            )
        return authenticator


class AuthenticateForm(_Readable, theirs.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)


class ReauthenticateForm(_Readable, theirs.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)
