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
    """JSON that Python refuses to read is as wrong as JSON that is none."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, RecursionError) as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class _Readable:
    """Beside one of allauth's forms."""

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

    What the browser tells of the key itself (`credProps.rk`) is overruled: some keys are kept on the
    device without being asked to, some browsers do not tell.
    """

    credential = CredentialField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = super().clean()
        except UNREADABLE as error:
            raise get_adapter().validation_error("incorrect_code") from error
        if credential := told.get("credential"):
            results = credential.get("clientExtensionResults") or {}
            results["credProps"] = {"rk": bool(told.get("passwordless"))}
            credential["clientExtensionResults"] = results
        return told


class LoginForm(_Readable, theirs.LoginWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)

    def clean_credential(self) -> Any:
        """Whose passkey it is. One that was added as a second factor is none here, whatever it proves."""
        found = super().clean_credential()
        if found.wrap().is_passwordless is not True:
            raise ValidationError(
                "This key is a second factor: log in with your password first. "
                "To log in with the key alone, add it again and tick “Passwordless”."
            )
        return found


class AuthenticateForm(_Readable, theirs.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)


class ReauthenticateForm(_Readable, theirs.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)
