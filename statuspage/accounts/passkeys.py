"""What a browser says of a passkey is data from outside: whatever it is, it is no error of ours.

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


class LoginForm(_Readable, theirs.LoginWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)


class AuthenticateForm(_Readable, theirs.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)


class ReauthenticateForm(_Readable, theirs.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField(widget=forms.HiddenInput)
